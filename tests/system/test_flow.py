"""From an event on the stream to a signed webhook at the receiver, and round
the whole loop. IN1 LC1 LC2 LC3 LC4 EV4 DL7 ES1 ES3 FU2 AU3 AU5 CF1 CF4."""

import datetime
import json
import re

import pytest
from harness import LOOP, SECRET, SECRET_2, opened, wait_until

WALK = [("listen", {}), ("apologize", {}),
        ("resolve", {"root_cause": "double booking", "action": "refund"})]


@pytest.fixture
def sink(world):
    return world.sink()


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def reasons(requests):
    return [(r.json["type"], r.json["data"]["followup"]["reason"])
            for r in requests]


def walk(producer, complaint, stages=WALK):
    for stage, more in stages:
        producer.emit("stage.completed", complaint, stage=stage, **more)


def show(daemon, complaint):
    return daemon.rows(f"show {complaint}")[0]


def test_an_event_becomes_signed_webhooks_with_their_reasons(
        world, redis, producer, sink):
    """IN1 DL7 ES1 FU2 AU3: warning, lapse and escalation of one stage, each
    once, in order, never early, signed, and saying why."""
    world.daemon(redis)
    producer.open("C-1", supervisor="wang")
    got = wait_until(lambda: len(sink.of("C-1")) >= 3 and sink.of("C-1"))
    assert reasons(got) == [
        ("followup.warn", "warn_50"), ("followup.lapse", "stage_due"),
        ("followup.escalate", "rung_1")] or [t for t, _ in reasons(got)] == [
        "followup.warn", "followup.lapse", "followup.escalate"]
    for r in got:
        body = r.json
        f, c = body["data"]["followup"], body["data"]["complaint"]
        assert r.verified(SECRET)
        assert r.headers["content-type"].startswith("application/json")
        assert re.fullmatch(r"[a-z2-7]{26}", r.id) and f["id"] == r.id
        assert {"id", "loop", "version", "stage", "status", "cycle", "tier",
                "owner", "category"} <= set(c)
        assert {"id", "rung", "clock", "reason", "to", "due_at",
                "fired_at"} <= set(f)
        assert (c["stage"], c["status"], c["tier"], c["owner"]) == (
            "listen", "open", "mid", "li")
        assert body["timestamp"] == f["fired_at"]
        late = instant(f["fired_at"]) - instant(f["due_at"])
        assert datetime.timedelta(0) <= late < datetime.timedelta(seconds=2)
        assert "text" in body["data"]["message"]
        assert "+8613800138000" not in r.body.decode()
    assert [r.json["data"]["followup"]["to"] for r in got] == [
        "owner", "owner", "supervisor"]
    assert len({r.id for r in got}) == 3
    assert "C-1" in got[1].json["data"]["message"]["text"]


def test_no_rung_fires_once_the_stage_is_done(world, redis, producer, sink):
    """ES1 DL7: the marker complaint has lapsed, the one that was done in time
    has sent nothing."""
    d = world.daemon(redis)
    producer.open("DONE")
    producer.emit("stage.completed", "DONE", stage="listen")
    producer.open("MARK")
    wait_until(lambda: len(sink.of("MARK")) == 3)
    assert sink.of("DONE") == []
    assert show(d, "DONE")["stage"] == "apologize"


def test_full_walk_closes_satisfied(world, redis, producer, sink):
    """LC1 CF1 AU5: every stage in order, the question to the customer, and
    only his answer closes; journal and state agree."""
    d = world.daemon(redis)
    producer.open("C-1")
    walk(producer, "C-1")
    ask = wait_until(lambda: sink.of("C-1"))[0]
    assert ask.json["type"] == "followup.ask"
    assert ask.json["data"]["followup"]["to"] == "customer"
    shown = show(d, "C-1")
    assert (shown["stage"], shown["status"]) == ("callback-confirm", "open")
    assert shown["due_at"] and shown["since"]
    producer.emit("customer.answered", "C-1", verdict="satisfied", score="5")
    wait_until(lambda: show(d, "C-1")["status"] == "closed")
    shown = show(d, "C-1")
    assert shown["outcome"] == "satisfied" and shown["owed"] == []
    assert shown["next_at"] is None or shown["closed_at"]
    assert d.ask("verify C-1")[1]["ok"]
    # asked once; the owner was to call, unless the answer came before that
    told = [r.json["type"] for r in sink.of("C-1")]
    assert told in (["followup.ask"], ["followup.ask", "followup.operator"])
    stages = [e["n"] for e in (j["do"] for j in shown["journal"]) for e in e]
    assert stages.count("stage.met") >= 3 and "loop.closed" in stages


