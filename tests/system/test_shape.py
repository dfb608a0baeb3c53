"""Queues at a glance: `shape`, `top`, and what `list` narrows by. OP3 OP4,
ops.md "queue shape" and "queue listing"."""

import json
import re
import time

from harness import Producer, wait_until

LOOPS = """
loop "complaint" {
    tiers = {"high", "mid"}
    default_tier = "mid"
    stage "listen" {
        budget = "2h"
        tier "high" { budget = "10m" }
        rung "told"  { at = "0%"   to = "supervisor" via = {"crm"} }
        rung "lapse" { at = "100%" to = "owner"      via = {"crm"} }
    }
    stage "resolve" {
        budget = "1s"
        requires = {"root_cause"}
        rung "lapse" { at = "100%" to = "owner" via = {"crm"} }
    }
    stage "callback-confirm" {
        kind = "confirm"  budget = "30h"
        rung "ask" { at = "0%" to = "customer" via = {"crm"} }
    }
}
"""


def tally(redis, streams):
    """Open complaints by stage, as the counters have them."""
    sums = {}
    for s in streams:
        for k, v in redis.client.hgetall(f"{{{s}}}:tally").items():
            word = k.decode().split(":")
            if word[0] == "stage":
                at = (word[1], word[2])
                sums[at] = sums.get(at, 0) + int(v)
    return {k: v for k, v in sums.items() if v}


def board(rows):
    return {(r["loop"], r["stage"]): r["due"] for r in rows
            if r["row"] == "stage"}


def test_shape_sums_are_the_counters(world, redis):
    """OP3: every open complaint once, over all shards, whatever ZSCAN does
    while the index grows; sums equal the tally, the outboxes and the status
    when nothing moves."""
    sink = world.sink()
    streams = ("complaints.0", "complaints.1")
    d = world.daemon(redis, loop=LOOPS, streams=streams)
    d.ctl("pause", "delivery")
    for s in streams:
        p = Producer(redis, s)
        for i in range(700):
            p.open(f"C-{i}", tier="high" if i % 7 == 0 else "mid",
                   owner=f"o{i % 5}",
                   **{"customer.phone": f"+8613{i:09}"})
        for i in range(100):
            p.emit("stage.completed", f"C-{i}", stage="listen")
        for i in range(100, 150):
            p.emit("complaint.held", f"C-{i}", reason="waiting_customer")
        for i in range(150, 160):
            p.emit("complaint.withdrawn", f"C-{i}")
    # while it works: never more than there are
    while any(redis.applied(s) < 860 for s in streams):
        seen = next(r for r in d.rows("shape") if r["row"] == "census")
        assert seen["open"] <= 1400, seen
    wait_until(lambda: tally(redis, streams).get(("complaint", "resolve"))
               == 200)
    wait_until(lambda: len(d.rows("list --overdue --limit 1000")) == 200)
    rows = d.rows("shape")
    c = next(r for r in rows if r["row"] == "census")
    assert c["complete"] and c["missing"] == 0 and c["shards"] == 2
    assert c["open"] == d.status()["open"] == 1380
    assert c["held"] == 100
    due = board(rows)
    assert {k: sum(v.values()) for k, v in due.items()
            if any(v.values())} == tally(redis, streams)
    assert due["complaint", "listen"]["still"] == 100
    assert due["complaint", "resolve"]["lapsed"] == 200
    assert due["complaint", "callback-confirm"] == {
        k: 0 for k in due["complaint", "listen"]}
    high = 2 * sum(1 for i in range(160, 700) if i % 7 == 0)
    assert due["complaint", "listen"]["15m"] == high
    for r in rows:
        if r["row"] == "endpoint":
            assert sum(r["age"].values()) == r["total"]
    (crm,) = [r for r in rows if r["row"] == "endpoint"]
    assert crm["endpoint"] == "crm" and crm["age"]["5"] == crm["total"]
    outs = sum(redis.waiting(stream=s) for s in streams)
    assert crm["total"] == outs == c["waiting"] == d.status()["waiting"] > 0
    # read as a person would
    code, out, _ = d.ctl("shape")
    lines = [line.split() for line in out.splitlines() if line]
    assert code == 0 and ["TOTAL", "1380"] in [w[:2] for w in lines]
    assert max(map(len, out.splitlines())) <= 100
    assert sink.requests == []


