"""Who gets a text, a mail or a robot's message, whether they may, and when. ES7
FU7 FU8 FU10 FU12 AU6, promise I8."""

import json
import time
from datetime import datetime, timezone

import pytest
import sink as faults
from harness import STREAM, wait_until
from sink import Sink, answer
from test_quiet import hours, stamp
from texts import OTHER, PHONE, PRE, RETRY, Desk


# ---- FU7: opted out ----

def test_fu7_a_number_that_said_stop_gets_no_text(world, redis):
    """FU7: from the next claim on, under a second later; the next channel is
    used. START lifts it."""
    desk = Desk(world, redis)
    desk.open()
    desk.wait_note("delivered")
    desk.producer.send({"event": "customer.message", "source": "sms",
                        "endpoint": "sms", "via": "sms",
                        "customer.phone": PHONE, "text": "STOP"})
    desk.producer.emit("stage.completed", "C-1", stage="listen")
    began = time.monotonic()
    wait_until(lambda: desk.crm.requests)
    assert time.monotonic() - began < 1
    note = desk.wait_note("suppressed")
    assert (note["reason"], note["endpoint"]) == ("opted_out", "sms")
    desk.settled()
    assert len(desk.gate.got) == 1
    desk.open("C-2")
    wait_until(lambda: len(desk.crm.requests) == 2)
    assert len(desk.gate.got) == 1
    desk.producer.send({"event": "customer.message", "source": "sms",
                        "endpoint": "sms", "via": "sms",
                        "customer.phone": PHONE, "text": "START"})
    desk.applied()
    desk.open("C-3")
    wait_until(lambda: len(desk.gate.got) == 2)
    desk.settled("C-1", "C-2", "C-3")


def test_fu7_what_waits_is_not_texted_any_more(world, redis):
    """FU7: a STOP counts for what is queued already."""
    desk = Desk(world, redis, sms=f'{RETRY}\n    per_recipient = {{"1/4s"}}')
    desk.open("C-1")
    desk.wait_note("delivered")
    desk.open("C-2")
    wait_until(lambda: desk.state("C-2") == "held")
    desk.producer.send({"event": "customer.message", "source": "sms",
                        "endpoint": "sms", "via": "sms",
                        "customer.phone": PHONE, "text": "退订"})
    wait_until(lambda: desk.crm.requests, 10)
    desk.settled("C-1", "C-2")
    assert len(desk.gate.got) == 1
    assert desk.wait_note("suppressed", "C-2")["reason"] == "opted_out"


def test_fu7_a_provider_that_refuses_an_opted_out_number(world, redis):
    """FU7: its word is kept, for every endpoint and complaint."""
    desk = Desk(world, redis, more="""
provider strict {
    url = "https://sms.example/send"
    json = "{\\"to\\":{to:json},\\"text\\":{text:json}}"
    success = { "status:202" }
    opted_out = { "/code == 21610" }
}
""", via='{"strict", "sms", "crm"}', endpoints="""
endpoint "strict" {
    type = "sms"  provider = "strict"  base_url = "URL"
    allow_http = true  allow_net = {"127.0.0.0/8"}
}
""", start=False)
    strict = Sink(lambda r: answer(400, body=b'{"code": 21610}'))
    world.closers.append(strict.stop)
    desk.daemon.write_conf(desk.daemon.conf.read_text().replace(
        '"URL"', f'"http://127.0.0.1:{strict.port}"'))
    desk.daemon.start()
    desk.open()
    wait_until(lambda: desk.crm.requests)
    desk.settled()
    assert len(strict.requests) == 1 and not desk.gate.got
    assert desk.names() == ["queued", "suppressed", "queued", "suppressed",
                            "queued", "delivered"]
    said = redis.client.hget(desk.contact(), "out").decode()
    assert said.split(" ")[1] == "provider"
    assert redis.client.ttl(desk.contact()) == -1
    desk.open("C-2")
    wait_until(lambda: len(desk.crm.requests) == 2)
    assert len(strict.requests) == 1


def test_consent_that_was_not_given(world, redis):
    """FU7: who may not be texted is not, for that complaint."""
    desk = Desk(world, redis)
    desk.open(**{"consent.sms": "no"})
    wait_until(lambda: desk.crm.requests)
    desk.settled()
    assert not desk.gate.got
    assert desk.wait_note("suppressed")["reason"] == "opted_out"
    desk.open("C-2")
    wait_until(lambda: desk.gate.got)


