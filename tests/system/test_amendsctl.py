"""amendsctl against a socket that plays the daemon with canned answers."""

import datetime as dt
import json
import os
import pty
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import unicodedata
from pathlib import Path

import pytest

from harness import BUILD, ROOT

AMENDSCTL = str(BUILD / "amendsctl")
OK = {"ok": True, "code": 0}


class At:
    """An instant in a canned answer, some seconds from when the test began:
    this file may have been read long before."""

    began = None

    def __init__(self, seconds):
        self.seconds = seconds

    def __str__(self):
        t = At.began + dt.timedelta(seconds=self.seconds)
        return t.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def line_of(row):
    return json.dumps(row, ensure_ascii=False, default=str) + "\n"


SHARD = {"stream": "complaints", "state": "running", "why": "",
         "owner": "amends-1", "mine": True, "lag": 0, "cursor": "17-1",
         "applied": 1234, "lost": 0, "commit": 88, "open": 312,
         "next_wake": At(750)}
STATUS = {
    "instance": "amends-1", "version": "0.1.0", "pid": 4711,
    "uptime_ms": 273_600_000, "now": At(0), "state": "running",
    "redis": {"up": True, "version": "7.0.15", "durability": "D2",
              "policy": "noeviction", "used_memory": 12_897_485,
              "maxmemory": 67_108_864, "clock_diff_ms": 3, "why": ""},
    "shards": [SHARD], "open": 312, "waiting": 14, "in_flight": 3, "dead": 1,
    "rejects": 2,
    "events": {"applied": 1234, "duplicate": 3, "ignored": 1, "rejected": 2},
    "config": {"path": "/etc/amends/amends.conf", "loaded_at": At(-7200),
               "ok": True, "error": None,
               "warnings": ["amends.conf:12: calendar office ends soon"]},
    "log_dropped": 0}
LIST = [
    {"id": "C-1", "shard": "complaints", "loop": "complaint@1f3a00000000",
     "status": "open", "stage": "resolve", "cycle": 1, "tier": "high",
     "owner": "张伟", "category": "账单投诉", "opened_at": At(-9000),
     "due_at": At(-10_890), "next_at": At(60), "overdue": True},
    {"id": "C-22222", "shard": "complaints",
     "loop": "complaint@1f3a00000000", "status": "held", "stage": "listen",
     "cycle": 2, "tier": "mid", "owner": "li", "category": "billing",
     "opened_at": At(-60), "due_at": At(750), "next_at": At(750),
     "overdue": False}]
