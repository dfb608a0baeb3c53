"""Mail: a real mail server with TLS and a login takes what amends sends.

The server is Exim (mailserver.py). What it took is read from its queue by
Python's own parser of mail, so that not one line of ours judges the message.
"""

import re
import socket
import threading

import pytest
from harness import wait_until
from mailserver import LOGIN, MailServer

LOOP = """
message "hello" {
    text = "Your complaint {complaint.id} has arrived."
    subject = "Complaint {complaint.id}"
    lang "zh" { text = "您的投诉 {complaint.id} 已收到。" subject = "投诉 {complaint.id} 已收到,请放心" }
}
message "late" { text = "Complaint {complaint.id} waits." }
person "li" { email = "li@staff.example" }
role "supervisor" { person = "li" }
loop "complaint" {
    stage "listen" {
        budget = "1s"
        rung "hello" { at = "0%"   to = "customer"   via = {"mail", "crm"} message = "hello" }
        rung "late"  { at = "100%" to = "supervisor" via = {"mail"} message = "late" }
    }
    stage "callback-confirm" {
        kind = "confirm"  budget = "1h"
        rung "ask" { at = "0%" to = "customer" via = {"mail"} }
    }
}
"""


def mail_endpoint(world, mx, scheme="smtp", port=None, more="", login=LOGIN,
                  ca=True):
    (world.dir / "mail.user").write_text(login[0] + "\n")
    (world.dir / "mail.password").write_text(login[1] + "\n")
    for name in ("mail.user", "mail.password"):
        (world.dir / name).chmod(0o600)
    trust = f'ca_file = "{mx.cert}"' if ca else ""
    return f"""
endpoint "mail" {{
    type = "mail"
    url = "{scheme}://localhost:{port or mx.port}"
    from = "Shop 客服 <care@shop.example>"
    user = "file:{world.dir}/mail.user"
    password = "file:{world.dir}/mail.password"
    allow_net = {{"127.0.0.0/8", "::1/128"}}
    timeout = "2s"
    retry = {{"0s", "1s", "1s"}}
    {trust}
    {more}
}}
"""


@pytest.fixture
def mx(world):
    return world.add(MailServer(world)).start()


def start(world, redis, mx, **kw):
    crm = world.sink()
    world.daemon(redis, loop=LOOP, endpoints=world.endpoint("crm", crm.url())
                 + mail_endpoint(world, mx, **kw))
    return crm


def open_one(producer, cid, email="wang@kunde.example", **kw):
    return producer.open(cid, **{"customer.email": email, **kw})


def test_fu12_mail_arrives_over_tls_with_a_login(world, redis, producer, mx):
    """FU12: subject and text in UTF-8, Message-ID made of the follow-up's id,
    one message; the customer's language is kept."""
    start(world, redis, mx)
    open_one(producer, "C-1", locale="zh")
    got = wait_until(lambda: [m for m in mx.messages()
                              if m[0] == ["wang@kunde.example"]])
    (_, msg), = got
    assert msg["subject"] == "投诉 C-1 已收到,请放心"
    assert msg["from"].addresses[0].addr_spec == "care@shop.example"
    assert msg["from"].addresses[0].display_name == "Shop 客服"
    assert msg["to"] == "wang@kunde.example"
    assert msg.get_content().strip() == "您的投诉 C-1 已收到。"
    assert msg["auto-submitted"] == "auto-generated"
    assert re.fullmatch(r"<[a-z2-7]{26}@shop\.example>", msg["message-id"])
    assert not msg.defects
    log = (mx.dir / "mainlog").read_text()
    assert "P=esmtpsa" in log and f"A=plain:{LOGIN[0]}" in log


def test_mail_to_staff_by_the_persons_address(world, redis, producer, mx):
    """FU12: who stands for a role in conf is written to at their address."""
    start(world, redis, mx)
    open_one(producer, "C-1")
    wait_until(lambda: [m for m in mx.messages()
                        if m[0] == ["li@staff.example"]])


def test_mail_over_smtps(world, redis, producer, mx):
    start(world, redis, mx, scheme="smtps", port=mx.tls_port)
    open_one(producer, "C-1")
    wait_until(mx.messages)


