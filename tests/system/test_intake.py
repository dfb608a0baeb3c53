"""POST /v1/events: IN2 (202 only behind the write), IN3 (once, and the same
answer), IN4 (what the stream would reject is refused), fault 62 (signatures),
and what senders are answered otherwise."""

import concurrent.futures
import json
import re
import signal
import time

import callers
import pytest
from harness import ROOT, SECRET, SECRET_2, free_port, wait_until
from senders import (BEARER, JSON, LOGIN, PATH, RAW, TOKEN, Senders, basic,
                     body_of, by_node, github, opening, own, stripe, webhook)

CE = {"specversion": "1.0", "type": "complaint.opened", "source": "/crm/zürich",
      "id": "ce-1", "time": "2026-11-21T19:35:03Z"}
DATA = {"customer": {"phone": "+8613800138000"}, "category": "billing",
        "summary": "zweimal belastet, 重复扣款"}
WRONG = "whsec_" + SECRET_2[6:][::-1].replace("=", "A")


@pytest.fixture
def s(world, redis):
    return Senders(world, redis)


def test_in2_an_answer_names_the_entry_that_is_there(s):
    """IN2: 202 with the stream id of an entry with flat fields."""
    said = s.ok(opening())
    assert set(said) == {"complaint", "event_id", "stream_id", "duplicate"}
    assert said["event_id"] == "E-1" and said["duplicate"] is False
    entry = s.entries()[said["stream_id"]]
    assert entry == {
        "event": "complaint.opened", "event_id": "E-1", "source": "shop",
        "customer.phone": "+8613800138000", "category": "billing",
        "summary": "charged twice", "owner": "li",
        "complaint_id": said["complaint"]}
    wait_until(lambda: s.daemon.find(said["complaint"]), what="it is open")
    # the complaint's later events find it
    s.ok({"event": "stage.completed", "event_id": "E-2",
          "complaint_id": said["complaint"], "stage": "listen"})
    wait_until(lambda: s.daemon.find(said["complaint"])["stage"] ==
               "apologize")
    assert s.counts("shop")["accepted"] == 2
    # nothing of a body is in the log
    assert "13800138000" not in s.daemon.text()
    assert "charged twice" not in s.daemon.text()


def test_in3_five_at_once_are_one_complaint_and_one_answer(s):
    """IN3: the same (source, event_id) five times at once."""
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        said = list(pool.map(lambda _: s.ok(opening()), range(5)))
    assert len({(a["complaint"], a["stream_id"]) for a in said}) == 1
    assert sorted(a["duplicate"] for a in said) == [False] + [True] * 4
    assert len(s.entries()) == 1
    # another body under the same id is the same event
    again = s.ok(opening(summary="other"))
    assert again["duplicate"] and again["stream_id"] == said[0]["stream_id"]
    # another source, or another producer, is another event
    assert not s.ok(opening(source="branch"))["duplicate"]
    assert not s.ok(opening(), basic())["duplicate"]
    wait_until(lambda: s.redis.applied() == 3)
    # known for a day
    keys = s.redis.keys("*:idem:*")
    assert len(keys) == 3
    assert all(86_000_000 < s.redis.client.pttl(k) <= 86_400_000
               for k in keys)


