"""Quiet hours: what comes due in them waits for their end, with its reason.
ES5, TI2."""

import time
from datetime import datetime, timedelta, timezone

from harness import wait_until
from sink import answer
from test_delivery import notes
from test_kill import judge, settle

LOOP = """
loop "complaint" {
    tiers = {"high", "mid", "low"}
    default_tier = "mid"
    timezone = "UTC"
    stage "listen" {
        budget = "1h"
        rung "hello" { at = "0%" to = "customer"   via = {"sms"} }
        rung "told"  { at = "0%" to = "supervisor" via = {"crm"} }
    }
    stage "resolve" { budget = "1h" }
    stage "callback-confirm" {
        kind = "confirm"
        budget = "1h"
        rung "ask"   { at = "0%"   to = "customer" via = {"sms"} }
    }
}
"""


def stamp(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def hours(begin, end):
    """Quiet hours from begin to end minutes from now, UTC."""
    now = datetime.now(timezone.utc)
    return "-".join((now + timedelta(minutes=m)).strftime("%H:%M")
                    for m in (begin, end))


def start(world, redis, quiet, staff_too=False):
    sink = world.sink()
    line = 'quiet = "night"'
    d = world.daemon(
        redis, loop=LOOP, more=f'quiet "night" {{ hours = "{quiet}" }}',
        endpoints="".join([
            world.endpoint("sms", sink.url(), line),
            world.endpoint("crm", sink.url(), line if staff_too else "")]))
    return d, sink


def test_what_is_held_waits_and_is_suppressed_when_its_stage_ends(
        world, redis, producer):
    """ES5: a follow-up that quiet hours hold back waits for the next opening
    with its reason; if its stage ended meanwhile it is logged suppressed."""
    d, sink = start(world, redis, hours(-60, 120))
    for c in ("C-1", "C-2"):
        producer.open(c, tz="UTC")
    wait_until(lambda: len(sink.requests) == 2)
    assert {r.json["data"]["followup"]["rung"] for r in sink.requests} == {
        "told"}
    held = d.rows("followups --complaint C-1")
    assert len(held) == 1 and held[0]["state"] == "held"
    assert held[0]["held"]["by"] == "quiet" and held[0]["rung"] == "hello"
    until = stamp(held[0]["held"]["until"])
    assert 118 * 60 < until - time.time() <= 120 * 60
    queued = [n for n in notes(redis, "C-1") if b'"held":"quiet"' in n]
    assert len(queued) == 1
    status, out, _ = d.ctl("followups")
    assert status == 0 and "held: quiet hours" in out
    producer.emit("stage.completed", "C-1", stage="listen")
    wait_until(lambda: d.rows("followups --complaint C-1") == [])
    over = [n for n in notes(redis, "C-1") if b"followup.suppressed" in n]
    assert len(over) == 1 and b"superseded" in over[0]
    assert d.logged(r"followup_suppressed .*complaint=C-1 .*superseded")
    # a restart forgets neither
    d.kill9()
    d.start()
    assert d.rows("followups --complaint C-2")[0]["held"]["by"] == "quiet"
    assert len(sink.requests) == 2
    assert d.find("C-2")["waiting"]


def test_they_are_the_recipients_hours(world, redis, producer):
    """ES5, FU8: night in Shanghai is not night in London; the customer's zone
    rules, else the loop's."""
    shanghai = datetime.now(timezone.utc) + timedelta(hours=8)
    quiet = "-".join((shanghai + timedelta(minutes=m)).strftime("%H:%M")
                     for m in (-60, 60))
    d, sink = start(world, redis, quiet)
    producer.open("C-1", tz="Asia/Shanghai")
    producer.open("C-2", tz="Etc/UTC")
    wait_until(lambda: len(sink.of("C-2")) == 2)
    wait_until(lambda: len(sink.of("C-1")) == 1)
    assert d.rows("followups --complaint C-1")[0]["held"]["by"] == "quiet"
    assert [f["state"] for f in d.rows("followups")] == ["held"]
    assert len(sink.requests) == 3


def test_at_their_end_it_goes_out_at_once(world, redis, producer):
    """ES5: at the opening, not at the next interval: the end of the hours is
    the next full minute."""
    now = datetime.now(timezone.utc)
    if now.second > 50:  # the minute must not turn before the event is there
        wait_until(lambda: datetime.now(timezone.utc).second < 10, 20)
    d, sink = start(world, redis, hours(-60, 1))
    producer.open("C-1", tz="UTC")
    row, = wait_until(lambda: [
        f for f in d.rows("followups --complaint C-1") if "held" in f])
    until = stamp(row["held"]["until"])
    wait_until(lambda: len(sink.of("C-1")) == 2, 70)
    late = sink.of("C-1")[1].at - until
    assert -0.05 < late < 2
    settle(d, redis)
    judge(d, redis, producer, sink)


def test_a_retry_in_quiet_hours_waits_for_their_end(world, redis, producer):
    """ES5, FU8: judged again before each attempt; here the hours come with a
    reload between two of them."""
    sink = world.sink(lambda r: answer(500))
    more = ('retry = {"0s", "1s", "1s", "1s", "1s", "1s", "1s"}\n'
            '    jitter = "0%"\n    quiet = "night"')

    def conf(quiet):
        return dict(
            loop=LOOP.replace('via = {"crm"}', 'via = {"sms"}'),
            more=f'quiet "night" {{ hours = "{quiet}" }}',
            endpoints=world.endpoint("sms", sink.url(), more))
    d = world.daemon(redis, **conf(hours(120, 180)))
    producer.open("C-1", tz="UTC")
    wait_until(lambda: len(sink.of("C-1")) >= 2)
    d.write_conf(world.conf(redis, **conf(hours(-60, 120))))
    assert d.ctl("reload")[0] == 0
    row = wait_until(lambda: next(
        (f for f in d.rows("followups --complaint C-1") if
         stamp(f["next_at"]) > time.time() + 3600), None))
    before = len(sink.requests)
    assert row["attempts"] == before
    assert 118 * 60 < stamp(row["next_at"]) - time.time() <= 120 * 60
    producer.open("C-2", tz="UTC")
    wait_until(lambda: d.rows("followups --complaint C-2"))
    assert len(sink.requests) == before


def test_staff_of_an_emergency_are_told_all_the_same(world, redis, producer):
    """TI2: severity emergency ignores quiet hours on staff channels only."""
    d, sink = start(world, redis, hours(-60, 60), staff_too=True)
    producer.open("C-1", tz="UTC", severity="emergency")
    producer.open("C-2", tz="UTC")
    wait_until(lambda: sink.of("C-1"))
    wait_until(lambda: len(d.rows("followups")) == 3)
    assert [r.json["data"]["followup"]["rung"] for r in sink.requests] == [
        "told"]
    assert {(f["complaint"], f["rung"]) for f in d.rows("followups")} == {
        ("C-1", "hello"), ("C-2", "hello"), ("C-2", "told")}
