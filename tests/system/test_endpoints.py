"""What becomes of an endpoint that is gone, fails for days, or is disabled by
a person; and how it comes back. FU1 FU3, faults 48 and 54."""

import json
import re
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest
from harness import (SECRET, SECRET_2, STREAM, Producer, free_port,
                     wait_until)
from sink import OK, Sink, answer
from test_delivery import ASK, FAST, delivered, notes, row
from test_sms import Desk

KEY = f"{{{STREAM}}}:endpoints"


def endpoint(d, name="crm"):
    return next(e for e in d.rows("endpoints") if e["name"] == name)


def is_disabled(d, name="crm"):
    return endpoint(d, name)["state"] == "disabled"


def open_each(d, producer, names):
    """One after the other, for what fires in one millisecond has no order; of
    customers of their own, for one who complains again is served first."""
    for name in names:
        at = time.time()
        producer.open(name, **{"customer.phone": f"+86138001380{name[2:]:>02}"})
        wait_until(lambda: row(d, name) and time.time() > at + 0.002)


def ids_of(sink):
    return [r.json["data"]["complaint"]["id"] for r in list(sink.requests)]


def test_gone_disables_and_parks_until_enabled(world, redis, producer):
    """410 Gone, svix auto disable, convoy#650, outpost#611, #152: durable,
    said once, the outbox is parked, the follow-up that met it too; enabled
    again all go in their order, under the ids that they had."""
    gone, opened = [True], threading.Event()

    def respond(r):
        if gone[0]:
            opened.wait(10)  # what fires meanwhile stays behind it
            return answer(410)
        return OK
    sink = world.sink(respond)
    d = world.daemon(redis, loop=ASK,
                     endpoint_more='timeout = "20s"\ninflight = 1')
    open_each(d, producer, [f"C-{i}" for i in range(6)])
    opened.set()
    wait_until(lambda: is_disabled(d))
    assert len(d.rows("followups")) == 6
    assert [r["state"] for r in d.rows("followups")] == ["parked"] * 6
    e = endpoint(d)
    assert (e["reason"], e["by"], e["waiting"]) == ("gone", "amends", 6)
    assert d.status()["disabled"] == [
        {"endpoint": "crm", "reason": "gone", "waiting": 6}]
    assert len(sink.requests) == 1 and d.rows("dead list") == []
    assert len(d.logged(r"endpoint_disabled endpoint=crm .*reason=gone")) == 1
    d.kill9()
    d.start()
    open_each(d, producer, ["C-6"])
    assert is_disabled(d) and len(sink.requests) == 1
    gone[0] = False
    code, out, err = d.ctl("endpoints", "enable", "crm")
    assert code == 0 and "crm is enabled in 1 shard" in out, out + err
    wait_until(lambda: len(sink.requests) == 8)
    assert ids_of(sink)[1:] == [f"C-{i}" for i in range(7)]
    assert sink.requests[0].id == sink.requests[1].id
    assert sink.requests[0].body == sink.requests[1].body
    assert len(d.logged("endpoint_disabled")) == 1  # once, in both lives
    assert len(d.logged("endpoint_enabled")) == 1
    wait_until(lambda: d.rows("followups") == [])
    assert endpoint(d)["state"] == "enabled"
    assert delivered(redis, "C-0")


def test_parked_is_no_older_for_it(world, redis, producer):
    """What was parked beyond its max_age is tried again when its endpoint is
    enabled, and not once only."""
    sink = world.sink(lambda r: answer(410) if r.n == 0 else
                      answer(500) if r.n == 1 else OK)
    d = world.daemon(redis, loop=ASK, endpoint_more=(
        'retry = {"0s", "300ms", "300ms"}\n    max_age = "1s"'))
    producer.open("C-0")
    wait_until(lambda: is_disabled(d))
    at = time.time()
    wait_until(lambda: time.time() > at + 1.2)
    assert d.ctl("endpoints", "enable", "crm")[0] == 0
    wait_until(lambda: delivered(redis, "C-0"))
    assert len(sink.requests) == 3 and d.rows("dead list") == []


def test_several_in_flight_disable_it_once(world, redis, producer):
    """410: whoever was on the wire with it is parked like the first."""
    sink = world.sink(lambda r: answer(410))
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST)
    for i in range(30):
        producer.open(f"C-{i}")
    wait_until(lambda: len(d.rows("followups")) == 30 and is_disabled(d))
    wait_until(lambda: d.status()["in_flight"] == 0)
    assert {r["state"] for r in d.rows("followups")} == {"parked"}
    assert d.rows("dead list") == []
    assert len(d.logged("endpoint_disabled")) == 1
    assert len(sink.requests) <= 30


