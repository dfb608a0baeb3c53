"""A text message on its way: who gets it, whether they may, how far it came.
FU5 FU7 FU8 FU10 FU12 AU6, promise I8.

The gateway is a real HTTP server on loopback that speaks conf/providers/
generic-json.conf; receipts stand on the stream as the listener for callbacks
writes them."""

import hashlib
import hmac
import json
import signal
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest
import sink as faults
from harness import ROOT, STREAM, Producer, wait_until
from sink import Sink, answer
from test_quiet import hours, stamp

PRE = f"{{{STREAM}}}:"
PHONE = "+8613800138000"
OTHER = "+447700900123"
ACCEPTED = answer(202, "content-type: application/json",
                  body=b'{"id": "m-%d"}')

LOOP = """
message "hello" { text = "Complaint {complaint.id} has arrived." }
message "more"  { text = "Complaint {complaint.id}: we are at it." }
loop "complaint" {
    timezone = "UTC"
    stage "listen" {
        budget = "1h"
        rung "hello" { at = "0%" to = "customer" via = {VIA} message = "hello" }
    }
    stage "resolve" {
        budget = "1h"
        rung "more" { at = "0%" to = "customer" via = {VIA} message = "more" }
    }
    stage "callback-confirm" {
        kind = "confirm"  budget = "1h"
        rung "ask" { at = "0%" to = "customer" via = {"crm"} }
    }
}
"""
SMS = """
endpoint "{name}" {{
    type = "sms"  provider = "generic-json"
    base_url = "{url}"  allow_http = true  allow_net = {{"127.0.0.0/8"}}
    token = "file:{token}"  from = "Bank"
    set = {{"host=sms.example", "path=v1/messages"}}
    jitter = "0%"
    {more}
}}
"""
RETRY = 'retry = {"0s", "1s", "1s"}'


class Gateway:
    """What it is told to answer; an id of its own for each message."""

    def __init__(self):
        self.respond = None  # a function of the request, or None: it accepts
        self.sink = Sink(self.answer)
        self.url = f"http://127.0.0.1:{self.sink.port}"

    def answer(self, r):
        act = self.respond(r) if self.respond else None
        return act if act is not None else self.accepts(r)

    def accepts(self, r):
        return answer(202, "content-type: application/json",
                      body=json.dumps({"id": f"m-{r.n}"}).encode())

    @property
    def got(self):
        """(number, text, follow-up id) of each request."""
        return [(r.json["to"], r.json["text"], r.json["reference"])
                for r in list(self.sink.requests)]

    def texts(self):
        return [text for _, text, _ in self.got]


class Desk:
    def __init__(self, world, redis, sms=RETRY, via='{"sms", "crm"}',
                 loop=LOOP, more="", endpoints="", start=True):
        self.world, self.redis = world, redis
        self.producer = Producer(redis)
        self.gate = Gateway()
        world.closers.append(self.gate.sink.stop)
        self.crm = world.sink()
        token = world.secret("gateway.token", "a-token-of-a-gateway")
        self.sms = lambda name, text: SMS.format(
            name=name, url=self.gate.url, token=token,
            more=text + ("" if "timeout" in text
                         else '\n    timeout = "2s"'))
        self.kw = {
            "loop": loop.replace("VIA", via.strip("{}")),
            "endpoints": self.sms("sms", sms) + endpoints
            + world.endpoint("crm", self.crm.url()),
            "more": f'providers = {{"{ROOT / "conf/providers"}"}}\n{more}'}
        self.daemon = world.daemon(redis, start=start, **self.kw)

    def open(self, complaint="C-1", **more):
        fields = {"customer.phone": PHONE, "tz": "UTC", **more}
        self.producer.open(complaint, **fields)

    def receipt(self, state, wait=True, **more):
        self.producer.send({"event": "followup.receipt", "source": "sms",
                            "endpoint": "sms", "state": state, **more})
        if wait:
            self.applied()

    def applied(self):
        wait_until(lambda: self.redis.applied() ==
                   self.redis.client.xinfo_stream(STREAM)["entries-added"],
                   what="every entry is applied")

    def row(self, complaint="C-1"):
        rows = self.daemon.rows(f"followups --complaint {complaint}")
        return rows[0] if rows else None

    def state(self, complaint="C-1"):
        row = self.row(complaint)
        return row["state"] if row else None

    def notes(self, complaint="C-1"):
        """[note, …] about follow-ups, in the order of the journal."""
        return [n for line in self.redis.journal(complaint)
                for n in json.loads(line)["do"]
                if n["n"].startswith("followup.")]

    def names(self, complaint="C-1"):
        return [n["n"].split(".")[1] for n in self.notes(complaint)]

    def wait_note(self, name, complaint="C-1", timeout=15, **more):
        def there():
            return [n for n in self.notes(complaint)
                    if n["n"] == f"followup.{name}"
                    and all(n.get(k) == v for k, v in more.items())]
        return wait_until(there, timeout,
                          f"followup.{name} {more}: {self.names(complaint)}")[0]

    def settled(self, *complaints):
        """Nothing waits, and the journals replay to what is there."""
        for c in complaints or ("C-1",):
            wait_until(lambda c=c: self.row(c) is None,
                       what=f"nothing of {c} waits")
            assert self.daemon.rows(f"verify {c}")[0]["ok"], c

    def contact(self, phone=PHONE):
        key = bytes.fromhex(
            self.redis.client.get(PRE + "contact:key").decode())
        name = hmac.new(key, phone.encode(), hashlib.sha256).hexdigest()[:32]
        return PRE + "contact:" + name


