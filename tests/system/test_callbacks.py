"""FU5, FU6: what gateways call back becomes entries of the stream. Signatures
are judged by the gateways' own packages; receipts and replies are those of
their documents. SEED=n repeats the random ones."""

import hashlib
import hmac
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import callers
import pytest
from callers import (HOST, PASSWORD, SIGNATURE, TOKEN, Caller, dial, endpoint,
                     entries, read_all, request, start)
from harness import free_port, wait_until

HERE = Path(__file__).resolve().parent
FU = "abcdefghijklmnopqrstuvwxya"  # a follow-up's id, by its form
PHONE = "+8613800138000"
OK = {"aliyun": {"code": 0, "msg": "ok"},
      "tencent": {"result": 0, "errmsg": "OK"}}
RECEIPT = {"phone_number": PHONE[3:], "success": True, "err_code": "DELIVERED",
           "biz_id": "932702304080415357^0", "out_id": FU, "sms_size": "1",
           "send_time": "2026-11-22 12:00:00",
           "report_time": "2026-11-22 12:00:02"}


@pytest.fixture(scope="module", autouse=True)
def packages():
    for name in ("twilio", "@vonage/sms", "jsonwebtoken"):
        assert (HERE / "node_modules" / name).exists(), \
            f"{name} is missing: make deps"


@pytest.fixture(scope="module")
def rnd():
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SEED={seed}")
    return random.Random(seed)


def ask(requests):
    """What callbacks.mjs says to each."""
    p = subprocess.run(
        ["node", HERE / "callbacks.mjs"], text=True, check=True, timeout=120,
        input="".join(json.dumps(r) + "\n" for r in requests),
        stdout=subprocess.PIPE)
    answers = [json.loads(line) for line in p.stdout.splitlines()]
    assert len(answers) == len(requests)
    return answers


def taken(answer):
    assert answer.status in (200, 204, 401), answer
    return answer.status != 401


# ---- Twilio's signature ----

WORDS = ["", "1", "是", "a b", "a&b=c", "+8613800138000", "é", "😀", "%41",
         "'\"<>", "x" * 300, "a+b", "0", "line\r\nline"]


def twilio_case(r):
    """(query, params of the form or None: by GET)"""
    names = ["MessageSid", "MessageStatus", "To", "From", "ErrorCode", "Body",
             "a", "B", "_", "a_b", "AccountSid"]
    params = {n: r.choice(WORDS) for n in r.sample(names, r.randint(1, 8))}
    if r.random() < 0.5:  # as often as not the same twice
        params["many"] = [r.choice(WORDS[:4]) for _ in range(r.randint(2, 5))]
    query = r.choice(["", "", "x=1", "x=%20&y", "y=a+b&x=%E6%98%AF"])
    return query, (params if r.random() < 0.8 else None)


def call(caller, query, params, headers):
    mark = f"?{query}" if query else ""
    if params is None:
        return request(caller.port, caller.path + mark, method="GET",
                       headers=headers)
    return caller.form(params, headers, mark)


def test_twilio_signatures_are_taken_as_the_package_takes_them(
        world, redis, rnd):
    """Signed with the port and without it, by the right key and a wrong one,
    and altered: what twilio 6.2.0 says of each is what we do."""
    _, port = start(world, redis, ["twilio"])
    caller = Caller(port, "twilio")
    cases = [twilio_case(rnd) for _ in range(60)]
    signed, urls = [], []
    for query, params in cases:
        host = rnd.choice([HOST, HOST + ":443", HOST + ":8443"])
        url = host + caller.path + (f"?{query}" if query else "")
        urls.append(url.replace(host, HOST))
        signed.append({"op": "twilio", "url": url, "params": params or {},
                       "token": rnd.choice([PASSWORD, PASSWORD, "another"])})
    signatures = ask(signed)
    judged, ours = [], []
    for (query, params), url, s in zip(cases, urls, signatures):
        if rnd.random() < 0.2 and params:
            params = {**params, "a": "altered"}
        if rnd.random() < 0.1:
            s = s[:-2] + ("A=" if s[-2] != "A" else "B=")
        judged.append({"op": "twilio-judge", "url": url, "signature": s,
                       "token": PASSWORD, "params": params or {}})
        ours.append(taken(call(caller, query, params,
                               [("X-Twilio-Signature", s)])))
    theirs = ask(judged)
    differ = [(j, t, o) for j, t, o in zip(judged, theirs, ours) if t != o]
    assert not differ, differ[0]
    assert 5 < sum(ours) < 60
    assert caller.form({"MessageSid": "SM1"}).status == 401


