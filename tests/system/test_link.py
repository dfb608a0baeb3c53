"""A customer's signed link (AU2): what it shows, to whom, and for how long."""

import json
import re

import pytest
from callers import Answer, raw
from harness import free_port, wait_until

SECRET = "a secret of the customers' links"
PHONE = "+8613800138000"
LOOP = """
message "welcome" { text = "We have {complaint.id}: {link}"
    lang "zh" { text = "已收到 {complaint.id}:{link}" } }
loop "complaint" {
    timezone = "Asia/Shanghai"
    stage "listen"  { budget = "1h"  implied_by_later = true
        rung "hello" { at = "0%"  to = "customer"  via = {"crm"}  message = "welcome" } }
    stage "resolve" { budget = "4h" }
    stage "callback-confirm" { kind = "confirm"  budget = "1d" }
}
"""


class Desk:
    def __init__(self, world, redis, ttl="30d", loop=LOOP):
        self.crm = world.sink()
        self.port = free_port()
        link = world.secret("link.secret", SECRET)
        self.daemon = world.daemon(
            redis, loop=loop,
            more=f'http {{ listen = "127.0.0.1:{self.port}" }}\n'
                 f'link {{ url = "https://care.example/"  ttl = "{ttl}"\n'
                 f'       secret = "file:{link}" }}\n')

    def open(self, cid="C-1", **fields):
        fields = {"customer.phone": PHONE, "summary": "charged twice"} | fields
        more = " ".join(f'{k}="{v}"' for k, v in fields.items())
        self.daemon.rows(f"emit complaint.opened complaint_id={cid} "
                         f"category=billing {more}")
        wait_until(lambda: self.daemon.find(cid))

    def get(self, path, headers=""):
        return Answer(raw(self.port, (
            f"GET {path} HTTP/1.1\r\nHost: care.example\r\n{headers}\r\n"
        ).encode()))

    def link(self, cid="C-1"):
        url = self.daemon.rows(f"link {cid}")[0]["link"]
        assert url.startswith("https://care.example/c/")
        return url[len("https://care.example"):]


@pytest.fixture
def desk(world, redis):
    return Desk(world, redis)


def test_au2_customer_sees_stage_promise_and_last_update(desk):
    """AU2: a signed short link shows them, with no personal data."""
    desk.open(**{"customer.phone": PHONE, "customer.name": "Zhang Wei",
                 "summary": "charged twice", "owner": "li"})
    text = wait_until(lambda: desk.crm.requests)[0].json["data"]["message"]
    url = re.search(r"https://care\.example(/c/\S+)", text["text"])
    a = desk.get(url[1])
    page = a.body.decode()
    show = desk.daemon.find("C-1")
    assert a.status == 200 and "C-1" in page
    assert "We are working on it" in page and 'aria-current="step">Received' in page
    assert "Promised by" in page and show["due_at"] in page
    assert page.count("(UTC+08:00)") == 2  # promised, updated
    for personal in (PHONE, PHONE[3:], "Zhang", "charged", "billing", ">li<"):
        assert personal not in page
    assert "default-src 'none'" in a.one("content-security-policy")
    assert a.one("cache-control") == "no-store"
    assert a.one("referrer-policy") == "no-referrer"
    assert "<script" not in page and "style=" not in page
    css = desk.get("/c/style.css")
    assert css.status == 200 and css.one("content-type").startswith("text/css")

    before = json.loads(desk.get(url[1], "Accept: application/json\r\n").body)
    assert before["stage"] == "listen" and before["status"] == "open"
    desk.daemon.rows("emit stage.completed complaint_id=C-1 stage=listen")
    desk.daemon.rows("emit complaint.assigned complaint_id=C-1 owner=wang")
    after = wait_until(lambda: [
        p for p in [json.loads(
            desk.get(url[1], "Accept: application/json\r\n").body)]
        if p["stage"] == "resolve"])[0]
    assert after["stages"][0] == {"name": "listen", "done": True}
    assert after["updated_at"] > before["updated_at"]
    assert set(after) == {"id", "status", "stage", "stages", "promised_at",
                          "updated_at"}


def test_au2_page_speaks_the_readers_language(desk):
    """AU2: the browser's, else the complaint's."""
    desk.open(locale="zh-CN")
    desk.open("C-2")
    one, two = desk.link(), desk.link("C-2")
    assert "您的投诉" in desk.get(one).body.decode()
    assert "Your complaint" in desk.get(two).body.decode()
    assert "您的投诉" in desk.get(
        two, "Accept-Language: zh-CN,zh;q=0.9,en;q=0.8\r\n").body.decode()
    assert "Your complaint" in desk.get(one + "?lang=en").body.decode()
    assert 'lang="zh-CN"' in desk.get(one).body.decode()


def test_au2_closed_complaint_says_how_it_ended(desk):
    desk.open()
    path = desk.link()
    desk.daemon.rows('emit complaint.withdrawn complaint_id=C-1 by=customer')
    page = wait_until(lambda: [
        p for p in [desk.get(path).body.decode()] if "closed" in p])[0]
    assert "you took it back" in page and "Promised by" not in page


def test_au2_what_is_no_link_of_ours_is_one_404(desk):
    """AU2: a wrong one and an unknown complaint look the same."""
    desk.open()
    path = desk.link()
    strange = {desk.get(p).body for p in (
        path[:-1] + ("a" if path[-1] != "a" else "b"),
        path.replace("C-1", "C-2"), "/c/", "/c/C-1", "/c/..", "/c/a.b.c",
        "/c/" + "x" * 4000)}
    assert len(strange) == 1
    for p in (path[:-1], "/c/C-1"):
        assert desk.get(p).status == 404
    assert desk.get(path, "Accept: application/json\r\n").status == 200
    a = desk.get(path[:-1], "Accept: application/json\r\n")
    assert a.status == 404 and a.problem()["detail"] == "nothing is here"


def test_au2_unknown_complaint_is_the_same_404(desk, redis):
    desk.open()
    path = desk.link()
    wrong = desk.get(path[:-1])
    for key in redis.keys("*:c:C-1"):
        redis.client.delete(key)
    gone = desk.get(path)
    assert (gone.status, gone.body) == (404, wrong.body)


def test_au2_link_expires(world, redis):
    """AU2: behind its hour it is 410; the old ones of another secret, 404."""
    desk = Desk(world, redis, ttl="1m")
    desk.open()
    row = desk.daemon.rows("link C-1")[0]
    assert desk.get(desk.link()).status == 200
    stale = stale_link("C-1")
    assert desk.get(stale).status == 410
    assert "expired" in desk.get(stale).body.decode()
    assert row["expires_at"].endswith(":00:00.000Z")


def stale_link(cid):
    """A link as the header lib/core/short_link.h says, an hour too late."""
    import base64
    import hashlib
    import hmac
    hours = "a000"
    mac = hmac.new(SECRET.encode(), b"amends-link-1\0" + cid.encode() + b"\0" +
                   hours.encode(), hashlib.sha256).digest()[:16]
    text = base64.b32encode(mac).decode().lower().rstrip("=")
    return f"/c/{cid}.{hours}.{text}"


def test_au2_redis_away_is_said(desk, redis):
    desk.open()
    path = desk.link()
    desk.daemon.expected.append("degraded|redis_")
    redis.stop()
    a = desk.get(path)
    assert a.status == 503 and a.one("retry-after")
    redis.start()
    wait_until(lambda: desk.get(path).status == 200)
