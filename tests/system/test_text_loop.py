"""FU5, FU6, FU7 as one: a question goes out by Twilio, its receipts and the
customer's replies come back by HTTP, signed, and the complaint goes on.

The gateway is a server on loopback that answers as Twilio does; signatures are
made here from the recipe and not by our own code."""

import base64
import hashlib
import hmac
import json
import re
from urllib.parse import parse_qsl

import callers
import pytest
from harness import ROOT, STREAM, free_port, wait_until
from sink import answer, silence, Sink

PHONE = "+15017122661"
OTHER = "+447700900123"
PRE = f"{{{STREAM}}}:"
LOOP = """
message "solved" { text = "Is {complaint.id} solved? 1 yes, 2 no." }
message "news"   { text = "{complaint.id}: we are at it." }
loop "complaint" {
    timezone = "UTC"
    stage "resolve" {
        budget = "1h"
        rung "news" { at = "0%" to = "customer" via = {"sms", "crm"} message = "news" }
    }
    stage "callback-confirm" {
        kind = "confirm"  budget = "1h"  attempts = {}
        reopen_to = "resolve"  reopen_at = 2  reopen_window = "14d"  max_reopens = 2
        rung "ask"   { at = "0%"   to = "customer" via = {"sms", "crm"} message = "solved" }
        rung "lapse" { at = "100%" to = "owner"    via = {"crm"} }
    }
}
"""


class Twilio:
    """Takes messages at its API, and calls back."""

    def __init__(self, port):
        self.sink = Sink(self.take)
        self.caller = callers.Caller(port, "sms")
        self.n = 0
        self.mute = False  # takes what is sent and never says so

    def take(self, r):
        if self.mute:
            return silence
        return answer(201, "content-type: application/json", body=json.dumps(
            {"sid": f"SM{r.n}", "status": "queued"}).encode())

    def sent(self, phone=PHONE):
        """[(sid, text)] to that number."""
        forms = [dict(parse_qsl(r.body.decode()))
                 for r in list(self.sink.requests)]
        return [(f"SM{i}", f["Body"]) for i, f in enumerate(forms)
                if f["To"] == phone]

    def call(self, fields, query=""):
        text = callers.HOST + self.caller.path + query + "".join(
            k + v for k, v in sorted(fields.items()))
        sign = base64.b64encode(hmac.new(
            callers.PASSWORD.encode(), text.encode(), hashlib.sha1).digest())
        return self.caller.form(fields, query=query, headers=[
            ("X-Twilio-Signature", sign.decode())])

    def receipt(self, sid, state, **more):
        assert self.call({"MessageSid": sid, "MessageStatus": state,
                          **more}).status in (200, 204)

    def reply(self, text, phone=PHONE, sid=None, **more):
        self.n += 1
        a = self.call({"MessageSid": sid or f"IN{self.n}", "From": phone,
                       "To": "+15005550006", "Body": text, **more})
        assert a.status == 200 and a.body == b"<Response/>"