def test_twilio_signs_a_json_body_by_its_hash(world, redis):
    _, port = start(world, redis, ["twilio"])
    caller = Caller(port, "twilio")
    body = json.dumps({"MessageSid": "SM1", "MessageStatus": "delivered",
                       "x": "是"}, ensure_ascii=False)
    digest = hashlib.sha256(body.encode()).hexdigest()
    url = f"{HOST}{caller.path}?bodySHA256={digest}"
    plain = HOST + caller.path
    good, bare = ask([{"op": "twilio", "token": PASSWORD, "url": u,
                       "params": {}} for u in (url, plain)])
    for text in (body, body.replace("SM1", "SM2")):
        theirs, = ask([{"op": "twilio-judge", "token": PASSWORD, "url": url,
                        "signature": good, "body": text}])
        a = caller.json(text.encode(), [("X-Twilio-Signature", good)],
                        f"?bodySHA256={digest}")
        assert taken(a) == theirs == (text is body)
    # signed, but by nothing that depends on the body
    a = caller.json(body.encode(), [("X-Twilio-Signature", bare)])
    assert a.status == 401
    assert [e["event_id"] for e in entries(redis)] == ["SM1:delivered"]


def test_twilio_receipts_and_replies(world, redis):
    """FU5, FU6: to one path, told apart by their fields, answered as Twilio
    wants it."""
    _, port = start(world, redis, ["twilio"])
    caller = Caller(port, "twilio")
    receipt = {"AccountSid": "AC0", "MessageSid": "SM1", "SmsSid": "SM1",
               "MessageStatus": "undelivered", "To": PHONE,
               "From": "+15005550006", "ErrorCode": "30003"}
    reply = {"AccountSid": "AC0", "MessageSid": "SM2", "SmsStatus": "received",
             "From": PHONE, "To": "+15005550006", "Body": "已解决",
             "NumMedia": "0"}
    unknown = {**receipt, "MessageStatus": "dreaming"}
    calls = [receipt, reply, unknown]
    signatures = ask([{"op": "twilio", "token": PASSWORD, "params": c,
                       "url": HOST + caller.path} for c in calls])
    answers = [caller.form(c, [("X-Twilio-Signature", s)])
               for c, s in zip(calls, signatures)]
    assert answers[0].status == 204 and answers[0].body == b""
    assert answers[1].status == 200 and answers[1].body == b"<Response/>"
    assert answers[1].one("content-type") == "text/xml"
    assert answers[2].status == 204  # says nothing, and is no error
    assert entries(redis) == [
        {"event": "followup.receipt", "source": "twilio", "endpoint": "twilio",
         "event_id": "SM1:failed", "provider_id": "SM1", "state": "failed",
         "code": "30003"},
        {"event": "customer.message", "source": "twilio", "endpoint": "twilio",
         "event_id": "SM2", "via": "sms", "customer.phone": PHONE,
         "text": "已解决"}]


# ---- Vonage's ----

def sig_of(params, digest, secret=SIGNATURE):
    """As the documents describe it."""
    text = "".join(f"&{k}=" + v.replace("&", "_").replace("=", "_")
                   for k, v in sorted(params.items()))
    if digest == "md5hash":
        return hashlib.md5((text + secret).encode()).hexdigest()
    return hmac.new(secret.encode(), text.encode(), digest).hexdigest()


DIGESTS = {"v-256": "sha256", "v-512": "sha512", "v-1": "sha1", "v-5": "md5",
           "v-hash": "md5hash"}


def vonage(**more):
    return {"msisdn": PHONE[1:], "to": "Acme", "messageId": "0A01",
            "network-code": "23410", "price": "0.03", "scts": "2611221200",
            "err-code": "0", "message-timestamp": "2026-11-22 12:00:00",
            "timestamp": str(int(time.time())), "nonce": "n", **more}