def test_two_shards_meet_it_at_once(world, redis):
    """Both have a 410 of their own: one log line, one event to operators."""
    both = threading.Barrier(2)

    def respond(r):
        both.wait(10)
        return answer(410)
    sink = world.sink(respond)
    ops = Sink()
    world.closers.append(ops.stop)
    streams = ("complaints.0", "complaints.1")
    d = world.daemon(redis, loop=ASK, streams=streams, more='alert = {"ops"}',
                     endpoints=world.endpoint("crm", sink.url(), FAST) +
                     world.endpoint("ops", ops.url()))
    for s in streams:
        Producer(redis, s).open(f"C-{s[-1]}")
    wait_until(lambda: [r["state"] for r in d.rows("followups --endpoint crm")]
               == ["parked"] * 2)
    wait_until(lambda: ops.requests and d.status()["in_flight"] == 0)
    assert len(sink.requests) == 2
    assert len(d.logged("endpoint_disabled")) == 1
    assert [r.json["type"] for r in ops.requests] == [
        "amends.endpoint.disabled"]
    assert d.rows("followups --endpoint ops") == []


def test_parked_ends_with_its_stage(world, redis, producer):
    """FU11: what is over is not sent when the endpoint is enabled."""
    gone = [True]
    sink = world.sink(lambda r: answer(410) if gone[0] else OK)
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST)
    producer.open("C-0")
    producer.open("C-1")
    wait_until(lambda: is_disabled(d) and len(d.rows("followups")) == 2)
    wait_until(lambda: d.status()["in_flight"] == 0)
    producer.emit("complaint.withdrawn", "C-0")
    wait_until(lambda: any(b"followup.suppressed" in n
                           for n in notes(redis, "C-0")))
    gone[0] = False
    before = len(sink.requests)
    assert d.ctl("endpoints", "enable", "crm")[0] == 0
    wait_until(lambda: delivered(redis, "C-1"))
    assert ids_of(sink)[before:] == ["C-1"]


def test_nothing_but_failures_disables_it(world, redis, producer):
    """outpost#596: after disable_after, whatever restarts lie between; said
    once; what failed waits."""
    broken = [True]
    sink = world.sink(lambda r: answer(500) if broken[0] else OK)
    more = ('timeout = "1s"\n    retry = {"0s", "300ms", "300ms", "300ms", '
            '"300ms", "300ms", "300ms", "300ms", "300ms", "300ms", "300ms", '
            '"300ms", "300ms", "300ms", "300ms", "300ms", "300ms", "300ms"}\n'
            '    jitter = "0%"\n    breaker_failures = 1000\n'
            '    retry_budget = "0%"\n    disable_after = "4s"')
    d = world.daemon(redis, loop=ASK, endpoint_more=more)
    producer.open("C-0")
    wait_until(lambda: endpoint(d)["failing_since"])
    since = endpoint(d)["failing_since"]
    began = time.monotonic()
    d.kill9()
    d.start()
    assert endpoint(d)["failing_since"] == since
    wait_until(lambda: is_disabled(d), 15)
    assert time.monotonic() - began < 4.8  # a restart begins nothing anew
    assert endpoint(d)["reason"] == "failing"
    assert len(d.logged("endpoint_disabled .*reason=failing")) == 1
    assert [r["state"] for r in d.rows("followups")] == ["parked"]
    assert d.rows("dead list") == []
    broken[0] = False
    n = len(sink.requests)
    assert d.ctl("endpoints", "enable", "crm")[0] == 0
    wait_until(lambda: delivered(redis, "C-0"))
    assert len(sink.requests) == n + 1
    assert endpoint(d)["failing_since"] is None


def test_one_success_begins_the_days_anew(world, redis, producer):
    """Nothing but failures: a success between them is remembered, too."""
    sink = world.sink(lambda r: OK if r.n == 3 else answer(500))
    more = ('timeout = "1s"\n    retry = {"0s", "200ms", "200ms", "200ms", '
            '"1h"}\n    jitter = "0%"\n    breaker_failures = 1000\n'
            '    retry_budget = "0%"\n    disable_after = "1h"')
    d = world.daemon(redis, loop=ASK, endpoint_more=more)
    producer.open("C-0")
    wait_until(lambda: delivered(redis, "C-0"))
    assert len(sink.requests) == 4
    assert endpoint(d)["failing_since"] is None
    assert redis.client.hgetall(KEY) == {}
    producer.open("C-1")
    wait_until(lambda: endpoint(d)["failing_since"])
    assert json.loads(redis.client.hget(KEY, "crm"))["state"] == "enabled"


