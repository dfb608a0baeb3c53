"""OP6 LC6, faults 7 and 65: a configuration is switched whole or not at all;
a mistake never starts a daemon."""

import json
import re
import signal
import subprocess

import pytest
from harness import BUILD, LOOP, ROOT, SECRET_2, wait_until
from sink import Sink, answer
from test_delivery import ASK
from test_kill import Load, judge, settle


def check(path):
    p = subprocess.run([str(BUILD / "amendsd"), "-t", "-c", str(path)],
                       cwd=ROOT, capture_output=True, text=True, timeout=30)
    return p.returncode, p.stdout + p.stderr


@pytest.fixture
def sink(world):
    return world.sink()


def test_a_bad_conf_leaves_the_old_one_in_force(world, redis, producer, sink):
    """OP6, fault 7: SIGHUP and `reload`; line and reason are said."""
    d = world.daemon(redis)
    good = d.conf.read_text()
    d.write_conf(good.replace('budget = "2s"', 'budget = "two"'))
    line = next(n for n, text in enumerate(d.conf.read_text().splitlines(), 1)
                if '"two"' in text)
    d.signal(signal.SIGHUP)
    error = wait_until(lambda: d.status()["config"]["error"])
    assert f":{line}:" in error and "two" in error
    assert not d.status()["config"]["ok"]
    status, _, err = d.ctl("reload")
    assert status in (1, 5) and f":{line}:" in err
    producer.open("C-1")
    wait_until(lambda: len(sink.of("C-1")) == 3)
    d.write_conf(good)
    assert d.ctl("reload")[0] == 0
    assert d.status()["config"]["ok"] and not d.status()["config"]["error"]


def test_a_complaint_keeps_its_loop(world, redis, producer, sink):
    """LC6: reload touches new ones only, even after a restart."""
    d = world.daemon(redis)
    producer.open("OLD", tier="low")
    wait_until(lambda: redis.applied() == 1)
    before = d.rows("show OLD")[0]
    d.write_conf(d.conf.read_text().replace('budget = "1h" }',
                                            'budget = "3h" }', 1))
    assert d.ctl("reload")[0] == 0
    producer.open("NEW", tier="low", category="shop")
    wait_until(lambda: redis.applied() == 2)
    d.stop()
    d.start()
    old, new = (d.rows(f"show {c}")[0] for c in ("OLD", "NEW"))
    assert old["loop"] == before["loop"] != new["loop"]
    assert old["due_at"] == before["due_at"]

    def budget(shown):
        return next(c["budget_ms"] for c in shown["clocks"]
                    if c["name"] == "listen")
    assert (budget(old), budget(new)) == (3600_000, 3 * 3600_000)
    producer.emit("stage.completed", "OLD", stage="listen")
    wait_until(lambda: d.rows("show OLD")[0]["stage"] == "apologize")


def test_reload_under_load_loses_nothing(world, redis, sink):
    """Fault 7: SIGHUP again and again while events come in."""
    d = world.daemon(redis)
    load = Load(redis, 200)
    load.start()
    for i in range(10):
        wait_until(lambda i=i: redis.applied() > 40 * i)
        if i % 2:
            d.write_conf(d.conf.read_text() + "\n# again\n")
        d.signal(signal.SIGHUP)
    load.over.set()
    load.join(10)
    settle(d, redis)
    judge(d, redis, load.producer, sink)


def test_an_endpoint_that_goes_leaves_dead_letters(
        world, redis, producer, sink):
    """Design 7.8: what waits for it is dead, reason endpoint-removed."""
    d = world.daemon(redis, endpoint_more='rate = "1/1h"')
    producer.open("C-1")
    wait_until(lambda: d.rows("followups"))
    conf = d.conf.read_text()
    d.write_conf(conf.replace('endpoint "crm"', 'endpoint "other"').replace(
        'via = {"crm"}', 'via = {"other"}'))
    status, out, err = d.ctl("reload")
    if status == 0:
        row = wait_until(lambda: d.rows("dead list"))[0]
        assert row["reason"] == "endpoint-removed"
    else:
        assert "1 open complaint" in err  # refused, with the count


