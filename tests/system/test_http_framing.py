"""Fault 61: requests that two programs would read differently. Fault 60: slow
and idle clients. Fault 59: no descriptors. Whatever comes, others are served,
a connection carries one request, and the log stays quiet."""

import json
import os
import re
import resource
import socket
import subprocess
import time

import callers
import pytest
from callers import (TOKEN, Answer, Caller, dial, entries, raw, read_all,
                     request, start)
from harness import Producer, free_port, wait_until

PATH = f"/v1/callback/aliyun/{TOKEN}"
BODY = json.dumps([{"biz_id": "b1", "success": True}]).encode()
LINE = f"POST {PATH} HTTP/1.1\r\n".encode()
HOST = b"Host: crm.example\r\n"
LENGTH = f"Content-Length: {len(BODY)}\r\n".encode()
GOOD = LINE + HOST + LENGTH + b"\r\n" + BODY
SMUGGLED = GOOD.replace(b'"b1"', b'"bad"')

# of a producer
EVENT = json.dumps({
    "event": "complaint.opened", "event_id": "b1", "category": "billing",
    "summary": "x", "customer": {"id": "7"}}).encode()
CREDENTIAL = (f"Authorization: Bearer {TOKEN}\r\n"
              "Content-Type: application/json\r\n").encode()

# What RFC 9112 forbids, or what servers are known to read each in its way.
# Behind each stands a whole second request: it must never be seen.
CASES = {
    "two lengths": (400, LINE + HOST + b"Content-Length: 3\r\n" + LENGTH),
    "two equal lengths": (400, LINE + HOST + LENGTH + LENGTH),
    "a list of lengths": (400, LINE + HOST + b"Content-Length: 3, 3\r\n"),
    "a length with a plus": (400, LINE + HOST + b"Content-Length: +3\r\n"),
    "a length with a minus": (400, LINE + HOST + b"Content-Length: -3\r\n"),
    "a length in hex": (400, LINE + HOST + b"Content-Length: 0x3\r\n"),
    "a length of eight digits": (
        400, LINE + HOST + b"Content-Length: 00000003\r\n"),
    "an empty length": (400, LINE + HOST + b"Content-Length:\r\n"),
    "a blank before the colon": (400, LINE + HOST + b"Content-Length : 3\r\n"),
    "a blank before the name": (400, LINE + HOST + b" Content-Length: 3\r\n"),
    "no length": (411, LINE + HOST),
    "no length, HTTP/1.0": (411, LINE.replace(b"1.1", b"1.0") + HOST),
    "chunked": (411, LINE + HOST + b"Transfer-Encoding: chunked\r\n"),
    "chunked, HTTP/1.0": (
        411, LINE.replace(b"1.1", b"1.0") + HOST +
        b"Transfer-Encoding: chunked\r\n"),
    "xchunked": (411, LINE + HOST + b"Transfer-Encoding: xchunked\r\n"),
    "gzip, chunked": (
        411, LINE + HOST + b"Transfer-Encoding: gzip, chunked\r\n"),
    "chunked twice": (
        400, LINE + HOST + b"Transfer-Encoding: chunked\r\n" * 2),
    "length and chunked": (
        400, LINE + HOST + LENGTH + b"Transfer-Encoding: chunked\r\n"),
    "chunked and length": (
        400, LINE + HOST + b"Transfer-Encoding: chunked\r\n" + LENGTH),
    "a name cut by a zero byte": (
        400, LINE + HOST + LENGTH + b"Transfer\0-Encoding: chunked\r\n"),
    "a value with a zero byte": (400, LINE + HOST + LENGTH + b"X: a\0b\r\n"),
    "a folded header": (400, LINE + HOST + LENGTH + b"X: a\r\n b\r\n"),
    "an LF alone": (400, LINE + HOST + LENGTH.replace(b"\r", b"")),
    "a CR alone": (400, LINE + b"Host: a\rX: b\r\n" + LENGTH),
    "no host": (400, LINE + LENGTH),
    "no host, HTTP/1.0": (400, LINE.replace(b"1.1", b"1.0") + LENGTH),
    "two hosts": (400, LINE + HOST + HOST + LENGTH),
    "a whole URL": (
        400, LINE.replace(b"/v1", b"http://crm.example/v1") + HOST + LENGTH),
    "an escaped zero byte": (
        400, LINE.replace(b"aliyun", b"aliyun%00") + HOST + LENGTH),
    "a wrong escape": (
        400, LINE.replace(b"aliyun", b"aliyun%g1") + HOST + LENGTH),
    "two blanks": (400, LINE.replace(b" HTTP", b"  HTTP") + HOST + LENGTH),
    "HTTP/2.0": (505, LINE.replace(b"1.1", b"2.0") + HOST + LENGTH),
    "HTTP/1.2.3": (400, LINE.replace(b"1.1", b"1.2.3") + HOST + LENGTH),
    "no version": (400, LINE.replace(b" HTTP/1.1", b"") + HOST + LENGTH),
    "a name that is no token": (400, LINE + HOST + LENGTH + b"X/Y: a\r\n"),
    "no name": (400, LINE + HOST + LENGTH + b": a\r\n"),
    "an encoded body": (
        415, LINE + HOST + LENGTH + b"Content-Encoding: gzip\r\n"),
    "another expectation": (417, LINE + HOST + LENGTH + b"Expect: 200\r\n"),
    "a signature twice": (
        400, LINE + HOST + LENGTH + b"X-Twilio-Signature: a\r\n" * 2),
    "an authorization twice": (
        400, LINE + HOST + LENGTH + b"Authorization: a\r\n" * 2),
    "a GET with a body": (400, LINE.replace(b"POST", b"GET") + HOST + LENGTH),
    "a head over 8 KiB": (
        431, LINE + HOST + LENGTH + b"X: " + b"a" * 9000 + b"\r\n"),
    "a hundred headers": (
        431, LINE + HOST + LENGTH + b"".join(
            b"X-%d: a\r\n" % i for i in range(100))),
    "another method": (405, LINE.replace(b"POST", b"PUT") + HOST + LENGTH),
    "HEAD": (405, LINE.replace(b"POST", b"HEAD") + HOST),
    "CONNECT": (400, b"CONNECT crm.example:443 HTTP/1.1\r\n" + HOST),
    "TRACE": (405, LINE.replace(b"POST", b"TRACE") + HOST),
}
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"


