"""A text message on its way: how far it came, and that it is sent once. FU1
FU4 FU5 FU11 FU12, promise I8."""

import signal
import threading
import time

import pytest
import sink as faults
from harness import wait_until
from sink import answer
from test_quiet import stamp
from texts import PHONE, PRE, RETRY, Desk, waits


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
