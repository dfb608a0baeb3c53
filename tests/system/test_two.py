"""OP1, fault 2 and 4: two daemons on one shard, one writer at a time."""

import signal
import time

from harness import wait_until
from test_kill import Load, judge, settle


def states(*daemons):
    return [d.state() for d in daemons]


def pair(world, redis, ttl="2s"):
    a = world.daemon(redis, "a", owner_ttl=ttl)
    b = world.daemon(redis, "b", start=False, owner_ttl=ttl).start(wait=False)
    wait_until(lambda: states(a, b) == ["running", "standby"], 20,
               "a owns, b stands by")
    return a, b


def test_a_paused_owner_can_no_longer_write(world, redis):
    """OP1, fault 2: SIGSTOP for 1.5 ttl and back, events all the while."""
    sink = world.sink()
    a, b = pair(world, redis)
    load = Load(redis, 100)
    load.start()
    wait_until(lambda: redis.applied() > 50)
    a.signal(signal.SIGSTOP)
    time.sleep(3)  # 1.5 ttl: the fault
    wait_until(lambda: states(b) == ["running"], 10)
    a.signal(signal.SIGCONT)
    wait_until(lambda: states(a) == ["standby"], 10)
    seen = redis.applied()
    wait_until(lambda: redis.applied() > seen + 50)
    load.over.set()
    load.join(10)
    settle(b, redis)
    judge(b, redis, load.producer, sink)
    assert states(a, b) == ["standby", "running"]


def test_a_killed_owner_is_replaced_within_its_ttl(world, redis, producer):
    """OP1: the standby acts one ttl after the last beat, and at once after a
    clean end."""
    sink = world.sink()
    a, b = pair(world, redis)
    a.kill9()
    began = time.monotonic()
    wait_until(lambda: states(b) == ["running"], 10)
    assert time.monotonic() - began < 2 + 2
    producer.open("C-1")
    wait_until(lambda: len(sink.of("C-1")) == 3)
    a.start(wait=False)
    wait_until(lambda: states(a) == ["standby"], 10)
    b.stop()
    began = time.monotonic()
    wait_until(lambda: states(a) == ["running"], 10)
    assert time.monotonic() - began < 1.5
    settle(a, redis)
    judge(a, redis, producer, sink)


def test_both_start_together(world, redis, producer):
    """Fault 4: whoever wins, one owns the shard."""
    sink = world.sink()
    daemons = [world.daemon(redis, n, start=False, owner_ttl="1s")
               .start(wait=False) for n in "abc"]
    wait_until(lambda: sorted(map(str, states(*daemons))) ==
               ["running", "standby", "standby"], 15)
    producer.open("C-1")
    wait_until(lambda: len(sink.of("C-1")) == 3)
    owner = next(d for d in daemons if states(d) == ["running"])
    settle(owner, redis)
    judge(owner, redis, producer, sink)


def test_one_instance_name_twice_refuses_to_start(world, redis):
    """Two processes that call themselves the same on one machine."""
    a = world.daemon(redis)
    twin = world.daemon(redis, start=False)
    twin.log = world.dir / "twin.log"
    twin.spawn()
    assert twin.proc.wait(10) != 0
    assert "t1" in twin.text()
    assert states(a) == ["running"]


def test_release_hands_the_shard_over(world, redis, producer):
    """`shard release` gives it to the standby at once."""
    a, b = pair(world, redis, "5s")
    began = time.monotonic()
    assert a.ctl("shard", "release", "complaints")[0] == 0
    wait_until(lambda: states(b) == ["running"], 10)
    assert time.monotonic() - began < 3
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)


def test_a_release_with_work_due_ends(world, redis, producer):
    """Redis is slow to answer, and a deadline comes meanwhile: its turn must
    not keep the answer from being read."""
    world.sink()
    d = world.daemon(redis)
    producer.open("C-1")  # warned after a second
    wait_until(lambda: d.find("C-1"))
    redis.client.client_pause(2500)
    assert d.ctl("shard", "release", "complaints")[0] == 0
    wait_until(lambda: d.state() == "released", 15)
    assert d.ctl("shard", "adopt", "complaints")[0] == 0
    d.wait_running()