def waits(more=""):
    return f'{RETRY}\n    receipt_wait = "1h"\n    {more}'


# ---- FU5: states ----

def test_fu5_accepted_waits_for_its_receipt(world, redis):
    """FU5: queued, accepted, delivered. The gateway gets number, text and the
    follow-up's id; what it accepts is not delivered yet."""
    desk = Desk(world, redis, sms=waits())
    desk.open()
    until = int(desk.wait_note("accepted")["until"]) / 1000
    assert 3590 < until - time.time() <= 3600
    (to, text, ref), = desk.gate.got
    assert (to, text) == (PHONE, "Complaint C-1 has arrived.")
    row = desk.row()
    assert (row["id"], row["state"]) == (ref, "accepted")
    assert abs(stamp(row["until"]) - until) < 1
    shown = desk.daemon.find("C-1")["waiting"]
    assert [w["state"] for w in shown] == ["accepted"]
    assert redis.client.get(f"{PRE}pid:sms:m-0").decode() == f"{ref} C-1"
    assert redis.client.pttl(f"{PRE}ref:{ref}") > 7 * 86400_000
    desk.receipt("delivered", provider_id="m-0")
    desk.wait_note("delivered")
    desk.settled()
    assert desk.names() == ["queued", "accepted", "delivered"]
    assert not desk.crm.requests


@pytest.mark.parametrize("by", ["provider_id", "followup_id"])
def test_fu5_a_receipt_that_comes_first(world, redis, by):
    """FU5: the gateway tells what became of it before it has answered."""
    desk = Desk(world, redis, sms=waits())

    def tells_first(r):
        name = {"provider_id": f"m-{r.n}", "followup_id": r.json["reference"]}
        desk.receipt("delivered", **{by: name[by]})

    desk.gate.respond = tells_first
    desk.open()
    desk.wait_note("delivered")
    desk.settled()
    assert len(desk.gate.got) == 1 and not desk.crm.requests
    assert not redis.keys(f"{PRE}early:*")


def test_fu5_receipts_out_of_order_never_move_a_state_back(world, redis):
    """FU5: delivered is final, whatever comes behind it."""
    desk = Desk(world, redis, sms=waits())
    desk.open()
    desk.wait_note("accepted")
    for state in ("delivered", "accepted", "failed", "delivered"):
        desk.receipt(state, provider_id="m-0")
    desk.settled()
    assert desk.names() == ["queued", "accepted", "delivered"]
    assert not desk.crm.requests and len(desk.gate.got) == 1


