"""What `make run` shows and leaves: the demo on a terminal of 80 by 24, which
is all that a newcomer may have, until its first complaint is closed by a text,
and then Ctrl-C."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import urllib.request
from pathlib import Path

from harness import BUILD, ROOT, wait_until

sys.path.insert(0, str(ROOT / "tests/demo"))
from gateway import segments  # noqa: E402
from screen import width  # noqa: E402

CONTROL = re.compile(r"\x1b\[[?0-9]*[A-Za-z]")


class Terminal:
    def __init__(self, columns, rows):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        # LANG is not ours to count on: a fresh machine may have none
        self.proc = subprocess.Popen(
            [sys.executable, ROOT / "tests/demo/demo.py"], stdin=slave,
            stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**os.environ, "AMENDS_BUILD": str(BUILD), "LANG": "C"})
        os.close(slave)
        self.came = b""

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            try:
                more = os.read(self.master, 65536)
            except OSError:
                return self.came
            if not more:
                return self.came
            self.came += more
        return self.came

    def frames(self):
        """Every screen drawn so far, as lists of lines."""
        text = self.read().decode()
        whole = text.split("\x1b[H")[1:-1]
        return [[line.strip("\r") for line in CONTROL.sub("", f).split("\n")]
                for f in whole]

    def says(self, words):
        assert self.proc.poll() is None, self.read().decode()
        return any(words in line for f in self.frames()[-8:] for line in f)

    def end(self):
        """Ctrl-C, and the exit status."""
        os.write(self.master, b"\x03")
        wait_until(lambda: self.read() and self.proc.poll() is not None, 30,
                   "the demo ends")
        return self.proc.returncode


def processes(word):
    found = []
    for p in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in p.read_bytes():
                found.append(int(p.parent.name))
        except OSError:
            pass
    return found


def look(url):
    with urllib.request.urlopen(url, timeout=10) as a:
        return a.read().decode()


def test_newcomer_sees_a_complaint_closed_by_a_text():
    """FU5, FU6 as `make run` shows them: a text, its reply, the closing; no
    line too long, nothing left behind."""
    t = Terminal(80, 24)
    try:
        wait_until(lambda: t.says("B-1001 is closed, satisfied"), 60,
                   "a closed complaint", step=0.2)
        frames = t.frames()
        folder = re.search(r"--socket (\S+)/ctl",
                           t.read().decode(errors="replace"))[1]
        assert processes(Path(folder).name)
        page = re.search(r"dashboard: (http://[0-9.:]+/)", str(frames[-1]))[1]
        wait_until(lambda: "B-1" in look(page), 5, "cases on the dashboard")
    finally:
        code = t.end()
    assert code == 0
    for frame in frames:
        assert len(frame) <= 24
        assert all(width(line) < 80 for line in frame), frame
    assert any("sms  from +447700900101" in line and line.endswith("  1")
               for line in frames[-1])
    assert any("mail to   qian@bank.example" in line for line in frames[-1])
    said = CONTROL.sub("", t.read().decode())
    assert " with a signature that verified, 0 without" in said
    assert "amendsd ended with" not in said and "Traceback" not in said
    assert not (ROOT / folder).exists()
    wait_until(lambda: not processes(Path(folder).name), 5)


def test_newcomer_closes_the_terminal():
    """As well as Ctrl-C: no daemon and no Redis stay behind."""
    t = Terminal(132, 43)
    try:
        wait_until(lambda: t.frames() and "complaint.opened" in str(t.frames()),
                   60, "the day begins", step=0.2)
        folder = re.search(r"--socket (\S+)/ctl", t.read().decode())[1]
    finally:
        os.close(t.master)
    assert wait_until(lambda: t.proc.poll() is not None, 30) and \
        not t.proc.returncode
    assert not (ROOT / folder).exists()
    wait_until(lambda: not processes(Path(folder).name), 5)


def test_gateway_counts_segments_as_networks_do():
    """FU9: what the demo shows is the count of its gateway, not our own."""
    assert [segments(t) for t in ("a" * 160, "a" * 161, "é{" + "a" * 157,
                                  "é{" + "a" * 158, "解" * 70, "解" * 71,
                                  "😀" * 36)] == [1, 2, 1, 2, 1, 2, 2]
