"""The dashboard in a browser (OP4, AU6): what a supervisor sees first, in two
languages, light and dark, on a phone and on a wide screen; by keyboard alone,
without a script, live, and with Redis away. One daemon, one busy day and one
browser serve all of it.

UPDATE=1 writes the screenshots of docs/screenshots."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from busy_day import CONF, busy_day
from harness import ROOT, STREAM, World, free_port, wait_until
from sink import answer

HERE = Path(__file__).resolve().parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium here; see tests/deps.sh")


class Browser:
    def __init__(self):
        self.proc = subprocess.Popen(
            ["node", HERE / "browser.mjs", CHROMIUM], cwd=HERE, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answer()

    def answer(self):
        line = self.proc.stdout.readline()
        assert line, "the browser has ended"
        said = json.loads(line)
        assert "error" not in said, said["error"]
        return said["ok"]

    def __call__(self, do, **args):
        self.proc.stdin.write(json.dumps({"do": do, **args}) + "\n")
        self.proc.stdin.flush()
        return self.answer()

    def eval(self, code):
        return self("eval", code=code)

    def text(self, selector):
        return self.eval(
            f"document.querySelector({json.dumps(selector)})?.innerText")

    def focus(self):
        """What has the focus, in a few words."""
        return self.eval("""(() => { const e = document.activeElement;
            return (e.id || e.getAttribute('href') || e.tagName) })()""")

    def stop(self):
        self.proc.stdin.close()
        try:
            self.proc.wait(20)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()


class Show:
    """A daemon in the middle of its day."""

    def __init__(self, world):
        self.world = world
        self.redis = world.redis(aof="no")
        self.broken = False
        desk = world.sink(lambda r: answer(200))
        # it turns some down for good, then it breaks
        sms = world.sink(lambda r: answer(400 if r.n in (0, 2) else 500))
        wecom = world.sink(lambda r: answer(410))
        more = 'timeout = "2s"  retry = {"0s"}'
        self.port = free_port()
        busy_day(self.redis)
        self.d = world.daemon(
            self.redis, instance="care-1", loop=CONF.format(
                port=self.port, http=""),
            endpoints=world.endpoint("desk", desk.url(), more) +
            world.endpoint("sms", sms.url(),
                           'timeout = "2s"  retry = {"0s"}'
                           '  breaker_failures = 5  breaker_cooldown = "10m"')
            + world.endpoint("wecom", wecom.url(), more) +
            world.endpoint("survey", desk.url(), more))
        self.url = f"http://127.0.0.1:{self.port}"
        total = self.redis.client.xlen(STREAM)
        wait_until(lambda: self.redis.applied() >= total - 20 and
                   self.d.status()["shards"][0]["lag"] == 0, 30,
                   "the day is told")
        # given up, of two causes
        wait_until(lambda: self.disabled("wecom"), 20, "wecom is gone")
        # counted, and grouped by cause
        wait_until(lambda: (p := self.page()).count('data-key="C-') > 20 and
                   "exhausted" in p[p.index('id="letters"'):], 40,
                   "the day is seen")

    def disabled(self, name):
        return any(r["name"] == name and r["state"] == "disabled"
                   for r in self.d.rows("endpoints"))

    def get(self, path="/", **headers):
        """(status, headers, text) without a browser."""
        r = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(r, timeout=10) as a:
                return a.status, a.headers, a.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read().decode()

    def page(self, path="/"):
        return self.get(path)[2]

    def due_next(self):
        """One whose due is to come."""
        page = self.page("/?lang=en")
        return re.search(r'data-key="(C-\d+)"',
                         page[page.index("Due next"):]).group(1)

    def tell(self, name, complaint, **fields):
        self.redis.client.xadd(STREAM, {
            "event": name, "complaint_id": complaint, "source": "test",
            "event_id": f"T-{complaint}", **fields})

    def streams(self):
        """Connections of streams that the daemon has, by the kernel."""
        out = subprocess.run(
            ["ss", "-Htn", "state", "established", "sport", "=",
             f":{self.port}"], capture_output=True, text=True, check=True)
        return len(out.stdout.splitlines())


@pytest.fixture(scope="module")
def browser():
    b = Browser()
    yield b
    b.stop()


@pytest.fixture(scope="module")
def show():
    world = World()
    try:
        yield Show(world)
    finally:
        wrong = world.close()
        if wrong:
            print(world.logs())
        world.remove()
    assert not wrong, "\n".join(wrong)


def settled(browser):
    """The page shows what the stream has sent."""
    wait_until(lambda: browser.eval(
        "document.getElementById('live')?.className") == "on", 10, "live")


# ---- looks ----

def shots():
    """Where screenshots go: the tree's own with UPDATE=1."""
    if os.environ.get("UPDATE"):
        folder = ROOT / "docs/screenshots"
        folder.mkdir(exist_ok=True)
        return contextlib.nullcontext(folder)
    return tempfile.TemporaryDirectory(prefix="amends-shots-")


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_looks_op4(show, browser, width, scheme, lang):
    """OP4: no violation by axe-core or of the policy, nothing asked from
    elsewhere, nothing that runs out of the screen."""
    with shots() as folder:
        browser("open", url=f"{show.url}/?lang={lang}", width=width,
                scheme=scheme)
        settled(browser)
        assert browser("axe") == []
        assert browser("problems") == []
        wide = browser.eval("document.documentElement.scrollWidth")
        assert wide <= width, f"{wide} pixels on a screen of {width}"
        if lang == "zh" and not (width == 1440 and scheme == "light"):
            return
        name = f"dash-{width}-{scheme}{'-zh' if lang == 'zh' else ''}.png"
        path = Path(folder) / name
        browser("shot", path=str(path))
        data = path.read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) > 20000


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_complaint_looks_op4(show, browser, lang):
    """OP4: a complaint's own page, with its plan and its history."""
    browser("open", url=f"{show.url}/?lang={lang}&id={show.due_next()}",
            width=390, scheme="dark" if lang == "zh" else "light")
    assert browser("axe") == []
    assert browser("problems") == []
    assert browser.eval("document.documentElement.scrollWidth") <= 390
    facts = browser.text(".facts")
    assert ("负责人" if lang == "zh" else "Owner") in facts
    assert browser.eval("document.querySelectorAll('ol.ahead li').length") > 0
    past = browser.text("ol.line:not(.ahead)")
    assert ("投诉已受理" if lang == "zh" else "opened") in past


