"""What scripts rely on: `--json` lines have the members of docs/schema and no
other; exit codes 0 to 5 mean what the manual says. OP3, ops.md "queue listing"
and "CLI"."""

import json
import os
import pty
import select
import signal
import subprocess
from pathlib import Path

import pytest
from harness import BUILD, ROOT, wait_until
from sink import OK, answer
from test_shape import LOOPS

HERE = Path(__file__).resolve().parent


def judge(name, lines):
    assert lines.strip()
    p = subprocess.run(
        ["node", HERE / "schema.mjs", ROOT / f"docs/schema/{name}.json"],
        input=lines, capture_output=True, text=True, cwd=HERE)
    assert p.returncode == 0, p.stdout + p.stderr


def ctl_json(d, *words):
    code, out, err = d.ctl("--json", *words)
    assert code == 0, err
    return out


def test_json_lines_are_as_their_schemas_say(world, redis, producer):
    """postqueue -j: one JSON object a line, stable names."""
    broken = [True]
    sink = world.sink(lambda r: answer(500, body=b"no") if broken[0] else OK)
    d = world.daemon(redis, loop=LOOPS, endpoint_more=(
        'timeout = "2s"\nretry = {"0s", "30s"}'))
    d.ctl("pause", "loop", "complaint")
    for i in range(4):
        producer.open(f"C-{i}", tier="high" if i else "mid",
                      **{"customer.phone": f"+861380013800{i}"})
    producer.emit("stage.completed", "C-0", stage="listen")
    producer.emit("complaint.held", "C-1", reason="waiting_customer")
    producer.emit("complaint.withdrawn", "C-2")
    wait_until(lambda: any(r.get("held") for r in d.rows("followups")))
    judge("followups", ctl_json(d, "followups"))
    d.ctl("silence", "add", "--match", "tier=mid", "--author", "li",
          "--reason", "x", "--for", "1h")
    d.ctl("resume", "loop", "complaint")
    wait_until(lambda: {"silence"} <= {
        r.get("held", {}).get("by") for r in d.rows("followups")})
    wait_until(lambda: any(r["attempts"] for r in d.rows("followups")))
    judge("followups", ctl_json(d, "followups"))
    wait_until(lambda: d.rows("list --overdue"))
    judge("list", ctl_json(d, "list"))
    judge("shape", ctl_json(d, "shape"))
    broken[0] = False
    assert len(sink.requests) > 0


def test_schemas_refuse_what_is_none():
    """The judge can say no."""
    row = {"row": "stage", "loop": "x", "stage": "y", "total": 1, "due": {}}
    with pytest.raises(AssertionError, match="must have required"):
        judge("shape", json.dumps(row))


def test_exit_codes(world, redis, producer):
    """0 ok, 1 failed, 2 usage, 3 unreachable, 4 not found, 5 refused: for
    commands that read, that change, that look for one thing, and for those
    that need no daemon."""
    world.sink()
    d = world.daemon(redis, loop=LOOPS)
    producer.open("C-1")
    wait_until(lambda: d.find("C-1"))
    for words, want in (
            # 0
            (("status",), 0), (("list",), 0), (("list", "--json"), 0),
            (("shape",), 0), (("top",), 0), (("show", "C-1"), 0),
            (("pause", "intake"), 0), (("resume", "intake"), 0),
            (("dead", "drop", "--all", "--yes"), 0), (("help",), 0),
            (("completion", "zsh"), 0), (("--version",), 0),
            # 2: said here, without a word to the daemon
            (("nosuch",), 2), (("show",), 2), (("list", "--limit", "x"), 2),
            (("pause", "all"), 2), (("dead", "drop", "--all"), 2),
            (("shape", "x"), 2), (("completion",), 2), ((), 2),
            (("--timeout", "x", "status"), 2),
            # 4
            (("show", "C-0"), 4), (("verify", "C-0"), 4),
            (("endpoints", "enable", "nosuch"), 4),
            (("pause", "loop", "nosuch"), 4),
            (("dead", "replay", "a" * 26), 4), (("silence", "end", "s"), 4),
            (("shard", "release", "nosuch"), 4),
            # 5
            (("shard", "adopt", "complaints"), 5)):
        code, out, err = d.ctl(*words)
        assert code == want, (words, code, out, err)
        assert (err == "") == (code == 0), (words, err)
        assert code == 0 or err.startswith("amendsctl: "), (words, err)
    # 1: it was tried, and it failed
    redis.kill9()
    wait_until(lambda: not d.status()["redis"]["up"])
    for words in (("list",), ("shape",), ("show", "C-1"), ("health",),
                  ("followups",), ("pause", "delivery")):
        code, _, err = d.ctl(*words)
        assert code in (1, 5) and err, words
        assert code == 1 or words[0] == "pause", (words, code)
    assert d.ctl("status")[0] == 0  # which says that Redis is away
    # 3
    d.stop()
    for words in (("status",), ("top",), ("pause", "intake"), ("show", "C-1")):
        code, out, err = d.ctl(*words)
        assert (code, out) == (3, "") and "no daemon answers" in err
    redis.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="another uid is needed")
def test_who_may_not_is_refused(world, redis):
    """Code 5 from the operating system's own answer, with what to do."""
    world.sink()
    d = world.daemon(redis, loop=LOOPS)
    world.dir.chmod(0o755)
    d.dir.chmod(0o755)
    p = subprocess.run(
        [BUILD / "amendsctl", "--socket", d.socket, "status"],
        capture_output=True, text=True, user=65534, group=65534, extra_groups=[],
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    assert p.returncode == 5 and "you may not open" in p.stderr, p.stderr


def test_progress_is_for_terminals(world, redis):
    """What takes long says so on a terminal's stderr, and leaves no trace
    there; elsewhere not a byte."""
    world.sink()
    d = world.daemon(redis, loop=LOOPS)
    cmd = [BUILD / "amendsctl", "--socket", d.socket, "status"]
    d.signal(signal.SIGSTOP)
    quiet = subprocess.Popen(cmd, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    master, slave = pty.openpty()
    p = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    said = b""

    def heard(pattern):
        nonlocal said
        while select.select([master], [], [], 0)[0]:
            try:
                said += os.read(master, 4096)
            except OSError:
                break
        return pattern in said
    wait_until(lambda: heard(b"\rwaiting for the answer, 2 s"))
    d.signal(signal.SIGCONT)
    out, _ = p.communicate(timeout=15)
    assert b"running" in out
    heard(b"")
    os.close(master)
    assert said.endswith(b"\r\x1b[K")
    out, err = quiet.communicate(timeout=15)
    assert "running" in out and err == ""
