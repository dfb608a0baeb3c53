"""What no rung says, in words of a loop's own: a gateway that sends approved
templates only gets them as such (FU9, ES8)."""

import json
import re
import subprocess

import gateways
import pytest
from harness import BUILD, wait_until
from sink import Sink

PHONE = "+8613800138000"
LOOP = """
message "ask" { text = "您的投诉 {complaint.id} 是否已解决?回复1已解决,2未解决。"
    template "aliyun" { id = "SMS_ASK"  params = {"id={complaint.id}"} }
}
message "longer" { text = "您的投诉 {complaint.id} 将于 {clock.due} 前完成。"
    template "aliyun" { id = "SMS_LONGER"
        params = {"id={complaint.id}", "due={clock.due}", "about={complaint.category}"} }
}
message "wait" { text = "{complaint.id}: 请提供资料。"
    template "aliyun" { id = "SMS_WAIT"  params = {"id={complaint.id}"} }
}
loop "complaint" {
    notify_withdrawal = true
    hold_reminders = {"+1s"}
    notice "extended" { message = "longer" }
    notice "hold"     { message = "wait" }
    stage "listen" { budget = "1h"
        rung "lapse" { at = "100%" to = "owner" via = {"crm"} }
    }
    stage "confirm" { kind = "confirm"  budget = "1h"  attempts = {}
        rung "ask" { at = "0%" to = "customer" via = {"sms"} message = "ask" }
    }
}
"""


class Desk:
    def __init__(self, world, redis, producer):
        self.gateway = Sink(lambda _: gateways.GOOD["aliyun"][0])
        world.closers.append(self.gateway.stop)
        self.crm = world.sink()
        self.redis, self.producer = redis, producer
        self.daemon = world.daemon(
            redis, loop=LOOP, endpoints=world.endpoint("crm", self.crm.url()),
            more=gateways.common() + gateways.endpoint(
                world, "aliyun", f"http://127.0.0.1:{self.gateway.port}",
                name="sms"))

    def open(self, complaint):
        self.producer.open(complaint, category="billing", **{
            "customer.phone": PHONE, "locale": "zh-CN"})
        wait_until(lambda: self.daemon.find(complaint))

    def sent(self):
        """(template, parameters) of each text."""
        queries = [gateways.Wire(r).query for r in list(self.gateway.requests)]
        assert all(q["PhoneNumbers"] == PHONE for q in queries)
        return [(q["TemplateCode"], json.loads(q["TemplateParam"]))
                for q in queries]

    def notes(self, complaint, name):
        return [n for line in self.redis.journal(complaint)
                for n in json.loads(line)["do"] if n["n"] == name]


@pytest.fixture
def desk(world, redis, producer):
    return Desk(world, redis, producer)


def test_a_longer_deadline_goes_out_as_a_template(desk):
    """FU9: the parameters are the message's, not of the built-in text."""
    desk.open("C-1")
    desk.producer.emit("deadline.extended", "C-1", clock="listen", by="30m",
                       approver="sun", reason="parts are late", notice="yes")
    (template, params), = wait_until(desk.sent)
    row, = desk.daemon.rows(
        "message show longer --complaint C-1 --endpoint sms --lang zh")
    assert template == "SMS_LONGER" == row["template"]["id"]
    assert params == {p["name"]: p["value"] for p in row["template"]["params"]}
    assert params["id"] == "C-1" and params["about"] == "billing"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", params["due"])
    assert row["uses"] == [{"notice": "extended"}]
    queued, = [n for n in desk.notes("C-1", "followup.queued")
               if n["reason"] == "extended"]
    assert (queued["endpoint"], queued["rung"]) == ("sms", "extended:customer")
    assert not desk.notes("C-1", "channel.skipped")
    assert desk.daemon.rows("verify C-1")[0]["ok"]


def test_a_hold_reminder_goes_out_as_a_template(desk):
    """ES4: a rung that a rule has made."""
    desk.open("C-1")
    desk.producer.emit("complaint.held", "C-1", reason="waiting_customer")
    assert wait_until(desk.sent) == [("SMS_WAIT", {"id": "C-1"})]
    assert desk.daemon.rows("verify C-1")[0]["ok"]


def test_what_has_no_words_is_dead_as_before_and_the_check_names_it(desk):
    """FU3: never silence. The loop gives nothing for a withdrawal."""
    desk.open("C-1")
    desk.producer.emit("complaint.withdrawn", "C-1", by="customer",
                       reason="no more")
    assert wait_until(lambda: desk.daemon.rows("dead list"))
    dead, = desk.notes("C-1", "followup.dead")
    assert (dead["reason"], dead["rung"]) == ("no_template",
                                              "withdrawn:customer")
    assert desk.sent() == []
    limits = {r["message"]: r["langs"][0]["limits"]
              for r in desk.daemon.rows("message list")}
    assert limits["withdrawn"] == [{"endpoint": "sms", "is": "no_template"}]
    assert limits["longer"] == []
    said = subprocess.run([BUILD / "amendsd", "-t", "-c", desk.daemon.conf],
                          text=True, capture_output=True, timeout=60)
    named = re.search(r'loop "complaint": (.*) have no template "aliyun"',
                      said.stdout + said.stderr).group(1).split(", ")
    assert "withdrawn" in named and "unclear" in named
    assert not {"extended", "hold", "notice", "reminder"} & set(named)