def test_a_person_disables_and_enables(world, redis, producer):
    """convoy#650: kept, listed, in order; who, why and when are seen; what a
    person did survives a restart."""
    sink = world.sink()
    d = world.daemon(redis, loop=ASK, endpoint_more="inflight = 1")
    code, out, _ = d.ctl("endpoints", "disable", "crm",
                         "--reason", "moves to another data centre")
    assert code == 0 and "disabled" in out
    e = endpoint(d)
    assert e["state"] == "disabled" and e["reason"] == "operator"
    assert e["text"] == "moves to another data centre"
    assert re.fullmatch(r"uid \d+", e["by"])
    open_each(d, producer, [f"C-{i}" for i in range(20)])
    assert len(d.rows("followups")) == 20
    _, out, _ = d.ctl("endpoints")
    assert "disabled" in out and "moves to" in out
    _, out, _ = d.ctl("status")
    assert "crm" in out and "operator" in out
    _, out, _ = d.ctl("followups")
    assert "parked" in out
    d.kill9()
    d.start()
    assert is_disabled(d)
    code, out, _ = d.ctl("endpoints", "disable", "crm")
    assert code == 0 and "was disabled already" in out
    one = d.rows("followups")[0]["id"]
    code, _, err = d.ctl("followups", "retry", one)
    assert code == 5 and "endpoints enable crm" in err
    assert sink.requests == []
    assert d.ctl("endpoints", "enable", "crm")[0] == 0
    wait_until(lambda: len(sink.requests) == 20)
    assert ids_of(sink) == [f"C-{i}" for i in range(20)]
    code, out, _ = d.ctl("endpoints", "enable", "crm")
    assert code == 0 and "was enabled already" in out
    assert d.ctl("endpoints", "enable", "nobody")[0] == 4


def test_every_shard_of_the_daemon(world, redis):
    """The verb acts on every shard that the daemon owns, and says so; what one
    shard learns is known to the others at once."""
    gone = [False]
    sink = world.sink(lambda r: answer(410) if gone[0] else OK)
    streams = ("complaints.0", "complaints.1")
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST, streams=streams)
    a, b = (Producer(redis, s) for s in streams)
    rows = d.rows("endpoints disable crm")
    assert [(r["shard"], r["changed"]) for r in rows] == [
        (s, True) for s in streams]
    a.open("C-a")
    b.open("C-b")
    wait_until(lambda: len(d.rows("followups")) == 2)
    assert sink.requests == []
    assert len(d.logged("endpoint_disabled")) == 1  # one act, one line
    rows = d.rows("endpoints enable crm")
    assert [(r["shard"], r["state"]) for r in rows] == [
        (s, "enabled") for s in streams]
    wait_until(lambda: sorted(ids_of(sink)) == ["C-a", "C-b"])
    gone[0] = True
    a.open("C-c")
    wait_until(lambda: all(
        redis.client.hget(f"{{{s}}}:endpoints", "crm") and
        json.loads(redis.client.hget(f"{{{s}}}:endpoints", "crm"))["state"] ==
        "disabled" for s in streams))
    b.open("C-d")
    wait_until(lambda: len(d.rows("followups")) == 2)
    assert len(sink.requests) == 3
    assert len(d.logged("endpoint_disabled")) == 2


def test_a_standby_knows_and_may_not(world, redis, producer):
    """What is durable is seen from every daemon; only the owner changes it."""
    world.sink(lambda r: answer(410))
    d1 = world.daemon(redis, loop=ASK, endpoint_more=FAST)
    d2 = world.daemon(redis, instance="t2", start=False, loop=ASK,
                      endpoint_more=FAST)
    d2.start(wait=False)
    producer.open("C-0")
    wait_until(lambda: is_disabled(d1))
    wait_until(lambda: d2.state() == "standby")
    assert is_disabled(d2)
    code, _, err = d2.ctl("endpoints", "enable", "crm")
    assert code == 5 and "where they are" in err
    d1.kill9()
    wait_until(lambda: d2.state() == "running", 20)
    assert is_disabled(d2)
    assert d2.ctl("endpoints", "enable", "crm")[0] == 0


