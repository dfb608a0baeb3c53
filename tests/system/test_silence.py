"""A person keeps follow-ups quiet for a while: who, why, until when. OP7."""

import json
import time
from datetime import datetime

import pytest
from harness import LOOP as WALK
from harness import Producer, wait_until
from test_delivery import notes
from test_kill import judge, settle

# Three roles at once; the lapse follows after two seconds.
LOOP = """
loop "complaint" {
    tiers = {"high", "mid", "low"}
    default_tier = "mid"
    group_wait = "0s"
    stage "listen" {
        budget = "2s"
        rung "told"  { at = "0%"   to = "supervisor" via = {"crm"} }
        rung "hello" { at = "0%"   to = "customer"   via = {"sms"} }
        rung "lapse" { at = "100%" to = "owner"      via = {"crm"} }
    }
    stage "callback-confirm" {
        kind = "confirm"
        budget = "1h"
        rung "ask"   { at = "0%"   to = "customer" via = {"sms"} }
    }
}
"""
WHO = ("--author", "li", "--reason", "the line is being moved")


def start(world, redis, loop=LOOP, **kw):
    sink = world.sink()
    d = world.daemon(redis, loop=loop, endpoints="".join(
        [world.endpoint("crm", sink.url("/crm")),
         world.endpoint("sms", sink.url("/sms"))]), **kw)
    return d, sink


def add(d, *args):
    status, out, err = d.ctl("--json", "silence", "add", *args)
    assert status == 0, err
    return json.loads(out)


def got(sink):
    return sorted((r.json["data"]["complaint"]["id"],
                   r.json["data"]["followup"]["rung"])
                  for r in list(sink.requests))


