"""Calendars and zones against Python's zoneinfo (DL2, DL3, DL4, DL5).

The oracle knows no windows: it asks minute by minute what the wall clock shows
and whether that minute is open. SEED=n repeats a run; UPDATE=1 writes the dues
of tests/data/calendar_cases.txt anew, by the oracle.
"""

import datetime as dt
import os
import random
import re
import subprocess
import zoneinfo
from itertools import accumulate
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests/data/calendar_cases.txt"
PROBE = Path(os.environ.get("CALPROBE", ROOT / "build/san/tools/calprobe"))
UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NAMES = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
ZONES = [
    "Asia/Shanghai", "Europe/Berlin", "America/New_York", "America/Sao_Paulo",
    "Australia/Lord_Howe", "Asia/Kathmandu", "Europe/Dublin", "America/Havana",
    "Africa/Casablanca", "Asia/Tehran", "America/Nuuk", "Asia/Beirut",
    "Pacific/Apia", "Pacific/Chatham", "America/Asuncion", "UTC",
]


@pytest.fixture(scope="module")
def seed():
    n = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SEED={n}")
    return n


def ask(lines):
    p = subprocess.run([PROBE], input="".join(f"{s}\n" for s in lines),
                       text=True, stdout=subprocess.PIPE, check=True)
    answers = p.stdout.splitlines()
    assert len(answers) == len(lines)
    return answers


def ms(t):
    return (t - EPOCH) // dt.timedelta(milliseconds=1)


def at(zone, text, fold=0):
    """ms of a wall-clock time of a zone: at("Asia/Shanghai", "2026-02-14 09:00")"""
    t = dt.datetime.fromisoformat(text).replace(
        tzinfo=zoneinfo.ZoneInfo(zone), fold=fold)
    return ms(t.astimezone(UTC))


