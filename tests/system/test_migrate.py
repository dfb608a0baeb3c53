"""LC6: a complaint keeps its loop, unless a person migrates it; and closing by
a person's decision."""

import fcntl
import json
import re
import socket
import sys
import termios
import time

import pytest
from harness import LOOP, STREAM, Refused, wait_until

HOUR = 3600 * 1000
NEW = LOOP.replace('budget = "2s"  implied', 'budget = "3h"  implied')
LONG = LOOP.replace('budget = "2s"  implied', 'budget = "1h"  implied')


def lines(redis, complaint):
    return [json.loads(x) for x in redis.journal(complaint)]


def notes(redis, complaint, name):
    return [n for line in lines(redis, complaint) for n in line["do"]
            if n["n"] == name]


def score(redis, complaint):
    return redis.client.zscore(f"{{{STREAM}}}:wake", complaint)


def loop_of(daemon, complaint):
    return daemon.find(complaint)["loop"]


@pytest.fixture
def two(world, redis, producer, receiver):
    """C-1 to C-3 on the old definition, C-9 on the new one."""
    d = world.daemon(redis, loop=LONG)
    for c in ("C-1", "C-2", "C-3"):
        producer.open(c)
    wait_until(lambda: redis.applied() >= 3)
    d.write_conf(world.conf(redis, loop=NEW))
    d.rows("reload")
    producer.open("C-9")
    wait_until(lambda: redis.applied() >= 4)
    assert loop_of(d, "C-1") != loop_of(d, "C-9")
    return d


def verified(daemon, complaint):
    return daemon.rows(f"verify {complaint}")[0]["ok"]


def test_lc6_migrate_by_name_journals_old_and_new_dues(
        two, redis, producer):
    """LC6: reload touches new ones only; migrate journals old and new due."""
    before = {c: score(redis, c) for c in ("C-1", "C-2")}
    new = loop_of(two, "C-9")
    (row,) = two.rows('migrate C-1 --to complaint --by li --reason "by law"')
    assert row["to"] == new and row["from"] != new
    by_clock = {m["clock"]: m for m in row["moved"]}
    assert by_clock["listen"]["old"] != by_clock["listen"]["new"]
    (note,) = notes(redis, "C-1", "deadline.moved")
    assert int(note["new"]) - int(note["old"]) == 2 * HOUR
    assert loop_of(two, "C-1") == new
    # half of one hour became half of three
    assert score(redis, "C-1") - before["C-1"] == HOUR
    assert loop_of(two, "C-2") != new
    assert score(redis, "C-2") == before["C-2"]
    line = lines(redis, "C-1")[-1]
    assert line["in"]["by"] == "li" and "by law" not in json.dumps(line)
    assert b"by law" in redis.client.hvals(f"{{{STREAM}}}:pii:C-1")
    # it goes on under the new one
    producer.emit("stage.completed", "C-1", stage="listen")
    wait_until(lambda: redis.applied() >= 5)
    assert two.find("C-1")["stage"] == "apologize"


def test_lc6_migrate_all_of_a_loop(two, redis):
    """LC6: every complaint of a loop, or of one definition of it."""
    old, new = loop_of(two, "C-1"), loop_of(two, "C-9")
    rows = two.rows("migrate --loop complaint --to complaint")
    assert sorted(r["id"] for r in rows) == ["C-1", "C-2", "C-3"]
    assert {loop_of(two, r["id"]) for r in rows} == {new}
    assert two.rows(f"migrate --loop {old} --to complaint") == []
    tally = redis.client.hgetall(f"{{{STREAM}}}:tally")
    assert int(tally[f"open:{new}".encode()]) == 4
    assert int(tally[f"open:{old}".encode()]) == 0


