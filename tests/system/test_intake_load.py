"""IN2 under load: 200 senders at once, and a steady rate. No answer but the
documented ones, every 202 is on the stream, memory is bounded. A few seconds,
and half a minute each with AMENDS_LONG=1."""

import concurrent.futures
import json
import os
import re
import subprocess
from pathlib import Path

from harness import BUILD, LONG, ROOT, wait_until
from senders import TOKEN, Senders

SECONDS = 30 if LONG else 2
RATE = 2000 if LONG else 300
# nothing lapses while it is measured
LOOP = """
loop "complaint" {
    stage "listen"  { budget = "1d" }
    stage "confirm" { kind = "confirm"  budget = "1d"
        rung "ask" { at = "0%"  to = "customer"  via = {"crm"} } }
}
"""
SANITIZED = b"__asan_init" in (BUILD / "amendsd").read_bytes()


def post(s, connections, rate, seconds=SECONDS):
    """What `poster` counted, and the event ids that were taken."""
    taken = s.daemon.dir / "taken"
    out = subprocess.run(
        [BUILD / "tools" / "poster", str(s.port), TOKEN, str(connections),
         str(rate), str(seconds), taken], check=True, capture_output=True,
        text=True, timeout=seconds + 60).stdout
    return json.loads(out), taken.read_text().splitlines()


def rss_kb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def on_stream(redis):
    """Event ids of the stream, all that were ever in it: nothing is trimmed
    within an hour."""
    ids, last = [], "-"
    while True:
        rows = redis.client.xrange("complaints", last, count=5000)
        ids += [e[b"event_id"].decode() for _, e in rows]
        if len(rows) < 5000:
            return ids
        last = b"(" + rows[-1][0]


def test_in2_200_senders_at_once(world):
    """IN2: as fast as 200 connections can."""
    redis = world.redis(aof="everysec")
    # one address has a quarter of all connections
    s = Senders(world, redis, extra="connections = 1024", loop=LOOP)
    post(s, 200, 0, 1)  # what is allocated once is there
    before = rss_kb(s.daemon.pid)
    said, taken = post(s, 200, 0)
    print(said)
    assert set(said["statuses"]) <= {"202", "503"}, said
    assert said["statuses"]["202"] > 100 * SECONDS
    ids = on_stream(redis)
    assert len(ids) == len(set(ids)) and set(taken) <= set(ids)
    if not SANITIZED:  # which keeps what was freed
        assert rss_kb(s.daemon.pid) < before + 48 * 1024


def test_in2_wrk_with_200_connections(world):
    """IN2: the same by a client that we did not write."""
    redis = world.redis(aof="everysec")
    s = Senders(world, redis, extra="connections = 1024", loop=LOOP)
    taken = s.daemon.dir / "taken"
    out = subprocess.run(
        ["wrk", "-t1", "-c200", f"-d{SECONDS}s", "--timeout", "10s", "-s",
         ROOT / "tests/system/events.lua", f"http://127.0.0.1:{s.port}"],
        env={**os.environ, "TAKEN": str(taken), "TOKEN": TOKEN}, check=True,
        capture_output=True, text=True, timeout=SECONDS + 60).stdout
    print(out)
    said = dict(w.split("=") for w in re.search(
        r"^statuses (.*)", out, re.M).group(1).split())
    assert set(said) <= {"202", "503"} and int(said["202"]) > 100, out
    ids, told = set(on_stream(redis)), taken.read_text().splitlines()
    assert "errors 0" in out
    # what stood in its buffer at the end is not in its file
    assert len(told) > 100 and set(told[:-1]) <= ids


def test_in2_a_steady_rate(world):
    """IN2: p99 under 50 ms at 2,000 a second, where nothing else slows it: a
    disk that others keep busy holds Redis up by its fsync, so the best of three
    counts."""
    redis = world.redis(aof="everysec")
    s = Senders(world, redis, extra="connections = 1024", loop=LOOP)
    limit = 50_000 if LONG and not SANITIZED else 1_000_000
    best = limit
    for _ in range(3):
        said, taken = post(s, 200, RATE)
        print(said)
        assert set(said["statuses"]) == {"202"}, said
        assert said["n"] >= RATE * SECONDS * 0.99
        assert set(taken) <= set(on_stream(redis))
        best = min(best, said["p99"])
        if best < limit:
            return
    raise AssertionError(f"p99 is {said['p99']} us in the last of three")



def test_in2_what_was_promised_outlives_redis(world):
    """IN2: Redis is killed under load; with appendfsync always every 202 is
    there when it is back, and meanwhile nothing is answered but 503."""
    redis = world.redis(aof="always")
    s = Senders(world, redis, extra="connections = 1024", loop=LOOP)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        load = pool.submit(post, s, 50, 0, 3)
        wait_until(lambda: redis.client.xlen("complaints") > 200)
        redis.restart()
        said, taken = load.result()
    assert set(said["statuses"]) == {"202", "503"}, said
    ids = on_stream(redis)
    assert len(ids) == len(set(ids)) and set(taken) <= set(ids)
