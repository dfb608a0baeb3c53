"""docs/openapi.yaml is OpenAPI, and what it documents is what comes: each
status of each path is provoked, and held against its schema."""

import json
import signal
import subprocess
from pathlib import Path

import callers
from harness import ROOT, free_port, wait_until
from senders import (BEARER, JSON, basic, body_of, github, opening,
                     producers)

HERE = Path(__file__).resolve().parent
LINK = "a secret of the customers' links"


class Book:
    """Requests and what they were answered."""

    def __init__(self):
        self.pages = []

    def add(self, template, answer, method="GET"):
        assert answer.status, (template, answer.raw)
        self.pages.append({
            "method": method, "path": template, "status": answer.status,
            "headers": {k: v[0] for k, v in answer.headers.items()},
            "body": answer.body.decode()})
        return answer.status

    def ask(self, port, template, path=None, body=b"", method="GET",
            headers=(), **kw):
        return self.add(template, callers.request(
            port, path or template, body, method, headers, **kw), method)

    def judge(self):
        """Every page is as documented, and all that is documented is there."""
        p = subprocess.run(
            ["node", "openapi.mjs", ROOT / "docs/openapi.yaml"], cwd=HERE,
            input="".join(json.dumps(x) + "\n" for x in self.pages),
            capture_output=True, text=True, timeout=60)
        assert p.returncode == 0, p.stdout + p.stderr
        documented, *said = p.stdout.splitlines()
        wrong = [(s, x) for s, x in zip(said, self.pages, strict=True)
                 if s != "ok"]
        assert not wrong, wrong
        seen = {f"{x['method']} {x['path']} {x['status']}" for x in self.pages}
        assert set(json.loads(documented)) - seen == set()


def send(book, port, named, value, headers=BEARER):
    path = "/v1/events" + ("/{producer}" if named else "")
    real = "/v1/events" + (f"/{named}" if named else "")
    return book.ask(port, path, real, body_of(value), "POST", headers)


def senders(book, port, named):
    """What POST /v1/events says by itself; named: in the path."""
    to = [book, port, named and "shop"]
    key = [*BEARER, ("Idempotency-Key", '"k%s"' % named)]
    assert send(*to, opening()) == 202
    assert send(*to, [opening("a"), opening("b")]) == 202
    assert send(*to, opening(category="")) == 400
    assert send(*to, b"[]x") == 400
    assert send(*to, [opening("c"), opening(category="")]) == 400
    assert send(*to, opening(), [JSON]) == 401
    assert send(*to, {"event": "complaint.withdrawn", "event_id": "w",
                      "complaint_id": "C-1"}) == 403
    assert send(*to, b"x" * 300_000) == 413
    assert send(*to, [opening()] * 129) == 413
    assert send(*to, opening(), BEARER[:1]) == 415
    assert send(*to, opening(), key) == 202
    assert send(*to, opening("other"), key) == 422
    # each of the two may send once
    slow = ("hub", github(body_of(opening()))) if named else (
        "", basic())
    assert send(book, port, slow[0], opening(), slow[1]) == 202
    assert send(book, port, slow[0], opening(), slow[1]) == 429
    path = "/v1/events" + ("/{producer}" if named else "")
    real = "/v1/events" + ("/shop" if named else "")
    for status, origin in ((200, "a.example"), (400, "a b"), (200, None)):
        assert book.ask(port, path, real, method="OPTIONS", headers=[
            ("WebHook-Request-Origin", origin)] if origin else ()) == status


def gateways(book, port):
    template = "/v1/callback/{endpoint}/{token}"

    def call(name, token=callers.TOKEN, body=None, form=None, query=""):
        data = json.dumps(body).encode() if body is not None else form
        kind = "application/json" if form is None else \
            "application/x-www-form-urlencoded"
        return book.ask(
            port, template, f"/v1/callback/{name}/{token}{query}",
            data or b"", "GET" if data is None else "POST",
            [("Content-Type", kind)] if data else ())

    assert call("aliyun", body=[{"biz_id": "b", "success": True}]) == 200
    assert call("aliyun", query="?biz_id=b&success=true") == 200
    assert call("vonage", form=b"messageId=m&status=x") in (200, 204, 401)
    assert call("quiet", body={"id": "b", "state": "ok"}) == 204
    assert call("quiet", query="?id=b&state=ok") == 204
    assert call("aliyun", body=None, form=b"a=%00") == 400
    assert call("aliyun", query="?a=%00") == 400
    assert call("twilio", form=b"MessageSid=1") == 401
    assert call("twilio", query="?MessageSid=1") == 401
    assert call("far", body={}) == 403
    assert call("far", query="?a=1") == 403
    assert call("aliyun", "wrong", body={}) == 404
    assert call("aliyun", "wrong", query="?a=1") == 404


def stale_link(cid):
    import base64
    import hmac

    mac = hmac.new(LINK.encode(), b"amends-link-1\0" + cid.encode() + b"\0" +
                   b"1", "sha256").digest()[:16]
    return f"/c/{cid}.1." + base64.b32encode(mac).decode().lower().rstrip("=")


