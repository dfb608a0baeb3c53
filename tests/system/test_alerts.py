"""What operators are told of amends itself: signed webhooks to the endpoints
that `alert` names, one for each thing that happened."""

import time

import pytest
from harness import SECRET, wait_until
from sink import OK, Sink, answer
from test_delivery import ASK, FAST, delivered, row


class Ops(Sink):
    """The operators' receiver."""

    def __init__(self, world, respond=lambda r: OK):
        super().__init__(respond)
        world.closers.append(self.stop)

    def told(self, prefix="amends."):
        """Type and data of each, each id once."""
        seen, out = set(), []
        for r in list(self.requests):
            assert r.verified(SECRET)
            if r.id not in seen and r.json["type"].startswith(prefix):
                seen.add(r.id)
                out.append((r.json["type"], r.json["data"]))
        return out

    def types(self, prefix="amends."):
        return [t for t, _ in self.told(prefix)]


def start(world, redis, sink, ops, more=FAST, ops_more=FAST, **kw):
    return world.daemon(
        redis, loop=ASK, more='alert = {"ops"}',
        endpoints=world.endpoint("crm", sink.url(), more) +
        world.endpoint("ops", ops.url(), ops_more), **kw)


def test_disabled_and_enabled_are_told_once(world, redis, producer):
    """amends.endpoint.disabled and .enabled, by amends and by a person."""
    gone = [True]
    ops = Ops(world)
    sink = world.sink(lambda r: answer(410) if gone[0] else OK)
    d = start(world, redis, sink, ops)
    for i in range(5):
        producer.open(f"C-{i}")
    wait_until(lambda: ops.told())
    d.kill9()
    d.start()
    gone[0] = False
    assert d.ctl("endpoints", "enable", "crm")[0] == 0
    wait_until(lambda: delivered(redis, "C-4"))
    assert d.ctl("endpoints", "disable", "crm", "--reason", "moves")[0] == 0
    wait_until(lambda: len(ops.told("amends.endpoint")) == 3)
    (t1, d1), (t2, d2), (t3, d3) = ops.told("amends.endpoint")
    assert [t1, t2, t3] == ["amends.endpoint.disabled",
                            "amends.endpoint.enabled",
                            "amends.endpoint.disabled"]
    assert d1 == {"instance": "t1", "shard": "complaints", "endpoint": {
        "name": "crm", "type": "webhook", "state": "disabled",
        "reason": "gone", "by": "amends"}}
    assert d2["endpoint"]["by"].startswith("uid ")
    assert d3["endpoint"]["reason"] == "operator"
    assert d3["endpoint"]["text"] == "moves"
    assert len({r.id for r in ops.requests}) == len(ops.told())


def test_dead_and_recovered_are_told_once(world, redis, producer):
    """amends.followup.dead for each that dies; .recovered when a person has
    sent it again and it arrived; nothing personal in either."""
    broken = [True]
    ops = Ops(world)
    sink = world.sink(lambda r: answer(500, body=b"+8613800138000")
                      if broken[0] else OK)
    more = FAST + '\n    breaker_failures = 1000'
    d = start(world, redis, sink, ops, more)
    producer.open("C-0")
    producer.open("C-1")
    wait_until(lambda: len(ops.told()) == 2)
    dead = {x["complaint"]["id"]: x for _, x in ops.told()}
    assert ops.types() == ["amends.followup.dead"] * 2
    assert set(dead) == {"C-0", "C-1"}
    letters = {r["complaint"]: r for r in d.rows("dead list")}
    f = dead["C-0"]["followup"]
    assert f["id"] == letters["C-0"]["id"] and f["endpoint"] == "crm"
    assert f["reason"] == "exhausted" and f["status"] == 500
    assert f["attempts"] == 3 and f["rung"] == "hello"
    assert b"13800138000" not in b"".join(r.body for r in ops.requests)
    # it dies again: another event
    assert d.ctl("dead", "replay", letters["C-0"]["id"])[0] == 0
    wait_until(lambda: ops.types() == ["amends.followup.dead"] * 3)
    broken[0] = False
    assert d.ctl("dead", "replay", "--all")[0] == 0
    wait_until(lambda: len(ops.told()) == 5)
    back = ops.told("amends.followup.recovered")
    assert {x["complaint"]["id"] for _, x in back} == {"C-0", "C-1"}
    assert {x["followup"]["reason"] for _, x in back} == {"replayed"}
    assert d.rows("dead list") == []


def test_the_first_delivery_behind_the_breaker_is_told(
        world, redis, producer):
    """amends.followup.recovered: once, when an endpoint is back."""
    broken = [True]
    ops = Ops(world)
    sink = world.sink(lambda r: answer(500) if broken[0] else OK)
    more = ('timeout = "1s"\n    retry = {"0s", "1s", "1s", "1s", "1s", "1s"}'
            '\n    breaker_failures = 2\n    breaker_cooldown = "500ms"')
    d = start(world, redis, sink, ops, more)
    for i in range(4):
        producer.open(f"C-{i}")
    wait_until(lambda: next(e for e in d.rows("endpoints")
                            if e["name"] == "crm")["breaker"] == "open")
    broken[0] = False
    wait_until(lambda: all(delivered(redis, f"C-{i}") for i in range(4)), 20)
    wait_until(lambda: ops.told())
    wait_until(lambda: d.rows("followups") == [])
    (kind, data), = ops.told()
    assert kind == "amends.followup.recovered"
    assert data["followup"]["reason"] == "endpoint-back"