def test_an_endpoint_that_leaves_lets_go(world, redis, producer):
    """svix#1511: queued for an endpoint that is removed: dead,
    endpoint-removed; parked or not."""
    world.sink()
    d = world.daemon(redis, loop=ASK, endpoints=(
        world.endpoint("crm", world.receiver.url()) +
        world.endpoint("old", world.receiver.url())))
    d.ask("endpoints disable crm")
    producer.open("C-0")
    wait_until(lambda: len(d.rows("followups")) == 1)
    d.write_conf(world.conf(
        redis, loop=ASK.replace('"crm"', '"old"'),
        endpoints=world.endpoint("old", world.receiver.url())))
    code, _, err = d.ctl("reload")
    if code != 0:  # the open complaint still names it
        assert "crm" in err
        d.kill9()
        d.start()
    letter = wait_until(lambda: d.rows("dead list"))[0]
    assert letter["reason"] == "endpoint-removed"
    assert d.rows("followups") == []


# ---- test ----

def test_a_test_message(world, redis):
    """One signed message now: what came of it, with the exit code; disabled or
    not; nothing is written."""
    status = [200]
    sink = world.sink(lambda r: answer(status[0], body=b"no +8613800138000"))
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST)
    before = redis.client.dbsize()
    row_, = d.rows("endpoints test crm")
    assert row_["class"] == "ok" and row_["status"] == 200
    assert row_["address"] == "127.0.0.1" and row_["took_ms"] >= 0
    r, = sink.requests
    assert r.verified(SECRET) and r.json["type"] == "amends.test"
    assert r.json["data"]["endpoint"] == {"name": "crm", "type": "webhook"}
    assert re.fullmatch(r"[A-Za-z0-9_-]+", r.id)
    status[0] = 404
    d.ask("endpoints disable crm")
    code, out, err = d.ctl("endpoints", "test", "crm")
    assert code == 1 and "404" in out and "did not take it" in err
    assert "13800138000" not in out + err + d.text()
    assert len({r.id for r in sink.requests}) == 2
    assert redis.client.dbsize() == before + 1  # the disabling
    assert d.ctl("endpoints", "test", "nobody")[0] == 4
    code, _, err = d.ctl("endpoints", "test", "crm", "--to", "+8613800138000")
    assert code == 2 and "webhook" in err


def test_a_test_message_to_nobody_says_what_is_wrong(world, redis):
    """Refused addresses and dead ports: the reason in words, code 1."""
    sink = world.sink()
    d = world.daemon(redis, loop=ASK, endpoints=(
        world.endpoint("crm", sink.url(), FAST).replace(
            'allow_net = {"127.0.0.0/8"}', "") +
        world.endpoint("shut", f"http://127.0.0.1:{free_port()}/", FAST) +
        world.endpoint("meta", "http://169.254.169.254/latest", FAST)))
    for name, reason in (("crm", "refused_address"), ("shut", "connect"),
                         ("meta", "refused_address")):
        rows, end = d.ask(f"endpoints test {name}")
        assert rows[0]["reason"] == reason and end["code"] == 1, rows
        assert end["error"]
    assert sink.requests == []


def test_the_clouds_metadata_is_never_dialled(world, redis, producer):
    """convoy 26.6.8: 169.254.169.254, also as a number in another dress."""
    d = world.daemon(redis, loop=ASK, endpoints=world.endpoint(
        "crm", "http://2852039166/latest/meta-data", FAST))
    producer.open("C-0")
    letter = wait_until(lambda: d.rows("dead list"), 20)[0]
    assert letter["error"] == "refused_address"


def test_a_test_message_by_sms_and_mail(world, redis):
    """An endpoint that reaches a person needs --to, in any spelling; the
    number is in no log."""
    desk = Desk(world, redis, endpoints=(
        'endpoint "post" { type = "mail"  url = "smtp://127.0.0.1:9"\n'
        '  allow_plain = true  allow_net = {"127.0.0.0/8"}\n'
        '  from = "desk@example.com" }\n'))
    d = desk.daemon
    for bad in ("", " --to 12345", " --to li@example.com"):
        _, end = d.ask(f"endpoints test sms{bad}")
        assert end["code"] == 2 and "NUMBER" in end["error"], end
    row_, = d.rows('endpoints test sms --to "+86 138-0013-8000"')
    assert row_["class"] == "ok" and row_["status"] == 202
    (to, text, ref), = desk.gate.got
    assert to == "+8613800138000" and "Test of sms" in text and ref
    _, end = d.ask("endpoints test post --to +8613800138000")
    assert end["code"] == 2 and "ADDRESS" in end["error"]
    rows, end = d.ask("endpoints test post --to li@example.com")
    assert end["code"] == 1 and rows[0]["class"] == "retry"
    assert "13800138000" not in d.text() and "li@example.com" not in d.text()