def test_fu5_failed_goes_on_by_the_next_channel_once(world, redis):
    """FU5, FU12: whatever the gateway repeats."""
    desk = Desk(world, redis, sms=waits())
    desk.open()
    desk.wait_note("accepted")
    desk.receipt("failed", provider_id="m-0", code="30005")
    desk.receipt("failed", provider_id="m-0", code="30005")
    wait_until(lambda: desk.crm.requests)
    desk.settled()
    assert len(desk.gate.got) == 1 and len(desk.crm.requests) == 1
    assert desk.crm.requests[0].json["data"]["message"]["text"] == \
        "Complaint C-1 has arrived."


def test_fu5_no_receipt_is_unknown_and_the_next_channel_goes_once(
        world, redis):
    """FU5, FU12: no receipt in receipt_wait is unknown; a receipt that comes
    later still is noted and sends nothing."""
    desk = Desk(world, redis, sms=f'{RETRY}\n    receipt_wait = "2s"')
    desk.open()
    desk.wait_note("accepted")
    unknown = desk.wait_note("unknown")
    assert unknown["reason"] == "no_receipt" and unknown["endpoint"] == "sms"
    wait_until(lambda: desk.crm.requests)
    desk.settled()
    desk.receipt("failed", provider_id="m-0")
    desk.receipt("delivered", provider_id="m-0")
    desk.settled()
    assert desk.names() == ["queued", "accepted", "unknown", "queued",
                            "delivered", "delivered"]
    assert len(desk.gate.got) == 1 and len(desk.crm.requests) == 1
    assert desk.daemon.logged(r"followup_unknown .*reason=no_receipt")


def test_fu5_unknown_without_another_channel_is_dead(world, redis):
    """FU5: a person finds it with the dead and may send it again, under its
    id."""
    desk = Desk(world, redis, sms=f'{RETRY}\n    receipt_wait = "1s"',
                via='{"sms"}')
    desk.open()
    assert desk.wait_note("dead")["reason"] == "unknown"
    letter, = desk.daemon.rows("dead list")
    assert letter["reason"] == "unknown"
    desk.daemon.rows(f"dead replay {letter['id']}")
    wait_until(lambda: len(desk.gate.got) == 2)
    assert desk.gate.got[0] == desk.gate.got[1]
    desk.receipt("delivered", followup_id=letter["id"])
    desk.settled()


def test_without_receipts_accepted_is_delivered(world, redis):
    """FU5: nothing more will be heard, so nothing is waited for."""
    desk = Desk(world, redis)
    desk.open()
    desk.wait_note("delivered")
    desk.settled()
    assert desk.names() == ["queued", "delivered"]
    assert not redis.keys(f"{PRE}pid:*") and not redis.keys(f"{PRE}ref:*")


def test_what_is_handed_over_holds_nothing_up(world, redis):
    """FU5, FU11: the next message goes while a receipt is waited for, and a
    stage that ends takes nothing back; the receipt is marked late."""
    desk = Desk(world, redis, sms=waits())
    desk.open()
    desk.wait_note("accepted")
    desk.producer.emit("stage.completed", "C-1", stage="listen")
    wait_until(lambda: len(desk.gate.got) == 2)
    assert desk.gate.texts() == [
        "Complaint C-1 has arrived.", "Complaint C-1: we are at it."]
    assert "suppressed" not in desk.names()
    desk.receipt("delivered", provider_id="m-0")
    assert desk.wait_note("delivered")["late"] == "yes"
    desk.receipt("delivered", provider_id="m-1")
    desk.settled()


# ---- I8: sent once ----

def cut_off(desk):
    """Kill the daemon between the first byte of a request and its answer."""
    desk.gate.respond = lambda r: faults.silence
    desk.open()
    wait_until(lambda: desk.gate.got)
    desk.daemon.kill9()
    desk.gate.respond = None
    desk.daemon.start()


def test_i8_killed_in_a_sending_it_is_never_sent_again(world, redis):
    """I8, FU5: kill -9 between the first byte and the answer. Nobody knows
    whether the gateway took it: it is held until a receipt says so."""
    desk = Desk(world, redis, sms=waits())
    cut_off(desk)
    note = desk.wait_note("uncertain", timeout=30)
    assert note["reason"] == "interrupted"
    row = desk.row()
    assert row["state"] == "uncertain" and row["log"][-1]["result"] == \
        "uncertain"
    desk.daemon.kill9()
    desk.daemon.start()
    ref = desk.gate.got[0][2]
    desk.receipt("delivered", followup_id=ref)
    desk.wait_note("delivered")
    desk.settled()
    assert len(desk.gate.got) == 1 and not desk.crm.requests


