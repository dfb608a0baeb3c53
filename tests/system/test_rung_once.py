"""ES3: whatever commit a crash falls on, a rung is raised once."""

import json
from collections import Counter

from harness import LOOP, wait_until
from proxy import Proxy
from test_kill import judge, settle

CRASHES = 10


def raised(redis, complaint):
    """How often each rung of each clock in each cycle was raised."""
    return Counter((note["clock"], note["rung"])
                   for line in redis.journal(complaint)
                   for note in json.loads(line).get("do", ())
                   if note["n"] == "escalation.raised")


def test_es3_a_crash_at_every_commit_point_raises_a_rung_once(
        world, redis, producer):
    """ES3: the daemon dies right before or right behind the k-th commit from
    now, again and again while ladders are climbed; each complaint has one
    escalation.raised, one follow-up for it, and one delivery id."""
    proxy = Proxy(world.dir / "proxy", redis.sock)
    world.closers.append(proxy.stop)
    sink = world.sink()
    daemon = world.daemon(proxy.path, redis_more='command_timeout = "1s"',
                          loop=LOOP.replace('budget = "2s"', 'budget = "1s"'))
    ids = []
    for i in range(CRASHES):
        before = proxy.cuts
        mode = "cut_after" if i % 2 else "cut_before"
        ids.append(f"C-{i}")
        producer.open(ids[-1])
        setattr(proxy, mode, 1 + i // 2)
        wait_until(lambda before=before: proxy.cuts > before, 20,
                   f"{mode} of commit {1 + i // 2}", 0.002)
        daemon.kill9()
        daemon.start()
    wait_until(lambda: all(raised(redis, c) for c in ids), 40)
    settle(daemon, redis)
    for c in ids:
        assert raised(redis, c) == {("listen", "escalate"): 1}, c
        told = {r.id for r in sink.of(c)
                if r.json["data"]["followup"]["rung"] == "escalate"}
        assert len(told) == 1, c
    judge(daemon, redis, producer, sink)