def test_fault_62_every_scheme_and_what_is_altered(s):
    """Fault 62: right is taken, under every key; wrong is one 401."""
    n = iter(range(1000))

    def fresh():
        return body_of(opening(f"F-{next(n)}"))

    b = fresh()
    now = time.time()
    right = [
        (webhook, {}), (webhook, {"secret": SECRET_2}),
        (webhook, {"secret": [WRONG, SECRET]}),  # several signatures
        (webhook, {"at": now - 295}), (webhook, {"at": now + 295}),
        (webhook, {"prefix": "svix"}),
        (github, {}), (stripe, {"secrets": (RAW + "s",)}),
        (stripe, {"secrets": ("old", RAW + "s")}),
        (stripe, {"secrets": (RAW + "s",), "at": now - 295}),
        (own, {"secret": RAW + "o"})]
    for i, (make, kw) in enumerate(right):
        b = fresh()
        if make is webhook:
            kw = {"msg_id": f"msg_{i}", **kw}
        assert s.post(b, make(b, **kw)).status == 202, (make, kw)
    assert s.post(fresh(), basic()).status == 202
    taken = len(s.entries())

    b = fresh()
    wrong = {
        "wrong key": webhook(b, WRONG),
        "old": webhook(b, at=now - 310), "future": webhook(b, at=now + 310),
        "no id": webhook(b)[1:], "no time": [webhook(b)[i] for i in (0, 2, 3)],
        "another id": [("webhook-id", "msg_2")] + webhook(b)[1:],
        "another body": webhook(b + b" "),
        "another version": [
            (k, v.replace("v1,", "v2,")) for k, v in webhook(b)],
        "cut": [(k, v[:-4]) for k, v in webhook(b)],
        "empty": [("webhook-signature", "v1,")] + webhook(b)[:2] + [JSON],
        "github of another key": github(b, "no"),
        "github of another body": github(b + b" ", RAW),
        "github without prefix": [
            (k, v.replace("sha256=", "")) for k, v in github(b)],
        "stripe old": stripe(b, (RAW + "s",), now - 310),
        "stripe future": stripe(b, (RAW + "s",), now + 310),
        "stripe of v0": [(k, v.replace("v1=", "v0="))
                         for k, v in stripe(b, (RAW + "s",))],
        "stripe of another": stripe(b, ("no",)),
        "own old": own(b, RAW + "o", now - 310),
        "own of another": own(b, "no"),
        "token": [("Authorization", "Bearer no"), JSON],
        "token as basic": [("Authorization", f"Basic {TOKEN}"), JSON],
        "token of a longer": [("Authorization", f"Bearer {TOKEN}0"), JSON],
        "login": basic(LOGIN + "x"), "nothing": [JSON],
        "the secret as a token": [("Authorization", f"Bearer {SECRET}"), JSON],
    }
    said = {json.dumps(s.no(401, b, headers)) for headers in wrong.values()}
    assert len(said) == 1, said  # and not why
    for name in ("crm", "nobody", "", "%2e%2e", "a/b"):
        said.add(json.dumps(s.no(401, b, BEARER, path=f"{PATH}/{name}")))
    assert len(said) == 1, said
    assert len(s.entries()) == taken
    assert 1 <= len(s.daemon.logged("^event_refused")) < 15  # one a second
    assert s.daemon.status()["http"]["events"]["strangers"] >= len(wrong)


def test_fault_62_a_replay_is_a_duplicate(s):
    """Fault 62: the message id is the event's, where it has none."""
    bare = opening()
    del bare["event_id"]
    b = body_of(bare)
    headers = webhook(b, msg_id="msg_9")
    first, again = s.ok(b, headers), s.ok(b, headers)
    assert first["event_id"] == "msg_9" and not first["duplicate"]
    assert again == {**first, "duplicate": True}
    # the same message, sent later by its sender
    assert s.ok(b, webhook(b, msg_id="msg_9", at=time.time() - 60)) == again
    assert len(s.entries()) == 1
    assert s.no(400, b, BEARER, "missing_field")["field"] == "event_id"
    # named in the path the one scheme is tried, and it alone
    assert s.ok(b, headers, path=f"{PATH}/crm") == again
    s.no(401, b, BEARER, path=f"{PATH}/crm")
    assert s.counts("crm")["unauthorized"] == 1


def test_what_is_refused_and_why(s):
    """IN4: what the stream would reject is 400 with its code and field."""
    cases = [
        (opening(event="complaint.openec"), "unknown_event", "event"),
        (opening(category=""), "missing_field", "category"),
        (opening(complaint_id="a b"), "bad_value", "complaint_id"),
        (opening(v=2), "unknown_version", "v"),
        (opening(source="amends"), "bad_value", "source"),
        (opening(amends={"received_at": "1"}), "bad_value",
         "amends.received_at"),
        (b'{"event":"complaint.opened",', "bad_json", "json"),
        (b'{"event":"x","event":"y","event_id":"1"}', "bad_json", "json"),
        (b"[]", "bad_json", "json"), (b"", "bad_json", "json"),
        (b'{"event":"\xc0\xa0"}', "bad_json", "json"),
        (opening(category="x" * 100), "too_long", "category"),
    ]
    for value, code, field in cases:
        problem = s.no(400, value)
        assert (problem["code"], problem.get("field")) == (code, field), (
            value, problem)
    s.no(413, b"x" * 300_000)
    for kind in ("text/plain", "application/x-www-form-urlencoded",
                 "application/json; charset=latin1", "application/xml",
                 "application/cloudevents+xml",
                 "application/cloudevents-batch+json"):
        s.no(415, opening(), [BEARER[0], ("Content-Type", kind)])
    s.no(415, opening(), BEARER[:1])
    assert s.post(opening(), method="GET").status == 405
    assert s.entries() == {}
    kinds = ["application/json; charset=UTF-8", "application/vnd.x+json"]
    for i, kind in enumerate(kinds):
        s.ok(opening(f"K-{i}"), [BEARER[0], ("Content-Type", kind)])