# ---- what it says ----

def numbers(text):
    return [int(n) for n in re.findall(r"\d+", text.replace("\u202f", ""))]


def test_figures_are_the_verbs_op4(show):
    """The page says what `list` and `status` say."""
    page = show.page("/?lang=en")
    open_n = show.d.status()["open"]
    tiles = dict(re.findall(
        r'<dt>(?:<svg.*?</svg>)?([^<]+)</dt><dd class="n">([^<]+)<', page))
    assert int(tiles["Open"]) == open_n
    overdue = {r["id"] for r in show.d.rows("list --overdue --limit 1000")
               if r["status"] == "open"}
    now = page[page.index('id="now"'):page.index('id="board"')]
    late = now[now.index("Lapsed, longest first"):now.index("Due next")]
    listed = re.findall(r'data-key="(C-\d+)"', late)
    assert set(listed) <= overdue and len(listed) >= 10
    assert int(tiles["Lapsed"]) >= len(listed)
    total = re.search(r"<tfoot>.*?</tfoot>", page, re.S).group()
    assert numbers(re.sub(r"<[^>]*>", " ", total))[-1] == open_n
    assert int(tiles["Given up"]) == show.d.status()["dead"] > 0
    # by cause
    assert "exhausted" in page and "http_500" in page
    assert "unknown complaint" in page and "missing field" in page


def test_nothing_personal_au6(show):
    """AU6: ids and staff; of customers not a letter."""
    found = show.due_next()
    for path in "/", f"/?id={found}":
        page = show.page(path)
        for canary in "Canary", "canary", "+86138", "86138":
            assert canary not in page
    assert "chen.jing" in show.page()