@pytest.fixture
def served(world, redis):
    """(daemon, port, caller)"""
    daemon, port = start(world, redis)
    return daemon, port, Caller(port, "aliyun")


def ids(redis):
    return [e.get("provider_id") for e in entries(redis)]


def works(caller, redis, name):
    """A right callback is taken."""
    answer = caller.json([{"biz_id": name, "success": True}])
    assert answer.status == 200, answer
    assert name in ids(redis)


def answers(data):
    """How many answers there are in all these bytes."""
    return len(re.findall(rb"HTTP/1\.1 \d\d\d", data))


def test_framing_attacks_get_one_refusal_and_an_end(served, redis):
    """Fault 61: 46 cases, each with a second request behind it."""
    daemon, port, caller = served
    for name, (status, head) in CASES.items():
        for tail in (BODY + SMUGGLED, CHUNKS + SMUGGLED, SMUGGLED):
            got = raw(port, head + b"\r\n" + tail)
            assert answers(got) == 1, (name, got)
            answer = Answer(got)
            assert answer.status == status, (name, answer)
            assert answer.one("connection") == "close", name
            if "HEAD" not in name:
                answer.problem()
    assert entries(redis) == []
    works(caller, redis, "b2")
    assert len(daemon.logged("http")) < 20  # nobody fills the log


def at_events(head):
    """The same of POST /v1/events, by who may send them."""
    head = head.replace(b"/v1/callback/aliyun", b"/v1/events/aliyun").replace(
        f"/{TOKEN}".encode(), b"").replace(
        LENGTH, b"Content-Length: %d\r\n" % len(EVENT))
    return head.replace(b"\r\n", b"\r\n" + CREDENTIAL, 1)


def test_framing_attacks_at_events(world, redis):
    """Fault 61: the same of producers, whose credential is right."""
    world.sink()
    port = free_port()
    token = world.secret("token", TOKEN)
    daemon = world.daemon(redis, more=f"""
http {{
    listen = "127.0.0.1:{port}"
    producer "aliyun" {{ token = {{"file:{token}"}} }}
}}""")
    whole = at_events(LINE + HOST + LENGTH) + b"\r\n" + EVENT
    second = whole.replace(b'"b1"', b'"b9"')
    for name, (status, head) in CASES.items():
        for tail in (EVENT + second, CHUNKS + second, second):
            got = raw(port, at_events(head) + b"\r\n" + tail)
            assert answers(got) == 1, (name, got)
            answer = Answer(got)
            assert answer.status == status, (name, answer)
            assert answer.one("connection") == "close", name
            if "HEAD" not in name:
                answer.problem()
    assert entries(redis) == []
    got = raw(port, whole + second)
    assert answers(got) == 1 and Answer(got).status == 202
    assert [e["event_id"] for e in entries(redis)] == ["b1"]
    assert len(daemon.logged("http")) < 20


