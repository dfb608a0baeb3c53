"""Completion in real shells: what bash and zsh make of a TAB. OP3, ops.md
"CLI"."""

import os
import pty
import re
import select
import shutil
import subprocess

import pytest
from harness import BUILD, ROOT, wait_until

LOOP = "".join("""
loop "%s" {
    tiers = {"mid"}
    stage "listen" { budget = "2h" }
    stage "callback-confirm" {
        kind = "confirm"  budget = "30h"
        rung "ask" { at = "0%%" to = "customer" via = {"sms"} }
    }
}
""" % name for name in ("complaint", "vip"))
START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], """
PS1='READY> '; bind 'set enable-bracketed-paste off'
bind 'set completion-query-items 500'; bind 'set page-completions off'
source <(amendsctl completion bash)
"""),
    "zsh": (["zsh", "-f", "-i"], """
PS1='READY> '; unsetopt ZLE_BRACKETED_PASTE 2>/dev/null; unset zle_bracketed_paste
LISTMAX=500; zstyle ':completion:*' list-prompt ''
autoload -Uz compinit; compinit -D -u
source <(amendsctl completion zsh)
"""),
}


class Shell:
    def __init__(self, name, folder, socket):
        cmd, start = START[name]
        self.master, slave = pty.openpty()
        self.proc = subprocess.Popen(
            cmd, stdin=slave, stdout=slave, stderr=slave, cwd=folder,
            start_new_session=True, env={
                **os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}",
                "AMENDS_SOCKET": str(socket), "TERM": "dumb",
                "HOME": str(folder), "LANG": "C.UTF-8", "COLUMNS": "200"})
        os.close(slave)
        self.text = ""
        for line in start.strip().splitlines():
            self.write(line + "\n")
        self.write("echo be''gin\n")
        self.wait("begin\r?\n")

    def write(self, text):
        os.write(self.master, text.encode())

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            try:
                self.text += os.read(self.master, 65536).decode(
                    errors="replace")
            except OSError:
                break
        self.text = self.text.replace("\a", "")  # it rings in between
        return self.text

    def wait(self, pattern):
        return wait_until(lambda: re.search(pattern, self.read()), 15,
                          f"{pattern!r} in {self.text!r}")

    def completes(self, typed, to):
        self.text = ""
        self.write(typed + "\t")
        self.wait(re.escape(to))
        self.write("\x15")  # the line goes

    def lists(self, typed, *words):
        self.text = ""
        self.write(typed + "\t\t")
        for w in words:
            self.wait(rf"(?<![\w.-]){re.escape(w)}(?![\w-])")
        self.write("\x15")

    def close(self):
        self.proc.kill()
        self.proc.wait()
        os.close(self.master)


@pytest.fixture
def daemon(world, redis, producer):
    d = world.daemon(redis, loop=LOOP, endpoints="".join(
        world.endpoint(n, "http://127.0.0.1:9/") for n in ("crm-main", "sms")))
    producer.open("C-2026:aa-1")
    wait_until(lambda: d.find("C-2026:aa-1"))
    return d


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_shell_completes(name, world, daemon):
    """Commands, second words, options, values, names that the daemon knows,
    an id with a colon; with the daemon away nothing, and quickly."""
    if shutil.which(name) is None:
        pytest.fail(f"{name} is not there; tests/deps.sh test")
    sh = Shell(name, world.dir, daemon.socket)
    try:
        sh.completes("amendsctl heal", "amendsctl health ")
        sh.completes("amendsctl pause del", "amendsctl pause delivery ")
        sh.lists("amendsctl dead ", "list", "replay", "drop")
        sh.lists("amendsctl list --", "--stage", "--overdue", "--open")
        sh.completes("amendsctl list --status he", "--status held ")
        sh.completes("amendsctl endpoints disable c", "disable crm-main ")
        sh.completes("amendsctl pause loop v", "loop vip ")
        sh.completes("amendsctl shard release comp", "release complaints ")
        sh.completes("amendsctl show C-", "show C-2026:aa-1")
        sh.completes("amendsctl show C-2026:a", "show C-2026:aa-1")
        sh.completes("amendsctl --json emit complaint.op",
                     "emit complaint.opened ")
        sh.completes("amendsctl emit complaint.opened summ", "summary=")
        (world.dir / "a-policy.conf").write_text("")
        sh.completes("amendsctl simulate --conf a-pol", "a-policy.conf")
        daemon.stop()
        sh.text = ""
        sh.write("amendsctl pause loop v\t")
        sh.write("\x15echo on''ward\n")
        sh.wait("onward")
        assert "vip" not in sh.text and "amendsctl:" not in sh.text
    finally:
        sh.close()


def test_completion_knows_every_command(daemon):
    """What the tables have is offered, each with its options; what the table
    of arguments asks of the daemon is a command that the daemon takes."""
    def words(line):
        p = subprocess.run(
            [BUILD / "amendsctl", "completion", "words", "--", line],
            capture_output=True, text=True, env={
                **os.environ, "AMENDS_SOCKET": str(daemon.socket)})
        assert p.returncode == 0 and p.stderr == "", p.stderr
        return [row.split("\t")[0] for row in p.stdout.splitlines()]
    first = words("amendsctl ")
    for row in (r for r in daemon.rows("help") if "verb" in r):
        verb = row["verb"].split()
        assert verb[0] in first, row
        if len(verb) == 2:
            assert verb[1] in words(f"amendsctl {verb[0]} "), row
        for option in set(re.findall(r"--[a-z-]+", row["usage"])):
            assert option in words(f"amendsctl {row['verb']} --"), row
    source = (ROOT / "daemon/amendsctl_complete.c").read_text()
    asked = set(re.findall(r'"([a-z][^"\n]*)\\n", "\w+" \}', source))
    assert len(asked) > 5
    for line in asked:
        assert daemon.ask(line)[1]["ok"], line


def test_completion_is_silent_about_nonsense():
    """A quote that does not end, a command that is none, no daemon."""
    for line in ('amendsctl show "a', "amendsctl nosuch ", "",
                 "amendsctl show ", "amendsctl --timeout ",
                 "amendsctl endpoints nosuch x y z "):
        p = subprocess.run(
            [BUILD / "amendsctl", "completion", "words", "--", line],
            capture_output=True, text=True,
            env={**os.environ, "AMENDS_SOCKET": "/nonexistent"})
        assert (p.returncode, p.stdout, p.stderr) == (0, "", ""), line
    p = subprocess.run([BUILD / "amendsctl", "completion", "fish"],
                       capture_output=True, text=True)
    assert p.returncode == 2 and "bash|zsh" in p.stderr