def test_fu12_a_recipient_that_is_refused_for_good_then_the_next_channel(
        world, redis, producer, mx):
    crm = start(world, redis, mx)
    open_one(producer, "C-1", email="nobody-here@kunde.example")
    wait_until(lambda: crm.requests)
    assert not [m for m in mx.messages() if "kunde" in m[0][0]]
    log = world.processes[-1].text()
    assert "smtp_550" in log
    assert "nobody-here" not in log


def test_fu1_a_recipient_that_is_deferred_then_tried_by_the_list(
        world, redis, producer, mx):
    crm = start(world, redis, mx)
    open_one(producer, "C-1", email="later@kunde.example")
    wait_until(lambda: crm.requests, timeout=30)
    log = world.processes[-1].text()
    assert len(re.findall(r"followup_retry .*smtp_451", log)) == 2


@pytest.mark.parametrize("how", ["no_tls", "untrusted", "wrong_login"])
def test_mail_is_not_sent_where_it_cannot_be_trusted(
        world, redis, producer, how):
    """Fault 51: no TLS, or a certificate that nobody vouches for: no login and
    no text leaves. A login that is refused is tried again, for it is about
    us."""
    mx = world.add(MailServer(world, tls=how != "no_tls")).start()
    login = (LOGIN[0], "wrong-8d1") if how == "wrong_login" else LOGIN
    crm = start(world, redis, mx, login=login, ca=how != "untrusted")
    open_one(producer, "C-1")
    wait_until(lambda: crm.requests, timeout=30)
    log = world.processes[-1].text()
    assert ("smtp_535" if how == "wrong_login" else "reason=tls") in log
    assert LOGIN[1] not in log and "wrong-8d1" not in log
    assert not mx.messages()


def test_mail_in_the_clear_is_over_when_allow_plain_is(
        world, redis, producer):
    """Fault 51: a connection that was kept from before the reload is not used
    again: it was never encrypted."""
    mx = world.add(MailServer(world, tls=False)).start()
    crm = start(world, redis, mx, ca=False, more="allow_plain = true")
    daemon = world.processes[-1]
    open_one(producer, "C-1")
    wait_until(lambda: mx.messages())
    daemon.write_conf(
        daemon.conf.read_text().replace("allow_plain = true", ""))
    assert daemon.ctl("reload")[0] == 0
    open_one(producer, "C-2")
    wait_until(lambda: [r for r in crm.requests if b"C-2" in r.body],
               timeout=30)
    assert "reason=tls" in daemon.text()
    assert not [m for _, m in mx.messages() if "C-2" in str(m["subject"])]


class MuteServer:
    """Takes a message and never says that it did."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.taken = []
        self.cert = None
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self.talk, args=(conn,), daemon=True).start()

    def talk(self, conn):
        with conn, conn.makefile("rb") as lines:
            conn.sendall(b"220 mute\r\n")
            text = None
            for line in lines:
                if text is not None:
                    text += line
                    if line == b".\r\n":
                        self.taken.append(text)
                        text = None
                    continue
                if line.upper().startswith(b"DATA"):
                    conn.sendall(b"354 go on\r\n")
                    text = b""
                else:
                    conn.sendall(b"250 ok\r\n")

    def stop(self):
        self.listener.close()


def test_fu4_no_answer_to_the_last_line_then_sent_again_as_the_same_message(
        world, redis, producer):
    """FU4: nobody knows whether it arrived; it goes again with the same
    Message-ID and, byte for byte, the same text."""
    mx = MuteServer()
    world.closers.append(mx.stop)
    crm = world.sink()
    end = mail_endpoint(world, mx, ca=False, more="allow_plain = true")
    end = re.sub(r"    (user|password) = .*\n", "", end)
    world.daemon(redis, loop=LOOP,
                 endpoints=world.endpoint("crm", crm.url()) + end)
    open_one(producer, "C-1")
    wait_until(lambda: len([t for t in mx.taken if b"wang@" in t]) == 3,
               timeout=30)
    assert len({t for t in mx.taken if b"wang@" in t}) == 1
    assert "reason=timeout" in world.processes[-1].text()
