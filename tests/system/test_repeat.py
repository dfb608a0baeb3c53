"""Repeat complaints: seen, linked, one tier up; and what opens only once."""

import json
import threading
import time

import redis as redis_py
from harness import LOOP, STREAM, opened, wait_until

DAY = 24 * 3600 * 1000


def line(redis, complaint, n=0):
    return json.loads(redis.journal(complaint)[n])


def repeat_of(redis, complaint):
    """As the journal has it: input of the step, so that it replays."""
    return line(redis, complaint)["in"].get("repeat_of")


def verified(daemon, *complaints):
    for c in complaints:
        assert daemon.rows(f"verify {c}")[0]["ok"], c


def applied(redis, n):
    wait_until(lambda: redis.applied() >= n, what=f"{n} events applied")


def loop_with(key):
    return LOOP.replace('default_tier = "mid"',
                        f'default_tier = "mid"\n    {key}')


def at_ms(producer, ms, complaint, **fields):
    """An opening whose entry has that time."""
    producer.n += 1
    producer.redis.client.xadd(
        STREAM, {"event_id": f"E-{producer.n}", "source": "test",
                 **opened(complaint, **fields)}, id=f"{ms}-{producer.n}")


def test_in5_repeat_is_linked_one_tier_up_and_counted(
        world, redis, producer, receiver):
    """IN5: a 2nd complaint of the same customer and category inside
    repeat_window opens with repeat_of, one tier up, and counts."""
    d = world.daemon(redis)
    producer.open("C-1")
    applied(redis, 1)
    producer.open("C-2")
    producer.open("C-3", category="delivery")
    producer.open("C-4", **{"customer.phone": "+8613800138001"})
    applied(redis, 4)
    assert repeat_of(redis, "C-1") is None
    assert repeat_of(redis, "C-2") == "C-1"
    assert repeat_of(redis, "C-3") is None
    assert repeat_of(redis, "C-4") is None
    assert d.find("C-1")["tier"] == "mid"
    assert d.find("C-2")["tier"] == "high"
    days = redis.keys(f"{{{STREAM}}}:kpi:*")
    assert sum(int(redis.client.hget(k, "complaint:repeat") or 0)
               for k in days) == 1
    verified(d, "C-1", "C-2", "C-3", "C-4")


def test_in5_two_openings_of_one_batch_see_each_other(
        world, redis, producer, receiver):
    """IN5: what has just been opened counts, the latest first."""
    for i in range(1, 5):
        producer.open(f"C-{i}")
    producer.open("C-5", **{"customer.id": "K-1"})
    producer.open("C-6", **{"customer.id": "K-1",
                            "customer.phone": "+8613800138009"})
    d = world.daemon(redis)
    applied(redis, 6)
    assert [repeat_of(redis, f"C-{i}") for i in range(1, 7)] == [
        None, "C-1", "C-2", "C-3", None, "C-5"]
    verified(d, "C-2", "C-4", "C-6")


def test_in5_the_window_ends_and_no_window_looks_for_none(
        world, redis, producer, receiver):
    """IN5: repeat_window is counted from opening to opening; 0: not at all."""
    now = int(time.time() * 1000)
    loop = loop_with('repeat_window = "10d"')
    at_ms(producer, now - 40 * DAY, "C-1")
    at_ms(producer, now - 30 * DAY - 1000, "C-2")
    at_ms(producer, now - 25 * DAY, "C-3")
    at_ms(producer, now - 10 * DAY, "C-4")
    at_ms(producer, now - 1 * DAY, "C-5")
    d = world.daemon(redis, loop=loop)
    applied(redis, 5)
    assert [repeat_of(redis, f"C-{i}") for i in range(1, 6)] == [
        None, "C-1", "C-2", None, "C-4"]
    assert d.stop() == 0
    producer.open("C-6")
    d.write_conf(world.conf(redis, loop=loop_with('repeat_window = "0"')))
    d.start()
    applied(redis, 6)
    assert repeat_of(redis, "C-6") is None


def test_in5_index_outlives_daemons_and_tells_no_number(
        world, redis, producer, receiver):
    """IN5: seen after a restart; the same complaint again is no repeat; the
    index holds no number and leaves by itself."""
    d = world.daemon(redis)
    producer.open("C-1")
    applied(redis, 1)
    assert d.stop() == 0
    d.start()
    producer.open("C-1")  # a note on what there is
    producer.open("C-2")
    applied(redis, 3)
    assert repeat_of(redis, "C-2") == "C-1"
    assert line(redis, "C-1", -1)["code"] == "already_done"
    keys = [k for k in redis.keys(f"{{{STREAM}}}:seen:*")
            if not k.endswith(":key")]
    assert len(keys) == 1
    assert 30 * DAY < redis.client.pttl(keys[0]) < 100 * DAY
    everything = str(redis.client.hgetall(keys[0]))
    assert "138001" not in everything and "billing" not in everything
    assert redis.client.ttl(f"{{{STREAM}}}:seen:key") == -1


def test_in5_an_ended_complaint_counts_and_a_given_one_is_kept(
        world, redis, producer, receiver):
    """IN5: withdrawn or not, it was a complaint; a producer that says what is
    repeated is believed."""
    d = world.daemon(redis)
    producer.open("C-1")
    producer.emit("complaint.withdrawn", "C-1")
    producer.open("C-2")
    producer.open("C-3", repeat_of="C-1")
    applied(redis, 4)
    assert repeat_of(redis, "C-2") == "C-1"
    assert repeat_of(redis, "C-3") == "C-1"
    verified(d, "C-2", "C-3")


