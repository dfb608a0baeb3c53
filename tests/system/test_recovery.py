"""Fault 56, in virtual time (vclock.py): an endpoint comes back after an hour
with a crowd waiting for it (50,000 with AMENDS_LONG)."""

import threading
import time

from harness import LONG, opened, wait_until
from sink import OK, reset
from vclock import Clock

MINUTE, HOUR = 60, 3600
CROWD = 50000 if LONG else 1500
TRIED = 600   # of them had a try before the breaker opened
FAILURES = 1000  # in a row that open it
IN_FLIGHT = 8

LOOP = """
loop "crowd" {
    tiers = {"high", "mid", "low"}  default_tier = "mid"
    stage "listen" {
        budget = "30d"
        rung "hello" { at = "0%" to = "owner" via = {"crm"} }
    }
    stage "apologize" { budget = "30d" }
    stage "resolve" { budget = "30d" }
    stage "callback-confirm" { kind = "confirm" budget = "30d" }
}
"""


class Door:
    """The endpoint: what came, when, and how many there were at once."""

    def __init__(self, clock):
        self.clock, self.lock = clock, threading.Lock()
        self.up = False
        self.inside = self.answered = 0
        self.seen = set()
        self.came = []   # (virtual time, tried before)
        self.crowds = []  # (how many at once, answered before), since it is up

    def respond(self, r):
        with self.lock:
            self.came.append((self.clock.now(), r.id in self.seen))
            self.seen.add(r.id)
            if not self.up:
                return reset
            self.inside += 1
            self.crowds.append((self.inside, self.answered))
        time.sleep(0.002)  # so that those who come together are seen together
        with self.lock:
            self.inside -= 1
            self.answered += 1
        return OK


def send_all(redis, first, n):
    for start in range(first, first + n, 1000):
        pipe = redis.client.pipeline(transaction=False)
        for i in range(start, min(start + 1000, first + n)):
            pipe.xadd("complaints", {
                **opened(f"C-{i}", tier=("high", "mid", "low")[i % 3]),
                "source": "crowd", "event_id": f"E-{i}",
                "customer.phone": f"+86138{i:08d}"})
        pipe.execute()


def check_probes(came, down_since, up_at):
    """An open breaker lets one knock, after 30 s, then a minute, up to ten."""
    knocks = [at for at, _ in came if down_since < at < up_at]
    waits = [b - a for a, b in zip(knocks, knocks[1:])]
    assert knocks and all(w >= 29 for w in waits), waits
    assert len(knocks) <= 2 + (up_at - down_since) / (10 * MINUTE)


def check_slow_start(crowds):
    """One more at once with each that was answered, up to the limit."""
    for at_once, answered in crowds:
        assert at_once <= min(IN_FLIGHT, 1 + answered)
    assert max(n for n, _ in crowds) == IN_FLIGHT


def check_budget(came, up_at):
    """In a minute no more second tries than a tenth of the first ones, and one
    in each second all the same."""
    firsts = [at for at, again in came if not again and at >= up_at - MINUTE]
    seconds = [at for at, again in came if again and at >= up_at]
    assert len(seconds) > TRIED / 2
    for at in seconds:
        in_minute = sum(at <= s < at + MINUTE for s in seconds)
        near = sum(at - MINUTE <= f < at + MINUTE for f in firsts)
        # seconds are cut at other points here than there
        assert in_minute <= near / 10 + 65, (at - up_at, in_minute, near)


def test_a_crowd_waits_for_an_endpoint_that_comes_back(world):
    """Fault 56: one knocks at a time while it is down; then the crowd comes
    slowly, and those for the second time slower still; nobody is left."""
    clock = Clock(world)
    door = Door(clock)
    sink = world.sink(door.respond)
    patience = 600 if LONG else 60
    redis, d = clock.world(
        world, loop=LOOP,
        endpoints=world.endpoint(
            "crm", sink.url(), f"inflight = {IN_FLIGHT}  "
            f'breaker_failures = {FAILURES}  timeout = "2m"'))
    send_all(redis, 0, TRIED)
    clock.run(d, redis, 12 * MINUTE, step=1)
    assert len(door.seen) == TRIED
    down_since = clock.now()
    send_all(redis, TRIED, CROWD - TRIED)
    wait_until(lambda: redis.applied() == CROWD, patience)
    clock.run(d, redis, HOUR, step=15, patience=patience)
    assert redis.waiting() == CROWD
    up_at = clock.now()
    check_probes(door.came, down_since, up_at)
    door.up = True
    assert clock.run(d, redis, 24 * HOUR, lambda: redis.waiting() == 0,
                     step=1, patience=patience)
    print(f"{CROWD} drained {(clock.now() - up_at) / MINUTE:.0f} min after it "
          f"was up")
    assert door.answered == CROWD == d.status()["followups"]["delivered"]
    check_slow_start(door.crowds)
    check_budget(door.came, up_at)
