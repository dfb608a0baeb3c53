"""A person's data leave, wherever they lie (AU6, fault 67)."""

import json
import subprocess

import pytest
from harness import BUILD, wait_until
from sink import answer

PHONE = "+8613900007777"
NAME = "Canary Zhang"
TEXT = "the canary sings at midnight"
MAIL = "canary@example.org"
CANARIES = (PHONE, PHONE[1:], NAME, TEXT, MAIL)

LOOP = """
loop "complaint" {
    repeat_window = "30d"
    stage "listen" { budget = "1h"
        rung "hello" { at = "0%"  to = "customer"  via = {"crm"} } }
    stage "resolve" { budget = "4h"
        rung "lapse" { at = "100%"  to = "owner"  via = {"crm"} } }
    stage "callback-confirm" { kind = "confirm"  budget = "1d" }
}
"""


def fields(cid, **more):
    return {"event": "complaint.opened", "complaint_id": cid,
            "category": "billing", "summary": TEXT, "customer.id": "K-7",
            "customer.phone": PHONE, "customer.email": MAIL,
            "customer.name": NAME, **more}


def opened(redis, daemon, cid, **more):
    redis.client.xadd("complaints", fields(cid, **more))
    wait_until(lambda: daemon.find(cid))


def everything(redis):
    """All keys with all that is in them, as bytes."""
    c, out = redis.client, {}
    for key in c.scan_iter():
        kind = c.type(key).decode()
        out[key] = repr({
            "string": lambda: c.get(key), "hash": lambda: c.hgetall(key),
            "list": lambda: c.lrange(key, 0, -1),
            "set": lambda: c.smembers(key),
            "zset": lambda: c.zrange(key, 0, -1, withscores=True),
            "stream": lambda: c.xrange(key)}[kind]())
    return out


def where(redis, *needles):
    return [key for key, text in everything(redis).items()
            if any(n in text or n in key.decode("latin1") for n in needles)]


@pytest.fixture
def world_of(world, redis):
    sink = world.sink()
    daemon = world.daemon(redis, loop=LOOP)
    daemon.sink = sink
    return daemon


def test_au6_erase_leaves_no_datum_anywhere(world_of, redis, world):
    """AU6: absent from a dump of all keys, the logs and the rewritten AOF;
    timings and the journal stay."""
    daemon = world_of
    opened(redis, daemon, "C-1")
    redis.client.xadd("complaints", {
        "json": json.dumps({"event": "customer.message", "complaint_id": "C-1",
                            "text": TEXT, "from": PHONE})})
    redis.client.xadd("complaints", {"event": "no.such", "complaint_id": "C-1",
                                     "text": TEXT})
    redis.client.xadd("complaints", {
        "json": '{"event":"no.such", "complaint_id" : "C-1", "x":"%s"}' % TEXT})
    wait_until(lambda: redis.client.xlen("{complaints}:rejects") == 2)
    assert where(redis, *CANARIES)
    before = daemon.find("C-1")

    status, out, err = daemon.ctl("erase", "C-1", "--by", "dpo", "--rewrite",
                                  "--yes", "--json")
    assert status == 0, err
    rows = [json.loads(r) for r in out.splitlines()]
    assert rows[0] == {"id": "C-1", "shard": "complaints", "state": "erased",
                       "entries": 4, "rejects": 2, "letters": 0}
    assert "gateways" in rows[1]["not_reached"]
    assert rows[1]["rewrite"] == "started"
    assert where(redis, *CANARIES) == []
    assert redis.keys("*:erase:*") == [] and redis.keys("*:erasing") == []

    after = daemon.find("C-1")
    assert after["opened_at"] == before["opened_at"]
    assert after["stage"] == "listen" and after["status"] == "open"
    journal = b"".join(redis.journal("C-1"))
    assert b'"customer.erased"' in journal and b'"approver":"dpo"' in journal
    assert daemon.rows("verify C-1")
    for needle in CANARIES:
        assert needle not in daemon.text()
    wait_until(lambda: redis.client.info("persistence")
               ["aof_rewrite_in_progress"] == 0 and redis.client.info(
                   "persistence")["aof_rewrite_scheduled"] == 0)
    files = [f for f in redis.dir.rglob("*") if f.is_file()
             and "appendonly" in str(f)]
    assert files
    for f in files:
        data = f.read_bytes()
        assert not [n for n in CANARIES if n.encode() in data], f


