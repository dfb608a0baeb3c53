"""DL8: no polling. What waits costs nothing."""

import time

from harness import LOOP, wait_until

QUIET = LOOP.replace('budget = "2s"', 'budget = "8h"')


def commands(redis):
    info = redis.client.info("commandstats")
    return sum(c["calls"] for name, c in info.items()
               if name not in ("cmdstat_info", "cmdstat_ping"))


def test_idle_with_open_complaints(world, redis, producer):
    """At most two Redis commands a second, and next to no CPU."""
    world.sink()
    # a beat every ttl/4 is the pulse; the default ttl is 10 s
    d = world.daemon(redis, loop=QUIET, owner_ttl="10s")
    for i in range(1000):
        producer.open(f"C-{i}")
    wait_until(lambda: redis.applied() == 1000, 30)
    time.sleep(1)  # what the load left behind is done
    n, cpu, began = commands(redis), d.cpu_seconds(), time.monotonic()
    time.sleep(6)  # the idle time that is measured
    seconds = time.monotonic() - began
    rate = (commands(redis) - n) / seconds
    assert rate <= 2.0, f"{rate:.2f} commands a second"
    assert (d.cpu_seconds() - cpu) / seconds < 0.02  # sanitizers included


def test_memory_does_not_follow_the_complaints(world, redis, producer):
    """The daemon holds no complaint between turns."""
    world.sink()
    d = world.daemon(redis, loop=QUIET)

    def rss():
        with open(f"/proc/{d.pid}/statm") as f:
            return int(f.read().split()[1]) * 4096
    for i in range(2000):
        producer.open(f"A-{i}")
    wait_until(lambda: redis.applied() == 2000, 30)
    before = rss()
    for i in range(6000):
        producer.open(f"B-{i}")
    wait_until(lambda: redis.applied() == 8000, 60)
    assert rss() - before < 40 << 20  # the sanitizer keeps what is freed


def test_many_dues_at_once(world, redis, producer):
    """DL8: a thousand complaints lapse together; all fire, each once."""
    sink = world.sink()
    world.daemon(redis, endpoint_more='inflight = 64')
    for i in range(500):
        producer.open(f"C-{i}")
    wait_until(lambda: len({r.id for r in sink.requests}) == 1500, 60)
    fired = [r.json["data"]["followup"] for r in sink.requests]
    assert len({f["id"] for f in fired}) == 1500