SHOW = {
    "id": "C-1", "loop": "complaint@1f3a00000000", "version": 5, "seq": 9,
    "status": "open", "outcome": None, "stage": "resolve",
    "since": At(-7300), "due_at": At(172_900), "cycle": 2, "tier": "high",
    "owner": "li", "loop_owner": "zhao", "supervisor": "wang",
    "category": "billing", "lang": "zh", "owed": ["apologize"],
    "opened_at": At(-9000), "closed_at": None, "held_since": None,
    "hold_reason": None, "next_at": At(86_500),
    "clocks": [
        {"name": "acknowledge", "state": "met", "missed": False, "entry": 1,
         "started_at": At(-9000), "due_at": None, "budget_ms": 900_000,
         "consumed_ms": 120_000, "rungs": []},
        {"name": "callback", "state": "over", "missed": False, "entry": 1,
         "started_at": At(-9000), "due_at": None, "budget_ms": 0,
         "consumed_ms": 120_000, "rungs": []},
        {"name": "resolve", "state": "running", "missed": False, "entry": 1,
         "started_at": At(-7300), "due_at": At(172_900),
         "budget_ms": 86_400_000, "consumed_ms": 7_300_000, "rungs": [
             {"name": "warn", "at": "80%", "to": "owner",
              "due_at": At(86_500), "fired": False},
             {"name": "lapse", "at": "100%", "to": "supervisor",
              "due_at": At(172_900), "fired": False}]}],
    "waiting": [{"id": "abcdefghijklmnopqrstuvwxyz", "endpoint": "crm",
                 "clock": "listen", "rung": "lapse", "queued": True}],
    "journal": [
        {"seq": 1, "v": 1, "now": At(-9000), "event": "complaint.opened",
         "verdict": "applied", "do": [
             {"n": "complaint.opened", "tier": "high", "repeat_of": "C-0"},
             {"n": "stage.entered", "stage": "listen"}]},
        {"seq": 2, "v": 2, "now": At(-7300), "event": "stage.completed",
         "verdict": "applied", "do": [
             {"n": "stage.met", "stage": "listen", "late": "yes"},
             {"n": "followup.suppressed", "followup": "abc",
              "endpoint": "crm", "reason": "superseded"},
             {"n": "something.new", "k": "v"}]},
        {"seq": 3, "v": 2, "now": At(-7000), "event": "stage.completed",
         "verdict": "ignored", "do": [
             {"n": "event.ignored", "event": "stage.completed",
              "code": "already_done"},
             {"n": "event.ignored", "event": "deadline.extended",
              "code": "final_stands"},
             {"n": "followup.failed", "endpoint": "sms", "code": "30005"},
             {"n": "contact.opted_out", "channel": "call"}]},
        {"seq": 4, "v": 3, "now": At(-6000), "event": "wake",
         "verdict": "applied", "do": [
             {"n": "deadline.missed", "clock": "resolve",
              "due_at": "1700000000000"},
             {"n": "stage.missed", "stage": "resolve"},
             {"n": "rung.fired", "clock": "unowned", "rung": "unowned",
              "due_at": "1700000000000"},
             {"n": "rung.fired", "clock": "silence", "rung": "close"},
             {"n": "rung.fired", "clock": "resolve", "rung": "take"},
             {"n": "followup.queued", "to": "owner", "endpoint": "crm",
              "reason": "stage_due"}]}]}
WHY = {
    "id": "C-1", "clock": "resolve", "state": "running",
    "calendar": "office", "started_at": "2026-11-20T17:00:00.000Z",
    "budget_ms": 14_400_000, "consumed_ms": 3_600_000,
    "windows": [
        {"from": "2026-11-20T17:00:00.000Z", "to": "2026-11-20T18:00:00.000Z",
         "ms": 3_600_000},
        {"from": "2026-11-23T09:00:00.000Z", "to": "2026-11-23T12:00:00.000Z",
         "ms": 10_800_000}],
    "holds": [{"from": "2026-11-21T09:00:00.000Z",
               "to": "2026-11-21T10:30:00.000Z",
               "reason": "waiting_customer"}],
    "due_at": "2026-11-23T12:00:00.000Z", "sum_ms": 14_400_000}
FOLLOWUPS = [{
    "id": "abcdefghijklmnopqrstuvwxyz", "shard": "complaints",
    "complaint": "C-1", "endpoint": "crm", "clock": "listen",
    "rung": "lapse", "reason": "lapse", "to": "owner", "state": "waiting",
    "due_at": At(-400), "fired_at": At(-399), "next_at": At(330),
    "attempts": 2, "log": [
        {"at": At(-300), "took_ms": 15_000, "result": "retry", "status": 503,
         "error": "http_503"}]}]
DEAD = [{"entry": "5-0", "shard": "complaints",
         "id": "abcdefghijklmnopqrstuvwxyz", "complaint": "C-1",
         "endpoint": "crm", "reason": "exhausted", "at": At(-4000),
         "attempts": 10, "status": 500,
         "error": "HTTP 500 \x1b[31mred\x1b[0m \u202etxt"}]
REJECTS = [{"entry": "7-1", "shard": "complaints", "id": "1-1",
            "code": "missing_field", "field": "complaint_id",
            "text": "complaint_id is missing; give one", "at": At(-90),
            "size": 2048, "fields": {"event": "complaint.opened"}}]
