"""amendsctl simulate and backtest: a loop on a virtual clock, one history
under two policies. No Redis, no daemon. OP5."""

import json
import os
import re
import resource
import subprocess

import pytest
from harness import BUILD, ROOT

CONF = ROOT / "tests/trace/bank.conf"
MONDAY = "2026-11-23T09:00"


def run(*args, stdin="", code=0):
    p = subprocess.run(
        [BUILD / "amendsctl", *map(str, args)], input=stdin, text=True,
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
        env={**os.environ, "COLUMNS": "120", "LC_ALL": "C.UTF-8",
             "AMENDS_SOCKET": "/nowhere"})
    assert p.returncode == code, p.stderr
    return p.stdout if code == 0 else p.stderr


def cpu():
    """Seconds that the children have worked."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def simulate(*args, **kw):
    return run("simulate", "-c", CONF, "--from", MONDAY, *args, **kw)


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


def test_nothing_happens_then_the_loop_shows_what_it_does_by_itself():
    """DL7 ES1: warning, lapse, the ladder, in the time of the loop."""
    out = simulate()
    lines = out.splitlines()
    assert "loop complaint of" in lines[0] and "Asia/Shanghai" in lines[0]
    for text in (
            "Mon 2026-11-23 09:00  c1  opened",
            "listen begins, due 2026-11-23 09:30",
            "due: acknowledge by Mon 2026-11-23 09:15, final by Mon 2027-01-18",
            "Mon 2026-11-23 09:15  c1  acknowledge is overdue",
            "Mon 2026-11-23 09:30  c1  listen is overdue",
            "follow-up to the owner by crm (stage_due)",
            "Mon 2026-11-23 09:45  c1  listen is late, raised to the supervisor",
            "follow-up to the manager by desk (rung_3)",
            "Mon 2027-01-18 09:00  c1  final is overdue",
            "1 complaint, 1 open"):
        assert text in out, text
    assert re.search(r"^listen +1 +- +1 +1 +2$", out, re.M)
    assert re.search(r"^owner +crm +4", out, re.M)


def test_events_on_the_command_line_then_told_in_their_order():
    out = simulate("+0 complaint.opened c1 category=card owner=li",
                   "+5m stage.completed stage=listen",
                   "10:30 complaint.held reason=waiting_customer",
                   "Tue-11.24-10:00 complaint.resumed")
    order = [out.index(t) for t in (
        "opened, card", "09:05  c1  listen done in time",
        "10:30  c1  put on hold: waiting_customer",
        "Tue 2026-11-24 10:00  c1  taken up again",
        "due: apologize by Tue 2026-11-24 10:35",
        "10:35  c1  apologize is overdue")]
    assert order == sorted(order)


def test_complaint_not_opened_by_an_event_then_open_from_the_start():
    out = simulate("+10m stage.completed c7 stage=listen", "--for", "1d")
    assert "09:00  c7  opened" in out and "09:10  c7  listen done" in out


def test_refused_event_then_said_and_the_story_goes_on():
    out = simulate("+1m complaint.held reason=lunch",
                   "+1m stage.completed stage=listen", "--for", "1h")
    assert "complaint.held refused: bad_value, reason" in out
    assert "listen done in time" in out and "1 event refused" in out


def test_file_and_standard_input_then_the_same_story(tmp_path):
    story = (ROOT / "tests/trace/happy_path.trace").read_text()
    path = tmp_path / "story"
    path.write_text(story)
    out = simulate("--file", path)
    assert "1 closed satisfied" in out and "10 of 10" not in out
    assert simulate("--file", "-", stdin=story) == out


STORIES = sorted((ROOT / "tests/trace").glob("**/*.trace"))


@pytest.mark.parametrize("path", STORIES, ids=lambda p: p.stem)
def test_every_trace_then_told_in_words(path):
    """What no template has is printed as it stands: `name key=value`."""
    told = re.search(r"^# in (\S+), loop ([\w-]+)", path.read_text(), re.M)
    conf, loop = told.groups() if told else ("bank.conf", "complaint")
    conf = next(c for c in (path.parent / conf, ROOT / "tests/trace" / conf,
                            ROOT / conf) if c.exists())
    out = run("simulate", "-c", conf, "--loop", loop, "--from", MONDAY,
              "--file", path)
    assert not re.search(r"[a-z]+\.[a-z]+ \w+=", out), out
    assert re.search(r"^\d complaints?, ", out, re.M)


def test_json_then_a_row_a_step_and_the_summary():
    got = rows(simulate("--json", "--for", "1d"))
    steps, summary = got[:-1], got[-1]["summary"]
    assert [s["at"] for s in steps] == sorted(s["at"] for s in steps)
    first = steps[0]
    assert (first["complaint"], first["event"], first["verdict"],
            first["stage"], first["status"]) == (
        "c1", "complaint.opened", "applied", "listen", "open")
    assert first["due"]["listen"] == "2026-11-23T01:30:00.000Z"
    assert first["next_at"] == steps[1]["at"]
    notes = [n for s in steps for n in s["do"]]
    assert sum(n["n"] == "followup.queued" for n in notes) == \
        sum(w["sent"] for w in summary["messages"])
    listen = next(c for c in summary["clocks"] if c["clock"] == "listen")
    assert (listen["missed"], listen["escalated"]) == (1, 2)
    assert summary["complaints"] == summary["open"] == 1


def test_endpoint_down_then_the_next_one_or_nobody():
    out = simulate("--down", "desk", "--for", "1d")
    assert "but dead at desk" in out
    assert "given up: down" in out
    assert re.search(r"^supervisor +crm +1", out, re.M)
    assert "no endpoint 'fax'" in simulate("--down", "fax", code=2)


def test_history_of_years_ago_then_calendars_reach_that_far():
    out = run("simulate", "-c", CONF, "--from", "2011-03-04T16:50")
    assert "Fri 2011-03-04 16:50  c1  opened" in out
    assert "due 2011-03-07 09:20" in out  # over the weekend


def test_ten_thousand_complaints_of_sixty_days_then_under_two_seconds():
    """OP5: with the optimised build, where there is one of these sources."""
    fast, newest = ROOT / "build/amendsctl", max(
        f.stat().st_mtime for f in ROOT.glob("lib/sim/*.c"))
    optimised = fast.exists() and fast.stat().st_mtime > newest
    program = fast if optimised else BUILD / "amendsctl"
    limit = 2 if optimised else 30
    start = cpu()
    p = subprocess.run(
        [program, "simulate", "-c", CONF, "--from", MONDAY, "--complaints",
         "10000", "--for", "60d"], cwd=ROOT, stdout=subprocess.PIPE,
        text=True, check=True, timeout=120)
    took = cpu() - start  # the wall clock is shared with other tests
    assert "10000 complaints, 10000 open" in p.stdout
    assert re.search(r"^listen +10000 +- +10000 +10000 +20000$", p.stdout, re.M)
    assert took < limit, took


@pytest.mark.parametrize("args,text,code", [
    (["--loop", "vip"], "has no loop 'vip'; it has complaint", 2),
    (["--for", "3bd"], "--for 3bd is no span", 2),
    (["--from", "soon"], "--from is given too often", 2),
    (["--complaints", "0"], "give 1 to", 2),
    (["--colour"], "has no option --colour", 2),
    (["--for"], "--for needs a value", 2),
    (["--for", "1d", "--for", "2d"], "--for is given too often", 2),
    (["+5m complaint.openend c1"], "did you mean complaint.opened?", 2),
    (["+5m complaint.opened c1 catgory=x"], "it has category", 2),
    (["--file", "/nowhere"], "cannot open /nowhere", 1),
])
def test_wrong_words_then_what_would_be_right(args, text, code):
    assert text in simulate(*args, code=code)


def test_from_that_is_no_time_then_says_which_are():
    assert "'soon' is no time; write +30m, 16:30" in run(
        "simulate", "-c", CONF, "--from", "soon", code=2)


def test_faulty_configuration_then_file_and_line(tmp_path):
    path = tmp_path / "amends.conf"
    path.write_text(CONF.read_text().replace('budget = "15m"',
                                             'budget = "soon"', 1))
    assert re.search(r"amends\.conf:\d+: ", run(
        "simulate", "-c", path, code=1))
    assert "cannot open" in run("simulate", "-c", tmp_path / "none", code=1)


def test_secrets_that_one_may_not_read_then_the_loop_is_tried_all_the_same(
        tmp_path):
    path = tmp_path / "amends.conf"
    path.write_text(CONF.read_text().replace(
        "file:tests/data/crm-hook.secret", f"file:{tmp_path}/nothing"))
    assert "1 complaint, 1 open" in run("simulate", "-c", path)


def test_help_then_both_commands_are_there():
    out = run("help")
    assert "simulate" in out and "backtest" in out
    assert run("help", "backtest").startswith("backtest FILE...")
    assert run("simulate", "--help").startswith("simulate [--conf")


# ---- backtest ----

@pytest.fixture
def policies(tmp_path):
    """Ten minutes for listening instead of thirty, and no stage `apologize`."""
    a, b, c = tmp_path / "a.conf", tmp_path / "b.conf", tmp_path / "c.conf"
    text = CONF.read_text()
    a.write_text(text)
    b.write_text(text.replace('budget = "30m"  calendar',
                              'budget = "10m"  calendar'))
    start = text.index('    stage "apologize"')
    end = text.index('    stage "resolve"')
    c.write_text(text[:start] + text[end:])
    return a, b, c


HISTORY = """\
2026-11-23T09:00 complaint.opened c1 category=card owner=li
+5m  complaint.acknowledged c1
+15m stage.completed c1 stage=listen
+1h  stage.completed c1 stage=apologize
+1h  stage.completed c1 stage=resolve root_cause=x action=y
+1h  customer.answered c1 verdict=satisfied score=5
2026-11-23T09:30 complaint.opened c2 category=card owner=li
+3m  complaint.acknowledged c2
+1m  stage.completed c2 stage=listen
+10m stage.completed c2 stage=apologize
"""


def history(tmp_path, text=HISTORY):
    path = tmp_path / "history"
    path.write_text(text)
    return path


def test_backtest_then_both_policies_side_by_side(policies, tmp_path):
    a, b, _ = policies
    out = run("backtest", history(tmp_path), "--conf", a, "--conf", b)
    assert re.search(r"^complaints +2 +2 +=$", out, re.M)
    assert re.search(r"^closed +satisfied +1 +1 +=$", out, re.M)
    assert re.search(r"^missed +listen +0 +1 +\+1$", out, re.M)
    assert re.search(r"^messages +owner, crm +\d+ +\d+ +\+\d+$", out, re.M)
    assert "10 events from Mon 2026-11-23 09:00" in out
    assert re.search(r"^c1 +closed satisfied, 0 missed.*"
                     r"closed satisfied, 1 missed", out, re.M)
    assert "1 of 2 complaints differ" in out


def test_backtest_same_policy_then_nothing_differs(policies, tmp_path):
    a, _, _ = policies
    out = run("backtest", history(tmp_path), "--conf", a, "--conf", a)
    assert "0 of 2 complaints differ" in out
    assert not re.search(r" [+-]\d+$", out, re.M)


def test_backtest_stage_that_one_policy_lacks_then_refused_and_shown(
        policies, tmp_path):
    a, _, c = policies
    out = run("backtest", history(tmp_path), "--conf", a, "--conf", c)
    assert re.search(r"^events +refused +0 +2 +\+2$", out, re.M)
    assert "B refused stage.completed, 2 of them: bad_value, stage" in out


def test_backtest_json_then_figures_and_the_complaints_that_differ(
        policies, tmp_path):
    a, b, _ = policies
    figures, *cases = rows(run("backtest", "--json", history(tmp_path),
                               "--conf", a, "--conf", b))
    assert figures["a"]["missed"] + 1 == figures["b"]["missed"]
    assert [c["complaint"] for c in cases] == ["c1"]
    assert cases[0]["b"]["missed"] == 1


def test_backtest_of_producers_events_then_judged_as_on_the_stream(
        policies, tmp_path):
    a, b, _ = policies
    lines = [
        {"event": "complaint.opened", "complaint_id": "c1", "event_id": "1",
         "customer": {"id": "K-1"}, "category": "card", "summary": "x",
         "occurred_at": "2026-11-23T09:00:00+08:00"},
        {"event": "stage.completed", "complaint_id": "c1", "event_id": "2",
         "stage": "listen", "at": 1795395600000 + 20 * 60_000},
        {"event": "complaint.withdrawn", "complaint_id": "c1", "event_id": "3",
         "occurred_at": "2026-11-23T12:00:00+08:00"}]
    path = history(tmp_path, "\n".join(map(json.dumps, lines)))
    figures, *cases = rows(run("backtest", "--json", path,
                               "--conf", a, "--conf", b))
    assert figures["a"]["closed"] == {"withdrawn": 1}
    assert len(cases) == 1
    lines[1]["stage"] = 5
    del lines[1]["at"]
    path = history(tmp_path, "\n".join(map(json.dumps, lines)))
    assert "history:2: no occurred_at" in run(
        "backtest", path, "--conf", a, "--conf", b, code=2)


def test_backtest_without_enough_then_says_what_it_needs(policies, tmp_path):
    a, b, _ = policies
    path = history(tmp_path)
    assert "two policies" in run("backtest", path, "--conf", a, code=2)
    assert "two policies" in run("backtest", "-c", a, "-c", b, code=2)
    empty = history(tmp_path, "# nothing\n")
    assert "no event" in run("backtest", empty, "-c", a, "-c", b, code=2)


def test_a_deadlock_is_simulated_to_its_end():
    """LC5, OP5: only a person ends a deadlock; here one may."""
    no = "customer.answered verdict=unsatisfied"
    end = "complaint.closed by=zhao reason='to the ombudsman'"
    out = run("simulate", "-c", ROOT / "tests/trace/shipped.conf", "--loop",
              "uk-ofcom", "--from", MONDAY,
              "+0 complaint.opened owner=ann supervisor=zhao",
              "+1h stage.completed stage=listen",
              "+1h stage.completed stage=resolve", f"+1h {no}",
              "+1h stage.completed stage=resolve", f"+1h {no}", f"+1h {end}")
    assert "1 complaint, 1 closed deadlock_closed" in out
    # a history is a producer's: there is no such event in it
    err = run("backtest", "-", "--conf", CONF, "--conf", CONF,
              stdin=f"+0 complaint.opened c1\n+1h {end}\n", code=2)
    assert "'complaint.closed' is no event" in err