def test_an_endpoint_of_another_type_sends_what_waits(world, redis, producer):
    """FU1: what waits goes by what the endpoint is now; its text was rendered
    when it was fired."""
    sink = world.sink(lambda r: answer(500))
    robot = Sink()
    world.closers.append(robot.stop)
    d = world.daemon(redis, loop=ASK, endpoint_more='retry = {"0s", "4s"}\n'
                     '    jitter = "0%"')
    producer.open("C-1")
    wait_until(lambda: [f for f in d.rows("followups") if f["attempts"]])
    d.write_conf(re.sub(
        r'endpoint "crm" \{.*?\n\}',
        'provider "robot" {\n    url = "https://robot.example/say"\n'
        '    json = "{\\"say\\":{text:json}}"\n'
        '    success = {"status:200"}\n}\n'
        'endpoint "crm" {\n    type = "chat"\n    provider = "robot"\n'
        f'    base_url = "http://127.0.0.1:{robot.port}"\n'
        '    allow_http = true\n    allow_net = {"127.0.0.0/8"}\n}',
        d.conf.read_text(), flags=re.S).replace("\\\\", "\\"))
    status, _, err = d.ctl("reload")
    assert status == 0, err
    wait_until(lambda: robot.requests and d.rows("followups") == [])
    assert "C-1" in robot.requests[0].json["say"]
    assert len(sink.requests) == 1 and d.rows("dead list") == []


OFFICE = ('calendar "office" {\n    timezone = "UTC"\n'
          '    open = {"mon-sun 00:00-24:00"}\n}')
IN_OFFICE = LOOP.replace('stage "listen" {',
                         'stage "listen" { calendar = "office"')


@pytest.mark.parametrize("noticed", [False, True])
def test_without_redis_nothing_is_taken_away(
        world, redis, producer, sink, noticed):
    """OP6: what open complaints use cannot be checked while Redis does not
    answer, so the old conf stays in force."""
    d = world.daemon(redis, loop=IN_OFFICE, more=OFFICE,
                     redis_more='command_timeout = "1s"')
    producer.open("C-1", tier="low")
    wait_until(lambda: redis.applied() == 1)
    old = d.conf.read_text()
    d.write_conf(old.replace(OFFICE, "").replace(
        ' calendar = "office"', "").replace('"1h"', '"3h"'))
    redis.signal(signal.SIGSTOP)
    if noticed:
        wait_until(lambda: d.state() == "degraded:redis")
    status, _, err = d.ctl("reload")
    redis.signal(signal.SIGCONT)
    assert status in (1, 5) and "Redis" in err, (status, err)
    d.wait_running()
    assert not d.status()["config"]["ok"]
    producer.open("C-2", tier="low", category="shop")
    producer.emit("complaint.assigned", "C-1", owner="wu",
                  role="agent")
    wait_until(lambda: redis.applied() == 3)
    assert d.find("C-1")["owner"] == "wu"
    assert d.find("C-2")["clocks"][0]["budget_ms"] == 3600_000
    assert not redis.client.exists("{complaints}:parked")
    d.write_conf(old)
    assert d.ctl("reload")[0] == 0 and d.status()["config"]["ok"]


