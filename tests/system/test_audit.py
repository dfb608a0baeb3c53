"""OP3: the daemon looks at itself, and its silence is an alarm."""

import time

import pytest
from harness import LOOP, Producer, free_port, wait_until
from monitors import scrape
from sink import answer
from test_alerts import Ops

QUIET = LOOP.replace('budget = "2s"', 'budget = "8h"')
FAST = 'timeout = "2s"\n    retry = {"0s"}'
SLOW = 'timeout = "2s"\n    retry = {"0s", "1s", "1s", "1h"}'
WAKE = "{complaints}:wake"


class Watched:
    """A daemon that looks at itself each second, its operators and whoever
    hears its heart."""

    def __init__(self, world, redis, audit="", crm=FAST, **kw):
        self.ops, self.heart = Ops(world), Ops(world)
        sink = world.sink()
        self.port = free_port()
        kw.setdefault("loop", QUIET)
        self.d = world.daemon(
            redis, endpoints=world.endpoint("crm", sink.url(), crm) +
            world.endpoint("ops", self.ops.url(), FAST) +
            world.endpoint("pulse", self.heart.url(), FAST),
            more='alert = {"ops"}\n'
            f'http {{ listen = "127.0.0.1:{self.port}" }}\n'
            'audit { every = "1s"  late = "1s"  outbox_age = "1s"  '
            f'lag = "1s"  heartbeat = "pulse" {audit} }}', **kw)

    def beats(self):
        told = self.heart.told()
        assert {t for t, _ in told} <= {"amends.heartbeat"}
        return len(told)

    def audit(self):
        return self.d.status()["audit"]

    def findings(self):
        return [(f["what"], f["of"]) for f in self.audit()["findings"]]

    def await_finding(self, what, of, limit=15):
        wait_until(lambda: (what, of) in self.findings(), limit,
                   f"{what} of {of}")

    def await_clean(self, limit=15):
        """A whole audit from now on finds nothing, and the heart beats."""
        before, at = self.beats(), self.audit()["at"] or ""
        wait_until(lambda: self.audit()["clean"] and
                   (self.audit()["at"] or "") > at, limit, "clean")
        wait_until(lambda: self.beats() > before, limit, "the heart beats")

    def assert_silent(self, audits=1):
        """So many audits end, and none of them sends a heartbeat."""
        before, seen = self.beats(), {self.audit()["at"]}
        wait_until(lambda: seen.add(self.audit()["at"]) or
                   len(seen) > audits, 20)
        assert self.beats() == before

    def alarms(self):
        return [(f["what"], f["of"]) for t, data in self.ops.told()
                if t == "amends.audit.alarm" for f in data["findings"]]


def test_op3_clean_is_a_heartbeat(world, redis, producer):
    """Each clean audit is one signed heartbeat; journals were replayed;
    `audit`, the status and the metrics agree."""
    w = Watched(world, redis)
    for i in range(5):
        producer.open(f"C-{i}")
    wait_until(lambda: redis.applied() == 5)
    w.await_clean()
    wait_until(lambda: w.audit()["replayed"] == 5)
    _, data = w.heart.told()[-1]
    assert data["instance"] == "t1"
    m = scrape(w.port)
    assert m("amends_audit_clean") == 1
    assert m("amends_heartbeat_last_success_timestamp_seconds") > \
        time.time() - 60
    code, out, _ = w.d.ctl("audit", "--now")
    assert code == 0 and "clean" in out and "5 journals" in out
    assert w.d.rows("audit")[0]["findings"] == []
    assert w.ops.told() == []
    # nothing of it is kept: no follow-up, no letter
    assert redis.keys("{complaints}:fu:*") == []


