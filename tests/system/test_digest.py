"""One incident, many complaints: staff hear of it once, customers each for
themselves. ES7, FU11, and what a crash, a refusal or an operator does to a
digest on its way."""

import threading

import pytest
import texts
from harness import wait_until
from sink import OK, answer
from test_delivery import notes
from test_kill import judge, settle

WAIT = 3  # seconds, as in the loop below
LOOP = """
loop "complaint" {
    tiers = {"high", "mid", "low"}
    default_tier = "mid"
    group_wait = "3s"
    stage "listen" {
        budget = "1h"
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
FAST = ('timeout = "15s"\n    retry = {"0s", "300ms", "300ms", "1h"}\n'
        '    jitter = "0%"')
BRIEF = 'timeout = "15s"\n    retry = {"0s", "300ms"}\n    jitter = "0%"'


TEAM = """
loop "complaint" {
    group_wait = "1s"
    stage "listen" {
        budget = "1h"
        rung "a" { at = "0%" to = "owner" via = {VIA} }
    }
    stage "callback-confirm" {
        kind = "confirm"  budget = "1h"
        rung "ask" { at = "0%" to = "customer" via = {"crm"} }
    }
}
"""
PEOPLE = 'person "li" { phone = "+8613800138001" }'


def start(world, redis, respond=None, more=FAST, loop=LOOP, **kw):
    """Staff and customers at receivers of their own: (daemon, staff, customers)
    """
    staff = world.sink(respond) if respond else world.sink()
    customers = world.sink()
    d = world.daemon(redis, loop=loop, endpoints="".join([
        world.endpoint("crm", staff.url(), more),
        world.endpoint("sms", customers.url(), more)]), **kw)
    return d, staff, customers


def digests(sink):
    return [r for r in list(sink.requests)
            if r.json["type"] == "followup.digest"]


def open_incident(producer, ids, key="INC-7"):
    for c in ids:
        producer.open(c, incident=key)


def test_one_incident_is_one_digest_and_ten_customer_messages(
        world, redis, producer):
    """ES7: complaints with one incident key give one staff digest a
    group_wait; customer follow-ups stay individual."""
    d, staff, customers = start(world, redis)
    ids = [f"C-{i}" for i in range(10)]
    open_incident(producer, ids)
    wait_until(lambda: len(customers.requests) == 10)
    assert staff.requests == []
    held = d.rows("followups --endpoint crm")
    assert len(held) == 10 and {f["state"] for f in held} == {"held"}
    assert {f["held"]["by"] for f in held} == {"digest"}
    wait_until(lambda: digests(staff))
    settle(d, redis)
    assert len(staff.requests) == 1
    r = staff.requests[0]
    assert r.headers["webhook-id"] == r.json["data"]["followup"]["id"]
    data = r.json["data"]
    assert data["digest"] == {"group": "INC-7", "to": "supervisor",
                              "count": 10, "incident": "INC-7"}
    assert {i["complaint"]["id"] for i in data["items"]} == set(ids)
    assert all(i["followup"]["to"] == "supervisor" and "message" not in i
               for i in data["items"])
    assert "INC-7" in data["message"]["text"] and "10" in \
        data["message"]["text"]
    assert {r.json["data"]["complaint"]["id"]
            for r in customers.requests} == set(ids)
    for c in ids:
        end = [n for n in notes(redis, c)
               if b"followup.delivered" in n and b'"digest"' in n]
        assert len(end) == 1 and r.id.encode() in end[0], end
    # the next complaint of that incident begins a digest of its own, and one
    # that stays alone goes out as what it is
    producer.open("C-99", incident="INC-7")
    wait_until(lambda: len(staff.requests) == 2)
    assert staff.requests[1].json["type"] != "followup.digest"
    assert staff.requests[1].json["data"]["complaint"]["id"] == "C-99"
    first, alone = staff.requests
    assert alone.at - first.at > WAIT - 0.5
    settle(d, redis)
    both = lambda: None  # what judge() reads of a sink  # noqa: E731
    both.requests = staff.requests + customers.requests
    judge(d, redis, producer, both)


@pytest.mark.parametrize("locale, limit, fits", [
    ("en", "max_segments = 1", lambda text: len(text) <= 160 and
     text.isascii()),
    ("zh", "max_segments = 1", lambda text: len(text) <= 70),
])
def test_a_digest_by_text_names_as_many_as_fit(
        world, redis, locale, limit, fits):
    """FU9: a limit of segments is that of a digest, too; GSM-7 has no
    ellipsis."""
    desk = texts.Desk(world, redis, sms=texts.RETRY + "\n    " + limit,
                      via='{"sms"}', more=PEOPLE, loop=TEAM)
    ids = [f"complaint-of-{i}-0123456789" for i in range(12)]
    for c in ids:
        desk.open(c, owner="li", incident="INC-7", locale=locale)
    text, = wait_until(desk.gate.texts)
    desk.settled(*ids)
    named = [c for c in ids if c in text]
    assert 1 <= len(named) < 5 and fits(text), text
    assert "INC-7" in text and "12" in text


def test_two_incidents_are_two_digests(world, redis, producer):
    """ES7: what has another key goes out in another digest, what has none at
    once."""
    d, staff, _ = start(world, redis)
    open_incident(producer, ["A-1", "A-2"], "INC-A")
    open_incident(producer, ["B-1", "B-2", "B-3"], "INC-B")
    producer.open("C-1")
    wait_until(lambda: staff.requests)
    assert [r.json["data"]["complaint"]["id"] for r in staff.requests] == \
        ["C-1"]
    wait_until(lambda: len(digests(staff)) == 2)
    settle(d, redis)
    assert {(r.json["data"]["digest"]["group"],
             r.json["data"]["digest"]["count"]) for r in digests(staff)} == {
        ("INC-A", 2), ("INC-B", 3)}


def test_an_incident_may_be_called_catchup(world, redis, producer):
    """ES7: it is no outage for that."""
    d, staff, _ = start(world, redis)
    open_incident(producer, ["C-1", "C-2"], "catchup")
    wait_until(lambda: digests(staff))
    assert digests(staff)[0].json["data"]["digest"] == {
        "group": "catchup", "to": "supervisor", "count": 2,
        "incident": "catchup"}
    assert "Incident catchup: 2" in \
        digests(staff)[0].json["data"]["message"]["text"]


def test_a_kill_during_the_attempt_gives_the_same_digest_again(
        world, redis, producer):
    """ES7, FU2: killed after the digest was put together and before it was
    known to have arrived: the same id, the same bytes, one digest."""
    gate = threading.Event()
    world.closers.append(gate.set)

    def respond(r):
        def act(sink, c):
            gate.wait(20)
            c.sendall(OK)
        return OK if gate.is_set() else act
    d, staff, _ = start(world, redis, respond, more='timeout = "1s"')
    ids = [f"C-{i}" for i in range(5)]
    open_incident(producer, ids)
    wait_until(lambda: digests(staff))
    d.kill9()
    producer.open("C-9", incident="INC-7")
    gate.set()
    d.start()
    wait_until(lambda: len(digests(staff)) == 2, 30)
    settle(d, redis)
    first, again = digests(staff)
    assert first.id == again.id and first.body == again.body
    assert len(first.json["data"]["items"]) == 5
    for c in ids:
        assert sum(b"followup.delivered" in n and b'"digest"' in n
                   for n in notes(redis, c)) == 1
    assert redis.keys("{complaints}:fu:*") == []


def test_kills_while_digests_are_made_lose_and_double_nobody(
        world, redis, producer):
    """ES7, ES3: killed again and again around the commits of digests, every
    member arrives in exactly one digest, or by itself."""
    d, staff, customers = start(
        world, redis, loop=LOOP.replace('"3s"', '"300ms"'),
        more='timeout = "500ms"\n    retry = {"0s", "100ms", "100ms", "1s"}')
    for n in range(8):
        open_incident(producer, [f"C-{n}-{i}" for i in range(6)],
                      f"INC-{n % 2}")
        wait_until(lambda n=n: redis.applied() == 6 * (n + 1), 20)
        wait_until(lambda n=n: len(staff.requests) > n, 20)
        d.kill9()
        d.start()
    settle(d, redis)
    carried = {}
    for r in list(staff.requests):
        data = r.json["data"]
        for item in data.get("items", [data]):
            carried.setdefault(item["followup"]["id"], set()).add(r.id)
    assert len(carried) == 48
    assert all(len(by) == 1 for by in carried.values()), carried
    both = lambda: None  # noqa: E731
    both.requests = staff.requests + customers.requests
    judge(d, redis, producer, both)


def test_what_is_over_is_no_member(world, redis, producer):
    """FU11: withdrawn while the digest waits: it is not in it; withdrawn while
    it is tried again: its end is its own, and those left go out under the same
    id and bytes."""
    broken = [True]
    d, staff, _ = start(world, redis,
                        lambda r: answer(500) if broken[0] else OK)
    open_incident(producer, ["C-1", "C-2", "C-3"])
    wait_until(lambda: d.find("C-3"))
    producer.emit("complaint.withdrawn", "C-1")
    wait_until(lambda: digests(staff))
    assert {i["complaint"]["id"] for i in digests(staff)[0].json["data"][
        "items"]} == {"C-2", "C-3"}
    wait_until(lambda: len(digests(staff)) == 3)
    producer.emit("complaint.withdrawn", "C-2")
    wait_until(lambda: d.find("C-2")["status"] == "closed")
    broken[0] = False
    row = d.rows("followups --endpoint crm")[0]
    assert [m["complaint"] for m in row["members"]] == ["C-2", "C-3"] or \
        {m["complaint"] for m in row["members"]} == {"C-2", "C-3"}
    assert d.ctl("followups", "retry", row["id"])[0] == 0
    wait_until(lambda: d.rows("followups --endpoint crm") == [])
    assert len({r.id for r in digests(staff)}) == 1
    assert len({r.body for r in digests(staff)}) == 1
    ends = {c: [n for n in notes(redis, c) if b'"endpoint":"crm"' in n and
                b"followup.queued" not in n] for c in ("C-1", "C-2", "C-3")}
    assert b"followup.suppressed" in ends["C-1"][0]
    assert b"followup.suppressed" in ends["C-2"][0]
    assert b"followup.delivered" in ends["C-3"][0]
    assert [len(e) for e in ends.values()] == [1, 1, 1]


def test_a_digest_nobody_is_left_in_is_not_sent_again(
        world, redis, producer):
    """FU11: all of its members are over before the next attempt."""
    d, staff, _ = start(world, redis, lambda r: answer(500))
    open_incident(producer, ["C-1", "C-2"])
    wait_until(lambda: len(digests(staff)) == 3)
    for c in ("C-1", "C-2"):
        producer.emit("complaint.withdrawn", c)
        wait_until(lambda c=c: d.find(c)["status"] == "closed")
    row = d.rows("followups --endpoint crm")[0]
    assert d.ctl("followups", "retry", row["id"])[0] == 0
    wait_until(lambda: d.rows("followups --endpoint crm") == [])
    assert len(digests(staff)) == 3
    assert redis.keys("{complaints}:fu:*") == []


def test_a_digest_given_up_leaves_a_letter_a_member(world, redis, producer):
    """FU3: the end of the list: each complaint's record says dead, each letter
    can be replayed, under the follow-up's own id."""
    broken = [True]
    d, staff, _ = start(world, redis,
                        lambda r: answer(500) if broken[0] else OK,
                        more=BRIEF)
    open_incident(producer, ["C-1", "C-2", "C-3"])
    wait_until(lambda: len(d.rows("dead list")) == 3)
    letters = d.rows("dead list")
    assert {x["complaint"] for x in letters} == {"C-1", "C-2", "C-3"}
    assert {x["reason"] for x in letters} == {"exhausted"}
    assert redis.keys("{complaints}:fu:*") == []
    broken[0] = False
    one = next(x for x in letters if x["complaint"] == "C-2")
    assert d.ctl("dead", "replay", one["id"])[0] == 0
    wait_until(lambda: staff.of("C-2"))
    assert staff.of("C-2")[0].id == one["id"]
    assert d.ctl("dead", "replay", "--all")[0] == 0
    wait_until(lambda: d.rows("followups") == [])
    assert len(d.rows("dead list")) == 0


