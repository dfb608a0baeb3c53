"""FU13: every provider that is shipped, against a gateway on loopback: what
goes over the wire, field by field, its signature as the provider's own library
makes it, and what becomes of each kind of answer. FU4, FU5, FU7."""

import base64
import calendar
import json
import time

import pytest
import sink as faults
from gateways import (CALLBACK_TOKEN, GOOD, GSM_TEXT, HERE, PASSWORD,
                      PROVIDERS, ROBOTS, TEMPLATES, TEXT, TO, TOKEN, USER,
                      Gateway, Sender, Wire, body, common, conf, endpoint,
                      hmac64, leaked, recompute, says, sns_error, tencent,
                      vonage)
from harness import ROOT, free_port, wait_until
from sink import OK, answer
from test_delivery import ASK, delivered, row

LIBRARIES = ["@alicloud/openapi-util", "@aws-crypto/sha256-js",
             "@smithy/signature-v4", "standardwebhooks",
             "tencentcloud-sdk-nodejs-common"]


@pytest.fixture(scope="module", autouse=True)
def libraries():
    for name in LIBRARIES:
        assert (HERE / "node_modules" / name).exists(), \
            f"{name} is missing: make deps"


def one(world, provider, **message):
    """Sends one that goes well; what was on the wire."""
    result, came = Gateway(world, [provider]).send(provider, **message)
    assert (result["class"], result["reason"]) == ("ok", "ok"), result
    assert result["message_id"] == GOOD[provider][1]
    assert len(came) == 1
    wire = came[0]
    assert wire.headers["user-agent"].startswith("amends/")
    assert not {"expect", "accept-encoding", "cookie"} & set(wire.headers)
    return wire


def plain(wire):
    """No header beside the usual ones."""
    usual = {"host", "user-agent", "accept", "content-type", "content-length"}
    return {k: v for k, v in wire.headers.items() if k not in usual}


def test_every_provider_that_is_shipped_is_tested_here():
    shipped = {p.stem for p in (ROOT / "conf/providers").glob("*.conf")}
    assert shipped == set(PROVIDERS)


# ---- what goes over the wire ----

def test_twilio(world):
    w = one(world, "twilio")
    assert (w.method, w.target) == (
        "POST", "/2010-04-01/Accounts/AC0123456789abcdef/Messages.json")
    assert w.form == {
        "To": TO, "From": "+15005550006", "Body": TEXT,
        "StatusCallback":
            f"https://crm.example/v1/callback/twilio/{CALLBACK_TOKEN}?ref=fu_1"}
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode())
    assert plain(w) == {"authorization": f"Basic {basic.decode()}"}


@pytest.mark.parametrize("text,kind", [(TEXT, "unicode"), (GSM_TEXT, "text")])
def test_vonage(world, text, kind):
    w = one(world, "vonage", text=text)
    assert (w.method, w.target) == ("POST", "/sms/json")
    assert w.form == {
        "api_key": USER, "api_secret": PASSWORD, "from": "447700900000",
        "to": TO[1:], "text": text, "type": kind, "client-ref": "fu_1",
        "callback": f"https://crm.example/v1/callback/vonage/{CALLBACK_TOKEN}?ref=fu_1"}
    assert plain(w) == {}