def test_vonage_signs_its_parameters_by_any_digest(world, redis, rnd):
    """Forms, queries and JSON; the package says the same of each."""
    more = "".join(
        endpoint(world, name, "vonage",
                 f'set = {{"signature={d}"}}' if d != "sha256" else "")
        for name, d in DIGESTS.items())
    _, port = start(world, redis, [], more)
    judged, ours = [], []
    for name, digest in DIGESTS.items():
        caller = Caller(port, name)
        for how in ("form", "get", "json"):
            for case in ("right", "upper", "altered", "key", "other digest"):
                p = vonage(text=rnd.choice(WORDS))
                by = rnd.choice([d for d in DIGESTS.values() if d != digest]) \
                    if case == "other digest" else digest
                p["sig"] = sig_of(
                    p, by, "another" if case == "key" else SIGNATURE)
                if case == "upper":
                    p["sig"] = p["sig"].upper()
                if case == "altered":
                    p["to"] = "acme"
                if how == "get":
                    a = caller.get(urlencode(p))
                else:
                    a = getattr(caller, how)(p)
                ours.append(taken(a))
                assert ours[-1] == (case in ("right", "upper")), (
                    name, how, case)
                judged.append({"op": "vonage-judge", "params": p,
                               "secret": SIGNATURE, "digest": {
                                   "md5hash": "MD5HASH", "md5": "MD5HMAC",
                                   "sha1": "SHA1HMAC", "sha256": "SHA256HMAC",
                                   "sha512": "SHA512HMAC"}[digest]})
    assert ask(judged) == ours


def test_vonage_receipts_and_replies(world, redis):
    """FU5, FU6; long replies come in pieces, in any order."""
    _, port = start(world, redis, ["vonage"])
    caller = Caller(port, "vonage")

    def send(**more):
        p = vonage(**more)
        return caller.form({**p, "sig": sig_of(p, "sha256")})
    for state in ("accepted", "buffered", "delivered", "expired", "rejected",
                  "unknown"):
        assert send(status=state, **{"client-ref": FU}).status == 204
    assert send(text="是", messageId="R1").status == 204
    pieces = [("3", "c", "P3"), ("1", "a", "P1"), ("1", "a", "P1"),
              ("2", "b", "P2"), ("3", "c", "P3")]
    for part, text, mid in pieces:
        a = send(text=text, messageId=mid, concat="true",
                 **{"concat-ref": "08", "concat-total": "3",
                    "concat-part": part})
        assert a.status == 204
    got = entries(redis)
    assert [(e["state"], e["event_id"]) for e in got[:-2]] == [
        ("accepted", "0A01:accepted"), ("accepted", "0A01:accepted"),
        ("delivered", "0A01:delivered"), ("failed", "0A01:failed"),
        ("failed", "0A01:failed")]
    assert all(e["followup_id"] == FU and e["provider_id"] == "0A01" and
               e["at"] == "2026-11-22 12:00:00" for e in got[:-2])
    assert [(e["event"], e["event_id"], e["customer.phone"], e["text"])
            for e in got[-2:]] == [
        ("customer.message", "R1", PHONE, "是"),
        ("customer.message", "P1", PHONE, "abc")]