def test_shape_without_redis_says_what_is_missing(world, redis):
    """Nothing is known: code 1, and how many shards are not in it."""
    world.sink()
    d = world.daemon(redis, loop=LOOPS)
    redis.kill9()
    wait_until(lambda: not d.status()["redis"]["up"])
    code, _, err = d.ctl("shape")
    assert code == 1 and "1 of 1 shards did not answer" in err
    redis.start()
    wait_until(lambda: d.ctl("shape")[0] == 0)


def test_nothing_walks_when_nobody_asks(world, redis, producer):
    """A daemon that is left alone scans nothing; one that is looked at every
    other second rests between the pages."""
    world.sink()
    d = world.daemon(redis, loop=LOOPS)

    def scans():
        stats = redis.client.info("commandstats")
        return stats.get("cmdstat_zscan", {"calls": 0})["calls"]
    for i in range(600):
        producer.open(f"C-{i}", **{"customer.phone": f"+8613{i:09}"})
    wait_until(lambda: d.status()["open"] == 600)
    before = scans()
    end = time.monotonic() + 1
    wait_until(lambda: time.monotonic() > end)
    assert scans() == before
    rows = d.rows("top")
    assert rows[0]["row"] == "census" and rows[0]["open"] == 600
    due = [r["due_at"] for r in rows if r["row"] == "next"]
    assert len(due) == 50 and due == sorted(due)
    after = scans()
    assert after > before
    for _ in range(20):  # asked again and again, it tells what it has
        assert d.rows("top")[0]["open"] == 600
    assert scans() == after


def test_list_narrows(world, redis, producer):
    """--stage --tier --owner --overdue --open --status --loop, alone and
    together; what is no status is said."""
    world.sink()
    d = world.daemon(redis, loop=LOOPS)
    for i, (owner, tier) in enumerate((("li", "high"), ("wang", "mid"),
                                       ("li", "mid"), ("li", "mid")), 1):
        producer.open(f"C-{i}", tier=tier, owner=owner,
                      **{"customer.phone": f"+861380013800{i}"})
    producer.emit("stage.completed", "C-2", stage="listen")
    producer.emit("complaint.held", "C-3", reason="waiting_customer")
    producer.emit("complaint.withdrawn", "C-4")
    wait_until(lambda: redis.applied() == 7)
    wait_until(lambda: d.rows("list --overdue"))

    def ids(*words):
        return sorted(r["id"] for r in d.rows("list " + " ".join(words)))
    assert ids() == ["C-1", "C-2", "C-3", "C-4"]
    assert ids("--open") == ["C-1", "C-2", "C-3"]
    assert ids("--stage", "resolve") == ["C-2"]
    assert ids("--tier", "high") == ["C-1"]
    assert ids("--owner", "li", "--open") == ["C-1", "C-3"]
    assert ids("--overdue") == ["C-2"]
    assert ids("--status", "closed") == ["C-4"]
    assert ids("--loop", "complaint", "--open") == ["C-1", "C-2", "C-3"]
    assert ids("--loop", "other") == []
    assert len(ids("--limit", "2")) == 2
    code, _, err = d.ctl("list", "--status", "asleep")
    assert code == 2 and "open, held or closed" in err
    code, _, err = d.ctl("list", "--open", "--status", "closed")
    assert code == 2 and "not both" in err
    code, out, _ = d.ctl("--json", "list", "--open")
    assert code == 0
    assert sorted(json.loads(line)["id"] for line in out.splitlines()) == [
        "C-1", "C-2", "C-3"]
    assert not re.search("\x1b", d.ctl("list")[1])