def test_aliyun(world):
    w = one(world, "aliyun")
    assert (w.method, w.path, w.body) == ("POST", "/", b"")
    assert w.query == {
        "PhoneNumbers": TO, "SignName": "阿里云 &+",
        "TemplateCode": "SMS_154950909", "OutId": "fu_1",
        "TemplateParam": w.query["TemplateParam"]}
    assert json.loads(w.query["TemplateParam"]) == {
        "id": "C-1 !'()*~&+= %", "due": "明天😀"}
    # RFC 3986: no + for a blank, and of the marks only ~ stays
    assert not set("+!'()*") & set(w.raw_query) and "~" in w.raw_query
    h = plain(w)
    assert set(h) == {"x-acs-action", "x-acs-version", "x-acs-date",
                      "x-acs-content-sha256", "x-acs-signature-nonce",
                      "authorization"}
    assert h["x-acs-action"] == "SendSms"
    assert h["x-acs-version"] == "2017-05-25"
    stamp = time.strptime(h["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ")
    assert abs(calendar.timegm(stamp) - time.time()) < 60
    assert h["authorization"] == recompute("aliyun-acs3", w)


def test_tencent(world):
    w = one(world, "tencent")
    assert (w.method, w.target) == ("POST", "/")
    assert w.json == {
        "PhoneNumberSet": [TO], "SmsSdkAppId": "1400006666",
        "SignName": "腾讯云", "TemplateId": "1110",
        "TemplateParamSet": ["C-1 \"q\"", "明天😀"], "SessionContext": "fu_1"}
    h = plain(w)
    assert h["x-tc-action"] == "SendSms"
    assert h["x-tc-version"] == "2021-01-11"
    assert h["x-tc-region"] == "ap-guangzhou"
    assert abs(int(h["x-tc-timestamp"]) - time.time()) < 60
    assert h["authorization"] == recompute("tencent-tc3", w, service="sms")
    assert set(h) == {"x-tc-action", "x-tc-version", "x-tc-region",
                      "x-tc-timestamp", "authorization"}


def test_aws_sns(world):
    w = one(world, "aws-sns")
    assert (w.method, w.target) == ("POST", "/")
    assert w.form == {
        "Action": "Publish", "Version": "2010-03-31", "PhoneNumber": TO,
        "Message": TEXT,
        "MessageAttributes.entry.1.Name": "AWS.SNS.SMS.SMSType",
        "MessageAttributes.entry.1.Value.DataType": "String",
        "MessageAttributes.entry.1.Value.StringValue": "Transactional"}
    assert set(plain(w)) == {"authorization", "x-amz-date"}
    assert w.headers["authorization"] == recompute(
        "aws-sigv4", w, service="sns", region="eu-west-2")


def test_dingtalk(world):
    w = one(world, "dingtalk", to=TO)
    assert (w.method, w.path) == ("POST", "/robot/send")
    stamp = w.query["timestamp"]
    assert abs(int(stamp) / 1000 - time.time()) < 60
    assert w.query == {"access_token": TOKEN, "timestamp": stamp,
                       "sign": hmac64(PASSWORD, f"{stamp}\n{PASSWORD}")}
    sent = w.json
    assert sent["msgtype"] == "markdown"
    assert sent["markdown"]["title"] == "投诉 \"C-1\""
    assert TEXT in sent["markdown"]["text"]
    assert sent["at"]["atMobiles"] == [TO[1:]]
    assert plain(w) == {}


def test_feishu(world):
    w = one(world, "feishu")
    assert (w.method, w.target) == (
        "POST", f"/open-apis/bot/v2/hook/{TOKEN}")
    stamp = w.json["timestamp"]
    assert abs(int(stamp) - time.time()) < 60
    # the key is what DingTalk signs, and the text is empty
    assert w.json == {
        "timestamp": stamp, "sign": hmac64(f"{stamp}\n{PASSWORD}", ""),
        "msg_type": "text", "content": {"text": TEXT}}
    assert plain(w) == {}


def test_wecom(world):
    w = one(world, "wecom")
    assert (w.method, w.path) == ("POST", "/cgi-bin/webhook/send")
    assert w.query == {"key": TOKEN}
    assert w.json == {"msgtype": "markdown", "markdown": {"content": TEXT}}
    assert plain(w) == {}


def test_generic_get(world):
    w = one(world, "generic-get")
    assert (w.method, w.path, w.body) == ("GET", "/api/send", b"")
    assert w.query == {
        "username": USER, "password": PASSWORD, "from": "Bank & Co",
        "to": TO[1:], "text": TEXT, "reference": "fu_1"}
    assert plain(w) == {} and "content-type" not in w.headers


def test_generic_json(world):
    w = one(world, "generic-json")
    assert (w.method, w.target) == ("POST", "/v1/messages")
    assert w.json == {
        "from": "Bank", "to": TO, "text": TEXT, "reference": "fu_1",
        "callback":
            f"https://crm.example/v1/callback/generic-json/{CALLBACK_TOKEN}?ref=fu_1"}
    assert plain(w) == {"authorization": f"Bearer {TOKEN}"}


FORMS = """
provider forms {
    url  = "https://gate.example/send.php?v=2"
    auth = basic
    form = { "phone={to_digits:form}", "msg={text:form}",
             "id={followup_id:form}" }
    success   = { "status:200", "//result == 0" }
    permanent = { "//result in 11,12" }
    message_id = "//msgid"
    at_most_once = true
}
provider signed {
    url  = "https://gate.example/in"
    sign = standard-webhooks
    json = "{\\"to\\":{to:json},\\"text\\":{text:json}}"
    success = { "status:2xx" }
}
"""


def test_a_gateway_of_ones_own_by_form_and_xml(world):
    """FU13: the third style, written in conf alone."""
    g = Gateway(world, ["twilio"])
    files = f'user = "file:{world.dir}/canary.user"  password = ' \
            f'"file:{world.dir}/canary.password"'
    own = endpoint(world, "forms", g.sink.url(""), more=files)
    sender = Sender(world, conf(world, [own], FORMS), "own")
    g.respond = says("<r><result>0</result><msgid>77</msgid></r>")
    r = sender.send("forms")
    assert (r["class"], r["message_id"]) == ("ok", "77")
    g.respond = says("<r><result>12</result></r>")
    assert sender.send("forms")["class"] == "permanent"
    w = [Wire(x) for x in g.sink.requests][0]
    assert w.target == "/send.php?v=2"
    assert w.form == {"phone": TO[1:], "msg": TEXT, "id": "fu_1"}


def test_a_gateway_that_takes_standard_webhooks(world):
    """FU2: the signature is the reference library's."""
    g = Gateway(world, ["twilio"])
    own = endpoint(world, "signed", g.sink.url(""),
                   more=f'secret = {{"file:{world.secret()}"}}')
    sender = Sender(world, conf(world, [own], FORMS), "own")
    g.respond = OK
    assert sender.send("signed")["class"] == "ok"
    w = Wire(g.sink.requests[0])
    assert w.headers["webhook-id"] == "fu_1"
    assert recompute("standard-webhooks", w,
                     secret=world.secret().read_text().strip()) == "ok"


# ---- what becomes of the answer ----

def rows(cls, respond, *codes, **more):
    return [(respond(c), cls, more) for c in codes]


def errcode(c):
    return says({"errcode": c, "errmsg": "no"})


def aliyun(c):
    return says({"Code": c, "Message": "no", "RequestId": "r"})


def tencent_error(c):
    return says({"Response": {"Error": {"Code": c, "Message": "no"},
                              "RequestId": "r"}})


def twilio(c, status=400):
    return says({"code": c, "message": f"no {TO}", "status": status}, status)


THROTTLED = {"retry_after": True}
ONE = {"retry_after": 3600_000, "recipient_only": True}
ANSWERS = {
    "twilio": [
        *rows("permanent", twilio, 21211, 21606, 21612, 21614),
        *rows("permanent", twilio, 21610, opted_out=True,
              reason="opted_out"),
        (twilio(20003, 401), "permanent", {}),
        (twilio(30001, 404), "permanent", {}),
        (twilio(20429, 429), "retry", {}),
        (says({"code": 20429}, 429, "retry-after: 7"), "retry",
         {"retry_after": 7000}),
        (twilio(20500, 500), "uncertain", {}),
        (says({"sid": "SM1", "status": "failed"}, 201), "retry", {}),
        (says("<html>", 201), "uncertain", {}),
    ],
    "vonage": [
        *rows("permanent", vonage, "2", "3", "4", "6", "7", "8", "9", "12",
              "15"),
        *rows("throttle", vonage, "1", **THROTTLED),
        *rows("retry", vonage, "5"),
        (vonage("0", "9"), "permanent", {}),
        (says({"message-count": "0", "messages": []}), "uncertain", {}),
        (says("", 401), "permanent", {}),
        (says("", 503), "uncertain", {}),
    ],
    "aliyun": [
        *rows("permanent", aliyun, "isv.SMS_SIGN_ILLEGAL",
              "isv.ACCOUNT_NOT_EXISTS", "isv.PRODUCT_UN_SUBSCRIPT",
              "isv.OUT_OF_SERVICE", "isv.DENY_IP_RANGE"),
        *rows("throttle", aliyun, "isv.BUSINESS_LIMIT_CONTROL",
              "isv.DAY_LIMIT_CONTROL", **ONE),
        *rows("throttle", aliyun, "Throttling.User", **THROTTLED),
        (says({"Code": "InvalidAccessKeyId.NotFound"}, 404), "permanent", {}),
        (says({"Code": "InternalError"}, 500), "uncertain", {}),
        *rows("retry", aliyun, "SomethingElse"),
    ],
    "tencent": [
        *rows("permanent", tencent, "FailedOperation.SignatureIncorrectOr"
              "Unapproved", "InvalidParameterValue.IncorrectPhoneNumber",
              "UnauthorizedOperation.SmsSdkAppIdVerifyFail"),
        *rows("permanent", tencent_error, "AuthFailure.SignatureFailure",
              "InvalidParameterValue.TemplateParameterFormatError"),
        *rows("throttle", tencent,
              "LimitExceeded.PhoneNumberDailyLimit", **ONE),
        *rows("throttle", tencent_error, "RequestLimitExceeded",
              **THROTTLED),
        *rows("uncertain", tencent_error, "InternalError.Timeout"),
        *rows("permanent", tencent, "FailedOperation.PhoneNumberInBlacklist",
              opted_out=True),
        (says("", 502), "uncertain", {}),
    ],
    "aws-sns": [
        *[(sns_error(400, c), "permanent", {})
          for c in ("InvalidParameter", "InvalidParameterValue")],
        *[(sns_error(403, c), "permanent", {})
          for c in ("AuthorizationError", "InvalidSecurity")],
        (sns_error(400, "OptedOut"), "permanent", {"opted_out": True}),
        (sns_error(400, "Throttling"), "throttle", THROTTLED),
        (sns_error(400, "ThrottledException"), "throttle", THROTTLED),
        (sns_error(503, "ServiceUnavailable"), "uncertain", {}),
        (says("OK"), "uncertain", {}),
    ],
    "dingtalk": [
        *rows("permanent", errcode, 310000),
        *rows("throttle", errcode, 130101, retry_after=600_000),
        *rows("retry", errcode, 40035),
        (says("", 500), "uncertain", {}),
    ],
    "feishu": [
        (says({"code": 19021, "msg": "no"}), "permanent", {}),
        (says({"code": 19036}), "permanent", {}),
        (says({"code": 11232}), "throttle", THROTTLED),
        (says({"code": 9499}, 400), "permanent", {}),
        (says("", 502), "uncertain", {}),
    ],
    "wecom": [
        *rows("permanent", errcode, 40058, 93000),
        *rows("throttle", errcode, 45009, **THROTTLED),
        (says("", 500), "uncertain", {}),
    ],
    "generic-get": [
        (says({"code": 0, "id": "a"}), "ok", {"message_id": "a"}),
        (says({"code": 7}), "retry", {}),
        (says("", 400), "permanent", {}), (says("", 401), "permanent", {}),
        (says("", 403), "permanent", {}), (says("", 429), "retry", {}),
        (says("", 500), "uncertain", {}),
    ],
    "generic-json": [
        (says({"id": 1}), "ok", {"message_id": "1"}),
        (says({"error": "no"}), "retry", {}),
        (says("", 404), "permanent", {}), (says("", 422), "permanent", {}),
        (says("", 429), "retry", {}), (says("", 500), "uncertain", {}),
    ],
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_answers(world, provider):
    """Success, every permanent code, throttles, opt-outs (FU7), uncertain."""
    g = Gateway(world, [provider])
    for respond, cls, more in [(GOOD[provider][0], "ok", {
            "message_id": GOOD[provider][1]}), *ANSWERS[provider]]:
        r, came = g.send(provider, respond)
        assert len(came) == 1, r
        what = (respond, r)
        assert r["class"] == cls, what
        assert r["opted_out"] == more.get("opted_out", False), what
        assert r["recipient_only"] == more.get("recipient_only", False), what
        if more.get("retry_after") is True:
            assert r["retry_after"] > 0, what
        elif "retry_after" in more:
            assert r["retry_after"] == more["retry_after"], what
        for key in ("reason", "message_id"):
            if key in more:
                assert r[key] == more[key], what
        assert TO[1:] not in json.dumps(r), what


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_whole_answer_is_uncertain(world, provider):
    """FU4, FU5: the request had left; it is not sent a second time by
    itself, not even on a connection that was kept."""
    g = Gateway(world, [provider], timeout="1s")
    assert g.send(provider)[0]["class"] == "ok"
    for fault in (faults.silence, faults.truncated, faults.only_continue):
        r, came = g.send(provider, fault)
        assert (r["class"], len(came)) == ("uncertain", 1), r
    r, came = g.send(provider, faults.reset)
    assert r["class"] == "uncertain", r
    if provider not in ROBOTS:
        assert len(came) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_was_not_sent_is_tried_again(world, provider):
    """FU1: whatever the provider's rules say of silence."""
    nobody = f"http://127.0.0.1:{free_port()}"
    sender = Sender(world, conf(world, [endpoint(world, provider, nobody)]))
    r = sender.send(provider, text=body(
        template=TEMPLATES.get(provider)))
    assert (r["class"], r["reason"]) == ("retry", "connect")


@pytest.mark.parametrize("provider", ["aliyun", "tencent"])
def test_without_an_approved_template_nothing_goes(world, provider):
    g = Gateway(world, [provider])
    r, came = g.send(provider, template=False)
    assert (r["class"], r["reason"], came) == ("permanent", "no_template", [])


def test_a_text_is_not_cut_when_it_is_sent(world):
    """FU9: it was made to fit when its rung fired (max_bytes is 4096); a cut
    here would take its end, the reply code."""
    g = Gateway(world, ["wecom"])
    r, came = g.send("wecom", text="投" * 2000)
    assert r["class"] == "ok"
    assert came[0].json["markdown"]["content"] == "投" * 2000


# ---- safety ----

@pytest.mark.parametrize("provider", PROVIDERS)
def test_secrets_that_come_back_are_not_shown(world, provider):
    """A gateway that repeats the whole request to us: in a redirect, in an
    error, in what should have been an id. Sender.stop() looks at all that
    was said; here also at what is on the wire, that there were any."""
    g = Gateway(world, [provider])

    def echo(request):
        whole = " ".join([request.line, json.dumps(request.headers),
                          request.body.decode()])
        return {
            0: answer(302, "location: http://127.0.0.1:9" +
                      request.line.split()[1]),
            1: says({"code": whole, "errcode": whole, "Code": whole,
                     "message": whole}, 400),
            2: says(whole, 200),
            3: says(f"<Code>{whole[:300].replace('<', '')}</Code>", 403),
        }[request.n]
    g.answer = echo
    g.sink.respond = echo
    for _ in range(4):
        r, came = g.send(provider)
        assert r["class"] != "ok" and len(came) == 1
        leaked(r)
        assert TO[1:] not in json.dumps(r)
    g.sender.stop()


def test_a_redirect_is_not_followed(world):
    g = Gateway(world, ["generic-get"])
    r, came = g.send("generic-get", answer(
        307, f"location: {g.sink.url('/elsewhere')}"))
    assert (r["class"], r["reason"], len(came)) == ("retry", "redirect", 1)
    assert len(g.sink.requests) == 1


def test_addresses_are_vetted_as_for_webhooks(world):
    """Fault 50: without allow_net, loopback is not dialled."""
    g = Gateway(world, ["wecom"])
    text = conf(world, [endpoint(world, "wecom", g.sink.url(""))]).replace(
        'allow_net = {"127.0.0.0/8"}\n    timeout', 'timeout')
    r = Sender(world, text, "vet").send("wecom")
    assert (r["class"], r["reason"]) == ("retry", "refused_address")
    assert g.sink.requests == []


# ---- by the daemon ----

def by_daemon(world, redis, respond, provider, more="", loop=ASK,
              timeout="10s"):
    """Not at the provider's rate, with which a daemon starts as if all of it
    had just been used."""
    sink = world.sink(respond)
    d = world.daemon(redis, loop=loop, more=common(), endpoints=endpoint(
        world, provider, sink.url(""), name="crm",
        more='rate = "100/1s"  ' + more, timeout=timeout))
    return sink, d


def everything(redis, d):
    """What people and other programs can read of a run: the log, the answers
    of the socket, and every write that Redis got."""
    said = [d.text()]
    for line in ("status", "endpoints", "followups", "dead list", "shards",
                 "show C-1", "log C-1", "loops"):
        said.append(str(d.ask(line)))
    writes = b"".join(f.read_bytes()
                      for f in redis.dir.glob("appendonlydir/*.aof"))
    assert b"C-1" in writes
    return [*said, writes.decode("utf-8", "replace")]


@pytest.mark.parametrize("provider", sorted(ROBOTS))
def test_the_daemon_by_a_robot(world, redis, producer, provider):
    """A rung's text in a group's chat; the same id and a fresh signature at
    the second try; nothing secret in logs, answers of the socket or Redis."""
    good = GOOD[provider][0]
    sink, d = by_daemon(
        world, redis, lambda r: says("", 502) if r.n == 0 else good, provider,
        'retry = {"0s", "1s", "1s"}')
    producer.open("C-1")
    wait_until(lambda: delivered(redis, "C-1"))
    first, second = [Wire(r) for r in sink.requests]
    texts = [json.dumps(w.json, ensure_ascii=False) for w in (first, second)]
    assert all("C-1" in t for t in texts)
    if provider != "wecom":
        assert (first.query, first.json) != (second.query, second.json)
    leaked(*everything(redis, d))


def test_the_daemon_pauses_for_a_robot_that_is_throttled(
        world, redis, producer):
    """FU10: 130101 is ten minutes for all that waits there, and not a try
    more: DingTalk would shut us out."""
    sink, d = by_daemon(
        world, redis, lambda r: says({"errcode": 130101}), "dingtalk")
    producer.open("C-1")
    wait_until(lambda: sink.requests)
    producer.open("C-2")
    wait_until(lambda: row(d, "C-2"))
    paused = wait_until(lambda: d.rows("endpoints")[0].get("paused_until"))
    assert paused
    assert len(sink.requests) == 1 and d.rows("dead list") == []


TEXT_TO_CUSTOMER = ASK.replace(
    'rung "hello"    { at = "0%"   to = "owner"      via = {"crm"} }',
    'rung "hello"    { at = "0%"   to = "customer"   via = {"crm"}'
    ' message = "hello" }') + """
message "hello" {
    text = "Your complaint {complaint.id} is with us."
    lang "zh" { text = "您的投诉 {complaint.id} 已收到。" }
    template "aliyun"  { id = "SMS_1"  params = {"id={complaint.id}"} }
    template "tencent" { id = "1110"   params = {"{complaint.id}"} }
}
"""


def number_in(provider, wire):
    """Whom the request is for, and what tells which complaint."""
    if provider == "tencent":
        return wire.json["PhoneNumberSet"][0], wire.json["TemplateParamSet"][0]
    if provider == "generic-json":
        return wire.json["to"], wire.json["text"]
    fields = wire.form if wire.body else wire.query
    key = {"twilio": "To", "aws-sns": "PhoneNumber", "aliyun": "PhoneNumbers"}
    said = {"twilio": "Body", "aws-sns": "Message", "aliyun": "TemplateParam"}
    return fields[key.get(provider, "to")], fields[said.get(provider, "text")]


@pytest.mark.parametrize("provider", [p for p in PROVIDERS if p not in ROBOTS])
def test_the_daemon_by_sms(world, redis, producer, provider):
    """FU13: the customer's number from the event, the message of the rung in
    their language; accepted; nothing secret anywhere."""
    sink, d = by_daemon(world, redis, lambda r: GOOD[provider][0], provider,
                        'receipt_wait = "0s"', TEXT_TO_CUSTOMER)
    producer.open("C-1", **{"customer.phone": TO, "locale": "zh"})
    wait_until(lambda: delivered(redis, "C-1"))
    assert len(sink.requests) == 1
    to, said = number_in(provider, Wire(sink.requests[0]))
    assert to in (TO, TO[1:]) and "C-1" in said
    if provider not in TEMPLATES:
        assert said == "您的投诉 C-1 已收到。"
    wait_until(lambda: d.logged(r"followup_delivered .*endpoint=crm "
                                r".*attempt=1 status=20\d reason=ok "))
    leaked(*everything(redis, d))
    assert TO[1:] not in d.text()


def test_an_sms_that_may_have_gone_out_is_not_sent_again(
        world, redis, producer):
    """FU5, fault 49: sent, no answer, kill -9, a new start: one request."""
    sink, d = by_daemon(world, redis, lambda r: faults.silence, "twilio",
                        'retry = {"0s", "1s", "1s"}', TEXT_TO_CUSTOMER, "1s")
    producer.open("C-1", **{"customer.phone": TO})
    wait_until(lambda: len(sink.requests) == 1)
    d.kill9()
    d.start()
    wait_until(lambda: row(d, "C-1")["state"] == "uncertain")
    producer.open("C-2", **{"customer.phone": "+8613800138001"})
    wait_until(lambda: len(sink.requests) == 2)
    assert [Wire(r).form["To"] for r in sink.requests] == [
        TO, "+8613800138001"]


def test_a_throttle_of_one_number_leaves_the_others(world, redis, producer):
    """FU10: Aliyun's limit is one of number and template: that follow-up
    waits its hour, the endpoint does not."""
    limit = aliyun("isv.BUSINESS_LIMIT_CONTROL")
    sink, d = by_daemon(
        world, redis, lambda r: limit if "38000&" in r.line
        else GOOD["aliyun"][0], "aliyun", loop=TEXT_TO_CUSTOMER)
    producer.open("C-1", **{"customer.phone": TO})
    wait_until(lambda: sink.requests)
    producer.open("C-2", **{"customer.phone": "+8613800138001"})
    wait_until(lambda: delivered(redis, "C-2"))
    assert len(sink.requests) == 2 and d.rows("dead list") == []
    assert d.rows("endpoints")[0].get("paused_until") is None
    waits = calendar.timegm(time.strptime(
        row(d, "C-1")["next_at"][:19], "%Y-%m-%dT%H:%M:%S")) - time.time()
    assert 3500 < waits < 2 * 3600
