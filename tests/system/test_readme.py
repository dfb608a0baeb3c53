"""The READMEs: what they tell a newcomer to type works, in its order, and the
Chinese one tells the same."""

import os
import re
import subprocess
import sys

import pytest
from harness import BUILD, ROOT, free_port, wait_until

README = (ROOT / "README.md").read_text()
CHINESE = (ROOT / "README.zh-CN.md").read_text()
COMMAND = re.compile(r"(amendsctl|amendsd|python3|curl|redis-cli|sed) ")
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)


def blocks(page):
    """Code of the page in its order: fenced, or indented by four."""
    for m in re.finditer(r"^```sh\n(.*?)^```$|((?:^ {4}[^\n]*\n|^\n(?= {4}))+)",
                         page, re.M | re.S):
        text = m.group(1) if m.group(1) is not None else re.sub(
            r"^ {4}", "", m.group(2), flags=re.M)
        yield text.strip("\n")


def commands(block):
    """Lines, put together where a quote or a backslash goes on."""
    held = ""
    for line in block.splitlines():
        held += line + "\n"
        p = subprocess.run(["bash", "-n"], input=held, text=True,
                           capture_output=True)
        if p.returncode == 0 and "here-document" not in p.stderr and \
                not line.endswith("\\"):
            if held.strip():
                yield held.strip()
            held = ""
    assert not held, held


def section(page, title):
    text = re.split(rf"^## {title}$", page, flags=re.M)[1]
    return re.split(r"^## ", text, flags=re.M)[0]


class Newcomer:
    """A folder that looks like the tree, and a shell in it."""

    def __init__(self, world):
        self.dir = world.dir / "tree"
        self.dir.mkdir()
        for name in ("conf", "tests"):
            (self.dir / name).symlink_to(ROOT / name)
        (self.dir / "build").symlink_to(BUILD)
        self.ports = {p: str(free_port())
                      for p in ("8025", "8026", "8027", "8480")}
        self.env = {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}",
                    "AMENDS_SOCKET": "try/ctl", "PYTHONUNBUFFERED": "1"}
        self.running = []
        self.said = self.dir / "said"

    def here(self, text):
        for port, mine in self.ports.items():
            text = text.replace(f":{port}", f":{mine}")
            text = re.sub(rf" {port}( &)?$", rf" {mine}\1", text, flags=re.M)
        return re.sub(r"^make && ", "", text, flags=re.M)

    def shell(self, command):
        command = self.here(command)
        if command.endswith("&"):
            with open(self.said, "ab") as out:
                self.running.append(subprocess.Popen(
                    ["bash", "-c", f"exec {command[:-1]}"], cwd=self.dir,
                    env=self.env, stdin=subprocess.DEVNULL, stdout=out,
                    stderr=out))
            return ""
        p = subprocess.run(["bash", "-c", command], cwd=self.dir, text=True,
                           env=self.env, stdin=subprocess.DEVNULL, timeout=60,
                           capture_output=True)
        return p.stdout if p.returncode == 0 else None

    def does(self, command, needs=""):
        """What it says, once it is what it should be."""
        said = []

        def good():
            said[:] = [self.shell(command)]
            return said[0] is not None and needs in said[0]
        wait_until(good, 20, f"{command} says {needs!r}: {said}", step=0.1)
        return said[0]

    def end(self):
        for p in reversed(self.running):
            p.terminate()
        for p in self.running:
            p.wait(20)


@pytest.fixture
def newcomer(world):
    n = Newcomer(world)
    try:
        yield n
    finally:
        n.end()


# commands whose outcome comes a moment later
WAITS = {"amendsctl show C-2": "closed: satisfied",
         "amendsctl show T-1": "closed: satisfied"}


def test_a_newcomer_types_what_stands_there(newcomer):
    ran = []
    for block in blocks(README.split("## Operate")[0]):
        fenced = block in {m.strip("\n") for m in FENCE.findall(README)}
        if block.startswith("import redis"):
            subprocess.run([sys.executable, "-c", block], cwd=newcomer.dir,
                           check=True, timeout=30)
        if not fenced and not COMMAND.match(block):
            continue
        if fenced:
            assert newcomer.shell("set -e\n" + block) is not None, block
            continue
        for command in commands(block):
            if "callback/sms" in command:  # not before the question is there
                wait_until(lambda: "T-1 solved" in newcomer.said.read_text(),
                           20, "the text goes out")
            plain = command.split("   #")[0].strip()
            newcomer.does(command, WAITS.get(plain, ""))
            ran.append(plain)
    assert len(ran) > 20 and WAITS.keys() <= set(ran)
    newcomer.does("amendsctl drain")


def test_operate_names_commands_that_are():
    for line in section(README, "Operate").splitlines():
        m = re.match(r" {4}amendsctl (.*?)(?:  +#.*)?$", line)
        if not m:
            continue
        words = [w for w in re.split(r"[\s\[\]]+", m.group(1)) if w]
        verb = []
        while len(verb) < len(words) and re.fullmatch(
                "[a-z]+", words[len(verb)]):
            verb.append(words[len(verb)])
        p = subprocess.run([BUILD / "amendsctl", "help", *verb[:2]], text=True,
                           capture_output=True)
        assert p.returncode == 0, line
        for option in (w for w in words if w.startswith("--")):
            assert option in p.stdout, line


# ---- two languages ----


def code(page):
    """Code without what is said to people in it."""
    return [re.sub(r"[ \t]+(#|//) .*$", "", b, flags=re.M)
            for b in blocks(page) if "complaint.opened\n" not in b[:60]]


def test_both_languages_have_the_same_commands():
    assert code(CHINESE) == code(README)
    assert len(code(README)) > 15


def test_both_languages_have_the_same_structure():
    def shape(page):
        text = re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S)
        return [len(h) for h in re.findall(r"^(#+) ", text, re.M)]

    def links(page):
        return {t.replace("-zh.png", ".png")
                for t in re.findall(r"\]\(([^)]+)\)", page)
                if "README" not in t}
    assert shape(CHINESE) == shape(README)
    assert links(CHINESE) == links(README)
    assert "README.zh-CN.md" in README and "README.md" in CHINESE


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", (ROOT / page).read_text()):
        if not target.startswith("http"):
            assert (ROOT / target.split("#")[0]).exists(), target