def binary(**attributes):
    return [BEARER[0], JSON] + [
        (f"ce-{k}", v) for k, v in {**CE, **attributes}.items() if v]


def test_cloudevents_by_hand(world, redis):
    """Binary, structured and batch mode, with what their texts forbid."""
    s = Senders(world, redis, {"shop": "batch = true"})
    kind = [BEARER[0], ("Content-Type", "application/cloudevents+json")]
    batch = [BEARER[0], ("Content-Type",
                         "application/cloudevents-batch+json; charset=utf-8")]
    said = s.ok(DATA, binary(
        source="%2Fcrm%2Fz%C3%BCrich", subject='"C-%371"', tenant="a%20%22b"))
    assert said["complaint"] == "C-71"
    entry = s.entries()[said["stream_id"]]
    assert entry["source"] == CE["source"] and entry["event_id"] == "ce-1"
    assert entry["ce.tenant"] == 'a "b' and entry["occurred_at"] == CE["time"]
    assert entry["summary"] == DATA["summary"]
    # structured, the same event
    again = s.ok({**CE, "subject": "C-71", "data": DATA}, kind)
    assert again == {**said, "duplicate": True}
    for bad, field in (
            ({"source": "%C0%A0"}, "source"), ({"source": "a%00"}, "source"),
            ({"source": "%ED%A0%80"}, "source"), ({"source": "%FF"}, "source"),
            ({"datacontenttype": "application/json"}, "datacontenttype"),
            ({"id": None}, "id"), ({"type": None}, "type"),
            ({"source": None}, "source"), ({"specversion": None},
                                           "specversion"),
            ({"specversion": "0.3"}, "specversion")):
        problem = s.no(400, DATA, binary(**bad))
        assert problem["field"] == field, (bad, problem)
    s.no(400, b"[1]", binary())
    s.no(415, b"<x/>", binary()[:1] + [("Content-Type", "text/xml")] +
         binary()[2:])
    s.no(400, {**CE, "data": DATA, "data_base64": "e30="}, kind)
    # all or nothing
    n = len(s.entries())
    many = [{**CE, "id": f"b-{i}", "data": DATA} for i in range(3)]
    problem = s.no(400, [*many, {**CE, "id": "", "data": DATA}], batch)
    assert problem["at"] == 3 and problem["field"] == "id"
    for text in (b"[", b"[{}", b"{}", b"[1]", b"[{}],", b"[{},]", b'["{"]',
                 json.dumps(many).encode()[:-1] + b",]"):
        s.no(400, text, batch)
    assert len(s.entries()) == n
    events = s.ok(many, batch)["events"]
    assert [e["event_id"] for e in events] == ["b-0", "b-1", "b-2"]
    assert {e["stream_id"] for e in events} < set(s.entries())
    assert s.ok([], batch) == {"events": [], "passed_over": 0}
    s.no(413, [{**CE, "id": str(i), "data": DATA} for i in range(129)], batch,
         "too_many")


