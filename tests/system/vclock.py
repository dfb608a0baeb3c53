"""Virtual time for real programs: tools/clock.so, preloaded into the daemon and
into Redis, so that hours pass in seconds.

Time goes on as always and jumps when a test says so: in steps, small against
every wait of the configuration, and only while nothing is on its way. What the
programs see is a machine that stops for as long as a step, now and then. A loop
that sleeps does not notice a jump, so each step pokes it by a question. Timeouts
of transfers are to be longer than a step.
"""

import datetime
import mmap
import re
import struct
import subprocess
import time

from harness import BUILD, wait_until

STEP = 20.0
# Waits that a step must be small against.
REDIS_MORE = 'command_timeout = "2m"'
MORE = 'max_skew = "2m"'
OWNER_TTL = "20m"


def preload(program):
    """The sanitizer's library wants to be the first."""
    libs = subprocess.run(["ldd", str(program)], capture_output=True,
                          text=True).stdout
    asan = re.findall(r"(/\S*libasan\S*)", libs)
    return ":".join([*asan[:1], str(BUILD / "tools" / "clock.so")])


class Clock:
    def __init__(self, world):
        self.path = world.dir / "clock"
        self.path.write_bytes(bytes(8))
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 8)
        self.ahead = 0.0

    def env(self, program="redis-server"):
        return {"AMENDS_CLOCK": str(self.path), "LD_PRELOAD": preload(program)}

    def now(self):
        return time.time() + self.ahead

    def jump(self, seconds):
        self.ahead += seconds
        self.map[:] = struct.pack("=q", int(self.ahead * 1e9))

    def world(self, world, **kw):
        """A Redis and a daemon that live by this clock."""
        redis = world.redis(env=self.env())
        daemon = world.daemon(
            redis, env=self.env(BUILD / "amendsd"), owner_ttl=OWNER_TTL,
            redis_more=REDIS_MORE, **{"more": MORE, **kw})
        return redis, daemon

    def run(self, daemon, redis, seconds, until=lambda: False, step=STEP,
            patience=60):
        """Let that much time pass, or until `until` is true; true then."""
        end = self.now() + seconds
        while self.now() < end:
            self.jump(min(step, end - self.now()))
            settle(daemon, redis, self.now(), patience)
            if until():
                return True
        return False


def settle(daemon, redis, now, patience=60):
    """What was due by `now` is done, and nothing is on its way: seen twice,
    with nothing written in between."""
    seen = []

    def still():
        seen.append(is_done(daemon, redis, int(now * 1000)) and
                    redis.cursor().get("commit"))
        return seen[-1] and seen[-2:-1] == seen[-1:]
    wait_until(still, patience, "what is due is done", step=0.001)


def is_done(daemon, redis, now):
    """now in ms. Redis first: what it says was claimed is then in flight."""
    names = [e["name"] for e in daemon.rows("endpoints")]
    pipe = redis.client.pipeline(transaction=False)
    pipe.zcount("{complaints}:wake", 0, now)
    pipe.hget("{complaints}:cursor", "id")
    pipe.xrevrange("complaints", count=1)
    for name in names:
        for c in ("", ":1", ":2", ":3"):
            pipe.zcount(f"{{complaints}}:out:{name}{c}", 0, now)
    wakes, cursor, newest, *due = pipe.execute()
    if wakes != 0 or (newest and newest[0][0] != cursor):
        return False
    for i, e in enumerate(daemon.rows("endpoints")):
        if e["in_flight"] != 0:
            return False
        if sum(due[4 * i:4 * i + 4]) != 0 and not is_held(e, now):
            return False
    return True


def is_held(endpoint, now):
    """Its breaker is open, or it has asked for a pause."""
    until = max((ms(endpoint[k]) for k in ("open_until", "paused_until")
                 if endpoint[k]), default=0)
    return until > now


def ms(text):
    return int(datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp() * 1000)