def test_i8_held_and_no_receipt_then_the_next_channel(world, redis):
    """I8, FU12."""
    desk = Desk(world, redis, sms=f'{RETRY}\n    receipt_wait = "2s"')
    cut_off(desk)
    assert desk.wait_note("unknown", timeout=30)["reason"] == "uncertain"
    wait_until(lambda: desk.crm.requests)
    desk.settled()
    assert len(desk.gate.got) == 1 and len(desk.crm.requests) == 1


def test_i8_an_answer_that_never_comes_is_uncertain(world, redis):
    """I8: the default for sms is to hold; a person may send it again."""
    desk = Desk(world, redis, sms=waits('on_uncertain = "hold"'))
    desk.gate.respond = lambda r: faults.silence
    desk.open()
    desk.wait_note("uncertain")
    row = desk.row()
    assert row["state"] == "uncertain" and row["until"]
    status, out, _ = desk.daemon.ctl("followups")
    assert status == 0 and "uncertain" in out
    desk.gate.respond = None
    desk.daemon.rows(f"followups retry {row['id']}")
    wait_until(lambda: len(desk.gate.got) == 2)
    desk.receipt("delivered", followup_id=row["id"])
    desk.settled()


def test_i8_what_a_deposed_owner_learns_is_told_to_the_new_one(world, redis):
    """I8, OP1: the answer reaches an owner that was cut off meanwhile; nobody
    else can know, and nobody sends again."""
    desk = Desk(world, redis, sms=f'{RETRY}\n    timeout = "20s"')
    answers = threading.Event()

    def late(sink, c):
        answers.wait(60)
        c.sendall(desk.gate.accepts(desk.gate.sink.requests[0]))

    desk.gate.respond = lambda r: late
    desk.open()
    wait_until(lambda: desk.gate.got)
    b = world.daemon(redis, "b", start=False, **desk.kw).start(wait=False)
    wait_until(lambda: b.state() == "standby")
    desk.daemon.signal(signal.SIGSTOP)
    wait_until(lambda: b.state() == "running", 20)
    answers.set()
    desk.daemon.signal(signal.SIGCONT)
    wait_until(lambda: desk.daemon.logged("outcome_told .*state=delivered"))
    desk.daemon, a = b, desk.daemon
    desk.wait_note("delivered")
    desk.settled()
    assert len(desk.gate.got) == 1 and not desk.crm.requests
    assert a.state() == "standby"


def test_on_uncertain_retry_sends_again(world, redis):
    """FU4: at least once, by choice; the same id."""
    desk = Desk(world, redis, sms=f'{RETRY}\n    on_uncertain = "retry"')
    desk.gate.respond = lambda r: faults.reset if r.n == 0 else None
    desk.open()
    desk.wait_note("delivered")
    desk.settled()
    assert len(desk.gate.got) == 2 and len(set(desk.gate.got)) == 1


def test_on_uncertain_fail_takes_the_next_channel_at_once(world, redis):
    """FU12."""
    desk = Desk(world, redis, sms=waits('on_uncertain = "fail"'))
    desk.gate.respond = lambda r: faults.reset
    desk.open()
    wait_until(lambda: desk.crm.requests)
    desk.settled()
    assert desk.names() == ["queued", "unknown", "queued", "delivered"]
    assert len(desk.gate.got) == 1


def test_what_the_gateway_has_not_taken_is_tried_again(world, redis):
    """FU1: nothing was sent, or the gateway says to come back: no doubt."""
    desk = Desk(world, redis)
    desk.gate.respond = lambda r: answer(429) if r.n == 0 else None
    desk.open()
    desk.wait_note("delivered")
    desk.settled()
    assert len(desk.gate.got) == 2


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
    json = "{\\"to\\":{to:json},\\"text\\":{text:json},\\"reference\\":{followup_id:json}}"
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
    json = "{\\"to\\":{to:json},\\"text\\":{text:json},\\"reference\\":{followup_id:json}}"
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