def test_au6_every_carrier_is_known(world_of, redis):
    """AU6: an entry is of the complaint that it was taken for: an id among
    the data of a CloudEvent, one that is written by escapes, none at all; and
    another's stays."""
    daemon = world_of
    ce = {"specversion": "1.0", "source": "shop", "type": "complaint.opened"}
    data = {"category": "billing", "summary": TEXT, "customer": {"id": "K-1"}}
    client = redis.client
    client.xadd("complaints", {"cloudevent": json.dumps(
        {**ce, "id": "1", "data": {**data, "complaint_id": "C-1"}})})
    client.xadd("complaints", {"json": json.dumps(
        {"event": "complaint.opened", "complaint_id": "C-2", **data}).replace(
            "C-2", "C\\u002d2")})
    client.xadd("complaints", {
        "event": "complaint.opened", "event_id": "E-3", "category": "billing",
        "summary": TEXT, "customer.id": "K-3"})
    client.xadd("complaints", {"cloudevent": json.dumps(
        {**ce, "type": "no.such", "id": "4",
         "data": {"complaint_id": "C-1", "text": TEXT}})})
    opened(redis, daemon, "C-9")
    assert client.xlen("{complaints}:rejects") == 1
    ids = [r["id"] for r in daemon.rows("list") if "id" in r]
    assert len(ids) == 4 and {"C-1", "C-2", "C-9"} < set(ids)
    daemon.rows("erase " + " ".join(i for i in ids if i != "C-9") + " --yes")
    assert client.xlen("complaints") == 1
    assert client.xlen("{complaints}:rejects") == 0
    assert sorted(where(redis, TEXT)) == [b"complaints",
                                          b"{complaints}:pii:C-9"]


def test_au6_event_erases_as_the_verb_does(world_of, redis):
    """AU6: customer.erased of a producer reaches the stream and the rejects,
    its own entry included."""
    daemon = world_of
    opened(redis, daemon, "C-1")
    redis.client.xadd("complaints", {"event": "no.such", "complaint_id": "C-1",
                                     "text": TEXT})
    redis.client.xadd("complaints", {
        "event": "customer.erased", "complaint_id": "C-1",
        "customer.id": "K-7", "approver": "dpo"})
    wait_until(lambda: daemon.logged(r"^erased id=C-1"))
    assert where(redis, *CANARIES, "K-7") == []
    # what comes later is not kept
    redis.client.xadd("complaints", {
        "event": "customer.message", "complaint_id": "C-1", "text": TEXT})
    wait_until(lambda: redis.applied() == 4)
    assert redis.keys("*:pii:C-1") == []


def test_au6_others_keep_theirs(world_of, redis):
    daemon = world_of
    opened(redis, daemon, "C-1")
    opened(redis, daemon, "C-10", **{"customer.phone": "+8613900008888",
                                     "customer.email": "b@example.org",
                                     "customer.id": "K-8"})
    redis.client.xadd("complaints", {
        "event": "no.such", "complaint_id": "C-10", "text": "kept"})
    wait_until(lambda: redis.client.xlen("{complaints}:rejects") == 1)
    assert daemon.ctl("erase", "C-1", "--yes")[0] == 0
    assert redis.client.hget("{complaints}:pii:C-10", "customer.id") == b"K-8"
    assert redis.client.xlen("{complaints}:rejects") == 1
    assert redis.client.xlen("complaints") == 2