def test_vonage_tokens_are_judged_as_jsonwebtoken_makes_them(world, redis):
    """The Messages API: HS256 and no other, of this body, of these days."""
    _, port = start(world, redis, ["messages"])
    caller = Caller(port, "messages")
    now = int(time.time())
    body = json.dumps({"message_uuid": "u1", "status": "delivered",
                       "client_ref": FU, "to": PHONE[1:], "from": "Acme",
                       "timestamp": "2026-11-22T12:00:00Z"}).encode()
    claims = {"iat": now, "jti": "j", "iss": "Vonage", "api_key": "k",
              "payload_hash": hashlib.sha256(body).hexdigest()}
    cases = [
        (claims, SIGNATURE, {}, 204),
        ({**claims, "exp": now + 60}, SIGNATURE, {}, 204),
        ({**claims, "iat": now - 24 * 3600}, SIGNATURE, {}, 204),
        (claims, "another", {}, 401),
        ({**claims, "iat": now - 26 * 3600}, SIGNATURE, {}, 401),
        ({**claims, "iat": now + 900}, SIGNATURE, {}, 401),
        ({**claims, "exp": now - 900}, SIGNATURE, {}, 401),
        ({**claims, "payload_hash": "0" * 64}, SIGNATURE, {}, 401),
        ({k: v for k, v in claims.items() if k != "payload_hash"},
         SIGNATURE, {}, 401),
    ]
    tokens = ask([{"op": "jwt", "claims": c, "secret": s, "header": h}
                  for c, s, h, _ in cases])
    for token, (c, _, _, status) in zip(tokens, cases):
        a = caller.json(body, [("Authorization", f"Bearer {token}")])
        assert a.status == status, c
    assert caller.json(body).status == 401
    # a reply, too
    reply = json.dumps({"message_uuid": "u2", "from": PHONE[1:], "to": "Acme",
                        "text": "1", "channel": "sms"}).encode()
    token, = ask([{"op": "jwt", "secret": SIGNATURE, "header": {}, "claims": {
        **claims, "payload_hash": hashlib.sha256(reply).hexdigest()}}])
    a = caller.json(reply, [("Authorization", f"bearer {token}")])
    assert a.status == 204
    assert [e["event_id"] for e in entries(redis)] == [
        "u1:delivered"] * 3 + ["u2"]


# ---- gateways that sign nothing ----

def test_aliyun_receipts_and_replies(world, redis):
    """FU5, FU6: arrays, of which each element counts; the answer has a number
    as its code."""
    _, port = start(world, redis, ["aliyun"])
    caller = Caller(port, "aliyun")
    a = caller.json([
        RECEIPT, {**RECEIPT, "biz_id": "2", "success": False, "out_id": "x",
                  "err_code": "MK:0001"}])
    assert a.status == 200 and json.loads(a.body) == OK["aliyun"]
    assert a.one("content-type") == "application/json"
    assert type(json.loads(a.body)["code"]) is int
    a = caller.json([{"phone_number": PHONE[3:], "content": "1",
                      "sign_name": "x", "sequence_id": 1234567890123456789,
                      "send_time": "2026-11-22 12:00:00"}])
    assert a.status == 200 and json.loads(a.body) == OK["aliyun"]
    assert entries(redis) == [
        {"event": "followup.receipt", "source": "aliyun", "endpoint": "aliyun",
         "event_id": "932702304080415357^0:delivered", "followup_id": FU,
         "provider_id": "932702304080415357^0", "state": "delivered",
         "code": "DELIVERED", "at": "2026-11-22 12:00:02"},
        {"event": "followup.receipt", "source": "aliyun", "endpoint": "aliyun",
         "event_id": "2:failed", "provider_id": "2", "state": "failed",
         "code": "MK:0001", "at": "2026-11-22 12:00:02"},
        {"event": "customer.message", "source": "aliyun", "endpoint": "aliyun",
         "event_id": "1234567890123456789", "via": "sms",
         "customer.phone": PHONE, "text": "1"}]


def test_tencent_receipts_and_replies(world, redis):
    """FU5, FU6: receipts in an array, a reply alone and without an id."""
    _, port = start(world, redis, ["tencent"])
    caller = Caller(port, "tencent")
    a = caller.json([{
        "user_receive_time": "2026-11-22 12:00:02", "nationcode": "86",
        "mobile": PHONE[3:], "report_status": s, "errmsg": "DELIVRD",
        "description": "x", "sid": f"1:{s}"} for s in ("SUCCESS", "FAIL")])
    assert a.status == 200 and json.loads(a.body) == OK["tencent"]
    reply = {"extend": "", "mobile": PHONE[3:], "nationcode": "86",
             "sign": "x", "text": "已解决", "time": 1795348800}
    for again in (reply, reply, {**reply, "time": 1795348801}):
        a = caller.json(again)
        assert a.status == 200 and json.loads(a.body) == OK["tencent"]
    got = entries(redis)
    assert [(e["state"], e["provider_id"]) for e in got[:2]] == [
        ("delivered", "1:SUCCESS"), ("failed", "1:FAIL")]
    assert all(e["customer.phone"] == PHONE and e["text"] == "已解决"
               for e in got[2:])
    ids = [e["event_id"] for e in got[2:]]
    assert ids[0] == ids[1] != ids[2]


