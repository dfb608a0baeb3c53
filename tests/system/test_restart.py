"""DL6: a deadline that falls into downtime fires once, within a second of the
recovery, with its lateness told."""

import datetime
import time

from harness import wait_until
from test_kill import judge, settle


def at(text):
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


def test_a_deadline_in_downtime_fires_once_at_once(world, redis, producer):
    sink = world.sink()
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: len(sink.requests) == 1)  # the warning
    d.kill9()
    time.sleep(1.5)  # the lapse falls into this
    d.start()
    began = time.time()
    late = wait_until(lambda: [r for r in sink.requests if
                               r.json["data"]["followup"]["reason"] !=
                               "warn_50"])[0]
    assert late.at - began < 1.0
    f = late.json["data"]["followup"]
    assert at(f["fired_at"]) - at(f["due_at"]) > 0.4
    settle(d, redis)
    judge(d, redis, producer, sink)


def test_redis_away_when_it_lapses(world, redis, producer):
    sink = world.sink()
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: len(sink.requests) == 1)
    redis.kill9()
    time.sleep(1.5)  # the lapse falls into this
    redis.client.connection_pool.disconnect()
    redis.start()
    d.wait_running()
    began = time.time()
    wait_until(lambda: len(sink.requests) >= 2)
    assert sink.requests[1].at - began < 1.0
    settle(d, redis)
    judge(d, redis, producer, sink)


def test_work_done_in_downtime_is_applied_before_rungs(
        world, redis, producer):
    """Events first: no rung fires for work that was done long ago."""
    sink = world.sink()
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    assert d.stop() == 0
    producer.emit("stage.completed", "C-1", stage="listen")
    time.sleep(2.5)  # warning and lapse would have fallen into this
    d.start()
    wait_until(lambda: redis.applied() == 2)
    settle(d, redis)
    assert sink.of("C-1") == []
    judge(d, redis, producer, sink)


def test_a_restart_of_the_same_instance_waits_for_nobody(world, redis):
    """An instance that holds its lock replaces its own old token at once."""
    world.sink()
    d = world.daemon(redis, owner_ttl="20s")
    d.kill9()
    began = time.monotonic()
    d.start()
    assert time.monotonic() - began < 5