# ---- FU8: quiet hours ----

def test_fu8_the_customers_night_and_order(world, redis):
    """FU8: the customer's zone, else the loop's; what was held leaves in
    order."""
    now = datetime.now(timezone.utc)
    if now.second > 45:  # the minute must not turn before all is there
        wait_until(lambda: datetime.now(timezone.utc).second < 10, 20)
    night = hours(-60, 1)
    desk = Desk(world, redis, sms=f'{RETRY}\n    quiet = "night"',
                more=f'quiet "night" {{ hours = "{night}" }}')
    desk.open("C-1", tz="UTC")
    desk.open("C-2", tz="Asia/Shanghai", **{"customer.phone": OTHER})
    wait_until(lambda: len(desk.gate.got) == 1)
    assert desk.gate.got[0][0] == OTHER
    desk.producer.emit("complaint.updated", "C-1", category="other")
    row = desk.row("C-1")
    assert row["state"] == "held" and row["held"]["by"] == "quiet"
    wait_until(lambda: len(desk.gate.got) == 2, 75)
    assert -0.05 < desk.gate.sink.requests[1].at - stamp(
        row["held"]["until"]) < 3
    desk.settled("C-1", "C-2")


def test_fu8_past_max_age_it_is_expired(world, redis):
    """FU8: not sent at night, and not in the morning when it is stale."""
    if datetime.now(timezone.utc).second > 40:
        wait_until(lambda: datetime.now(timezone.utc).second < 10, 25)
    desk = Desk(world, redis, via='{"sms"}', sms=(
        f'{RETRY}\n    quiet = "night"  max_age = "10s"'),
        more=f'quiet "night" {{ hours = "{hours(-60, 1)}" }}')
    desk.open("C-1", tz="Asia/Shanghai")
    desk.open("C-2", tz="UTC")
    wait_until(lambda: len(desk.gate.got) == 1)
    assert desk.state("C-2") == "held"
    note = desk.wait_note("expired", "C-2", timeout=75)
    assert note["reason"] == "max_age"
    desk.settled("C-1", "C-2")
    assert len(desk.gate.got) == 1


def test_fu8_a_wait_that_would_make_it_stale_ends_it(world, redis):
    """FU8, FU10: what is known to be too late then is expired now."""
    desk = Desk(world, redis, via='{"sms"}', sms=(
        f'{RETRY}\n    per_recipient = {{"1/1h"}}  max_age = "10m"'))
    desk.open("C-1")
    desk.wait_note("delivered")
    desk.open("C-2")
    assert desk.wait_note("expired", "C-2")["reason"] == "max_age"
    desk.settled("C-1", "C-2")
    assert len(desk.gate.got) == 1


def test_fu8_staff_by_their_own_zone(world, redis):
    """FU8: the person's zone, else the loop's."""
    desk = Desk(world, redis, via='{"sms"}', loop="""
loop "complaint" {
    timezone = "UTC"
    stage "listen" {
        budget = "1h"
        rung "a" { at = "0%" to = "owner"      via = {VIA} }
        rung "b" { at = "0%" to = "supervisor" via = {VIA} }
    }
    stage "callback-confirm" {
        kind = "confirm"  budget = "1h"
        rung "ask" { at = "0%" to = "customer" via = {"crm"} }
    }
}
""", sms=f'{RETRY}\n    quiet = "night"', more=f"""
quiet "night" {{ hours = "{hours(-60, 60)}" }}
person "li"   {{ phone = "+8613800138001"  timezone = "Asia/Shanghai" }}
person "anna" {{ phone = "+447700900999" }}
role "supervisor" {{ person = "anna" }}
""")
    desk.open("C-1", owner="li")
    wait_until(lambda: desk.gate.got)
    assert [to for to, _, _ in desk.gate.got] == ["+8613800138001"]
    assert desk.state() == "held"


# ---- FU10: windows ----