def pages(book, port, daemon):
    for accept in ("application/json", "text/html"):
        headers = [("Accept", accept)]
        url = daemon.rows("link C-1")[0]["link"]
        link = url[url.index("/c/"):]
        for path, status in ((link, 200), ("/c/x.1.y", 404),
                             (stale_link("C-1"), 410)):
            assert book.ask(port, "/c/{link}", path, headers=headers) == \
                status, path
        for path in ("/healthz", "/readyz", "/metrics"):
            assert book.ask(port, path, headers=headers) == 200


def without_redis(book, port, daemon):
    for path, real in (("/v1/events", None),
                       ("/v1/events/{producer}", "/v1/events/shop")):
        assert book.ask(port, path, real, body_of(opening("late")), "POST",
                        BEARER) == 503
    call = "/v1/callback/{endpoint}/{token}"
    real = f"/v1/callback/aliyun/{callers.TOKEN}"
    assert book.ask(port, call, real, b'{"biz_id":"x","success":true}', "POST",
                    [JSON]) == 503
    assert book.ask(port, call, real + "?biz_id=x&success=true") == 503
    url = daemon.link
    assert book.ask(port, "/c/{link}", url,
                    headers=[("Accept", "application/json")]) == 503
    for accept in ("application/json", "text/plain"):
        assert book.ask(port, "/readyz", headers=[("Accept", accept)]) == 503


QUIET = """
provider "quiet" {
    url = "https://sms.example/"  json = "{\\"to\\":{to:json}}"
    receipt { id = "/id"  delivered = "/state == ok" }
}
"""


def start(world, redis, port):
    gates = "".join(callers.endpoint(world, g) for g in (
        "aliyun", "twilio", "vonage"))
    token = world.secret("token", callers.TOKEN)
    more = (f'callback_token = "file:{token}"  callback_url = '
            '"https://crm.example/v1/callback/')
    own = "".join(
        f'endpoint "{n}" {{ type = "sms"  provider = "quiet"  {more}{n}"  '
        f"{net} }}\n" for n, net in (
            ("quiet", ""), ("far", 'callback_net = {"10.0.0.0/8"}')))
    link = world.secret("link", LINK)
    keys = {"shop": 'batch = true  events = {"complaint.opened"}',
            "till": 'rate = "1/1h"', "hub": 'rate = "1/1h"'}
    return world.daemon(
        redis, redis_more='command_timeout = "1s"', more=f"""
providers = {{"{ROOT}/conf/providers"}}
http {{ listen = "127.0.0.1:{port}"  {producers(world, keys)} }}
link {{ url = "https://care.example"  secret = "file:{link}" }}
{QUIET}{gates}{own}""")


def running(book, port, redis):
    """409: of two with one key the second comes too early."""
    for named in ("", "shop"):
        headers = [*BEARER, ("Idempotency-Key", f'"two{named}"')]
        path = "/v1/events" + ("/{producer}" if named else "")
        body = body_of(opening(f"two{named}"))
        data = (f"POST {path.format(producer=named)} HTTP/1.1\r\nHost: x\r\n"
                f"Content-Length: {len(body)}\r\n" + "".join(
                    f"{k}: {v}\r\n" for k, v in headers) + "\r\n").encode()
        redis.signal(signal.SIGSTOP)
        both = [callers.dial(port) for _ in range(2)]
        try:
            for s in both:
                s.sendall(data + body)
            got = [callers.Answer(callers.read_all(both[1]))]
            redis.signal(signal.SIGCONT)
            got.append(callers.Answer(callers.read_all(both[0])))
        finally:
            redis.signal(signal.SIGCONT)
            for s in both:
                s.close()
        assert 409 in [book.add(path, a, "POST") for a in got]


def test_what_is_documented_is_what_comes(world, redis):
    """Every path, method and status of docs/openapi.yaml."""
    world.sink()
    port = free_port()
    daemon = start(world, redis, port)
    book = Book()
    redis.client.xadd("complaints", {
        "event": "complaint.opened", "complaint_id": "C-1", "category": "b",
        "summary": "x", "customer.id": "7"})
    wait_until(lambda: daemon.find("C-1"))
    for named in (False, True):
        senders(book, port, named)
    gateways(book, port)
    pages(book, port, daemon)
    running(book, port, redis)
    url = daemon.rows("link C-1")[0]["link"]
    daemon.link = url[url.index("/c/"):]
    redis.kill9()
    wait_until(lambda: callers.request(
        port, "/readyz", method="GET").status == 503)
    without_redis(book, port, daemon)
    redis.client.connection_pool.disconnect()
    redis.start()
    daemon.wait_running()
    text = daemon.conf.read_text()
    begin = text.index('producer "crm"')
    daemon.write_conf(text[:begin] + text[text.index(" }\nlink"):])
    code, _, err = daemon.ctl("reload")
    assert code == 0, err
    for named in (False, True):
        assert send(book, port, named and "shop", opening()) == 404
        assert book.ask(
            port, "/v1/events" + ("/{producer}" if named else ""),
            "/v1/events/x" if named else None, method="OPTIONS") == 404
    book.judge()