def hhmm(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


class Calendar:
    """A source of conf and, apart from it, the oracle's own reading of it."""

    def __init__(self, zone, opens, closed=(), extra=(), span=None):
        self.zone = zoneinfo.ZoneInfo(zone) if zone else None
        self.opens = opens      # [(set of weekdays, from, to)] in minutes
        self.closed = closed    # [(date, date)]
        self.extra = extra      # [(date, from, to)]
        first, last = span or (ms(dt.datetime(2025, 1, 1, tzinfo=UTC)),
                               ms(dt.datetime(2031, 1, 1, tzinfo=UTC)))
        self.text = "|".join([
            zone, ";".join(
                f"{','.join(NAMES[d] for d in sorted(days))} {hhmm(a)}-{hhmm(b)}"
                for days, a, b in opens),
            ";".join(f"{a}..{b}" for a, b in closed),
            ";".join(f"{d} {hhmm(a)}-{hhmm(b)}" for d, a, b in extra),
            f"{first} {last}"])
        self.by_day = {}

    def windows(self, day):
        got = self.by_day.get(day)
        if got is None:
            got = [(a, b) for d, a, b in self.extra if d == day]
            if not got and not any(a <= day <= b for a, b in self.closed):
                weekday = day.isoweekday() % 7
                got = [(a, b) for days, a, b in self.opens if weekday in days]
            self.by_day[day] = got
        return got

    def day_at(self, t):
        """The day whose window holds the minute of t; None: it is closed."""
        local = dt.datetime.fromtimestamp(t / 1000, self.zone)
        now = local.hour * 60 + local.minute
        today = local.date()
        before = today - dt.timedelta(days=1)
        # a night belongs to the day on which it begins
        if any(b <= a and now < b for a, b in self.windows(before)):
            return before
        if any(a <= now < (b if b > a else 1440)
               for a, b in self.windows(today)):
            return today
        return None

    def is_open(self, t):
        return self.day_at(t) is not None

    def ask(self, *questions):
        return ask([f"{self.text}|{q}" for q in questions])

    def one(self, question):
        return self.ask(question)[0]


OFFICE = [({1, 2, 3, 4, 5}, 540, 1020)]  # Mon-Fri 09:00-17:00
WEEK = set(range(7))


def random_calendar(r):
    zone = r.choice(ZONES)
    opens = []
    for _ in range(r.randint(1, 4)):
        a = r.randrange(0, 1440, r.choice([1, 15, 60]))
        b = r.choice([1440, r.randrange(0, 1441, r.choice([1, 30]))])
        if a != b:
            opens.append((set(r.sample(range(7), r.randint(1, 7))), a, b))
    opens = opens or OFFICE
    year = r.randint(2025, 2029)
    day = lambda: dt.date(year, 1, 1) + dt.timedelta(days=r.randrange(365))
    closed = []
    for _ in range(r.randint(0, 4)):
        d = day()
        closed.append((d, d + dt.timedelta(days=r.randrange(9))))
    extra = []
    for _ in range(r.randint(0, 4)):
        d = r.choice(closed)[0] if closed and r.random() < .5 else day()
        a, b = r.randrange(1440), r.randrange(1, 1441)
        if a != b:
            extra.append((d, a, b))
    # near a change of the clocks more often than chance would have it
    if r.random() < .6:
        start = ms(dt.datetime(year, *r.choice(
            [(3, 1), (3, 20), (4, 1), (9, 20), (10, 20), (10, 28), (11, 1)]),
            tzinfo=UTC))
    else:
        start = ms(dt.datetime.combine(day(), dt.time(), UTC))
    return Calendar(zone, opens, closed, extra), start


def walk(open_minutes, start, t, work):
    """The instant after `work` ms of open time, minute by minute."""
    m = (t - start) // MINUTE
    while m < len(open_minutes):
        if open_minutes[m]:
            room = start + (m + 1) * MINUTE - t
            if work <= room:
                return t + work
            work -= room
        m += 1
        t = start + m * MINUTE
    return None


def test_random_calendars_agree_with_a_minute_by_minute_walker(seed):
    """DL2 DL4 DL5: add, span, next opening and business days."""
    r = random.Random(seed)
    for _ in range(60):
        cal, start = random_calendar(r)
        days = 25
        minutes = [cal.is_open(start + m * MINUTE) for m in range(days * 1440)]
        total = list(accumulate((o * MINUTE for o in minutes), initial=0))

        def before(t):
            m = (t - start) // MINUTE
            inside = (t - start) % MINUTE
            return total[m] + (inside if inside and minutes[m] else 0)

        questions, wanted = [], []
        for _ in range(30):
            t = start + r.randrange((days - 1) * DAY)
            if r.random() < .3:  # at full minutes, where edges are
                t -= t % MINUTE
            left = total[-1] - before(t)
            if left == 0:
                continue
            work = r.randrange(1, left + 1)
            due = walk(minutes, start, t, work)
            assert due is not None
            questions += [f"add {t} {work}", f"span {t} {due}"]
            wanted += [due, work]
            if due % MINUTE == 0 and minutes[(due - start) // MINUTE - 1]:
                # from behind: the earliest instant of that open time
                questions.append(f"add {due + 5 * DAY} {-cal_span(cal, due)}")
                wanted.append(due)
            # a hold: what is left counts from its end, whatever lies between
            p = r.randrange((t - start) // MINUTE + 1, days * 1440)
            q = r.randrange(p, days * 1440)
            held = minutes[:p] + [False] * (q - p) + minutes[q:]
            resumed = walk(held, start, t, work)
            used = before(start + p * MINUTE) - before(t)
            if used < work and resumed is not None:
                questions += [f"span {t} {start + p * MINUTE}",
                              f"add {start + q * MINUTE} {work - used}"]
                wanted += [used, resumed]
            b = start + r.randrange(days * DAY)
            questions.append(f"span {t} {b}")
            wanted.append(max(0, before(b) - before(t)))
            m = (t - start) // MINUTE
            if not minutes[m]:
                nxt = next(i for i in range(m, len(minutes)) if minutes[i])
                t_open = start + nxt * MINUTE
            else:
                t_open = t
            questions.append(f"open {t}")
            wanted.append(t_open)
        assert cal.ask(*questions) == [str(w) for w in wanted], cal.text


def cal_span(cal, due):
    return int(cal.one(f"span {due} {due + 5 * DAY}"))


def test_random_business_days_agree_with_the_walker(seed):
    """DL4: the close of the n-th day with opening hours after the day of t."""
    r = random.Random(seed + 1)
    compared = 0
    while compared < 60:
        cal, start = random_calendar(r)
        t = start + r.randrange(10 * DAY)
        n = r.randint(1, 8)
        day = dt.datetime.fromtimestamp(t / 1000, cal.zone).date()
        # whose hours those are that two days share is a matter of taste
        if any(night_runs_into_day(cal, day + dt.timedelta(days=d))
               for d in range(-2, 90)):
            continue
        compared += 1
        assert cal.one(f"bd {t} {n}") == str(walk_to_due(cal, t, n, "bd")), (
            cal.text, t, n)


def night_runs_into_day(cal, day):
    nights = [b for a, b in cal.windows(day) if b <= a]
    begins = [a for a, _ in cal.windows(day + dt.timedelta(days=1))]
    return bool(nights and begins) and max(nights) > min(begins)


def test_every_zone_has_the_offsets_of_zoneinfo(seed):
    """DL2: the table of each TZif file and the rule in its footer."""
    r = random.Random(seed + 2)
    names = sorted(zoneinfo.available_timezones())
    assert len(names) > 300
    lines, wanted = [], []
    lo, hi = -2_000_000_000, 2_900_000_000  # 1906 to 2061
    until = hi * 1000
    for name in names:
        zone = zoneinfo.ZoneInfo(name)
        instants = [r.randrange(lo, hi) for _ in range(60)]
        # the seconds around the changes of some years, by bisection
        for _ in range(6):
            a = r.randrange(0, hi - 366 * 86400)
            for b in range(a + 20 * 86400, a + 366 * 86400, 20 * 86400):
                if offset(zone, a) != offset(zone, b):
                    left, right = a, b
                    while right - left > 1:
                        mid = (left + right) // 2
                        if offset(zone, left) == offset(zone, mid):
                            left = mid
                        else:
                            right = mid
                    instants += [left, right]
                a = b
        lines.append(f"{name}||||0 {until}|offset " +
                     " ".join(str(t * 1000) for t in instants))
        wanted.append([offset(zone, t) for t in instants])
    for name, got, want in zip(names, ask(lines), wanted):
        assert [int(x) for x in got.split()] == want, name


def offset(zone, t):
    return int((EPOCH + dt.timedelta(seconds=t)).astimezone(zone)
               .utcoffset().total_seconds())


# ---- the table: cases that stay as they are ----

def minutes_of(text):
    h, m = text.split(":")
    return int(h) * 60 + int(m)


def days_of(text):
    """{1, 2, 3} of "Mon-Wed"; weeks go round."""
    days = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        d = NAMES.index(first)
        while days.add(d) or d != NAMES.index(last or first):
            d = (d + 1) % 7
    return days


def hours_of(text):
    return tuple(minutes_of(t) for t in text.split("-"))


def calendar_of(zone, opens, closed, extra):
    """A calendar of the texts of conf, read by other code than conf's."""
    items = lambda text: [s.strip() for s in text.split(";") if s.strip()]
    date = dt.date.fromisoformat
    windows = []
    for item in items(opens):
        days, _, hours = item.partition(" ")
        windows.append((WEEK, 0, 1440) if item == "24x7"
                       else (days_of(days), *hours_of(hours)))
    ranges = [r.partition("..") for r in items(closed)]
    extras = [e.split() for e in items(extra)]
    return Calendar(zone, windows,
                    [(date(a), date(b or a)) for a, _, b in ranges],
                    [(date(d), *hours_of(h)) for d, h in extras])


def walk_to_due(cal, t, n, unit):
    """The due of a budget, minute by minute."""
    if unit in "dw":
        return t + n * DAY * (7 if unit == "w" else 1)
    if unit == "bd":
        today = dt.datetime.fromtimestamp(t / 1000, cal.zone).date()
        days, close, m = [], None, t - t % MINUTE
        while True:
            day = cal.day_at(m)
            if day is not None and day > today:
                if day not in days:
                    days.append(day)
                if len(days) > n:
                    return close
                close = m + MINUTE
            m += MINUTE
    work = n * {"s": 1000, "m": MINUTE, "h": HOUR}[unit]
    while True:
        room = MINUTE - t % MINUTE
        if cal.is_open(t):
            if work <= room:
                return t + work
            work -= room
        t += room


def rfc3339(t, zone):
    return dt.datetime.fromtimestamp(t / 1000, zone).isoformat()


def test_every_case_of_the_table_is_what_the_walker_finds():
    """DL2 DL3 DL4 DL5: the table that calendar_cases_test holds C against."""
    calendars, lines, wrong, count = {}, [], [], 0
    for number, line in enumerate(CASES.read_text().splitlines(), 1):
        fields = [f.strip() for f in line.split("|")]
        if line.startswith("calendar "):
            calendars[fields[0].split()[1]] = calendar_of(*fields[1:])
        elif line and not line.startswith("#"):
            name, start, budget, due = fields
            cal = calendars[name]
            t = ms(dt.datetime.fromisoformat(start))
            n, unit = re.fullmatch(r"(\d+)(s|m|h|bd|d|w)", budget).groups()
            found = rfc3339(walk_to_due(cal, t, int(n), unit), cal.zone)
            assert rfc3339(t, cal.zone) == start, f"line {number}"
            if found != due:
                wrong.append(f"line {number}: {due}, not {found}")
            line = f"{name:14} | {start} | {budget:>5} | {found}"
            count += 1
        lines.append(line)
    zones = {str(cal.zone) for cal in calendars.values()}
    assert count >= 200 and len(zones) >= 12
    if os.environ.get("UPDATE"):
        CASES.write_text("\n".join(lines) + "\n")
    else:
        assert not wrong, "\n".join(wrong)


# ---- the calendars that are shipped ----

def shipped(name):
    """The dates of conf/calendars.d/NAME.conf: (closed, extra), as sets."""
    text = re.sub(r"#.*", "", (ROOT / f"conf/calendars.d/{name}.conf").read_text())
    closed, extra = set(), set()
    for key, dates in (("closed", closed), ("extra", extra)):
        part = re.search(key + r"\s*=\s*\{([^}]*)\}", text)
        for item in re.findall(r'"([^"]*)"', part[1] if part else ""):
            a, _, b = item.split()[0].partition("..")
            a, b = dt.date.fromisoformat(a), dt.date.fromisoformat(b or a)
            assert b >= a and not (a in closed or a in extra)
            dates.update(a + dt.timedelta(d) for d in range((b - a).days + 1))
    return closed, extra


def weekday_of(year, month, weekday, n):
    """The n-th Monday (weekday 0) of a month; n = -1: its last."""
    days = [d for d in (dt.date(year, month, 1) + dt.timedelta(i)
                        for i in range(31))
            if d.month == month and d.weekday() == weekday]
    return days[n - 1 if n > 0 else n]


def easter(year):
    """Gauss's rule, in the form of Meeus, Jones and Butcher."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    x = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * x) // 451
    n = h + x - 7 * m + 114
    return dt.date(year, n // 31, n % 31 + 1)


def test_us_federal_dates_follow_from_the_law():
    """5 U.S.C. 6103, on the days on which holidays are observed."""
    days = set()
    for year in (2026, 2027, 2028):
        fixed = [dt.date(year, m, d)
                 for m, d in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))]
        days.update(d + dt.timedelta({5: -1, 6: 1}.get(d.weekday(), 0))
                    for d in fixed)
        days.update(weekday_of(year, *rule) for rule in (
            (1, 0, 3), (2, 0, 3), (5, 0, -1), (9, 0, 1), (10, 0, 2), (11, 3, 4)))
    assert shipped("us-federal") == (
        {d for d in days if d.year in (2026, 2027)}, set())


def test_uk_dates_follow_from_the_rules():
    """England and Wales: a day on a weekend moves to the next free one."""
    want = set()
    for year in (2026, 2027):
        day = dt.timedelta(1)
        days = {easter(year) - 2 * day, easter(year) + day,
                weekday_of(year, 5, 0, 1), weekday_of(year, 5, 0, -1),
                weekday_of(year, 8, 0, -1)}
        for fixed in (dt.date(year, 1, 1), dt.date(year, 12, 25),
                      dt.date(year, 12, 26)):
            while fixed.weekday() > 4 or fixed in days:
                fixed += day
            days.add(fixed)
        want |= days
    assert shipped("uk") == (want, set())


def test_cn_dates_are_those_of_the_notice_and_of_the_law():
    """2026 by the notice of 4 November 2025; 2027 names no make-up day."""
    closed, extra = shipped("cn")
    days = lambda year, dates: sorted(d for d in dates if d.year == year)
    # the notice's own sums: 3, 9, 3, 5, 3, 3 and 7 days
    assert len(days(2026, closed)) == 3 + 9 + 3 + 5 + 3 + 3 + 7
    assert [(d.month, d.day) for d in days(2026, extra)] == [
        (1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)]
    assert all(d.weekday() > 4 for d in extra)
    # 13 holidays of the law; as many working days are lost to them
    assert sum(d.weekday() < 5 for d in days(2027, closed)) == 13
    assert sum(d.weekday() < 5 for d in days(2026, closed)) - len(
        days(2026, extra)) == 13
    assert not days(2027, extra)


# ---- cases worked out by hand: loop.md section 3 ----

def test_three_business_days_from_friday_evening_end_at_wednesdays_close():
    """DL4"""
    cal = Calendar("Asia/Shanghai", [({1, 2, 3, 4, 5}, 540, 1080)])
    got = cal.one(f"bd {at('Asia/Shanghai', '2026-11-20 18:00')} 3")
    assert int(got) == at("Asia/Shanghai", "2026-11-25 18:00")


def test_spring_festival_with_a_make_up_saturday():
    """DL3: closed 15 to 23 February 2026; Saturdays 14 and 28 are worked."""
    z = "Asia/Shanghai"
    d = dt.date
    cal = Calendar(z, [({1, 2, 3, 4, 5}, 540, 720), ({1, 2, 3, 4, 5}, 810, 1080)],
                   [(d(2026, 2, 15), d(2026, 2, 23))],
                   [(d(2026, 2, 14), 540, 1080), (d(2026, 2, 28), 540, 1080)])
    friday = at(z, "2026-02-13 17:00")
    # 1 h on Friday, 9 h on the Saturday, 2 h left on Tuesday the 24th
    assert cal.ask(f"add {friday} {12 * HOUR}", f"bd {friday} 1",
                   f"bd {friday} 2", f"add {friday} {10 * HOUR}",
                   f"open {at(z, '2026-02-14 18:00')}") == [str(x) for x in (
                       at(z, "2026-02-24 11:00"), at(z, "2026-02-14 18:00"),
                       at(z, "2026-02-24 18:00"), at(z, "2026-02-14 18:00"),
                       at(z, "2026-02-24 09:00"))]


def test_friday_half_past_four_and_one_hour_is_monday_half_past_nine():
    cal = Calendar("Europe/Berlin", OFFICE)
    assert int(cal.one(f"add {at('Europe/Berlin', '2026-06-05 16:30')} {HOUR}")
               ) == at("Europe/Berlin", "2026-06-08 09:30")


def test_percent_positions_are_shares_of_working_time():
    z = "Europe/Berlin"
    cal = Calendar(z, [({1, 2, 3, 4, 5}, 480, 1080)])
    monday = at(z, "2026-06-08 17:00")
    assert cal.ask(f"add {monday} {4 * HOUR}", f"add {monday} {3 * HOUR}") == [
        str(at(z, "2026-06-09 11:00")), str(at(z, "2026-06-09 10:00"))]


def test_24x7_adds_nothing_at_midnight_and_counts_23_and_25_hours():
    """DL2"""
    z = "Europe/Berlin"
    cal = Calendar(z, [(WEEK, 0, 1440)])
    late = at(z, "2026-06-08 23:59")
    days = [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-09", 24)]
    assert cal.one(f"add {late} {2 * MINUTE}") == str(late + 2 * MINUTE)
    for day, hours in days:
        nxt = dt.date.fromisoformat(day) + dt.timedelta(days=1)
        a, b = at(z, f"{day} 00:00"), at(z, f"{nxt} 00:00")
        assert cal.one(f"span {a} {b}") == str(hours * HOUR)


def test_windows_of_a_missing_and_a_doubled_hour():
    """DL2: wall-clock membership; an overlap can split a window in two."""
    z = "Europe/Berlin"
    cal = Calendar(z, [(WEEK, 60, 210)])           # 01:00-03:30
    inner = Calendar(z, [(WEEK, 135, 150)])        # 02:15-02:30
    spring, autumn = at(z, "2026-03-29 00:00"), at(z, "2026-10-25 00:00")
    assert cal.one(f"span {spring} {spring + DAY}") == str(90 * MINUTE)
    assert cal.one(f"span {autumn} {autumn + DAY}") == str(210 * MINUTE)
    assert inner.one(f"windows {spring} {spring + 12 * HOUR}") == ""
    a = at(z, "2026-10-25 02:15")
    assert inner.one(f"windows {autumn} {autumn + 12 * HOUR}").split() == [
        f"{a}-{a + 15 * MINUTE}", f"{a + HOUR}-{a + HOUR + 15 * MINUTE}"]


def test_eight_weeks_ignore_calendars():
    """DL4"""
    t = at("UTC", "2026-11-20 18:00")
    assert ask([f"||||0 1|add {t} {56 * DAY}"]) == [str(t + 56 * DAY)]
