"""FU1, in virtual time (vclock.py): an endpoint is down for six hours, and the
daemon is stopped once and killed once meanwhile."""

import json
from collections import defaultdict

from harness import Producer
from sink import OK, reset
from vclock import STEP, Clock

MINUTE, HOUR = 60, 3600

LOOPS = """
loop "complaint" {
    tiers = {"high", "mid", "low"}  default_tier = "mid"
    stage "listen" {
        budget = "2h"
        rung "hello"    { at = "0%"   to = "owner"      via = {"crm"} }
        rung "warn"     { at = "50%"  to = "owner"      via = {"crm"} }
        rung "lapse"    { at = "100%" to = "owner"      via = {"crm"} }
        rung "escalate" { at = "+1h"  to = "supervisor" via = {"crm"} }
    }
    stage "apologize" {
        budget = "2h"
        rung "lapse"    { at = "100%" to = "owner"      via = {"crm"} }
    }
    stage "resolve" { budget = "30d" }
    stage "callback-confirm" { kind = "confirm" budget = "30d" }
}
loop "plain" {
    tiers = {"high", "mid", "low"}  default_tier = "mid"
    stage "listen" {
        budget = "30d"
        rung "hello"    { at = "0%"   to = "owner"      via = {"plain"} }
    }
    stage "apologize" { budget = "30d" }
    stage "resolve" { budget = "30d" }
    stage "callback-confirm" { kind = "confirm" budget = "30d" }
}
"""
# The retry list of the manual, jitter 20 % each way.
RETRY = [0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR]
JITTER = 0.2


class Notes:
    """What the journals say of every follow-up."""

    def __init__(self, redis):
        self.queued = defaultdict(list)  # complaint -> ids, oldest first
        self.ended = {}                  # id -> (how, when)
        for key in redis.keys("{complaints}:log:*"):
            complaint = key.rsplit(":", 1)[1]
            for line in redis.journal(complaint):
                self.read(complaint, json.loads(line))

    def read(self, complaint, line):
        for note in line["do"]:
            if note["n"] == "followup.queued":
                self.queued[complaint].append(note["followup"])
            elif note["n"] in ("followup.suppressed", "followup.delivered",
                               "followup.dead"):
                self.ended[note["followup"]] = (
                    note["n"][len("followup."):], line["now"] / 1000)


class Times(list):
    """When each request came, in virtual time: the sink knows the real one."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def of(self, sink, path):
        """id -> instants of its attempts"""
        out = defaultdict(list)
        for r, at in zip(list(sink.requests), self):
            if r.line.split()[1] == path:
                out[r.id].append(at)
        return out


def check_order(notes, sink):
    """Of each complaint one id after the other, as they were fired, and none
    again once the next one has come."""
    seen = defaultdict(list)
    for r in sink.requests:
        ids = seen[r.json["data"]["complaint"]["id"]]
        if not ids or ids[-1] != r.id:
            ids.append(r.id)
    for complaint, ids in seen.items():
        fired = [i for i in notes.queued[complaint] if i in ids]
        assert ids == fired, complaint


def check_ids(notes, sink, good):
    """What was not superseded came once and for all, under one id, the same
    bytes each time; nothing else came."""
    fired = {i for ids in notes.queued.values() for i in ids}
    assert {how for how, _ in notes.ended.values()} == {
        "suppressed", "delivered"}
    assert set(notes.ended) == fired, "something has not ended"
    delivered = {i for i, (how, _) in notes.ended.items() if how == "delivered"}
    assert sorted(good) == sorted(delivered)
    bodies = defaultdict(set)
    for r in sink.requests:
        bodies[r.id].add(r.body)
    assert set(bodies) <= fired
    assert all(len(b) == 1 for b in bodies.values())


def check_superseded(notes, sink, times):
    """Not a byte of what was let go, from then on."""
    let_go = {i: at for i, (how, at) in notes.ended.items()
              if how == "suppressed"}
    assert let_go, "nothing was superseded: the test says nothing"
    for r, at in zip(sink.requests, times):
        assert r.id not in let_go or at <= let_go[r.id] + 1


def check_schedule(attempts, absences):
    """Each wait is that of the list, give or take the jitter; a daemon that is
    not there sends when it is back."""
    assert len(attempts) == 3
    for instants in attempts.values():
        assert len(instants) == len(RETRY), instants
        for k in range(1, len(RETRY)):
            due = instants[k - 1] + RETRY[k] * (1 - JITTER)
            late = instants[k - 1] + RETRY[k] * (1 + JITTER)
            late = max([late, *(end for begin, end in absences
                                if begin <= late and end > due)])
            step = 1 if k < 2 else STEP
            assert due - 1 <= instants[k] <= late + 3 * step, (k, instants)


def test_down_for_six_hours_and_two_restarts(world):
    """FU1: everything arrives, in order for each complaint, under one id each;
    nothing is sent that was superseded meanwhile; the retries keep to the
    list."""
    clock = Clock(world)
    times, good, up = Times(clock), [], []

    def respond(r):
        times.append(clock.now())
        if not up:
            return reset
        good.append(r.id)
        return OK

    sink = world.sink(respond)
    # "plain" shows the list alone: no breaker, no budget of retries
    redis, d = clock.world(
        world, loop=LOOPS,
        endpoints=world.endpoint("crm", sink.url("/crm"), 'timeout = "2m"') +
        world.endpoint("plain", sink.url("/plain"), 'timeout = "2m"  '
                       'breaker_failures = 1000  retry_budget = "0%"'))
    producer = Producer(redis)
    absences = []
    began = clock.now()

    def until(hours):
        clock.run(d, redis, began + hours * HOUR - clock.now())

    def away(end):
        left = clock.now()
        end()
        clock.jump(10 * MINUTE)
        d.start()
        absences.append((left, clock.now()))

    def phone():
        return f"+86138{producer.n:08d}"  # else they are repeats

    for i in range(6):
        for name in ("left", "done", "gone", "risen"):
            producer.open(f"{name}-{i}", **{"customer.phone": phone()},
                          tier=("high", "mid", "low")[i % 3])
    for i in range(3):
        producer.open(f"plain-{i}", loop="plain",
                      **{"customer.phone": phone()})
    clock.run(d, redis, 20, step=1)
    until(0.5)
    for i in range(6):
        producer.emit("stage.completed", f"done-{i}", stage="listen")
        producer.emit("complaint.updated", f"risen-{i}", tier="high")
    until(1.5)
    for i in range(6):
        producer.emit("complaint.withdrawn", f"gone-{i}")
    until(2.2)
    away(d.stop)
    until(4)
    away(d.kill9)
    until(5)
    for i in range(6):
        producer.open(f"late-{i}", **{"customer.phone": phone()})
    until(6)
    assert redis.waiting() > 0 and redis.waiting("plain") == 3
    up.append(True)
    assert clock.run(
        d, redis, 30 * HOUR,
        lambda: redis.waiting() + redis.waiting("plain") == 0)
    print(f"drained {(clock.now() - began) / HOUR - 6:.1f} h after it was up, "
          f"{len(sink.requests)} requests, {len(good)} delivered")

    notes = Notes(redis)
    check_order(notes, sink)
    check_ids(notes, sink, good)
    check_superseded(notes, sink, times)
    check_schedule(times.of(sink, "/plain"), absences)