# What a GET may do: behind it stands another request all the same.
AS_GET = {"no length": 200, "no length, HTTP/1.0": 200, "HEAD": 200}


def at_page(head, path, method):
    line = LINE.replace(PATH.encode(), path)
    head = head.replace(LINE, line).replace(PATH.encode(), path)
    return head.replace(b"/v1/callback/aliyun", path).replace(
        f"/{TOKEN}".encode(), b"").replace(b"POST ", method + b" ")


@pytest.mark.parametrize("path", [b"/metrics", b"/readyz", b"/"])
def test_framing_attacks_at_pages(served, redis, path):
    """Fault 61: the same of operators' pages, as GET and as POST; what is
    smuggled is a callback that would be taken."""
    daemon, port, caller = served
    for method in (b"GET", b"POST"):
        expected = {**AS_GET} if method == b"GET" else {"HEAD": 200}
        for name, (status, head) in CASES.items():
            for tail in (BODY + SMUGGLED, SMUGGLED):
                got = raw(port, at_page(head, path, method) + b"\r\n" + tail)
                assert answers(got) == 1, (name, got)
                answer = Answer(got)
                assert answer.status == expected.get(name, status), (
                    method, name, answer)
                assert answer.one("connection") == "close", name
    assert entries(redis) == []
    right = b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    got = raw(port, right + SMUGGLED)
    assert answers(got) == 1 and Answer(got).status == 200
    assert entries(redis) == []
    works(caller, redis, "b2")
    assert len(daemon.logged("http")) < 20


def test_pipelined_requests_are_one(served, redis):
    """Fault 61: the first is answered, the second is never read."""
    _, port, _ = served
    second = GOOD.replace(b'"b1"', b'"b9"')
    got = raw(port, GOOD + second)
    assert answers(got) == 1 and Answer(got).status == 200
    # on the same connection, behind the answer
    with dial(port) as s:
        s.sendall(GOOD)
        got = s.recv(1 << 16)
        try:
            s.sendall(second)
        except OSError:
            pass
        got += read_all(s)
    assert answers(got) == 1
    assert set(ids(redis)) == {"b1"}


def test_right_requests_pass_however_they_are_cut(served, redis):
    _, port, _ = served
    with dial(port) as s:  # byte by byte
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(GOOD)):
            s.sendall(GOOD[i:i + 1])
        s.shutdown(socket.SHUT_WR)  # and a client that says no more
        assert Answer(read_all(s)).status == 200
    # HTTP/1.0, as a proxy speaks it by default
    head = LINE.replace(b"1.1", b"1.0") + HOST + LENGTH + b"\r\n"
    assert Answer(raw(port, head + BODY)).status == 200
    # one that waits to be asked for the body
    with dial(port) as s:
        s.sendall(LINE + HOST + LENGTH + b"Expect: 100-continue\r\n\r\n")
        assert s.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        s.sendall(BODY)
        assert Answer(read_all(s)).status == 200
    assert len(ids(redis)) == 3


def test_garbage_is_answered_at_once(served):
    """Not at the deadline: what is no HTTP is known by its first bytes."""
    _, port, _ = served
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
                 b"\0" * 100, b"\r\n\r\n", b"\n", b"{}\n",
                 b"GET / HTTP/1.1\n\n", b"\xff" * 10):
        begun = time.monotonic()
        with dial(port) as s:
            s.sendall(data)
            assert Answer(read_all(s)).status == 400, data
        assert time.monotonic() - begun < 3


