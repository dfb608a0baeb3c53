"""The loops that are shipped (conf/loops.d, its presets): each loads with what
its head asks for and no more, speaks English and Chinese, runs by itself, and
has stories that the simulator tells as the core does."""

import json
import re
import subprocess
from collections import defaultdict

import pytest

from harness import BUILD, ROOT

LOOPS = sorted((ROOT / "conf" / "loops.d").rglob("*.conf"))
STORIES = sorted((ROOT / "tests" / "trace" / "shipped").glob("*.trace"))
ENDPOINT = """endpoint "{}" {{
    url = "http://127.0.0.1:9/{}"
    allow_http = true
    allow_net = {{"127.0.0.0/8"}}
    secret = {{"file:tests/data/crm-hook.secret"}}
}}
"""
OFFICE = """calendar "office" {
    timezone = "Europe/Paris"
    open = {"Mon-Fri 09:00-17:00"}
}
"""


def name_of(path):
    return path.stem


def run(program, *args):
    p = subprocess.run([str(BUILD / program), *map(str, args)], cwd=ROOT,
                       capture_output=True, text=True, timeout=60)
    return p.returncode, p.stdout, p.stderr


def simulate(*args):
    code, out, err = run("amendsctl", "simulate", "--json", *args)
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


def head(path):
    """The comment that a file begins with, without its marks."""
    text = path.read_text().split("\n\n")[0]
    return "\n".join(line[2:] for line in text.splitlines())


def needed(path):
    """What the head says to write into amends.conf, and it alone."""
    told = head(path)
    conf = 'redis { url = "unix:///run/none" }\nperson "sun" { }\n'
    for endpoint in ("desk", "customer", "phone"):
        if f'"{endpoint}"' in told:
            conf += ENDPOINT.format(endpoint, endpoint)
    if 'calendar "office"' in told:
        conf += OFFICE
    lines = re.findall(r"^    (\S.*)", told, re.M)
    assert f'include("{path.relative_to(ROOT / "conf")}")' in lines
    for line in lines:
        line = re.sub(r'url = "[^"]*…[^"]*"', 'url = "https://a.example"', line)
        conf += line.replace('"…"', '"sun"') + "\n"
    return conf


@pytest.fixture
def conf(request, tmp_path):
    """A configuration with one shipped file: (its path, the file)."""
    for folder in ("loops.d", "calendars.d"):
        (tmp_path / folder).symlink_to(ROOT / "conf" / folder)
    path = tmp_path / "amends.conf"
    path.write_text(needed(request.param))
    return path, request.param


every_loop = pytest.mark.parametrize("conf", LOOPS, ids=name_of, indirect=True)


@every_loop
def test_a_shipped_loop_loads_with_what_its_head_asks_for(conf):
    path, file = conf
    code, out, err = run("amendsd", "-t", "-c", path)
    assert code == 0, err
    assert "ok: 1 loops" in out
    said = [line for line in (out + err).splitlines() if str(file.name) in line]
    assert said == []  # no remark about the file itself


@every_loop
def test_a_shipped_loop_has_every_message_in_english_and_chinese(conf):
    text = conf[1].read_text()
    messages = re.findall(
        r'^message "([^"]+)" \{\n'
        r'    text = "([^"]*)"\n'
        r'    lang "zh" \{ text = "([^"]*)" \}\n\}$', text, re.M)
    assert len(messages) == len(re.findall(r"^message ", text, re.M)) > 0
    for name, english, chinese in messages:
        han = re.findall(r"[\u4e00-\u9fff]", chinese)
        assert len(han) >= 4 and not re.search(r"[\u4e00-\u9fff]", english), name
        assert f'message = "{name}"' in text, f"{name} is never sent"
        # what one reader is told to do, the other one is, too
        for field in ("{recourse.url}", "{complaint.id}"):
            assert (field in english) == (field in chinese), name
    sent = set(re.findall(r'message = "([^"]+)"', text))
    assert sent == {name for name, _, _ in messages}


