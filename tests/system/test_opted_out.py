"""Whom an opt-out of texts does not concern. FU7."""

from harness import wait_until
from mailserver import MailServer
from test_mail import open_one, start
from texts import PHONE, Desk

STAFF = """
loop "complaint" {
    timezone = "UTC"
    stage "listen" {
        budget = "1h"
        rung "a" { at = "0%" to = "supervisor" via = {VIA} }
        rung "b" { at = "0%" to = "customer"   via = {VIA} }
    }
    stage "callback-confirm" {
        kind = "confirm"  budget = "1h"
        rung "ask" { at = "0%" to = "customer" via = {"crm"} }
    }
}
"""


def test_fu7_staff_are_still_texted_at_their_own_number(world, redis):
    """FU7: a member of staff who has complained as a customer and said STOP
    is told of work all the same."""
    desk = Desk(world, redis, loop=STAFF, more=(
        f'person "anna" {{ phone = "{PHONE}" }}\n'
        'role "supervisor" { person = "anna" }'))
    desk.producer.send({"event": "customer.message", "source": "sms",
                        "endpoint": "sms", "via": "sms",
                        "customer.phone": PHONE, "text": "TD"})
    desk.applied()
    desk.open()
    wait_until(lambda: desk.crm.requests)  # the customer's, by what is next
    note = desk.wait_note("suppressed")
    assert note["reason"] == "opted_out"
    desk.settled()
    assert [to for to, _, _ in desk.gate.got] == [PHONE]
    assert len(desk.crm.requests) == 1


def test_fu7_who_wants_no_texts_gets_mail(world, redis, producer):
    """FU7: an opt-out of texts is one of texts."""
    mx = world.add(MailServer(world)).start()
    start(world, redis, mx)
    open_one(producer, "C-1", **{"consent.sms": "no",
                                 "customer.phone": PHONE})
    wait_until(lambda: [m for m in mx.messages()
                        if m[0] == ["wang@kunde.example"]])
