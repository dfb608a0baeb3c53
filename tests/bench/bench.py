#!/usr/bin/python3
"""`make bench`: amendsd against limit programs, in turn, as ratios.

bench.py [--rounds N] [--only E,D,W,M] [--shape]

Absolute figures move with the machine; a ratio inside one run travels. Every
row says what it must be (proof.md, section 3). --shape runs everything once
and small, prints PASS or FAIL for the shape of each row, judges no figure.
"""

import argparse
import math
import os
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
os.environ["AMENDS_BUILD"] = str(ROOT / "build")
sys.path[:0] = [str(HERE), str(ROOT / "tests/system")]
import loads  # noqa: E402


def median(values):
    return statistics.median(values) if values else float("nan")


class Row:
    """One bar: ours and, where there is one, the limit's figure, a round
    each. `must` is a bound on the ratio, or on our figure without a limit."""

    def __init__(self, mark, what, unit, must, at_least=True):
        self.mark, self.what, self.unit = mark, what, unit
        self.must, self.at_least = must, at_least
        self.ours, self.limit = [], []

    def add(self, ours, limit=None):
        self.ours.append(ours)
        if limit is not None:
            self.limit.append(limit)

    @property
    def ratio(self):
        if not self.limit:
            return None
        return median([o / x for o, x in zip(self.ours, self.limit)])

    @property
    def held(self):
        if self.must is None:
            return None
        value = self.ratio if self.limit else median(self.ours)
        return value >= self.must if self.at_least else value <= self.must

    def cells(self):
        sign = ">=" if self.at_least else "<="
        must = "" if self.must is None else f"{sign} {self.must:g}"
        held = {None: "", True: "held", False: "NOT HELD"}[self.held]
        return [self.mark, self.what, must, number(median(self.ours)),
                number(median(self.limit)) if self.limit else "",
                f"{self.ratio:.2f}" if self.limit else "", self.unit, held]


def number(x):
    if x >= 1000:
        return f"{x:,.0f}"
    return f"{x:.2f}".rstrip("0").rstrip(".")


def table(rows):
    head = ["bar", "what", "must", "ours", "limit", "ratio", "unit", ""]
    lines = [head] + [r.cells() for r in rows]
    wide = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        print("  ".join(c.rjust(w) if i in (2, 3, 4, 5) else c.ljust(w)
                        for i, (c, w) in enumerate(zip(line, wide))).rstrip())


def events(rounds, scale):
    rate = Row("E1", "events/s, each with journal and outbox", "1/s", 0.60)
    cpu = Row("E2", "Redis CPU an event", "us", 1.25, at_least=False)
    watch = Row("", "against the cursor + WATCH form", "1/s", None)
    some = Row("", "whole walks, one event in four to the outbox", "1/s", None)
    each = Row("", "whole walks, every event to the outbox", "1/s", None)
    n = 100_000 // scale
    for _ in range(rounds):
        limit = loads.limit_redis(n, "script")
        ours = loads.events(n)
        rate.add(ours["rate"], limit["rate"])
        cpu.add(ours["redis_us"], limit["redis_us"])
        watch.add(ours["rate"], loads.limit_redis(n, "watch")["rate"])
        some.add(loads.events(n, walk=True)["rate"], limit["rate"])
        each.add(loads.events(n, walk=True, later=loads.AT_ONCE)["rate"],
                 limit["rate"])
    return [rate, cpu, watch, some, each]


