"""What the pages for people say: every command of docs/operations.md is run as
it stands there, in its order, and every name that the source has is explained."""

import os
import re
import shlex
import subprocess

import pytest
from harness import BUILD, ROOT, Producer, free_port, wait_until
from sink import answer

PAGE = (ROOT / "docs/operations.md").read_text()
UNITS = {p.name for p in (ROOT / "systemd").glob("*.s*")}
# what only a machine of one's own can do; test_package does it
MACHINE = re.compile(r"make (deb|install)\b|journalctl -u amendsd\b")
CONF = """
http {{ listen = "127.0.0.1:{http}"  view = "127.0.0.1:{view}" }}
"""


def source(*names):
    return "\n".join((ROOT / n).read_text() for n in names)


def sections():
    return set(re.findall(r"^#+ (.*)$", PAGE, re.M))


def rows(title):
    """First cells of the table of a section, as words."""
    text = re.split(rf"^## {title}$", PAGE, flags=re.M)[1]
    text = re.split(r"^## ", text, flags=re.M)[0]
    cells = re.findall(r"^\| (`[^|]*) \|", text, re.M)
    return {w for c in cells for w in re.findall(r"`([^`]*)`", c)}


# ---- every name is explained ----


def test_every_alert_has_a_section():
    alerts = re.findall(r"- alert: (\w+)",
                        source("conf/prometheus/amends.rules.yml"))
    assert alerts and set(alerts) <= sections()
    headings = {s for s in sections() if s.startswith("Amends")}
    assert headings == set(alerts)


def test_every_state_and_finding_has_a_row():
    states = re.findall(r'\[AM_SHARD_\w+\] = "([^"]+)"',
                        source("lib/store/store.c"))
    assert len(states) > 7
    assert rows("States of a shard") == {*states, "lagging"}
    kinds = re.findall(r'\[AM_AUDIT_\w+\] = "(\w+)"', source("daemon/audit.c"))
    assert kinds and rows("What the audit finds") == set(kinds)
    ends = rows("How a follow-up ends")
    assert ends == {"delivered", "dead", "suppressed", "expired", "unknown"}


def test_every_reject_code_has_a_row():
    """Codes stand behind these calls; fields are not codes."""
    text = "\n".join(p.read_text() for folder in ("lib/core", "lib/intake",
                                                  "daemon")
                     for p in (ROOT / folder).glob("*.c")
                     if not re.match(r"(produce|callbacks|link)", p.name))
    codes = set()
    for call, place in (("am_reject_fill", 1), ("am_act_refuse", 1),
                        ("reject_as", 1)):
        for args in re.findall(rf"\b{call}\(([^;]*?)\)?;", text, re.S):
            word = args.split(",")[place].strip()
            if re.fullmatch(r'"[a-z_]+"', word):
                codes.add(word.strip('"'))
    assert {"unknown_event", "conflict", "poison"} <= codes
    assert codes <= rows("Rejected events"), \
        codes - rows("Rejected events")


def test_the_redis_users_are_those_of_the_file():
    users = re.findall(r"^# (user .*)$", source("conf/redis-amends.conf"),
                       re.M)
    assert len(users) == 2
    assert all(f"\n{u}\n" in PAGE for u in users)


def test_links_lead_somewhere():
    anchors = {re.sub(r"[^\w\- ]", "", s.lower()).replace(" ", "-")
               for s in sections()}
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        else:
            assert (ROOT / "docs" / target).exists(), target


# ---- every command runs ----


def commands(page):
    """Logical lines of the page's shell blocks."""
    for block in re.findall(r"^```sh\n(.*?)^```$", page, re.M | re.S):
        yield from (line.strip() for line in
                    block.replace("\\\n", " ").splitlines() if line.strip())