# ---- who may call ----

def test_strangers_learn_nothing(world, redis):
    """A wrong token is no path; a wrong address or signature is told only to
    whom has the token. Nothing is written, and little is logged."""
    daemon, port = start(
        world, redis, ["aliyun", "vonage"],
        more=endpoint(world, "fenced", "aliyun",
                      'callback_net = {"127.0.0.2/31", "fd00::/8"}'))
    for name, token in (("aliyun", "x"), ("aliyun", ""),
                        ("aliyun", TOKEN[:-1]), ("aliyun", TOKEN + "x"),
                        ("aliyun", TOKEN.upper()), ("nobody", TOKEN),
                        ("crm", TOKEN), ("vonage", "wrong"),
                        ("fenced", "wrong")):
        a = Caller(port, name, token).json([RECEIPT])
        assert a.status == 404, (name, token)
        assert a.problem()["detail"] == "nothing is here"
    assert Caller(port, "vonage").form(vonage(status="delivered")).status == 401
    fenced = Caller(port, "fenced")
    assert fenced.json([RECEIPT]).status == 403
    assert fenced.json([RECEIPT], source="127.0.0.4").status == 403
    assert entries(redis) == []
    assert fenced.json([RECEIPT], source="127.0.0.3").status == 200
    assert len(entries(redis)) == 1
    for _ in range(200):
        Caller(port, "aliyun", "x").json([RECEIPT])
    assert len(daemon.logged("callback_refused")) < 10
    text = daemon.text()
    assert TOKEN not in text and SIGNATURE not in text
    assert PHONE[3:] not in text
    http = daemon.status()["http"]
    assert http["listen"] == f"127.0.0.1:{port}"
    assert (http["receipts"], http["replies"], http["unwritten"]) == (1, 0, 0)
    assert http["refused"] == 212 and http["malformed"] == 0
    assert f"http        127.0.0.1:{port}: 1 receipts, 0 replies, " \
        "212 refused" in daemon.ctl("status")[1]


@pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"),
                    reason="no IPv6 here")
def test_a_socket_of_ipv6_knows_who_comes_by_ipv4(world, redis):
    """On [::] an address of IPv4 is itself, for callback_net and for the
    share of places."""
    _, port = start(world, redis, [], at="[::]",
                    more=endpoint(world, "fenced", "aliyun",
                                  'callback_net = {"127.0.0.2/32", "::1"}'))
    fenced = Caller(port, "fenced")
    assert fenced.json([RECEIPT]).status == 403
    assert fenced.json([RECEIPT], source="127.0.0.2").status == 200
    with socket.create_connection(("::1", port)) as s:
        s.sendall(f"GET {fenced.path} HTTP/1.1\r\nHost: [::1]\r\n\r\n"
                  .encode())
        assert callers.Answer(read_all(s)).status == 200


def test_bodies_that_cannot_be_read_are_refused(world, redis):
    _, port = start(world, redis)
    caller = Caller(port, "aliyun")
    for body in (b"{", b"[1,]", b'[{"a":1,"a":2}]', b'{"a":"\xff"}',
                 b"not json"):
        a = caller.json(body)
        assert a.status == 400 and a.problem()["detail"], body
    assert caller.json(b"[" * 100 + b"]" * 100).status == 413
    a = request(port, caller.path, b"<a/>",
                headers=[("Content-Type", "text/xml")])
    assert a.status == 415
    # what can be read and says nothing is no error
    for body in (b"[]", b"{}", b"[null]", b'[{"x":1}]', b"[[[]]]"):
        a = caller.json(body)
        assert a.status == 200 and json.loads(a.body) == OK["aliyun"]
    assert entries(redis) == []


def test_logs_hold_no_personal_data(world, redis):
    """AU6: neither number nor text, at any level; no token."""
    daemon, port = start(world, redis, ["aliyun"],
                         more='log_level = "debug"')
    caller = Caller(port, "aliyun")
    caller.json([{"phone_number": PHONE[3:], "content": "canary-text",
                  "sequence_id": 1}, RECEIPT])
    caller.json([{"phone_number": "canary-name", "content": "x"}])
    wait_until(lambda: redis.applied() >= 2 or
               redis.client.xlen("{complaints}:rejects"))
    text = daemon.text()
    for canary in (PHONE[3:], "canary", TOKEN, PASSWORD):
        assert canary not in text
    assert "callback endpoint=aliyun receipts=1 replies=1" in text