# ---- busy, and back ----

@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_endpoint_is_spared_whole(world, redis, producer, status):
    """429, 502, 503 and 504 without a word: all that is queued waits, for the
    breaker's cooldown."""
    sink = world.sink(lambda r: answer(status) if r.n == 0 else OK)
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST.replace(
        "500ms", "2s"))
    producer.open("C-0")
    wait_until(lambda: len(sink.requests) == 1)
    wait_until(lambda: endpoint(d)["paused_until"])
    for i in range(1, 4):
        producer.open(f"C-{i}")
    wait_until(lambda: all(delivered(redis, f"C-{i}") for i in range(4)))
    assert sink.requests[1].at - sink.requests[0].at >= 1.9


class Busy:
    """Answers slowly, and knows how many it has at once, and how many it had
    answered by then."""

    def __init__(self, first):
        self.first, self.open, self.done, self.seen = first, 0, 0, []
        self.lock = threading.Lock()

    def __call__(self, r):
        if r.n == 0:
            return self.first
        with self.lock:
            self.open += 1
            self.seen.append((self.open, self.done))
        time.sleep(0.05)  # the work of the receiver
        with self.lock:
            self.open -= 1
            self.done += 1
        return OK


@pytest.mark.parametrize("way", ["pause", "enable", "breaker"])
def test_slow_start(world, redis, producer, way):
    """After a pause, after enabling and after the breaker: one at a time
    first, and one more with each success."""
    busy = Busy({"pause": answer(429, "retry-after: 1"), "enable": answer(410),
                 "breaker": answer(500)}[way])
    sink = world.sink(busy)
    more = ('timeout = "5s"\n    retry = {"0s", "1s"}\n    jitter = "0%"\n'
            '    inflight = 8\n    breaker_failures = 1\n'
            '    breaker_cooldown = "1s"')
    d = world.daemon(redis, loop=ASK, endpoint_more=more)
    producer.open("C-0")
    wait_until(lambda: len(sink.requests) == 1)
    if way == "enable":
        wait_until(lambda: is_disabled(d))
    for i in range(1, 31):
        producer.open(f"C-{i}")
    wait_until(lambda: len(d.rows("followups")) >= 20)
    if way == "enable":
        assert d.ctl("endpoints", "enable", "crm")[0] == 0
    wait_until(lambda: len(sink.requests) == 32, 20)
    assert all(n <= min(1 + done, 8) for n, done in busy.seen), busy.seen
    assert max(busy.seen)[0] >= 6, busy.seen


def test_the_retry_budget(world, redis, producer):
    """Second tries of a backlog go one a second, and first tries are not
    behind them; nothing is lost, and to wait costs no attempt."""
    sink = world.sink(lambda r: answer(500) if r.n < 12 else OK)
    more = ('timeout = "1s"\n    retry = {"0s", "100ms", "100ms"}\n'
            '    jitter = "0%"\n    breaker_failures = 1000\n    inflight = 64')
    d = world.daemon(redis, loop=ASK, endpoint_more=more)
    for i in range(12):
        producer.open(f"C-{i}")
    wait_until(lambda: len(sink.requests) >= 12)
    # these go by, at once
    began = time.time()
    for i in range(12, 20):
        producer.open(f"C-{i}")
    wait_until(lambda: all(delivered(redis, f"C-{i}") for i in range(12, 20)))
    assert time.time() - began < 3
    wait_until(lambda: all(delivered(redis, f"C-{i}") for i in range(12)), 30)
    again = [r.at for r in sink.requests
             if sink.ids().index(r.id) != sink.requests.index(r)]
    assert len(again) == 12
    # 20 first tries allow two in a minute; else one a second
    seconds = [int(t) for t in again]
    assert max(seconds.count(s) for s in seconds) <= 3
    assert again[-1] - again[0] >= 8
    assert d.rows("dead list") == []


# ---- secrets ----

