"""OP4, fault 63: the status socket and amendsctl. DL9 AU1 OP5."""

import json
import os
import signal
import socket
import stat
import subprocess
import time

import pytest
from harness import BUILD, wait_until


@pytest.fixture
def daemon(world, redis):
    world.sink()
    return world.daemon(redis)


@pytest.fixture
def busy(daemon, redis, producer):
    """A daemon with three complaints."""
    producer.open("C-1", tier="low", owner="li")
    producer.open("C-2", tier="low", owner="wang")
    producer.emit("stage.completed", "C-2", stage="listen")
    producer.open("C-3", tier="low", category="atm")
    producer.emit("complaint.held", "C-3", reason="waiting_customer")
    wait_until(lambda: redis.applied() == 5)
    return daemon


def jsonl(text):
    return [json.loads(line) for line in text.splitlines()]


def test_status_says_redis_is_down(daemon, redis):
    """OP4: it answers, and says so."""
    redis.kill9()
    wait_until(lambda: not daemon.status()["redis"]["up"], 15)
    status, out, err = daemon.ctl("status")
    assert status == 0 and "down" in (out + err).lower()
    assert daemon.ctl("health")[0] == 1
    assert daemon.ctl("list")[0] == 1
    redis.client.connection_pool.disconnect()
    redis.start()
    daemon.wait_running()


def test_status_has_what_people_ask_for(busy):
    s = busy.status()
    assert s["instance"] == "t1" and s["version"] == "0.1.0"
    assert s["pid"] == busy.pid and s["open"] == 3
    assert s["redis"]["up"] and s["redis"]["durability"] == "D2"
    shard = s["shards"][0]
    assert shard["stream"] == "complaints" and shard["mine"]
    assert shard["lag"] == 0 and shard["applied"] == 5
    assert s["events"]["applied"] == 5
    assert s["config"]["ok"] and s["config"]["path"].endswith("amends.conf")


@pytest.mark.parametrize("args,ids", [
    ([], {"C-1", "C-2", "C-3"}),
    (["--stage", "listen"], {"C-1", "C-3"}),
    (["--owner", "wang"], {"C-2"}),
    (["--status", "held"], {"C-3"}),
    (["--stage=apologize"], {"C-2"}),
    (["--overdue"], set()),
    (["--tier", "high"], set()),
])
def test_list_filters(busy, args, ids):
    status, out, err = busy.ctl("--json", "list", *args)
    assert status == 0, err
    assert {r["id"] for r in jsonl(out) if "id" in r} == ids
    status, out, _ = busy.ctl("list", *args)
    assert status == 0 and all(i in out for i in ids)


def test_list_limit(busy):
    assert len(busy.rows("list --limit 2")) == 2


def test_show_and_why(busy, redis):
    """DL9: what `why` counts sums up to the budget."""
    shown = busy.rows("show C-1")[0]
    assert (shown["stage"], shown["status"], shown["owner"]) == (
        "listen", "open", "li")
    listen = next(c for c in shown["clocks"] if c["name"] == "listen")
    assert listen["budget_ms"] == 3600_000
    assert {r["name"] for r in listen["rungs"]} == {
        "warn", "lapse", "escalate"}
    assert shown["due_at"] == listen["due_at"]
    rows = busy.rows("why C-1")
    why = next(r for r in rows if r["clock"] == "listen")
    assert why["budget_ms"] == why["sum_ms"] == 3600_000
    assert sum(w["ms"] for w in why["windows"]) == why["sum_ms"]
    for verb in ("show", "why"):
        status, out, _ = busy.ctl(verb, "C-1")
        assert status == 0 and "listen" in out
    held = busy.rows("show C-3")[0]
    assert held["held_since"] and held["hold_reason"] == "waiting_customer"


def test_exit_codes(world, busy):
    """0 ok, 1 failed, 2 usage, 3 unreachable, 4 not found, 5 refused."""
    assert busy.ctl("status")[0] == 0
    assert busy.ctl("dance")[0] == 2
    assert busy.ctl("show")[0] == 2
    assert busy.ctl("list", "--colour", "red")[0] == 2
    assert busy.ctl("show", "C-404")[0] == 4
    assert busy.ctl("shard", "adopt", "nowhere")[0] == 4
    assert busy.ctl("shard", "adopt", "complaints")[0] == 5
    p = subprocess.run([str(BUILD / "amendsctl"), "--socket",
                        str(world.dir / "none"), "status"],
                       capture_output=True, text=True)
    assert p.returncode == 3 and p.stdout == "" and p.stderr


def test_errors_go_to_standard_error(busy):
    status, out, err = busy.ctl("show", "C-404")
    assert out == "" and "C-404" in err


