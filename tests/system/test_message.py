"""amendsctl message: what texts say about a complaint, and what they cost."""

import json
import os
import re
import subprocess

import pytest
from harness import BUILD, ROOT, wait_until
from test_loops import LOOPS, name_of, needed

# Texts whose figures are worked out by hand: no field in them is of another
# length for another complaint.
TEXTS = """
message "plain" {
    text = "@@PLAIN@@"
    lang "zh" { text = "@@CHINESE@@" }
    lang "pt-br" { text = "Ol\u00e1 [{complaint.category}]" }
}
message "lapse" { text = "ours: {clock.name} of {complaint.id}" }
message "two" {
    text = "line one\\nline two"
    lang "zh" { text = "一" }
    lang "zh-hk" { text = "二" }
}
message "end" { text = "{complaint.id}: {clock.name}, {followup.rung}" }
loop "complaint" {
    tiers = {"high", "mid"}
    timezone = "Asia/Shanghai"
    clock "final" { budget = "8w"
        rung "expiry" { at = "100%" to = "owner" via = {"crm"} message = "end" }
    }
    stage "listen" {
        budget = "1h"
        rung "warn"  { at = "50%"  to = "owner" via = {"crm"} message = "plain" }
        rung "lapse" { at = "100%" to = "owner" via = {"crm"} }
    }
    stage "resolve" {
        budget = "2h"
        rung "late" { at = "100%" to = "owner" via = {"crm"} message = "plain" }
    }
    stage "confirm" { kind = "confirm"  budget = "1h" }
}
""".replace("@@PLAIN@@", "a" * 159 + "€").replace("@@CHINESE@@", "中" * 70)


@pytest.fixture
def daemon(world, redis):
    world.sink()
    return world.daemon(redis, loop=TEXTS)


def opened(daemon, producer, complaint, **fields):
    producer.open(complaint, **fields)
    wait_until(lambda: daemon.find(complaint))


def by_lang(rows):
    return {r["lang"]: r for r in rows}


def cost(row):
    return [row[k] for k in ("encoding", "characters", "units", "segments")]


def local(conf, *args, code=0):
    p = subprocess.run(
        [BUILD / "amendsctl", "message", *args, "-c", conf], text=True,
        capture_output=True, timeout=60, cwd=ROOT,
        env={**os.environ, "COLUMNS": "100", "LC_ALL": "C.UTF-8",
             "AMENDS_SOCKET": "/nowhere"})
    assert p.returncode == code, p.stderr
    return p.stdout if code == 0 else p.stderr


def test_a_message_is_shown_in_each_language_with_its_segments(
        daemon, producer):
    """FU9: 159 letters and a euro sign are 161 septets."""
    opened(daemon, producer, "C-1", locale="zh-CN")
    rows = daemon.rows("message show plain --complaint C-1")
    assert [r["lang"] for r in rows] == ["und", "zh", "pt-br"]
    assert [cost(r) for r in rows] == [["GSM-7", 160, 161, 2],
                                       ["UCS-2", 70, 70, 1],
                                       ["UCS-2", 13, 13, 1]]
    assert rows[2]["text"] == "Olá [billing]"
    assert [r["customer"] for r in rows] == [False, True, False]
    assert not any(r["example"] or r["built_in"] for r in rows)


def test_one_language_is_shown_and_a_fallback_is_said(daemon, producer):
    opened(daemon, producer, "C-1")
    row, = daemon.rows("message show plain --complaint C-1 --lang zh-HK")
    assert (row["lang"], row["fallback"]) == ("zh", False)
    row, = daemon.rows("message show plain --complaint C-1 --lang pt-BR")
    assert (row["lang"], row["fallback"]) == ("pt-br", False)
    row, = daemon.rows("message show plain --complaint C-1 --lang de")
    assert (row["lang"], row["asked"], row["fallback"]) == ("und", "de", True)
    for lang, text in (("zh", "一"), ("zh-CN", "一"), ("zh-HK", "二")):
        row, = daemon.rows(f"message show two --complaint C-1 --lang {lang}")
        assert (row["text"], row["fallback"]) == (text, False)
    row, = daemon.rows("message show warn --complaint C-1 --lang de")
    assert (row["lang"], row["built_in"], row["fallback"]) == \
        ("en", True, True)
    code, out, _ = daemon.ctl("message", "show", "plain", "--lang", "de")
    assert code == 0 and "not written in de" in out


def test_it_speaks_of_the_clock_that_would_say_it(daemon, producer):
    opened(daemon, producer, "C-1")
    def clock(name):
        row = daemon.rows(f"message show {name} --complaint C-1")[0]
        return row["clock"], row["due_at"]
    due = {k["clock"]: k["due_at"] for k in daemon.rows("why C-1")}
    assert clock("plain") == ("listen", due["listen"])
    assert clock("two") == ("listen", due["listen"])
    assert clock("end") == ("final", due["final"])
    text = daemon.rows("message show end --complaint C-1")[0]["text"]
    assert text == "C-1: final, expiry"
    producer.emit("stage.completed", "C-1", stage="listen")
    wait_until(lambda: clock("plain")[0] == "resolve")