def test_large_bodies_are_refused_before_they_come(world, redis):
    """What the head says is over max_body is not waited for; the client sees
    why although it goes on sending."""
    daemon, port = start(world, redis, http_more='max_body = "2KiB"')
    caller = Caller(port, "aliyun")
    fits = json.dumps([{"biz_id": "b1", "success": True, "x": "a" * 1900}])
    assert len(fits) < 2048
    assert caller.json(fits.encode()).status == 200
    for size in (2049, 3_000_000, 9_999_999):
        head = LINE + HOST + b"Content-Length: %d\r\n\r\n" % size
        got = raw(port, head + b"a" * size)
        assert Answer(got).status == 413, got
        assert "max_body" in Answer(got).problem()["detail"]
    # the limit follows a reload
    daemon.write_conf(daemon.conf.read_text().replace("2KiB", "4KiB"))
    assert daemon.ctl("reload")[0] == 0
    assert caller.json([{"biz_id": "b2", "success": True,
                         "x": "a" * 3000}]).status == 200


def test_an_endless_head_costs_8_kib(served, redis):
    """Fault 50's 1 MB header line, from the other side."""
    daemon, port, caller = served
    before = rss(daemon)
    socks = []
    for _ in range(20):
        s = dial(port)
        try:
            s.sendall(LINE + b"X: " + b"a" * (1 << 20))
        except OSError:
            pass
        socks.append(s)
    assert all(Answer(read_all(s)).status == 431 for s in socks)
    works(caller, redis, "b1")
    assert rss(daemon) - before < 64 << 20
    for s in socks:
        s.close()


