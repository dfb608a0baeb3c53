"""Faults 63 and 64 at their worst: everything at once on the status socket, a
wrong user who does not give up, a log that nobody takes. Memory stays bounded,
others are served, the log stays quiet, and complaints go on. I9."""

import os
import resource
import signal
import socket
import subprocess
import threading
import time

import pytest
from harness import wait_until

PAGE = resource.getpagesize()


def rss(daemon):
    with open(f"/proc/{daemon.pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * PAGE


def connect(daemon, timeout=10):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout)
    s.connect(str(daemon.socket))
    return s


def give(s, data):
    """As much as is taken before the other side closes: bytes."""
    sent = 0
    try:
        while sent < len(data):
            sent += s.send(data[sent:sent + (1 << 16)])
    except OSError:
        pass
    return sent


def gibibyte(daemon):
    """A line of 1 GiB: how much of it was taken."""
    chunk, sent = b"x" * (1 << 16), 0
    with connect(daemon) as s:
        while sent < 1 << 30:
            n = give(s, chunk)
            sent += n
            if n < len(chunk):
                break
    return sent


def garbage(daemon):
    with connect(daemon) as s:
        give(s, b'show "half\n\0\xff\r\n' * 20)


def half_a_line(daemon):
    s = connect(daemon)
    give(s, b"stat")
    return s


def reads_nothing(daemon):
    """Asks for what is long, and takes none of it."""
    s = connect(daemon, 0.5)
    give(s, b"help\n" * 2000)
    return s


class Storm(threading.Thread):
    """One kind of abuse, again and again; the sockets it keeps are closed at
    the end."""

    def __init__(self, act, daemon, until):
        super().__init__(daemon=True)
        self.act, self.daemon_, self.until = act, daemon, until
        self.n, self.kept = 0, []
        self.start()

    def run(self):
        while time.monotonic() < self.until:
            try:
                got = self.act(self.daemon_)
            except OSError:  # no place, or not accepted yet
                continue
            self.n += 1
            if isinstance(got, socket.socket):
                self.kept.append(got)
                if len(self.kept) > 100:
                    self.kept.pop(0).close()
        for s in self.kept:
            s.close()


def is_served(daemon):
    """Somebody new. No place, or a full queue, is a no."""
    try:
        return daemon.ask("health", 2)[1]["ok"]
    except (OSError, ValueError, AssertionError):
        return False


def p99(times):
    return sorted(times)[int(len(times) * 0.99)]


def test_a_storm_on_the_status_socket(world, redis, producer):
    """Fault 63, I9: garbage, lines of 1 GiB, half lines and clients that read
    nothing, from five threads for three seconds."""
    sink = world.sink()
    daemon = world.daemon(redis)
    mine = connect(daemon)
    mine.sendall(b"health\n")
    assert mine.recv(1 << 16)
    before, lines = rss(daemon), len(daemon.text().splitlines())
    begun = time.monotonic()
    storms = [Storm(act, daemon, begun + 3) for act in (
        garbage, gibibyte, half_a_line, half_a_line, reads_nothing)]
    producer.open("C-1")
    times, newcomers, most = [], 0, 0
    while time.monotonic() < begun + 3:
        t = time.monotonic()
        mine.sendall(b"health\n")
        got = b""
        while got.count(b"\n") < 2:
            more = mine.recv(1 << 16)
            assert more, "the one who behaves was closed"
            got += more
        times.append(time.monotonic() - t)
        most = max(most, rss(daemon))
        newcomers += is_served(daemon)
    for s in storms:
        s.join(10)
        assert s.n > 0, s.act
    took = time.monotonic() - begun
    assert len(times) > 20 and p99(times) < 1, p99(times)
    assert newcomers > 0
    assert most - before < 64 << 20, (before, most)
    said = daemon.text().splitlines()[lines:]
    said = [x for x in said if "ctl_" in x]
    assert len(said) <= took + 2, said
    # the work went on, and a newcomer finds a place again
    wait_until(lambda: len(sink.of("C-1")) >= 1)
    wait_until(lambda: is_served(daemon), 10)
    mine.close()
    fds = f"/proc/{daemon.pid}/fd"
    wait_until(lambda: len(os.listdir(fds)) < 40, 15)