def test_a_secret_retires_by_itself(world, redis, producer):
    """FU2, rotation: both secrets verify until retire_at, then only the new
    one does; judged by the reference library, without a reload."""
    new, old = world.secret("new", SECRET_2), world.secret("old", SECRET)
    both = [world.start_receiver("receiver.mjs", name=n) for n in ("a", "b")]
    # what receiver a has is the new one, b the old one
    for r, secret in zip(both, (new, old)):
        r.cmd[r.cmd.index("--secret") + 1] = str(secret)
        r.kill9()
        r.kw["stdout"] = -1
        r.record.unlink(missing_ok=True)
        r.start()
    at = datetime.now(timezone.utc) + timedelta(seconds=10)
    more = FAST + f'\n    retire_at = "{at:%Y-%m-%dT%H:%M:%SZ}"'
    loop = ASK.replace('rung "hello"    { at = "0%"   to = "owner"      '
                       'via = {"crm"} }',
                       'rung "hello" { at = "0%" to = "owner" via = {"a"} }\n'
                       'rung "hi" { at = "0%" to = "agent" via = {"b"} }')
    world.daemon(redis, loop=loop, endpoints="".join(
        world.endpoint(n, r.url(), more, [new, old])
        for n, r in zip("ab", both)) + world.endpoint("crm", both[0].url()))
    producer.open("C-0")
    wait_until(lambda: all(len(r.requests()) == 1 for r in both))
    assert all(r.requests()[0]["verified"] for r in both)
    wait_until(lambda: datetime.now(timezone.utc) > at + timedelta(seconds=1))
    producer.open("C-1")
    wait_until(lambda: all(len(r.requests()) == 2 for r in both))
    assert both[0].requests()[1]["verified"]
    assert not both[1].requests()[1]["verified"]


# ---- what the answer said ----

CANARY = "hello-from-the-receiver"


def test_the_answer_is_kept_redacted(world, redis, producer):
    """AU6: of an answer that is no success 512 bytes are kept with the
    follow-up, for those who ask for JSON; no number, address or key of it,
    anywhere."""
    secret = SECRET.removeprefix("whsec_")
    body = (f"{CANARY}: no +86 138-0013-8000, li@example.com; key {secret}; "
            f"Authorization: Bearer tok-1-2-3-4\n" + "x" * 6000).encode()
    world.sink(lambda r: answer(500, body=body))
    more = ('timeout = "1s"\n    retry = {"0s", "700ms"}\n    jitter = "0%"')
    d = world.daemon(redis, loop=ASK, endpoint_more=more)
    producer.open("C-0")
    kept = wait_until(lambda: row(d, "C-0") and row(d, "C-0").get("excerpt"))
    assert kept.startswith(
        f"{CANARY}: no [number], [address]; key [secret]; Authorization: ")
    assert 400 < len(kept) <= 512 and "tok-1" not in kept
    letter = wait_until(lambda: d.rows("dead list"))[0]
    assert letter["excerpt"] == kept
    code, out, _ = d.ctl("dead", "list", "--json")
    assert code == 0 and CANARY in out
    _, out, _ = d.ctl("dead", "list")
    assert CANARY not in out  # of JSON only
    assert CANARY not in d.text()
    everything = b"".join(
        redis.client.dump(k) or b"" for k in redis.client.scan_iter("*")
        if k not in (b"complaints",))
    for bad in (b"138-0013-8000", b"li@example", secret.encode(), b"tok-1-2"):
        assert bad not in everything, bad
    assert not any(CANARY.encode() in n for n in redis.journal("C-0"))


def test_a_large_payload_is_warned_of_once(world, redis, producer):
    """Over 20 KB: one line a follow-up, whatever its attempts; sent all the
    same."""
    big = "x" * 3900
    loop = ASK.replace('rung "hello"    { at = "0%"   to = "owner"      '
                       'via = {"crm"} }',
                       'rung "hello" { at = "0%" to = "owner" via = {"crm"} '
                       'message = "big" }')
    message = 'message "big" { text = "' + big * 6 + '" }\n'
    sink = world.sink(lambda r: answer(500) if r.n == 0 else OK)
    d = world.daemon(redis, loop=message + loop, endpoint_more=FAST)
    producer.open("C-0")
    wait_until(lambda: delivered(redis, "C-0"), 15)
    assert len(sink.requests) == 2 and len(sink.requests[0].body) > 20480
    assert len(d.logged(r"followup_large .*complaint=C-0 .*bytes=2\d+")) == 1
