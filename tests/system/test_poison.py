"""H21, fault 44: what the daemon dies of, again and again, is set aside.

No build here dies of an event, so the three deaths are written where the daemon
itself writes them: as the mark that it leaves before it touches a unit."""

import pytest
from harness import opened, wait_until

TRIES = "{complaints}:tries"


@pytest.fixture
def sink(world):
    return world.sink()


def killed_with(d, redis, unit_of, *events):
    """Kill the daemon, add events while it is dead, mark the first's unit as
    tried three times, start it again."""
    d.kill9()
    ids = [redis.client.xadd("complaints", e).decode() for e in events]
    redis.client.hset(TRIES, unit_of(ids), 3)
    d.start()
    return ids


def test_an_event_of_three_deaths_is_rejected(world, redis, producer, sink):
    """IN4: the shard goes on behind it, its bytes are kept and replayable."""
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    ids = killed_with(d, redis, lambda ids: f"e:{ids[0]}",
                      opened("BAD"), opened("GOOD"))
    wait_until(lambda: redis.applied() == 3)
    row = wait_until(lambda: d.rows("rejects list"))[0]
    assert (row["code"], row["id"]) == ("poison", ids[0])
    assert row["fields"]["complaint_id"] == "BAD"
    assert d.ctl("show", "GOOD")[0] == 0
    assert d.ctl("show", "BAD")[0] == 4
    assert d.logged(r"careful shard=complaints")
    wait_until(lambda: redis.client.hlen(TRIES) == 0)
    assert d.ctl("rejects", "replay", row["entry"])[0] == 0
    wait_until(lambda: d.ctl("show", "BAD")[0] == 0)


def test_what_lived_through_leaves_no_mark(world, redis, producer, sink):
    """After a kill the first units are tried alone, and all are applied."""
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    killed_with(d, redis, lambda ids: "e:0-0",
                *[opened(f"D-{i}") for i in range(200)])
    wait_until(lambda: redis.applied() == 201, 30)
    wait_until(lambda: redis.client.hlen(TRIES) == 0)
    assert d.rows("rejects list") == []


def test_a_lost_connection_is_no_death(world, redis, producer, sink):
    """A unit is counted once in a process's life, however often its turn is
    begun anew."""
    d = world.daemon(redis, owner_ttl="10s")
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    d.kill9()
    events = [opened(f"D-{i}") for i in range(100)]
    for e in events:
        redis.client.xadd("complaints", e)
    d.start()
    for _ in range(6):
        redis.client.client_kill_filter(_type="normal", skipme=True)
        seen = redis.applied()
        wait_until(lambda: redis.applied() > seen or seen == 101, 30)
    wait_until(lambda: redis.applied() == 101, 30)
    assert d.rows("rejects list") == []
    d.expected += ["."]


def test_a_wake_up_of_three_deaths_parks_its_complaint(
        world, redis, producer, sink):
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: redis.applied() == 1)
    killed_with(d, redis, lambda ids: "w:C-1")
    wait_until(lambda: redis.client.sismember("{complaints}:parked", "C-1"))
    assert redis.client.zscore("{complaints}:wake", "C-1") is None
    assert d.alive()
    d.expected += ["complaint_parked"]