ENDPOINTS = [
    {"name": "crm", "type": "webhook", "url": "http://127.0.0.1:9100/hook",
     "built": True, "breaker": "open", "failures": 5, "open_until": At(30),
     "paused_until": None, "in_flight": 0, "waiting": 12, "sent": 40,
     "ok": 35, "failed": 5, "last_ok": At(-600), "last_failed": At(-20),
     "last_reason": "connect"},
    {"name": "sms", "type": "sms", "url": None, "built": False,
     "breaker": "closed", "failures": 0, "open_until": None,
     "paused_until": None, "in_flight": 0, "waiting": 0, "sent": 0, "ok": 0,
     "failed": 0, "last_ok": None, "last_failed": None, "last_reason": None}]

ANSWERS = {
    "status": ([STATUS], OK),
    "health": ([{"healthy": True, "ready": False,
                 "reasons": ["redis: connection refused"]}],
               {"ok": False, "code": 1, "error": "not ready"}),
    "list": (LIST, OK),
    "show C-1": ([SHOW], OK),
    "show C-9": ([], {"ok": False, "code": 4,
                      "error": "no such complaint: C-9"}),
    "why C-1": ([WHY], OK),
    "followups": (FOLLOWUPS, OK),
    "dead list": (DEAD, OK),
    "dead drop --all --yes": ([], {"ok": True, "code": 0,
                                   "note": "1 dropped"}),
    "rejects list": (REJECTS, OK),
    "endpoints": (ENDPOINTS, OK),
    "shard list": ([SHARD], OK),
    "shard adopt complaints": ([], OK),
    "reload": ([], {"ok": False, "code": 1,
                    "error": "amends.conf:3: no such key; did you mean url?"}),
    "drain": ([], {"ok": False, "code": 5, "error": "uid 1 may not `drain`"}),
    "verify C-1": ([{"id": "C-1", "ok": True, "lines": 9, "bad_seq": 0}], OK),
}