class Desk:
    def __init__(self, world, redis, producer):
        self.redis, self.producer = redis, producer
        port = free_port()
        self.twilio = Twilio(port)
        world.closers.append(self.twilio.sink.stop)
        self.crm = world.sink()
        sms = callers.endpoint(world, "sms", "twilio", more=(
            f'base_url = "http://127.0.0.1:{self.twilio.sink.port}"\n'
            '    allow_http = true  allow_net = {"127.0.0.0/8"}\n'
            '    receipt_wait = "1h"  timeout = "5s"'))
        self.daemon = world.daemon(
            redis, loop=LOOP, endpoints=world.endpoint("crm", self.crm.url()),
            more=f'providers = {{"{ROOT}/conf/providers"}}\n'
                 f'http {{ listen = "127.0.0.1:{port}" }}\n{sms}')

    def open(self, complaint, phone=PHONE):
        """It is open, and the customer has heard so."""
        had = len(self.twilio.sent(phone))
        self.producer.open(complaint, **{"customer.phone": phone})
        wait_until(lambda: len(self.twilio.sent(phone)) > had)

    def ask(self, complaint, phone=PHONE):
        """The question is with the gateway: its sid."""
        had = len(self.twilio.sent(phone))
        self.producer.emit("stage.completed", complaint, stage="resolve")
        wait_until(lambda: len(self.twilio.sent(phone)) > had)
        sid, text = self.twilio.sent(phone)[-1]
        assert text == f"Is {complaint} solved? 1 yes, 2 no."
        return sid

    def lines(self, complaint):
        """Its journal, without what happened to be on the wire."""
        lines = [json.loads(x) for x in self.redis.journal(complaint)]
        for line in lines:
            line["in"].pop("@in_flight", None)
        return lines

    def notes(self, complaint, name):
        return [n for line in self.lines(complaint) for n in line["do"]
                if n["n"] == name]

    def wait_note(self, complaint, name, **more):
        def there():
            return [n for n in self.notes(complaint, name)
                    if all(n.get(k) == v for k, v in more.items())]
        return wait_until(there, what=f"{name} {more} of {complaint}")[-1]

    def status(self, complaint):
        return self.daemon.find(complaint)["status"]

    def verified(self, *complaints):
        for c in complaints:
            assert self.daemon.rows(f"verify {c}")[0]["ok"], c


@pytest.fixture
def desk(world, redis, producer):
    return Desk(world, redis, producer)


def test_fu6_the_loop_is_closed_by_a_text(desk):
    """FU5, FU6: out by Twilio, accepted, delivered by its receipt, answered by
    a text; what the gateway tells twice changes nothing."""
    twilio = desk.twilio
    desk.open("C-1")
    sid = desk.ask("C-1")
    twilio.receipt(sid, "sent")
    twilio.receipt(sid, "delivered")
    twilio.receipt(sid, "delivered")
    twilio.receipt(sid, "sent")
    desk.wait_note("C-1", "followup.delivered")
    twilio.reply("1", sid="IN-A")
    wait_until(lambda: desk.status("C-1") == "closed")
    twilio.reply("1", sid="IN-A")
    wait_until(lambda: desk.daemon.status()["events"]["duplicate"] >= 2)
    answered, = [x for x in desk.lines("C-1")
                 if x["event"] == "customer.answered"]
    asked = [n for n in desk.notes("C-1", "followup.queued")
             if n["to"] == "customer"][-1]
    assert answered["in"] == {"verdict": "satisfied", "via": "sms",
                              "followup_id": asked["followup"]}
    assert answered["source"] == "sms" and answered["event_id"] == "IN-A"
    row = desk.daemon.find("C-1")
    assert row["outcome"] == "satisfied"
    journal = b"".join(desk.redis.journal("C-1")).decode()
    assert PHONE[1:] not in journal + desk.daemon.text()
    desk.verified("C-1")


def test_fu6_two_complaints_of_one_number_in_flight(desk):
    """FU6: the newest open question is meant, then the one before; a number of
    somebody else is nobody's business."""
    twilio = desk.twilio
    for c in ("C-1", "C-2"):
        desk.open(c)
    desk.open("C-3", OTHER)
    desk.ask("C-1")
    desk.ask("C-3", OTHER)
    desk.ask("C-2")
    twilio.reply("YES")
    wait_until(lambda: desk.status("C-2") == "closed")
    assert desk.status("C-1") == "open"
    twilio.reply("没解决")
    wait_until(lambda: desk.daemon.find("C-1")["cycle"] == 2)
    assert desk.status("C-3") == "open" and desk.status("C-2") == "closed"
    twilio.reply("1", OTHER)
    wait_until(lambda: desk.status("C-3") == "closed")
    desk.verified("C-1", "C-2", "C-3")