class Machine:
    """Runs lines as a person would, on a machine that is this test's folder."""

    def __init__(self, world):
        self.world = world
        self.redis = world.redis(port=free_port())
        self.sink = world.sink(lambda seen: answer(
            400 if b"followup.lapse" in seen.body else 200))
        self.view, self.http = free_port(), free_port()
        self.daemon = world.daemon(
            self.redis, more=CONF.format(view=self.view, http=self.http),
            endpoints=world.endpoint("crm", self.sink.url("/crm")) +
            world.endpoint("desk", self.sink.url("/desk"),
                           'retry = {"0s"}'),
            loop=LOOP)
        self.producer = Producer(self.redis)
        self.restored, self.late = False, 0
        bin_ = world.dir / "bin"
        bin_.mkdir()
        for name, text in (
                ("sudo", 'exec "$@"'),
                ("amendsd", f'exec {BUILD}/amendsd -c {self.daemon.conf} "$@"'),
                ("amendsctl", f'exec {BUILD}/amendsctl "$@"'),
                ("redis-cli", "exec /usr/bin/redis-cli "
                              f'-s {self.redis.sock} "$@"')):
            (bin_ / name).write_text(f"#!/bin/sh\n{text}\n")
            (bin_ / name).chmod(0o755)
        for folder in ("backups", "redis.etc"):
            (world.dir / folder).mkdir()
        self.env = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}",
                    "AMENDS_SOCKET": str(self.daemon.socket)}

    def systemctl(self, verb, *units):
        units = [u.removesuffix(".service") for u in units
                 if not u.startswith("--")]
        for u in units:
            assert u == "redis-server" or u in UNITS or \
                f"{u}.service" in UNITS, f"no unit {u}"
        if verb == "reload":
            assert self.daemon.ctl("reload")[0] == 0
        for u in units:
            process = {"amendsd": self.daemon,
                       "redis-server": self.redis}.get(u)
            if process and verb in ("stop", "restart") and process.alive():
                assert process.stop() == 0
            if process and verb in ("start", "restart", "enable") and \
                    not process.alive():
                self.start(process)

    def start(self, process):
        restored = self.redis.dir / "appendonlydir.before"
        if process is self.redis:
            process.client.connection_pool.disconnect()
        elif restored.exists() and not self.restored:
            # the daemon knows of work of a minute and more that is gone
            self.restored = True
            state = self.daemon.data / "t1.state"
            state.write_text(re.sub(r"^(\w{32}) \d+ \d+ ", r"\1 9999 9998 ",
                                    state.read_text(), flags=re.M))
            process.start(wait=False)
            wait_until(lambda: self.daemon.state() == "halted:dataset")
            return
        process.start()

    def ids(self, line):
        """The words in capitals that the line has, as they are here."""
        d = self.daemon
        if "FOLLOWUP" in line:
            yield "FOLLOWUP", self.waiting()[0]["id"]
        if "LETTER" in line:
            yield "LETTER", d.rows("dead list")[0]["id"]
        if "ENTRY" in line:
            yield "ENTRY", d.rows("rejects list")[0]["entry"]
        if "SILENCE" in line:
            yield "SILENCE", d.rows("silence list")[0]["id"]

    def prepare(self, line):
        """There is what the line speaks of."""
        d = self.daemon
        if "systemctl" in line or not d.alive() or not self.redis.alive():
            return
        if d.alive() and d.state() == "released" and "adopt" not in line:
            d.ctl("shard", "adopt", "complaints")
            d.wait_running()
        if "shard adopt" in line and d.state() == "running":
            d.ctl("shard", "release", "complaints")
        for word, cid in (("erase C-9", "C-9"), ("+8613800138009", "C-10")):
            if word in line:
                self.producer.open(cid, **{"customer.phone": "+8613800138009"})
                wait_until(lambda: d.find(cid), what=line)
        if "aof_rewrite_in_progress:0" in line:
            wait_until(lambda: not self.redis.client.info("persistence")[
                "aof_rewrite_in_progress"])
        if "cancel FOLLOWUP" in line or "retry FOLLOWUP" in line:
            self.open_late()
            wait_until(self.waiting, what=line)
        if "LETTER" in line:
            self.producer.open("D-1")
            wait_until(lambda: d.rows("dead list"), what=line)
        if "ENTRY" in line:
            self.redis.client.xadd("complaints", {"event": "nonsense"})
            wait_until(lambda: d.rows("rejects list"), what=line)

    def open_late(self):
        """A complaint with a follow-up that waits."""
        self.late += 1
        self.daemon.rows(f'silence add --match complaint=L-{self.late} '
                         '--author t --reason t --for 1h')
        self.producer.open(f"L-{self.late}")

    def waiting(self):
        return self.daemon.rows(f"followups --complaint L-{self.late}")

    def run(self, line):
        if MACHINE.match(re.sub(r"^sudo ", "", line)):
            return None
        self.prepare(line)
        words = shlex.split(line.removeprefix("sudo "))
        if words[0] == "systemctl":
            return self.systemctl(*words[1:])
        for word, value in self.ids(line):
            line = line.replace(word, value)
        for path, here in (
                ("/etc/amends/amends.conf", self.daemon.conf),
                ("/etc/amends", self.world.dir),
                ("/etc/redis", self.world.dir / "redis.etc"),
                ("/var/lib/redis", self.redis.dir),
                ("/var/backups", self.world.dir / "backups"),
                ("-o amends ", ""), ("127.0.0.1:8481",
                                     f"127.0.0.1:{self.view}")):
            line = line.replace(path, str(here))
        p = subprocess.run(["bash", "-o", "pipefail", "-c", line],
                           cwd=ROOT, env=self.env, text=True, timeout=30,
                           stdin=subprocess.DEVNULL, capture_output=True)
        if "amendsctl drain" in line:
            wait_until(lambda: not self.daemon.alive(), 20)
        return p.returncode, p.stdout + p.stderr


LOOP = """
loop "complaint" {
    stage "listen" { budget = "1s"
        rung "lapse" { at = "100%" to = "owner" via = {"desk"} } }
    stage "resolve" { budget = "1h"
        rung "lapse" { at = "100%" to = "owner" via = {"crm"} } }
    stage "callback-confirm" { kind = "confirm"  budget = "1d" }
}
"""
# what answers 5 here: it stands as it is wanted already
RESUME = "amendsctl resume delivery"
NOT_SO = re.compile(r"amendsctl migrate C-1 ")


def test_every_command_of_operations_runs(world):
    m = Machine(world)
    m.producer.open("C-1")
    wait_until(lambda: m.daemon.find("C-1"))
    lines = list(commands(PAGE))
    assert len(lines) > 90
    for line in lines:
        said = m.run(line)
        if said is not None:
            status, text = said
            ok = (0, 5) if NOT_SO.match(line) else (0,)
            if line == RESUME and m.restored:
                assert text == "delivery is resumed in 1 shard\n"
            assert status in ok, f"{line}\n{text}"
    assert m.restored
    assert m.daemon.status()["shards"][0]["state"] == "running"