def test_resolve_needs_cause_and_action(world, redis, producer, sink):
    """EV4 IN4: a resolve without them is refused, with the field's name."""
    d = world.daemon(redis)
    producer.open("C-1")
    walk(producer, "C-1", WALK[:2])
    producer.emit("stage.completed", "C-1", stage="resolve", action="refund")
    row = wait_until(lambda: d.rows("rejects list"))[0]
    assert row["field"] == "root_cause"
    assert show(d, "C-1")["stage"] == "resolve"


def test_a_later_stage_leaves_the_apology_owed(world, redis, producer, sink):
    """LC2: resolve in listen implies listen, owes the apology, and a satisfied
    answer waits until nothing is owed."""
    d = world.daemon(redis)
    producer.open("C-1")
    walk(producer, "C-1", WALK[2:])
    wait_until(lambda: redis.applied() == 2)
    assert show(d, "C-1")["owed"] == ["apologize"]
    producer.emit("customer.answered", "C-1", verdict="satisfied", score="5")
    wait_until(lambda: redis.applied() == 3)
    assert show(d, "C-1")["status"] == "open"
    walk(producer, "C-1", WALK[1:2])
    wait_until(lambda: show(d, "C-1")["outcome"] == "satisfied")


def test_unsatisfied_reopens_in_the_same_commit(world, redis, producer, sink):
    """CF4: cycle 2, back at resolve, one tier up, owner and supervisor told."""
    d = world.daemon(redis)
    producer.open("C-1", supervisor="wang", tier="low")
    walk(producer, "C-1")
    producer.emit("customer.answered", "C-1", verdict="unsatisfied", score="1")
    wait_until(lambda: redis.applied() == 5)
    shown = show(d, "C-1")
    assert (shown["cycle"], shown["stage"], shown["status"], shown["tier"]) \
        == (2, "resolve", "open", "mid")
    assert any(n["n"] == "loop.reopened" for j in shown["journal"]
               for n in j["do"])
    walk(producer, "C-1", WALK[2:])
    producer.emit("customer.answered", "C-1", verdict="satisfied", score="5")
    wait_until(lambda: show(d, "C-1")["status"] == "closed")
    assert show(d, "C-1")["outcome"] == "satisfied_after_reopen"


def test_withdrawn_cancels_what_is_not_sent(world, redis, producer):
    """LC4: one commit closes and takes the waiting follow-ups out."""
    sink = world.sink()
    d = world.daemon(redis, endpoint_more='rate = "1/1h"')
    producer.open("C-1")
    wait_until(lambda: d.rows("followups"), what="a follow-up waits")
    producer.emit("complaint.withdrawn", "C-1", reason="sorted out")
    wait_until(lambda: show(d, "C-1")["status"] == "closed")
    assert show(d, "C-1")["outcome"] == "withdrawn"
    assert d.rows("followups") == [] and redis.keys("*:fu:*") == []
    assert sink.requests == []


def test_a_hold_stops_the_stage_clock(world, redis, producer, sink):
    """LC3: nothing fires while it is held; `resumed` starts the clock again."""
    d = world.daemon(redis)
    producer.open("C-1")
    producer.emit("complaint.held", "C-1", reason="waiting_customer")
    producer.open("MARK")
    wait_until(lambda: len(sink.of("MARK")) == 3)
    assert sink.of("C-1") == []
    assert show(d, "C-1")["status"] == "held"
    producer.emit("complaint.held", "MARK", reason="lunch")
    row = wait_until(lambda: d.rows("rejects list"))[0]
    assert row["field"] == "reason"
    producer.emit("complaint.resumed", "C-1")
    wait_until(lambda: len(sink.of("C-1")) == 3)


def test_texts_follow_the_customers_language(world, redis, producer, sink):
    """Chinese in, Chinese out, and the signature covers the bytes."""
    world.daemon(redis)
    producer.open("投诉".encode().hex(), locale="zh-CN", summary="重复扣款")
    got = wait_until(lambda: len(sink.requests) >= 2 and sink.requests[1])
    message = got.json["data"]["message"]
    assert message["lang"] == "zh" and "已等待" in message["text"]
    assert got.verified(SECRET)


