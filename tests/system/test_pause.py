"""What a person stops: intake, delivery, an endpoint, a loop; over restarts,
seen everywhere, and what waits is judged again. OP3 OP4, ops.md "pause and
drain"."""

import json
import time

from harness import STREAM, Producer, wait_until

KEY = f"{{{STREAM}}}:paused"
LOOPS = """
loop "%s" {
    timezone = "UTC"
    tiers = {"mid"}
    default_tier = "mid"
    stage "listen" {
        budget = "%s"
        rung "told"  { at = "0%%"   to = "supervisor" via = {"crm"} }
        rung "lapse" { at = "100%%" to = "owner"      via = {"crm"} }
    }
    stage "callback-confirm" {
        kind = "confirm"  budget = "1h"
        rung "ask" { at = "0%%" to = "customer" via = {"crm"} }
    }
}
"""
TWO = LOOPS % ("complaint", "1h") + LOOPS % ("vip", "1h")


def got(sink):
    return sorted((r.json["data"]["complaint"]["id"],
                   r.json["data"]["followup"]["rung"])
                  for r in list(sink.requests))


def paused(d):
    return [p["what"] for p in d.status()["paused"]]


def say(d, *words):
    code, out, err = d.ctl(*words)
    assert code == 0, out + err
    return out


def test_paused_intake_reads_nothing_and_survives_a_restart(
        world, redis, producer):
    """OP3: the stream is not read, over kill -9; an entry that is not read
    holds the rungs that are due behind it."""
    sink = world.sink()
    d = world.daemon(redis, loop=LOOPS % ("complaint", "3s"))
    producer.open("C-1")
    wait_until(lambda: got(sink) == [("C-1", "told")])
    assert "intake is paused in 1 shard" in say(
        d, "pause", "intake", "--reason", "CRM import")
    assert "was paused already" in say(d, "pause", "intake")
    producer.open("C-2")
    d.kill9()
    d.start()
    (p,) = d.status()["paused"]
    assert (p["what"], p["reason"]) == ("intake", "CRM import")
    assert p["by"].startswith("uid ") and p["since"].endswith("Z")
    assert len(d.logged("pause_in_force what=intake")) == 1
    # C-1 lapsed at 3 s, behind C-2, which is unread: it waits
    wait_until(lambda: d.rows("list --overdue"))
    calls = redis.client.info("commandstats")["cmdstat_xrange"]["calls"]
    end = time.monotonic() + 1
    wait_until(lambda: time.monotonic() > end)
    # and waits quietly: it looks about once a second
    assert redis.client.info("commandstats")["cmdstat_xrange"]["calls"] \
        - calls < 5
    assert d.find("C-2") is None and got(sink) == [("C-1", "told")]
    assert "resumed" in say(d, "resume", "intake")
    wait_until(lambda: {("C-1", "lapse"), ("C-2", "told")} <= set(got(sink)))
    assert paused(d) == [] and redis.client.hgetall(KEY) == {}
    assert "was not paused" in say(d, "resume", "intake")


def test_paused_delivery_sends_nothing_and_clocks_run_on(
        world, redis, producer):
    """OP4: nothing is claimed while it lasts, rungs fire; what ended
    meanwhile does not go out when it is resumed."""
    sink = world.sink()
    d = world.daemon(redis, loop=LOOPS % ("complaint", "1s"))
    say(d, "pause", "delivery")
    for c in ("C-1", "C-2"):
        producer.open(c)
    wait_until(lambda: len(d.rows("followups")) == 2)
    rows = d.rows("followups")
    assert {r["state"] for r in rows} == {"held"}
    assert rows[0]["held"] == {"by": "pause", "until": None}
    assert "held: paused" in d.ctl("followups")[1]
    producer.emit("complaint.withdrawn", "C-1")
    # the lapse of C-2 fires all the same and is behind or beside its notice
    wait_until(lambda: "lapse" in json.dumps(d.find("C-2")["waiting"]))
    d.kill9()
    d.start()
    assert paused(d) == ["delivery"]
    wait_until(lambda: d.find("C-1")["status"] == "closed")
    assert sink.requests == [] and d.status()["in_flight"] == 0
    say(d, "resume", "delivery")
    wait_until(lambda: ("C-2", "lapse") in got(sink))
    assert not [g for g in got(sink) if g[0] == "C-1"]
    assert json.loads(redis.client.hget(KEY, "was"))["until"] > 0


def test_paused_loop_holds_its_complaints_alone(world, redis, producer):
    """OP4: of the loop nothing goes out; other loops are served; a restart
    changes nothing; all that it held goes when it is resumed."""
    sink = world.sink()
    d = world.daemon(redis, loop=TWO)
    code, _, err = d.ctl("pause", "loop", "nosuch")
    assert code == 4 and "no such loop" in err
    say(d, "pause", "loop", "vip", "--reason", "texts are wrong")
    assert paused(d) == ["loop:vip"]
    for i in range(4):
        producer.open(f"V-{i}", loop="vip")
        producer.open(f"C-{i}", loop="complaint")
    wait_until(lambda: len(got(sink)) == 4)
    assert [g[0] for g in got(sink)] == [f"C-{i}" for i in range(4)]
    wait_until(lambda: [r["state"] for r in d.rows("followups")]
               == ["held"] * 4)
    assert all(r["next_at"] is None for r in d.rows("followups"))
    d.kill9()
    d.start()
    producer.open("V-4", loop="vip")
    wait_until(lambda: len(d.rows("followups")) == 5)
    # tried by hand it is judged again, and held again
    one = d.rows("followups")[0]["id"]
    assert d.ctl("followups", "retry", one)[0] == 0
    wait_until(lambda: [r["state"] for r in d.rows("followups")]
               == ["held"] * 5)
    out = say(d, "resume", "loop", "vip")
    assert "loop:vip is resumed in 1 shard" in out
    wait_until(lambda: len(got(sink)) == 9)
    assert len({r.id for r in sink.requests}) == 9
    wait_until(lambda: d.rows("followups") == [])