class Fake:
    """Answers every line from ANSWERS and keeps what it was asked."""

    def __init__(self, folder):
        self.path = f"{folder}/sock"
        self.asked = []
        self.mode = "answer"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                self.answer(client)

    def answer(self, client):
        line = b""
        while not line.endswith(b"\n"):
            more = client.recv(8192)
            if not more:
                return
            line += more
        words = line.decode().rstrip("\n")
        self.asked.append(words)
        rows, end = ANSWERS.get(words, ([], OK))
        text = "".join(map(line_of, [*rows, end])).encode()
        if self.mode == "dies":
            text = text[:len(text) // 2]
        if self.mode == "silent":
            client.recv(1)
            return
        for i in range(0, len(text), 700):  # in pieces
            client.sendall(text[i:i + 700])


@pytest.fixture
def fake():
    At.began = dt.datetime.now(dt.timezone.utc)
    folder = tempfile.mkdtemp(prefix="actl")
    f = Fake(folder)
    yield f
    f.listener.close()
    shutil.rmtree(folder)


def run(fake, *args, **env):
    clean = {k: v for k, v in os.environ.items()
             if k not in ("COLUMNS", "NO_COLOR", "AMENDS_SOCKET", "LC_ALL")}
    p = subprocess.run(
        [AMENDSCTL, "--socket", fake.path, *args], capture_output=True,
        stdin=subprocess.DEVNULL, timeout=30,
        env={**clean, "TZ": "UTC", "LC_ALL": "C.UTF-8", **env})
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


def columns_of(line):
    """Where the words of a table's line begin, in terminal columns."""
    return [width(line[:m.start()]) for m in re.finditer(r"(?<!\S)\S", line)]


def test_status_when_asked_then_a_card_and_the_shards(fake):
    """OP4: the status socket, for people."""
    code, out, err = run(fake, "status")
    assert (code, err) == (0, "")
    assert out.startswith("amends-1  running\n")
    for text in ("amendsd 0.1.0, pid 4711, up 3d 4h",
                 "durability D2, noeviction, 12.3 MiB of 64.0 MiB",
                 "(2h ago)", "calendar office ends soon",
                 "14 waiting, 3 in flight, 1 dead",
                 "1234 applied, 3 duplicate, 1 ignored, 2 rejected",
                 "in 12m"):
        assert text in out
    assert re.search(r"^SHARD +STATE +OWNER", out, re.M)


def test_status_when_dates_end_since_the_load_then_it_says_so(fake, monkeypatch):
    """loop.md 3.3: also by a daemon that was started long before."""
    told = 'cn.conf:9: the dates of calendar "cn" end on 2026-12-31, in 40 days'
    monkeypatch.setitem(ANSWERS, "status", ([{**STATUS, "config": {
        **STATUS["config"], "warnings": [told],
        "calendars_ending": ["cn", "uk"]}}], OK))
    code, out, _ = run(fake, "status")
    assert code == 0 and told in out
    assert out.count('the dates of calendar "cn" end') == 1
    assert 'the dates of calendar "uk" end within 60 days, or have ended' in out


def test_status_when_redis_is_down_then_it_says_so(fake, monkeypatch):
    """OP4: with Redis down."""
    down = {**STATUS, "state": "degraded:redis",
            "redis": {"up": False, "why": "connection refused"},
            "config": {**STATUS["config"], "ok": False,
                       "error": "amends.conf:3: no such key"}}
    monkeypatch.setitem(ANSWERS, "status", ([down], OK))
    code, out, _ = run(fake, "status")
    assert code == 0
    assert "down: connection refused" in out
    assert "the last reload failed: amends.conf:3: no such key" in out


def test_health_when_not_ready_then_reasons_and_code_1(fake):
    code, out, err = run(fake, "health")
    assert code == 1
    assert out == "healthy, not ready\n  redis: connection refused\n"
    assert err == "amendsctl: not ready\n"


def test_list_when_text_is_chinese_then_columns_stay_aligned(fake):
    code, out, _ = run(fake, "list")
    assert code == 0
    head, first, second, tail = out.splitlines()
    assert "张伟" in first and "账单投诉" in first
    for title in ("STAGE", "TIER", "OWNER", "CATEGORY", "LOOP"):
        place = width(head[:head.index(title)])
        assert place in columns_of(first) and place in columns_of(second)
    assert "3h 1m ago" in first
    assert "in 12m" in second
    assert tail == "2 complaints, 1 overdue"


def test_list_when_it_has_all_kinds_then_by_due_and_closed_last(
        fake, monkeypatch):
    def row(name, status, due):
        return {**LIST[1], "id": name, "status": status, "due_at": due}

    monkeypatch.setitem(ANSWERS, "list", ([
        row("C-1", "closed", None), row("C-2", "held", None),
        row("C-3", "open", At(750)), row("C-4", "open", At(-60)),
        row("C-5", "open", At(60))], OK))
    rows = run(fake, "list")[1].splitlines()[1:-1]
    assert [r.split()[0] for r in rows] == ["C-4", "C-5", "C-3", "C-2", "C-1"]


def test_why_when_windows_are_short_then_to_the_second(fake, monkeypatch):
    span = {"from": "2026-11-20T17:00:05.000Z",
            "to": "2026-11-20T17:00:35.000Z", "ms": 30_000}
    monkeypatch.setitem(ANSWERS, "why C-1", ([{**WHY, "windows": [span]}], OK))
    out = run(fake, "why", "C-1", TZ="UTC")[1]
    assert "Fri 2026-11-20 17:00:05 to 17:00:35  30s" in out


@pytest.mark.parametrize("verb", [
    "status", "list", "followups", "dead list", "rejects list", "endpoints",
    "shard list", "show C-1", "why C-1", "help", "health"])
def test_any_verb_when_terminal_is_narrow_then_fits(fake, verb):
    _, out, _ = run(fake, *verb.split(), COLUMNS="40")
    long = [line for line in out.splitlines()
            if width(line) > 40 and "usage" not in line and
            "help COMMAND" not in line]
    assert not long


def test_table_when_narrow_then_ids_stay_whole_and_cuts_are_marked(fake):
    _, out, _ = run(fake, "list", COLUMNS="40")
    assert "C-22222" in out and "LOOP" not in out
    _, out, _ = run(fake, "followups", COLUMNS="40")
    assert "abcdefghijklmnopqrstuvwxyz" in out
    _, out, _ = run(fake, "rejects", "list", COLUMNS="60")
    assert "complaint_id is" in out and "…" in out
    _, out, _ = run(fake, "rejects", "list", COLUMNS="60", LC_ALL="C")
    assert "~" in out and "…" not in out


def test_show_when_asked_then_a_manager_can_read_it(fake):
    """LC1: stage, since, due; DL1: all clocks; the history in words."""
    code, out, err = run(fake, "show", "C-1")
    assert (code, err) == (0, "")
    assert out.startswith("C-1  open, stage resolve, cycle 2\n")
    for text in ("(in 2d)", "since", "(2h 1m ago)", "still owed  apologize",
                 "owner       li", "received by zhao", "supervisor  wang",
                 "warn to owner in 1d", "2h 1m of 24h", "acknowledge  met",
                 "abcdefghijklmnopqrstuvwxyz  crm", "to be sent",
                 "opened, tier high, a repeat of C-0; listen begins\n",
                 "listen done late; follow-up by crm not sent: superseded; "
                 "something.new k=v",
                 "stage.completed ignored: already_done; "
                 "deadline.extended ignored: nothing moves the backstop "
                 "(final_stands); follow-up by sms: the provider could not "
                 "deliver it: 30005; the customer wants nothing more by call",
                 "callback     over\n",
                 "resolve is overdue, it was due 2023-11-14 22:13; nobody has "
                 "taken it yet; the time to answer is over; rung take of "
                 "resolve fires; follow-up to the owner by crm (stage_due)"):
        assert text in out, text


def test_show_when_unknown_then_code_4(fake):
    assert run(fake, "show", "C-9") == (
        4, "", "amendsctl: no such complaint: C-9\n")


def test_why_when_asked_then_windows_sum_to_the_budget(fake, monkeypatch):
    """DL9: explain a due time."""
    code, out, _ = run(fake, "why", "C-1")
    assert code == 0
    for text in ("resolve  running, calendar office",
                 "counted     Fri 2026-11-20 17:00 to 18:00  1h",
                 "Mon 2026-11-23 09:00 to 12:00  3h", "sum         4h, the budget",
                 "held        Sat 2026-11-21 09:00 to 10:30  1h 30m  "
                 "waiting_customer", "due         2026-11-23 12:00"):
        assert text in out, text
    wrong = {**WHY, "sum_ms": 1000}
    monkeypatch.setitem(ANSWERS, "why C-1", ([wrong], OK))
    assert "1s; the budget is 4h" in run(fake, "why", "C-1")[1]


def test_tables_when_printed_then_hold_what_matters(fake):
    out = run(fake, "followups")[1]
    for text in ("listen/lapse", "retry 503 http_503", "in 5m"):
        assert text in out
    out = run(fake, "endpoints")[1]
    assert re.search(r"crm +webhook +broken, probe in \d+s +12 ", out)
    assert re.search(r"sms +sms +not in force", out)
    out = run(fake, "rejects", "list")[1]
    assert re.search(r"7-1 +missing_field +complaint_id +1m ago", out)
    out = run(fake, "verify", "C-1")[1]
    assert out == "C-1: 9 lines, chain and replay agree\n"
    assert run(fake, "shard", "adopt", "complaints")[1] == "done\n"


def test_text_when_it_holds_escapes_then_they_do_not_reach_the_terminal(fake):
    _, out, _ = run(fake, "dead", "list")
    assert "\x1b" not in out and "\u202e" not in out
    assert "HTTP 500 ?[31mred" in out


def test_json_when_asked_then_lines_pass_unchanged(fake):
    for args, words in ((("--json", "list"), "list"),
                        (("dead", "list", "--json"), "dead list"),
                        (("show", "C-1", "--json"), "show C-1")):
        code, out, err = run(fake, *args)
        assert (code, err) == (0, "")
        assert out == "".join(map(line_of, ANSWERS[words][0]))
    assert run(fake, "--json", "show", "C-9") == (
        4, "", "amendsctl: no such complaint: C-9\n")


def test_command_when_refused_then_code_5(fake):
    assert run(fake, "drain") == (
        5, "", "amendsctl: uid 1 may not `drain`\n")
    code, _, err = run(fake, "reload")
    assert code == 1 and "did you mean url?" in err


def test_command_when_misspelt_then_code_2_without_a_connection(fake):
    for args, text in ((("staus",), "did you mean `status`?"),
                       (("dead",), "needs one of: list, replay, drop"),
                       (("list", "--limit", "x"), "1 to 1000000"),
                       (("show",), "usage: show ID"),
                       ((), "`help` lists them"),
                       (("--timeout", "x", "status"), "--timeout needs"),
                       (("emit", "complaint.opened", "a\x01=b"),
                        "control character"),
                       (("emit", "complaint.opened", "a=" + "b" * 4096),
                        "at most 4096")):
        code, out, err = run(fake, *args)
        assert (code, out) == (2, "")
        assert text in err
    assert fake.asked == []


def test_words_when_they_hold_blanks_then_quoted(fake):
    run(fake, "emit", "complaint.opened", "summary=charged \"twice\"",
        "note=a\nb", "投诉=是", "--", "--odd=1")
    assert fake.asked == ['emit complaint.opened "summary=charged '
                          '\\"twice\\"" "note=a\\nb" 投诉=是 -- --odd=1']


def test_daemon_when_away_then_code_3_and_one_line(fake, tmp_path):
    p = subprocess.run([AMENDSCTL, "status"], capture_output=True, text=True,
                       env={**os.environ,
                            "AMENDS_SOCKET": str(tmp_path / "none")})
    assert (p.returncode, p.stdout) == (3, "")
    assert p.stderr.count("\n") == 1
    assert str(tmp_path / "none") in p.stderr and "start amendsd" in p.stderr
    fake.listener.shutdown(socket.SHUT_RDWR)  # the file stays
    assert run(fake, "status")[0] == 3


def test_daemon_when_it_dies_or_hangs_then_code_3(fake):
    fake.mode = "dies"
    code, _, err = run(fake, "list")
    assert code == 3 and "went away" in err
    fake.mode = "silent"
    code, _, err = run(fake, "--timeout", "1", "status")
    assert code == 3 and "no answer" in err


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_socket_when_not_open_to_us_then_code_5(fake):
    os.chmod(fake.path, 0o600)
    os.chmod(os.path.dirname(fake.path), 0o755)
    exe = shutil.copy(AMENDSCTL, os.path.dirname(fake.path))
    p = subprocess.run([exe, "--socket", fake.path, "status"],
                       user=65533, group=65533, extra_groups=[],
                       capture_output=True, text=True)
    assert p.returncode == 5
    assert "you may not open" in p.stderr


def test_drop_all_when_there_is_no_terminal_then_wants_yes(fake):
    code, out, err = run(fake, "dead", "drop", "--all")
    assert (code, out) == (2, "") and "say --yes" in err
    assert fake.asked == []
    assert run(fake, "dead", "drop", "--all", "--yes")[:2] == (
        0, "1 dropped\n")


def on_terminal(fake, *args, answer=None, **env):
    """Run with a terminal on all three; what it shows."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.pop("NO_COLOR", None)
        os.environ.update({"TERM": "xterm", "TZ": "UTC", "COLUMNS": "200",
                           "LC_ALL": "C.UTF-8", **env})
        os.execv(AMENDSCTL, [AMENDSCTL, "--socket", fake.path, *args])
    if answer:
        os.write(fd, answer.encode())
    shown = b""
    while True:
        try:
            more = os.read(fd, 8192)
        except OSError:
            break
        if not more:
            break
        shown += more
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_colours_when_on_a_terminal_only_and_not_under_no_color(fake):
    assert "\x1b[31m" in on_terminal(fake, "list")[1]
    assert "\x1b" not in on_terminal(fake, "list", NO_COLOR="1")[1]
    assert "\x1b" not in on_terminal(fake, "list", TERM="dumb")[1]
    assert "\x1b" not in run(fake, "list", TERM="xterm")[1]


def test_drop_all_when_on_a_terminal_then_asks(fake):
    code, shown = on_terminal(fake, "dead", "drop", "--all", answer="n\n")
    assert code == 1 and "nothing was done" in shown
    assert fake.asked == []
    code, shown = on_terminal(fake, "dead", "drop", "--all", answer="y\n")
    assert code == 0 and "cannot be undone" in shown
    assert fake.asked == ["dead drop --all"]


def test_help_when_asked_then_names_every_verb_and_needs_no_daemon(fake):
    code, out, _ = run(fake, "help")
    assert code == 0
    verbs = re.findall(r"^([a-z]+(?: [a-z]+)?)(?: \*)?  ", out, re.M)
    assert {"status", "dead list", "shard adopt", "verify"} <= set(verbs)
    assert len(verbs) >= 24
    for verb in verbs:
        code, out, _ = run(fake, "help", *verb.split())
        assert code == 0 and out.startswith(verb)
    assert "dead replay" in run(fake, "help", "dead")[1]
    assert run(fake, "help", "nothing")[0] == 2
    narrow = run(fake, "help", COLUMNS="60")[1]
    assert "…" not in narrow and "~" not in narrow
    assert run(fake, "--version")[1].startswith("amendsctl ")
    assert run(fake, "list", "--help")[1].startswith("list [--open")
    assert fake.asked == []


def test_manual_when_read_then_has_every_verb_option_and_code(fake):
    page = (ROOT / "docs/man/amendsctl.8").read_text()
    page = page.replace("\\-", "-")
    rows = re.findall(r'^\s*\{ "([a-z ]+)", [VO], \d+, \d+, "([^"]*)"|'
                      r'^\s*\{ "([a-z ]+)", [VO], \d+, \d+,\n\s*"([^"]*)"',
                      (ROOT / "lib/ops/verbs.c").read_text(), re.M)
    assert len(rows) >= 24
    plain = re.sub(r"\\f.|^\.\w+ ?", "", page, flags=re.M)
    for a, usage_a, b, usage_b in rows:
        assert (usage_a or usage_b) in plain, (a or b)
    for option in ("--socket", "--json", "--timeout", "--yes", "--version"):
        assert option in plain
    for code in "012345":
        assert re.search(rf"^\.B {code}$", page, re.M)


@pytest.mark.skipif(not shutil.which("man"), reason="no man here")
@pytest.mark.parametrize("page", ["amendsctl.8", "amendsd.8"])
def test_manual_when_formatted_then_without_a_warning(page):
    p = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8",
                        "-Z", str(ROOT / "docs/man" / page)],
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                       env={**os.environ, "LC_ALL": "C.UTF-8",
                            "MANROFFSEQ": "", "MANWIDTH": "80"}, text=True)
    assert p.returncode == 0 and p.stderr == ""


def test_output_when_it_cannot_be_written_then_code_1(fake):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with open("/dev/full", "w") as full:
        p = subprocess.run([AMENDSCTL, "--socket", fake.path, "list"],
                           stdout=full, stderr=subprocess.PIPE, text=True)
    assert p.returncode == 1 and "cannot write" in p.stderr