def test_headers_of_the_page_op4(show):
    """A policy without exceptions; files by their tag."""
    status, headers, page = show.get("/")
    assert status == 200
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert " style=" not in page and "<style" not in page
    assert not re.search(r"https?://", page)
    for path, kind in (("/dash.css", "text/css"), ("/dash.js", "text/javascript"),
                       ("/dash.svg", "image/svg+xml")):
        status, headers, body = show.get(path)
        assert status == 200 and headers["Content-Type"].startswith(kind)
        assert body == (ROOT / f"lib/ops/assets{path}").read_text()
        again = show.get(path, **{"If-None-Match": headers["ETag"]})
        assert again[0] == 304 and again[2] == ""


def test_languages_op4(show):
    """By the query, else by what the browser likes."""
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
    assert '<html lang="zh-CN">' in show.get("/", **chinese)[2]
    assert '<html lang="en">' in show.get("/?lang=en", **chinese)[2]
    assert '<html lang="en">' in show.page("/")
    # what was chosen stays chosen, what was not is not forced
    assert 'href="/?lang=zh&amp;id=' in show.page("/?lang=zh")
    assert 'href="/?id=' in show.page("/")


def test_ids_that_are_none_op4(show):
    """Whatever is looked for, the answer is a page and 404."""
    for wanted in ("C-404", "%3Cscript%3Ealert(1)%3C/script%3E", "--all",
                   "%00", "%ff%fe", "a%0d%0ab", "x" * 300, "%22%27%3E"):
        status, headers, page = show.get(f"/?id={wanted}")
        # a zero byte does not come as far
        assert status == (400 if wanted == "%00" else 404), wanted
        assert "alert(1)</script>" not in page and "<script>" not in page
        if status == 404:
            assert headers["Content-Type"].startswith("text/html")


def test_every_text_has_its_chinese_op4():
    """What the code says is in the table, and nothing else is."""
    table = (ROOT / "lib/ops/dash_text.c").read_text()
    code = "".join(p.read_text() for p in (ROOT / "lib/ops").glob("dash*.c")
                   if p.name != "dash_text.c")
    code = re.sub(r'"\s*\n\s*"', "", code)
    said = set(re.findall(r'am_h_(?:say|t)\(\s*h,\s*"((?:[^"\\]|\\.)*)"', code))
    have = set(re.findall(r'^\t\{ "((?:[^"\\]|\\.)*)",', table, re.M))
    assert said - have == set()
    states = {"starting", "stopping", "released", "clock", "policy"}
    for text in have - said:
        # of tables and states: it stands in the code, or comes from a sample
        assert (f'"{text}"' in code or f'"#{text}"' in code or text in states
                or re.fullmatch(r"[a-z:-]+", text)), text


# ---- by keyboard, and without a script ----

def test_by_keyboard_alone_op4(show, browser):
    """Tab reaches the search, the result and every link; nothing traps."""
    browser("open", url=f"{show.url}/?lang=en")
    settled(browser)
    browser("key", key="Tab")
    assert browser.focus() == "#main"  # the skip link is first
    seen = []
    for _ in range(400):
        browser("key", key="Tab")
        what = browser.focus()
        if what == "BODY":
            break
        seen.append(what)
    links = browser.eval("""[...document.querySelectorAll('main a[href]')]
        .filter((a) => !a.closest('details:not([open])'))
        .map((a) => a.getAttribute('href'))""")
    assert "q" in seen and "SUMMARY" in seen
    assert set(links) <= set(seen) and len(links) > 15
    # find one
    found = show.due_next()
    browser("open", url=f"{show.url}/?lang=en")
    while browser.focus() != "q":
        browser("key", key="Tab")
    browser("type", text=f" {found} ")
    there = browser("go", key="Enter")
    assert there["status"] == 200 and found in there["url"]
    assert browser.text("h2#case-h") == found
    # and back
    while "/?lang=en" != browser.focus() or \
            "All" not in browser.eval("document.activeElement.innerText"):
        browser("key", key="Tab")
    assert browser("go", key="Enter")["url"].endswith("/?lang=en")


def test_without_a_script_op4(show, browser):
    """Everything is readable; folded lists open; a link makes it new."""
    browser("open", url=f"{show.url}/?lang=en", script=False)
    page = browser("content")
    assert "Do follow-ups get through?" in page and "<tfoot>" in page
    assert browser.text(".reload") == "Reload"
    assert not browser.text("#live")
    assert browser("problems") == []


