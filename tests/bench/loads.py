"""The workloads of bench.py: each starts servers of its own, measures one
thing, and gives a dict of figures."""

import contextlib
import json
import re
import shutil
import statistics
import subprocess
import time

from harness import BUILD, STREAM, Process, World, free_port, wait_until

BENCH = BUILD / "bench"
SHARDS = 2
HOLD = 'rate = "1/1h"  inflight = 1'  # fill the outbox, send nothing
GO = 'inflight = 128'  # half on the wire, half in Redis
LIMIT_IN_FLIGHT = 64   # where the limit is at its best

# What each bench loop does by itself; the rest of the house is as shipped.
LOOP = """
message "late" {{ text = "Complaint {{complaint.id}} waits, due {{clock.due}}." }}
loop "complaint" {{
    tiers = {{"high", "mid", "low"}}  default_tier = "mid"
    stage "listen" {{ budget = "{budget}"  implied_by_later = true
        {rung} }}
    stage "apologize" {{ budget = "4h"
        {later} }}
    stage "resolve" {{ budget = "5h"  requires = {{"root_cause", "action"}}
        {later} }}
    stage "callback-confirm" {{ kind = "confirm"  budget = "6h"
        {later} }}
}}
"""
AT_ONCE = ('rung "hello" { at = "0%" to = "owner" via = {"crm"} '
           'message = "late" }')
LAPSE = ('rung "lapse" { at = "100%" to = "owner" via = {"crm"} '
         'message = "late" }')


def loop(rung, budget="3h", later=None):
    """`rung` in the first stage, `later` (a lapse) in the others."""
    return LOOP.format(rung=rung, budget=budget, later=later or LAPSE)


@contextlib.contextmanager
def world():
    w = World()
    try:
        yield w
        wrong = w.close()
        assert not wrong, "\n".join(wrong)
    finally:
        w.close()
        w.remove()


def figures(*cmd):
    """name=value pairs of a program's only line."""
    p = subprocess.run([str(c) for c in cmd], check=True, text=True,
                       stdin=subprocess.DEVNULL, capture_output=True)
    return {k: float(v) for k, v in
            re.findall(r"(\w+)=([\d.]+)", p.stdout)}


def versions():
    redis = subprocess.run(["redis-server", "--version"], check=True,
                           text=True, capture_output=True).stdout
    return "redis " + re.search(r"v=(\S+)", redis).group(1)


def preload(redis, n, *args):
    return figures(BENCH / "preload", "-s", redis.sock, "-n", n, *args)


def redis_cpu(redis):
    info = redis.client.info("cpu")
    return info["used_cpu_sys"] + info["used_cpu_user"]


def commands(redis):
    return sum(c["calls"] for name, c in
               redis.client.info("commandstats").items()
               if name != "cmdstat_info")


def rss_mb(daemon):
    with open(f"/proc/{daemon.pid}/statm") as f:
        return int(f.read().split()[1]) * 4096 / (1 << 20)


def applied(redis, streams):
    return sum(redis.applied(s) for s in streams)


def drained(redis, streams, n, timeout=300):
    """(seconds, Redis CPU seconds) from the first commit seen to the last."""
    wait_until(lambda: applied(redis, streams) > 0, timeout, step=0.001)
    first, cpu, t0 = (applied(redis, streams), redis_cpu(redis),
                      time.monotonic())
    wait_until(lambda: applied(redis, streams) >= n, timeout, step=0.01)
    return (time.monotonic() - t0, redis_cpu(redis) - cpu, n - first)


# ---- E: events ----

def limit_redis(n, form):
    with world() as w:
        redis = w.redis(aof="no")
        return figures(BENCH / "limit_redis", "-s", redis.sock, "-n", n,
                       "-k", n, "-S", SHARDS, "-f", form)


def events(n, walk=False, later=None):
    streams = [f"{STREAM}.{i}" for i in range(SHARDS)]
    with world() as w:
        redis = w.redis(aof="no")
        preload(redis, n, "-S", SHARDS, *(["-w"] if walk else []))
        d = w.daemon(redis, start=False, streams=streams,
                     loop=loop(AT_ONCE, later=later), endpoint_more=HOLD,
                     owner_ttl="10s")
        d.start(wait=False)
        seconds, cpu, done = drained(redis, streams, n)
        return {"rate": done / seconds, "redis_us": cpu * 1e6 / done,
                "client_us": d.cpu_seconds() * 1e6 / n}


# ---- D: lapses ----

def lapses(rate, seconds):
    """How late each of rate * seconds lapses is in the outbox."""
    n, ahead = rate * seconds, 12
    with world() as w:
        redis = w.redis(aof="no")
        budget = seconds + ahead + 10
        d = w.daemon(redis, loop=loop(LAPSE, f"{budget}s"),
                     endpoint_more=HOLD, owner_ttl="10s")
        # entry times in the past, so that the first is due `ahead` from here
        preload(redis, n, "-r", rate, "-o", 1000 * (ahead - budget))
        wait_until(lambda: redis.applied() == n, ahead - 1,
                   "loaded before the first is due")
        late = figures(BENCH / "lateness", "-s", redis.sock, "-n", n, "-w",
                       seconds + ahead + 10)
        assert late["n"] == n, f"{late['n']:.0f} of {n} lapses fired"
        assert d.alive()
        return late


# ---- W: deliveries ----

def nginx():
    return shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