# ---- Redis ----

def test_hundreds_of_callbacks_are_answered_in_time(world):
    """p99 under 200 ms with appendfsync everysec, four at a time."""
    redis = world.redis(aof="everysec")
    _, port = start(world, redis)
    caller = Caller(port, "aliyun")

    def one(i):
        begun = time.monotonic()
        assert caller.json([{**RECEIPT, "biz_id": str(i)}]).status == 200
        return time.monotonic() - begun
    with ThreadPoolExecutor(4) as pool:
        times = sorted(pool.map(one, range(500)))
    assert times[494] < 0.2, times[-10:]
    assert len({e["event_id"] for e in entries(redis)}) == 500


def test_every_stream_gets_what_has_no_complaint(world, redis):
    """Which shard a message is of is not known here; a standby serves, too."""
    streams = ("complaints.0", "complaints.1", "complaints.2")
    first, port = start(world, redis, streams=streams)
    port_2 = free_port()
    second = world.daemon(
        redis, instance="t2", start=False, streams=streams,
        endpoints=world.endpoint("crm", world.receiver.url()),
        more=callers.conf(world, port_2)).start(wait=False)
    wait_until(lambda: second.state() == "standby")
    assert Caller(port, "aliyun").json([RECEIPT]).status == 200
    assert Caller(port_2, "aliyun").json([RECEIPT]).status == 200
    for stream in streams:
        got = entries(redis, stream)
        assert len(got) == 2 and got[0] == got[1], stream
    # one stream that refuses refuses the whole: the gateway comes again
    redis.client.rename("complaints.1", "away")
    redis.client.set("complaints.1", "of another type")
    a = Caller(port_2, "aliyun").json([RECEIPT])
    assert a.status == 503 and int(a.one("retry-after")) > 0
    first.kill9()


def test_redis_away_is_said_and_over_when_it_is_back(world, redis):
    """503 with Retry-After while nothing can be kept: gone, full, read-only,
    stalled."""
    daemon, port = start(world, redis, redis_more='command_timeout = "1s"')
    caller = Caller(port, "aliyun")

    def refused():
        a = caller.json([RECEIPT])
        if a.status == 200:
            return False
        assert a.status == 503 and int(a.one("retry-after")) > 0, a
        assert "again" in a.problem()["detail"]
        return True

    def taken_again():
        wait_until(lambda: caller.json([RECEIPT]).status == 200)
    taken_again()
    redis.client.config_set("maxmemory", "1mb")  # full
    assert refused()
    redis.client.config_set("maxmemory", 0)
    taken_again()
    redis.client.replicaof("127.0.0.1", 1)  # read-only
    assert refused()
    redis.client.replicaof("no", "one")
    taken_again()
    redis.signal(signal.SIGSTOP)  # stalled
    begun = time.monotonic()
    assert refused()
    assert time.monotonic() - begun < 4
    redis.signal(signal.SIGCONT)
    taken_again()
    redis.kill9()  # gone
    begun = time.monotonic()
    wait_until(refused, 5)
    assert time.monotonic() - begun < 2
    assert refused()
    redis.client.connection_pool.disconnect()
    redis.start()
    taken_again()
    assert daemon.alive()


# ---- life ----