def test_two_keys_sign_during_a_rotation(world, redis, producer, sink):
    """FU2: either key verifies every delivery."""
    refs = [world.secret(), world.secret("second.secret", SECRET_2)]
    world.daemon(redis, endpoints=world.endpoint(
        "crm", sink.url(), secrets=refs))
    producer.open("C-1")
    r = wait_until(lambda: sink.requests)[0]
    assert r.verified(SECRET) and r.verified(SECRET_2)


def test_the_same_event_twice_is_applied_once(world, redis, producer, sink):
    """IN1: a producer that retries an unknown XADD does no harm."""
    d = world.daemon(redis)
    for _ in range(2):
        producer.open("C-1", event_id="same")
    walk(producer, "C-1", WALK[:1])
    wait_until(lambda: redis.applied() == 3)
    assert len(redis.journal("C-1")) == 2
    assert d.status()["events"]["duplicate"] == 1


def test_three_carriers_mean_the_same(world, redis, producer, sink):
    """IN1: flat fields, a JSON envelope, a CloudEvent."""
    d = world.daemon(redis)
    redis.client.xadd("complaints", {"json": (
        '{"event":"complaint.opened","complaint_id":"J-1","event_id":"e1",'
        '"source":"crm","customer":{"phone":"+8613800138000"},'
        '"category":"billing","summary":"charged twice","owner":"li"}')})
    redis.client.xadd("complaints", {"cloudevent": (
        '{"specversion":"1.0","type":"complaint.opened","source":"crm",'
        '"id":"e2","subject":"J-2","time":"2026-01-01T00:00:00Z","data":{'
        '"customer":{"phone":"+8613800138000"},"category":"billing",'
        '"summary":"charged twice","owner":"li"}}')})
    producer.open("J-3")
    wait_until(lambda: redis.applied() == 3)
    shown = [show(d, f"J-{i}") for i in (1, 2, 3)]
    assert [(s["stage"], s["owner"], s["category"]) for s in shown] == [
        ("listen", "li", "billing")] * 3


def test_the_feed_tells_every_transition(world, redis, producer, sink):
    """Other systems follow the loop by the feed, in order, with stable ids."""
    world.daemon(redis)
    producer.open("C-1")
    walk(producer, "C-1")
    producer.emit("customer.answered", "C-1", verdict="satisfied", score="4")

    def names():
        return [note["n"] for _, e in redis.client.xrange("{complaints}:feed")
                for note in json.loads(e[b"line"])["do"]]
    wait_until(lambda: "loop.closed" in names())
    assert names()[0] == "complaint.opened"
    assert names().count("stage.entered") == 4
    entries = [e for _, e in redis.client.xrange("{complaints}:feed")]
    ids = [(e[b"complaint"], json.loads(e[b"line"])["seq"]) for e in entries]
    assert len(set(ids)) == len(ids)


def test_an_endpoint_without_address_gives_a_dead_letter(
        world, redis, producer, sink):
    """Never silence: what no endpoint can take is dead, reason no_address."""
    loop = LOOP.replace('rung "lapse"    { at = "100%" to = "owner"      '
                        'via = {"crm"}',
                        'rung "lapse"    { at = "100%" to = "owner"      '
                        'via = {"text"}')
    assert loop != LOOP
    d = world.daemon(redis, loop=loop, more=(
        'endpoint "text" { type = "sms"  provider = "twilio"  account = "AC0"'
        ' from = "+15005550006"  user = "file:tests/data/twilio.sid"'
        ' password = "file:tests/data/twilio.token" }'))
    producer.open("C-1")
    row = wait_until(lambda: d.rows("dead list"))[0]
    assert (row["complaint"], row["reason"]) == ("C-1", "no_address")


def test_every_loop_of_a_batch_is_kept(world, redis):
    """A complaint keeps its loop (LC6): whatever the batch in which it came."""
    names = [f"loop-{i}" for i in range(12)]
    listen = LOOP[LOOP.index("loop "):].replace('"2s"', '"1h"')
    loops = LOOP[:LOOP.index("loop ")] + "".join(
        listen.replace('"complaint"', f'"{n}"') for n in names)
    pipe = redis.client.pipeline(transaction=True)
    for n in names:
        pipe.xadd("complaints", {"event_id": n, "source": "test",
                                 **opened(f"C-{n}", loop=n)})
    pipe.execute()
    world.daemon(redis, loop=loops)
    wait_until(lambda: redis.applied() == 12)
    assert {k.split(":")[2].split("@")[0] for k in
            redis.keys("{complaints}:loop:*")} == set(names)
