"""What is shown of a complaint: its stage and all of its clocks, and whose list
it stands on. LC1 DL1 RO2."""

import re
from datetime import datetime

from harness import LOOP, STREAM, wait_until

# Four clocks at once, none due while the test runs.
FOUR = LOOP.replace('budget = "2s"', 'budget = "4h"').replace(
    '    stage "listen" {', """
    clock "acknowledge" { budget = "15m"
        rung "late"   { at = "100%" to = "owner" via = {"crm"} }
    }
    clock "inform" { budget = "1h"
        rung "inform" { at = "100%" to = "customer" via = {"crm"} }
    }
    clock "final" { budget = "8w"
        rung "half"   { at = "50%"  to = "owner" via = {"crm"} }
    }
    stage "listen" {""")


def ms(text):
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(at.timestamp() * 1000)


def running(shown):
    return {c["name"]: c for c in shown["clocks"] if c["state"] == "running"}


def rung_dues(shown):
    return [ms(r["due_at"]) for c in running(shown).values()
            for r in c["rungs"] if not r["fired"] and r["due_at"]]


def score(redis, complaint):
    return int(redis.client.zscore(f"{{{STREAM}}}:wake", complaint))


def test_dl1_all_clocks_run_together_and_the_earliest_is_the_score(
        world, redis, producer, receiver):
    """DL1: ack, stage, keep-informed and final clocks run together; the
    earliest live one is the ZSET score; all are shown. LC1: stage, since,
    due."""
    d = world.daemon(redis, loop=FOUR)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    shown = d.find("C-1")
    clocks = running(shown)
    assert set(clocks) == {"acknowledge", "inform", "final", "listen"}
    begun = ms(shown["opened_at"])
    dues = {name: ms(c["due_at"]) - begun for name, c in clocks.items()}
    assert dues == {"acknowledge": 15 * 60_000, "inform": 3600_000,
                    "listen": 4 * 3600_000, "final": 56 * 86400_000}
    assert score(redis, "C-1") == min(rung_dues(shown)) == begun + 15 * 60_000

    # LC1, as a person sees it
    status, out, _ = d.ctl("show", "C-1")
    assert status == 0 and out.startswith("C-1  open, stage listen\n"), out
    assert re.search(r"^  in stage +since \d{4}-\d\d-\d\d \d\d:\d\d \(", out,
                     re.M), out
    assert re.search(r"^  due +\d{4}-\d\d-\d\d \d\d:\d\d \(in (4h|3h 59m)\)", out,
                     re.M), out
    for name in clocks:
        assert re.search(rf"^  {name} +running", out, re.M), out

    # the earliest has ended: the next one is the score
    producer.emit("complaint.acknowledged", "C-1")
    wait_until(lambda: redis.applied() == 2)
    shown = d.find("C-1")
    assert "acknowledge" not in running(shown)
    assert score(redis, "C-1") == min(rung_dues(shown)) > begun + 15 * 60_000


def listed(d, *options):
    status, out, err = d.ctl("list", *options)
    assert status == 0, err
    rows = d.rows(" ".join(("list", *options)))
    assert all(r["id"] in out for r in rows)
    return {r["id"] for r in rows}


def test_ro2_the_first_receiver_has_it_on_his_list_until_it_is_closed(
        world, redis, producer, receiver):
    """RO2: loop_owner never changes on handover; his list shows every
    complaint he opened until closed."""
    d = world.daemon(redis, loop=FOUR)
    for c in ("GONE", "HELD", "MINE"):
        producer.open(c)
    producer.open("ZHAOS", owner="zhao")
    for c in ("GONE", "HELD"):
        producer.emit("complaint.assigned", c, owner="wang", role="owner")
    producer.emit("complaint.held", "HELD", reason="waiting_customer")
    wait_until(lambda: redis.applied() == 7)
    assert listed(d, "--loop-owner", "li") == {"GONE", "HELD", "MINE"}
    assert listed(d, "--owner", "li") == {"MINE"}
    assert listed(d, "--loop-owner", "wang") == set()
    producer.emit("complaint.withdrawn", "GONE")
    wait_until(lambda: redis.applied() == 8)
    assert listed(d, "--loop-owner", "li") == {"HELD", "MINE"}
    assert listed(d, "--loop-owner", "li", "--status", "closed") == {"GONE"}
    assert listed(d, "--loop-owner", "li", "--owner", "wang") == {"HELD"}