def test_fu10_the_excess_of_one_number_waits(world, redis):
    """FU10: so many to one number, whatever the complaint; several claims of
    one turn count; none vanishes, and others are not kept waiting."""
    desk = Desk(world, redis, sms=(
        f'{RETRY}\n    per_recipient = {{"1/1s", "3/5s"}}'), start=False)
    for i in range(5):
        desk.open(f"C-{i}")
    desk.open("C-9", **{"customer.phone": OTHER})
    desk.daemon.start()
    wait_until(lambda: OTHER in [to for to, _, _ in desk.gate.got], 5)
    row = wait_until(lambda: [r for r in desk.daemon.rows("followups")
                              if r["state"] == "held"])[0]
    assert row["held"]["by"] == "window"
    wait_until(lambda: len(desk.gate.got) == 6, 20)
    at = [r.at for r in desk.gate.sink.requests if r.json["to"] == PHONE]
    assert len(at) == 5
    assert all(b - a >= 0.9 for a, b in zip(at, at[1:]))
    assert all(b - a >= 4.9 for a, b in zip(at, at[3:]))
    assert len({ref for _, _, ref in desk.gate.got}) == 6
    desk.settled(*(f"C-{i}" for i in (0, 1, 2, 3, 4, 9)))
    assert not desk.crm.requests


def test_fu10_a_retry_counts_once_and_a_restart_forgets_nothing(world, redis):
    """FU10."""
    desk = Desk(world, redis, sms=f'{RETRY}\n    per_recipient = {{"1/6s"}}')
    desk.gate.respond = lambda r: answer(429) if r.n == 0 else None
    desk.open("C-1")
    wait_until(lambda: len(desk.gate.got) == 2)  # its own retry may go
    desk.wait_note("delivered")
    desk.daemon.kill9()
    desk.daemon.start()
    desk.open("C-2")
    wait_until(lambda: len(desk.gate.got) == 3, 20)
    at = [r.at for r in desk.gate.sink.requests]
    assert at[1] - at[0] < 4 and at[2] - at[1] >= 5.9
    desk.settled("C-1", "C-2")


def test_fu10_a_gateway_that_has_had_enough_for_one_number(world, redis):
    """FU10: that one waits, the endpoint does not."""
    desk = Desk(world, redis, via='{"limited"}', more="""
provider limited {
    url = "https://sms.example/send"
    json = "{\\"to\\":{to:json},\\"text\\":{text:json}}"
    success = { "/code == OK" }
    throttle = { "/code == LIMIT : 3s recipient" }
}
""", endpoints="""
endpoint "limited" {
    type = "sms"  provider = "limited"  base_url = "URL"
    retry = {"0s"}  max_age = "1m"
    allow_http = true  allow_net = {"127.0.0.0/8"}
}
""", start=False)
    seen = []

    def respond(r):
        seen.append(r.json["to"])
        code = b"LIMIT" if seen.count(PHONE) == 1 and \
            r.json["to"] == PHONE else b"OK"
        return answer(200, body=b'{"code": "%s"}' % code)

    limited = Sink(respond)
    world.closers.append(limited.stop)
    desk.daemon.write_conf(desk.daemon.conf.read_text().replace(
        '"URL"', f'"http://127.0.0.1:{limited.port}"'))
    desk.daemon.start()
    desk.open("C-1")
    wait_until(lambda: seen)
    desk.open("C-2", **{"customer.phone": OTHER})
    wait_until(lambda: OTHER in seen, 2)
    assert seen == [PHONE, OTHER]
    wait_until(lambda: len(seen) == 3)
    assert limited.requests[2].at - limited.requests[0].at >= 2.9
    desk.settled("C-1", "C-2")


# ---- FU12: who is reached by what ----

def test_fu12_refused_for_good_goes_on_by_the_next_channel(world, redis):
    """FU12: each channel of the list once."""
    desk = Desk(world, redis)
    desk.gate.respond = lambda r: answer(400)
    desk.open()
    wait_until(lambda: desk.crm.requests)
    desk.settled()
    assert len(desk.gate.got) == 1 and len(desk.crm.requests) == 1


@pytest.mark.parametrize("number,said", [
    ("", "no number"),
    ("13800138000", "not a number with its country code"),
    ("li@example.com", "not a number with its country code")])
def test_fu12_no_number_then_the_next_channel(world, redis, number, said):
    """FU12, AU6: and the log says what is wrong with it, not what it is."""
    desk = Desk(world, redis)
    fields = {"customer.phone": number} if number else {
        "customer.phone": "", "customer.id": "K-1"}
    desk.open(**fields)
    wait_until(lambda: desk.crm.requests)
    note = desk.wait_note("suppressed")
    assert note["reason"] == "no_address"
    desk.settled()
    assert not desk.gate.got
    assert desk.daemon.logged(rf'followup_suppressed .*detail="?{said}')
    if number:
        assert number not in desk.daemon.text()


