"""Figures of complaints: asked for, sent on schedule, extracted. EV1, EV2, EV3,
EV5, EV6."""

import base64
import csv
import datetime
import hashlib
import hmac
import io
import json
import re
import socket
import time

import pytest
from harness import BUILD, SECRET, Producer, World, wait_until
from mailserver import MailServer
from sink import answer
from test_mail import mail_endpoint
from vclock import Clock

KPIS = ["on_time", "on_time_promised", "first_cycle_fix", "reopened", "repeat",
        "reached", "satisfied_answered", "satisfied_all"]
HOUR, DAY = 3600 * 1000, 86400 * 1000
RESOLVED = {"root_cause": "x", "action": "y", "stage": "resolve"}
LOOP = """
message "solved" {
    text = "Is {complaint.id} solved?"
    lang "zh" { text = "投诉 {complaint.id} 是否已解决?" }
}
loop "complaint" {
    timezone = "Asia/Shanghai"
    tiers = {"high", "mid", "low"}
    default_tier = "mid"
    clock "acknowledge" { budget = "1h"
        rung "lapse" { at = "100%" to = "owner" via = {"crm"} } }
    clock "final" { budget = "8w"
        rung "half" { at = "50%" to = "owner" via = {"crm"} } }
    stage "listen" { budget = "2h"  implied_by_later = true
        rung "lapse" { at = "100%" to = "owner" via = {"crm"} } }
    stage "resolve" { budget = "1d"
        rung "lapse" { at = "100%" to = "owner" via = {"crm"} } }
    stage "callback-confirm" { kind = "confirm"  budget = "3d"
        reopen_to = "resolve"  max_reopens = 2
        rung "ask" { at = "0%" to = "customer" via = {"crm"} message = "solved" } }
}
"""


