"""What Redis can do to us: faults 9, 16, 17, 20, 27, 28, 29, 30. Each gives a
named state, never silence, and the process lives. (8 and 24: test_kill.)"""

import signal
import threading
import time

import pytest
import redis as redis_py
from harness import Producer, opened, wait_until
from test_kill import judge, settle


def state(daemon):
    return daemon.state()


@pytest.fixture
def sink(world):
    return world.sink()


def test_a_stopped_redis_is_noticed_and_outlived(world, redis, producer, sink):
    """Fault 9: own timers run, the status answers and says so, and work goes
    on when Redis does."""
    d = world.daemon(redis, redis_more='command_timeout = "500ms"')
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    redis.signal(signal.SIGSTOP)
    wait_until(lambda: state(d) == "degraded:redis", 10)
    assert not d.status()["redis"]["up"]
    assert d.ctl("health")[0] == 1
    redis.signal(signal.SIGCONT)
    wait_until(lambda: state(d) == "running", 15)
    producer.open("C-2")
    wait_until(lambda: len(sink.of("C-2")) == 3 and len(sink.of("C-1")) == 3)
    settle(d, redis)
    judge(d, redis, producer, sink)


def test_a_slow_redis_only_delays(world, redis, producer, sink):
    """Fault 10: CLIENT PAUSE; nothing is lost, nothing doubled."""
    d = world.daemon(redis, redis_more='command_timeout = "1s"')
    for i in range(3):
        producer.open(f"C-{i}")
        redis.client.execute_command("CLIENT", "PAUSE", "1500", "WRITE")
    wait_until(lambda: redis.applied() == 3, 20)
    settle(d, redis)
    judge(d, redis, producer, sink)


def test_no_redis_at_start(world, producer, redis, sink):
    """It comes up without, says so, and starts when Redis does."""
    redis.kill9()
    d = world.daemon(redis, start=False).start(wait=False)
    wait_until(lambda: state(d) in ("degraded:redis", "starting"))
    redis.client.connection_pool.disconnect()
    redis.start()
    d.wait_running()


def test_loss_of_everything_halts(world, sink):
    """Fault 30 (and 8 without an append-only file): a data set that is gone is
    another data set; nothing goes out before a person has decided."""
    redis = world.redis(aof="no")
    producer = Producer(redis)
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    redis.restart()
    wait_until(lambda: state(d) == "halted:dataset", 15)
    Producer(redis).open("C-2")
    assert d.ctl("health")[0] == 1
    status, _, err = d.ctl("shard", "adopt", "complaints")
    assert status == 0, err
    wait_until(lambda: state(d) == "running", 10)
    wait_until(lambda: len(sink.of("C-2")) == 3)
    assert d.ctl("show", "C-1")[0] == 4


@pytest.mark.parametrize("command", ["FLUSHALL", "FLUSHDB"])
def test_a_flush_under_a_running_daemon_halts(
        world, redis, producer, sink, command):
    """Fault 30."""
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    redis.client.execute_command(command)
    wait_until(lambda: state(d) == "halted:dataset", 15)
    assert d.shard()["why"]
    assert d.ctl("shard", "adopt", "complaints")[0] == 0
    wait_until(lambda: state(d) == "running", 10)
    Producer(redis).open("C-2")
    wait_until(lambda: len(sink.of("C-2")) == 3)


def test_a_restored_backup_halts(world, redis, producer, sink):
    """Fault 30: the commit number stepped back while the daemon was down."""
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    old = redis.client.hgetall("{complaints}:cursor")
    assert d.stop() == 0
    redis.client.hset("{complaints}:cursor", "dataset", "f" * 32)
    d.start(wait=False)
    wait_until(lambda: state(d) == "halted:dataset", 15)
    redis.client.hset("{complaints}:cursor", mapping=old)


def test_smaller_ids_on_a_new_stream_halt(world, redis, producer, sink):
    """Fault 28: the stream was deleted and re-made below the cursor."""
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    redis.client.delete("complaints")
    redis.client.xadd("complaints", opened("C-2"), id="1000-0")
    wait_until(lambda: state(d) == "halted:stream-behind", 15)
    assert d.ctl("shard", "adopt", "complaints")[0] == 0
    wait_until(lambda: state(d) == "running", 10)
    producer.open("C-3")
    wait_until(lambda: d.find("C-3"))


def test_an_empty_stream_is_made_anew_at_the_cursor(
        world, redis, producer, sink):
    """Fault 28, the harmless half: deleted, and nothing put there yet."""
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    cursor = redis.cursor()["id"]
    redis.client.delete("complaints")
    wait_until(lambda: redis.client.exists("complaints") and
               redis.client.xinfo_stream("complaints")[
                   "last-generated-id"].decode() == cursor, 15)
    producer.open("C-2")
    wait_until(lambda: len(redis.journal("C-2")) > 0)
    assert state(d) == "running"


def test_trimmed_unread_entries_are_counted(world, redis, producer, sink):
    """Fault 27: events_lost is exact."""
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    assert d.stop() == 0
    for i in range(2, 12):
        producer.open(f"C-{i}")
    redis.client.xtrim("complaints", maxlen=3, approximate=False)
    d.start()
    wait_until(lambda: redis.applied() == 4)
    assert d.shard()["lost"] == 7
    assert redis.cursor()["lost"] == "7"
    assert d.logged("lost")
    producer.open("C-99")
    wait_until(lambda: redis.applied() == 5)
    assert d.shard()["lost"] == 7