def test_a_reload_moves_the_listener_or_leaves_it(world, redis):
    """OP6: an address that cannot be had is refused, and the old one stays."""
    daemon, port = start(world, redis)
    conf = daemon.conf.read_text()
    new = free_port()
    at = f'listen = "127.0.0.1:{port}"'
    assert at in conf

    def reload(text):
        daemon.write_conf(text)
        return daemon.ctl("reload")
    with dial(port) as s:  # one that is on its way meanwhile
        s.sendall(b"POST /v1/callback/")
        assert reload(conf.replace(at, f'listen = "127.0.0.1:{new}"'))[0] == 0
        assert Caller(new, "aliyun").json([RECEIPT]).status == 200
        with pytest.raises(OSError):
            dial(port)
        s.sendall(f"aliyun/{TOKEN} HTTP/1.1\r\nHost: a\r\n"
                  "Content-Length: 2\r\n\r\n[]".encode())
        assert callers.Answer(read_all(s)).status == 200
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        there = f'listen = "127.0.0.1:{other.getsockname()[1]}"'
        code, out, err = reload(conf.replace(at, there))
        assert code != 0 and "http.listen" in out + err, (out, err)
    assert Caller(new, "aliyun").json([RECEIPT]).status == 200
    code, out, err = reload(conf.replace(at, 'listen = "192.0.2.1:8480"'))
    assert code != 0 and "192.0.2.1" in out + err
    # another token; and back, with the same address
    world.secret("token2", "another0123456789abcdef")
    text = conf.replace(at, f'listen = "127.0.0.1:{new}"')
    assert reload(text.replace("/token\"", "/token2\""))[0] == 0
    assert Caller(new, "aliyun").json([RECEIPT]).status == 404
    assert Caller(new, "aliyun", "another0123456789abcdef").json(
        [RECEIPT]).status == 200
    # no HTTP at all: nothing may call back then, either
    gone = conf[:conf.index("providers =")] + conf[conf.index("message "):]
    assert reload(gone)[0] == 0, daemon.text()
    with pytest.raises(OSError):
        dial(new)
    assert reload(conf)[0] == 0
    assert Caller(port, "aliyun").json([RECEIPT]).status == 200


def test_a_port_that_is_taken_refuses_the_start(world, redis):
    import socket
    world.sink()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        daemon = world.daemon(
            redis, start=False, more=callers.conf(world, port),
            endpoints=world.endpoint("crm", world.receiver.url()))
        daemon.spawn()
        assert daemon.proc.wait(20) == 1
    assert "http.listen" in daemon.text() and str(port) in daemon.text()
    world.processes.remove(daemon)


def test_what_has_come_is_answered_before_the_end(world, redis):
    """SIGTERM: a callback whose entry is on its way is written and answered;
    who has sent half has two seconds; nobody new is let in."""
    daemon, port = start(world, redis)
    caller = Caller(port, "aliyun")
    idle, half = dial(port), dial(port)
    half.sendall(b"POST /v1/callback/aliyun/")
    redis.signal(signal.SIGSTOP)
    got = []
    t = threading.Thread(target=lambda: got.append(caller.json([RECEIPT])))
    t.start()
    # it has come: nothing of it waits to be read
    wait_until(lambda: "callback endpoint=aliyun" in daemon.text())
    daemon.signal(signal.SIGTERM)
    assert read_all(idle) == b""
    redis.signal(signal.SIGCONT)
    t.join(15)
    assert got[0].status == 200
    half.sendall(f"{TOKEN} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n[]"
                 .encode())
    assert callers.Answer(read_all(half)).status == 200
    assert daemon.proc.wait(20) == 0
    assert len(entries(redis)) == 1
    with pytest.raises(OSError):
        dial(port)


def test_an_end_behind_a_redis_that_hangs_is_an_end(world, redis):
    """SIGTERM: Redis takes longer over an entry than a stop may take. The
    process ends by itself, not by a panic."""
    daemon, port = start(world, redis, redis_more='command_timeout = "60s"')
    redis.signal(signal.SIGSTOP)
    t = threading.Thread(
        target=lambda: Caller(port, "aliyun").json([RECEIPT]))
    t.start()
    wait_until(lambda: "callback endpoint=aliyun" in daemon.text())
    daemon.signal(signal.SIGTERM)
    try:
        assert daemon.proc.wait(40) == 0
    finally:
        redis.signal(signal.SIGCONT)
        t.join(15)


def test_pieces_that_wait_are_written_at_the_end(world, redis):
    """With a gap where the rest is missing, rather than lost."""
    daemon, port = start(world, redis, ["vonage"])
    p = vonage(text="half of a lo", messageId="P1", concat="true",
               **{"concat-ref": "1", "concat-total": "2", "concat-part": "1"})
    a = Caller(port, "vonage").form({**p, "sig": sig_of(p, "sha256")})
    assert a.status == 204
    assert entries(redis) == []
    assert daemon.stop() == 0
    got, = entries(redis)
    assert got["text"] == "half of a lo…" and got["event_id"] == "P1"
