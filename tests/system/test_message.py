"""amendsctl message: what texts say about a complaint, and what they cost."""

import json
import os
import re
import subprocess
from urllib.parse import parse_qsl

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


# Channels of texts: one of 160 characters, one that takes approved templates.
CHANNELS = """
provider free {
    url = "http://127.0.0.1:9/"  form = { "to={to:form}", "t={text:form}" }
    success = { "status:200" }
}
provider approved {
    url = "http://127.0.0.1:9/"
    form = { "to={to:form}", "id={template:form}", "p={params_json:form}" }
    params = named  param_max = 12  success = { "status:200" }
}
endpoint "sms"  { type = "sms" provider = "free" max_segments = 1
    allow_http = true allow_net = {"127.0.0.0/8"} }
endpoint "bulk" { type = "sms" provider = "free"
    allow_http = true allow_net = {"127.0.0.0/8"} }
endpoint "ali"  { type = "sms" provider = "approved"
    allow_http = true allow_net = {"127.0.0.0/8"} }
message "solved" {
    text = "We are told that your complaint {complaint.id} about {complaint.category} is solved, with @@WORDS@@. Is that so? Reply 1 for yes, 2 for no. STOP to opt out."
    subject = "Solved? {complaint.id}"
    lang "zh" { text = "投诉 {complaint.id} 是否已解决?回复1是,2否,TD退订" }
    template "approved" { id = "SMS_1" lang = "zh"
        params = {"id={complaint.id}", "about={complaint.category} case"} }
    template "approved" { id = "SMS_2" lang = "en" params = {"id={complaint.id}"} }
}
loop "complaint" {
    stage "listen" { budget = "1h" }
    stage "confirm" { kind = "confirm"  budget = "1h"  attempts = {}
        rung "ask" { at = "0%" to = "customer" via = {"sms", "ali", "crm"} message = "solved" }
    }
}
""".replace("@@WORDS@@", "many more words")


@pytest.fixture
def daemon(world, redis):
    world.sink()
    return world.daemon(redis, loop=TEXTS)


