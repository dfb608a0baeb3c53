"""Gateways and robots as their providers describe them, on loopback: what
each of the shipped providers (conf/providers) is configured with here, what it
answers when all is well, and how a request is taken apart again.

Nothing in it comes from our own code: requests are read off the wire, and the
signatures are recomputed by the providers' own libraries (signatures.mjs) or
by a few lines of hmac.
"""

import base64
import hashlib
import hmac
import json
import subprocess
import threading
from pathlib import Path
from urllib.parse import parse_qsl, quote_plus, urlsplit

from harness import BUILD, ROOT, free_port
from sink import Sink, answer

HERE = Path(__file__).resolve().parent
SENDONE = BUILD / "tools/sendone"
PROVIDERS = ["twilio", "vonage", "aliyun", "tencent", "aws-sns", "dingtalk",
             "feishu", "wecom", "generic-get", "generic-json"]
ROBOTS = {"dingtalk", "feishu", "wecom"}

# canaries: none of them may be seen anywhere but on the wire
USER = "AKcanaryUser0"
PASSWORD = "canary+Pass/word=&0"
TOKEN = "canary-Token~0"
CALLBACK_TOKEN = "canaryCallback0123456789abcdef0123456789abcdef"
TEXT = "投诉 C-1 已解决?😀 !'()*~&+= % \"q\" \\ <b>\n2 #;/:@"
GSM_TEXT = "Complaint C-1: solved? 1 yes 2 no"
TO = "+8613800138000"

MORE = {
    "twilio": 'account = "AC0123456789abcdef"  from = "+15005550006"',
    "vonage": 'from = "447700900000"',
    "aliyun": 'set = {"sign_name=阿里云 &+"}',
    "tencent": 'account = "1400006666"\n'
               '    set = {"sign_name=腾讯云", "region=ap-guangzhou"}',
    "aws-sns": 'set = {"region=eu-west-2"}',
    "generic-get": 'from = "Bank & Co"\n'
                   '    set = {"host=sms.example", "path=api/send"}',
    "generic-json": 'from = "Bank"\n'
                    '    set = {"host=sms.example", "path=v1/messages"}',
}
# which of user, password and token it takes, and whether it calls back
KEYS = {
    "twilio": "up", "vonage": "upt", "aliyun": "up", "tencent": "up",
    "aws-sns": "up", "dingtalk": "pt", "feishu": "pt", "wecom": "t",
    "generic-get": "up", "generic-json": "t",
}
CALLS_BACK = {"twilio", "vonage", "generic-json"}
BASE = """
    base_url = "{url}"  allow_http = true  allow_net = {{"127.0.0.0/8"}}
    timeout = "{timeout}"  connect_timeout = "1s"  breaker_failures = 1000"""

SNS = ("<{0} xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">{1}<Response"
       "Metadata><RequestId>r-1</RequestId></ResponseMetadata></{0}>")


def says(body, status=200, *headers):
    if isinstance(body, (dict, list)):
        body = json.dumps(body, ensure_ascii=False)
        headers = ("content-type: application/json", *headers)
    return answer(status, *headers, body=body.encode())


def sns_error(status, code):
    return says(SNS.format("ErrorResponse",
                           f"<Error><Type>Sender</Type><Code>{code}</Code>"
                           "<Message>No</Message></Error>"), status)


def tencent(code, **more):
    return says({"Response": {"SendStatusSet": [
        {"SerialNo": "5000:1045710669157053657849499619", "PhoneNumber": TO,
         "Fee": 1, "SessionContext": "", "Code": code, "Message": code,
         **more}], "RequestId": "r-1"}})


def vonage(*statuses):
    return says({"message-count": str(len(statuses)), "messages": [
        {"to": TO[1:], "message-id": f"0A000000000ABCD{i}", "status": s}
        for i, s in enumerate(statuses)]})