@pytest.mark.parametrize("edit,says", [
    (("redis {", "redis {\n  strems = {\"x\"}"), "streams"),
    (('budget = "2s"', 'budget = "2 seconds"'), "2 seconds"),
    (('at = "50%"', 'at = "150%"'), "150%"),
    (('via = {"crm"}', 'via = {"crn"}'), "crm"),
    (('message = "late"', 'message = "laet"'), "late"),
    (('kind = "confirm"', ''), "confirm"),
    (("allow_http = true", ""), "allow_http"),
    (('default_tier = "mid"', 'default_tier = "middle"'), "middle"),
    (("{complaint.id} waits", "{complaint.ident} waits"), "complaint.id"),
    (('owner_ttl = "2s"', 'owner_ttl = "2s"  owner_ttl = "3s"'), "owner_ttl"),
])
def test_a_mistake_never_starts_a_daemon(world, redis, sink, edit, says):
    """OP6: `-t` and a start both end with 1 and name file, line, and what
    would be right."""
    d = world.daemon(redis, start=False)
    text = d.conf.read_text()
    assert edit[0] in text
    d.write_conf(text.replace(edit[0], edit[1], 1))
    status, said = check(d.conf)
    assert status == 1 and f"{d.conf}:" in said and says in said, said
    d.spawn()
    assert d.proc.wait(10) != 0
    assert says in d.text()


def test_a_cut_off_file_is_refused(world, redis, sink):
    """traps.md 1: a missing brace is not the end of the file."""
    d = world.daemon(redis, start=False)
    text = d.conf.read_text()
    d.write_conf(text.rstrip().rstrip("}"))
    status, said = check(d.conf)
    assert status == 1 and "}" in said or "brace" in said, said


def test_the_good_one_passes(world, redis, sink):
    d = world.daemon(redis, start=False)
    status, said = check(d.conf)
    assert status == 0, said


@pytest.mark.parametrize("name", ["tests/data/reference.conf",
                                  "conf/amends.conf"])
def test_shipped_files_load(name):
    """reference.conf loads unchanged; the commented start loads as it is."""
    status, said = check(ROOT / name)
    assert status == 0 or "secret" in said and name.startswith("conf"), said


@pytest.mark.parametrize("how", ["missing", "unreadable", "empty", "short",
                                 "no base64"])
def test_a_bad_secret_never_starts_a_daemon(world, redis, sink, how):
    """Fault 65: file and line, never the secret."""
    d = world.daemon(redis, start=False)
    path = world.secret()
    if how == "missing":
        path.unlink()
    elif how == "unreadable":
        path.unlink()
        path.mkdir()
    else:
        path.write_text({"empty": "", "short": "whsec_c2hvcnQ=\n",
                         "no base64": "whsec_!!!!\n"}[how])
    status, said = check(d.conf)
    assert status == 1 and "secret" in said, said
    assert "c2hvcnQ" not in said


def test_a_rotated_secret_signs_from_the_reload_on(
        world, redis, producer, sink):
    """Fault 65: an empty file keeps the old key, a good one is taken."""
    d = world.daemon(redis)
    path = world.secret()
    old = path.read_text().strip()
    path.write_text("")
    assert d.ctl("reload")[0] != 0
    producer.open("C-1")
    assert wait_until(lambda: sink.of("C-1"))[0].verified(old)
    path.write_text(SECRET_2 + "\n")
    assert d.ctl("reload")[0] == 0
    producer.open("C-2")
    r = wait_until(lambda: sink.of("C-2"))[0]
    assert r.verified(SECRET_2) and not r.verified(old)


def test_check_says_what_the_daemon_would(world, redis, sink):
    """OP6: `amendsctl check` needs no daemon; it and `amendsd -t` say the same,
    exit status 1 for a bad file."""
    d = world.daemon(redis, start=False)

    def ctl(*args):
        p = subprocess.run([str(BUILD / "amendsctl"), *args, str(d.conf)],
                           cwd=ROOT, capture_output=True, text=True,
                           timeout=30)
        return p.returncode, p.stdout + p.stderr

    assert ctl("check") == check(d.conf)
    assert json.loads(ctl("--json", "check")[1])["what"] == "ok"
    good = d.conf.read_text()
    d.write_conf(good.replace('budget = "2s"', 'budget = "two"'))
    status, said = ctl("check")
    assert (status, said) == check(d.conf) and status == 1
    row = json.loads(ctl("--json", "check")[1])
    assert row["file"] == str(d.conf) and "two" in row["text"]
    assert said == f"{row['file']}:{row['line']}: {row['text']}\n"


