"""Rows of the delivery manual that need a test of their own: any body's
signature, the whole list of retries, the breaker as it comes, work in flight,
and streams and Redis that go away. FU1 FU2 FU3."""

import json
import random
import signal
import time

import pytest
import sink as faults
from gateways import Sender
from harness import Producer, wait_until
from sink import OK, answer
from test_delivery import ASK, FAST, delivered, row
from test_kill import judge, settle
from vclock import Clock

MINUTE, HOUR = 60, 3600
# of Standard Webhooks; the endpoint below says nothing of its own
LIST = [0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR,
        14 * HOUR, 20 * HOUR, 24 * HOUR]


# ---- signature ----

BODIES = ["", "{}", "null", '"账单 \u202e Ünïcode 😀 \\u0000"', '{"a":"\u2028"}',
          "[1e400]", '{"test": 2432232314}', json.dumps({"x": "é" * 30_000})]


def test_any_body_verifies(world):
    """FU2: empty, of any language, long: the reference library takes it, and
    its id is of the letters that are allowed."""
    receiver = world.start_receiver("receiver.mjs")
    sender = Sender(world, world.conf(
        "/nowhere/redis.sock",
        endpoints=world.endpoint("crm", receiver.url(), FAST)))
    r = random.Random(7)
    bodies = BODIES + [json.dumps("".join(
        chr(r.choice([r.randrange(32, 127), r.randrange(0x4e00, 0x9fff),
                      r.randrange(0x1f300, 0x1f6ff)]))
        for _ in range(r.randrange(200))), ensure_ascii=False)
        for _ in range(50)]
    for i, text in enumerate(bodies):
        sender.proc.stdin.write(json.dumps({
            "endpoint": "crm", "id": f"fu_{i}-A", "to": "",
            "body": text}) + "\n")
        sender.proc.stdin.flush()
        assert json.loads(sender.proc.stdout.readline())["class"] == "ok", text
    got = wait_until(lambda: len(receiver.requests()) == len(bodies) and
                     receiver.requests())
    assert [g["body"] for g in got] == bodies
    assert [g["id"] for g in got] == [f"fu_{i}-A" for i in range(len(bodies))]
    assert all(g["verified"] for g in got), [
        g for g in got if not g["verified"]][:1]


# ---- the list of retries ----

def test_the_whole_list_and_then_dead(world):
    """FU1, convoy#1833: three days of failures are the ten attempts of the
    default list, each within its fifth of jitter, and then it is dead."""
    clock = Clock(world)
    at = []

    def respond(r):
        at.append(clock.now())
        return answer(500)

    redis, d = clock.world(
        world, loop=ASK.replace('budget = "1h"', 'budget = "30d"'),
        endpoints=world.endpoint("crm", world.sink(respond).url(), ""))
    Producer(redis).open("C-1")
    clock.run(d, redis, 20, step=1)
    clock.run(d, redis, 4 * 24 * HOUR, lambda: d.rows("dead list"), step=60)
    letter, = d.rows("dead list")
    assert letter["attempts"] == len(at) == len(LIST)
    assert letter["reason"] == "exhausted"
    for k in range(1, len(LIST)):
        wait, step = at[k] - at[k - 1], 1 if k < 2 else 60
        # the breaker may hold a probe back, for ten minutes at most
        assert LIST[k] * 0.8 - 1 <= wait <= LIST[k] * 1.2 + 2 * step + (
            600 if k > 4 else 0), (k, wait)


# ---- breaker ----

def test_five_failures_open_it_and_one_probe_asks(world, redis, producer):
    """FU3: as it comes, without a word in conf: five failures, then nobody,
    and behind the cooldown one request alone, whatever waits."""
    down = [True]

    def respond(r):
        return answer(500) if down[0] else OK

    sink = world.sink(respond)
    d = world.daemon(redis, loop=ASK, endpoint_more=(
        'timeout = "2s"  inflight = 1  breaker_cooldown = "3s"\n'
        '    retry = {"0s", "1m"}'))
    for i in range(12):
        producer.open(f"C-{i}")

    def breaker():
        return d.rows("endpoints")[0]["breaker"]
    wait_until(lambda: breaker() == "open")
    assert len(sink.requests) == 5
    wait_until(lambda: len(sink.requests) > 5, 10)
    assert sink.requests[5].at - sink.requests[4].at > 1.4
    wait_until(lambda: breaker() == "open")
    assert len(sink.requests) == 6
    down[0] = False
    wait_until(lambda: breaker() == "closed", 20)
    wait_until(lambda: len({r.id for r in sink.requests}) == 12)


# ---- in flight ----

def test_killed_in_a_request_it_goes_again(world, redis, producer):
    """convoy#1977: nothing stays in flight for ever: what a kill -9 leaves on
    the wire is sent again under its id, without a sweeper."""
    sink = world.sink(lambda r: faults.silence if r.n == 0 else OK)
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST.replace(
        '"1s"\n', '"5s"\n', 1))
    producer.open("C-1")
    wait_until(lambda: sink.requests)
    assert d.status()["in_flight"] == 1
    d.kill9()
    d.start()
    wait_until(lambda: delivered(redis, "C-1"))
    assert len(sink.requests) == 2
    assert len({(r.id, r.body) for r in sink.requests}) == 1
    settle(d, redis)
    judge(d, redis, producer, sink)


# ---- Redis ----

def test_a_stream_that_is_deleted_is_read_on_within_five_seconds(
        world, redis, producer):
    """svix#1844: the stream and its group are gone under a running daemon, and
    somebody writes at once: read within five seconds, and said."""
    sink = world.sink()
    d = world.daemon(redis, loop=ASK)
    producer.open("C-1")
    wait_until(lambda: delivered(redis, "C-1"))
    redis.client.delete("complaints")
    producer.open("C-2")
    wait_until(lambda: delivered(redis, "C-2"), 5)
    wait_until(lambda: redis.client.xinfo_groups("complaints"), 5)
    assert d.state() == "running" and len(sink.requests) == 2
    assert d.logged("(stream|group)_remade shard=complaints")


@pytest.mark.parametrize("how", ["killed", "stalled"])
def test_redis_away_for_a_minute(world, how):
    """outpost#881: for a minute; all goes on by itself, what was due and what
    comes behind it, and nothing is lost."""
    clock = Clock(world)
    sink = world.sink()
    redis, d = clock.world(
        world, loop=ASK,
        endpoints=world.endpoint("crm", sink.url(), 'rate = "1/10s"'))
    producer = Producer(redis)
    for i in range(3):
        producer.open(f"C-{i}")
    wait_until(lambda: redis.applied() == 3)
    if how == "killed":
        redis.kill9()
    else:
        redis.signal(signal.SIGSTOP)
    for _ in range(6):
        clock.jump(10)
        time.sleep(0.05)
    if how == "killed":
        redis.restart()
    else:
        redis.signal(signal.SIGCONT)
    wait_until(lambda: d.state() == "running", 30)
    producer.open("C-9")
    wait_until(lambda: redis.applied() == 4)
    assert clock.run(d, redis, 10 * MINUTE, lambda: redis.waiting() == 0)
    settle(d, redis)
    assert len({r.id for r in sink.requests}) == 4
    for c in ("C-0", "C-1", "C-2", "C-9"):
        assert delivered(redis, c) and row(d, c) is None