def test_au6_a_reply_leaves_every_stream(world, redis):
    """AU6: what a gateway tells stands in all streams, with the number as the
    gateway writes it; another number's stays."""
    world.sink()
    daemon = world.daemon(redis, loop=LOOP, streams=("a", "b"))
    c, typed = redis.client, "+86 139-0000-7777"
    c.xadd("a", fields("C-1", **{"customer.phone": typed}))
    wait_until(lambda: daemon.find("C-1"))
    for stream in "ab":
        for event in (
                {"event": "customer.message", "source": "sms", "text": TEXT,
                 "event_id": "r1", "customer.phone": PHONE},
                {"event": "contact.opted_out", "event_id": "r2",
                 "address": PHONE, "channel": "sms"},
                {"json": json.dumps({"event": "contact.opted_in",
                                     "event_id": "r3", "address": typed,
                                     "channel": "sms"})},
                {"event": "no.such", "address": PHONE},
                {"event": "contact.opted_out", "event_id": "r4",
                 "address": "+8613900008888", "channel": "sms"}):
            c.xadd(stream, event)
    wait_until(lambda: all(
        redis.cursor(s)["id"] == c.xinfo_stream(s)["last-generated-id"].decode()
        for s in "ab"))
    assert daemon.ctl("erase", "C-1", "--by", "dpo", "--yes")[0] == 0
    assert where(redis, *CANARIES, typed) == []
    for stream in "ab":
        left = [e for _, e in c.xrange(stream)]
        assert [e[b"event_id"] for e in left] == [b"r4"]


def test_au6_a_repeat_does_not_lead_back(world_of, redis):
    """AU6: who complains again is not tied to what was erased."""
    daemon = world_of
    opened(redis, daemon, "C-1")
    opened(redis, daemon, "C-2")
    assert b'"repeat_of":"C-1"' in b"".join(redis.journal("C-2"))
    assert daemon.ctl("erase", "C-1", "C-2", "--yes")[0] == 0
    opened(redis, daemon, "C-3")
    assert b"repeat_of" not in b"".join(redis.journal("C-3"))


def test_au6_by_customer(world_of, redis):
    """AU6: by number, id or address, all that is theirs."""
    daemon = world_of
    for i in range(1, 6):
        opened(redis, daemon, f"C-{i}")
    opened(redis, daemon, "D-1", **{"customer.phone": "+8613900008888",
                                    "customer.id": "K-8",
                                    "customer.email": "b@example.org"})
    status, out, err = daemon.ctl("erase", "--customer", PHONE, "--yes",
                                  "--json")
    assert status == 0, err
    rows = [json.loads(r) for r in out.splitlines()][:-1]
    assert sorted(r["id"] for r in rows) == [f"C-{i}" for i in range(1, 6)]
    left = where(redis, PHONE, "K-7", MAIL)
    assert left == []
    assert redis.client.exists("{complaints}:pii:D-1")
    assert daemon.ctl("erase", "--customer", PHONE, "--yes")[0] == 4


def test_au6_fault_67_while_sending_and_with_the_dead(world, redis):
    """Fault 67: what waits for the customer is called back, a letter goes, an
    unknown id is 4; and twice is no fault."""
    sink = world.sink(lambda r: answer(500))
    daemon = world.daemon(
        redis, loop=LOOP, endpoint_more='timeout = "2s"\n retry = {"0s", "1h"}')
    opened(redis, daemon, "C-1")
    wait_until(lambda: sink.requests)
    assert daemon.rows("followups")
    assert daemon.ctl("erase", "C-1", "--yes")[0] == 0
    assert daemon.rows("followups") == []
    assert b'"reason":"erased"' in b"".join(redis.journal("C-1"))
    assert where(redis, *CANARIES) == []

    daemon.write_conf(daemon.conf.read_text().replace('"0s", "1h"', '"0s"'))
    daemon.rows("reload")
    opened(redis, daemon, "C-2")
    wait_until(lambda: daemon.rows("dead list"))
    status, out, _ = daemon.ctl("erase", "C-2", "--yes", "--json")
    assert status == 0 and json.loads(out.splitlines()[0])["letters"] == 1
    assert daemon.rows("dead list") == []
    assert where(redis, *CANARIES) == []

    status, out, _ = daemon.ctl("erase", "C-2", "--yes", "--json")
    assert status == 0
    assert json.loads(out.splitlines()[0])["state"] == "erased before"
    assert daemon.ctl("erase", "C-404", "--yes")[0] == 4
    status, _, err = daemon.ctl("erase")
    assert status == 2 and "name complaints, or --customer" in err


