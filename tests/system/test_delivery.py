"""How follow-ups leave, and what receivers do to us. FU1 FU2 FU3 FU4 FU11,
faults 47, 48, 49, 50, 52, 55."""

import signal
import threading
import time

import pytest
import sink as faults
from harness import LOOP, SECRET, wait_until
from sink import OK, Sink, answer
from test_kill import judge, settle

# One follow-up a complaint, at once: `ask` of a first stage.
ASK = LOOP.replace(
    'rung "warn"     { at = "50%"  to = "owner"      via = {"crm"} }',
    'rung "hello"    { at = "0%"   to = "owner"      via = {"crm"} }').replace(
    'budget = "2s"', 'budget = "1h"')
FAST = ('timeout = "1s"\n    retry = {"0s", "1s", "1s"}\n    jitter = "0%"\n'
        '    breaker_cooldown = "500ms"')


def notes(redis, complaint):
    return [line for line in redis.journal(complaint)
            if b"followup." in line]


def row(daemon, complaint):
    rows = daemon.rows(f"followups --complaint {complaint}")
    return rows[0] if rows else None


def delivered(redis, complaint):
    return any(b"followup.delivered" in n for n in notes(redis, complaint))


def test_a_receiver_that_is_down_gets_everything_later(
        world, redis, producer):
    """FU1: through two restarts of the daemon; same ids, same bytes."""
    down = [True]
    sink = world.sink(lambda r: answer(503) if down[0] else OK)
    more = ('retry = {"0s", "1s", "1s", "2s", "2s", "2s", "2s", "2s", "2s"}\n'
            'breaker_cooldown = "1s"')
    d = world.daemon(redis, loop=ASK, endpoint_more=more)
    for i in range(10):
        producer.open(f"C-{i}")
    wait_until(lambda: sink.requests)
    for _ in range(2):
        d.kill9()
        d.start()
    down[0] = False
    d.ctl("endpoints", "reset", "crm")
    settle(d, redis)
    assert {r.json["data"]["complaint"]["id"] for r in sink.requests} == {
        f"C-{i}" for i in range(10)}
    judge(d, redis, producer, sink)


def test_each_attempt_is_signed_anew(world, redis, producer):
    """FU2: same id, same bytes, fresh timestamp, valid signature."""
    sink = world.sink(lambda r: answer(500) if r.n < 2 else OK)
    world.daemon(redis, loop=ASK, endpoint_more=FAST)
    producer.open("C-1")
    wait_until(lambda: delivered(redis, "C-1"))
    a, b, c = sink.requests
    assert a.id == b.id == c.id and a.body == b.body == c.body
    assert int(c.headers["webhook-timestamp"]) > \
        int(a.headers["webhook-timestamp"])
    assert all(r.verified(SECRET) for r in sink.requests)


def test_retry_after_is_obeyed(world, redis, producer):
    """FU1, fault 48: 429 keeps the whole endpoint quiet for as long as said."""
    sink = world.sink(lambda r: answer(429, "retry-after: 3")
                      if r.n == 0 else OK)
    world.daemon(redis, loop=ASK, endpoint_more=FAST)
    producer.open("C-1")
    wait_until(lambda: len(sink.requests) == 1)
    producer.open("C-2")
    wait_until(lambda: delivered(redis, "C-1") and delivered(redis, "C-2"))
    assert sink.requests[1].at - sink.requests[0].at >= 2.9


@pytest.mark.parametrize("after", ["garbage", "-5", "99999999999999999999",
                                   "Sat, 99 Foo 2026 00:00:00 GMT", ""])
def test_a_senseless_retry_after_harms_nobody(world, redis, producer, after):
    """Fault 48: capped or passed over; the follow-up is kept."""
    world.sink(lambda r: answer(429, f"retry-after: {after}")
               if r.n == 0 else OK)
    d = world.daemon(redis, loop=ASK,
                     endpoint_more=FAST + '\n    retry_after_max = "2s"')
    producer.open("C-1")
    wait_until(lambda: delivered(redis, "C-1"), 15)
    assert d.rows("dead list") == []


