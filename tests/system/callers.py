"""What calls a daemon back by HTTP: raw sockets, and gateways with their
tokens."""

import json
import socket
from urllib.parse import urlencode

from harness import ENDPOINT_MORE, ROOT, free_port

TOKEN = "0123456789abcdefghijklmnop"
PASSWORD = "the auth token of an account"
SIGNATURE = "the signature secret of an account"
HOST = "https://crm.example"

# name: keys of the endpoint beside those that all have
GATEWAYS = {
    "twilio": 'account = "AC0"  from = "+15005550006"',
    "vonage": 'from = "Acme"  token = "file:{signature}"',
    "aliyun": 'set = {{"sign_name=x"}}',
    "tencent": 'account = "1"  set = {{"sign_name=x", "region=y"}}',
    # Vonage's Messages API signs its callbacks by a JWT
    "messages": 'token = "file:{signature}"',
}
MESSAGES = """
provider messages {
    url  = "https://api.nexmo.com/v1/messages"
    json = "{\\"to\\":{to_digits:json},\\"text\\":{text:json}}"
    receipt {
        verify = vonage-jwt  id = "/message_uuid"  ref = "/client_ref"
        delivered = "/status == delivered"  failed = "/status == rejected"
        accepted = "/status == submitted"  code = "/error/title"
    }
    inbound { verify = vonage-jwt  id = "/message_uuid"  from = "/from"
              text = "/text" }
}
"""


def endpoint(world, name, provider=None, more=""):
    secrets = {k: world.secret(k, v) for k, v in (
        ("user", "user"), ("password", PASSWORD), ("signature", SIGNATURE),
        ("token", TOKEN))}
    keys = GATEWAYS[provider or name].format(**secrets)
    account = "" if name == "messages" else \
        f'user = "file:{secrets["user"]}"  ' \
        f'password = "file:{secrets["password"]}"'
    return f"""
endpoint "{name}" {{
    type = "sms"  provider = "{provider or name}"  {keys}
    {account}
    callback_url = "{HOST}/v1/callback/{name}"
    callback_token = "file:{secrets["token"]}"
    {more}
}}
"""


def conf(world, port, gateways=("aliyun",), more="", http_more="",
         at="127.0.0.1"):
    """What a daemon's configuration has beside the usual."""
    return f"""
providers = {{"{ROOT}/conf/providers"}}
http {{ listen = "{at}:{port}" {http_more} }}
{MESSAGES if "messages" in gateways else ""}
{"".join(endpoint(world, g) for g in gateways)}
{more}
"""


class Answer:
    """One answer of HTTP, whole."""

    def __init__(self, raw):
        self.raw = raw
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin1").split("\r\n")
        self.status = int(lines[0].split(" ")[1]) if raw else 0
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers.setdefault(name.lower(), []).append(value.strip())

    def one(self, name):
        values = self.headers.get(name, [])
        assert len(values) == 1, (name, self.raw)
        return values[0]

    def problem(self):
        """The body of an error: RFC 7807."""
        assert self.one("content-type") == "application/problem+json"
        p = json.loads(self.body)
        assert set(p) == {"type", "title", "status", "detail"}
        assert p["status"] == self.status and p["detail"] and p["title"]
        return p

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"


def dial(port, source="127.0.0.1", timeout=15):
    return socket.create_connection(("127.0.0.1", port), timeout,
                                    (source, 0))


def read_all(s):
    """All that comes until the other side closes."""
    got = b""
    try:
        while more := s.recv(1 << 16):
            got += more
    except ConnectionResetError:
        pass
    return got


def raw(port, data, **kw):
    """Send bytes and read until the connection ends: the answers' bytes."""
    with dial(port, **kw) as s:
        try:
            s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return read_all(s)


def request(port, path, body=b"", method="POST", headers=(), **kw):
    head = [f"{method} {path} HTTP/1.1", "Host: crm.example"]
    if method == "POST":
        head.append(f"Content-Length: {len(body)}")
    head += [f"{k}: {v}" for k, v in headers]
    data = "\r\n".join(head).encode() + b"\r\n\r\n" + body
    answer = Answer(raw(port, data, **kw))
    if answer.status:
        assert answer.one("connection") == "close"
    return answer


class Caller:
    """A gateway that calls back."""

    def __init__(self, port, name, token=TOKEN):
        self.port = port
        self.path = f"/v1/callback/{name}/{token}"

    def json(self, value, headers=(), query="", **kw):
        body = value if isinstance(value, bytes) else json.dumps(
            value, ensure_ascii=False).encode()
        return request(
            self.port, self.path + query, body,
            headers=[("Content-Type", "application/json;charset=utf-8"),
                     *headers], **kw)

    def form(self, fields, headers=(), query="", **kw):
        return request(
            self.port, self.path + query, urlencode(fields, True).encode(),
            headers=[("Content-Type", "application/x-www-form-urlencoded"),
                     *headers], **kw)

    def get(self, query, headers=(), **kw):
        return request(self.port, f"{self.path}?{query}", method="GET",
                       headers=headers, **kw)


def start(world, redis, gateways=("aliyun",), more="", http_more="",
          at="127.0.0.1", **kw):
    """(daemon, port) with endpoints of these gateways."""
    if world.receiver is None:
        world.sink()
    port = free_port()
    crm = world.endpoint("crm", world.receiver.url(), ENDPOINT_MORE)
    daemon = world.daemon(
        redis, endpoints=crm,
        more=conf(world, port, gateways, more, http_more, at), **kw)
    return daemon, port


def entries(redis, stream="complaints"):
    """The stream's entries, oldest first, as dicts."""
    return [{k.decode(): v.decode() for k, v in fields.items()}
            for _, fields in redis.client.xrange(stream)]
