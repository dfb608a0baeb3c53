"""After a long outage: one message a complaint to a customer, one digest to
staff, and no flood. OP2, DL6."""

import time
from collections import Counter

from harness import opened, wait_until
from test_digest import digests
from test_kill import judge, settle

HOUR = 3600 * 1000
LOOP = """
loop "complaint" {
    tiers = {"high", "mid", "low"}
    default_tier = "mid"
    clock "inform" {
        budget = "1h"
        rung "still" { at = "100%" to = "customer" via = {"sms"} }
        rung "sorry" { at = "+1h"  to = "customer" via = {"sms"} }
    }
    clock "final" {
        budget = "1h"
        rung "half"   { at = "50%"  to = "customer" via = {"sms"} }
        rung "expiry" { at = "100%" to = "customer" via = {"sms"} }
    }
    stage "listen" {
        budget = "2h"
        rung "warn"     { at = "50%"  to = "owner"      via = {"crm"} }
        rung "lapse"    { at = "100%" to = "owner"      via = {"crm"} }
        rung "escalate" { at = "+1h"  to = "supervisor" via = {"crm"} }
        rung "higher"   { at = "+2h"  to = "supervisor" via = {"crm"} }
    }
    stage "callback-confirm" {
        kind = "confirm"
        budget = "1h"
        rung "ask"   { at = "0%"   to = "customer" via = {"sms"} }
    }
}
"""
MORE = 'timeout = "5s"'


def back_date(redis, producer, ids, hours=8):
    """Complaints that came in before the daemon was there to see them."""
    at = int(time.time() * 1000) - hours * HOUR
    for i, c in enumerate(ids):
        fields = {"event_id": f"E-{c}", "source": "test", **opened(c)}
        sid = redis.client.xadd("complaints", fields, id=f"{at + i}-0")
        producer.sent.append({**fields, "_id": sid.decode()})


def endpoints(world, staff, customers):
    return "".join([world.endpoint("crm", staff.url(), MORE),
                    world.endpoint("sms", customers.url(), MORE)])


def both(*sinks):
    """What judge() reads of a sink, of several."""
    class Requests:
        requests = [r for s in sinks for r in s.requests]
    return Requests


def densest(times, window):
    """The most arrivals in any window of that many seconds."""
    times = sorted(times)
    return max(sum(t <= x < t + window for x in times) for t in times)


def test_after_an_outage_everybody_hears_once_and_slowly(
        world, redis, producer):
    """OP2: after 8 h down each customer gets at most one message per
    complaint, missed rungs of one clock and role collapse to the highest,
    staff get a digest, rate <= catchup_rate."""
    staff, customers = world.sink(), world.sink()
    ids = [f"C-{i}" for i in range(24)]
    back_date(redis, producer, ids)
    d = world.daemon(redis, loop=LOOP, more='catchup_rate = "8/1s"',
                     endpoints=endpoints(world, staff, customers))
    wait_until(lambda: len(customers.requests) >= len(ids), 30)
    settle(d, redis)
    told = Counter(r.json["data"]["complaint"]["id"]
                   for r in customers.requests)
    assert told == Counter(ids)
    # staff: one a role, and in it the highest rung of each complaint
    assert {r.json["type"] for r in staff.requests} == {"followup.digest"}
    rungs = {"owner": "lapse", "supervisor": "higher"}
    assert Counter(r.json["data"]["digest"]["to"]
                   for r in staff.requests) == {"owner": 1, "supervisor": 1}
    for r in staff.requests:
        data = r.json["data"]
        assert data["digest"]["catchup"] is True
        assert data["digest"]["count"] == len(ids)
        assert {i["complaint"]["id"] for i in data["items"]} == set(ids)
        assert {i["followup"]["rung"] for i in data["items"]} == {
            rungs[data["digest"]["to"]]}
    arrived = [r.at for r in customers.requests]
    # a request may take its time: one more than the rate in a window is late
    assert densest(arrived, 0.9) <= 8 + 1
    assert max(arrived) - min(arrived) > (len(ids) - 8) / 8 * 0.9
    judge(d, redis, producer, both(staff, customers))


def test_a_restart_in_the_middle_does_not_make_a_flood(
        world, redis, producer):
    """OP2, DL6: killed while it catches up: what had become due meanwhile is
    paced again, each goes out once."""
    staff, customers = world.sink(), world.sink()
    ids = [f"C-{i}" for i in range(24)]
    back_date(redis, producer, ids)
    d = world.daemon(redis, loop=LOOP, more='catchup_rate = "6/1s"',
                     endpoints=endpoints(world, staff, customers))
    wait_until(lambda: len(customers.requests) >= 4, 30)
    d.kill9()
    gone = time.monotonic()
    wait_until(lambda: time.monotonic() - gone > 3, what="slots pass unused")
    before = len(customers.requests)
    d.start()
    wait_until(lambda: len({r.id for r in customers.requests}) == len(ids), 40)
    settle(d, redis)
    later = [r.at for r in customers.requests[before:]]
    assert len(later) > 10 and densest(later, 0.9) <= 6 + 1
    assert set(Counter(r.json["data"]["complaint"]["id"]
                       for r in customers.requests)) == set(ids)
    judge(d, redis, producer, both(staff, customers))


def test_what_is_not_late_is_not_paced(world, redis, producer):
    """OP2 is for what was missed: ordinary follow-ups go at once while the
    backlog is worked off."""
    staff, customers = world.sink(), world.sink()
    ids = [f"C-{i}" for i in range(12)]
    back_date(redis, producer, ids)
    d = world.daemon(
        redis, more='catchup_rate = "2/1s"',
        loop=LOOP.replace('rung "half" ', 'rung "hello" { at = "0%" to = '
                          '"customer" via = {"sms"} }\n    rung "half" '),
        endpoints=endpoints(world, staff, customers))
    wait_until(lambda: customers.requests, 20)
    for i in range(5):
        producer.open(f"N-{i}")
    wait_until(lambda: sum(len(customers.of(f"N-{i}")) for i in range(5)) == 5)
    assert len([r for r in customers.requests if r.json["data"]["complaint"][
        "id"].startswith("C-")]) < len(ids)
    held = [f for f in d.rows("followups --endpoint sms")
            if f["state"] == "held"]
    assert held and {f["held"]["by"] for f in held} == {"catchup_rate"}


def test_many_come_in_digests_of_what_fits(world, redis, producer):
    """OP2: a digest tells a hundred in full and how many more there are."""
    staff, customers = world.sink(), world.sink()
    ids = [f"C-{i:03}" for i in range(130)]
    back_date(redis, producer, ids)
    d = world.daemon(
        redis, more='catchup_rate = "1000/1s"',
        loop=LOOP.replace('"customer" via = {"sms"}', '"agent" via = {"sms"}',
                          4),
        endpoints=endpoints(world, staff, customers))
    wait_until(lambda: len(digests(staff)) >= 2, 40)
    settle(d, redis)
    carried = Counter()
    for r in digests(staff):
        data = r.json["data"]
        assert len(data["items"]) == min(100, data["digest"]["count"])
        assert len(data["items"]) + data.get("more", 0) == \
            data["digest"]["count"]
        carried[data["digest"]["to"]] += data["digest"]["count"]
    assert carried == {"owner": 130, "supervisor": 130}
    assert any(r.json["data"]["digest"]["count"] > 100 for r in digests(staff))