def test_the_senders_own_libraries(s):
    """npm cloudevents, both modes, and npm standardwebhooks."""
    url = f"http://127.0.0.1:{s.port}{PATH}"
    text = {"summary": '"quoted" \\ 50 % — 重复扣款 \U0001f4a5',
            "category": "billing", "customer": {"phone": "+8613800138000"}}
    # the library escapes nothing in headers
    event = {"type": "complaint.opened", "source": "/crm/a?b#c",
             "subject": "C-1", "data": text, "tenant": "a b%c\"d\\"}
    answers = by_node([
        {"mode": "binary", "url": url, "token": TOKEN,
         "event": {**event, "id": "n-1"}},
        {"mode": "structured", "url": url, "token": TOKEN,
         "event": {**event, "id": "n-1"}},
        {"mode": "structured", "url": url, "token": TOKEN, "event": {
            **event, "id": "n-2", "subject": "C-2", "data": None,
            "data_base64": "eyJjYXRlZ29yeSI6ImIiLCJzdW1tYXJ5IjoieCIsImN1c3Rv"
                           "bWVyLmlkIjoiNyJ9"}},
        {"mode": "webhook", "url": url, "secret": SECRET, "id": "msg_1",
         "body": json.dumps(opening("n-3"), ensure_ascii=False)},
        {"mode": "webhook", "url": url, "secret": WRONG, "id": "msg_2",
         "body": json.dumps(opening("n-4"))},
    ])
    assert [status for status, _ in answers] == [202] * 4 + [401], answers
    entries = s.entries()
    first, second = answers[0][1], answers[1][1]
    assert not first["duplicate"] and second == {**first, "duplicate": True}
    entry = entries[first["stream_id"]]
    assert entry["source"] == event["source"]
    assert entry["summary"] == text["summary"]
    assert entry["ce.tenant"] == event["tenant"]
    assert entries[answers[2][1]["stream_id"]]["customer.id"] == "7"
    assert len(entries) == 3


