"""The Debian package: built, judged by lintian, installed on this machine's
double by dpkg itself, run by its unit's own command line, upgraded, removed and
purged. And `make install` without a package."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from harness import ROOT, Process, wait_until
from machine import Machine

# What is packed is the plain build, which `make test` has made before.
PLAIN = Path(os.environ.get("AMENDS_PLAIN", ROOT / "build"))
UNIT = "/lib/systemd/system/amendsd.service"
CONF = "/etc/amends/amends.conf"
KEY = "/etc/amends/crm-hook.secret"
# What dpkg, its triggers and the making of a user write, and leave.
DPKG = re.compile(
    r"/var/(lib/dpkg|cache/(man|ldconfig|debconf)|log)/|/etc/ld\.so\.cache|"
    r"/etc/(passwd|group|shadow|gshadow|\.pwd\.lock|subuid|subgid)-?$")


def sh(*cmd, timeout=280, **kw):
    p = subprocess.run([str(c) for c in cmd], cwd=ROOT, text=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=timeout, **kw)
    assert p.returncode == 0, f"{cmd}:\n{p.stdout[-4000:]}"
    return p.stdout


def make(*words):
    return sh("make", f"O={PLAIN}", *words, env={
        **{k: v for k, v in os.environ.items() if k != "MAKEFLAGS"},
        "DEB_BUILD_OPTIONS": "noautodbgsym"})


@pytest.fixture(scope="module", autouse=True)
def programs():
    """One of the tests that run at once makes what is missing."""
    PLAIN.mkdir(exist_ok=True)
    with open(PLAIN / "package.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        make(f"-j{os.cpu_count()}", "all")


def build(folder):
    """make deb: the paths of the package and its .changes."""
    for program in ("dpkg-buildpackage", "dh", "lintian"):
        assert shutil.which(program), f"{program} is missing: make deps"
    make("deb", f"DEBDIR={folder}", f"DEB_O={PLAIN}")
    deb, = folder.glob("amends_*.deb")
    changes, = folder.glob("*.changes")
    return deb, changes


def next_version(deb, folder):
    """The same, one version on, with another amends.conf and calendar."""
    sh("dpkg-deb", "-R", deb, folder)
    control = folder / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*", r"\g<0>+next",
                              control.read_text(), flags=re.M))
    for name in ("amends.conf", "calendars.d/uk.conf"):
        with open(folder / "etc/amends" / name, "a", encoding="utf-8") as f:
            f.write("# of the next version\n")
    out = folder.parent / "next.deb"
    sh("dpkg-deb", "--root-owner-group", "-Znone", "-b", folder, out)
    return out


@pytest.fixture
def machine(world):
    m = Machine(world.dir / "machine")
    yield m
    m.stop()


class Service:
    """amendsd as its unit starts it, without a systemd."""

    def __init__(self, world, machine):
        self.world, self.machine, self.n = world, machine, 0
        self.process = None

    def keys(self):
        text = self.machine.read(UNIT)
        return dict(re.findall(r"^(\w+)=(.*)$", text, re.M))

    def spawn(self, name, cmd, user=None):
        p = self.world.add(Process(
            name, self.machine.command(cmd, user), self.world.dir / name))
        return p.spawn()

    def start(self):
        k, env = self.keys(), []
        for kind, top in (("Runtime", "/run"), ("State", "/var/lib")):
            path = f"{top}/{k[f'{kind}Directory']}"
            self.machine.must(
                "install", "-d", "-o", k["User"], "-g", k["Group"], "-m",
                k[f"{kind}DirectoryMode"], path)
            env.append(f"{kind.upper()}_DIRECTORY={path}")
        self.n += 1
        self.process = self.spawn(
            f"amendsd{self.n}", ["env", *env, *k["ExecStart"].split()],
            k["User"])
        wait_until(lambda: self.running(), 20, "amendsd runs")

    def running(self):
        assert self.process.alive(), self.process.text()
        status, out = self.machine.run("amendsctl", "status")
        return status == 0 and "running" in out.splitlines()[0]

    def reload(self):
        k = self.keys()
        return self.machine.run(*k["ExecReload"].split(), user=k["User"])

    def stop(self):
        # nsenter's child is the daemon
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        os.kill(int(Path(children).read_text()), signal.SIGTERM)
        assert self.process.proc.wait(20) == 0, self.process.text()


def test_op_package_installs_runs_upgrades_and_purges(world, machine):
    deb, changes = build(world.dir / "deb")
    said = sh("lintian", "--fail-on", "error,warning", changes)
    assert not re.search("^[EW]:", said, re.M), said

    m, service = machine, Service(world, machine)
    before = m.written()
    m.write("/opt/amends.deb", deb.read_bytes())
    m.must("dpkg", "-i", "/opt/amends.deb")
    assert "install ok installed" in m.must("dpkg", "-s", "amends")
    assert re.fullmatch(r"600 amends amends",
                        m.must("stat", "-c", "%a %U %G", KEY).strip())
    key = m.read(KEY)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/=]{44}\n", key)
    for path in ("/etc/systemd/system/multi-user.target.wants/amendsd.service",
                 "/usr/share/man/man8/amendsd.8.gz",
                 "/usr/share/amends/providers/twilio.conf",
                 "/usr/share/amends/prometheus/amends.rules.yml",
                 "/usr/share/bash-completion/completions/amendsctl",
                 "/usr/share/zsh/vendor-completions/_amendsctl",
                 "/usr/share/man/man7/amends-events.7.gz",
                 "/usr/share/doc/amends/README.Debian"):
        m.must("test", "-e", path)
    assert not m.exists("/etc/systemd/system/sockets.target.wants/"
                        "amendsd.socket")
    for unit in ("amendsd.service", "amendsd@x.service", "amendsd.socket",
                 "amendsd-view.socket", "amendsd@x.socket"):
        said = m.must("systemd-analyze", "verify", "--man=no", unit)
        assert "amends" not in said, said
    assert "0 remarks" in m.must("amendsd", "-t")

    # As it is shipped, with the Redis that Debian has.
    service.spawn("redis", ["redis-server", "--bind", "127.0.0.1", "--save",
                            "", "--dir", "/run"])
    wait_until(lambda: m.run("redis-cli", "ping")[0] == 0)
    service.start()
    assert "amends amends 660" == m.must(
        "stat", "-c", "%U %G %a", "/run/amends/status.sock").strip()
    m.must("amendsctl", "emit", "complaint.opened", "complaint_id=C-1",
           "customer.phone=+8613800138000", "category=x", "summary=y")
    wait_until(lambda: m.run("amendsctl", "show", "C-1")[0] == 0)
    status, said = m.run("amendsctl", "status", user="daemon")
    assert status == 5 and "group" in said, said
    assert service.reload()[0] == 0
    good = m.read(CONF)
    m.write(CONF, good + "\nnonsense\n")
    status, said = service.reload()
    assert status == 1 and "amends.conf:" in said, said
    assert service.running()

    # An upgrade keeps what was changed here and brings what was not.
    mine = good.replace('# log_level = "info"', 'log_level = "debug"')
    assert mine != good
    m.write(CONF, mine)
    m.write("/etc/amends/redis-amends.conf", "appendonly yes\n")
    m.write("/opt/next.deb",
            next_version(deb, world.dir / "next").read_bytes())
    m.must("dpkg", "-i", "--force-confdef", "--force-confold", "/opt/next.deb")
    assert m.read(CONF) == mine and m.read(KEY) == key
    assert m.read("/etc/amends/redis-amends.conf") == "appendonly yes\n"
    assert "of the next" in m.read(f"{CONF}.dpkg-dist")
    assert "of the next" in m.read("/etc/amends/calendars.d/uk.conf")
    service.stop()
    service.start()
    assert m.run("amendsctl", "show", "C-1")[0] == 0
    service.stop()

    m.must("systemctl", "enable", "amendsd@shop.service",
           "amendsd@shop.socket")

    # Removed: the configuration and the state are still there.
    m.must("dpkg", "-r", "amends")
    assert not m.exists("/usr/sbin/amendsd") and not m.exists(UNIT)
    assert m.read(CONF) == mine and m.read(KEY) == key
    assert m.exists("/var/lib/amends")

    # Purged: nothing but the user, and what is in Redis.
    m.write("/etc/amends/shop.conf", mine)
    m.must("mkdir", "/var/lib/amends-shop")
    m.must("dpkg", "-P", "amends")
    m.must("rm", "/opt/amends.deb", "/opt/next.deb")
    left = {f for f in m.written() - before
            if not DPKG.search(f) and (not f.endswith("/") or "amends" in f)}
    assert left == set() and "/etc/passwd" in m.written()
    assert m.run("id", "amends")[0] == 0
    assert "C-1" in m.must("redis-cli", "--scan", "--pattern", "*C-1*")


def test_op_make_install_keeps_a_conf_and_uninstall_takes_the_rest(tmp_path):
    """PREFIX and DESTDIR; the units name the programs where they are."""
    def run(target):
        return make(target, f"DESTDIR={tmp_path}", "PREFIX=/usr/local",
                    "SYSCONFDIR=/usr/local/etc")

    def files():
        return {str(f.relative_to(tmp_path))
                for f in tmp_path.rglob("*") if f.is_file()}

    run("install")
    here = tmp_path / "usr/local"
    first = files()
    assert {f.split("/")[2] for f in first} == {
        "bin", "sbin", "lib", "share", "etc"}
    assert {"usr/local/sbin/amendsd", "usr/local/bin/amendsctl",
            "usr/local/lib/sysusers.d/amends.conf",
            "usr/local/lib/tmpfiles.d/amends.conf",
            "usr/local/share/man/man5/amends.conf.5",
            "usr/local/etc/amends/loops.d/bank.conf"} <= first
    for name in ("amendsd.service", "amendsd@.service"):
        text = (here / "lib/systemd/system" / name).read_text()
        assert "ExecStart=/usr/local/sbin/amendsd -c /usr/local/etc/" in text
        assert "ExecReload=/usr/local/bin/amendsctl " in text
    assert {Path(f).name for f in first if "lib/systemd" in f} == {
        f.name for f in (ROOT / "systemd").glob("amendsd*")}

    conf = here / "etc/amends/amends.conf"
    conf.write_text("# mine\n")
    bank = here / "etc/amends/loops.d/bank.conf"
    bank.write_text("# mine, too\n")
    (here / "share/amends/providers/twilio.conf").write_text("# not mine\n")
    run("install")
    assert files() == first
    assert conf.read_text() == "# mine\n"
    assert bank.read_text() == "# mine, too\n"
    assert "not mine" not in (
        here / "share/amends/providers/twilio.conf").read_text()

    run("uninstall")
    assert files() == {f for f in first if "/etc/" in f}
    run("uninstall")  # twice is not wrong