@pytest.mark.parametrize("status,ends", [
    (500, "dead"), (502, "dead"), (404, "dead"), (301, "dead"), (204, "ok"),
    (201, "ok")])
def test_status_policy(world, redis, producer, status, ends):
    """Fault 48: 2xx only is success; the end of the list is dead, and every
    attempt was recorded."""
    sink = world.sink(lambda r: answer(
        status, "location: http://127.0.0.1:1/elsewhere"))
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST +
                     '\n    breaker_failures = 100')
    producer.open("C-1")
    if ends == "ok":
        wait_until(lambda: delivered(redis, "C-1"))
        assert len(sink.requests) == 1
        return
    letter = wait_until(lambda: d.rows("dead list"), 20)[0]
    assert letter["complaint"] == "C-1" and letter["status"] == status
    assert letter["attempts"] == len(sink.requests)
    settle(d, redis)
    judge(d, redis, producer, sink)


def test_a_redirect_is_not_followed(world, redis, producer):
    """Fault 52: 3xx is a failure, its Location is kept for people."""
    other = Sink()
    world.closers.append(other.stop)
    world.sink(lambda r: answer(302, f"location: {other.url()}"))
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST)
    producer.open("C-1")
    wait_until(lambda: d.rows("dead list"), 20)
    assert other.requests == []
    assert "redirect" in str(d.rows("dead list"))


@pytest.mark.parametrize("fault", ["silence", "drip", "only_continue"])
def test_a_receiver_that_never_ends_is_cut(world, redis, producer, fault):
    """FU4, fault 47: the total time is the limit, the slot is free again, the
    next attempt has the same id."""
    act = getattr(faults, fault)
    sink = world.sink(lambda r: act if r.n == 0 else OK)
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST)
    producer.open("C-1")
    tried = wait_until(lambda: row(d, "C-1") and
                       [a for a in row(d, "C-1")["log"] if a["error"]], 10)
    assert tried[0]["took_ms"] < 2500
    assert "timeout" in str(tried[0])
    wait_until(lambda: delivered(redis, "C-1"))
    assert len({r.id for r in sink.requests}) == 1


def test_a_receiver_that_never_reads_is_cut(world, redis, producer):
    """FU4, fault 47: accepted, never read."""
    sink = world.sink()
    sink.refuse_reading = True
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST)
    producer.open("C-1")
    wait_until(lambda: d.rows("dead list"), 20)
    assert d.rows("dead list")[0]["attempts"] == 3


@pytest.mark.parametrize("fault", ["reset", "truncated"])
def test_a_broken_answer_is_tried_again(world, redis, producer, fault):
    """Fault 49: nobody knows whether it was read; the same id again."""
    act = getattr(faults, fault)
    sink = world.sink(lambda r: act if r.n == 0 else OK)
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST)
    producer.open("C-1")
    wait_until(lambda: delivered(redis, "C-1"))
    assert len(sink.requests) == 2
    assert len({(r.id, r.body) for r in sink.requests}) == 1
    settle(d, redis)
    judge(d, redis, producer, sink)


def test_an_endless_answer_is_capped(world, redis, producer):
    """Fault 50: we read a few KiB and hang up; memory stays flat."""
    world.sink(lambda r: faults.endless)
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST)
    producer.open("C-1")
    wait_until(lambda: d.rows("dead list") or delivered(redis, "C-1"), 20)


