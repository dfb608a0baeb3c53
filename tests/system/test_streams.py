"""Streams of the dashboard on the wire: places of their own, readers who stand
still, and the daemon's end with all of them open."""

import socket
import time

import callers
import pytest
from callers import Answer, Caller, read_all, request
from harness import wait_until

LIVE = b"GET /live HTTP/1.1\r\nHost: a\r\n\r\n"


def reader(port, small=False):
    """A client whose stream has begun: (socket, what it heard first)."""
    s = socket.socket()
    if small:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(15)
    s.connect(("127.0.0.1", port))
    s.sendall(LIVE)
    got = b""
    while not small and b"\n\n" not in got.partition(b"\r\n\r\n")[2]:
        more = s.recv(1 << 16)
        assert more, got
        got += more
    return s, got


@pytest.fixture
def served(world, redis):
    daemon, port = callers.start(world, redis,
                                 http_more="connections = 16")
    daemon.wait_running()
    return daemon, port


def streams(daemon):
    return daemon.status()["http"]["streams"]


def test_readers_have_places_of_their_own(served):
    """32 readers and one more; callbacks have their sixteen all the same."""
    daemon, port = served
    readers = [reader(port) for _ in range(32)]
    for _, got in readers:
        assert b"text/event-stream" in got and b"\ndata: " in got
        assert b"Content-Length" not in got
    assert streams(daemon) == 32
    assert daemon.status()["http"]["connections"] == 0
    more = request(port, "/live", method="GET")
    assert more.status == 503 and more.one("retry-after") == "5"
    head = request(port, "/live", method="HEAD")
    assert head.status in (200, 503) and head.body == b""
    caller = Caller(port, "aliyun")
    assert caller.json([{"biz_id": "b", "success": True}]).status == 200
    # who goes makes room
    readers.pop()[0].close()
    wait_until(lambda: streams(daemon) == 31)
    readers.append(reader(port))
    for s, _ in readers:
        s.close()
    wait_until(lambda: streams(daemon) == 0)


def test_the_daemon_ends_with_readers_open(served):
    """Whoever reads sees the end; one who reads nothing holds nobody up."""
    daemon, port = served
    readers = [reader(port)[0] for _ in range(5)]
    stuck = reader(port, small=True)[0]
    wait_until(lambda: streams(daemon) == 6)
    begun = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begun < 5
    for s in readers:
        read_all(s)
        s.close()
    stuck.close()


def test_half_open_readers_and_those_who_talk_are_let_go(served):
    daemon, port = served
    half, talks, reset = (reader(port)[0] for _ in range(3))
    half.shutdown(socket.SHUT_WR)
    reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     b"\1\0\0\0\0\0\0\0")
    reset.close()
    wait_until(lambda: streams(daemon) == 1)
    try:
        for _ in range(200):  # more than anybody has to say
            talks.sendall(b"x" * 65536)
    except OSError:
        pass
    wait_until(lambda: streams(daemon) == 0)
    half.close()
    talks.close()
    answer = Answer(callers.raw(
        port, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"))
    assert answer.status == 200
