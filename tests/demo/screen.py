"""What `make run` shows: one screen redrawn on a terminal, plain lines else."""

import os
import sys
import time
import unicodedata

from gateway import segments

STAGES = ["listen", "apologize", "resolve", "callback-confirm"]
MARKS = {"closed": "up", "open": "DOWN", "half-open": "probing",
         "half": "probing"}


def width(s):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in s)


def pane(lines, n):
    """The last n of them, the newest first, in n lines."""
    shown = [f"  {line}" for line in reversed(lines[-n:])]
    return shown + [""] * (n - len(shown))


def cut(s, n):
    """s in at most n columns; wide characters count two."""
    out, used = [], 0
    for c in s:
        used += width(c)
        if used > n:
            return "".join(out)
        out.append(c)
    return "".join(out)


def clock(seconds):
    return f"{int(seconds) // 60:02}:{int(seconds) % 60:02}"


def arrival(row):
    """One follow-up that arrived as a webhook, verified."""
    _, endpoint, body = row
    d = body["data"]
    rung = d["followup"]["rung"].split(":")[0]
    return (f"{endpoint:<4} {cut(rung, 9):<9} "
            f"to {d['followup']['to']:<10} {d['message']['text']}")


def text(row):
    """One text message: out, back, or refused by the network."""
    _, way, phone, words = row
    size = f"{segments(words)} seg" if way == "to" else ""
    return f"sms  {way:<4} {phone:<14} {size:<5}  {words}"


def mail(row):
    _, recipient, subject = row
    return f"mail to   {recipient}  {subject}"


class Screen:
    def __init__(self, receiver, gateway, mailbox, again, page):
        self.receiver, self.gateway = receiver, gateway
        self.mailbox, self.again, self.page = mailbox, again, page
        self.tty = sys.stdout.isatty()
        self.began = time.time()
        self.shown = 0   # arrivals already printed as plain lines
        self.notes = []  # what the producer has just done
        self.last_plain = -10.0
        if self.tty:
            sys.stdout.write("\x1b[?25l\x1b[2J")

    def close(self):
        if self.tty:
            sys.stdout.write("\x1b[?25h\n")
            sys.stdout.flush()

    def note(self, second, words):
        if self.tty:
            self.notes = [*self.notes[-5:], f"{clock(second)}  {words}"]
        else:
            print(f"{clock(second)}  {words}", flush=True)

    def hooks(self):
        return [(r[0], arrival(r)) for r in list(self.receiver.arrived)]

    def messages(self):
        """Texts and mail, in the order of time."""
        return sorted([(r[0], text(r)) for r in list(self.gateway.texts)] +
                      [(r[0], mail(r)) for r in list(self.mailbox.mails)],
                      key=lambda r: r[0])

    def lines(self, rows):
        return [f"{clock(max(0, at - self.began))}  {line}"
                for at, line in rows]

    def draw(self, second, day, facts):
        if self.tty:
            self.redraw(second, day, facts)
        else:
            self.plain(second, facts)

    def plain(self, second, facts):
        rows = sorted(self.hooks() + self.messages(), key=lambda r: r[0])
        for line in self.lines(rows[self.shown:]):
            print(line, flush=True)
        self.shown = len(rows)
        if facts and second - self.last_plain >= 10:
            self.last_plain = second
            print(f"{clock(second)}  {self.totals(facts)}", flush=True)
            for e in facts["endpoints"]:
                print(f"{clock(second)}  endpoint {self.endpoint(e)}",
                      flush=True)

    def totals(self, facts):
        stages = facts["stages"]
        return "  ".join(
            [f"{s} {stages.get(s, 0)}" for s in STAGES] +
            [f"held {facts['held']}", f"overdue {facts['overdue']}",
             f"closed {sum(facts['closed'].values())}"])

    def endpoint(self, e):
        state = MARKS.get(e["breaker"], e["breaker"])
        return (f"{e['name']:<5} {state:<7} waiting {e['waiting']:<3} "
                f"ok {e['ok']:<4} failed {e['failed']}")

    def now(self, facts):
        """What the daemon says: stages and endpoints side by side."""
        left = [f"{s:<17}{facts['stages'].get(s, 0):>3}  "
                f"{'#' * min(facts['stages'].get(s, 0), 10)}" for s in STAGES]
        right = [self.endpoint(e) for e in facts["endpoints"]]
        left += [""] * (len(right) - len(left))
        right += [""] * (len(left) - len(right))
        out = [f"  {a:<33}{b}" for a, b in zip(left, right)]
        ends = ", ".join(f"{k} {v}" for k, v in facts["closed"].items())
        return [*out, f"  {'held':<17}{facts['held']:>3}  overdue "
                f"{facts['overdue']}", f"  closed: {ends or 'none yet'}"]

    def redraw(self, second, day, facts):
        try:
            columns, rows = os.get_terminal_size()
        except OSError:
            columns, rows = 80, 24
        r, g = self.receiver, self.gateway
        out = [f"amends  a bank's day in fast time   {clock(second)} of "
               f"{clock(day)}   Ctrl-C ends it",
               f"dashboard: {self.page}/", ""]
        if facts:
            out += self.now(facts)
        few = 3 if rows < 30 else 6
        out += ["", *(f"  {n}" for n in self.notes[-few:]), ""]
        room = max(2, rows - len(out) - 3)
        hooks = self.lines(self.hooks())
        messages = self.lines(self.messages())
        out.append(f"texts (segments {g.segments}, replies {g.replies}) and "
                   f"mail, newest first:")
        out += pane(messages, room // 2)
        out.append(f"webhooks ({len(hooks)} verified, {r.refused} refused, "
                   f"{r.repeats} repeats, {r.forged} forged), newest first:")
        out += pane(hooks, room - room // 2)
        out.append(f"look around: {self.again} list")
        sys.stdout.write("\x1b[H" + "\r\n".join(
            f"{cut(line, columns - 1)}\x1b[K" for line in out) + "\x1b[J")
        sys.stdout.flush()