class Past:
    """Tells events of days that have gone, in the order of their instants."""

    def __init__(self, redis, stream="complaints"):
        self.redis, self.stream = redis, stream
        self.told, self.n = [], 0

    def tell(self, at, event, complaint, **fields):
        self.told.append((int(at), event, complaint, fields))

    def walk(self, at, complaint, team, late=False, verdict="satisfied",
             category="billing", **fields):
        """A complaint that is opened at `at` and closed three hours after."""
        self.tell(at, "complaint.opened", complaint, category=category,
                  summary="x", team=team, **{
                      "customer.phone": f"+86138{abs(hash(complaint)) % 10**8:08}",
                      "owner": "li", **fields})
        self.tell(at + HOUR // 2, "complaint.acknowledged", complaint)
        self.tell(at + (2.5 * HOUR if late else HOUR), "stage.completed",
                  complaint, stage="listen")
        self.tell(at + 2.6 * HOUR, "stage.completed", complaint, **RESOLVED)
        if verdict:
            self.tell(at + 3 * HOUR, "customer.answered", complaint,
                      verdict=verdict)

    def send(self):
        for i, (at, name, complaint, fields) in enumerate(
                sorted(self.told, key=lambda t: t[0])):
            self.redis.client.xadd(self.stream, {
                "event": name, "complaint_id": complaint, "source": "past",
                "event_id": f"P-{i}", **fields}, id=f"{at}-{i}")
        return len(self.told)


def months_ago(n=1):
    """The first instant of a month gone by, there where the loop is."""
    zone = datetime.timezone(datetime.timedelta(hours=8))
    first = datetime.datetime.now(zone).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(n):
        first = (first - datetime.timedelta(days=1)).replace(day=1)
    return first


@pytest.fixture(scope="module")
def shop():
    """A month gone by: north N-0 to N-3, S-0 and S-1 of the south, one of them
    late, one withdrawn, one open still."""
    w = World()
    try:
        redis, sink = w.redis(), w.sink()
        d = w.daemon(redis, loop=LOOP, start=False)
        begin = months_ago().timestamp() * 1000
        past = Past(redis)
        past.walk(begin + HOUR, "N-0", "north", tier="high")
        past.walk(begin + 2 * DAY, "N-1", "north", late=True)
        past.walk(begin + 3 * DAY, "N-2", "north", verdict="unsatisfied")
        past.tell(begin + 3 * DAY + 4 * HOUR, "stage.completed", "N-2",
                  **RESOLVED)
        past.tell(begin + 3 * DAY + 5 * HOUR, "customer.answered", "N-2",
                  verdict="satisfied", score="4")
        past.tell(begin - DAY, "complaint.opened", "N-3", category="=cmd|x",
                  summary="not of this month", **{"customer.id": "N-3"})
        past.tell(begin - DAY + HOUR, "complaint.withdrawn", "N-3")
        past.walk(begin + 20 * DAY, "S-0", "south", category="fees, and more")
        past.walk(begin + 21 * DAY, "S-1", "south", verdict=None)
        past.tell(begin + 10 * DAY, "improvement.recorded", "N-0",
                  category="billing", action="a new script", date=(
                      months_ago() + datetime.timedelta(days=10)
                  ).strftime("%Y-%m-%d"))
        n = past.send()
        d.start()
        wait_until(lambda: redis.applied() >= n, 30)
        yield d, redis
    finally:
        wrong = w.close()
        w.remove()
    assert not wrong, "\n".join(wrong)


def month(n=1):
    return months_ago(n).strftime("%Y-%m")


def figures(d, *args):
    status, out, err = d.ctl("--json", "report", *args)
    assert status == 0, err
    return [json.loads(line) for line in out.splitlines()]


def total(rows):
    assert rows[-1]["row"] == "total"
    return rows[-1]


def share(row, name):
    return row[name]["n"], row[name]["of"]


def test_verdicts_are_shown_and_final_at_the_end(shop):
    """EV1: active, active_with_misses, hit or missed per clock and for the
    loop; the final value is set only at close."""
    d, _ = shop
    late, fine, going = (d.find(c) for c in ("N-1", "N-0", "S-1"))
    verdicts = [{k["name"]: k["verdict"] for k in c["clocks"]}
                for c in (late, fine, going)]
    assert late["verdict"] == "missed" and fine["verdict"] == "hit"
    assert verdicts[0]["listen"] == "missed"
    assert verdicts[0]["final"] == verdicts[1]["final"] == "hit"
    assert verdicts[1]["listen"] == verdicts[1]["callback-confirm"] == "hit"
    # nobody has answered in three days: that deadline is missed, and it goes on
    wait_until(lambda: d.find("S-1")["verdict"] == "active_with_misses")
    going = {k["name"]: k["verdict"] for k in d.find("S-1")["clocks"]}
    assert going["callback-confirm"] == "active_with_misses"
    assert going["final"] == "active" and going["resolve"] == "hit"
    status, out, _ = d.ctl("show", "S-1")
    assert status == 0 and "VERDICT" in out
    assert re.search(r"verdict +active_with_misses", out), out
    row = next(json.loads(line) for line in d.ctl(
        "--json", "export")[1].splitlines() if '"id":"N-2"' in line)
    assert [(s["stage"], s["cycle"], s["verdict"]) for s in row["stages_list"]
            ] == [("listen", 1, "hit"), ("resolve", 1, "hit"),
                  ("callback-confirm", 1, "over"), ("resolve", 2, "hit"),
                  ("callback-confirm", 2, "hit")]
    assert row["stages_list"][0]["took_s"] == 3600


def test_figures_by_owner_team_tier_and_period(shop):
    """EV2: on_time, first_cycle_fix, reopen, repeat, reached,
    satisfied/answered, satisfied/all, p50/p90 per stage."""
    d, _ = shop
    t = total(figures(d, "--period", month()))
    assert (t["received"], t["closed"], t["counted"]) == (5, 4, 4)
    assert t["from"] == months_ago().strftime("%Y-%m-%dT00:00:00+08:00")
    assert t["zone"] == "Asia/Shanghai"  # the loop's: nobody said another
    assert share(t, "on_time") == (3, 4)
    assert share(t, "first_cycle_fix") == (3, 4)
    assert share(t, "reopened") == (1, 4)
    assert share(t, "repeat") == (0, 5)
    assert share(t, "reached") == (4, 4)
    assert share(t, "satisfied_answered") == (4, 4)
    assert share(t, "satisfied_all") == (4, 4)
    assert t["score"] == 4 and t["on_time"]["rate"] == 0.75
    listen = next(s for s in t["stages"] if s["stage"] == "listen")
    assert (listen["n"], listen["missed"]) == (5, 1)
    assert listen["p50_ms"] == HOUR and listen["p90_ms"] == 2.5 * HOUR
    for by, groups in (("team", {"north": 3, "south": 2}), ("owner", {"li": 5}),
                       ("tier", {"high": 2, "mid": 3}),
                       ("loop", {"complaint": 5}),
                       ("category", {"billing": 4, "fees, and more": 1})):
        rows = figures(d, "--period", month(), "--by", by)
        got = {r["group"]: r["received"] for r in rows if r["row"] == "group"}
        assert {k: v for k, v in got.items() if v} == groups, by
        for k in KPIS:
            assert [sum(r[k][x] for r in rows if r["row"] == "group")
                    for x in ("n", "of")] == [t[k]["n"], t[k]["of"]], (by, k)
    days = [r for r in figures(d, "--from", month(2), "--to", month(),
                               "--period", "day") if r["row"] == "group"]
    assert sum(r["received"] for r in days) == 6
    assert days[0]["period"] == (months_ago() - datetime.timedelta(
        days=1)).strftime("%Y-%m-%d")  # N-3, the evening before
    # in UTC the first of the month begins later, and N-0 is of the day before
    assert total(figures(d, "--period", month(), "--zone", "UTC"))[
        "received"] == 4


def test_the_report_is_a_table_that_fits(shop):
    """EV2, for people; and what is wrong with a question is said."""
    d, _ = shop
    status, out, err = d.ctl("report", "--period", month(), "--by", "team")
    assert status == 0, err
    assert re.search(r"north +3 +3 +\d+ +67%", out), out
    assert "listen" in out and "2h 30m" in out
    assert "Improvements" in out and "billing" in out
    for args, text in ((("--by", "colour"), "owner, team, tier"),
                       (("--period", "fortnight"), "day, week or month"),
                       (("--from", "soon"), "2026-10-03"),
                       (("--zone", "Mars"), "IANA"),
                       (("--from", "2026-02", "--to", "2026-01"), "behind"),
                       (("--period", "2026-01", "--to", "2026-01"), "one of"),
                       (("--from", "2999-01-01"), "future")):
        status, out, err = d.ctl("report", *args)
        assert status == 2 and text in err and out == "", (args, err)


def test_before_and_after_an_improvement(shop):
    """EV5: improvement.recorded{category,date} makes the report compare rate
    and satisfaction before and after it, over the same length of time."""
    d, _ = shop
    rows = [r for r in figures(d, "--period", month())
            if r["row"] == "improvement"]
    assert len(rows) == 1 and rows[0]["category"] == "billing"
    m = rows[0]
    before, after = m["before"], m["after"]
    assert m["date"].startswith(before["to"]) and after["from"] == m["date"]
    spans = [datetime.datetime.fromisoformat(s["to"]) -
             datetime.datetime.fromisoformat(s["from"]) for s in (before, after)]
    assert spans[0] == spans[1] and spans[0].total_seconds() == m["length_s"]
    assert spans[0].days >= 18  # to the end of the month
    assert before["received"] == 3 and after["received"] == 1  # S-1
    assert before["per_day"] > after["per_day"] > 0
    assert share(before, "satisfied_answered") == (3, 3)
    assert after["satisfied_all"]["rate"] is None  # open still: not 0 %


def test_the_regulators_extract(shop):
    """EV6: `amendsctl export --period` gives one CSV line per complaint with
    received, acked, final, extensions, outcome, recourse."""
    d, redis = shop
    status, out, err = d.ctl("export", "--period", month())
    assert status == 0 and err == "", err
    raw = [*csv.reader(io.StringIO(out, newline=""), strict=True)]
    assert len({len(r) for r in raw}) == 1 and len(raw) == 6
    rows = {r["id"]: r for r in csv.DictReader(io.StringIO(out, newline=""))}
    assert sorted(rows) == ["N-0", "N-1", "N-2", "S-0", "S-1"]
    one = rows["N-0"]
    begin = months_ago()
    assert one["received"] == (begin + datetime.timedelta(hours=1)).isoformat()
    assert one["acked"] == (begin + datetime.timedelta(
        hours=1.5)).isoformat()
    assert one["final"] == (begin + datetime.timedelta(hours=4)).isoformat()
    assert (one["extensions"], one["outcome"], one["recourse"]) == (
        "0", "satisfied", "")
    assert rows["N-2"]["outcome"] == "satisfied_after_reopen"
    assert rows["S-0"]["category"] == "fees, and more"
    assert rows["S-1"]["final"] == "" and rows["S-1"]["outcome"] == ""
    # nobody is named, neither customers nor staff
    assert "li" not in {v for r in rows.values() for v in r.values()}
    assert "+86" not in out
    # what a spreadsheet would run is text
    assert d.ctl("export", "--period", month(2))[1].count("\"'=cmd|x\"") == 1
    assert d.ctl("export", "--period", month(), "--open")[1].count("\n") == 2
    closed = d.ctl("--json", "export", "--period", month(), "--closed")[1]
    assert {json.loads(x)["id"] for x in closed.splitlines()} == {
        "N-0", "N-1", "N-2", "S-0"}
    assert d.ctl("export", "--closed", "--open")[0] == 2
    assert d.ctl("export", "--format", "xml")[0] == 2
    assert d.ctl("export", "--period", "week")[0] == 2
    # the socket by hand: lines of JSON
    assert [r["id"] for r in d.rows(f"export --period {month()} --open")] == [
        "S-1"]


def test_a_parked_complaint_is_said_to_be_missing(shop):
    """EV2, EV6: nobody takes a part for the whole."""
    d, redis = shop
    redis.client.sadd("{complaints}:parked", "P-1")
    try:
        status, out, err = d.ctl("export", "--period", month())
        assert status == 0 and "1 parked" in err and "parked" not in out
        assert "1 parked" in d.ctl("report")[1]
    finally:
        redis.client.srem("{complaints}:parked", "P-1")


def test_many_complaints_stream_and_nothing_waits(world, redis, producer):
    """EV6: a reader that is slow, or goes, holds nobody up."""
    world.sink()
    d = world.daemon(redis, loop=LOOP, start=False)
    pipe = redis.client.pipeline(transaction=False)
    for i in range(3000):
        pipe.xadd("complaints", {
            "event": "complaint.opened", "complaint_id": f"C-{i}",
            "source": "t", "event_id": f"E-{i}", "category": "billing",
            "summary": "x", "owner": f"o{i % 7}",
            "customer.id": f"K-{i}"})
    pipe.execute()
    d.start()
    wait_until(lambda: redis.applied() == 3000, 60)
    slow = socket.socket(socket.AF_UNIX)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(str(d.socket))
    slow.sendall(b"export\n")
    gone = socket.socket(socket.AF_UNIX)
    gone.connect(str(d.socket))
    gone.sendall(b"export\n")
    assert gone.recv(1)
    gone.close()
    t = total(figures(d, "--by", "owner"))
    assert t["received"] == t["open"] == 3000
    status, out, err = d.ctl("export", timeout=60)
    ids = [line.split(",")[0] for line in out.splitlines()[1:]]
    assert status == 0 and len(ids) == len(set(ids)) == 3000
    data = b""
    while not data.endswith(b'"code":0}\n'):
        more = slow.recv(1 << 16)
        assert more
        data += more
    assert data.count(b'{"id":') == 3000
    # nor does one that is not through when the daemon ends
    slow.sendall(b"export\n")
    assert slow.recv(1)
    other = socket.socket(socket.AF_UNIX)
    other.connect(str(d.socket))
    other.sendall(b"report --by owner --progress\n")
    assert d.stop() == 0
    slow.close()
    other.close()


WEEKLY = """
report "weekly" { every = "week"  at = "Mon 08:00"
    timezone = "Asia/Shanghai"  via = {"crm", "boss"} }
"""
REPORTS = WEEKLY + """
report "monthly" { every = "month"  at = "1 09:00"
    timezone = "Asia/Shanghai"  via = {"boss"} }
"""

def sent(sink, path="/boss"):
    return [r for r in list(sink.requests) if to(r) == path and
            r.json["type"] == "followup.report"]


def weekly(sink, path="/boss"):
    return [r for r in sent(sink, path)
            if r.json["data"]["report"]["name"] == "weekly"]


def to(request):
    return request.line.split()[1]


def is_signed(r):
    """By its own timestamp: their clock is not ours."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = f"{r.id}.{r.headers['webhook-timestamp']}.".encode() + r.body
    want = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    return f"v1,{want.decode()}" in r.headers["webhook-signature"].split()


def after(clock, day):
    """Seconds until next that weekday, 08:00 in Shanghai, and a minute."""
    zone = datetime.timezone(datetime.timedelta(hours=8))
    now = datetime.datetime.fromtimestamp(clock.now(), zone)
    at = now.replace(hour=8, minute=1, second=0, microsecond=0)
    at += datetime.timedelta(days=(day - now.weekday()) % 7)
    if at <= now:
        at += datetime.timedelta(days=7)
    return (at - now).total_seconds()


def leap(clock, daemon, seconds):
    """Far ahead at once: nothing is on its way."""
    clock.jump(seconds)
    daemon.status()


def test_reports_go_out_on_schedule(world):
    """EV3: weekly and monthly report is a follow-up like any other (webhook,
    JSON and text), same numbers as `amendsctl report`; once, whatever restarts;
    behind an outage the last one, not those before it."""
    clock = Clock(world)
    sink = world.sink()
    redis = world.redis(env=clock.env())
    kw = {"loop": LOOP, "endpoints": world.endpoint(
              "crm", sink.url("/crm")) + world.endpoint(
              "boss", sink.url("/boss")),
          "streams": ("a.0", "a.1"), "more": 'max_skew = "2m"\n' + REPORTS,
          "owner_ttl": "20m", "redis_more": 'command_timeout = "2m"'}
    env = clock.env(BUILD / "amendsd")
    d = world.daemon(redis, env=env, **kw)
    # it is new: nothing is sent of the week that has gone
    wait_until(lambda: len(redis.client.hgetall("{a.0}:reports")) == 2)
    leap(clock, d, after(clock, 0))
    empty = wait_until(lambda: weekly(sink), 30)[0].json["data"]
    assert empty["figures"]["total"]["received"] == 0
    leap(clock, d, 86400)
    for stream, ids in (("a.0", ("C-1", "C-2")), ("a.1", ("C-3",))):
        p = Producer(redis, stream)
        for c in ids:
            p.open(c, team="north")
            p.emit("stage.completed", c, stage="listen")
            p.emit("stage.completed", c, **RESOLVED)
            p.emit("customer.answered", c, verdict="satisfied")
        wait_until(lambda s=stream, n=p.n: redis.applied(s) == n)
    leap(clock, d, after(clock, 0))
    one = wait_until(lambda: weekly(sink)[1:], 30)[0]
    wait_until(lambda: len(weekly(sink, "/crm")) == 2)
    data = one.json["data"]
    assert data["report"]["name"] == "weekly"
    assert data["followup"]["reason"] == "report"
    assert data["followup"]["id"] == one.id
    assert data["figures"]["total"]["received"] == 3
    assert data["figures"]["groups"][0]["group"] == "north"
    assert "Received 3, closed 3" in data["message"]["text"]
    assert "受理 3 件" in data["message"]["text"]
    assert is_signed(one)
    # the same numbers for whoever asks
    rows = figures(d, "--period", data["report"]["period"], "--by", "team",
                   "--zone", "Asia/Shanghai")
    assert total(rows) == data["figures"]["total"]
    assert len({r.id for r in weekly(sink) + weekly(sink, "/crm")}) == 4
    feed = b"".join(f[b"line"] for _, f in redis.client.xrange("{a.0}:feed"))
    assert b"report.ready" in feed
    # a restart makes none again, nor does another daemon that takes over
    d.kill9()
    d = world.daemon(redis, instance="t2", env=env, start=False, **kw)
    d.start(wait=False)
    leap_until_running(clock, d)
    assert len(weekly(sink)) == 2
    # three weeks away: the last week's is made, and one of the month at most
    d.stop()
    clock.jump(21 * 86400)
    d.spawn()
    leap_until_running(clock, d)
    wait_until(lambda: len(weekly(sink)) == 3, 30)
    names = [(r.json["data"]["report"]["name"],
              r.json["data"]["report"]["period"]) for r in sent(sink)]
    assert len(names) == len(set(names)) and len(names) <= 5
    marks = redis.client.hgetall("{a.0}:reports")
    assert set(marks) == {b"weekly", b"monthly"}


def leap_until_running(clock, d):
    """Whoever was killed held its shards: they are its heir's after a while."""
    def running():
        try:
            shards = d.status()["shards"]
        except OSError:
            return False
        if shards and all(s["state"] == "running" for s in shards):
            return True
        clock.jump(60)
        return False
    wait_until(running, 40, step=0.1)


def test_a_report_that_nobody_takes_is_dead_and_can_be_replayed(world):
    """EV3: like any other follow-up: retried, dead with a reason, told to the
    operator, replayed under its old id."""
    clock = Clock(world)
    down = [True]
    sink = world.sink(lambda r: answer(404 if down[0] and to(r) == "/boss"
                                       else 200))
    redis, d = clock.world(
        world, loop=LOOP, endpoints=world.endpoint(
            "crm", sink.url("/crm")) + world.endpoint(
            "boss", sink.url("/boss"), 'timeout = "2s"\n    retry = {"0s"}'),
        more='max_skew = "2m"\nalert = {"crm"}\n' + WEEKLY.replace(
            '"crm", ', ""))
    wait_until(lambda: redis.client.hlen("{complaints}:reports") == 1)
    leap(clock, d, after(clock, 0))
    dead = wait_until(lambda: d.rows("dead list"), 30)[0]
    assert dead["endpoint"] == "boss" and dead["id"] == sent(sink)[0].id
    wait_until(lambda: [r for r in sink.requests if to(r) == "/crm" and
                        r.json["type"] == "amends.followup.dead"])
    down[0] = False
    assert d.ctl("dead", "replay", dead["id"])[0] == 0
    wait_until(lambda: len(sent(sink)) == 2)
    assert sent(sink)[1].id == dead["id"]
    assert sent(sink)[1].body == sent(sink)[0].body
    wait_until(lambda: d.rows("dead list") == [])
    assert time.time() < clock.now()


def test_a_report_by_mail_goes_to_who_leads(world, redis):
    """EV3: to the manager of conf; and the last one that was missed is made."""
    mx = world.add(MailServer(world)).start()
    redis.client.hset("{complaints}:reports", "weekly", 1)  # day 1, 1970
    d = world.daemon(
        redis, loop=LOOP.replace('"crm"', '"mail"'),
        endpoints=mail_endpoint(world, mx), more="""
person "chen" { email = "chen@staff.example" }
role "manager" { person = {"chen"} }
report "weekly" { every = "week"  via = {"mail"} }
""")
    got = wait_until(mx.messages)
    (to_, msg), = got
    assert to_ == ["chen@staff.example"] and msg["subject"].startswith(
        "weekly: ")
    assert "Received 0, closed 0" in msg.get_content()
    assert "受理 0 件" in msg.get_content()
    wait_until(lambda: d.rows("followups") == [])
    d.kill9()
    d.start()
    assert len(d.logged("report_made")) == len(mx.messages()) == 1
