"""`amendsctl top` on a terminal: frames, keys, sizes, and how it leaves. OP3.

The terminal is pyte's, which is not ours and knows what a real one does."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

import pyte
import pytest
from harness import BUILD, wait_until
from test_shape import LOOPS

LEAVE = b"\x1b[?1049l"


class Terminal:
    """amendsctl top on a pty; its screen as lines."""

    def __init__(self, d, columns=80, rows=24, env=None, words=("top",)):
        self.master, slave = pty.openpty()
        self.slave = slave
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.size(columns, rows)
        self.before = termios.tcgetattr(slave)
        self.bytes = b""
        self.proc = subprocess.Popen(
            [BUILD / "amendsctl", "--socket", d.socket, *words],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**os.environ, "TERM": "xterm", "LANG": "C.UTF-8",
                 **(env or {})})

    def size(self, columns, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def lines(self):
        while select.select([self.master], [], [], 0)[0]:
            more = os.read(self.master, 65536)
            self.bytes += more
            self.stream.feed(more)
        return [line.rstrip() for line in self.screen.display]

    def says(self, pattern):
        return re.search(pattern, "\n".join(self.lines()))

    def wait(self, pattern):
        wait_until(lambda: self.says(pattern), 15,
                   f"{pattern!r} on the screen")

    def key(self, keys):
        os.write(self.master, keys.encode())

    def ended(self):
        """Exit status; the terminal must be as it was."""
        wait_until(lambda: self.lines() and self.proc.poll() is not None)
        self.lines()
        assert LEAVE in self.bytes and b"\x1b[?25h" in self.bytes
        assert termios.tcgetattr(self.slave) == self.before
        return self.proc.returncode

    def close(self):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def stage(world, redis, producer):
    """Something to look at."""
    world.sink()
    d = world.daemon(redis, loop=LOOPS)
    for i in range(40):
        producer.open(f"C-{i}", tier="high" if i % 2 else "mid",
                      owner="张伟" if i % 3 else "li",
                      **{"customer.phone": f"+8613{i:09}"})
    for i in range(5):
        producer.emit("stage.completed", f"C-{i}", stage="listen")
    wait_until(lambda: len(d.rows("list --overdue")) == 5)
    opened = []

    def open_top(**kw):
        opened.append(Terminal(d, **kw))
        return opened[-1]
    yield d, open_top
    for t in opened:
        t.close()


def test_top_shows_switches_and_quits(stage):
    """80 by 24: what is about to lapse and what has lapsed, keys 1 to 3, a
    pause is seen, q leaves the terminal as it was."""
    d, open_top = stage
    t = open_top()
    t.wait(r"\[1 about to lapse\]")
    t.wait("35 about to lapse")
    t.wait("5 lapsed, longest ago first")
    lines = t.lines()
    assert lines[0].startswith("t1  running  up ")
    assert "open 40" in lines[1] and len(lines) == 24
    assert t.says("张 *伟")  # pyte keeps the second column of a wide one
    t.key("2")
    t.wait(r"\[2 endpoints\]")
    t.wait(r"crm +webhook +ok")
    t.key("3")
    t.wait(r"complaints +running +t1")
    t.key("\t")
    t.wait(r"\[1 about to lapse\]")
    d.ctl("pause", "delivery")
    t.wait("paused: delivery")
    t.key("q")
    assert t.ended() == 0


def test_top_fits_any_size(stage):
    """Wide and tall it shows more, narrow it cuts; no line is broken."""
    _, open_top = stage
    t = open_top(columns=160, rows=60)
    t.wait("5 lapsed")
    assert sum(line.startswith("C-") for line in t.lines()) == 40
    t.size(40, 10)
    os.kill(t.proc.pid, signal.SIGWINCH)
    wait_until(lambda: t.says("about to lapse") and
               len([x for x in t.lines() if x]) <= 10)
    t.size(80, 24)
    os.kill(t.proc.pid, signal.SIGWINCH)
    t.wait("5 lapsed")
    for _ in range(4):
        t.key("\x1b[B")
    wait_until(lambda: not t.says("soonest first"))
    t.key("\x1b[A" * 4)
    t.wait("soonest first")
    t.key("q")
    assert t.ended() == 0


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM,
                                 signal.SIGHUP, signal.SIGSEGV])
def test_top_gives_the_terminal_back(stage, sig):
    """Whatever ends it; the signal is what the shell is told."""
    _, open_top = stage
    t = open_top()
    t.wait("about to lapse")
    if sig == signal.SIGINT:
        t.key("\x03")
    else:
        os.kill(t.proc.pid, sig)
    assert t.ended() == -sig


def test_top_stops_and_goes_on(stage):
    """Ctrl-Z gives the shell a sane terminal, fg draws anew."""
    _, open_top = stage
    t = open_top()
    t.wait("about to lapse")
    os.kill(t.proc.pid, signal.SIGTSTP)
    pid, status = os.waitpid(t.proc.pid, os.WUNTRACED)
    assert pid and os.WIFSTOPPED(status)
    t.lines()
    assert LEAVE in t.bytes
    assert termios.tcgetattr(t.slave) == t.before
    t.bytes = b""
    os.kill(t.proc.pid, signal.SIGCONT)
    wait_until(lambda: t.lines() and b"\x1b[?1049h" in t.bytes)
    t.wait("about to lapse")
    t.key("q")
    assert t.ended() == 0


def test_top_waits_for_a_daemon_that_went_away(stage):
    """What was known stays on the screen, with the reason; it goes on by
    itself."""
    d, open_top = stage
    t = open_top()
    t.wait("about to lapse")
    d.stop()
    t.wait("no daemon answers")
    assert t.says("open 40")
    d.start()
    wait_until(lambda: not t.says("no daemon answers") and t.says("running"))
    t.key("q")
    assert t.ended() == 0


def test_top_colours(stage):
    """On a terminal, not under NO_COLOR."""
    _, open_top = stage
    colour = re.compile(rb"\x1b\[3\dm")
    t = open_top()
    t.wait("5 lapsed")
    assert colour.search(t.bytes)
    t = open_top(env={"NO_COLOR": "1"})
    t.wait("5 lapsed")
    assert not colour.search(t.bytes) and b"\x1b[1m" not in t.bytes


def test_top_elsewhere_prints_one_frame(stage, tmp_path):
    """No terminal: one frame, no escape; no daemon: code 3 and nothing."""
    d, _ = stage
    code, out, err = d.ctl("top")
    assert code == 0 and err == "" and "\x1b" not in out
    assert "5 lapsed" in out and "crm" in out and "complaints" in out
    code, out, _ = d.ctl("--json", "top")
    assert code == 0 and out.splitlines()[0].startswith('{"row":"census"')
    p = subprocess.run([BUILD / "amendsctl", "--socket", tmp_path / "no",
                        "top"], capture_output=True, text=True)
    assert p.returncode == 3 and p.stdout == "" and "no daemon" in p.stderr