def test_breaker_dead_letters_and_replay(world, redis, producer):
    """FU3: failures open the breaker of that endpoint only; what is exhausted
    is dead with its cause; a replay sends it under the same id."""
    broken = [True]
    sink = world.sink(lambda r: answer(500) if broken[0] else OK)
    fine = Sink()
    world.closers.append(fine.stop)
    loop = ASK.replace('to = "supervisor" via = {"crm"}',
                       'to = "supervisor" via = {"desk"}').replace(
        'to = "customer" via = {"crm"}', 'to = "customer" via = {"desk"}')
    more = ('timeout = "1s"\n    retry = {"0s", "1s"}\n    jitter = "0%"\n'
            '    breaker_failures = 4\n    breaker_cooldown = "1s"\n'
            '    breaker_cooldown_max = "1s"')
    d = world.daemon(redis, loop=loop, endpoints=(
        world.endpoint("crm", sink.url(), more) +
        world.endpoint("desk", fine.url())))
    for i in range(4):
        producer.open(f"C-{i}")

    def endpoint(name):
        return next(e for e in d.rows("endpoints") if e["name"] == name)
    wait_until(lambda: endpoint("crm")["breaker"] == "open", 10)
    assert endpoint("desk")["breaker"] == "closed"
    for stage, m in (("listen", {}), ("apologize", {}),
                     ("resolve", {"root_cause": "x", "action": "y"})):
        producer.emit("stage.completed", "C-0", stage=stage, **m)
    wait_until(lambda: fine.of("C-0"))
    dead = wait_until(lambda: len(d.rows("dead list")) >= 3 and
                      d.rows("dead list"), 30)
    assert all(r["status"] == 500 and r["attempts"] == 2 and
               r["endpoint"] == "crm" for r in dead)
    broken[0] = False
    sink.requests.clear()
    wait_until(lambda: endpoint("crm")["waiting"] == 0, 20)
    ids = {r["id"] for r in d.rows("dead list")}
    status, _, err = d.ctl("dead", "replay", "--all")
    assert status == 0, err
    wait_until(lambda: ids <= set(sink.ids()), 15)
    assert d.rows("dead list") == []
    settle(d, redis)


def test_a_stale_followup_is_not_sent(world, redis, producer):
    """FU11: its stage ended while it waited; superseded, said so."""
    sink = world.sink(lambda r: answer(500))
    d = world.daemon(redis, loop=ASK, endpoint_more='retry = {"0s", "1h"}')
    producer.open("C-1")
    wait_until(lambda: row(d, "C-1") and row(d, "C-1")["attempts"] == 1)
    producer.emit("stage.completed", "C-1", stage="listen")
    wait_until(lambda: any(b"followup.suppressed" in n and b"superseded" in n
                           for n in notes(redis, "C-1")))
    assert d.rows("followups") == [] and len(sink.requests) == 1


@pytest.mark.parametrize("state", ["failed", "delivered"])
def test_a_receipt_ends_what_waits_for_its_next_try(
        world, redis, producer, state):
    """FU6: what a gateway gives up is with the dead letters, body and all, and
    can be replayed; what it has delivered is not tried again."""
    broken = [True]
    sink = world.sink(lambda r: answer(500) if broken[0] else OK)
    d = world.daemon(redis, loop=ASK, endpoint_more='retry = {"0s", "1h"}')
    producer.open("C-1")
    waits = wait_until(lambda: row(d, "C-1") and
                       row(d, "C-1")["attempts"] == 1 and row(d, "C-1"))
    producer.emit("followup.receipt", "C-1", followup_id=waits["id"],
                  state=state)
    wait_until(lambda: row(d, "C-1") is None)
    end = "dead" if state == "failed" else state
    assert d.logged(rf"followup_{end} id={waits['id']} .*reason=receipt")
    assert not d.logged("followup_suppressed")
    dead = d.rows("dead list")
    if state == "delivered":
        assert dead == []
        return
    assert [(r["id"], r["reason"], r["attempts"]) for r in dead] == [
        (waits["id"], "receipt", 1)]
    broken[0] = False
    assert d.ctl("dead", "replay", waits["id"])[0] == 0
    wait_until(lambda: sink.ids().count(waits["id"]) == 2)
    assert sink.requests[0].body == sink.requests[1].body


