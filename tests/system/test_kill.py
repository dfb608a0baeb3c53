"""Faults 1, 5, 8 and 24: whatever is killed, and whenever, each event is
applied once and each lapse has one follow-up. IN1 ES3 FU2 DL6.

AMENDS_LONG=1 makes it 30 kills under 500 events a second."""

import json
import random
import threading
import time

import redis as redis_py
from checker import FIRINGS, Delivery, check, load
from harness import LONG, LOOP, Producer, wait_until
from proxy import Proxy

KILLS = 30 if LONG else 6
RATE = 500
# Every fifth complaint is left alone, so lapses fire during the load.
STEPS = [("stage.completed", {"stage": "listen"}),
         ("stage.completed", {"stage": "apologize"}),
         ("stage.completed", {"stage": "resolve", "root_cause": "x",
                              "action": "y"}),
         ("customer.answered", {"verdict": "satisfied", "score": "5"})]


class Load(threading.Thread):
    """Events at a steady rate; an unknown XADD is sent again with its id."""

    def __init__(self, redis, rate):
        super().__init__(daemon=True)
        self.producer = Producer(redis)
        self.rate, self.over = rate, threading.Event()
        self.late = 0

    def events(self):
        n = 0
        while True:
            left = [f"K-{n + i}" for i in range(5)]
            for c in left:
                yield "complaint.opened", c, {}
            for name, more in STEPS:
                for c in left[1:]:
                    yield name, c, more
            n += 5

    def run(self):
        began, n = time.monotonic(), 0
        for name, complaint, more in self.events():
            if self.over.is_set():
                return
            self.one(name, complaint, more)
            n += 1
            ahead = began + n / self.rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)  # the pace of the load, not a wait

    def one(self, name, complaint, more):
        p = self.producer
        event_id = f"E-{p.n + 1}"
        while not self.over.is_set():
            try:
                if name == "complaint.opened":
                    p.open(complaint, event_id=event_id, **more)
                else:
                    p.emit(name, complaint, event_id=event_id, **more)
                return
            except (redis_py.ConnectionError, redis_py.TimeoutError,
                    redis_py.BusyLoadingError):
                self.late += 1
                # it may be there: the same id again, the number as it was
                p.n = int(event_id[2:]) - 1
                time.sleep(0.05)  # Redis is being restarted by the test


def deliveries(sink):
    return [Delivery(r.id, r.body) for r in list(sink.requests)]


def settle(daemon, redis, timeout=90):
    """Everything applied, every rung that is near fired, nothing waiting."""
    def quiet():
        s = daemon.status()
        return (s.get("waiting") == 0 and s["in_flight"] == 0 and
                daemon.shard()["lag"] == 0 and
                redis.applied() == redis.client.xinfo_stream(
                    "complaints")["entries-added"])
    wait_until(quiet, timeout, "all events applied", 0.1)
    near = 5000

    def nothing_due():
        first = redis.client.zrange("{complaints}:wake", 0, 0,
                                    withscores=True)
        return quiet() and (not first or first[0][1] >
                            time.time() * 1000 + near)
    wait_until(nothing_due, timeout, "all lapses fired and delivered", 0.1)


def judge(daemon, redis, producer, sink):
    history = load(redis.client, "complaints")
    wrong = check(history, producer.sent, deliveries(sink))
    for complaint in history.journals:
        end = daemon.ask(f"verify {complaint}")[1]
        if not end["ok"]:
            wrong.append(f"I2: {complaint}: {end.get('error')}")
    assert not wrong, f"{len(wrong)} violations:\n" + "\n".join(wrong[:20])
    return history


