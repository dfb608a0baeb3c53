"""What `make run` shows: one screen redrawn on a terminal, plain lines else."""

import os
import sys
import time
import unicodedata

STAGES = ["listen", "apologize", "resolve", "callback-confirm"]
MARKS = {"closed": "up", "open": "DOWN", "half-open": "probing",
         "half": "probing"}


def width(s):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in s)


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
    """One line for one follow-up that arrived, verified."""
    at, endpoint, body = row
    d = body["data"]
    return (f"{time.strftime('%H:%M:%S', time.localtime(at))} "
            f"{endpoint:<4} {cut(d['followup']['rung'], 9):<9} "
            f"to {d['followup']['to']:<10} {d['message']['text']}")


class Screen:
    def __init__(self, receiver, again):
        self.receiver, self.again = receiver, again
        self.tty = sys.stdout.isatty()
        self.shown = 0   # arrivals already printed as plain lines
        self.notes = []  # what the producer has just done
        self.last_plain = -10.0
        self.first = None
        if self.tty:
            sys.stdout.write("\x1b[?25l\x1b[2J")

    def close(self):
        if self.tty:
            sys.stdout.write("\x1b[?25h\n")
            sys.stdout.flush()

    def note(self, second, text):
        if self.tty:
            self.notes = [*self.notes[-3:], f"{clock(second)}  {text}"]
        else:
            print(f"{clock(second)}  {text}", flush=True)

    def draw(self, second, day, facts):
        if self.tty:
            self.redraw(second, day, facts)
        else:
            self.plain(second, facts)

    def plain(self, second, facts):
        rows = self.receiver.arrived
        for row in rows[self.shown:]:
            print(f"{clock(second)}  {arrival(row)}", flush=True)
        self.shown = len(rows)
        if facts and second - self.last_plain >= 10:
            self.last_plain = second
            print(f"{clock(second)}  {self.totals(facts)}", flush=True)
            for e in facts["endpoints"]:
                print(f"{clock(second)}  {self.endpoint(e)}", flush=True)

    def totals(self, facts):
        stages = facts["stages"]
        return "  ".join(
            [f"{s} {stages.get(s, 0)}" for s in STAGES] +
            [f"held {facts['held']}", f"overdue {facts['overdue']}",
             f"closed {sum(facts['closed'].values())}",
             f"follow-ups {len(self.receiver.arrived)}"])

    def endpoint(self, e):
        state = MARKS.get(e["breaker"], e["breaker"])
        return (f"endpoint {e['name']:<5} {state:<8} waiting "
                f"{e['waiting']:<3} ok {e['ok']:<4} failed {e['failed']}")

    def redraw(self, second, day, facts):
        try:
            columns, rows = os.get_terminal_size()
        except OSError:
            columns, rows = 80, 24
        r = self.receiver
        out = [f"amends  a bank's day in fast time   {clock(second)} of "
               f"{clock(day)}   Ctrl-C ends it", ""]
        if facts:
            for s in STAGES:
                n = facts["stages"].get(s, 0)
                out.append(f"  {s:<18}{n:>3}  {'#' * n}")
            out.append(f"  {'held':<18}{facts['held']:>3}      overdue "
                       f"{facts['overdue']}")
            ends = ", ".join(f"{k} {v}" for k, v in facts["closed"].items())
            out += [f"  closed: {ends or 'none yet'}", ""]
            out += [f"  {self.endpoint(e)}" for e in facts["endpoints"]]
        out += [f"  follow-ups: {len(r.arrived)} verified, {r.refused} "
                f"refused by us, {r.repeats} repeats, {r.forged} forged", ""]
        out += [f"  {n}" for n in self.notes]
        out += ["", "follow-ups that arrived with a genuine signature, "
                "newest first:"]
        room = max(3, rows - len(out) - 3)
        out += [f"  {arrival(a)}" for a in reversed(r.arrived[-room:])]
        out += [""] * (rows - len(out) - 2)
        out.append(f"look around: {self.again} list")
        sys.stdout.write("\x1b[H" + "".join(
            f"{cut(line, columns - 1)}\x1b[K\r\n" for line in out) + "\x1b[J")
        sys.stdout.flush()