def test_fu12_no_number_and_no_other_channel_is_dead(world, redis):
    """FU12: a person can replay it, when the number is known."""
    desk = Desk(world, redis, via='{"sms"}')
    desk.open(**{"customer.phone": "12345"})
    assert desk.wait_note("dead")["reason"] == "no_address"
    desk.producer.emit("complaint.updated", "C-1",
                       **{"customer.phone": "0044 (0)7700 900123"})
    desk.applied()
    letter, = desk.daemon.rows("dead list")
    desk.daemon.rows(f"dead replay {letter['id']}")
    wait_until(lambda: desk.gate.got)
    assert desk.gate.got[0][0] == OTHER
    desk.settled()


def test_a_number_that_changes_counts_for_what_has_not_gone(world, redis):
    """FU8: it is looked up when it goes, not when it was made."""
    desk = Desk(world, redis, sms=f'{RETRY}\n    quiet = "night"',
                more=f'quiet "night" {{ hours = "{hours(-60, 1)}" }}')
    desk.open("C-1", tz="Asia/Shanghai")
    wait_until(lambda: desk.gate.got)
    assert desk.gate.got[0][0] == PHONE
    desk.producer.emit("complaint.updated", "C-1",
                       **{"customer.phone": OTHER})
    desk.producer.emit("stage.completed", "C-1", stage="listen")
    wait_until(lambda: len(desk.gate.got) == 2)
    assert desk.gate.got[1][0] == OTHER


def test_fu12_staff_without_a_number(world, redis):
    """FU12: an owner that conf does not know has no address."""
    desk = Desk(world, redis, loop="""
loop "complaint" {
    stage "listen" {
        budget = "1h"
        rung "a" { at = "0%" to = "owner" via = {VIA} }
    }
    stage "callback-confirm" {
        kind = "confirm"  budget = "1h"
        rung "ask" { at = "0%" to = "customer" via = {"crm"} }
    }
}
""", more='person "li" { phone = "+8613800138001" }')
    desk.open("C-1", owner="wang")
    wait_until(lambda: desk.crm.requests)
    assert desk.wait_note("suppressed")["reason"] == "no_address"
    desk.open("C-2", owner="li")
    wait_until(lambda: desk.gate.got)
    assert desk.gate.got[0][0] == "+8613800138001"
    desk.settled("C-1", "C-2")


# ---- AU6 ----

CANARY = "+4915112345678"
CANARY_MAIL = "canary.bird@nest.example"


def test_au6_numbers_stay_where_they_belong(world, redis):
    """AU6: a DUMP of every key but the personal data and the intake, the log
    and what the verbs say have neither number nor address."""
    desk = Desk(world, redis, sms=f'{RETRY}\n    receipt_wait = "1s"',
                via='{"sms"}')
    fields = {"customer.phone": CANARY, "customer.email": CANARY_MAIL}
    desk.open("C-1", **fields)
    desk.wait_note("dead")
    desk.gate.respond = lambda r: answer(400)
    desk.open("C-2", **fields)
    desk.wait_note("dead", "C-2")
    desk.gate.respond = lambda r: faults.reset
    desk.open("C-3", **fields)
    desk.wait_note("uncertain", "C-3")
    desk.gate.respond = None
    desk.open("C-4", **fields)
    desk.wait_note("accepted", "C-4")
    assert len(desk.gate.got) == 4
    assert {to for to, _, _ in desk.gate.got} == {CANARY}
    words = [CANARY.encode(), CANARY[1:].encode(), CANARY_MAIL.encode()]
    dump = {}
    for key in redis.keys("*"):
        if key == STREAM or key.startswith(PRE + "pii:"):
            continue
        kind = redis.client.type(key)
        read = {b"string": lambda k: redis.client.get(k),
                b"hash": lambda k: redis.client.hgetall(k),
                b"list": lambda k: redis.client.lrange(k, 0, -1),
                b"set": lambda k: redis.client.smembers(k),
                b"zset": lambda k: redis.client.zrange(k, 0, -1),
                b"stream": lambda k: redis.client.xrange(k)}[kind]
        dump[key] = key.encode() + repr(read(key)).encode() + \
            redis.client.dump(key)
    assert any(k.startswith(PRE + "contact:") for k in dump)
    assert any(k.startswith(PRE + "dead") for k in dump)
    for key, value in dump.items():
        for word in words:
            assert word not in value, (key, word)
    said = [json.dumps(desk.daemon.rows(v)) for v in
            ("followups", "dead list", "status", "endpoints", "show C-1",
             "show C-4")]
    for text in [desk.daemon.text(), *said]:
        for word in words:
            assert word.decode() not in text