def test_no_event_of_an_event(world, redis, producer):
    """No loops: an alert that dies makes none, nor is an endpoint told of
    itself; it is retried, listed and replayed like every follow-up."""
    broken = [True]
    ops = Ops(world, lambda r: answer(500) if broken[0] else OK)
    also = Ops(world)
    sink = world.sink(lambda r: answer(500))
    ops_more = ('retry = {"0s", "200ms"}\n    jitter = "0%"\n'
                '    breaker_failures = 1000')
    d = world.daemon(
        redis, loop=ASK, more='alert = {"ops", "also"}',
        endpoints=world.endpoint("crm", sink.url(), 'retry = {"0s"}') +
        world.endpoint("ops", ops.url(), ops_more) +
        world.endpoint("also", also.url()))
    producer.open("C-0")
    wait_until(lambda: len(d.rows("dead list")) == 2, 20)
    letters = {r["complaint"]: r for r in d.rows("dead list")}
    assert letters[""]["endpoint"] == "ops"
    assert ops.types() == ["amends.followup.dead"]
    assert [r.id for r in ops.requests] == [letters[""]["id"]] * 2
    assert d.ctl("endpoints", "disable", "ops")[0] == 0
    broken[0] = False
    assert d.ctl("dead", "replay", letters[""]["id"])[0] == 0
    wait_until(lambda: [r["state"] for r in d.rows("followups")] == ["parked"])
    n = len(ops.requests)
    assert d.ctl("endpoints", "enable", "ops")[0] == 0
    wait_until(lambda: len(ops.requests) == n + 1)
    wait_until(lambda: d.rows("followups") == [])
    assert ops.types() == ["amends.followup.dead"]
    # the other one hears of the endpoint, and of the first death only
    assert also.types() == ["amends.followup.dead",
                            "amends.endpoint.disabled",
                            "amends.endpoint.enabled"]


def test_events_outlive_the_daemon(world, redis, producer):
    """Durable: what the operators' receiver missed comes later, through a
    kill and a restart, under the same id."""
    broken = [True]
    ops = Ops(world, lambda r: answer(500) if broken[0] else OK)
    sink = world.sink(lambda r: answer(410))
    d = start(world, redis, sink, ops,
              ops_more='retry = {"0s", "1s", "1s", "1s", "1s"}')
    producer.open("C-0")
    wait_until(lambda: ops.requests)
    d.kill9()
    broken[0] = False
    d.start()
    wait_until(lambda: len(ops.requests) >= 2)
    assert len({(r.id, r.body) for r in ops.requests}) == 1
    assert ops.types() == ["amends.endpoint.disabled"]
    wait_until(lambda: row(d, "C-0")["state"] == "parked")


@pytest.mark.parametrize("how", ["redis", "dataset"])
def test_what_halts_amends_is_told_at_once(world, redis, producer, how):
    """amends.shard.<state>: past Redis, which is what is broken; and when it
    is over."""
    ops = Ops(world)
    sink = world.sink()
    d = start(world, redis, sink, ops)
    producer.open("C-0")
    wait_until(lambda: delivered(redis, "C-0"))
    if how == "redis":
        redis.kill9()
    else:
        redis.client.flushall()
    began = time.monotonic()
    told = wait_until(lambda: ops.told("amends.shard."), 15)
    assert time.monotonic() - began < 10
    kind, data = told[0]
    if how == "redis":
        assert kind == "amends.shard.degraded.redis"
        assert data["state"] == "degraded:redis"
        redis.start()
    else:
        assert kind == "amends.shard.halted.dataset"
        assert data["state"] == "halted:dataset"
        assert d.ctl("shard", "adopt", "complaints")[0] == 0
    assert data["shard"] == "complaints" and data["instance"] == "t1"
    assert data["why"]
    wait_until(lambda: ops.types("amends.shard.")[-1] ==
               "amends.shard.running", 20)
    assert ops.types("amends.shard.").count("amends.shard.running") == 1


def test_what_is_told_at_once_is_tried_again(world, redis, producer):
    """A first try that fails is not the last."""
    ops = Ops(world, lambda r: answer(500) if r.n == 0 else OK)
    d = start(world, redis, world.sink(), ops)
    redis.kill9()
    wait_until(lambda: len(ops.requests) == 2, 20)
    assert ops.requests[0].id == ops.requests[1].id
    redis.start()
    d.wait_running()


def test_an_alert_may_wait_and_still_be_one(world, redis, producer):
    """Many deaths, a slow receiver: each told once, none lost."""
    ops = Ops(world, lambda r: answer(503) if r.n < 2 else OK)
    sink = world.sink(lambda r: answer(404))
    d = start(world, redis, sink, ops,
              more='retry = {"0s"}\n    breaker_failures = 1000',
              ops_more='retry = {"0s", "200ms", "200ms", "200ms"}\n'
                       '    breaker_cooldown = "200ms"\n    inflight = 4')
    for i in range(30):
        producer.open(f"C-{i}")
    wait_until(lambda: len(ops.told()) == 30 and d.rows("followups") == [], 30)
    assert {x["complaint"]["id"] for _, x in ops.told()} == {
        f"C-{i}" for i in range(30)}
    assert len(d.rows("dead list")) == 30