@every_loop
def test_a_shipped_loop_runs_by_itself_and_stands_still(conf):
    """OP5: no event but the opening; its ladders are used up and end (ES4)."""
    path, file = conf
    *steps, total = simulate("--conf", path, "--loop", file.stem,
                             "--from", "2026-11-23T09:00", "--for", "400d")
    figures = total["summary"]
    assert figures["complaints"] == 1 and figures["refused"] == 0
    assert figures["sent"] > 0 and figures["missed"] > 0
    assert not any(m["dead"] for m in figures["messages"])
    assert steps[-1]["at"] < "2027-06-01"  # of 400 days, most are quiet


@every_loop
def test_a_shipped_loop_has_a_normal_form_that_is_the_same_loop(conf):
    path, file = conf
    code, out, err = run("tools/confcheck", path, "-l")
    assert code == 0, err
    ref = re.search(r"^loop (\S+@[0-9a-f]{12})$", out, re.M)[1]
    normal = out[out.index(f'\nloop "{file.stem}" {{'):]
    # in place of the loop as it was written
    text = file.read_text()
    mine = re.compile(r'^loop "[^"]+" \{\n.*?^\}\n', re.M | re.S)
    assert len(mine.findall(text)) == 1
    again = path.with_name("again.conf")
    again.write_text(mine.sub(lambda _: normal, text))
    include = f'include("{file.relative_to(ROOT / "conf")}")'
    path.write_text(needed(file).replace(include, 'include("again.conf")'))
    code, out, err = run("tools/confcheck", path, "-l")
    assert code == 0, err
    assert f"loop {ref}\n" in out and out.endswith(normal)


# ---- stories ----


def told_in(story):
    """(configuration, loop) of the first line."""
    first = story.read_text().splitlines()[0]
    return re.match(r"# in (\S+), loop (\S+), all delivered$", first).groups()


@pytest.mark.parametrize("loop", LOOPS, ids=name_of)
def test_a_shipped_loop_has_a_story(loop):
    assert loop.stem in {told_in(s)[1] for s in STORIES}


@pytest.mark.parametrize("story", STORIES, ids=name_of)
def test_a_story_is_short_and_says_what_it_shows(story):
    lines = story.read_text().splitlines()
    told = "\n".join(line for line in lines if line.startswith("#"))
    assert len(lines) <= 25
    assert re.search(r"\(.*\b(LC|DL|ES|CF|RO|TI)\d+\b.*\)$", told, re.S)


def lines_of(story):
    return [line for line in story.read_text().splitlines() if "->" in line]


def result_of(lines):
    """Of each complaint what it was sent, and how it ended."""
    sent, ends = defaultdict(list), {}
    for line in lines:
        who = line.split()[2]
        result = line.split("->", 1)[1].split(";")[0]
        for words in re.findall(r"follow\(([^)]*)\)", result):
            sent[who].append(tuple(words.split(",")[:3]))
        for words in re.findall(r"closed\(([^)]*)\)", result):
            ends[who] = tuple(words.split(","))
    return sent, ends


@pytest.mark.parametrize("story", STORIES, ids=name_of)
def test_a_story_is_told_alike_by_simulate(story, tmp_path):
    """OP5: the same messages to the same people in the same order, the same
    end."""
    conf, loop = told_in(story)
    lines = lines_of(story)
    begin = "2026-08-31" if "-09." in lines[0] else "2026-11-23"
    events = tmp_path / story.name
    events.write_text("\n".join(lines) + "\n")
    *steps, _ = simulate("--conf", conf, "--loop", loop, "--from",
                         f"{begin}T09:00", "--for", "120d", "--file", events)
    sent, ends = defaultdict(list), {}
    for step in steps:
        for note in step.get("do", []):
            if note["n"] == "followup.queued":
                sent[step["complaint"]].append(
                    (note["reason"], note["to"], note["endpoint"]))
            elif note["n"] == "loop.closed":
                ends[step["complaint"]] = note["outcome"], note["verdict"]
    wanted_sent, wanted_ends = result_of(lines)
    assert wanted_sent.keys() <= sent.keys()
    for who, wanted in wanted_sent.items():
        assert sent[who][:len(wanted)] == wanted
    # the simulator goes on where the story stops
    assert wanted_ends.items() <= ends.items()