def lapses(rounds, scale):
    p99 = Row("D3", "lateness p99 at 5,000 lapses/s", "ms", 20,
              at_least=False)
    top = Row("D3", "lateness, worst", "ms", 100, at_least=False)
    for _ in range(min(rounds, 3)):
        late = loads.lapses(5000, 20 // scale or 2)
        p99.add(late["p99"])
        top.add(late["max"])
    return [p99, top]


def posts(rounds, scale):
    rate = Row("W1", "deliveries/s with durable records", "1/s", 0.60)
    cpu = Row("W3", "daemon CPU a delivery", "us", 1.7, at_least=False)
    kept = Row("W4", "the same over TLS, connections kept", "1/s", 0.75)
    n = 60_000 // scale
    for _ in range(rounds):
        with loads.sink() as (url, _):
            ours = loads.deliveries(n, url)
            limit = loads.limit_post(n, url, ours["body"])
        rate.add(ours["rate"], limit["rate"])
        cpu.add(ours["client_us"], limit["client_us"])
        if not loads.nginx():  # `tests/deps.sh bench` brings it
            continue
        with loads.sink(tls=True) as (url, ca):
            ours = loads.deliveries(n, url, ca)
            limit = loads.limit_post(n, url, ours["body"], ca)
        kept.add(ours["rate"], limit["rate"])
    return [rate, cpu] + ([kept] if loads.nginx() else [])


def million(rounds, scale):
    n = 1_000_000 // (scale * scale)
    few = loads.open_complaints(1000)
    many = loads.open_complaints(n)
    name = f"{n:,} open"
    rows = [
        (Row("M1", f"daemon RSS, {name}", "MB", 32, False), many["rss"]),
        (Row("M1", "more than at 1,000 open", "MB", 4, False),
         many["rss"] - few["rss"]),
        (Row("M2", "Redis bytes a complaint with its wake-up", "B", 360,
             False), many["bytes"]),
        (Row("", "personal data of one, apart", "B", None), many["pii"]),
        (Row("", "journal of one, apart", "B", None), many["journal"]),
        (Row("I1", f"idle CPU, {name}", "%", 0.3, False), many["cpu"]),
        (Row("I1", "Redis commands/s, idle", "1/s", 2, False),
         many["commands"]),
        (Row("R1", f"start to first overdue follow-up, {name}", "ms", 500,
             False), many["first"]),
        (Row("", "events/s while they were opened", "1/s", None),
         many["rate"]),
    ]
    for row, value in rows:
        row.add(value)
    return [row for row, _ in rows]


def steps(rounds, scale):
    plain = Row("S1", "am_step, a plain event", "ns", 2000, False)
    wake = Row("S1", "am_step, a wake-up that fires", "ns", None)
    copy = Row("", "memcpy of the record, same run", "ns", None)
    for _ in range(rounds):
        got = loads.figures(loads.BENCH / "step_bench", 100_000 // scale)
        plain.add(got["step_plain_ns"])
        wake.add(got["step_wake_ns"])
        copy.add(got["memcpy_ns"])
    return [plain, wake, copy]


GROUPS = {"S": steps, "E": events, "D": lapses, "W": posts, "M": million}


def machine():
    load = os.getloadavg()
    return (f"{os.cpu_count()} processors, load {load[0]:.2f}, "
            f"{loads.versions()}")


def shape():
    failed = 0
    for key, group in GROUPS.items():
        try:
            rows = group(1, 20)
            bad = [r.what for r in rows
                   if not r.ours or not all(map(math.isfinite,
                                             r.ours + r.limit))]
        except (AssertionError, OSError, ValueError, KeyError) as e:
            rows, bad = [], [f"{type(e).__name__}: {e}"]
        print(f"{'FAIL' if bad else 'PASS'} bench: {key} "
              f"{'; '.join(bad) if bad else f'{len(rows)} rows'}")
        failed += bool(bad)
    return 1 if failed else 0


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--only", default="S,E,D,W,M",
                   help="groups of rows: S steps, E events, D lapses, "
                        "W posts, M a million open complaints")
    p.add_argument("--shape", action="store_true")
    args = p.parse_args()
    if args.shape:
        return shape()
    print(f"amendsd against its limits: {args.rounds} rounds, {machine()}")
    rows = []
    for key in args.only.split(","):
        print(f"measuring {GROUPS[key].__name__} ...", file=sys.stderr,
              flush=True)
        rows += GROUPS[key](args.rounds, 1)
    table(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
