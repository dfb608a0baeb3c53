"""IN4, fault 45: an event that cannot be applied never stops the shard, and
its bytes are kept until a person decides."""

import collections
import hashlib
import time

import pytest
from harness import opened, wait_until

GOOD = opened("NEW")


def without(*names):
    return {k: v for k, v in GOOD.items() if k not in names}


# name, fields, code or None (any), field or None
BAD = [
    ("no event name", {"hello": "world"}, None, "event"),
    ("unknown event", {**GOOD, "event": "complaint.sung"},
     "unknown_event", "event"),
    ("known, nothing to change", {"event": "complaint.updated",
                                  "complaint_id": "C-1"},
     "missing_field", None),
    ("unknown complaint", {"event": "stage.completed", "complaint_id": "C-9",
                           "stage": "listen"}, "unknown_complaint", None),
    ("unknown loop", {**GOOD, "loop": "nowhere"}, "unknown_loop", None),
    ("unknown stage", {"event": "stage.completed", "complaint_id": "C-1",
                       "stage": "dance"}, None, "stage"),
    ("no category", without("category"), None, "category"),
    ("no customer", without("customer.phone"), None, None),
    ("bad id", {**GOOD, "complaint_id": "a b"}, None, "complaint_id"),
    ("long id", {**GOOD, "complaint_id": "x" * 65}, None, "complaint_id"),
    ("bad time", {**GOOD, "occurred_at": "yesterday"}, None, "occurred_at"),
    ("bad verdict", {"event": "customer.answered", "complaint_id": "C-1",
                     "verdict": "meh"}, None, "verdict"),
    ("bad score", {"event": "customer.answered", "complaint_id": "C-1",
                   "score": "9"}, None, "score"),
    ("a zero byte", {**GOOD, "summary": b"a\0b"}, None, "summary"),
    ("no UTF-8", {**GOOD, "summary": b"\xff\xfe\xc0"}, None, "summary"),
    ("half a JSON", {"json": '{"event":"complaint.opened"'}, None, None),
    ("deep JSON", {"json": '{"event":' + '[' * 500 + ']' * 500 + '}'},
     None, None),
    ("JSON twice", {"json": '{"event":"a","event":"b"}'}, None, None),
    ("no CloudEvent", {"cloudevent": '{"type":"complaint.opened"}'},
     None, None),
    ("half a megabyte", {**GOOD, "summary": "x" * (512 << 10)}, None, None),
]


@pytest.fixture
def daemon(world, redis):
    world.sink()
    return world.daemon(redis)


@pytest.mark.parametrize("name,fields,code,field", BAD,
                         ids=[b[0].replace(" ", "-") for b in BAD])
def test_bad_event_is_kept_and_the_shard_moves_on(
        daemon, redis, producer, name, fields, code, field):
    producer.open("C-1")
    redis.client.xadd("complaints", fields)
    producer.open("C-2")
    wait_until(lambda: redis.applied() == 3)
    rows = daemon.rows("rejects list")
    assert len(rows) == 1, rows
    row = rows[0]
    assert row["code"] and row["text"]
    if code:
        assert row["code"] == code
    if field:
        assert row["field"] == field
    (_, kept), = redis.client.xrange("{complaints}:rejects")
    size = sum(len(k.encode()) + len(v if isinstance(v, bytes) else
                                     v.encode()) for k, v in fields.items())
    if size < 64 << 10:
        for k, v in fields.items():
            want = v if isinstance(v, bytes) else v.encode()
            assert kept[b"f." + k.encode()] == want
    else:
        assert kept[b"cut"] == b"yes"
        assert sum(map(len, kept.values())) < 70 << 10
    assert len(redis.journal("C-2")) == 1
    assert daemon.shard()["state"] == "running"


def test_the_hash_covers_all_bytes(daemon, redis, producer):
    """What was cut can be told apart: the same event has the same hash."""
    for _ in range(2):
        redis.client.xadd("complaints", BAD[-1][1])
    redis.client.xadd("complaints", {**BAD[-1][1], "summary": "x" * (
        (512 << 10) - 1) + "y"})
    wait_until(lambda: redis.applied() == 3)
    hashes = [e[b"sha256"] for _, e in redis.client.xrange(
        "{complaints}:rejects")]
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0]) == hashlib.sha256().digest_size * 2


def test_backward_and_repeated_events_are_no_faults(daemon, redis, producer):
    """Rule 4 of loop.md: a stage already met is a journaled no-op."""
    producer.open("C-1")
    producer.emit("stage.completed", "C-1", stage="listen")
    producer.emit("stage.completed", "C-1", stage="apologize")
    producer.emit("stage.completed", "C-1", stage="listen")
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 5)
    assert daemon.rows("rejects list") == []
    assert daemon.rows("show C-1")[0]["stage"] == "resolve"
    assert daemon.ask("verify C-1")[1]["ok"]


def test_the_same_id_with_other_content_changes_nothing(
        daemon, redis, producer):
    """Fault 45: a duplicate is one by (source, event_id), whatever it says."""
    producer.open("C-1", event_id="same")
    producer.emit("complaint.withdrawn", "C-1", event_id="same")
    wait_until(lambda: redis.applied() == 2)
    assert daemon.rows("show C-1")[0]["status"] == "open"


def test_a_future_time_is_clamped(world, redis):
    """Fault 45: an entry id from next year does not start next year's clock."""
    sink = world.sink()
    daemon = world.daemon(redis)
    year = 366 * 86400 * 1000
    redis.client.xadd("complaints", opened("C-1"),
                      id=f"{int(time.time() * 1000) + year}-0")
    wait_until(lambda: len(sink.of("C-1")) >= 2, 20)
    assert daemon.shard()["state"] == "running"


def test_replay_applies_it_with_its_own_id(daemon, redis, producer):
    """IN4: what came before its complaint is applied after it, once."""
    producer.emit("stage.completed", "C-1", stage="listen", event_id="early")
    wait_until(lambda: daemon.rows("rejects list"))
    producer.open("C-1")
    entry = daemon.rows("rejects list")[0]["entry"]
    status, out, err = daemon.ctl("rejects", "replay", entry)
    assert status == 0, err
    wait_until(lambda: daemon.rows("show C-1")[0]["stage"] == "apologize")
    assert daemon.rows("rejects list") == []
    assert b'"event_id":"early"' in redis.journal("C-1")[1]


def test_drop_forgets_it(daemon, redis):
    redis.client.xadd("complaints", {"hello": "world"})
    entry = wait_until(lambda: daemon.rows("rejects list"))[0]["entry"]
    assert daemon.ctl("rejects", "drop", "1-1")[0] == 4
    assert daemon.ctl("rejects", "drop", entry)[0] == 0
    assert daemon.rows("rejects list") == []


def test_replay_of_all_that_fails_again_ends(daemon, redis, producer):
    """IN4: what comes back as a reject is not of the same replay; each is
    re-injected once."""
    n = 150
    for i in range(n):
        producer.emit("stage.completed", f"C-{i}", stage="listen")
    wait_until(lambda: redis.client.xlen("{complaints}:rejects") == n)
    rows, end = daemon.ask("rejects replay --all")
    assert end["ok"] and rows[0]["changed"] == n, end
    wait_until(lambda: redis.applied() == redis.client.xinfo_stream(
        "complaints")["entries-added"])
    seen = collections.Counter(
        e[b"event_id"].decode() for _, e in redis.client.xrange("complaints"))
    assert seen == {e["event_id"]: 2 for e in producer.sent}
    assert redis.client.xlen("{complaints}:rejects") == n
    assert daemon.shard()["state"] == "running"
