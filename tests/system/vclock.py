"""Virtual time for real programs: tools/clock.so, preloaded into the daemon and
into Redis, so that hours pass in seconds.

Time goes on as always and jumps when a test says so: in steps, small against
every wait of the configuration, and only while nothing is on its way. What the
programs see is a machine that stops for as long as a step, now and then. A loop
that sleeps does not notice a jump, so each step pokes it by a question.
"""

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
            settle(daemon, redis, patience)
            if until():
                return True
        return False


def settle(daemon, redis, patience=60):
    """What the last step has made due is done: nothing is on its way, and
    nothing was written between two looks. A look is a barrier, too: its answer
    comes behind what the daemon has asked of Redis before."""
    seen = []

    def still():
        status = daemon.status()
        seen.append((status["in_flight"], redis.cursor().get("commit")))
        return seen[-1][0] == 0 and seen[-2:-1] == seen[-1:]
    wait_until(still, patience, "nothing is on its way", step=0.001)
