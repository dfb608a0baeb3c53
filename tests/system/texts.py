"""A desk that texts its customers by a gateway on loopback.

The gateway is a real HTTP server that speaks conf/providers/generic-json.conf;
receipts stand on the stream as the listener for callbacks writes them."""

import hashlib
import hmac
import json

from harness import ROOT, STREAM, Producer, wait_until
from sink import Sink, answer

PRE = f"{{{STREAM}}}:"
PHONE = "+8613800138000"
OTHER = "+447700900123"

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