# ---- live ----

def test_live_without_a_reload_op4(show, browser):
    """A new complaint is seen; the focus, a folded list that was opened, the
    scroll and marked text stay."""
    browser("open", url=f"{show.url}/?lang=en")
    settled(browser)
    before = browser.eval("""(() => {
        window.kept = true;
        document.querySelector('#now details').open = true;
        const a = document.querySelector('#now tbody a');
        a.focus({ preventScroll: true });
        window.scrollTo(0, 300);
        return [a.getAttribute('href'), window.scrollY]; })()""")
    n = int(browser.eval(
        "[...document.querySelectorAll('.tile')].find((t) => "
        "t.innerText.startsWith('Open')).querySelector('.n').innerText"))
    show.tell("complaint.opened", "C-7001", category="billing", owner="li.na",
              summary="late", **{"customer.phone": "+8613800138000"})
    wait_until(lambda: int(browser.eval(
        "[...document.querySelectorAll('.tile')].find((t) => "
        "t.innerText.startsWith('Open')).querySelector('.n').innerText"))
        == n + 1, 15, "the page has one more")
    assert browser.eval("window.kept") is True
    assert browser.eval("[document.activeElement.getAttribute('href'), "
                        "window.scrollY]") == before
    assert browser.eval("document.querySelector('#now details').open")
    assert browser("problems") == []


def test_live_leaves_marked_text_alone_op4(show, browser):
    """What somebody marks is not pulled away; it is made good afterwards."""
    browser("open", url=f"{show.url}/?lang=en")
    settled(browser)
    browser.eval("""document.getSelection().selectAllChildren(
        document.querySelector('#now .tiles'))""")
    marked = browser.eval("document.getSelection().toString()")
    show.tell("complaint.opened", "C-7002", category="billing", owner="li.na",
              summary="late", **{"customer.phone": "+8613800138000"})
    # the board is told of it, too, and nobody marks anything there
    wait_until(lambda: "C-7002" in show.page("/?lang=en&id=C-7002"), 10)
    n = show.d.status()["open"]
    wait_until(lambda: browser.eval(
        "document.querySelector('#board tfoot td:last-child')"
        ".innerText.trim()") == str(n), 30, "the board has one more")
    assert browser.eval("document.getSelection().toString()") == marked
    browser.eval("document.getSelection().removeAllRanges()")
    wait_until(lambda: str(n) in browser.text("#now .tiles"), 15,
               "what was held back is shown")


def test_live_only_while_somebody_looks_op4(show, browser):
    """A hidden page lets go of its stream, and takes it up again."""
    def streams():
        return show.streams()
    browser("open", url=f"{show.url}/?lang=en")
    settled(browser)
    assert streams() >= 1
    browser("hide", hidden=True)
    wait_until(lambda: streams() == 0, 10, "the stream is let go")
    browser("hide", hidden=False)
    wait_until(lambda: streams() == 1, 10, "the stream is taken up")
    assert browser.text("#live") == "Live"


def test_redis_away_is_said_op4(show, browser):
    """OP4: the page says so by itself, above the figures known last; a daemon
    that is gone is said, too, and found again."""
    browser("open", url=f"{show.url}/?lang=en")
    settled(browser)
    n = browser.text(".tiles")
    show.redis.signal(signal.SIGSTOP)
    try:
        wait_until(lambda: "The figures below are from" in
                   browser.text("#banner"), 30, "it is said")
        assert browser.text(".tiles") == n or "Open" in browser.text(".tiles")
        assert browser("axe") == []
    finally:
        show.redis.signal(signal.SIGCONT)
    wait_until(lambda: "The figures below are from" not in
               browser.text("#banner"), 30, "it is back")
    show.d.stop()
    wait_until(lambda: re.match(r"Not connected since \d\d:\d\d:\d\d",
                                browser.text("#live")), 15, "it is gone")
    assert browser("axe") == []
    show.d.start()
    wait_until(lambda: browser.text("#live") == "Live", 60, "found again")
