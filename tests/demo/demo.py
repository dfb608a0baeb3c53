#!/usr/bin/python3
"""`make run`: a bank's day in fast time on a private Redis, live.

Starts build/amendsd --embedded in a folder of its own, a receiver that checks
every signature, an SMS gateway with phones that answer, a mail server, and a
branch that plays day.py: it posts its events. All of it is on the loopback. On a terminal it then
idles until Ctrl-C; without one it ends with the day. Leaves nothing behind.
"""

import base64
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import redis

sys.path.insert(0, str(Path(__file__).resolve().parent))
from day import DAY, OUTAGE, TEXTS, UNKNOWN, plan  # noqa: E402
from gateway import Gateway  # noqa: E402
from mailbox import Mailbox  # noqa: E402
from receiver import Receiver  # noqa: E402
from screen import Screen  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("AMENDS_BUILD", ROOT / "build"))
AMENDSD, AMENDSCTL = BUILD / "amendsd", BUILD / "amendsctl"
STREAM = "complaints"
# what of the feed is told as it happens
TELLING = {
    "loop.closed": "is closed, {outcome}",
    "loop.reopened": "is open again, cycle {cycle}",
    "contact.opted_out": "gets no more texts",
}


def folder():
    """A new folder under build/run, elsewhere when sockets could not be named
    there (their paths are short)."""
    base = ROOT / "build/run"
    base.mkdir(parents=True, exist_ok=True)
    if len(str(base)) > 70:
        base = None
    return Path(tempfile.mkdtemp(prefix="day-", dir=base))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Demo:
    def __init__(self):
        self.dir = folder()
        self.receiver = Receiver(self.secret("hook.secret", "whsec_" +
            base64.b64encode(secrets.token_bytes(24)).decode()))
        self.gateway = Gateway(
            self.secret("gateway.token", secrets.token_hex(24)),
            unknown=UNKNOWN, on_text=self.ring)
        self.mailbox = Mailbox()
        self.secret("callback.token", secrets.token_hex(24))
        self.token = self.secret("branch.token", secrets.token_hex(24))
        self.http = f"http://127.0.0.1:{free_port()}"
        self.answers = {phone: list(each) for phone, each in TEXTS.items()}
        conf = (Path(__file__).parent / "demo.conf").read_text()
        for word, value in (
                ("DIR", self.dir), ("PROVIDERS", ROOT / "conf/providers"),
                ("PORT", self.receiver.port), ("SMS", self.gateway.port),
                ("MAIL", self.mailbox.port),
                ("HTTP", self.http.rsplit(":", 1)[1])):
            conf = conf.replace(f"@{word}@", str(value))
        (self.dir / "amends.conf").write_text(conf)
        self.socket = self.dir / "ctl"
        self.daemon = None
        self.redis = redis.Redis(unix_socket_path=str(self.dir / "redis.sock"))
        self.screen = None
        self.read = 0  # entries of the feed
        self.sent = 0
        self.began = 0.0

    def secret(self, name, value):
        path = self.dir / name
        path.touch(0o600)
        path.write_text(value + "\n")
        return value

    def ring(self, sms):
        """A phone has a text; when it asks something, its owner answers."""
        left = self.answers.get(sms["to"])
        if left and ("?" in sms["text"] or "？" in sms["text"]):
            for after, text in left.pop(0):
                self.gateway.reply(sms, text, after)

    def start(self):
        with open(self.dir / "amendsd.log", "wb") as log:
            # its own session: Ctrl-C is ours to answer, in order
            self.daemon = subprocess.Popen(
                [AMENDSD, "-c", self.dir / "amends.conf", "--foreground",
                 "--embedded", self.dir], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + 15
        while not self.ready():
            if self.daemon.poll() is not None or time.monotonic() > end:
                sys.stderr.write((self.dir / "amendsd.log").read_text())
                raise SystemExit("make run: amendsd did not start")
            time.sleep(0.05)
        shown = os.path.relpath(self.socket)
        again = (f"{os.path.relpath(AMENDSCTL)} --socket "
                 f"{min(shown, str(self.socket), key=len)}")
        print(f"amendsd runs; its dashboard is {self.http}/\n"
              f"from another terminal: {again} status", flush=True)
        self.screen = Screen(self.receiver, self.gateway, self.mailbox, again,
                             self.http)
        self.began = time.monotonic()

    def ready(self):
        status = self.ask("status")
        return bool(status) and bool(status[0]["shards"]) and all(
            s["state"] == "running" for s in status[0]["shards"])

    def ask(self, *verb):
        """Rows of `amendsctl --json VERB`, or [] when it has no answer."""
        p = subprocess.run(
            [AMENDSCTL, "--socket", self.socket, "--json", *verb],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if p.returncode != 0:
            return []
        rows = [json.loads(line) for line in p.stdout.splitlines() if line]
        return [r for r in rows if "ok" not in r or "name" in r]

    def facts(self):
        """What the screen shows of the daemon."""
        status = self.ask("status")
        if not status:
            return None
        stages, closed, held, overdue = {}, {}, 0, 0
        for c in self.ask("list", "--limit", "1000"):
            if c["status"] == "closed":
                continue
            stages[c["stage"]] = stages.get(c["stage"], 0) + 1
            held += c["status"] == "held"
            overdue += bool(c["overdue"])
        entries = self.redis.xrange(f"{{{STREAM}}}:feed")
        for i, (_, entry) in enumerate(entries):
            for note in json.loads(entry[b"line"])["do"]:
                if note["n"] == "loop.closed":
                    outcome = note.get("outcome", "?")
                    closed[outcome] = closed.get(outcome, 0) + 1
                if i >= self.read and note["n"] in TELLING:
                    self.screen.note(
                        self.second(), f"amends: {entry[b'complaint'].decode()}"
                        f" {TELLING[note['n']].format(**note)}")
        self.read = len(entries)
        return {"status": status[0], "stages": stages, "closed": closed,
                "held": held, "overdue": overdue,
                "endpoints": self.ask("endpoints")}

    def second(self):
        return time.monotonic() - self.began

    def emit(self, name, who, fields):
        self.sent += 1
        event = {"event": name, "complaint_id": who,
                 "event_id": f"branch-{self.sent}", **fields}
        request = urllib.request.Request(
            f"{self.http}/v1/events", json.dumps(event).encode(),
            {"Content-Type": "application/json",
             "Authorization": f"Bearer {self.token}"})
        # 202: it is on the stream
        urllib.request.urlopen(request, timeout=10).close()
        what = next((fields[k] for k in ("stage", "verdict", "outcome",
                                         "summary", "reason")
                     if k in fields), "")
        self.screen.note(self.second(), f"{name} {who} {what}")

    def outage(self, second):
        down = OUTAGE[0] <= second < OUTAGE[1]
        if down != ("/crm" in self.receiver.out_of_order):
            if down:
                self.receiver.out_of_order.add("/crm")
            else:
                self.receiver.out_of_order.discard("/crm")
            self.screen.note(second, "the receiver `crm` is out of order"
                             if down else "the receiver `crm` is back")

    def play(self):
        steps, facts, looked = plan(), None, -1.0
        while True:
            second = self.second()
            if self.daemon.poll() is not None:
                raise SystemExit("make run: amendsd ended by itself; see "
                                 f"{self.dir / 'amendsd.log'}")
            while steps and steps[0][0] <= second:
                self.emit(*steps.pop(0)[1:])
            self.outage(second)
            self.gateway.tick()
            if second - looked >= 1:
                looked, facts = second, self.facts() or facts
            self.screen.draw(min(second, DAY), DAY, facts)
            if second > DAY and not self.screen.tty:
                return
            time.sleep(0.2)

    def stop(self):
        """Ends what was started; the folder goes unless something is wrong."""
        status = 0
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                status = self.daemon.wait(25)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                status = self.daemon.wait()
        elif self.daemon:
            status = self.daemon.returncode or 1
        for server in (self.receiver, self.gateway, self.mailbox):
            server.stop()
        if status == 0:
            shutil.rmtree(self.dir, ignore_errors=True)
        else:
            print(f"amendsd ended with {status}; its log is in {self.dir}",
                  file=sys.stderr)
        return status

    def summary(self):
        r = self.receiver
        kinds = {}
        for _, _, body in r.arrived:
            kinds[body["type"]] = kinds.get(body["type"], 0) + 1
        print(f"{len(r.arrived)} follow-ups arrived with a signature that "
              f"verified, {r.forged} without; {r.refused} attempts met a "
              f"receiver out of order")
        for kind, n in sorted(kinds.items()):
            print(f"  {kind:<20} {n}")
        g = self.gateway
        texts = sum(t[1] == "to" for t in g.texts)
        print(f"the gateway took {texts} texts ({g.segments} segments) and "
              f"brought {g.receipts} receipts and {g.replies} replies; "
              f"{len(self.mailbox.mails)} mails arrived")


def main():
    def interrupt(*_):
        raise KeyboardInterrupt

    for ended in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ended, interrupt)
    demo = Demo()
    status = 1
    try:
        demo.start()
        demo.play()
        status = 0
    except (KeyboardInterrupt, BrokenPipeError):
        status = 0
    finally:
        for ended in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ended, signal.SIG_IGN)
        try:
            if demo.screen:
                demo.screen.close()
                demo.summary()
        except OSError:
            pass  # the terminal itself is gone
        status = demo.stop() or status
    return status


if __name__ == "__main__":
    sys.exit(main())