def test_fu6_unclear_is_asked_again_by_text_then_a_person(desk):
    """FU6: ambiguous = asked once more, then a human task."""
    twilio = desk.twilio
    desk.open("C-1")
    desk.ask("C-1")
    had = len(twilio.sent())
    twilio.reply("2 days later, maybe")
    wait_until(lambda: len(twilio.sent()) == had + 1)
    sid, text = twilio.sent()[-1]
    assert "Reply 1 for yes, 2 for no." in text
    twilio.receipt(sid, "delivered")
    twilio.reply("?")
    told = desk.wait_note("C-1", "followup.queued", to="owner")
    wait_until(lambda: any(r.id == told["followup"]
                           for r in desk.crm.requests))
    twilio.reply(" １ ")
    wait_until(lambda: desk.status("C-1") == "closed")
    answered, = [x for x in desk.lines("C-1")
                 if x["event"] == "customer.answered"]
    again = [n["followup"] for n in desk.notes("C-1", "followup.queued")
             if n["reason"] == "unclear"]
    assert [answered["in"]["followup_id"]] == again  # the newest question
    assert len(twilio.sent()) == had + 1
    desk.verified("C-1")


def test_fu7_stop_blocks_what_goes_out_and_not_what_comes_in(desk):
    """FU7: STOP closes the channel for every complaint of the number at once,
    the next channel goes, replies still count, START lifts it."""
    twilio = desk.twilio
    desk.open("C-1")
    desk.ask("C-1")
    twilio.reply("STOP", OptOutType="STOP")
    out = desk.wait_note("C-1", "contact.opted_out")
    assert out["channel"] == "sms"
    had = len(twilio.sent())
    desk.producer.open("C-2", **{"customer.phone": PHONE})
    assert desk.wait_note("C-2", "followup.suppressed")["reason"] == \
        "opted_out"
    wait_until(lambda: any(
        r.json["data"]["message"]["text"] == "C-2: we are at it."
        for r in desk.crm.requests))
    twilio.reply("1")
    wait_until(lambda: desk.status("C-1") == "closed")
    twilio.reply("START", OptOutType="START")
    desk.wait_note("C-1", "contact.opted_in")
    assert len(twilio.sent()) == had
    desk.ask("C-2")
    twilio.reply("yes")
    wait_until(lambda: desk.status("C-2") == "closed")
    desk.verified("C-1", "C-2")


def test_fu6_a_forged_reply_is_no_answer(desk):
    """FU6: without the gateway's signature nothing reaches the stream."""
    desk.open("C-1")
    desk.ask("C-1")
    n = desk.redis.client.xlen(STREAM)
    forged = desk.twilio.caller.form(
        {"MessageSid": "IN-1", "From": PHONE, "Body": "1"},
        headers=[("X-Twilio-Signature", "bm9uZQ==")])
    assert 400 <= forged.status < 500
    assert desk.redis.client.xlen(STREAM) == n
    assert desk.status("C-1") == "open"


def test_fu5_a_receipt_of_a_text_that_nobody_knew_of(desk):
    """FU5, I8: the gateway never answered, so its name for the text is not
    known; the receipt comes to the address that went with the text, which has
    ours. Sent once, delivered once."""
    desk.twilio.mute = True
    desk.producer.open("C-1", **{"customer.phone": PHONE})
    wait_until(lambda: desk.twilio.sent(), 20)
    desk.wait_note("C-1", "followup.uncertain")
    form = dict(parse_qsl(desk.twilio.sink.requests[0].body.decode()))
    ref = form["StatusCallback"].partition("?")[2]
    assert re.fullmatch(r"ref=[a-z2-7]{26}", ref)
    assert desk.twilio.call(
        {"MessageSid": "SM0", "MessageStatus": "delivered"},
        "?" + ref).status in (200, 204)
    desk.wait_note("C-1", "followup.delivered")
    assert len(desk.twilio.sent()) == 1
    assert desk.crm.of("C-1") == []
    desk.verified("C-1")