def test_help_lists_every_verb(daemon):
    status, out, _ = daemon.ctl("help")
    assert status == 0
    for verb in ("status", "health", "list", "show", "why", "followups",
                 "dead", "rejects", "endpoints", "shard", "emit", "reload",
                 "drain", "verify"):
        assert verb in out


def test_every_verb_answers_in_json(busy):
    for verb in ("status", "health", "list", "show C-1", "why C-1",
                 "followups", "dead list", "rejects list", "endpoints",
                 "shard list", "verify C-1"):
        status, out, err = busy.ctl("--json", *verb.split())
        assert status == 0, (verb, err)
        jsonl(out)


def test_verify_finds_an_edited_line(busy, redis):
    """AU1 AU5: a changed journal is found, with its line."""
    assert busy.ctl("verify", "C-2")[0] == 0
    line = redis.journal("C-2")[1]
    redis.client.lset("{complaints}:log:C-2", 1,
                      line.replace(b'"listen"', b'"listex"'))
    status, out, err = busy.ctl("verify", "C-2")
    assert status == 1 and "2" in out + err


def test_emit_puts_an_event_on_the_stream(daemon, redis):
    status, out, err = daemon.ctl(
        "--json", "emit", "complaint.opened", "complaint_id=E-1",
        "customer.phone=+8613800138000", "category=billing",
        "summary=charged twice, 收费", "tier=low")
    assert status == 0, err
    assert jsonl(out)[0]["stream_id"]
    wait_until(lambda: daemon.ctl("show", "E-1")[0] == 0)
    assert daemon.ctl("emit", "no.such.event", "a=b")[0] in (1, 2, 5)
    assert daemon.ctl("emit", "complaint.opened", "novalue")[0] == 2


def test_followups_retry_and_cancel(world, redis, producer):
    from sink import answer
    sink = world.sink(lambda r: answer(500))
    d = world.daemon(redis, endpoint_more='retry = {"0s", "1h"}')
    producer.open("C-1")
    row = wait_until(lambda: [r for r in d.rows("followups")
                              if r["attempts"] == 1])[0]
    seen = len(sink.requests)
    assert d.ctl("followups", "retry", row["id"])[0] == 0
    wait_until(lambda: len(sink.requests) > seen)
    producer.open("C-2")
    row = wait_until(lambda: [r for r in d.rows("followups --complaint C-2")
                              if r["attempts"] == 1])[0]
    assert d.ctl("followups", "cancel", row["id"])[0] == 0
    assert row["id"] not in {r["id"] for r in d.rows("followups")}
    assert any(b"cancel" in n for n in redis.journal("C-2"))
    assert d.ctl("followups", "cancel", "a" * 26)[0] == 4


def test_show_of_a_reopening_notice_that_waits(world, redis, producer):
    """CF4: no rung fired it, so none is named."""
    from sink import answer
    world.sink(lambda r: answer(500))
    d = world.daemon(redis, endpoint_more='retry = {"0s", "1h"}')
    producer.open("C-1", tier="low")
    for stage, more in (("listen", {}), ("apologize", {}),
                        ("resolve", {"root_cause": "x", "action": "y"})):
        producer.emit("stage.completed", "C-1", stage=stage, **more)
    producer.emit("customer.answered", "C-1", verdict="unsatisfied")
    wait_until(lambda: redis.applied() == 5)

    def waiting():
        return [(w["clock"], w["rung"])
                for w in d.rows("show C-1")[0]["waiting"]]
    # to the owner, to the supervisor; the question may be on the wire till then
    wait_until(lambda: waiting() == [("resolve", ""), ("resolve", "")])
    shown = d.rows("show C-1")[0]
    assert shown["cycle"] == 2
    first = d.rows("followups --complaint C-1")[0]
    assert first["id"] == shown["waiting"][0]["id"]
    status, out, _ = d.ctl("show", "C-1")
    assert status == 0 and first["id"] in out and out.isascii()


def test_drain_finishes_and_ends(daemon):
    """`drain`: what is in flight is finished, the shard handed over."""
    assert daemon.ctl("drain")[0] == 0
    wait_until(lambda: not daemon.alive(), 20)
    assert daemon.logged(r"state=released")


def test_by_hand(daemon):
    """`nc -U` works: one line in, JSON lines and a status line out."""
    rows, end = daemon.ask("status")
    assert len(rows) == 1 and end == {"ok": True, "code": 0}
    rows, end = daemon.ask('show "C 1"')
    assert rows == [] and end["code"] in (2, 4) and end["error"]