def test_au6_a_sweep_that_was_cut_off_is_begun_anew(world_of, redis):
    """AU6: kill -9 in between; the next owner finishes it."""
    daemon = world_of
    opened(redis, daemon, "C-1")
    daemon.kill9()
    # as the commit of the erasure leaves it
    redis.client.sadd("{complaints}:erasing", "C-1")
    redis.client.rename("{complaints}:pii:C-1", "{complaints}:erase:C-1")
    daemon.start()
    wait_until(lambda: daemon.logged(r"^erased id=C-1"))
    assert where(redis, *CANARIES) == []


def test_au6_it_asks_before_it_erases(world_of, redis):
    daemon = world_of
    opened(redis, daemon, "C-1")
    p = subprocess.run(
        [str(BUILD / "amendsctl"), "--socket", str(daemon.socket), "erase",
         "C-1"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=15)
    assert p.returncode == 2 and "--yes" in p.stderr
    assert redis.client.exists("{complaints}:pii:C-1")


LOOK = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
for verb in sys.argv[2:]:
    s.sendall(verb.encode() + b"\\n")
    got = b""
    while b'{"ok":' not in got or not got.endswith(b"\\n"):
        got += s.recv(65536)
    sys.stdout.write(got.decode())
"""


def test_au6_who_may_only_look_sees_no_personal_datum(world, redis):
    """AU6: numbers are masked at the view level, texts are counted; who may
    operate sees the bytes that were sent."""
    sink = world.sink(lambda r: answer(500, body=b"no such user " + TEXT.encode()))
    daemon = world.daemon(
        redis, loop=LOOP, start=False, status_more='view = {"nogroup"}',
        endpoint_more='timeout = "2s"\n retry = {"0s"}')
    daemon.write_conf(daemon.conf.read_text().replace(
        'mode = "0600"', 'mode = "0666"'))
    for p in (world.dir, daemon.dir):
        p.chmod(0o755)
    daemon.start()
    opened(redis, daemon, "C-1")
    redis.client.xadd("complaints", {
        "event": "stage.completed", "complaint_id": "C-404", "stage": "listen",
        "note": TEXT, "customer.phone": PHONE})
    redis.client.xadd("complaints", {
        "json": json.dumps({"event": "no.such", "text": TEXT})})
    wait_until(lambda: redis.client.xlen("{complaints}:rejects") == 2)
    wait_until(lambda: daemon.rows("dead list"))
    verbs = ("rejects list", "dead list", "followups", "show C-1", "why C-1",
             "plan C-1", "list", "status", "verify C-1", "endpoints",
             "message list", "shard list")
    p = subprocess.run(["/usr/bin/python3", "-c", LOOK, str(daemon.socket),
                        *verbs], capture_output=True, text=True, timeout=30)
    assert p.returncode == 0, p.stderr
    assert not [n for n in CANARIES if n in p.stdout]
    assert '"stage":"listen"' in p.stdout and "+86***77" in p.stdout
    assert f'"note":"*** ({len(TEXT)} bytes)"' in p.stdout
    operator = json.dumps(daemon.rows("rejects list"))
    assert TEXT in operator and PHONE in operator
    assert sink.requests
