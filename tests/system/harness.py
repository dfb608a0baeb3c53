"""Private Redis servers, daemons and receivers for the system tests.

Nothing here has a fixed port or path: every test has a World of its own in a
temporary folder, and World.close() ends what it started, by process id, and
fails the test when a sanitizer or the daemon itself had something to say that
no test expected.
"""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import redis as redis_py
from sink import Sink

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("AMENDS_BUILD", ROOT / "build" / "san"))
LONG = bool(os.environ.get("AMENDS_LONG"))
STREAM = "complaints"
SECRET = "whsec_" + base64.b64encode(b"amends system test key 0").decode()
SECRET_2 = "whsec_" + base64.b64encode(b"amends system test key 1").decode()
SANITIZER = re.compile(
    r"ERROR: (Address|Leak|Undefined)\w*Sanitizer|runtime error:|"
    r"AddressSanitizer:DEADLYSIGNAL|assertion failed", re.I)


def wait_until(predicate, timeout=15.0, what=None, step=0.02):
    """Poll until predicate() is true and give its value; AssertionError at
    the end of the time. The one place where a test sleeps."""
    end = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(
                f"not within {timeout} s: {what or predicate}")
        time.sleep(step)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Process:
    """One child in its own log file, ended by its id only."""

    def __init__(self, name, cmd, log, **kw):
        self.name, self.cmd, self.log = name, [str(c) for c in cmd], Path(log)
        self.kw = kw
        self.proc = None

    def spawn(self):
        with open(self.log, "ab") as out:
            self.proc = subprocess.Popen(
                self.cmd, stdin=subprocess.DEVNULL, stderr=out,
                stdout=self.kw.pop("stdout", out), **self.kw)
        return self

    @property
    def pid(self):
        return self.proc.pid

    def alive(self):
        return self.proc is not None and self.proc.poll() is None

    def signal(self, sig):
        if self.alive():
            self.proc.send_signal(sig)

    def kill9(self):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        return self.proc.wait(10)

    def stop(self, timeout=20):
        """SIGTERM and the exit status."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return self.proc.wait(timeout)

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Redis(Process):
    """A private redis-server on a unix socket (and a TCP port when asked)."""

    def __init__(self, folder, name="redis", aof="always", port=0, extra=(),
                 env=None):
        self.dir = Path(folder) / name
        self.dir.mkdir()
        self.sock = self.dir / "s"
        self.port = port
        cmd = ["redis-server", "--port", port, "--bind", "127.0.0.1",
               "--unixsocket", self.sock, "--dir", self.dir, "--save", "",
               "--hash-max-listpack-value", "1024",  # as conf/redis-amends.conf
               "--appendonly", "no" if aof == "no" else "yes",
               "--appendfsync", aof, "--maxmemory-policy", "noeviction",
               "--enable-debug-command", "local", "--loglevel", "warning",
               *extra]
        super().__init__(name, cmd, self.dir / "log",
                         env={**os.environ, **(env or {})})
        self.client = redis_py.Redis(unix_socket_path=str(self.sock),
                                     socket_timeout=10)

    def start(self):
        self.sock.unlink(missing_ok=True)
        self.spawn()
        wait_until(self.up, 30, f"{self.name} answers")
        return self

    def up(self):
        try:
            return self.client.ping()
        except (redis_py.ConnectionError, redis_py.BusyLoadingError):
            assert self.alive(), self.text()
            return False

    def restart(self):
        """kill -9 and a new start on what the disk holds."""
        self.kill9()
        self.client.connection_pool.disconnect()
        return self.start()

    # what the tests look at
    def cursor(self, stream=STREAM):
        raw = self.client.hgetall(f"{{{stream}}}:cursor")
        return {k.decode(): v.decode() for k, v in raw.items()}

    def applied(self, stream=STREAM):
        return int(self.cursor(stream).get("applied", 0))

    def keys(self, pattern):
        return sorted(k.decode() for k in self.client.scan_iter(
            pattern, count=1000))

    def waiting(self, endpoint="crm", stream=STREAM):
        """Follow-ups in the endpoint's outboxes, one of each class."""
        return sum(self.client.zcard(f"{{{stream}}}:out:{endpoint}{c}")
                   for c in ("", ":1", ":2", ":3"))

    def journal(self, complaint, stream=STREAM):
        return self.client.lrange(f"{{{stream}}}:log:{complaint}", 0, -1)


class Refused(AssertionError):
    """amendsctl's answer was not ok."""

    def __init__(self, code, error):
        super().__init__(f"code {code}: {error}")
        self.code, self.error = code, error