def test_kills_under_load_lose_and_double_nothing(world):
    """Faults 1 and 8 (appendfsync always): the daemon and Redis are killed at
    random instants while events come in."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rnd = random.Random(seed)
    redis = world.redis(aof="always")
    sink = world.sink()
    daemon = world.daemon(redis)
    load_ = Load(redis, RATE if LONG else 200)
    load_.start()
    for kill in range(KILLS):
        time.sleep(rnd.uniform(0.2, 1.5))  # the instant is the experiment
        if kill % 3 == 2:
            redis.restart()
        else:
            daemon.kill9()
            daemon.start(wait=False)
    daemon.wait_running(40)
    # a busy machine takes longer to send as much, and must send it all the same
    enough = KILLS * load_.rate * 0.3
    wait_until(lambda: len(load_.producer.sent) > enough, 120)
    load_.over.set()
    load_.join(20)
    settle(daemon, redis)
    history = judge(daemon, redis, load_.producer, sink)
    print(f"{len(load_.producer.sent)} events, {len(history.journals)} "
          f"complaints, {len(sink.requests)} requests, {load_.late} retries")
    assert len(load_.producer.sent) > enough
    assert len(sink.requests) > KILLS, "the load fired follow-ups"


def test_restart_storm(world, redis, producer):
    """Fault 5: killed again and again before it can settle."""
    sink = world.sink()
    daemon = world.daemon(redis)
    for i in range(20):
        producer.open(f"C-{i}")
        if i % 2:
            daemon.kill9()
            daemon.start(wait=False)
            time.sleep(0.05 * (i % 8))  # dies at another point each time
    daemon.wait_running()
    settle(daemon, redis)
    judge(daemon, redis, producer, sink)


def cut_run(world, redis, producer, mode):
    proxy = Proxy(world.dir / "proxy", redis.sock)
    world.closers.append(proxy.stop)
    sink = world.sink()
    daemon = world.daemon(proxy.path, redis_more='command_timeout = "1s"')
    for i in range(40 if LONG else 15):
        setattr(proxy, mode, 1 + i % 3)
        producer.open(f"C-{i}")
        wait_until(lambda: redis.applied() == len(producer.sent), 20)
    assert proxy.cuts >= 5
    settle(daemon, redis)
    judge(daemon, redis, producer, sink)


def test_connection_cut_before_a_commit(world, redis, producer):
    """Fault 24: the EXEC never arrives; the turn is stepped again."""
    cut_run(world, redis, producer, "cut_before")


def test_connection_cut_after_a_commit(world, redis, producer):
    """Fault 24: it was done, the answer is lost; nothing is done twice."""
    cut_run(world, redis, producer, "cut_after")


def test_a_late_exec_of_an_old_connection_changes_nothing(
        world, redis, producer):
    """Fault 24, H6: the EXEC arrives after the daemon has moved on; the new
    nonce makes it void."""
    proxy = Proxy(world.dir / "proxy", redis.sock)
    world.closers.append(proxy.stop)
    sink = world.sink()
    daemon = world.daemon(proxy.path, redis_more='command_timeout = "1s"')
    for i in range(5):
        proxy.late_exec = [1, 0.4]
        producer.open(f"C-{i}")
        wait_until(lambda: redis.applied() == len(producer.sent), 20)
    settle(daemon, redis)
    judge(daemon, redis, producer, sink)


def test_replies_in_single_bytes(world, redis, producer):
    """Fault 25: replies that come byte by byte are the same replies."""
    proxy = Proxy(world.dir / "proxy", redis.sock)
    world.closers.append(proxy.stop)
    proxy.split = True
    sink = world.sink()
    daemon = world.daemon(proxy.path)
    producer.open("C-1")
    wait_until(lambda: len(sink.of("C-1")) == 3)
    settle(daemon, redis)
    judge(daemon, redis, producer, sink)


def test_a_kill_between_rungs_fires_each_once(world, redis, producer):
    """ES3: killed around every rung of a ladder: each fires once, and its one
    follow-up goes out, or makes way to the next rung's when the daemon was
    away until that one was due, too."""
    sink = world.sink()
    daemon = world.daemon(redis, loop=LOOP)
    for i in range(6):
        producer.open(f"C-{i}")
    for n in (1, 2, 3):
        wait_until(lambda n=n: len(set(sink.ids())) >= 6 * n - 3, 20)
        daemon.kill9()
        daemon.start()
    settle(daemon, redis)
    history = judge(daemon, redis, producer, sink)
    unsent = set()
    for lines in history.journals.values():
        told = [note for line in lines for note in json.loads(line)["do"]]
        assert sorted(n["n"] for n in told if n["n"] in FIRINGS) == [
            "deadline.missed", "deadline.warned", "escalation.raised"]
        unsent |= {n["followup"] for n in told
                   if n["n"] == "followup.suppressed" and
                   n["reason"] in ("superseded", "collapsed")}
    assert len(set(sink.ids()) | unsent) == 18
    assert len(set(sink.ids())) >= 12