def test_in5_opened_without_a_customer_has_the_earlier_ones(
        world, redis, producer, receiver):
    """IN5: repeat_of without a word of the customer: the data are copied, and
    the customer is known by them."""
    d = world.daemon(redis)
    producer.open("C-1", **{"customer.name": "Wang"})
    applied(redis, 1)
    producer.send({"event": "complaint.opened", "complaint_id": "C-2",
                   "repeat_of": "C-1", "category": "billing",
                   "summary": "still charged"})
    applied(redis, 2)
    producer.open("C-3")
    applied(redis, 3)
    pii = redis.client.hgetall(f"{{{STREAM}}}:pii:C-2")
    assert pii[b"customer.name"] == b"Wang"
    assert pii[b"customer.phone"] == b"+8613800138000"
    assert pii[b"summary"] == b"still charged"
    assert repeat_of(redis, "C-3") == "C-2"
    verified(d, "C-2", "C-3")


def test_au6_erased_keeps_timings_and_takes_no_more_data(
        world, redis, producer, receiver):
    """AU6: customer.erased removes personal data and keeps the timings."""
    d = world.daemon(redis)
    pii = f"{{{STREAM}}}:pii:C-1"
    producer.open("C-1", **{"customer.id": "K-1"})
    producer.emit("complaint.acknowledged", "C-1", note="called li")
    applied(redis, 2)
    assert redis.client.exists(pii)
    producer.emit("customer.erased", "C-1", **{"customer.id": "K-1"})
    producer.emit("complaint.withdrawn", "C-1", reason="because of this")
    applied(redis, 4)
    assert not redis.client.exists(pii)
    assert d.find("C-1")["status"] == "closed"
    assert not any(b"K-1" in x or b"because" in x
                   for x in redis.journal("C-1"))
    # and a complaint that goes on from it gets none
    producer.send({"event": "complaint.opened", "complaint_id": "C-2",
                   "repeat_of": "C-1", "category": "billing",
                   "summary": "again"})
    applied(redis, 5)
    assert redis.client.hkeys(f"{{{STREAM}}}:pii:C-2") == [b"summary"]
    verified(d, "C-1", "C-2")


def test_in3_same_event_five_times_at_once_is_one_complaint(
        world, redis, producer, receiver):
    """IN3: the same (source, event_id) from five connections at once makes
    one complaint, under one id. A stream answers with the entry's id, five
    different ones; what an intake by HTTP would answer is the complaint's,
    which follows from (source, event_id) alone."""
    d = world.daemon(redis)
    fields = opened("x", event_id="E-1", source="crm")
    del fields["complaint_id"]
    start = threading.Barrier(5)

    def send():
        r = redis_py.Redis(unix_socket_path=str(redis.sock))
        r.ping()
        start.wait()
        r.xadd(STREAM, fields)

    threads = [threading.Thread(target=send) for _ in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    applied(redis, 5)
    ids = [r["id"] for r in d.rows("list")]
    assert len(ids) == 1
    assert len(redis.journal(ids[0])) == 1
    assert d.status()["events"]["duplicate"] == 4
    assert redis.client.xlen(f"{{{STREAM}}}:rejects") == 0


def test_lc4_an_answer_after_a_withdrawal_opens_a_new_complaint(
        world, redis, producer, receiver):
    """LC4, IN5: what a step causes for another complaint is an event of the
    shard's own stream, with the customer's data of the first."""
    d = world.daemon(redis)
    producer.open("C-1", **{"customer.name": "Wang"})
    producer.emit("complaint.withdrawn", "C-1")
    producer.emit("customer.answered", "C-1", verdict="unsatisfied",
                  comment="it is still broken")
    applied(redis, 4)
    (new,) = [r["id"] for r in d.rows("list") if r["id"] != "C-1"]
    opening = line(redis, new)
    assert opening["source"] == "amends"
    assert opening["in"]["repeat_of"] == "C-1"
    pii = redis.client.hgetall(f"{{{STREAM}}}:pii:{new}")
    assert pii[b"customer.name"] == b"Wang"
    verified(d, "C-1", new)


def test_ti1_a_route_picks_the_loop_and_the_tier(
        world, redis, producer, receiver):
    """TI1: severity picks another loop, and the tier it opens as; the journal
    has what the route said as input."""
    other = LOOP[LOOP.index("loop "):].replace('"complaint"', '"fire"')
    route = ('route "fire" { severity = {"emergency"}  loop = "fire"  '
             'open_as = "high" }')
    d = world.daemon(redis, loop=LOOP + other + route)
    producer.open("C-1", severity="emergency", tier="low")
    producer.open("C-2", severity="grave", category="delivery")
    producer.open("C-3", severity="emergency", loop="complaint",
                  category="other")
    applied(redis, 3)
    assert d.find("C-1")["loop"].startswith("fire@")
    assert d.find("C-1")["tier"] == "high"
    assert line(redis, "C-1")["in"]["tier"] == "high"
    for c in ("C-2", "C-3"):
        assert d.find(c)["loop"].startswith("complaint@")
        assert d.find(c)["tier"] == "mid"
    verified(d, "C-1", "C-2", "C-3")