@pytest.mark.parametrize("how", [
    ("XGROUP", "DESTROY", "complaints", "amends"),
    ("XGROUP", "SETID", "complaints", "amends", "0"),
    ("XGROUP", "DELCONSUMER", "complaints", "amends", "anybody"),
])
def test_the_group_is_decoration(world, redis, producer, sink, how):
    """Fault 29: what happens to the group changes nothing."""
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    redis.client.execute_command(*how)
    producer.open("C-2")
    wait_until(lambda: redis.applied() == 2)
    settle(d, redis)
    judge(d, redis, producer, sink)

    def lag():
        groups = redis.client.xinfo_groups("complaints")
        return groups and groups[0]["name"] == b"amends" and \
            groups[0]["lag"] == 0
    producer.open("C-3")
    wait_until(lag, what="XINFO GROUPS shows the true lag")


@pytest.mark.parametrize("key,kind", [
    ("wake", "string"), ("cursor", "string"), ("feed", "list"),
    ("log:C-2", "string")])
def test_a_key_of_another_type_halts_before_anything_is_written(
        world, redis, producer, sink, key, kind):
    """Fault 20: seen at load; the process lives."""
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    name = "{complaints}:" + key
    held = redis.client.dump(name)
    redis.client.delete(name)
    if kind == "string":
        redis.client.set(name, "somebody else's")
    else:
        redis.client.rpush(name, "somebody else's")
    producer.open("C-2")
    wait_until(lambda: state(d) == "halted:storage" or
               redis.client.sismember("{complaints}:parked", "C-2"), 15)
    assert d.alive()
    redis.client.delete(name)
    if held:
        redis.client.restore(name, 0, held)
    if state(d) == "halted:storage":
        assert d.ctl("shard", "adopt", "complaints")[0] == 0
        wait_until(lambda: state(d) == "running", 10)
    producer.open("C-3")
    wait_until(lambda: d.ctl("show", "C-3")[0] == 0)


def test_a_full_redis_still_takes_outcomes(world, redis, producer):
    """Fault 16: producers are refused; what is in flight is finished and its
    outcome written; afterwards all goes on."""
    sink = world.sink()
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: len(sink.of("C-1")) == 2)
    used = redis.client.info("memory")["used_memory"]
    redis.client.config_set("maxmemory", used - 100_000)
    with pytest.raises(redis_py.ResponseError):
        producer.open("C-2")
    time.sleep(2)  # the escalation falls due while Redis is full
    assert d.alive() and d.status()
    redis.client.config_set("maxmemory", 0)
    wait_until(lambda: len(sink.of("C-1")) == 3, 20)
    producer.open("C-3")
    settle(d, redis)
    judge(d, redis, producer, sink)


def test_an_outcome_is_written_while_redis_is_full(world, redis, producer):
    """Fault 16: the delivery ends, and its record goes, without memory."""
    gate = threading.Event()

    def respond(request):
        def slowly(sink, c):
            gate.wait(10)
            c.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        return slowly
    sink = world.sink(respond)
    d = world.daemon(redis, endpoint_more='timeout = "9s"')
    producer.open("C-1")
    wait_until(lambda: len(sink.requests) == 1)
    used = redis.client.info("memory")["used_memory"]
    redis.client.config_set("maxmemory", used - 100_000)
    gate.set()
    wait_until(lambda: any(b"followup.delivered" in line
                           for line in redis.journal("C-1")), 15)
    redis.client.config_set("maxmemory", 0)
    settle(d, redis)
    judge(d, redis, producer, sink)


def test_an_eviction_policy_is_refused(world, redis, sink):
    """Fault 17: state that may be evicted is no state."""
    redis.client.config_set("maxmemory-policy", "allkeys-lru")
    d = world.daemon(redis, start=False).start(wait=False)

    wait_until(lambda: not d.alive(), 15)
    assert d.proc.returncode == 1
    assert "noeviction" in d.text()
    assert redis.keys("*:token") == []


def test_the_durability_class_is_said(world, redis, sink):
    """P7: D2 with appendfsync always, D1 with everysec, D0 without a file."""
    d = world.daemon(redis)
    assert d.status()["redis"]["durability"] == "D2"
    assert d.logged(r"D2")
    redis.client.config_set("appendfsync", "everysec")
    d.stop()
    d.start()
    assert d.status()["redis"]["durability"] == "D1"


def test_read_only_and_loading_are_waited_out(world, redis, producer, sink):
    """Faults 12 and 15: a refusal of the whole turn is tried again."""
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    redis.client.config_set("min-replicas-to-write", 1)
    with pytest.raises(redis_py.ResponseError):
        producer.open("C-2")
    wait_until(lambda: state(d) == "degraded:redis", 15)
    redis.client.config_set("min-replicas-to-write", 0)
    wait_until(lambda: state(d) == "running", 15)
    producer.open("C-3")
    settle(d, redis)
    judge(d, redis, producer, sink)
