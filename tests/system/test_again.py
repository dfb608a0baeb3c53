"""Sending again by a person's word, many at a time; and what users of other
senders found stuck or forgotten. FU3."""

import time
from datetime import datetime, timezone

import pytest
from harness import Refused, STREAM, wait_until
from sink import OK, Sink, answer
from test_delivery import ASK, FAST, delivered, notes, row

ONCE = 'retry = {"0s"}\n    breaker_failures = 1000'
LATER = ('retry = {"0s", "1h"}\n    breaker_failures = 1000\n'
         '    retry_budget = "0%"')


def complaints(rows):
    return {r["complaint"] for r in rows if "id" in r}


def instant():
    """Now, as --since takes it; and a little later it is past."""
    at = time.time()
    wait_until(lambda: time.time() > at + 0.005)
    now = datetime.now(timezone.utc)
    wait_until(lambda: time.time() > at + 0.010)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"


def two_endpoints(world, sink, other, more):
    """What is for the owner goes to crm, for the agent to desk."""
    loop = ASK.replace(
        'rung "hello"    { at = "0%"   to = "owner"      via = {"crm"} }',
        'rung "hello" { at = "0%" to = "owner" via = {"crm"} }\n'
        'rung "hi" { at = "0%" to = "agent" via = {"desk"} }')
    return {"loop": loop, "endpoints": world.endpoint("crm", sink.url(), more)
            + world.endpoint("desk", other.url(), more)}


def test_replay_by_endpoint_and_age(world, redis, producer):
    """FU3: dead replay --all, narrowed by endpoint and by when they died;
    --dry-run says the same and changes nothing."""
    broken = [True]
    sink = world.sink(lambda r: answer(500) if broken[0] else OK)
    other = Sink(sink.respond)
    world.closers.append(other.stop)
    d = world.daemon(redis, **two_endpoints(world, sink, other, ONCE))
    producer.open("C-0")
    wait_until(lambda: len(d.rows("dead list")) == 2)
    since = instant()
    producer.open("C-1")
    producer.open("C-2")
    wait_until(lambda: len(d.rows("dead list")) == 6)
    say = f"dead replay --all --endpoint crm --since {since}"
    rows = d.rows(f"{say} --dry-run")
    assert complaints(rows) == {"C-1", "C-2"}
    assert rows[-1]["would_change"] == 2
    assert {r["endpoint"] for r in rows if "id" in r} == {"crm"}
    assert len(d.rows("dead list")) == 6
    assert d.rows("followups") == []
    code, out, _ = d.ctl(*say.split(), "--dry-run")
    assert code == 0 and "2 would be sent again" in out and "C-1" in out
    broken[0] = False
    sent = len(sink.requests)
    assert d.rows(say)[-1]["changed"] == 2
    wait_until(lambda: delivered(redis, "C-1") and delivered(redis, "C-2"))
    assert len(sink.requests) == sent + 2
    assert {(r["complaint"], r["endpoint"]) for r in d.rows("dead list")} == {
        ("C-0", "crm"), ("C-0", "desk"), ("C-1", "desk"), ("C-2", "desk")}
    assert d.rows("dead replay --all --since 1h")[-1]["changed"] == 4
    wait_until(lambda: len(other.requests) == 6)


def test_retry_all_that_failed_at_an_endpoint(world, redis, producer):
    """followups retry --endpoint: what waits for its next try is due now, in
    its order; what was never tried, or is another's, is not touched."""
    broken = [True]
    sink = world.sink(lambda r: answer(500) if broken[0] else OK)
    other = Sink(sink.respond)
    world.closers.append(other.stop)
    d = world.daemon(redis, **two_endpoints(world, sink, other, LATER))
    for i in range(3):
        producer.open(f"C-{i}")

    def tried(n):
        rows = d.rows("followups")
        return len(rows) == n and all(
            r["attempts"] == 1 and r["log"][-1]["result"] == "retry"
            for r in rows)
    wait_until(lambda: tried(6))
    since = instant()
    producer.open("C-3")
    wait_until(lambda: tried(8))
    rows = d.rows("followups retry --endpoint crm --dry-run")
    assert complaints(rows) == {f"C-{i}" for i in range(4)}
    assert rows[-1]["would_change"] == 4
    assert tried(8)
    broken[0] = False
    say = f"followups retry --endpoint crm --since {since}"
    assert d.rows(say)[-1]["changed"] == 1
    wait_until(lambda: delivered(redis, "C-3"))
    assert not delivered(redis, "C-0")
    code, out, _ = d.ctl("followups", "retry", "--endpoint", "crm")
    assert code == 0 and "3 sent again" in out
    wait_until(lambda: all(delivered(redis, f"C-{i}") for i in range(3)))
    assert {r["endpoint"] for r in d.rows("followups")} == {"desk"}
    assert len(d.rows("followups")) == 4
    for bad, code in (("followups retry", 2),
                      ("followups retry X --endpoint crm", 2),
                      ("followups retry --endpoint nobody", 4),
                      ("followups retry --endpoint crm --since tomorrow", 2),
                      ("dead replay --all --since 2999-01-01T00:00:00Z", 2)):
        with pytest.raises(Refused) as refused:
            d.rows(bad)
        assert refused.value.code == code, bad


