"""plan and why through the socket: what comes next, and how each due came
about. AU4 DL9."""

import json

import pytest
from harness import wait_until

OFFICE = """
calendar "office" {
    timezone = "Asia/Shanghai"
    open = {"Mon-Fri 09:00-12:00", "Mon-Fri 13:30-18:00"}
}
"""
LOOP = """
loop "complaint" {
    timezone = "Asia/Shanghai"
    tiers = {"high", "mid", "low"}
    default_tier = "mid"
    max_extensions = 1
    clock "final" { budget = "8w"
        rung "expiry" { at = "100%" to = "customer" via = {"crm"} }
    }
    stage "listen" {
        budget = "12h"  calendar = "office"
        rung "warn"     { at = "50%"  to = "owner"      via = {"crm"} }
        rung "lapse"    { at = "100%" to = "owner"      via = {"crm"} }
        rung "escalate" { at = "+1h"  to = "supervisor" via = {"crm"} }
    }
    stage "confirm" {
        kind = "confirm"
        budget = "1h"
        rung "lapse" { at = "100%" to = "owner" via = {"crm"} }
    }
}
"""


@pytest.fixture
def daemon(world, redis):
    world.sink()
    return world.daemon(redis, loop=LOOP, more=OFFICE)


def version(daemon, complaint, n):
    """Wait until the complaint has seen n events."""
    return wait_until(lambda: daemon.find(complaint) is not None and
                      daemon.rows(f"show {complaint}")[0]["seq"] >= n)


def clock(daemon, complaint, name):
    return next(r for r in daemon.rows(f"why {complaint}")
                if r["clock"] == name)


def test_plan_names_what_will_fire_when_and_to_whom(daemon, producer):
    """AU4: the dues that show and list know, and what follows them."""
    producer.open("C-1", supervisor="wang")
    version(daemon, "C-1", 1)
    rows = daemon.rows("plan C-1")
    assert [r["at"] for r in rows] == sorted(r["at"] for r in rows)
    assert {r["complaint"] for r in rows} == {"C-1"}
    assert rows[0]["at"] == daemon.rows("show C-1")[0]["next_at"]
    fired = [(n["n"], n.get("clock"), n.get("to")) for r in rows
             for n in r["do"]]
    assert fired == [
        ("deadline.warned", "listen", None),
        ("followup.queued", "listen", "owner"),
        ("deadline.missed", "listen", None),
        ("stage.missed", None, None),
        ("followup.queued", "listen", "owner"),
        ("escalation.raised", "listen", "supervisor"),
        ("followup.queued", "listen", "supervisor"),
        ("deadline.missed", "final", None),
        ("followup.queued", "final", "customer"),
    ] + fired[9:]
    due = clock(daemon, "C-1", "listen")["due_at"]
    assert due in [r["at"] for r in rows]


def test_plan_for_people_says_what_it_assumes(daemon, producer):
    producer.open("C-1")
    version(daemon, "C-1", 1)
    status, out, err = daemon.ctl("plan", "C-1")
    assert status == 0, err
    assert "warning: 50 % of the time for listen is gone" in out
    assert "follow-up to the supervisor by crm (rung_2)" in out
    assert "if nothing happens, and every follow-up is delivered at once" in out
    status, out, _ = daemon.ctl("plan", "C-1", "--limit", "2")
    assert status == 0 and "there is more" in out
    assert len(daemon.rows("plan C-1 --limit 2")) == 2


def test_plan_of_what_is_closed_then_only_its_leaving(daemon, producer):
    producer.open("C-1")
    producer.emit("complaint.withdrawn", "C-1")
    version(daemon, "C-1", 2)
    rows = wait_until(lambda: [r for r in daemon.rows("plan C-1")
                               if r.get("forget")])
    assert len(rows) == 1
    status, out, _ = daemon.ctl("plan", "C-1")
    assert status == 0 and "kept no longer" in out