# what it answers when all is well, and the id that is in it
GOOD = {
    "twilio": (says({"sid": "SM0123", "status": "queued", "to": TO}, 201),
               "SM0123"),
    "vonage": (vonage("0", "0"), "0A000000000ABCD0"),
    "aliyun": (says({"Code": "OK", "BizId": "900619746936498440^0",
                     "Message": "OK"}), "900619746936498440^0"),
    "tencent": (tencent("Ok"), "5000:1045710669157053657849499619"),
    "aws-sns": (says(SNS.format(
        "PublishResponse", "<PublishResult><MessageId>94f20ce6-13c5</MessageId>"
        "</PublishResult>")), "94f20ce6-13c5"),
    "dingtalk": (says({"errcode": 0, "errmsg": "ok"}), ""),
    "feishu": (says({"code": 0, "msg": "success", "data": {}}), ""),
    "wecom": (says({"errcode": 0, "errmsg": "ok"}), ""),
    "generic-get": (says({"code": 0, "id": 9007199254740993}),
                    "9007199254740993"),
    "generic-json": (says({"id": "m-1"}, 202), "m-1"),
}


def secrets(world):
    """The files that the endpoints name."""
    return {
        "u": world.secret("canary.user", USER),
        "p": world.secret("canary.password", PASSWORD),
        "t": world.secret("canary.token", TOKEN),
        "c": world.secret("canary.callback", CALLBACK_TOKEN),
    }


def endpoint(world, provider, url, name=None, more="", timeout="10s"):
    """An endpoint of conf, named after its provider."""
    files = secrets(world)
    name = name or provider
    lines = [f'endpoint "{name}" {{',
             f'    type = "{"chat" if provider in ROBOTS else "sms"}"',
             f'    provider = "{provider}"', BASE.format(url=url, timeout=timeout)]
    for key, word in (("u", "user"), ("p", "password"), ("t", "token")):
        if key in KEYS.get(provider, ""):
            lines.append(f'    {word} = "file:{files[key]}"')
    if provider in CALLS_BACK:
        lines.append('    callback_url = "https://crm.example/v1/callback/'
                     f'{name}"\n    callback_token = "file:{files["c"]}"')
    return "\n".join([*lines, "    " + MORE.get(provider, ""),
                      "    " + more, "}"])


def common():
    """Where the shipped providers are, and a listener for those that call
    back."""
    return f"""
providers = {{"{ROOT / "conf/providers"}"}}
http {{ listen = "127.0.0.1:{free_port()}" }}
"""


def conf(world, endpoints, more=""):
    """What sendone needs: a whole configuration, with a loop by a webhook."""
    webhook = world.endpoint("crm", "http://127.0.0.1:9/hook")
    return world.conf("/nowhere/redis.sock", endpoints=webhook,
                      more=common() + "\n".join(endpoints) + more)


def body(text=TEXT, subject="投诉 \"C-1\"", lang="zh", template=None,
         complaint="C-1"):
    """A follow-up as it is stored."""
    message = {"text": text, "lang": lang, "subject": subject}
    if template:
        message["template"] = template
    return json.dumps({
        "type": "followup.ask", "timestamp": "2026-11-21T12:00:00.000Z",
        "data": {"complaint": {"id": complaint}, "followup": {"id": "fu_1"},
                 "message": message}}, ensure_ascii=False)


TEMPLATES = {
    "aliyun": {"id": "SMS_154950909", "params": [
        {"name": "id", "value": "C-1 !'()*~&+= %"},
        {"name": "due", "value": "明天😀"}]},
    "tencent": {"id": "1110", "params": [
        {"value": "C-1 \"q\""}, {"value": "明天😀"}]},
}