def test_what_is_shown_is_what_goes_out(world, redis, producer, receiver):
    """The text of a follow-up, byte for byte, in the customer's language."""
    daemon = world.daemon(redis)
    opened(daemon, producer, "C-1", locale="zh")
    bodies = wait_until(lambda: [
        b for r in receiver.requests() for b in [json.loads(r["body"])]
        if b["type"] == "followup.lapse"])
    sent = bodies[0]["data"]["message"]
    shown = by_lang(daemon.rows("message show late --complaint C-1"))
    assert sent == {"text": shown["zh"]["text"], "lang": "zh"}
    assert shown["zh"]["customer"]


def test_a_message_hides_the_built_in_text_of_its_name(daemon, producer):
    opened(daemon, producer, "C-1")
    row, = daemon.rows("message show lapse --complaint C-1")
    assert not row["built_in"] and row["text"] == "ours: listen of C-1"
    warn = by_lang(daemon.rows("message show warn --complaint C-1"))
    assert set(warn) == {"en", "zh"}
    assert warn["en"]["text"].startswith("Complaint C-1 (billing): listen is")
    names = [(r["message"], r["built_in"]) for r in daemon.rows("message list")]
    assert names[:4] == [("plain", False), ("lapse", False), ("two", False),
                         ("end", False)]
    assert names[4:] == [(n, True) for n in (
        "ask", "warn", "escalate", "inform", "recourse", "aftercare",
        "digest", "report", "operator")]


def test_without_a_complaint_an_example_is_shown_and_said_to_be_one(
        daemon, redis):
    row = daemon.rows("message show plain")[0]
    assert (row["complaint"], row["example"]) == ("EXAMPLE", True)
    assert not row["customer"]
    code, out, _ = daemon.ctl("message", "show", "plain")
    assert code == 0 and "example complaint" in out
    assert re.search(r"GSM-7, 160 characters \(161 units\) in 2 segments", out)
    code, out, _ = daemon.ctl("message", "show", "two")
    assert re.search(r"line one\n +line two\n", out)
    code, out, _ = daemon.ctl("message", "list")
    assert re.search(r"^plain +default +GSM-7 +160 +2\n +zh +UCS-2 +70 +1\n",
                     out, re.M)
    assert not redis.keys("*EXAMPLE*"), "a preview leaves nothing"


def test_wrong_words_are_told_what_would_be_right(daemon, producer):
    opened(daemon, producer, "C-1")
    for line, code, text in (
            ("message show plian", 4, "did you mean `plain`?"),
            ("message show nothing-like-it", 4, "`message list` has them"),
            ("message show plain --complaint C-2", 4, "no such complaint"),
            ("message show plain --loop other", 4, "no such loop: other"),
            ("message show plain --loop complaint --complaint C-1", 2,
             "--loop is for the example"),
            ("message show", 2, "usage: message show NAME"),
            ("message show plain --conf x", 2, "has no option --conf")):
        _, end = daemon.ask(line)
        assert end["code"] == code and text in end["error"], end


def test_no_personal_data_are_shown(daemon, producer):
    """AU6: neither the customer nor what they wrote."""
    opened(daemon, producer, "C-1", summary="my secret", **{
        "customer.name": "Wang Xiaoming", "customer.phone": "+8613912345678"})
    names = [r["message"] for r in daemon.rows("message list")]
    said = json.dumps([daemon.rows(f"message show {n} --complaint C-1")
                       for n in names], ensure_ascii=False)
    for text in ("Xiaoming", "13912345678", "my secret"):
        assert text not in said


def test_a_configuration_is_enough(tmp_path):
    """As simulate: no daemon, no Redis, no secrets."""
    conf = ROOT / "conf/amends.conf"
    out = local(conf, "list")
    assert re.search(r"^late +default +GSM-7", out, re.M)
    assert re.search(r"^lapse +built-in +en +GSM-7", out, re.M)
    out = local(conf, "show", "late", "--json")
    row = json.loads(out)
    assert row["example"] and "EXAMPLE" in row["text"]
    assert "did you mean `late`?" in local(conf, "show", "lat", code=4)
    assert "leave out --conf" in local(
        conf, "show", "late", "--complaint", "C-1", code=2)
    assert "cannot" in local(tmp_path / "none.conf", "list", code=1)


@pytest.mark.parametrize("conf", LOOPS, ids=name_of)
def test_every_loop_that_is_shipped_takes_the_example(tmp_path, conf):
    """Their messages, too; each is within what a phone joins."""
    (tmp_path / "amends.conf").write_text(needed(conf))
    for d in (ROOT / "conf").glob("*.d"):
        (tmp_path / d.name).symlink_to(d)
    for name in re.findall(r'^loop "([^"]+)"', conf.read_text(), re.M):
        out = local(tmp_path / "amends.conf", "list", "--loop", name, "--json")
        rows = [json.loads(line) for line in out.splitlines()]
        assert rows and {r["complaint"] for r in rows} == {"EXAMPLE"}
        costs = [lang["segments"] for r in rows for lang in r["langs"]]
        assert 1 <= min(costs) and max(costs) <= 8
