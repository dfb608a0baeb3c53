"""DL12: an edited calendar moves the dues of what is open, once."""

import datetime
import json

from harness import STREAM, wait_until

DAY = 24 * 3600 * 1000
CALENDARS = f"{{{STREAM}}}:calendars"

LOOP = """
calendar "office" {
    open = {"Mon-Sun 00:00-24:00"}
    closed = CLOSED
}
calendar "shop" {
    open = {"Mon-Sun 00:00-24:00"}
}
loop "complaint" {
    tiers = {"mid"}
    default_tier = "mid"
    clock "final" { budget = "8w" }
    stage "listen" {
        budget = "96h"  calendar = "office"
        rung "warn"  { at = "0%"   to = "owner" via = {"crm"} }
        rung "lapse" { at = "100%" to = "owner" via = {"crm"} }
    }
    stage "resolve" {
        budget = "48h"  calendar = "shop"
        rung "lapse" { at = "100%" to = "owner" via = {"crm"} }
    }
    stage "callback-confirm" {
        kind = "confirm"
        budget = "1h"
        rung "ask"   { at = "0%"   to = "customer" via = {"crm"} }
        rung "lapse" { at = "100%" to = "owner"    via = {"crm"} }
    }
}
"""


def loop(*days):
    """Closed in so many days from today."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    closed = ", ".join(
        f'"{today + datetime.timedelta(days=n)}"' for n in days)
    return LOOP.replace("CLOSED", "{" + closed + "}" if closed else "{}")


def lines(redis, complaint):
    return [json.loads(x) for x in redis.journal(complaint)]


def notes(redis, complaint, name):
    return [n for line in lines(redis, complaint) for n in line["do"]
            if n["n"] == name]


def moved(redis, complaint):
    return notes(redis, complaint, "deadline.moved")


def edit(world, daemon, redis, *days):
    daemon.write_conf(world.conf(redis, loop=loop(*days)))
    daemon.rows("reload")


def settled(redis):
    """The calendars of Redis are those of conf, no walk is on its way."""
    kept = redis.client.hgetall(CALENDARS)
    return kept and not any(k.startswith(b"since:") for k in kept)


def walked(daemon, n=1):
    wait_until(lambda: len(daemon.logged(r"^calendar_walk ")) >= n,
               what="a walk is over")


def verified(daemon, *complaints):
    """The journal replays, each line by the calendar of its time."""
    for c in complaints:
        assert daemon.rows(f"verify {c}")[0]["ok"], c


def score(redis, complaint):
    return redis.client.zscore(f"{{{STREAM}}}:wake", complaint)


def test_dl12_the_silence_that_was_promised_moves_with_a_line(
        world, redis, producer, receiver):
    """DL12: the customer's silence has a due, too: told when it began, told
    when an edit moves it."""
    written = ('budget = "1h"\n', 'budget = "1h"  calendar = "office"  '
               'attempts = {}  silence = "96h"\n')
    d = world.daemon(redis, loop=loop().replace(*written))
    producer.open("C-1")
    producer.emit("stage.completed", "C-1", stage="listen")
    producer.emit("stage.completed", "C-1", stage="resolve")
    wait_until(lambda: notes(redis, "C-1", "silence.started"),
               what="the written question is delivered")
    d.write_conf(world.conf(redis, loop=loop(1).replace(*written)))
    d.rows("reload")
    walked(d)
    was = int(notes(redis, "C-1", "silence.started")[0]["due_at"])
    (note,) = [n for n in moved(redis, "C-1") if n["clock"] == "silence"]
    assert (int(note["old"]), int(note["new"])) == (was, was + DAY)
    verified(d, "C-1")


def test_dl12_a_holiday_moves_dues_and_each_has_a_line(
        world, redis, producer, receiver):
    """DL12: a reloaded calendar recomputes the open deadlines that use it, one
    journal line each (old, new, reason); fired warnings stay fired."""
    d = world.daemon(redis, loop=loop())
    for c in ("C-1", "C-2", "C-3", "C-4"):
        producer.open(c)
    wait_until(lambda: len(receiver.requests()) == 4)
    producer.emit("complaint.withdrawn", "C-3")
    producer.emit("stage.completed", "C-4", stage="listen")
    wait_until(lambda: redis.applied() >= 6)
    before = {c: score(redis, c) for c in ("C-1", "C-2", "C-4")}
    edit(world, d, redis, 1)
    walked(d)
    for c in ("C-1", "C-2"):
        (note,) = moved(redis, c)
        assert note["clock"] == "listen"
        assert note["reason"] == "calendar"
        assert note["calendar"] == "office"
        assert int(note["new"]) - int(note["old"]) == DAY
        assert int(note["old"]) == before[c]
        assert score(redis, c) - before[c] == DAY
        (line,) = [x for x in lines(redis, c)
                   if x["event"] == "calendar.changed"]
        assert line["verdict"] == "applied"
        assert len(notes(redis, c, "followup.queued")) == 1
    assert len(receiver.requests()) == 4
    # closed, and a stage of another calendar
    assert not moved(redis, "C-3") and not moved(redis, "C-4")
    assert score(redis, "C-4") == before["C-4"]
    assert settled(redis)
    # what opens now has the new calendar from the start
    producer.open("C-5")
    wait_until(lambda: redis.applied() >= 7)
    assert score(redis, "C-5") - before["C-2"] >= DAY
    # and back: told again, by what was in force then
    edit(world, d, redis)
    walked(d, 2)
    assert [int(n["new"]) - int(n["old"]) for n in moved(redis, "C-1")] == [
        DAY, -DAY]
    assert score(redis, "C-1") == before["C-1"]
    (note,) = moved(redis, "C-5")
    assert int(note["new"]) - int(note["old"]) == -DAY
    assert d.logged(r"calendar_walk shard=complaints calendar=office "
                    r"complaints=5 moved=3")
    verified(d, *(f"C-{i}" for i in range(1, 6)))


def test_dl12_edited_while_the_daemon_was_down(
        world, redis, producer, receiver):
    """DL12: an edit is seen at the start, too; without one there is no
    walk."""
    d = world.daemon(redis, loop=loop())
    producer.open("C-1")
    wait_until(lambda: redis.applied() >= 1)
    was = score(redis, "C-1")
    assert d.stop() == 0
    d.start()
    wait_until(lambda: settled(redis))
    assert d.stop() == 0
    assert not d.logged(r"calendar_walk")
    d.write_conf(world.conf(redis, loop=loop(2)))
    producer.open("C-2")  # unread when the calendar is switched
    d.start()
    walked(d)
    wait_until(lambda: redis.applied() >= 2)
    (note,) = moved(redis, "C-1")
    assert int(note["new"]) - int(note["old"]) == DAY
    assert score(redis, "C-1") == was + DAY
    assert not moved(redis, "C-2"), "it never had another due"
    assert score(redis, "C-2") >= was + DAY
    verified(d, "C-1", "C-2")


def test_dl12_killed_in_the_middle_of_the_walk(
        world, redis, producer, receiver):
    """DL12: whatever dies, every complaint is told once."""
    n = 1500
    d = world.daemon(redis, loop=loop().replace('rung "warn"', '# '))
    for i in range(n):
        producer.open(f"C-{i}", **{"customer.phone": f"+86138{i:08}"})
    wait_until(lambda: redis.applied() >= n, 60)
    d.write_conf(world.conf(
        redis, loop=loop(1).replace('rung "warn"', '# ')))
    d.signal(1)  # SIGHUP
    wait_until(lambda: redis.client.hexists(CALENDARS, "since:office"),
               step=0.001)
    d.kill9()
    done = sum(1 for i in range(n) if moved(redis, f"C-{i}"))
    assert not settled(redis) or done == n
    d.start()
    wait_until(lambda: settled(redis), 60)
    for i in range(n):
        assert len(moved(redis, f"C-{i}")) == 1, f"C-{i} (of {done} before)"
    verified(d, "C-0", f"C-{n - 1}")


def test_dl12_switched_again_in_the_middle_of_the_walk(
        world, redis, producer, receiver):
    """DL12: an edit of the edit; the end is the newest."""
    n = 600
    d = world.daemon(redis, loop=loop().replace('rung "warn"', '# '))
    for i in range(n):
        producer.open(f"C-{i}", **{"customer.phone": f"+86138{i:08}"})
    wait_until(lambda: redis.applied() >= n, 60)
    was = {i: score(redis, f"C-{i}") for i in range(n)}
    for days in ((1,), (1, 2), (2, 3, 1)):
        d.write_conf(world.conf(
            redis, loop=loop(*days).replace('rung "warn"', '# ')))
        d.rows("reload")
    newest = redis.client
    wait_until(lambda: settled(redis) and
               newest.hget(CALENDARS, "office").count(b"20") >= 3, 60)
    for i in range(n):
        assert score(redis, f"C-{i}") == was[i] + 3 * DAY
    verified(d, "C-0", f"C-{n - 1}")


def test_dl12_the_same_edit_again_is_told_again(
        world, redis, producer, receiver):
    """DL12: there and back, and there and back again: four moves, and the
    index of wake-ups is right after each."""
    d = world.daemon(redis, loop=loop(1))
    producer.open("C-1")
    wait_until(lambda: len(receiver.requests()) == 1)
    late = score(redis, "C-1")
    for n in range(1, 5):
        edit(world, d, redis, *([] if n % 2 else [1]))
        walked(d, n)
        assert len(moved(redis, "C-1")) == n
        assert score(redis, "C-1") == (late - DAY if n % 2 else late)
        assert settled(redis)
    verified(d, "C-1")


def test_dl12_switched_back_in_the_middle_of_the_walk(
        world, redis, producer, receiver):
    """DL12: what was told already is told of the way back."""
    n = 1500
    conf = {k: loop(*days).replace('rung "warn"', '# ')
            for k, days in (("was", ()), ("new", (1,)))}
    d = world.daemon(redis, loop=conf["was"])
    for i in range(n):
        producer.open(f"C-{i}", **{"customer.phone": f"+86138{i:08}"})
    wait_until(lambda: redis.applied() >= n, 60)
    was = {i: score(redis, f"C-{i}") for i in range(n)}
    d.write_conf(world.conf(redis, loop=conf["new"]))
    d.signal(1)
    wait_until(lambda: redis.client.hexists(CALENDARS, "since:office"),
               step=0.001)
    d.kill9()
    told = sum(1 for i in range(n) if moved(redis, f"C-{i}"))
    assert told < n, "killed in the middle"
    d.write_conf(world.conf(redis, loop=conf["was"]))
    d.start()
    wait_until(lambda: settled(redis), 60)
    for i in range(n):
        assert score(redis, f"C-{i}") == was[i], f"{i}, {told} were told"
    verified(d, "C-0", f"C-{n - 1}")


def test_dl12_two_daemons_of_two_minds(world, redis, producer, receiver):
    """Who takes over has another calendar, again and again: each time one line
    a complaint, and no more while nobody takes over. Also what was opened
    while the other one was the owner."""
    confs = {"a": loop(), "b": loop(1)}
    both = {k: world.daemon(redis, instance=k, loop=v, start=k == "a")
            for k, v in confs.items()}
    producer.open("C-0")
    wait_until(lambda: redis.applied() >= 1)
    both["b"].spawn()
    for n in range(1, 6):
        old, new = ("a", "b") if n % 2 else ("b", "a")
        wait_until(lambda: both[new].state() == "standby")
        both[old].kill9()
        both[new].wait_running()
        wait_until(lambda: all(len(moved(redis, f"C-{i}")) == n - i
                               for i in range(n)))
        wait_until(lambda: settled(redis))
        producer.open(f"C-{n}")
        wait_until(lambda: redis.applied() >= n + 1)
        both[old].start(wait=False)
    verified(both[new], *(f"C-{i}" for i in range(6)))
    assert [len(moved(redis, f"C-{i}")) for i in range(6)] == [
        5, 4, 3, 2, 1, 0]