@contextlib.contextmanager
def sink(tls=False):
    """nginx where there is one, else a small program of our own; over TLS only
    nginx. The URL, and what to trust there."""
    with world() as w:
        port = free_port()
        said, ca = {"@TLS@": "", "@CERTIFICATE@": ""}, None
        if tls:
            ca = certificate(w.dir)
            said = {"@TLS@": " ssl", "@CERTIFICATE@":
                    f"ssl_certificate {ca};\n        "
                    f"ssl_certificate_key {w.dir}/key.pem;"}
        if nginx():
            text = (BENCH.parent.parent / "tests/bench/sink.conf").read_text()
            conf = w.dir / "nginx.conf"
            for word, value in {"@DIR@": str(w.dir), "@PORT@": str(port),
                                **said}.items():
                text = text.replace(word, value)
            conf.write_text(text)
            cmd = [nginx(), "-p", w.dir, "-c", conf, "-e",
                   w.dir / "nginx.log"]
        else:
            cmd = [BENCH / "sink", port]
        p = w.add(Process("sink", cmd, w.dir / "sink.log")).spawn()

        def answers():
            assert p.alive(), p.text()
            return subprocess.run(
                ["/usr/bin/python3", "-c", "import socket,sys\n"
                 "socket.create_connection(('127.0.0.1', int(sys.argv[1])))",
                 str(port)], capture_output=True).returncode == 0
        wait_until(answers, 10)
        yield f"http{'s' if tls else ''}://127.0.0.1:{port}/hook", ca
        p.stop()


def certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "key.pem",
         "-out", folder / "cert.pem", "-days", "3", "-subj", "/CN=sink",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True)
    return folder / "cert.pem"


def limit_post(n, url, body, ca=None):
    trust = ["-C", ca] if ca else []
    return figures(BENCH / "limit_post", "-n", n, "-c", LIMIT_IN_FLIGHT, "-B",
                   body, *trust, url)


def deliveries(n, url, ca=None):
    """From a full outbox until it is empty."""
    with world() as w:
        redis = w.redis(aof="no")
        trust = f'\n    ca_file = "{ca}"' if ca else ""
        holding = w.endpoint("crm", url, HOLD + trust)
        d = w.daemon(redis, loop=loop(AT_ONCE), endpoints=holding,
                     owner_ttl="10s")
        preload(redis, n)
        wait_until(lambda: redis.applied() == n, 120)
        assert d.stop() == 0

        waiting = redis.waiting
        body = body_size(redis)
        d.write_conf(d.conf.read_text().replace(HOLD, GO))
        full = waiting()
        d.start(wait=False)
        wait_until(lambda: waiting() < full, 30, step=0.001)
        first, t0, cpu = waiting(), time.monotonic(), d.cpu_seconds()
        wait_until(lambda: waiting() == 0, 300, step=0.01)
        seconds = time.monotonic() - t0
        return {"rate": first / seconds, "body": body,
                "client_us": (d.cpu_seconds() - cpu) * 1e6 / first}


def body_size(redis):
    for key in redis.client.scan_iter("{complaints}:fu:*", count=1000):
        row = redis.client.get(key)
        return len(row) - row.index(b'{"type"')
    raise AssertionError("no body waits in the outbox")


# ---- M: a million open complaints ----

def mean_bytes(redis, kind, n=500):
    """What one key of a kind takes, its place in the key table included."""
    sizes = []
    for key in redis.client.scan_iter(f"{{{STREAM}}}:{kind}:*", count=1000):
        sizes.append(redis.client.memory_usage(key, samples=0))
        if len(sizes) == n:
            break
    keys = redis.client.dbsize()
    slots = 1
    while slots < keys:
        slots *= 2
    return statistics.mean(sizes) + 8 * slots / keys


def open_complaints(n):
    with world() as w:
        redis = w.redis(aof="no")
        d = w.daemon(redis, loop=loop(LAPSE, "8h"), endpoint_more=HOLD,
                     owner_ttl="10s", redis_more='keep_events = "1s"')
        t0 = time.monotonic()
        preload(redis, n)
        wait_until(lambda: redis.applied() == n, 600, step=0.1)
        rate = n / (time.monotonic() - t0)
        time.sleep(2)  # trimming what was applied is part of the load
        # what an idle daemon is: the one that is started on all of it
        assert d.stop(60) == 0
        d.start()
        time.sleep(2)  # its start is not its idling
        c0, cpu0, t0 = commands(redis), d.cpu_seconds(), time.monotonic()
        time.sleep(20)  # the idle time that is measured
        seconds = time.monotonic() - t0
        out = {
            "rate": rate, "rss": rss_mb(d),
            "cpu": 100 * (d.cpu_seconds() - cpu0) / seconds,
            "commands": (commands(redis) - c0) / seconds,
            "bytes": mean_bytes(redis, "c") + redis.client.memory_usage(
                "{complaints}:wake", samples=0) / n,
            "pii": mean_bytes(redis, "pii"),
            "journal": mean_bytes(redis, "log"),
        }
        out["first"] = first_overdue(redis, d)
        return out


def first_overdue(redis, d):
    """ms from the start of the process to the first follow-up of a lapse that
    is overdue then. The rest of the complaints is not due for hours."""
    conf = d.conf.read_text().replace(
        'budget = "8h"', 'budget = "8h" tier "high" { budget = "1s" }')
    d.write_conf(conf)
    status, _, err = d.ctl("reload")
    assert status == 0, err
    before = redis.waiting()
    seen = redis.applied()
    preload(redis, 1, "-t", "high", "-p", "late")
    wait_until(lambda: redis.applied() == seen + 1, 10, step=0.001)
    d.kill9()
    time.sleep(1.5)  # it becomes overdue while nobody is there
    t0 = time.monotonic()
    d.start(wait=False)
    wait_until(lambda: redis.waiting() > before, 30, step=0.0005)
    return 1000 * (time.monotonic() - t0)