def test_plan_changes_nothing(daemon, producer, redis):
    producer.open("C-1")
    version(daemon, "C-1", 1)
    before = redis.client.get("{complaints}:c:C-1")
    daemon.rows("plan C-1")
    assert redis.client.get("{complaints}:c:C-1") == before
    assert daemon.ctl("plan", "C-9")[0] == 4
    assert daemon.ctl("plan")[0] == 2


def test_why_windows_of_every_clock_sum_to_its_budget(daemon, producer):
    """DL9: running clocks, over a hold and an extension."""
    producer.open("C-1")
    producer.emit("complaint.held", "C-1", reason="waiting_customer")
    producer.emit("complaint.resumed", "C-1")
    producer.emit("deadline.extended", "C-1", clock="listen", by="3h",
                  reason="all lines are busy", approver="wang")
    version(daemon, "C-1", 4)
    rows = daemon.rows("why C-1")
    assert {r["clock"] for r in rows} >= {"listen", "final"}
    for r in rows:
        assert r["sum_ms"] == r["budget_ms"], r["clock"]
        assert sum(w["ms"] for w in r["windows"]) == r["sum_ms"]
        assert r["windows"][-1]["to"] == r["due_at"]
        assert "otherwise_ms" not in r
    listen = clock(daemon, "C-1", "listen")
    assert listen["budget"] == "12h" and listen["extra_ms"] == 3 * 3600_000
    assert listen["budget_ms"] == 15 * 3600_000
    assert [h["reason"] for h in listen["holds"]] == ["waiting_customer"]
    moved, = listen["moved"]
    assert (moved["event"], moved["approver"]) == (
        "deadline.extended", "wang")
    assert moved["new"] == listen["due_at"] > moved["old"]
    assert clock(daemon, "C-1", "final")["holds"] == []
    status, out, _ = daemon.ctl("why", "C-1")
    assert status == 0
    for text in ("15h: 12h in the loop, 3h of it by extension",
                 "allowed by wang", "sum         15h, the budget"):
        assert text in out, text


def test_why_of_what_stands_still_or_is_over(daemon, producer):
    producer.open("C-1")
    producer.emit("complaint.held", "C-1", reason="waiting_customer")
    version(daemon, "C-1", 2)
    held = clock(daemon, "C-1", "listen")
    assert held["state"] == "stopped"
    assert held["sum_ms"] == held["consumed_ms"]
    assert held["sum_ms"] + held["left_ms"] == held["budget_ms"]
    assert held["holds"][0]["to"] is None
    assert "not while it stands still" in daemon.ctl("why", "C-1")[1]
    producer.emit("stage.completed", "C-1", stage="listen")
    version(daemon, "C-1", 3)
    met = clock(daemon, "C-1", "listen")
    assert met["state"] == "met" and met["ended_at"]
    assert sum(w["ms"] for w in met["windows"]) == met["sum_ms"]
    assert met["holds"][0]["to"] == met["ended_at"]
    assert "ended" in daemon.ctl("why", "C-1")[1]


def test_history_of_a_daemon_is_one_for_a_backtest(daemon, producer, tmp_path,
                                                    world):
    """What `show --json` gives is what backtest reads."""
    producer.open("C-1")
    producer.emit("complaint.acknowledged", "C-1")
    producer.emit("complaint.withdrawn", "C-1")
    version(daemon, "C-1", 3)
    path = tmp_path / "history"
    status, out, _ = daemon.ctl("--json", "show", "C-1")
    assert status == 0
    path.write_text(out)
    conf = tmp_path / "amends.conf"
    conf.write_text(world.conf("/nowhere", loop=LOOP, more=OFFICE))
    status, out, err = daemon.ctl("--json", "backtest", str(path), "--conf",
                                  str(conf), "--conf", str(conf))
    assert status == 0, err
    figures = json.loads(out.splitlines()[0])
    assert figures["a"] == figures["b"]
    assert figures["a"]["closed"] == {"withdrawn": 1}