def test_attempts_are_recorded(world, redis, producer):
    """FU4: when, how long, what was answered; visible while it waits."""
    world.sink(lambda r: answer(502))
    d = world.daemon(redis, loop=ASK,
                     endpoint_more='retry = {"0s", "1s", "1h"}\njitter = "0%"\n'
                     'breaker_cooldown = "500ms"')
    producer.open("C-1")
    wait_until(lambda: row(d, "C-1") and row(d, "C-1")["attempts"] == 2)
    log = row(d, "C-1")["log"]
    assert [a["status"] for a in log] == [502, 502]
    assert row(d, "C-1")["next_at"]
    assert d.logged(r"followup")


def test_order_of_one_complaint(world, redis, producer):
    """P5: a later follow-up of a complaint waits for the one before it."""
    sink = world.sink(lambda r: answer(500) if r.n < 2 else OK)
    world.daemon(redis, endpoint_more=FAST)
    producer.open("C-1")
    wait_until(lambda: delivered(redis, "C-1") and
               len({r.id for r in sink.of("C-1")}) >= 2, 20)
    ids = [r.id for r in sink.of("C-1")]
    for i in set(ids):
        first, last = ids.index(i), len(ids) - 1 - ids[::-1].index(i)
        assert set(ids[first:last + 1]) == {i}, ids


def test_one_dead_receiver_does_not_slow_the_others(world, redis, producer):
    """Fault 55: hanging requests of one endpoint leave the other's alone."""
    hang = Sink(lambda r: faults.silence)
    world.closers.append(hang.stop)
    fine = world.sink()
    loop = ASK.replace(
        'stage "listen" {',
        'clock "acknowledge" { budget = "1h"\n'
        '        rung "hi" { at = "0%" to = "owner" via = {"slow"} } }\n'
        '    stage "listen" {')
    world.daemon(redis, loop=loop, endpoints=(
        world.endpoint("crm", fine.url()) +
        world.endpoint("slow", hang.url(), 'timeout = "5s"')))
    for i in range(50):
        producer.open(f"C-{i}")
    began = time.monotonic()
    wait_until(lambda: len(fine.requests) == 50, 10)
    assert time.monotonic() - began < 3


def test_the_rate_is_kept(world, redis, producer):
    """FU1: no second sees more than five."""
    sink = world.sink()
    world.daemon(redis, loop=ASK, endpoint_more='rate = "5/1s"')
    for i in range(20):
        producer.open(f"C-{i}")
    wait_until(lambda: len(sink.requests) == 20, 20)
    at = [r.at for r in sink.requests]
    assert all(at[i + 5] - at[i] > 0.9 for i in range(15))


def test_private_targets_are_refused_unless_allowed(world, redis, producer):
    """traps.md 3: judged on the address that is dialled."""
    sink = world.sink()
    conf = world.endpoint("crm", sink.url(), FAST).replace(
        'allow_net = {"127.0.0.0/8"}', "")
    d = world.daemon(redis, loop=ASK, endpoints=conf)
    producer.open("C-1")
    letter = wait_until(lambda: d.rows("dead list"), 20)[0]
    assert "address" in str(letter)
    assert sink.requests == []


def test_sigterm_finishes_what_is_in_flight(world, redis, producer):
    """Fault 6: the answer is awaited, its outcome written, nothing doubled."""
    gate = threading.Event()

    def slowly(sink, c):
        gate.wait(10)
        c.sendall(OK)
    sink = world.sink(lambda r: slowly)
    d = world.daemon(redis, loop=ASK, endpoint_more='timeout = "9s"')
    producer.open("C-1")
    wait_until(lambda: sink.requests)
    d.signal(signal.SIGTERM)
    gate.set()
    assert d.proc.wait(15) == 0
    assert delivered(redis, "C-1")
    d.start()
    settle(d, redis)
    judge(d, redis, producer, sink)
    assert len(sink.requests) == 1