def test_operators_see_who_rides_along(world, redis, producer):
    """A member cannot be sent beside its digest; it can be taken out of it."""
    d, staff, _ = start(world, redis, lambda r: answer(500))
    open_incident(producer, ["C-1", "C-2"])
    wait_until(lambda: len(digests(staff)) == 3)
    row = d.rows("followups --complaint C-1")[0]
    assert row["members"] and row["reason"] == "incident"
    member = next(m["id"] for m in row["members"] if m["complaint"] == "C-1")
    status, _, err = d.ctl("followups", "retry", member)
    assert status == 5 and row["id"] in err
    status, _, err = d.ctl("followups", "cancel", row["id"])
    assert status == 5 and "digest" in err
    assert d.ctl("followups", "cancel", member)[0] == 0
    assert any(b"cancelled" in n for n in notes(redis, "C-1"))


def test_an_endpoint_that_left_takes_its_digests_along(
        world, redis, producer):
    """svix#1511: the digest's members end as dead, endpoint-removed."""
    d, staff, customers = start(world, redis, lambda r: answer(500))
    open_incident(producer, ["C-1", "C-2"])
    wait_until(lambda: len(digests(staff)) == 3)
    d.write_conf(world.conf(
        redis, loop=LOOP.replace('"crm"', '"sms"'),
        endpoints=world.endpoint("sms", customers.url(), FAST)))
    assert d.ctl("reload")[0] in (0, 1)
    if d.ctl("reload")[0] != 0:  # refused while complaints are open: a restart
        d.stop()
        d.start()
    wait_until(lambda: len(d.rows("dead list")) == 2)
    assert {x["reason"] for x in d.rows("dead list")} == {"endpoint-removed"}