# ---- robots and digests ----

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
PEOPLE = """
person "li"   { phone = "+8613800138001" }
person "wang" { phone = "+8613800138002" }
"""


def test_a_robot_writes_to_its_group_and_mentions_who_is_meant(world, redis):
    """FU12: a robot needs no address; a number of staff is mentioned, a
    customer's never leaves."""
    token = world.secret("robot.token", "a-token-of-a-robot")
    desk = Desk(world, redis, via='{"team"}', more=PEOPLE, loop="""
loop "complaint" {
    stage "listen" {
        budget = "1h"
        rung "a" { at = "0%" to = "owner"    via = {VIA} }
        rung "b" { at = "0%" to = "customer" via = {VIA} }
    }
    stage "callback-confirm" {
        kind = "confirm"  budget = "1h"
        rung "ask" { at = "0%" to = "customer" via = {"crm"} }
    }
}
""", endpoints=f"""
endpoint "team" {{
    type = "chat"  provider = "dingtalk"  base_url = "URL"
    token = "file:{token}"  password = "file:{token}"
    rate = "100/1s"
    allow_http = true  allow_net = {{"127.0.0.0/8"}}
}}
""", start=False)
    team = Sink(lambda r: answer(200, body=b'{"errcode": 0}'))
    world.closers.append(team.stop)
    desk.daemon.write_conf(desk.daemon.conf.read_text().replace(
        '"URL"', f'"http://127.0.0.1:{team.port}"'))
    desk.daemon.start()
    desk.open("C-1", owner="li")
    desk.open("C-2", owner="nobody-knows-them")
    wait_until(lambda: len(team.requests) == 4)
    desk.settled("C-1", "C-2")
    mentioned = sorted(m for r in team.requests
                       for m in r.json["at"]["atMobiles"] if m)
    assert mentioned == ["8613800138001"]
    assert not any(PHONE[1:].encode() in r.body for r in team.requests)


def test_a_digest_by_text_is_each_persons_own(world, redis):
    """ES7, FU12: what belongs together goes as one to one number."""
    desk = Desk(world, redis, via='{"sms"}', loop=TEAM, more=PEOPLE)
    for c, owner in (("C-1", "li"), ("C-2", "wang"), ("C-3", "li"),
                     ("C-4", "wang")):
        desk.open(c, owner=owner, incident="INC-7")
    ids = ("C-1", "C-2", "C-3", "C-4")
    desk.settled(*ids)
    assert {to: sorted(c for c in ids if c in text)
            for to, text, _ in desk.gate.got} == {
        "+8613800138001": ["C-1", "C-3"], "+8613800138002": ["C-2", "C-4"]}
    assert len(desk.gate.got) == 2


def test_a_digest_that_may_have_arrived_goes_on_one_by_one(world, redis):
    """I8, FU12: it is not sent again; its members take the next channel."""
    desk = Desk(world, redis, loop=TEAM, more=PEOPLE)
    desk.gate.respond = lambda r: faults.reset
    for c in ("C-1", "C-2"):
        desk.open(c, owner="li", incident="INC-7")
    wait_until(lambda: desk.crm.requests)
    desk.settled("C-1", "C-2")
    assert len(desk.gate.got) == 1
    for c in ("C-1", "C-2"):
        assert desk.names(c)[:2] == ["queued", "unknown"]
        assert desk.names(c)[-1] == "delivered"


def test_a_digest_cut_off_by_a_kill_is_not_sent_again(world, redis):
    """I8: and without another channel each is dead by itself."""
    desk = Desk(world, redis, via='{"sms"}', loop=TEAM, more=PEOPLE)
    desk.gate.respond = lambda r: faults.silence
    for c in ("C-1", "C-2"):
        desk.open(c, owner="li", incident="INC-7")
    wait_until(lambda: desk.gate.got)
    desk.daemon.kill9()
    desk.gate.respond = None
    desk.daemon.start()
    for c in ("C-1", "C-2"):
        desk.wait_note("dead", c, timeout=30)
    desk.settled("C-1", "C-2")
    assert len(desk.gate.got) == 1
    letters = desk.daemon.rows("dead list")
    assert sorted(x["complaint"] for x in letters) == ["C-1", "C-2"]
    assert {x["reason"] for x in letters} == {"unknown"}
    desk.daemon.rows("dead replay --all")
    wait_until(lambda: len(desk.gate.got) == 2)
    desk.settled("C-1", "C-2")
