"""What turns do with work that changes under them: a follow-up that is over
while it is on the wire, a retry that is near, a slot that two shards share, a
key that stops being ours. FU1 FU11, faults 20 and 55."""

import threading
import time

from harness import Producer, wait_until
from sink import OK, answer
from test_delivery import ASK, FAST, delivered, notes
from test_idle import commands
from test_kill import judge, settle


def held(gate, reply):
    """An answer that is given when the gate opens."""
    def act(sink, c):
        gate.wait(20)
        c.sendall(reply)
    return act


def test_what_is_over_while_on_the_wire_is_not_sent_again(
        world, redis, producer):
    """P4, FU11: withdrawn during the attempt, answered 500 afterwards: it ends
    suppressed, once. The retry of a later complaint comes after the instant
    at which it would have been sent again."""
    gate = threading.Event()
    world.closers.append(gate.set)

    def respond(r):
        if r.n == 0:
            return held(gate, answer(500))
        return answer(500) if len(sink.of("C-2")) == 1 else OK
    sink = world.sink(respond)
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST.replace(
        'timeout = "1s"', 'timeout = "15s"'))
    producer.open("C-1")
    wait_until(lambda: sink.requests)
    producer.emit("complaint.withdrawn", "C-1")
    wait_until(lambda: d.find("C-1")["status"] == "closed")
    gate.set()
    wait_until(lambda: d.rows("followups --complaint C-1") == [])
    producer.open("C-2")
    wait_until(lambda: delivered(redis, "C-2"))
    assert len(sink.of("C-1")) == 1
    ends = [n for n in notes(redis, "C-1") if b"followup.suppressed" in n]
    assert len(ends) == 1 and b"superseded" in ends[0], ends
    assert not delivered(redis, "C-1") and d.rows("dead list") == []
    settle(d, redis)
    judge(d, redis, producer, sink)


def test_a_near_retry_is_not_late(world, redis, producer):
    """FU1: `1s` without jitter is one second, twice in a row, though nothing
    else happens in the shard."""
    sink = world.sink(lambda r: answer(500) if r.n < 2 else OK)
    world.daemon(redis, loop=ASK, endpoint_more=FAST, owner_ttl="10s")
    producer.open("C-1")
    wait_until(lambda: delivered(redis, "C-1"))
    first, second, third = (r.at for r in sink.requests)
    assert 0.9 < second - first < 1.5
    assert 0.9 < third - second < 1.5


def test_a_free_slot_goes_to_the_shard_that_waits(world, redis):
    """Fault 55: two streams, one endpoint, inflight = 1: the other stream's
    follow-up goes as soon as the slot is free."""
    gates = [threading.Event() for _ in range(3)]
    world.closers.extend(g.set for g in gates)
    sink = world.sink(
        lambda r: held(gates[r.n], OK) if r.n < len(gates) else OK)
    d = world.daemon(redis, loop=ASK, streams=("s.0", "s.1"),
                     endpoint_more='timeout = "15s"\n    inflight = 1',
                     owner_ttl="10s")
    producers = [Producer(redis, "s.0"), Producer(redis, "s.1")]
    producers[0].open("C-0")
    for n, gate in enumerate(gates):
        wait_until(lambda n=n: len(sink.requests) == n + 1)
        producers[(n + 1) % 2].open(f"C-{n + 1}")
        wait_until(lambda n=n: d.rows(f"followups --complaint C-{n + 1}"))
        assert len(sink.requests) == n + 1
        free = time.time()
        gate.set()
        wait_until(lambda n=n: len(sink.requests) == n + 2)
        assert sink.requests[n + 1].at - free < 1
        assert len(sink.of(f"C-{n + 1}")) == 1
    for stream in ("s.0", "s.1"):
        wait_until(lambda s=stream: redis.applied(s) == len(
            producers[int(s[-1])].sent))


def test_a_key_that_changes_its_type_under_way_halts(world, redis, producer):
    """Fault 20: halted:storage, without a storm of commands before or after,
    until a person has set it right."""
    sink = world.sink()
    d = world.daemon(redis, owner_ttl="2s")
    producer.open("C-1")
    # its outcome is written, so the next to touch the key is a read
    wait_until(lambda: delivered(redis, "C-1"))
    wake = "{complaints}:wake"
    with redis.client.pipeline() as p:
        p.delete(wake)
        p.set(wake, "somebody else's")
        p.execute()
    before = commands(redis)
    # looking costs commands too, so seldom
    wait_until(lambda: d.state() == "halted:storage", 10, step=0.2)
    assert commands(redis) - before < 300
    assert "WRONGTYPE" in d.shard()["why"]
    before, cpu, began = commands(redis), d.cpu_seconds(), time.monotonic()
    wait_until(lambda: time.monotonic() - began > 1)
    assert commands(redis) - before < 30
    assert d.cpu_seconds() - cpu < 0.3  # sanitizers included
    assert d.state() == "halted:storage" and d.ctl("health")[0] == 1
    producer.open("C-2")
    assert redis.client.get(wake) == b"somebody else's"
    redis.client.delete(wake)
    status, _, err = d.ctl("shard", "adopt", "complaints")
    assert status == 0, err
    wait_until(lambda: d.state() == "running", 10)
    wait_until(lambda: len(sink.of("C-2")) == 3)
    producer.emit("stage.completed", "C-1", stage="listen")
    wait_until(lambda: d.find("C-1")["stage"] == "apologize")


# Two rungs of one stage at once: the second stands behind the first.
TWO = ASK.replace(
    'rung "hello" ',
    'rung "after" { at = "0%" to = "supervisor" via = {"crm"} }\n'
    '        rung "hello" ')


def test_a_retry_does_not_overtake(world, redis, producer):
    """P5: `followups retry` of what stands behind another is refused; the
    order is kept."""
    broken = [True]
    sink = world.sink(lambda r: answer(500) if broken[0] else OK)
    d = world.daemon(redis, loop=TWO,
                     endpoint_more='retry = {"0s", "1h"}\n    jitter = "0%"')
    producer.open("C-1")
    wait_until(lambda: d.find("C-1"))
    wait_until(lambda: len(d.find("C-1")["waiting"]) == 2)
    wait_until(lambda: d.rows("followups")[0]["attempts"] == 1)
    first, behind = d.find("C-1")["waiting"]
    assert {first["rung"], behind["rung"]} == {"hello", "after"}
    assert first["queued"] and not behind["queued"]
    status, _, err = d.ctl("followups", "retry", behind["id"])
    assert status == 5 and "behind" in err
    broken[0] = False
    assert d.ctl("followups", "retry", first["id"])[0] == 0
    wait_until(lambda: len(sink.requests) == 3)
    assert sink.ids() == [first["id"], first["id"], behind["id"]]
    settle(d, redis)
    judge(d, redis, producer, sink)


def test_a_receiver_that_hangs_does_not_hold_the_stop(world, redis, producer):
    """SIGTERM with a transfer that outlasts the stop: it is cut, its attempt
    stands in its row, and the process ends clean (the sanitizer watches)."""
    from sink import silence
    sink = world.sink(lambda r: silence)
    d = world.daemon(redis, endpoint_more='timeout = "60s"')
    producer.open("C-1")
    wait_until(lambda: len(sink.requests) > 0)
    assert d.stop(30) == 0
    assert redis.waiting() > 0