class Wire:
    """A request as it came over the wire."""

    def __init__(self, request):
        self.request = request
        self.method, self.target, version = request.line.split(" ")
        assert version == "HTTP/1.1"
        parts = urlsplit(self.target)
        self.path, self.raw_query = parts.path, parts.query
        self.query = self.pairs(parts.query)
        self.headers, self.body = request.headers, request.body

    @staticmethod
    def pairs(text):
        found = parse_qsl(text, keep_blank_values=True, strict_parsing=True) \
            if text else []
        assert len(dict(found)) == len(found), "a name stands there twice"
        return dict(found)

    @property
    def form(self):
        assert self.headers["content-type"] == \
            "application/x-www-form-urlencoded"
        return self.pairs(self.body.decode())

    @property
    def json(self):
        assert self.headers["content-type"].startswith("application/json")
        return json.loads(self.body)


def recompute(scheme, wire, **more):
    """The Authorization that the provider's own library makes of it."""
    line = json.dumps({
        "scheme": scheme, "method": wire.method, "target": wire.target,
        "headers": wire.headers, "body": wire.body.decode(), "id": USER,
        "secret": PASSWORD, **more})
    p = subprocess.run(["node", HERE / "signatures.mjs"], input=line + "\n",
                       text=True, stdout=subprocess.PIPE, check=True,
                       timeout=60)
    return p.stdout.rstrip("\n")


def hmac64(key, text):
    return base64.b64encode(hmac.new(
        key.encode(), text.encode(), hashlib.sha256).digest()).decode()


class Sender:
    """tests/tools/sendone, as long as the test."""

    def __init__(self, world, text, name="sendone"):
        path = world.dir / f"{name}.conf"
        path.write_text(text)
        self.errors = open(world.dir / f"{name}.log", "w+", encoding="utf-8")
        self.said = []
        self.proc = subprocess.Popen(
            [SENDONE, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors, text=True, encoding="utf-8")
        world.closers.append(self.stop)

    def send(self, endpoint, to=TO, text=None, id="fu_1", timeout=30):
        """One sending; what came of it."""
        guard = threading.Timer(timeout, self.proc.kill)
        guard.start()
        self.proc.stdin.write(json.dumps({
            "endpoint": endpoint, "id": id, "to": to,
            "body": text or body()}) + "\n")
        self.proc.stdin.flush()
        line = self.proc.stdout.readline()
        guard.cancel()
        assert line, self.stderr()
        self.said.append(line)
        return json.loads(line)

    def stderr(self):
        self.errors.flush()
        self.errors.seek(0)
        return self.errors.read()

    def stop(self):
        """Ends it; a sanitizer that has something to say fails the test."""
        if self.proc.stdin.closed:
            return
        self.proc.stdin.close()
        try:
            code = self.proc.wait(10)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            code = self.proc.wait()
        self.proc.stdout.close()
        said = self.stderr()
        self.errors.close()
        assert code == 0, said
        leaked(self.said, said)


def leaked(*texts):
    """No secret in what anybody can read, in any form that it travels in."""
    for text in texts:
        for secret in (USER, PASSWORD, TOKEN, CALLBACK_TOKEN):
            for form in (secret, quote_plus(secret),
                         base64.b64encode(secret.encode()).decode()):
                assert form not in str(text), f"{secret} in {text}"


class Gateway:
    """A sender and a sink that answers as the provider does, or otherwise."""

    def __init__(self, world, providers, **how):
        self.respond = None
        self.sink = Sink(self.answer)
        world.closers.append(self.sink.stop)
        self.sender = Sender(world, conf(world, [
            endpoint(world, p, self.sink.url(""), **how) for p in providers]))
        self.now = providers[0]

    def answer(self, request):
        if self.respond is not None:
            return self.respond
        return GOOD[self.now][0]

    def send(self, provider, respond=None, **message):
        """One sending, answered so: what came of it, and what went out."""
        self.now, self.respond = provider, respond
        message.setdefault("template", TEMPLATES.get(provider))
        to = message.pop("to", "" if provider in ROBOTS else TO)
        before = len(self.sink.requests)
        result = self.sender.send(provider, to=to, text=body(**message))
        came = [Wire(r) for r in self.sink.requests[before:]]
        return result, came