def test_a_dry_reload_says_what_changes_and_switches_nothing(
        world, redis, producer, sink):
    """OP6, design 7.17: for how many open complaints."""
    d = world.daemon(redis, loop=IN_OFFICE, more=OFFICE)
    for n in range(3):
        producer.open(f"C-{n}", tier="low")
    wait_until(lambda: redis.applied() == 3)
    before = d.rows("show C-0")[0]
    assert d.rows("reload --dry-run") == []  # as it is in force
    old = d.conf.read_text()
    d.write_conf(old.replace("00:00-24:00", "01:00-24:00").replace(
        'budget = "1h"', 'budget = "3h"', 1).replace(
        'endpoint "crm" {', 'endpoint "more" {\n    url = "https://m.example"'
        f'\n    secret = {{"file:{world.secret()}"}}\n}}\nlog_level = '
        '"notice"\nendpoint "crm" {'))
    path = world.secret()
    key = path.read_text()
    path.write_text(SECRET_2 + "\n")
    rows = {(r["what"], r["name"]): (r["change"], r.get("open"))
            for r in d.rows("reload --dry-run")}
    assert rows == {("calendar", "office"): ("changed", 3),
                    ("endpoint", "crm"): ("changed", 3),
                    ("endpoint", "more"): ("added", 0),
                    ("key", "log_level"): ("changed", None),
                    ("loop", "complaint"): ("changed", 3)}
    status, out, _ = d.ctl("reload", "--dry-run")
    assert status == 0 and "3 open complaints keep the definition" in out
    assert d.rows("show C-0")[0]["due_at"] == before["due_at"]
    assert len(d.rows("endpoints")) == 1 and d.status()["config"]["ok"]
    # what a reload would refuse is refused; the status does not show it
    d.write_conf(old.replace(OFFICE, "").replace(' calendar = "office"', ""))
    status, out, err = d.ctl("reload", "--dry-run")
    assert status == 1 and "3 open complaints are on loop" in err
    assert re.search(r"calendar +office +removed +3 open complaints", out)
    d.write_conf(old.replace('budget = "2s"', 'budget = "two"'))
    status, out, err = d.ctl("reload", "--dry-run")
    assert status == 1 and "two" in err and out == ""
    assert d.status()["config"] == {**d.status()["config"], "ok": True,
                                    "error": ""}
    path.write_text(key)
    d.write_conf(old)
    assert d.ctl("reload") == (
        0, "the new configuration is in force\n", "")


def test_no_secret_shows_anywhere(world, redis, producer, sink):
    """traps.md 4: not in the log, the status, argv or the environment."""
    d = world.daemon(redis)
    producer.open("C-1")
    wait_until(lambda: sink.requests)
    key = world.secret().read_text().strip().removeprefix("whsec_")
    proc = f"/proc/{d.pid}/"
    shown = d.text() + str(d.rows("status")) + str(d.rows("endpoints"))
    for name in ("cmdline", "environ"):
        with open(proc + name, "rb") as f:
            shown += f.read().decode("utf-8", "replace")
    assert key not in shown
    assert "+8613800138000" not in d.text()


def test_loops_in_use_survive_their_removal_from_conf(
        world, redis, producer, sink):
    """LC6: the definition is kept in Redis as long as it is needed."""
    d = world.daemon(redis)
    producer.open("C-1", tier="low")
    wait_until(lambda: redis.applied() == 1)
    d.write_conf(d.conf.read_text().replace('loop "complaint"',
                                            'loop "fresh"'))
    assert d.ctl("reload")[0] == 0
    producer.emit("stage.completed", "C-1", stage="listen")
    wait_until(lambda: d.rows("show C-1")[0]["stage"] == "apologize")