def stamp(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


@pytest.mark.parametrize("args, missing", [
    ((*WHO, "--for", "1h"), "--match"),
    (("--match", "role=owner", "--reason", "x", "--for", "1h"), "--author"),
    (("--match", "role=owner", "--author", "li", "--for", "1h"), "--reason"),
    (("--match", "role=owner", *WHO), "--for 2h or --until"),
    (("--match", "role=owner"), "--author"),
    (("--match", "role=owner", *WHO, "--for", "1h", "--until",
      "2099-01-01T00:00:00Z"), "not both"),
    (("--match", "role=owner", *WHO, "--for", "soon"), "no span"),
    (("--match", "role=owner", *WHO, "--until", "2001-01-01T00:00:00Z"),
     "no time to come"),
    (("--match", "role=owner", "--author", "x" * 65, "--reason", "x",
      "--for", "1h"), "at most 64 bytes"),
    (("--match", "colour=red", *WHO, "--for", "1h"), "no matcher"),
    (("--match", "role", *WHO, "--for", "1h"), "no matcher"),
    (("--match", "role=owner", "--match", "role=agent", *WHO, "--for", "1h"),
     "never both match"),
])
def test_a_silence_needs_matcher_author_reason_and_end(
        quiet_daemon, args, missing):
    """OP7: what is missing or wrong is said, and nothing is written."""
    status, _, err = quiet_daemon.ctl("silence", "add", *args)
    assert status == 2 and missing in err, err
    assert quiet_daemon.rows("silence list --all") == []


@pytest.fixture(scope="module")
def quiet_daemon():
    from harness import World
    w = World()
    try:
        yield w.daemon(w.redis())
    finally:
        wrong = w.close()
        w.remove()
    assert not wrong, "\n".join(wrong)


def test_clocks_run_on_and_the_end_judges_at_once(world, redis, producer):
    """OP7: a silence needs matcher, author, reason, end; clocks run on; at its
    end pending follow-ups are judged at once: what is over is suppressed, the
    rest goes out, not at the next interval."""
    d, sink = start(world, redis)
    s = add(d, "--match", "endpoint=crm", *WHO, "--for", "8s")
    for c in ("C-1", "C-2"):
        producer.open(c)
    wait_until(lambda: len(sink.requests) == 2)
    assert got(sink) == [("C-1", "hello"), ("C-2", "hello")]
    # the lapse is passed and said, though nobody is told
    wait_until(lambda: any(b"deadline.missed" in line
                           for line in redis.journal("C-1")))
    held = d.rows("followups --endpoint crm --complaint C-1")[0]
    assert held["state"] == "held" and held["attempts"] == 0
    assert held["held"]["by"] == "silence"
    assert held["held"]["silence"] == s["id"]
    assert held["held"]["author"] == "li"
    assert held["held"]["until"] == s["until"]
    status, out, err = d.ctl("followups")
    assert status == 0 and "silenced until" in out and "by li" in out, out
    assert len(d.logged(r"followup_silenced .*complaint=C-1")) == 1
    producer.emit("complaint.withdrawn", "C-2")
    wait_until(lambda: d.find("C-2")["status"] == "closed")
    assert len(sink.requests) == 2
    wait_until(lambda: ("C-1", "told") in got(sink))
    settle(d, redis)
    assert got(sink) == [("C-1", "hello"), ("C-1", "lapse"), ("C-1", "told"),
                         ("C-2", "hello")]
    told = next(r for r in sink.requests
                if r.json["data"]["followup"]["rung"] == "told")
    assert -0.1 < told.at - stamp(s["until"]) < 2
    over = [n for n in notes(redis, "C-2") if b"followup.suppressed" in n]
    assert len(over) == 1 and b"withdrawn" in over[0]
    judge(d, redis, producer, sink)


def test_ended_early_it_lets_go_at_once(world, redis, producer):
    """OP7: `silence end` gives what waits now; what another silence holds
    stays."""
    d, sink = start(world, redis)
    one = add(d, "--match", "role=supervisor", *WHO, "--for", "1h")
    add(d, "--match", "complaint=C-2", "--match", "endpoint=crm", *WHO,
        "--until", "2099-01-01T00:00:00+08:00")
    for c in ("C-1", "C-2"):
        producer.open(c)
    wait_until(lambda: len(d.rows("followups")) == 2)
    wait_until(lambda: len(d.logged("followup_silenced")) == 2)
    assert d.ctl("silence", "end", one["id"])[0] == 0
    wait_until(lambda: ("C-1", "told") in got(sink))
    assert ("C-2", "told") not in got(sink)
    assert d.rows("followups --complaint C-2")[0]["state"] == "held"
    assert d.ctl("silence", "end", one["id"])[0] == 5
    assert d.ctl("silence", "end", "s-00000000")[0] == 4


def test_it_goes_with_the_shard(world, redis, producer):
    """OP7: killed, taken over by another daemon: it is still in force, and
    listed; after its end, with --all."""
    d, sink = start(world, redis)
    s = add(d, "--match", "role=supervisor", "--match", "category=billing",
            *WHO, "--for", "1h")
    d.kill9()
    other = world.daemon(
        redis, instance="t2", loop=LOOP, endpoints="".join(
            [world.endpoint("crm", sink.url("/crm")),
             world.endpoint("sms", sink.url("/sms"))]))
    producer.open("C-1")
    producer.open("C-2", category="delivery")
    wait_until(lambda: ("C-2", "told") in got(sink))
    wait_until(lambda: other.logged("followup_silenced"))
    assert ("C-1", "told") not in got(sink)
    row = other.rows("silence list")[0]
    assert row == {**s, "state": "active"}
    assert row["match"] == {"role": "supervisor", "category": "billing"}
    status, out, _ = other.ctl("silence", "list")
    assert status == 0 and "role=supervisor, category=billing" in out
    assert other.ctl("silence", "end", s["id"])[0] == 0
    wait_until(lambda: ("C-1", "told") in got(sink))
    assert other.rows("silence list") == []
    ended = other.rows("silence list --all")
    assert [(x["id"], x["state"]) for x in ended] == [(s["id"], "ended")]


MATCH = [("endpoint", "crm"), ("loop", "complaint"), ("role", "supervisor"),
         ("tier", "high"), ("team", "north"), ("category", "fees"),
         ("incident", "INC-1"), ("complaint", "YES")]


def test_every_matcher_matches_its_own_and_nothing_else(
        world, redis, producer):
    """OP7: each KEY by its exact VALUE; all must match. A prefix, another
    case, an absent field do not."""
    d, sink = start(world, redis)
    for key, value in MATCH:
        for wrong in (value[:-1], value + "x", value.upper() + "Z"):
            add(d, "--match", f"{key}={wrong}", *WHO, "--for", "1h")
    add(d, *(w for key, value in MATCH for w in ("--match", f"{key}={value}")),
        *WHO, "--for", "1h")
    fields = {"tier": "high", "category": "fees", "incident": "INC-1",
              "team": "north"}
    producer.open("YES", **fields)
    for name in fields:
        producer.open(f"NO-{name}", **{**fields, name: "low"})
    wait_until(lambda: len([g for g in got(sink) if g[1] == "told"]) == 4)
    wait_until(lambda: len(d.logged(
        "followup_silenced .*complaint=YES.*endpoint=crm")) >= 1)
    assert ("YES", "told") not in got(sink)
    assert {g[0] for g in got(sink) if g[1] == "told"} == {
        f"NO-{name}" for name in fields}


def test_customers_are_silenced_like_everybody(world, redis, producer):
    """A silence matches what its matchers match: no exception for customers,
    nor for a digest's members."""
    d, sink = start(world, redis, loop=LOOP.replace('"0s"', '"1s"'))
    add(d, "--match", "complaint=C-1", *WHO, "--for", "1h")
    for c in ("C-1", "C-2", "C-3"):
        producer.open(c, incident="INC-1")
    wait_until(lambda: len([r for r in sink.requests
                            if r.json["type"] == "followup.digest"]) >= 1)
    wait_until(lambda: len(sink.of("C-2")) == 1)
    digest = next(r for r in sink.requests
                  if r.json["type"] == "followup.digest")
    assert {i["complaint"]["id"] for i in digest.json["data"]["items"]} == {
        "C-2", "C-3"}
    wait_until(lambda: len(d.logged("followup_silenced .*C-1")) >= 2)
    assert sink.of("C-1") == []


def test_every_shard_gets_it(world, redis):
    """OP7: one id, in each shard that the daemon owns."""
    d, sink = start(world, redis, streams=("s.0", "s.1"))
    s = add(d, "--match", "role=supervisor", *WHO, "--for", "1h")
    for stream in ("s.0", "s.1"):
        assert redis.client.hkeys(f"{{{stream}}}:silences") == [
            s["id"].encode()]
        Producer(redis, stream).open(f"C-{stream}")
    wait_until(lambda: len(d.logged("followup_silenced")) == 2)
    assert [x["id"] for x in d.rows("silence list")] == [s["id"]]
    assert d.ctl("silence", "end", s["id"])[0] == 0
    wait_until(lambda: len([g for g in got(sink) if g[1] == "told"]) == 2)


def test_what_ended_a_week_ago_is_forgotten(world, redis, producer):
    """Kept for seven days after its end, then gone with the next add."""
    d, _ = start(world, redis)
    now = int(time.time() * 1000)
    day = 86400 * 1000
    for name, ago in (("s-old", 8 * day), ("s-new", 6 * day)):
        redis.client.hset("{complaints}:silences", name, json.dumps({
            "author": "li", "reason": "x", "from": now - 9 * day,
            "until": now - ago, "match.role": "owner"}))
    assert [x["id"] for x in d.rows("silence list --all")] == ["s-new"]
    add(d, "--match", "role=agent", *WHO, "--for", "1h")
    assert redis.client.hexists("{complaints}:silences", "s-new")
    assert not redis.client.hexists("{complaints}:silences", "s-old")


def test_a_silence_does_not_reorder_one_complaint(world, redis, producer):
    """FU8: what stands behind a silenced one waits with it."""
    d, sink = start(world, redis, loop=WALK)
    s = add(d, "--match", "role=owner", *WHO, "--for", "1h")
    producer.open("C-1")
    wait_until(lambda: any(b"escalation.raised" in line
                           for line in redis.journal("C-1")))
    assert sink.requests == []
    assert d.ctl("silence", "end", s["id"])[0] == 0
    wait_until(lambda: len(sink.of("C-1")) == 2)
    assert [r.json["data"]["followup"]["rung"] for r in sink.of("C-1")] == [
        "lapse", "escalate"]


def test_a_full_redis_is_said_to_be_full(world, redis):
    """It is not away: what would help is another thing."""
    d, _ = start(world, redis)
    s = add(d, "--match", "role=owner", *WHO, "--for", "1h")
    used = redis.client.info("memory")["used_memory"]
    redis.client.config_set("maxmemory", used - 100_000)
    for args in (("add", "--match", "role=agent", *WHO, "--for", "1h"),
                 ("end", s["id"])):
        status, out, err = d.ctl("silence", *args)
        assert (status, out) == (1, "") and "Redis is full" in err, err
    redis.client.config_set("maxmemory", 0)
    assert [x["id"] for x in d.rows("silence list")] == [s["id"]]


def test_it_holds_from_when_it_is_written(world, redis, producer):
    """Whatever the clocks say: what judges is the one that is behind."""
    d, sink = start(world, redis)
    now = int(time.time() * 1000)
    redis.client.hset("{complaints}:silences", "s-00000001", json.dumps({
        "author": "li", "reason": "x", "from": now + 30_000,
        "until": now + 60_000, "match.role": "supervisor"}))
    producer.open("C-1")
    wait_until(lambda: got(sink) or d.logged("followup_silenced"))
    wait_until(lambda: d.logged("followup_silenced"), 3)


def test_there_are_so_many_and_no_more(world, redis):
    """A shard holds each against every follow-up: 1,000 in force."""
    d, _ = start(world, redis)
    now = int(time.time() * 1000)
    redis.client.hset("{complaints}:silences", mapping={
        f"s-{i:08}": json.dumps({
            "author": "li", "reason": "x", "from": now,
            "until": now + (60_000 if i < 999 else -1),
            "match.role": "agent"}) for i in range(1500)})
    s = add(d, "--match", "role=owner", *WHO, "--for", "1h")
    status, _, err = d.ctl("silence", "add", "--match", "role=agent", *WHO,
                           "--for", "1h")
    assert status == 5 and "1000" in err, err
    assert len(d.rows("silence list")) == 1000
    assert d.ctl("silence", "end", s["id"])[0] == 0
    add(d, "--match", "role=owner", *WHO, "--for", "1h")