def rss(daemon):
    with open(f"/proc/{daemon.pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


def dribble(s, data, stop):
    """One byte now and one with each look, for as long as it is let."""
    for i in range(len(data)):
        if time.monotonic() > stop:
            break
        try:
            s.send(data[i:i + 1])
        except OSError:
            break
        yield


def test_slow_clients_are_cut_and_others_served(served, redis):
    """Fault 60: slow heads, slow bodies, slow readers and silent ones have ten
    seconds in all; a byte now and then buys no more."""
    daemon, port, caller = served
    begun = time.monotonic()
    slow = []
    long = LINE + HOST + b"Content-Length: 900\r\n\r\n"
    for part in (LINE, LINE + HOST, long, b""):
        s = dial(port)
        s.sendall(part)
        slow.append(s)
    feeds = [dribble(s, d * 100, begun + 14) for s, d in zip(
        slow, (b"X: a\r\n", b"X-Y: a\r\n", b"[", b""))]
    ended = {}
    served_n = 0
    while len(ended) < len(slow) and time.monotonic() < begun + 14:
        for f in feeds:
            next(f, None)
        for i, s in enumerate(slow):
            if i not in ended:
                got = peek(s)
                if got is not None:
                    ended[i] = (time.monotonic() - begun, got)
        answer = caller.json([{"biz_id": f"s{served_n}", "success": True}])
        assert answer.status == 200
        served_n += 1
        time.sleep(0.1)  # a dribble has its own pace
    assert len(ended) == len(slow), ended
    for i, (at, got) in ended.items():
        assert 9 < at < 14, (i, at)
        if i < 3:
            assert Answer(got).status == 408, got
    assert served_n > 40
    for s in slow:
        s.close()


def peek(s):
    """What came, once the other side has closed; None before."""
    s.setblocking(False)
    got = b""
    try:
        while True:
            more = s.recv(1 << 16)
            if not more:
                return got
            got += more
    except BlockingIOError:
        s.setblocking(True)
        if got:
            s.settimeout(3)
            return got + read_all(s)
        return None
    except OSError:
        return got


def test_a_thousand_idle_connections_keep_nobody_out(served, redis):
    """Fault 60: from one address, which may have a quarter of the places, and
    from many, which share them all; who has had his second without a request
    makes room for the next."""
    daemon, port, caller = served
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    socks = []
    try:
        for i in range(1000):
            s = socket.socket()
            s.bind((f"127.0.0.{2 + i % 20 if i >= 500 else 1}", 0))
            s.settimeout(10)
            s.connect(("127.0.0.1", port))
            socks.append(s)
        begun = time.monotonic()
        times = []
        while time.monotonic() < begun + 4:
            t = time.monotonic()
            try:
                answer = caller.json([{"biz_id": "b", "success": True}])
            except OSError:
                continue
            if answer.status == 200:
                times.append(time.monotonic() - t)
        assert len(times) > 20, len(times)
        assert sorted(times)[len(times) // 2] < 0.5
        assert daemon.status()["shards"][0]["state"] == "running"
    finally:
        for s in socks:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    works(caller, redis, "last")
    warned = daemon.logged(r"http_(shed|full) ")
    assert len(warned) <= time.monotonic() - begun + 3


@pytest.mark.parametrize("spare", [True, False])
def test_without_descriptors_it_rests_and_comes_back(served, redis, spare):
    """Fault 59: accept() has no descriptor to give, with the one in reserve or
    without it. The listener pauses, the CPU is idle, there is at most one line
    a second, and all is well when there are descriptors again."""
    daemon, port, caller = served
    used = [int(fd) for fd in os.listdir(f"/proc/{daemon.pid}/fd")]
    limit(daemon, max(used) + 1 if spare else 3)
    socks = [dial(port) for _ in range(100)]
    wait_until(lambda: "reason=descriptors" in daemon.text())
    cpu, begun = daemon.cpu_seconds(), time.monotonic()
    lines = len(daemon.text().splitlines())
    while time.monotonic() < begun + 3:
        try:
            socks.append(dial(port, timeout=1))
        except OSError:
            pass
        time.sleep(0.05)  # clients go on coming
    took = time.monotonic() - begun
    assert (daemon.cpu_seconds() - cpu) / took < 0.05
    assert len(daemon.text().splitlines()) - lines <= took + 2
    limit(daemon, 1024)
    wait_until(lambda: try_one(caller), 5)
    for s in socks:
        s.close()
    works(caller, redis, "b2")
    assert daemon.state() == "running"


def test_with_few_descriptors_half_are_left_for_the_work(world, redis):
    """Fault 59: 32 descriptors and 100 clients. The listener takes at most
    half, so that Redis and follow-ups have theirs."""
    world.sink()
    port = free_port()
    daemon = world.daemon(
        redis, start=False, more=callers.conf(world, port),
        endpoints=world.endpoint("crm", world.receiver.url()))
    daemon.cmd = ["prlimit", "--nofile=32:", *daemon.cmd]
    daemon.start()
    caller = Caller(port, "aliyun")
    works(caller, redis, "b1")
    socks = []
    for i in range(100):
        s = socket.socket()
        s.bind((f"127.0.0.{2 + i % 8}", 0))
        s.connect(("127.0.0.1", port))
        socks.append(s)
    wait_until(lambda: daemon.logged("http_(full|shed)"))
    cpu, begun = daemon.cpu_seconds(), time.monotonic()
    Producer(redis).open("C-1")
    # its own work goes on: an event is applied, a follow-up is sent
    wait_until(lambda: world.receiver.requests, 10)
    wait_until(lambda: try_one(caller), 15)
    assert (daemon.cpu_seconds() - cpu) / (time.monotonic() - begun) < 0.05
    assert daemon.state() == "running"
    for s in socks:
        s.close()


def try_one(caller):
    try:
        return caller.json([{"biz_id": "b", "success": True}]).status == 200
    except OSError:
        return False


def limit(daemon, n):
    subprocess.run(["prlimit", "--pid", str(daemon.pid), f"--nofile={n}:"],
                   check=True)


def test_clients_that_go_are_forgotten(served, redis):
    """In every state, and by a reset as well."""
    daemon, port, caller = served
    for data in (b"", LINE, LINE + HOST + LENGTH + b"\r\n" + BODY[:5], GOOD):
        for reset in (False, True):
            for _ in range(20):
                s = dial(port)
                s.sendall(data)
                if reset:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 b"\1\0\0\0\0\0\0\0")
                s.close()
    works(caller, redis, "b2")
    wait_until(lambda: len(ids(redis)) >= 21)


def test_paths_and_methods(served):
    """RFC 7807 for what is refused; nothing tells what else is there."""
    _, port, caller = served
    here = {request(port, p, BODY).status for p in (
        "/v1", "/v1/callback", "/v1/callback/", "/v1/callback/aliyun",
        "/v1/callback/aliyun/", f"/v1/callback/none/{TOKEN}",
        f"/v1/callback/crm/{TOKEN}", f"/v1/callback/aliyun/{TOKEN}x",
        f"/v1/callback/aliyun/{TOKEN}/x", f"/v1/callback//{TOKEN}",
        "/v1/callback/aliyun/" + "x" * 4000)}
    assert here == {404}
    a = request(port, PATH, method="DELETE")
    assert a.status == 405
    assert sorted(a.one("allow").replace(" ", "").split(",")) == [
        "GET", "POST"]
    assert a.problem()["title"] == "Method Not Allowed"
    assert a.one("cache-control") == "no-store"
    # an escape in the path is the character
    escaped = PATH.replace("aliyun", "%61liyun")
    assert request(port, escaped, BODY).status == 200