def test_many_go_page_by_page(world, redis, producer):
    """A backlog of several pages is made due whole."""
    broken = [True]
    sink = world.sink(lambda r: answer(500) if broken[0] else OK)
    d = world.daemon(redis, loop=ASK, endpoint_more=LATER)
    n = 200
    for i in range(n):
        producer.open(f"C-{i}", **{"customer.phone": f"+86138{i:08}"})
    wait_until(lambda: len(sink.requests) == n, 30)
    wait_until(lambda: d.status()["in_flight"] == 0)
    rows = d.rows("followups retry --endpoint crm --dry-run")
    assert rows[-1]["would_change"] == n == len(complaints(rows))
    broken[0] = False
    assert d.rows("followups retry --endpoint crm")[-1]["changed"] == n
    wait_until(lambda: d.rows("followups") == [], 30)
    assert len(sink.requests) == 2 * n


def test_a_replay_of_what_is_over_does_not_stick(world, redis, producer):
    """convoy#1092: a discarded delivery that is sent again goes out or is
    refused; it stays in no state that nothing ends."""
    broken = [True]
    sink = world.sink(lambda r: answer(500) if broken[0] else OK)
    d = world.daemon(redis, loop=ASK, endpoint_more=ONCE)
    producer.open("C-0")
    letter = wait_until(lambda: d.rows("dead list"))[0]
    producer.emit("complaint.withdrawn", "C-0")
    wait_until(lambda: d.find("C-0")["status"] == "closed")
    broken[0] = False
    rows, end = d.ask(f"dead replay {letter['id']}")
    if end["ok"]:
        wait_until(lambda: delivered(redis, "C-0"))
    else:
        assert end["code"] == 5 and "take" in end["error"]
        assert d.rows("dead list") == [letter]
    assert d.rows("followups") == []
    assert len(sink.requests) == 1 + end["ok"]


def test_failures_are_counted_and_end(world, redis, producer):
    """convoy#1833: N failures are N attempts, each recorded, and then it is
    dead; no try is made beyond."""
    sink = world.sink(lambda r: answer(500))
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST.replace(
        '{"0s", "1s", "1s"}', '{"0s", "100ms", "100ms", "100ms", "100ms"}') +
        '\n    breaker_failures = 1000\n    retry_budget = "0%"')
    producer.open("C-0")
    seen = []
    letter = wait_until(lambda: seen.append(row(d, "C-0")) or
                        d.rows("dead list"))[0]
    assert letter["attempts"] == 5 == len(sink.requests)
    counts = [r["attempts"] for r in seen if r]
    assert counts == sorted(counts) and max(counts) <= 5
    assert sum(b"followup.dead" in n for n in notes(redis, "C-0")) == 1
    began = time.time()
    wait_until(lambda: time.time() > began + 0.5)
    assert len(sink.requests) == 5


def test_applied_entries_leave_the_stream(world, redis, producer):
    """open-wearables#1111: a stream that is worked off does not grow; what is
    not applied yet is never trimmed."""
    d = world.daemon(redis, loop=ASK, redis_more='keep_events = "1s"',
                     endpoint_more='rate = "1/1h"')
    sent = 0
    longest = 0

    def enough():
        nonlocal sent, longest
        pipe = redis.client.pipeline(transaction=False)
        for _ in range(200):
            pipe.xadd(STREAM, {
                "event": "customer.message", "complaint_id": "C-0",
                "event_id": f"M-{sent}", "source": "test", "text": "hm"})
            sent += 1
        pipe.execute()
        length = redis.client.xlen(STREAM)
        longest = max(longest, length)
        return length < sent / 2 and longest > 1000
    producer.open("C-0")
    wait_until(enough, 40, step=0.2)
    wait_until(lambda: redis.applied() == sent + 1, 40)
    assert d.status()["shards"][0]["lost"] == 0