class Daemon(Process):
    def __init__(self, world, name, conf, env=None):
        self.world = world
        self.dir = world.dir / name
        self.dir.mkdir(exist_ok=True)
        self.socket = self.dir / "ctl"
        self.conf = self.dir / "amends.conf"
        self.data = self.dir / "state"
        self.data.mkdir(exist_ok=True)
        self.write_conf(conf)
        super().__init__(
            name, [BUILD / "amendsd", "--foreground", "-c", self.conf],
            self.dir / "log", cwd=ROOT, env={
                **os.environ,
                "ASAN_OPTIONS": "exitcode=99:abort_on_error=0:"
                                "quarantine_size_mb=8",
                "UBSAN_OPTIONS": "print_stacktrace=1", **(env or {})})
        self.expected = []  # patterns of warnings that the test provokes

    def write_conf(self, text):
        # by rename: a reload never sees half a file
        new = self.conf.with_suffix(".new")
        new.write_text(text)
        new.rename(self.conf)

    def start(self, wait=True):
        self.spawn()
        if wait:
            self.wait_running()
        return self

    def wait_running(self, timeout=20):
        def running():
            assert self.alive(), f"{self.name} ended:\n{self.text()}"
            try:
                shards = self.status()["shards"]
            except OSError:
                return False
            return shards and all(s["state"] == "running" for s in shards)
        wait_until(running, timeout, f"{self.name} runs its shards")

    def ask(self, line, timeout=15):
        """One command on the status socket: (rows, status line)."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout)
            s.connect(str(self.socket))
            s.sendall(line.encode() + b"\n")
            data = b""
            while True:
                more = s.recv(1 << 16)
                if not more:
                    break
                data += more
                last = data.rstrip(b"\n").rsplit(b"\n", 1)[-1]
                if data.endswith(b"\n") and last.startswith(b'{"ok":'):
                    break
        rows = [json.loads(r) for r in data.splitlines() if r]
        assert rows and "ok" in rows[-1], f"{line}: no status line in {data!r}"
        return rows[:-1], rows[-1]

    def rows(self, line):
        rows, end = self.ask(line)
        if not end["ok"]:
            raise Refused(end["code"], end.get("error"))
        return rows

    def status(self):
        return self.rows("status")[0]

    def shard(self):
        return self.status()["shards"][0]

    def state(self):
        """State of the first shard; None while nobody answers."""
        try:
            return self.shard()["state"]
        except OSError:
            return None

    def find(self, complaint):
        """`show`, or None when there is no such complaint."""
        rows, end = self.ask(f"show {complaint}")
        return rows[0] if end["ok"] else None

    def ctl(self, *args, timeout=15):
        """amendsctl itself: (exit status, standard output, error output)"""
        p = subprocess.run(
            [str(BUILD / "amendsctl"), "--socket", str(self.socket), *args],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout)
        return p.returncode, p.stdout, p.stderr

    def logged(self, pattern):
        return re.findall(pattern, self.text(), re.M)

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


CONF = """
instance = "{instance}"
data_dir = "{state}"
redis {{
    url = "{redis}"
    streams = {{{streams}}}
    owner_ttl = "{owner_ttl}"
    {redis_more}
}}
status {{
    socket = "{socket}"
    mode = "0600"
    {status_more}
}}
{endpoints}
{more}
{loop}
"""

ENDPOINT = """
endpoint "{name}" {{
    type = "webhook"
    url = "{url}"
    allow_http = true
    allow_net = {{"127.0.0.0/8"}}
    secret = {{{secrets}}}
    {more}
}}
"""
ENDPOINT_MORE = 'timeout = "2s"\n    retry = {"0s", "1s", "1s", "1s", "1s"}'

# A whole walk in seconds: every kind of rung is there.
LOOP = """
message "late" {
    text = "Complaint {complaint.id} waits, due {clock.due}."
    lang "zh" { text = "投诉 {complaint.id} 已等待,应于 {clock.due} 前处理。" }
}
message "solved" {
    text = "Is {complaint.id} solved?"
    lang "zh" { text = "您的投诉 {complaint.id} 是否已解决?" }
}
loop "complaint" {
    tiers = {"high", "mid", "low"}
    default_tier = "mid"
    stage "listen" {
        budget = "2s"  implied_by_later = true
        tier "low" { budget = "1h" }
        rung "warn"     { at = "50%"  to = "owner"      via = {"crm"} }
        rung "lapse"    { at = "100%" to = "owner"      via = {"crm"} message = "late" }
        rung "escalate" { at = "+1s"  to = "supervisor" via = {"crm"} message = "late" }
    }
    stage "apologize" {
        budget = "1h"
        rung "lapse" { at = "100%" to = "owner" via = {"crm"} }
    }
    stage "resolve" {
        budget = "2h"
        requires = {"root_cause", "action"}
        rung "lapse" { at = "100%" to = "owner" via = {"crm"} }
    }
    stage "callback-confirm" {
        kind = "confirm"
        budget = "1h"
        reopen_to = "resolve"  reopen_at = 2  reopen_window = "14d"  max_reopens = 2
        rung "ask"   { at = "0%"   to = "customer" via = {"crm"} message = "solved" }
        rung "lapse" { at = "100%" to = "owner"    via = {"crm"} }
    }
}
"""


class Receiver(Process):
    """tests/system/receiver.py or receiver.mjs: prints its port, records every
    request as one line of JSON."""

    def __init__(self, world, name, program="receiver.py", args=()):
        self.record = world.dir / f"{name}.jsonl"
        secret = world.secret()
        if program.endswith(".mjs"):
            cmd = ["node"]
        else:
            cmd = [sys.executable]
        here = Path(__file__).resolve().parent
        super().__init__(
            name, [*cmd, here / program, "--record", self.record, "--secret",
                   secret, *args], world.dir / f"{name}.log", cwd=here,
            stdout=subprocess.PIPE)
        self.port = 0

    def start(self):
        self.spawn()
        line = self.proc.stdout.readline().decode()
        found = re.search(r"\d+", line)
        assert found, f"{self.name} said no port: {line!r} {self.text()}"
        self.port = int(found.group())
        return self

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.port}{path}"

    def requests(self):
        if not self.record.exists():
            return []
        with open(self.record, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.endswith("\n")]


class World:
    """Everything one test starts."""

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="amends-"))
        self.processes = []
        self.closers = []
        self.receiver = None
        self.failures = []

    def add(self, process):
        self.processes.append(process)
        return process

    def secret(self, name="hook.secret", value=SECRET):
        path = self.dir / name
        if not path.exists():
            path.write_text(value + "\n")
            path.chmod(0o600)
        return path

    def redis(self, **kw):
        kw.setdefault("name", f"redis{len(self.processes)}")
        return self.add(Redis(self.dir, **kw)).start()

    def start_receiver(self, program="receiver.py", args=(), name="receiver"):
        self.receiver = self.add(Receiver(self, name, program, args)).start()
        return self.receiver

    def sink(self, respond=None):
        """A receiver inside this process; the endpoint of conf() uses it."""
        s = Sink(respond) if respond else Sink()
        self.closers.append(s.stop)
        self.receiver = self.receiver or s
        return s

    def endpoint(self, name, url, more=ENDPOINT_MORE, secrets=None):
        refs = secrets or [self.secret()]
        return ENDPOINT.format(
            name=name, url=url, more=more,
            secrets=", ".join(f'"file:{p}"' for p in refs))

    def conf(self, redis, instance="t1", folder=None, loop=LOOP,
             endpoints=None, more="", owner_ttl="2s", streams=(STREAM,),
             redis_more="", status_more="", endpoint_more=ENDPOINT_MORE):
        folder = self.dir / (folder or instance)
        if endpoints is None:
            url = self.receiver.url() if self.receiver else \
                "http://127.0.0.1:9/hook"
            endpoints = self.endpoint("crm", url, endpoint_more)
        return CONF.format(
            instance=instance, state=folder / "state",
            redis=f"unix://{getattr(redis, 'sock', redis)}",
            streams=", ".join(f'"{s}"' for s in streams),
            owner_ttl=owner_ttl, redis_more=redis_more,
            socket=folder / "ctl", status_more=status_more,
            endpoints=endpoints, more=more, loop=loop)

    def daemon(self, redis, instance="t1", start=True, env=None, **kw):
        d = self.add(Daemon(self, instance, self.conf(
            redis, instance=instance, **kw), env=env))
        return d.start() if start else d

    def close(self):
        """End everything; what must fail the test is in the answer."""
        wrong = list(self.failures)
        for p in reversed(self.processes):
            if isinstance(p, Daemon) and p.alive():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    status = p.stop()
                    young = status == -signal.SIGTERM and not p.text()
                    if status != 0 and not young:
                        wrong.append(f"{p.name} ended with {status}")
                if p.alive():
                    wrong.append(f"{p.name} did not end within its time")
            if p.alive():
                p.kill9()
        for closer in self.closers:
            try:
                closer()
            except AssertionError as e:  # the rest must end all the same
                wrong.append(str(e))
        for p in self.processes:
            if isinstance(p, Daemon) and SANITIZER.search(p.text()):
                wrong.append(f"{p.name}:\n{p.text()[-6000:]}")
        return wrong

    def logs(self):
        return "\n".join(
            f"--- {p.name}\n{p.text()[-4000:]}" for p in self.processes
            if p.text())

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def opened(complaint, **fields):
    """The fields of a complaint.opened event."""
    return {"event": "complaint.opened", "complaint_id": complaint,
            "customer.phone": "+8613800138000", "category": "billing",
            "summary": "charged twice", "owner": "li", **fields}


def event(name, complaint, **fields):
    return {"event": name, "complaint_id": complaint, **fields}


class Producer:
    """XADDs events and remembers what it was told."""

    def __init__(self, redis, stream=STREAM):
        self.redis, self.stream = redis, stream
        self.n = 0
        self.sent = []  # dicts of fields, with the stream id as `_id`

    def send(self, fields):
        self.n += 1
        fields = {"event_id": f"E-{self.n}", "source": "test", **fields}
        sid = self.redis.client.xadd(self.stream, fields)
        self.sent.append({**fields, "_id": sid.decode()})
        return sid.decode()

    def open(self, complaint, **fields):
        return self.send(opened(complaint, **fields))

    def emit(self, name, complaint, **fields):
        return self.send(event(name, complaint, **fields))