def test_op3_a_stuck_wake_up_is_found(world, redis, producer):
    """A wake-up that is due and does not fire is an alarm, told once; the
    heart stops, and beats again when it has fired."""
    w = Watched(world, redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    w.await_clean()
    # due, and the daemon has no way to know: its timer stands for later
    redis.client.zadd(WAKE, {"C-1": 1000})
    w.await_finding("overdue", "complaints")
    w.assert_silent()
    assert w.d.logged(r"audit_alarm what=overdue of=complaints")
    m = scrape(w.port)
    assert m("amends_audit_clean") == 0
    assert m("amends_audit_findings", "overdue") == 1
    assert m("amends_deadlines_overdue") == 1
    assert m("amends_oldest_due_seconds") > 1e9
    code, out, err = w.d.ctl("audit")
    assert code == 1 and "overdue of complaints" in out
    code, out, _ = w.d.ctl("status")
    assert code == 0 and "overdue of complaints" in out
    producer.open("C-2")  # a turn, and it is seen
    w.await_clean()
    assert w.alarms() == [("overdue", "complaints")]
    wait_until(lambda: w.ops.types()[-1] == "amends.audit.clean")
    assert w.ops.types().count("amends.audit.clean") == 1


@pytest.mark.parametrize("way", ["changed", "cut", "record"])
def test_op3_a_forged_journal_is_found(world, redis, producer, way):
    """A line changed, a line taken away, a record that was put in place of
    another: found by the sample; good again, the heart beats."""
    w = Watched(world, redis)
    for i in range(3):
        producer.open(f"C-{i}")
    producer.emit("complaint.updated", "C-1", category="fees")
    wait_until(lambda: redis.applied() == 4)
    w.await_clean()
    log, c = "{complaints}:log:C-1", "{complaints}:c:C-1"
    line, record = redis.client.lindex(log, 1), redis.client.get(c)
    if way == "changed":
        redis.client.lset(log, 1, line.replace(b"fees", b"free"))
    elif way == "cut":
        redis.client.rpop(log)
    else:
        redis.client.set(c, redis.client.get("{complaints}:c:C-2"))
    w.await_finding("journal", "C-1")
    w.assert_silent()
    assert w.alarms() == [("journal", "C-1")]
    assert w.d.ask("verify C-1")[1]["code"] == 1
    if way == "changed":
        redis.client.lset(log, 1, line)
    elif way == "cut":
        redis.client.rpush(log, line)
    redis.client.set(c, record)
    w.await_clean()
    assert w.findings() == []


def test_op3_a_forgotten_outbox_is_found(world, redis, producer):
    """A follow-up that could go and does not; one of a disabled endpoint is
    no finding."""
    w = Watched(world, redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    w.await_clean()
    for ep in ("crm", "pulse"):
        redis.client.sadd("{complaints}:outs", ep)
    assert w.d.ctl("endpoints", "disable", "pulse")[0] == 0
    for ep in ("crm", "pulse"):
        redis.client.zadd(f"{{complaints}}:out:{ep}", {"a" * 26: 1000})
    w.await_finding("outbox", "crm")
    assert w.findings() == [("outbox", "crm")]
    m = scrape(w.port)
    assert m("amends_outbox_oldest_seconds", "crm") > 1e9
    assert m("amends_outbox_depth", "crm", "due") == 1
    assert m("amends_outbox_depth", "pulse", "parked") == 1


def test_op3_an_endpoint_that_takes_nothing_is_found(world, redis, producer):
    """Outbox age, whatever the breaker says; a heartbeat only when what
    waited has gone."""
    w = Watched(world, redis, loop=LOOP, crm=SLOW)
    w.await_clean()
    crm = world.receiver
    crm.respond = lambda r: answer(500)
    producer.open("C-1")
    w.await_finding("outbox", "crm")
    assert "taken nothing for" in str(w.audit()["findings"])
    w.assert_silent()
    crm.respond = lambda r: answer(200)
    assert w.d.ctl("endpoints", "reset", "crm")[0] == 0
    wait_until(lambda: w.d.ctl("followups", "retry", "--endpoint", "crm")[0]
               == 0 and redis.waiting() == 0, what="what waited has gone")
    w.await_clean()


def test_op3_unread_events_are_found_unless_paused(world, redis, producer):
    """What a person has paused is no finding; what halts is."""
    w = Watched(world, redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    assert w.d.ctl("pause", "intake", "--reason", "a move")[0] == 0
    producer.open("C-2")
    m = wait_until(lambda: [s for s in [scrape(w.port)] if s(
        "amends_stream_lag_seconds", "complaints") > 1.5])[0]
    assert m("amends_stream_lag_entries", "complaints") == 1
    assert m("amends_paused", "intake") == 1
    w.await_clean()
    assert w.d.ctl("resume", "intake")[0] == 0
    wait_until(lambda: redis.applied() == 2)
    redis.client.flushall()
    wait_until(lambda: w.d.state() == "halted:dataset", 30)
    w.await_finding("shard", "complaints")
    w.assert_silent()


def test_op3_without_redis_there_is_no_heartbeat(world, redis, producer):
    """An audit that cannot be done is not clean; it says why, and it ends."""
    w = Watched(world, redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    w.await_clean()
    redis.kill9()
    wait_until(lambda: w.audit()["undone"])
    assert not w.audit()["clean"]
    w.assert_silent()
    code, out, _ = w.d.ctl("audit")
    assert code == 1 and "Redis does not answer" in out
    redis.start()
    w.await_clean(30)
    assert w.d.logged("audit_undone")


def test_op3_a_weak_redis_is_found(world, redis, producer):
    """Redis set to drop keys, or to keep less than what is required."""
    w = Watched(world, redis, redis_more='require_durability = "D2"')
    w.await_clean()
    redis.client.config_set("appendfsync", "everysec")
    w.await_finding("durability", "redis", 30)
    redis.client.config_set("maxmemory-policy", "allkeys-lru")
    w.await_finding("policy", "redis", 30)
    redis.client.config_set("maxmemory-policy", "noeviction")
    redis.client.config_set("appendfsync", "always")
    w.await_clean(30)
    assert sorted(w.alarms()) == [("durability", "redis"),
                                  ("policy", "redis")]


def test_op3_a_standby_looks_too(world, redis):
    """Several shards and a second daemon: both see what is overdue, each
    shard is a finding of its own, and both tell the same numbers."""
    streams = ("a", "b")
    w = Watched(world, redis, streams=streams)
    other = free_port()
    e = world.daemon(
        redis, instance="t2", start=False, streams=streams, loop=QUIET,
        more=f'http {{ listen = "127.0.0.1:{other}" }}\n'
        'audit { every = "1s"  late = "1s" }')
    e.start(wait=False)
    for s in streams:
        p = Producer(redis, stream=s)
        p.open(f"{s}-1")
        p.open(f"{s}-2")
    wait_until(lambda: all(redis.applied(s) == 2 for s in streams))
    wait_until(lambda: e.state() == "standby")
    w.await_clean()
    wait_until(lambda: w.audit()["replayed"] == 4)
    for s in streams:
        redis.client.zadd(f"{{{s}}}:wake", {f"{s}-1": 1000})
    for s in streams:
        w.await_finding("overdue", s)
    wait_until(lambda: len(e.status()["audit"]["findings"]) == 2)
    assert "of b-1," in e.status()["audit"]["findings"][1]["text"]
    mine, theirs = scrape(w.port), scrape(other)
    for name in ("complaints_open", "deadlines_overdue"):
        assert mine.sum(f"amends_{name}") == theirs.sum(f"amends_{name}") > 0
    assert mine.sum("amends_shard_owned") == 2
    assert theirs.sum("amends_shard_owned") == 0
