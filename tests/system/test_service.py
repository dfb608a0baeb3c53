"""The unit file, and the daemon as systemd sees it."""

import os
import shutil
import signal
import socket
import subprocess

import pytest
from harness import BUILD, ROOT, wait_until

UNITS = sorted((ROOT / "systemd").glob("amendsd*"))
SERVICES = [u for u in UNITS if u.suffix == ".service"]


def analyze(*args):
    if shutil.which("systemd-analyze") is None:
        pytest.fail("systemd-analyze is missing: make deps")
    return subprocess.run(["systemd-analyze", *args], capture_output=True,
                          text=True)


@pytest.mark.parametrize("unit", UNITS, ids=lambda u: u.name)
def test_op_unit_verifies(unit, tmp_path):
    """As it would stand when installed: the programs where it says, and the
    others beside it."""
    for u in UNITS:
        text = u.read_text()
        if u in SERVICES:
            assert "\nExecStart=/usr/sbin/amendsd -c /etc/amends/" in text
            assert "\nExecReload=/usr/bin/amendsctl " in text
        (tmp_path / u.name).write_text(
            text.replace("/usr/sbin/amendsd", str(BUILD / "amendsd"))
            .replace("/usr/bin/amendsctl", str(BUILD / "amendsctl")))
    name = unit.name.replace("@.", "@shop.")
    if name != unit.name:
        (tmp_path / name).symlink_to(unit.name)
    p = analyze("verify", "--man=no", str(tmp_path / name))
    ours = [line for line in p.stderr.splitlines() if "amendsd" in line]
    assert p.returncode == 0 and ours == [], p.stderr


def rules(unit):
    """KEY=VALUE of a unit, without what an instance says of itself."""
    text = unit.read_text().replace("-%i", "").replace("%i.conf", "amends.conf")
    return [line for line in text.splitlines()
            if "=" in line and line[0] not in "#" and
            not line.startswith(("Description=", "ExecReload="))]


@pytest.mark.parametrize("unit", SERVICES, ids=lambda u: u.name)
def test_op_unit_is_hardened(unit):
    p = analyze("security", "--offline=true", "--threshold=12", str(unit))
    assert p.returncode == 0, p.stdout[-300:]
    # every peer of the status socket would be nobody
    assert "\nPrivateUsers=yes" not in unit.read_text()
    assert rules(unit) == rules(SERVICES[0])


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self.heard = []

    def lines(self):
        try:
            while True:
                self.heard += self.socket.recv(4096).decode().splitlines()
        except BlockingIOError:
            return self.heard

    def waits_for(self, start, timeout=15):
        return wait_until(lambda: [line for line in self.lines()
                                   if line.startswith(start)], timeout, start)


@pytest.fixture
def managed(world, redis):
    world.sink()
    manager = Manager(world.dir / "notify")
    d = world.daemon(redis, start=False, env={
        "NOTIFY_SOCKET": str(world.dir / "notify"), "WATCHDOG_USEC": "1000000"})
    d.start()
    yield d, manager
    manager.socket.close()


def test_ready_status_and_watchdog(managed):
    d, manager = managed
    manager.waits_for("READY=1")
    assert manager.waits_for("STATUS=")
    manager.waits_for("WATCHDOG=1")
    assert manager.lines().index("READY=1") >= 0


def test_reloading_then_ready_again(managed):
    d, manager = managed
    manager.waits_for("READY=1")
    manager.lines().clear()
    d.signal(signal.SIGHUP)
    manager.waits_for("RELOADING=1")
    manager.waits_for("READY=1")
    assert [line for line in manager.lines()
            if line.startswith("MONOTONIC_USEC=")]


def test_stopping(managed):
    d, manager = managed
    manager.waits_for("READY=1")
    d.signal(signal.SIGTERM)
    manager.waits_for("STOPPING=1")
    assert d.proc.wait(15) == 0
    assert not d.socket.exists()


def test_the_watchdog_starves_when_the_loop_hangs(managed):
    """WATCHDOG=1 comes from the event loop itself."""
    d, manager = managed
    manager.waits_for("WATCHDOG=1")
    d.signal(signal.SIGSTOP)
    manager.lines().clear()
    with pytest.raises(AssertionError):
        manager.waits_for("WATCHDOG=1", 2)
    d.signal(signal.SIGCONT)
    manager.waits_for("WATCHDOG=1")


def test_status_tells_what_is_wrong(managed, redis):
    d, manager = managed
    manager.waits_for("READY=1")
    manager.lines().clear()
    redis.kill9()
    wait_until(lambda: any("redis" in line for line in manager.lines()
                           if line.startswith("STATUS=")), 15)


def test_log_lines_carry_priorities_under_a_journal(world, redis):
    """Without --foreground each line begins with its <N>."""
    world.sink()
    d = world.daemon(redis, start=False)
    d.cmd.remove("--foreground")
    d.kw["env"]["JOURNAL_STREAM"] = "1:2"
    d.spawn()
    wait_until(lambda: d.logged(r"^<[3-7]>\w+ ") or d.logged(r"^\w+ \w+="))
    wait_until(d.socket.exists)


def test_embedded_redis_lives_and_dies_with_us(world):
    """--embedded DIR: a private server, gone when we are."""
    world.sink()
    home = world.dir / "own"
    home.mkdir()
    d = world.daemon(world.dir / "unused", start=False)
    d.cmd += ["--embedded", str(home)]
    d.start()
    assert (home / "redis.sock").exists()
    servers = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(d.pid)], capture_output=True,
        text=True).stdout.split()
    assert len(servers) == 1
    assert d.ctl("emit", "complaint.opened", "complaint_id=C-1",
                 "customer.phone=+8613800138000", "category=billing",
                 "summary=x", "tier=low")[0] == 0
    wait_until(lambda: d.ctl("show", "C-1")[0] == 0)
    d.kill9()
    wait_until(lambda: not os.path.exists(f"/proc/{servers[0]}"), 10)
    d.start()
    assert d.ctl("show", "C-1")[0] == 0  # the append-only file kept it
    assert d.stop() == 0