def test_a_gibibyte_line_is_cut_at_4_kib(world, redis):
    """Fault 63: what the kernel holds is all that such a client can send."""
    world.sink()
    daemon = world.daemon(redis)
    before = rss(daemon)
    for _ in range(20):
        assert gibibyte(daemon) < 4 << 20
    assert rss(daemon) - before < 16 << 20
    assert len(daemon.logged("ctl_refused.*4096")) <= 3
    assert daemon.status()


WRONG = """
import os, socket, sys, time
os.setgroups([]); os.setgid(65534); os.setuid(65534)
n = 0
until = time.monotonic() + float(sys.argv[2])
while time.monotonic() < until:
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(sys.argv[1])
        s.sendall(b"status\\n" * 3)
        assert b'"ok":true' not in s.recv(65536)
        n += 1
    except OSError:
        pass
    s.close()
print(n)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another")
def test_a_wrong_user_who_does_not_give_up(world, redis):
    """Fault 63: hundreds of refusals are a line a second."""
    world.sink()
    daemon = world.daemon(redis, start=False)
    daemon.write_conf(daemon.conf.read_text().replace(
        'mode = "0600"', 'mode = "0666"'))
    for p in (world.dir, daemon.dir):
        p.chmod(0o755)
    daemon.start()
    p = subprocess.Popen(["/usr/bin/python3", "-c", WRONG,
                          str(daemon.socket), "2"],
                         stdout=subprocess.PIPE, text=True)
    times = []
    while p.poll() is None:
        t = time.monotonic()
        if is_served(daemon):
            times.append(time.monotonic() - t)
    assert len(times) > 20
    assert p.returncode == 0
    assert int(p.stdout.read()) > 100
    assert p99(times) < 0.5
    denied = daemon.logged("ctl_denied uid=65534 .*")
    assert 1 <= len(denied) <= 4, denied


def test_a_log_on_a_full_disk_stops_nobody(world, redis, producer):
    """Fault 64: every write says ENOSPC; what is lost is counted."""
    sink = world.sink()
    daemon = world.daemon(redis, start=False)
    with open("/dev/full", "wb") as full:
        daemon.proc = subprocess.Popen(
            daemon.cmd, stdin=subprocess.DEVNULL, stdout=full, stderr=full,
            **daemon.kw)
    daemon.wait_running()
    producer.open("C-1")
    wait_until(lambda: len(sink.of("C-1")) >= 1)
    dropped = daemon.status()["log_dropped"]
    assert dropped > 0
    assert daemon.ctl("reload")[0] == 0
    assert daemon.status()["log_dropped"] > dropped
    assert f"{daemon.status()['log_dropped']}" in daemon.ctl("status")[1]
    assert daemon.stop() == 0


def test_a_log_that_is_read_again_says_what_is_missing(world, redis):
    """Fault 64: a pipe that is full, then read: the first new line tells how
    many were lost. Nobody waits, not even the end of the daemon."""
    world.sink()
    daemon = world.daemon(redis, start=False)
    r, w = os.pipe()
    daemon.proc = subprocess.Popen(
        daemon.cmd, stdin=subprocess.DEVNULL, stdout=w, stderr=w,
        **daemon.kw)
    daemon.wait_running()
    os.set_blocking(w, False)
    try:
        while True:  # fill it ourselves
            os.write(w, b"#" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(w, True)
    os.close(w)
    begun = time.monotonic()
    for _ in range(5):
        assert daemon.ctl("reload")[0] == 0
    assert time.monotonic() - begun < 5
    dropped = daemon.status()["log_dropped"]
    assert dropped >= 5
    os.set_blocking(r, False)
    try:
        while os.read(r, 1 << 16):
            pass
    except BlockingIOError:
        pass
    assert daemon.ctl("reload")[0] == 0
    text = wait_until(lambda: os.read(r, 1 << 16)).decode()
    assert text.startswith(f"log_dropped n={dropped}\n"), text
    assert "reload" in text
    os.close(r)  # and a pipe without a reader
    assert daemon.ctl("reload")[0] == 0
    daemon.signal(signal.SIGTERM)
    assert daemon.proc.wait(20) == 0