def test_the_socket_is_ours_alone(daemon):
    assert stat.S_IMODE(os.stat(daemon.socket).st_mode) == 0o600


def connect(daemon):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(str(daemon.socket))
    return s


def closed(s):
    """The other side closes within its time; what it said before."""
    data = b""
    try:
        while more := s.recv(1 << 16):
            data += more
    except ConnectionError:
        pass
    return data


@pytest.mark.parametrize("junk", [
    b"\0\1\2\xff\n", b"x" * 100_000, b'show "half\n', b"\n" * 10, b"\r\n",
    b"GET / HTTP/1.1\r\n\r\n", b"show " + b"a " * 500 + b"\n"])
def test_garbage_closes_that_client_only(daemon, junk):
    """Fault 63: garbage, a line without end, too many words."""
    good = connect(daemon)
    bad = connect(daemon)
    try:
        bad.sendall(junk)
        bad.shutdown(socket.SHUT_WR)
        closed(bad)
    except OSError:
        pass
    good.sendall(b"status\n")
    assert good.recv(1 << 16)
    assert daemon.alive()


def test_half_a_line_is_cut(daemon):
    """Fault 63: two seconds, then closed; nobody else waits for it, and who
    has said nothing yet may stay."""
    half, idle = connect(daemon), connect(daemon)
    half.sendall(b"stat")
    began = time.monotonic()
    assert daemon.status()
    assert time.monotonic() - began < 1
    closed(half)
    assert time.monotonic() - began < 6
    idle.sendall(b"status\n")
    assert idle.recv(1 << 16)


def test_a_gigabyte_line_costs_nothing(daemon):
    """Fault 63: cut at 4 KiB; memory stays."""
    s = connect(daemon)
    sent = 0
    try:
        while sent < 64 << 20:
            sent += s.send(b"x" * (1 << 16))
    except OSError:
        pass
    assert sent < 8 << 20
    assert daemon.status()


def test_a_slow_reader_stalls_nobody(busy):
    """Fault 63: asks a hundred times, reads nothing."""
    slow = connect(busy)
    slow.setblocking(False)
    try:
        slow.sendall(b"show C-1\n" * 100)
    except (BlockingIOError, ConnectionError):
        pass
    began = time.monotonic()
    assert busy.rows("list")
    assert time.monotonic() - began < 1


def test_a_thousand_connects(daemon):
    """Fault 63: descriptors are bounded and given back."""
    fds = f"/proc/{daemon.pid}/fd"
    before = len(os.listdir(fds))
    held = []
    for _ in range(1000):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(5)
        try:
            s.connect(str(daemon.socket))
            held.append(s)
        except OSError:
            s.close()
    for s in held:
        s.close()
    wait_until(lambda: len(os.listdir(fds)) <= before + 5, 15)
    assert daemon.status()


def test_a_wrong_user_is_refused(world, redis):
    """Levels by peer credentials: nobody may neither look nor change."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    world.sink()
    d = world.daemon(redis, start=False)
    d.write_conf(d.conf.read_text().replace('mode = "0600"',
                                            'mode = "0666"'))
    for p in (world.dir, d.dir):
        p.chmod(0o755)
    d.start()
    ask = ("import os,socket,sys\n"
           "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
           "s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
           "try:\n"
           "    s.sendall(sys.argv[2].encode() + b'\\n')\n"
           "    sys.stdout.write(s.recv(65536).decode())\n"
           "except OSError: pass\n")
    for verb in ("status", "reload"):
        p = subprocess.run(["/usr/bin/python3", "-c", ask, str(d.socket),
                            verb], capture_output=True, text=True)
        # an answer that says no, or none at all
        assert p.returncode == 0 and '"ok":true' not in p.stdout, p
    assert d.alive() and not d.logged("reloaded")


def test_mutations_are_logged_with_the_uid(daemon):
    daemon.ctl("reload")
    assert wait_until(lambda: daemon.logged(rf"uid={os.getuid()}"))


def test_a_stopped_reader_of_the_log_stops_nobody(world, redis, producer):
    """Fault 64: standard error is a pipe that nobody reads."""
    sink = world.sink()
    d = world.daemon(redis, start=False)
    d.write_conf('log_level = "debug"\n' + d.conf.read_text())
    r, w = os.pipe()
    d.proc = subprocess.Popen(d.cmd, stdin=subprocess.DEVNULL, stdout=w,
                              stderr=w, **d.kw)
    os.close(w)
    d.wait_running()
    for i in range(600):
        producer.open(f"C-{i}", tier="low")
    producer.open("LAST")
    wait_until(lambda: len(sink.of("LAST")) == 3, 30)
    os.close(r)
    d.signal(signal.SIGTERM)