@pytest.fixture
def channels(world, redis):
    world.sink()
    return world.daemon(redis, loop=CHANNELS)


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
        "digest", "report", "operator",
        # what no rung says, as far as this loop ever does
        "reopen", "deadlock", "contradiction", "extended", "outcome",
        "unreachable", "message", "autoclose", "unclear", "notice",
        "reminder", "attempt")]


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
    assert re.search(r"^plain +default +GSM-7 +160 +2 .*\n +zh +UCS-2 +70 +1 *\n",
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


def test_a_message_is_shown_as_an_endpoint_sends_it(channels, producer):
    """FU9: over max_segments the value is cut, never the reply code and the
    way out; without a limit, and by webhook, it stays whole."""
    opened(channels, producer, "C-1", category="Überweisung " * 4)
    show = "message show solved --complaint C-1 --endpoint "
    rows = by_lang(channels.rows(show + "sms"))
    whole = by_lang(channels.rows("message show solved --complaint C-1"))
    text = rows["und"]["text"]
    assert text.endswith(
        "... is solved, with many more words. Is that so? Reply 1 for yes, 2 for "
        "no. STOP to opt out.")
    assert text.startswith("We are told that your complaint C-1 about Überw")
    assert cost(rows["und"]) == ["GSM-7", 160, 160, 1]
    assert whole["und"]["segments"] == 2 and "..." not in whole["und"]["text"]
    assert (rows["und"]["cut"], rows["und"]["max_segments"]) == (True, 1)
    assert rows["und"]["subject"] == "Solved? C-1"
    assert rows["zh"]["text"] == whole["zh"]["text"]
    assert rows["zh"]["cut"] is False
    assert "endpoint" not in whole["und"]
    bulk = by_lang(channels.rows(show + "bulk"))
    assert bulk["und"]["text"] == whole["und"]["text"]
    assert "max_segments" not in bulk["und"] and not bulk["und"]["cut"]
    crm = by_lang(channels.rows(show + "crm"))
    assert crm["und"]["text"] == whole["und"]["text"]
    assert "subject" not in crm["und"]
    code, out, _ = channels.ctl("message", "show", "solved", "--complaint",
                                "C-1", "--endpoint", "sms")
    assert code == 0 and "about C-1, as sms sends it" in out
    assert re.search(r"160 characters in 1 segment; the customer gets this "
                     r"one\n +subject +Solved\? C-1\n +cut to 1 segment\n", out)


def test_a_template_is_shown_with_its_parameters(channels, producer):
    opened(channels, producer, "C-1", category="Überweisung", locale="zh-CN")
    rows = channels.rows("message show solved --complaint C-1 --endpoint ali")
    assert [(r["lang"], r.get("asked"), r.get("unfit")) for r in rows] == [
        ("und", None, "no_template"), ("zh", None, None), ("und", "en", None)]
    assert rows[1]["template"] == {"id": "SMS_1", "params": [
        {"name": "id", "value": "C-1"},
        {"name": "about", "value": "Über... case"}]}
    assert rows[2]["template"]["id"] == "SMS_2"
    row, = channels.rows(
        "message show solved --complaint C-1 --endpoint ali --lang zh-HK")
    assert row["template"]["id"] == "SMS_1" and not row["fallback"]
    code, out, _ = channels.ctl("message", "show", "solved", "--complaint",
                                "C-1", "--endpoint", "ali")
    assert code == 0
    assert re.search(r"template +SMS_1: id = C-1, about = Über\.\.\. case\n",
                     out)
    assert "not sent by it: no template of its provider" in out
    _, end = channels.ask("message show solved --endpoint nowhere")
    assert end["code"] == 4 and "no such endpoint: nowhere" in end["error"]


def gateway(world, redis, loop):
    """A daemon whose gateways are one sink, and what that gets, as forms."""
    sink = world.sink()
    daemon = world.daemon(redis, loop=loop.replace(
        "http://127.0.0.1:9/", sink.url("/gateway")))

    def forms():
        return [dict(parse_qsl(r.body.decode())) for r in list(sink.requests)
                if " /gateway " in r.line]
    return daemon, sink, forms


def test_what_is_shown_for_an_sms_is_what_its_gateway_gets(
        world, redis, producer):
    """FU9: byte for byte, in one segment."""
    daemon, _, forms = gateway(world, redis, CHANNELS)
    opened(daemon, producer, "C-1", category="Überweisung " * 4,
           **{"customer.phone": "+8613800138000", "locale": "de"})
    producer.emit("stage.completed", "C-1", stage="listen")
    form = wait_until(forms)[0]
    row = by_lang(daemon.rows(
        "message show solved --complaint C-1 --endpoint sms"))["und"]
    assert form == {"to": "+8613800138000", "t": row["text"]}
    assert row["cut"] and row["segments"] == 1 and row["customer"]
    assert form["t"].endswith("Reply 1 for yes, 2 for no. STOP to opt out.")


@pytest.mark.parametrize("locale, template", [("en-GB", "SMS_2"),
                                              ("de", None)])
def test_a_channel_that_cannot_carry_it_is_passed_over(
        world, redis, producer, locale, template):
    """FU9, FU12: an id is not cut, and makes it too long for an SMS; the next
    channel takes approved templates, the last anything."""
    daemon, sink, forms = gateway(world, redis, CHANNELS)
    name = "complaint-" + "7" * 50
    opened(daemon, producer, name, **{
        "customer.phone": "+8613800138000", "locale": locale})
    producer.emit("stage.completed", name, stage="listen")
    if template:
        form = wait_until(forms)[0]
        assert (form["id"], json.loads(form["p"])) == (template, {"id": name})
    else:
        wait_until(lambda: any(" /hook " in r.line and b".ask" in r.body
                               for r in list(sink.requests)))
        assert not forms()
    skipped = [(n["endpoint"], n["reason"]) for line in redis.journal(name)
               for n in json.loads(line)["do"] if n["n"] == "channel.skipped"]
    assert skipped == [("sms", "too_long")] + \
        [("ali", "no_template")] * (not template)
    assert "sms cannot carry it: too_long" in daemon.ctl("show", name)[1]
    assert daemon.rows(f"verify {name}")[0]["ok"]


def test_the_list_names_the_endpoints_that_cut(world, redis):
    """FU9: before anything is sent. EXAMPLE is a longer id than most."""
    world.sink()
    daemon = world.daemon(redis, loop=CHANNELS.replace(
        "many more words", "many more words, too many of them for one SMS"))
    rows = {r["message"]: r for r in daemon.rows("message list")}
    limits = {lang["lang"]: lang["limits"] for lang in rows["solved"]["langs"]}
    assert limits["und"] == [
        {"endpoint": "sms", "max_segments": 1, "is": "too_long"},
        {"endpoint": "ali", "is": "no_template"}]
    assert limits["zh"] == []
    assert rows["ask"]["langs"][0]["limits"] == [], "no rung sends that"
    assert rows["ask"]["uses"] == []
    assert rows["unclear"]["uses"] == [{"notice": "unclear"}]
    assert rows["unclear"]["langs"][0]["limits"] == [
        {"endpoint": "ali", "is": "no_template"}]
    code, out, _ = daemon.ctl("message", "list")
    assert code == 0
    assert re.search(r"^solved +default .* too long for sms, no template for "
                     r"ali  ", out, re.M)


def test_where_a_message_is_used_is_told(world, redis):
    """A rung, what rules make of the question's words, a notice."""
    world.sink()
    daemon = world.daemon(redis, loop=CHANNELS.replace(
        'loop "complaint" {', """message "longer" { text = "{clock.due}" }
        message "spare" { text = "x" }
        loop "complaint" { notice "extended" { message = "longer" }
            notice "reminder" { message = "longer" }"""))
    rows = {r["message"]: r for r in daemon.rows("message list")}
    assert rows["solved"]["uses"] == [{"clock": "confirm", "rung": "ask"},
                                      {"notice": "notice"}]
    assert rows["longer"]["uses"] == [{"notice": "extended"},
                                      {"notice": "reminder"}]
    assert "extended" not in rows and "reminder" not in rows
    row, = daemon.rows("message show extended")
    assert (row["message"], row["uses"]) == ("longer", rows["longer"]["uses"])
    # FU9: an inform to the customer, whatever language it is in
    row, = daemon.rows("message show longer --endpoint bulk")
    assert row["subject"] == "News of your complaint EXAMPLE"
    code, out, _ = daemon.ctl("message", "show", "solved")
    assert code == 0 and "\nsaid by rung ask of confirm, notice notice\n" in out
    assert "\nsaid by nothing in this loop\n" in \
        daemon.ctl("message", "show", "spare")[1]
    assert re.search(r"^longer +default .* notice extended, ",
                     daemon.ctl("message", "list")[1], re.M)


def test_what_no_rung_says_is_shown_as_it_is_built_in(daemon, producer):
    """So that somebody who words it sees what there is."""
    opened(daemon, producer, "C-1")
    rows = by_lang(daemon.rows("message show extended --complaint C-1"))
    assert set(rows) == {"en", "zh"} and rows["en"]["built_in"]
    assert rows["en"]["text"].startswith("Your complaint C-1 takes longer than")
    assert rows["en"]["clock"] == "listen"
    row = by_lang(daemon.rows("message show reminder --complaint C-1"))["en"]
    assert row["clock"] == "silence" and "We still wait" in row["text"]
    _, end = daemon.ask("message show extende")
    assert "did you mean `extended`?" in end["error"]


def test_a_providers_bytes_are_a_limit_as_segments_are(world, redis, producer):
    """FU9: values are cut, not what is written, and what is shown goes out."""
    daemon, _, forms = gateway(world, redis, CHANNELS.replace(
        'success = { "status:200" }', 'success = { "status:200" } '
        'max_bytes = 150', 1).replace(" max_segments = 1", ""))
    opened(daemon, producer, "C-1", category="账单" * 10, **{
        "customer.phone": "+8613800138000", "locale": "de"})
    producer.emit("stage.completed", "C-1", stage="listen")
    form = wait_until(forms)[0]
    row = by_lang(daemon.rows(
        "message show solved --complaint C-1 --endpoint sms"))["und"]
    assert form["t"] == row["text"] and row["cut"]
    assert (row["max_bytes"], "max_segments" in row) == (150, False)
    assert 148 <= len(form["t"].encode()) <= 150
    assert form["t"].endswith("Reply 1 for yes, 2 for no. STOP to opt out.")
    assert "cut to 150 bytes" in daemon.ctl(
        "message", "show", "solved", "--endpoint", "sms", "--complaint",
        "C-1")[1]


def test_an_endpoint_of_a_configuration_is_enough(world, redis):
    world.sink()
    conf = world.dir / "here.conf"
    conf.write_text(world.conf(redis, loop=CHANNELS))
    out = local(conf, "show", "solved", "--endpoint", "sms", "--json")
    assert [json.loads(line)["endpoint"] for line in out.splitlines()] == \
        ["sms", "sms"]
    assert "no such endpoint: nowhere" in local(
        conf, "show", "solved", "--endpoint", "nowhere", code=4)
    assert "has no option" in local(
        conf, "list", "--endpoint", "sms", code=2)


@pytest.mark.parametrize("old, new, told", [
    ("{complaint.category} is", "{customer.name} is",
     "text: unknown field {customer.name}"),
    ("Solved? {complaint.id}", "Solved? {complaint.ids}",
     "subject: unknown field {complaint.ids}; did you mean {complaint.id}?"),
    ("id={complaint.id}", "id={ticket}", "params: unknown field {ticket}"),
    ("many more words", "many more words " * 12,
     'message: "solved" takes 2 segments (GSM-7) without its values, and '
     'endpoint "sms", by which rung "ask" sends it, sends 1'),
], ids=["field", "subject", "parameter", "length"])
def test_a_message_that_could_not_be_sent_does_not_load(
        world, redis, old, new, told):
    """FU9, and the fields of texts: said at the load, with file and line."""
    conf = world.dir / "bad.conf"
    conf.write_text(world.conf(redis, loop=CHANNELS.replace(old, new)))
    out = local(conf, "list", code=1)
    assert re.search(r"bad\.conf:\d+: " + re.escape(told), out), out


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
