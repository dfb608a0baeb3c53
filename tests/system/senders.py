"""Producers that send events by HTTP: each scheme made by Python's own hmac,
and the senders' libraries by senders.mjs."""

import base64
import hashlib
import hmac
import json
import subprocess
import time
from pathlib import Path

import callers
from harness import SECRET, SECRET_2, free_port

HERE = Path(__file__).resolve().parent
PATH = "/v1/events"
TOKEN = "the-bearer-token-of-a-shop"
LOGIN = "shop:the password of a shop"
RAW = "the raw secret of a sender"
JSON = ("Content-Type", "application/json")
BEARER = [("Authorization", f"Bearer {TOKEN}"), JSON]


def opening(event_id="E-1", **more):
    """An envelope; complaint_id is left to the daemon."""
    return {"event": "complaint.opened", "event_id": event_id,
            "customer": {"phone": "+8613800138000"}, "category": "billing",
            "summary": "charged twice", "owner": "li", **more}


def body_of(value):
    return value if isinstance(value, bytes) else json.dumps(
        value, ensure_ascii=False).encode()


def webhook(body, secret=SECRET, msg_id="msg_1", at=None, prefix="webhook"):
    """Standard Webhooks' headers; several secrets, several signatures."""
    at = str(int(time.time() if at is None else at))
    text = f"{msg_id}.{at}.".encode() + body
    secrets = [secret] if isinstance(secret, str) else secret
    signed = " ".join("v1," + base64.b64encode(hmac.new(
        base64.b64decode(s[6:]), text, hashlib.sha256).digest()).decode()
        for s in secrets)
    return [(f"{prefix}-id", msg_id), (f"{prefix}-timestamp", at),
            (f"{prefix}-signature", signed), JSON]


def github(body, secret=RAW):
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return [("X-Hub-Signature-256", f"sha256={digest}"), JSON]


def stripe(body, secrets=(RAW,), at=None):
    at = str(int(time.time() if at is None else at))
    signed = ",".join("v1=" + hmac.new(
        s.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        for s in secrets)
    return [("Stripe-Signature", f"t={at},{signed},v0=no"), JSON]


def own(body, secret=RAW, at=None, msg_id="m1"):
    """As the producer "own" of conf() says."""
    at = str(int(time.time() if at is None else at))
    text = f"{at}:{msg_id}:".encode() + body
    digest = hmac.new(secret.encode(), text, hashlib.sha512).digest()
    return [("X-Time", at), ("X-Id", msg_id),
            ("X-Sig", "v=" + base64.b64encode(digest).decode()), JSON]


def basic(login=LOGIN):
    return [("Authorization",
             "Basic " + base64.b64encode(login.encode()).decode()), JSON]


def producers(world, more=None):
    """A producer of each scheme; more: keys of a producer by its name."""
    more = more or {}
    files = {k: f'"file:{world.secret("p." + k, v)}"' for k, v in (
        ("crm", SECRET), ("crm2", SECRET_2), ("token", TOKEN),
        ("login", LOGIN), ("hub", RAW), ("stripe", RAW + "s"),
        ("own", RAW + "o"))}
    blocks = {
        "crm": "secret = {%(crm)s, %(crm2)s}",
        "shop": "token = {%(token)s}",
        "till": 'scheme = "basic"  token = {%(login)s}',
        "hub": 'scheme = "github"  secret = {%(hub)s}',
        "pay": 'scheme = "stripe"  secret = {%(stripe)s}',
        "own": 'scheme = "hmac"  secret = {%(own)s}  signature { '
               'header = "X-Sig"  prefix = "v="  encoding = "base64"  '
               'digest = "sha512"  content = "{timestamp}:{id}:{body}"  '
               'timestamp_header = "X-Time"  id_header = "X-Id" }',
    }
    return "\n".join(
        f'producer "{name}" {{ {text % files} {more.get(name, "")} }}'
        for name, text in blocks.items())


class Senders:
    """A daemon with producers, and what they do."""

    def __init__(self, world, redis, more=None, extra="", conf="", **kw):
        if world.receiver is None:
            world.sink()
        self.redis = redis
        self.port = free_port()
        self.daemon = world.daemon(
            redis, more=f'{conf}\nhttp {{ listen = "127.0.0.1:{self.port}"\n'
            f"{producers(world, more)}\n{extra} }}", **kw)

    def post(self, value, headers=BEARER, path=PATH, **kw):
        return callers.request(
            self.port, path, body_of(value), headers=headers, **kw)

    def ok(self, value, headers=BEARER, **kw):
        """Sent and taken: the answer's body."""
        answer = self.post(value, headers, **kw)
        assert answer.status == 202, answer
        return json.loads(answer.body)

    def no(self, status, value, headers=BEARER, code=None, **kw):
        """Sent and refused: the problem."""
        answer = self.post(value, headers, **kw)
        assert answer.status == status, answer
        assert answer.one("content-type") == "application/problem+json"
        problem = json.loads(answer.body)
        assert problem["status"] == status and problem["detail"]
        assert code is None or problem["code"] == code, problem
        return problem

    def entries(self, stream="complaints"):
        """{stream id: fields}"""
        return {k.decode(): {f.decode(): v.decode() for f, v in e.items()}
                for k, e in self.redis.client.xrange(stream)}

    def counts(self, name):
        rows = self.daemon.status()["http"]["events"]["producers"]
        return next(r for r in rows if r["name"] == name)


def by_node(requests):
    """What the libraries' requests were answered: [(status, body)]"""
    p = subprocess.run(
        ["node", "senders.mjs"], cwd=HERE, check=True, timeout=60,
        input="".join(json.dumps(r) + "\n" for r in requests),
        capture_output=True, text=True)
    return [(a["status"], a["body"]) for a in map(
        json.loads, p.stdout.splitlines())]