def test_loop_resumes_more_than_a_page(world, redis, producer):
    """What a pause held is let go in pages; none is forgotten."""
    n = 1100
    sink = world.sink()
    d = world.daemon(redis, loop=TWO, endpoint_more='inflight = 64')
    say(d, "pause", "loop", "vip")
    for i in range(n):
        producer.open(f"V-{i}", loop="vip",
                      **{"customer.phone": f"+8613{i:09}"})
    score = 253402300799000
    outs = [f"{{{STREAM}}}:out:crm{c}" for c in ("", ":1", ":2", ":3")]
    wait_until(lambda: sum(redis.client.zcount(k, score, score)
                           for k in outs) == n, 30)
    (row,), end = d.ask("resume loop vip")
    assert end["ok"] and row["due"] == n
    wait_until(lambda: len(sink.requests) == n, 60)


def test_pause_endpoint_is_endpoints_disable(world, redis, producer):
    """One thing under two names."""
    sink = world.sink()
    d = world.daemon(redis, loop=LOOPS % ("complaint", "1h"))
    assert "crm is disabled" in say(
        d, "pause", "endpoint", "crm", "--reason", "moving")
    (e,) = d.rows("endpoints")
    assert (e["state"], e["reason"], e["text"]) == (
        "disabled", "operator", "moving")
    producer.open("C-1")
    wait_until(lambda: d.rows("followups"))
    assert sink.requests == []
    say(d, "resume", "endpoint", "crm")
    wait_until(lambda: len(sink.requests) == 1)


def test_what_a_long_pause_held_goes_at_the_pace_of_catch_up(
        world, redis, producer):
    """As after an outage: catchup_rate holds, and no more is lost by it."""
    sink = world.sink()
    d = world.daemon(redis, loop=LOOPS % ("complaint", "1h"), more="""
        catchup_after = "1s"
        catchup_rate = "2/1s"
    """)
    say(d, "pause", "delivery")
    for i in range(6):
        producer.open(f"C-{i}", **{"customer.phone": f"+861380013800{i}"})
    began = time.monotonic()
    wait_until(lambda: len(d.rows("followups")) == 6)
    wait_until(lambda: time.monotonic() - began > 1.2)
    say(d, "resume", "delivery")
    wait_until(lambda: len(sink.requests) == 6)
    at = sorted(r.at for r in sink.requests)
    assert at[5] - at[0] > 1.5, at


def test_pauses_go_with_the_shard(world, redis, producer):
    """A standby that takes over finds what was paused; a daemon without a
    shard refuses to pause."""
    sink = world.sink()
    a = world.daemon(redis, loop=TWO)
    b = world.daemon(redis, instance="t2", loop=TWO, start=False)
    b.start(wait=False)
    wait_until(lambda: b.state() == "standby")
    code, _, err = b.ctl("pause", "delivery")
    assert code == 5 and "no shard is owned" in err
    say(a, "pause", "delivery")
    a.kill9()
    wait_until(lambda: b.state() == "running")
    wait_until(lambda: paused(b) == ["delivery"])
    producer.open("C-1", loop="vip")
    wait_until(lambda: len(b.rows("followups")) == 1)
    assert sink.requests == []
    say(b, "resume", "delivery")
    wait_until(lambda: len(sink.requests) == 1)


def test_pause_is_said_to_all_shards(world, redis):
    """Every stream of this daemon, by one word."""
    world.sink()
    streams = ("complaints.0", "complaints.1", "complaints.2")
    d = world.daemon(redis, loop=TWO, streams=streams)
    assert "intake is paused in 3 shards" in say(d, "pause", "intake")
    p = Producer(redis, "complaints.1")
    p.open("C-1", loop="vip")
    rows, end = d.ask("resume intake")
    assert end["ok"] and [r["shard"] for r in rows] == list(streams)
    assert {(r["what"], r["state"], r["changed"]) for r in rows} == {
        ("intake", "running", True)}
    wait_until(lambda: d.find("C-1"))


def test_pause_words(world, redis):
    """Usage, and who may."""
    world.sink()
    d = world.daemon(redis, loop=TWO)
    for words, code in ((("pause",), 2), (("pause", "loop"), 2),
                        (("pause", "intake", "x"), 2),
                        (("resume", "loop", "nosuch"), 4),
                        (("pause", "endpoint", "nosuch"), 4),
                        (("pause", "intake", "--reason", "x" * 201), 2)):
        got_code, _, err = d.ctl(*words)
        assert got_code == code and err, (words, err)


def test_unreadable_pause_is_said(world, redis):
    """A hash that somebody wrote into by hand does not stop the shard."""
    world.sink()
    redis.client.hset(KEY, mapping={
        "intake": "yes", "loop:x": '{"since":5,"by":"li"}', "else": "{}"})
    d = world.daemon(redis, loop=TWO)
    assert paused(d) == ["loop:x"]
    assert len(d.logged("pause_unreadable")) == 2