def test_idempotency_key(world, redis):
    """draft-ietf-httpapi-idempotency-key-header-07: 400, 422, the answer
    again; 409 while it runs."""
    s = Senders(world, redis, {"till": 'idempotency = "required"'})

    def keyed(key, headers=BEARER):
        return [*headers, ("Idempotency-Key", key)]

    bare = opening()
    del bare["event_id"]
    s.no(400, opening(), basic(), "idempotency_key_missing")
    for bad in ("k", '"k', '""', "'k'", '"k";x', '"a"b"', '"\\x"', '"é"',
                '"%s"' % ("x" * 256), "1", ""):
        s.no(400, opening(), keyed(bad), "idempotency_key_malformed")
    said = s.ok(bare, keyed('"k \\"1\\""'))
    assert said["event_id"] == 'k "1"' and not said["duplicate"]
    assert s.ok(bare, keyed('"k \\"1\\""')) == {**said, "duplicate": True}
    s.no(422, opening(), keyed('"k \\"1\\""'), "idempotency_key_reused")
    # a signed id counts before the key: sent again with another it is known
    for prefix, more in (("webhook", []), ("svix", [("webhook-id", "other")])):
        signed = webhook(body_of(bare), msg_id=prefix, prefix=prefix)
        said = s.ok(bare, signed)
        assert said["event_id"] == prefix
        assert s.ok(bare, [*keyed('"k9"', signed), *more]) == {
            **said, "duplicate": True}
    # of another producer the key is another
    assert not s.ok(bare, keyed('"k \\"1\\""', basic()))["duplicate"]
    assert len(s.entries()) == 4
    # running: Redis does not answer while both come
    redis.signal(signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        both = [pool.submit(s.post, bare, keyed('"k2"')) for _ in range(2)]
        first = next(concurrent.futures.as_completed(both)).result()
        redis.signal(signal.SIGCONT)
        rest = {b.result().status for b in both} - {409}
    assert first.status == 409 and rest <= {202, 503}, (first, rest)
    assert int(first.one("retry-after")) >= 1
    wait_until(lambda: s.post(bare, keyed('"k2"')).status == 202)


def test_who_may_send_what_from_where_how_often(world, redis):
    """allow_net and events are 403, rate is 429 with Retry-After."""
    s = Senders(world, redis, {
        "shop": 'events = {"complaint.opened"}  rate = "3/1m"',
        "till": 'allow_net = {"10.0.0.0/8"}', "hub": 'source = "tickets"'})
    b = body_of(opening())
    s.no(403, b, basic(), "address")
    said = s.ok(b, github(b))
    assert s.entries()[said["stream_id"]]["source"] == "tickets"
    for i in range(2):
        s.ok(opening(f"R-{i}"))
    problem = s.no(403, {"event": "complaint.withdrawn", "event_id": "W",
                         "complaint_id": "C-1"}, BEARER, "event_not_allowed")
    assert problem["field"] == "event"
    answer = s.post(opening("R-9"))
    assert answer.status == 429
    assert 1 <= int(answer.one("retry-after")) <= 60
    counts = s.counts("shop")
    assert (counts["accepted"], counts["limited"], counts["unauthorized"]) == (
        2, 1, 1), counts
    # others have their own
    s.ok(b, webhook(b))
    for path, rate in ((PATH, "3"), (f"{PATH}/shop", "3"), (f"{PATH}/crm", "*")):
        a = callers.request(s.port, path, method="OPTIONS", headers=[
            ("WebHook-Request-Origin", "events.example.com")])
        assert a.status == 200 and a.body == b""
        assert a.one("webhook-allowed-origin") == "events.example.com"
        assert a.one("webhook-allowed-rate") == rate, path
        assert "POST" in a.one("allow")
    assert callers.request(s.port, PATH, method="OPTIONS", headers=[
        ("WebHook-Request-Origin", "a b")]).status == 400
    plain = callers.request(s.port, PATH, method="OPTIONS")
    assert plain.status == 200
    assert "webhook-allowed-origin" not in plain.headers


ALERTS = """
producer "alerts" {
    token = {"file:%s"}
    each = "alerts"
    map "firing" {
        when = {"status=firing", "/groupLabels.job=shop"}
        event = "complaint.opened"
        set = {"complaint_id={fingerprint:id}",
               "event_id={fingerprint}/{startsAt}/firing",
               "customer.ref={labels.customer}", "category={labels.alertname}",
               "summary={annotations.summary} ({/receiver})"}
    }
    map "gone" {
        when = {"status=resolved"}
        event = "complaint.withdrawn"
        set = {"complaint_id={fingerprint:id}",
               "event_id={fingerprint}/{startsAt}/gone"}
    }
}
"""


def test_foreign_bodies_by_maps(world, redis):
    """A monitor's alerts become complaints, and what fits no map is passed
    over."""
    token = world.secret("alerts", "the-token-of-a-monitor-0")
    s = Senders(world, redis, extra=ALERTS % token)
    headers = [("Authorization", "Bearer the-token-of-a-monitor-0"), JSON]

    def alert(print_, status="firing", **more):
        return {"fingerprint": print_, "status": status,
                "startsAt": "2026-11-22T00:00:00Z",
                "labels": {"alertname": "Slow", "customer": "K1"},
                "annotations": {"summary": "slow é"}, **more}

    body = {"receiver": "us", "groupLabels": {"job": "shop"}, "alerts": [
        alert("a/b"), alert("x", "pending"), alert("c", "resolved"), {},
        alert("d", annotations={"summary": "x" * 70_000})]}
    said = s.ok(body, headers)
    assert said["passed_over"] == 2
    assert [(e["complaint"], e["event_id"]) for e in said["events"]] == [
        ("a-b", "a/b/2026-11-22T00:00:00Z/firing"),
        ("c", "c/2026-11-22T00:00:00Z/gone"),
        ("d", "d/2026-11-22T00:00:00Z/firing")]
    entry = s.entries()[said["events"][0]["stream_id"]]
    assert entry["summary"] == "slow é (us)" and entry["source"] == "alerts"
    assert len(s.entries()[said["events"][2]["stream_id"]]["summary"]) == 65536
    # an id is never made of nothing
    wrong = alert("e")
    del wrong["startsAt"]
    problem = s.no(400, {**body, "alerts": [alert("f"), wrong]}, headers,
                   "missing_field")
    assert problem["field"] == "event_id" and problem["at"] == 1
    assert len(s.entries()) == 3
    assert s.ok({"alerts": []}, headers)["events"] == []


def test_what_alertmanager_sends(world, redis):
    """The file that is shipped reads version 4 of Alertmanager's webhook."""
    text = (ROOT / "conf/producers/alertmanager.conf").read_text()
    token = world.secret("am", "the-token-of-a-monitor-0")
    s = Senders(world, redis, extra=re.search(
        r"^producer .*", text, re.M | re.S).group().replace(
            "/etc/amends/alertmanager.token", str(token)))
    headers = [("Authorization", "Bearer the-token-of-a-monitor-0"), JSON]
    alert = {
        "status": "firing", "labels": {
            "alertname": "CheckoutSlow", "severity": "critical",
            "instance": "shop:443"},
        "annotations": {"summary": "slow", "description": "over 2 s"},
        "startsAt": "2026-11-22T04:05:06.789Z",
        "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "4de4a2f3c9d1b8e7",
        "generatorURL": "http://prometheus/graph?g0.expr=x"}
    body = {"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0,
            "status": "firing", "receiver": "amends", "groupLabels": {},
            "commonLabels": {}, "commonAnnotations": {},
            "externalURL": "http://am", "alerts": [alert]}
    first = s.ok(body, headers)["events"][0]
    assert s.ok(body, headers)["events"][0] == {**first, "duplicate": True}
    wait_until(lambda: s.daemon.find(first["complaint"]))
    gone = {**alert, "status": "resolved", "endsAt": "2026-11-22T04:15:06Z"}
    again = s.ok({**body, "alerts": [gone]}, headers)["events"][0]
    assert again["complaint"] == first["complaint"]
    wait_until(lambda: s.daemon.find(
        first["complaint"])["outcome"] == "withdrawn")
    assert redis.client.xlen("{complaints}:rejects") == 0


def unavailable(s, value, code=None):
    """503 with Retry-After, and not there."""
    answer = s.post(value)
    assert answer.status == 503, answer
    assert int(answer.one("retry-after")) >= 1
    problem = json.loads(answer.body)
    assert code is None or problem["code"] == code, problem
    assert value["event_id"] not in [
        e["event_id"] for e in s.entries().values()] if code else True
    return problem


def test_in2_never_202_when_redis_does_not_keep_it(world, redis):
    """IN2: full, read-only, without its disk, paused, dead: 503 each."""
    s = Senders(world, redis, redis_more='command_timeout = "500ms"')
    client = redis.client
    s.ok(opening("before"))
    client.config_set("maxmemory", "1mb")
    unavailable(s, opening("full"), "redis_full")
    client.config_set("maxmemory", client.info("memory")["used_memory"] *
                      100 // 87)
    n = iter(range(10_000))
    wait_until(lambda: b"85 %" in s.post(opening(f"tight-{next(n)}")).body)
    unavailable(s, opening("tight"), "redis_full")
    client.config_set("maxmemory", 0)
    wait_until(lambda: s.post(opening("roomy")).status == 202)
    client.config_set("min-replicas-to-write", 1)
    unavailable(s, opening("alone"), "redis_refuses")
    client.config_set("min-replicas-to-write", 0)
    client.replicaof("127.0.0.1", free_port())
    unavailable(s, opening("replica"), "redis_refuses")
    client.replicaof("no", "one")
    wait_until(lambda: s.post(opening("master")).status == 202)
    redis.signal(signal.SIGSTOP)
    answer = s.post(opening("paused"))
    assert answer.status == 503
    redis.signal(signal.SIGCONT)
    # whatever became of that write: sent again there is one
    wait_until(lambda: s.post(opening("paused")).status == 202)
    redis.kill9()
    assert s.post(opening("dead")).status == 503
    redis.client.connection_pool.disconnect()
    redis.start()
    wait_until(lambda: s.post(opening("dead")).status == 202)
    ids = [e["event_id"] for e in s.entries().values()
           if "tight-" not in e["event_id"]]
    assert sorted(ids) == sorted(
        ["before", "roomy", "master", "paused", "dead"])


def test_durability_that_is_asked_for(world):
    """D0 to D2 by Redis's settings, D3 by a replica that has it."""
    master = world.redis(port=free_port(), aof="everysec",
                         extra=["--repl-diskless-sync-delay", "0"])
    s = Senders(world, master, redis_more='require_durability = "D2"')
    problem = unavailable(s, opening("e"), "durability")
    assert "D1" in problem["detail"] and "D2" in problem["detail"]
    assert s.daemon.status()["http"]["events"]["ready"] is False
    master.client.config_set("appendfsync", "always")
    wait_until(lambda: s.post(opening("a")).status == 202)
    s.daemon.write_conf(s.daemon.conf.read_text().replace('"D2"', '"D3"'))
    assert s.daemon.ctl("reload")[0] == 0
    answer = s.post(opening("r"))
    assert answer.status == 503 and b"replicas" in answer.body, answer
    replica = world.redis(extra=["--replicaof", "127.0.0.1", str(master.port)])
    wait_until(lambda: s.post(opening("r")).status == 202)
    fields = [e[b"event_id"] for _, e in replica.client.xrange("complaints")]
    assert fields.count(b"r") == 1  # written before, and kept once
    replica.signal(signal.SIGSTOP)
    answer = s.post(opening("s"))
    assert answer.status == 503 and b"replicas" in answer.body, answer
    # nor is it said on a connection that has not written it itself
    mine = next(c["id"] for c in master.client.client_list()
                if c["name"] == "t1:intake")
    master.client.client_kill_filter(_id=mine)
    wait_until(lambda: s.daemon.status()["http"]["events"]["ready"] and any(
        c["name"] == "t1:intake" and c["id"] != mine
        for c in master.client.client_list()))
    answer = s.post(opening("s"))
    assert answer.status == 503 and b"replicas" in answer.body, answer
    replica.signal(signal.SIGCONT)
    wait_until(lambda: s.post(opening("s")).status == 202)


def test_many_streams(world, redis):
    """All events of a complaint go to one stream, those of nobody's to all."""
    streams = ("a", "b", "c")
    s = Senders(world, redis, {"shop": "batch = true"}, streams=streams)
    said = [s.ok(opening(f"S-{i}", complaint_id=f"C-{i}")) for i in range(12)]
    by = {a["complaint"]: a["stream"] for a in said}
    assert set(by.values()) == set(streams)
    later = s.ok([{"event": "complaint.updated", "event_id": f"T-{i}",
                   "complaint_id": f"C-{i}", "severity": "high"}
                  for i in range(12)])
    assert {e["complaint"]: e["stream"] for e in later["events"]} == by
    for stream in streams:
        assert {e["complaint_id"] for e in s.entries(stream).values()} == {
            c for c, at in by.items() if at == stream}
    out = {"event": "contact.opted_out", "event_id": "O",
           "address": "+8613800138000", "channel": "sms"}
    first, again = s.ok(out), s.ok(out)
    assert first["complaint"] is None and again["duplicate"]
    assert all("O" in [e["event_id"] for e in s.entries(x).values()]
               for x in streams)
    # a key is of one body, whatever streams the bodies are for
    keyed = [*BEARER, ("Idempotency-Key", '"k"')]
    s.ok(opening("K-1", complaint_id="C-1"), keyed)
    for i in range(6):
        s.no(422, opening("K-2", complaint_id=f"C-{i}"), keyed)


def test_a_stop_answers_what_was_taken(world, redis):
    """Requests that wait for Redis at a stop have their answer before the
    end."""
    s = Senders(world, redis, conf='log_level = "debug"')
    redis.signal(signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        waits = [pool.submit(s.post, opening(f"S-{i}")) for i in range(8)]
        wait_until(lambda: len(s.daemon.logged("^events producer=shop")) == 8)
        s.daemon.signal(signal.SIGTERM)
        redis.signal(signal.SIGCONT)
        said = [w.result() for w in waits]
    assert s.daemon.proc.wait(20) == 0
    taken = {json.loads(a.body)["event_id"] for a in said if a.status == 202}
    there = {e["event_id"] for e in s.entries().values()}
    assert len(taken) == 8 and taken == there


def test_a_reload_changes_who_may_send(world, redis):
    """Producers come and go by a reload; nobody without any."""
    s = Senders(world, redis)
    s.ok(opening("a"))
    whole = s.daemon.conf.read_text()
    s.daemon.write_conf(whole.replace("/v1", "/v1").replace(
        'producer "shop"', 'producer "kiosk"'))
    assert s.daemon.ctl("reload")[0] == 0
    said = s.ok(opening("a"))
    assert not said["duplicate"]  # of another producer
    start = whole.index("producer")
    s.daemon.write_conf(whole[:start] + whole[whole.index("}\n", whole.rindex(
        "producer")) + 2:])
    code, _, err = s.daemon.ctl("reload")
    assert code == 0, err
    assert s.post(opening("b")).status == 404