def test_lc6_migrate_refuses_one_by_one_with_a_reason(
        two, world, redis, producer):
    """LC6: another stage or tier name, a complaint that is not there."""
    other = NEW[NEW.index("loop "):].replace(
        '"complaint"', '"other"').replace('"apologize"', '"sorry"')
    two.write_conf(world.conf(redis, loop=NEW + other))
    two.rows("reload")
    rows, end = two.ask("migrate C-1 C-404 --to other")
    assert "stage apologize" in rows[0]["refused"]
    assert end["code"] == 4
    rows, end = two.ask("migrate C-1 C-9 --to complaint")
    assert end["code"] == 5
    assert [r["id"] for r in rows if "refused" in r] == ["C-9"]
    assert loop_of(two, "C-1") == loop_of(two, "C-9")
    assert loop_of(two, "C-2") != loop_of(two, "C-9")
    for bad, code in (("migrate --to complaint", 2), ("migrate C-1", 2),
                      ("migrate C-1 --loop complaint --to complaint", 2),
                      ("migrate C-1 --to none", 4),
                      ("migrate --loop none --to complaint", 4)):
        assert two.ask(bad)[1]["code"] == code, bad


def test_lc6_migrate_for_people(two):
    """LC6: what amendsctl prints."""
    status, out, err = two.ctl("migrate", "C-1", "--to", "complaint")
    assert status == 0, err
    assert re.search(r"C-1 .*listen.*->", out.replace("→", "->")), out
    assert "done: 1" in out


def test_lc6_a_migrated_journal_replays(two):
    """LC6, AU4: the journal holds what the migration was told."""
    two.rows("migrate C-1 --to complaint")
    assert verified(two, "C-1")
    assert two.stop() == 0
    two.start()  # the definition that it left is in Redis alone
    assert verified(two, "C-1")


def test_close_by_a_person(world, redis, producer, receiver):
    """A person may end what cannot end otherwise, by name and with a
    reason."""
    d = world.daemon(redis, loop=LONG)
    producer.open("C-1")
    wait_until(lambda: redis.applied() >= 1)
    for bad in ("close C-1", "close C-1 --by li", "close C-1 --reason x"):
        with pytest.raises(Refused) as e:
            d.rows(bad)
        assert e.value.code == 2
    (row,) = d.rows('close C-1 --by li --reason "the shop is gone"')
    assert row["outcome"] == "forced"
    assert d.find("C-1")["status"] == "closed"
    line = lines(redis, "C-1")[-1]
    assert line["event"] == "complaint.closed"
    assert line["in"]["by"] == "li"
    assert b"the shop is gone" in redis.client.hvals(
        f"{{{STREAM}}}:pii:C-1")
    assert verified(d, "C-1")
    rows, end = d.ask("close C-1 --by li --reason again")
    assert end["code"] == 5 and "closed already" in rows[0]["refused"]
    assert len(lines(redis, "C-1")) == 2
    assert d.ask("close C-2 --by li --reason none")[1]["code"] == 4


def unread_answer(daemon, line):
    """The whole answer, taken when the daemon has nothing more to do for one
    who does not read."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(str(daemon.socket))
        s.sendall(line.encode() + b"\n")
        time.sleep(0.5)  # the client is slow: that is what is tried
        queue = fcntl.ioctl(s, termios.FIONREAD, b"\0" * 4)
        data = b""
        while b'{"ok":' not in data[-200:]:
            data += s.recv(1 << 20)
    return data, int.from_bytes(queue, sys.byteorder)


def test_a_client_that_reads_late_may_do_so_at_the_last_page(
        world, redis, producer, receiver):
    """The walk waits for it, and goes on once, wherever it stood."""
    other = LONG[LONG.index("loop "):].replace(
        '"complaint"', '"other"').replace('"apologize"', '"sorry"')
    d = world.daemon(redis, loop=LONG + other)

    def more(n):
        for _ in range(n):
            producer.open(f"C-{producer.n}", tier="low")
        wait_until(lambda: redis.applied() == producer.n, 60)
    more(200)
    ask = "migrate --loop complaint --to other"
    row = len(unread_answer(d, ask)[0]) / 200
    more(3000)
    # where the daemon stops for a client that does not read
    stop = (unread_answer(d, ask)[1] + 256 * 1024) / row
    assert 1000 < stop < 3000
    redis.client.zremrangebyrank(f"{{{STREAM}}}:wake", int(stop) - 60, -1)
    for _ in range(6):
        n = redis.client.zcard(f"{{{STREAM}}}:wake")
        assert unread_answer(d, ask)[0].count(b'"refused":') == n
        more(30)
    assert d.rows("status")
