"""Listening sockets that systemd hands over, by name, in place of http.listen
and http.view."""

import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

import callers
import pytest
from callers import TOKEN, read_all
from harness import free_port, wait_until

# What systemd does between fork and exec: argv is NAMES FD,FD… COMMAND…
HAND_OVER = """
import os, sys
names, fds = sys.argv[1], [int(f) for f in sys.argv[2].split(",")]
high = [os.dup2(f, 100 + i, inheritable=True) for i, f in enumerate(fds)]
os.closerange(3, 100)
for i, f in enumerate(high):
    os.dup2(f, 3 + i, inheritable=True)
    os.close(f)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))
if names != "-":
    os.environ["LISTEN_FDNAMES"] = names
os.execv(sys.argv[3], sys.argv[3:])
"""


def tcp():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    return s


def unix(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(str(path))
    s.listen()
    return s


def at(s):
    name = s.getsockname()
    return f"unix://{name}" if isinstance(name, str) else f"127.0.0.1:{name[1]}"


def ask(address, path="/nothing", method="GET"):
    """One request to 127.0.0.1:PORT or unix://PATH, and its answer."""
    kind, where = address.split(":", 1)
    with socket.socket(socket.AF_UNIX if kind == "unix" else
                       socket.AF_INET) as s:
        s.settimeout(10)
        s.connect(where[2:] if kind == "unix" else (kind, int(where)))
        s.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return callers.Answer(read_all(s))


def listens(address):
    try:
        return bool(ask(address).status)
    except ConnectionRefusedError:
        return False


def spawn(d, names, sockets):
    """d starts with these; each name for its socket, None: no names at all."""
    fds = [s.fileno() for s in sockets]
    d.cmd = [sys.executable, "-c", HAND_OVER,
             "-" if names is None else ":".join(names),
             ",".join(map(str, fds)), *d.cmd]
    d.kw["pass_fds"] = fds
    return d.start()


@pytest.fixture
def daemon(world, redis):
    world.sink()

    def make(names, sockets, more=""):
        d = world.daemon(redis, start=False, more=more)
        return spawn(d, names, sockets)
    return make


def test_op_sockets_stand_in_place_of_listen_and_view(daemon, world):
    """By their names, in any order, TCP and unix; what conf says is not bound,
    which is said, and no reload moves them."""
    http, view = tcp(), unix(world.dir / "view.sock")
    port = free_port()
    more = f'http {{ listen = "127.0.0.1:{port}" }}'
    d = daemon(["view", "http"], [view, http], more)
    for s in (http, view):
        a = ask(at(s))
        assert a.status == 404 and a.problem()["status"] == 404
    said = d.status()["http"]
    assert said["listen"] == at(http) and said["view"]["listen"] == at(view)
    assert not listens(f"127.0.0.1:{port}")
    assert d.logged(rf"http_stays name=listen .*wanted=127.0.0.1:{port}")

    other = free_port()
    d.write_conf(world.conf(d.world.processes[0], more=f"""
        http {{ listen = "127.0.0.1:{other}"  view = "{at(http)}" }}"""))
    assert d.ctl("reload")[0] == 0
    assert d.logged(rf"http_stays name=listen .*wanted=127.0.0.1:{other}")
    assert d.logged(r"http_stays name=view address=unix://")
    assert not listens(f"127.0.0.1:{other}")
    d.write_conf(world.conf(d.world.processes[0]))
    assert d.ctl("reload")[0] == 0  # without a section `http`, too
    assert ask(at(http)).status == ask(at(view)).status == 404

    # They are the manager's: one that comes while we are away is served.
    late = socket.create_connection(http.getsockname())
    assert d.stop() == 0
    with late:
        late.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        d.kw["pass_fds"] = [view.fileno(), http.fileno()]
        waits = socket.create_connection(http.getsockname())
        d.start()
    with waits:
        waits.settimeout(10)
        waits.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        assert callers.Answer(read_all(waits)).status == 404
    assert Path(view.getsockname()).exists()  # not ours to remove


@pytest.mark.parametrize("names", [None, ["amendsd.socket"], ["http"]])
def test_op_a_single_socket_is_http(daemon, names):
    """Without a FileDescriptorName systemd says the unit's name."""
    s = tcp()
    d = daemon(names, [s])
    assert ask(at(s)).status == 404
    assert d.status()["http"]["listen"] == at(s)
    assert "view" not in d.status()["http"]
    assert f"address={at(s)} by=systemd" in d.text()


def test_op_what_nobody_asked_for_is_closed_and_said(daemon, world):
    """Another name, a name twice, no stream, not listening."""
    good, twice, other = tcp(), tcp(), tcp()
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    d = daemon(["http", "http", "admin", "view"],
               [good, twice, other, datagram])
    assert len(d.logged("socket_unused")) == 3
    assert d.logged("socket_unused fd=4 name=http reason=.*one of that name")
    assert d.logged("socket_unused fd=5 name=admin reason=.*neither http")
    assert d.logged("socket_unused fd=6 name=view reason=.*no listening")
    assert ask(at(good)).status == 404
    held = [os.readlink(f"/proc/{d.pid}/fd/{f}")
            for f in os.listdir(f"/proc/{d.pid}/fd")]
    inode = [f"socket:[{os.fstat(s.fileno()).st_ino}]"
             for s in (good, twice, other, datagram)]
    assert [i in held for i in inode] == [True, False, False, False]


def test_op_children_inherit_no_socket(world):
    """The embedded Redis has neither the descriptors nor the variables."""
    world.sink()
    s = tcp()
    d = world.daemon(world.dir / "unused", start=False)
    d.cmd += ["--embedded", str(world.dir / "own")]
    spawn(d, ["http"], [s])
    assert ask(at(s)).status == 404
    child, = Path(f"/proc/{d.pid}/task/{d.pid}/children").read_text().split()
    env = Path(f"/proc/{child}/environ").read_bytes()
    assert b"PATH=" in env and b"LISTEN_" not in env
    inode = f"socket:[{os.fstat(s.fileno()).st_ino}]"
    for pid, has in ((d.pid, True), (child, False)):
        fds = f"/proc/{pid}/fd"
        assert has == (inode in [os.readlink(f"{fds}/{f}")
                                 for f in os.listdir(fds)]), pid


def test_op_who_comes_by_a_unix_socket_is_local(world, redis):
    """callback_net has addresses; the peers of a unix socket are this
    machine's, and more than an address's share of them is let in."""
    world.sink()
    s = unix(world.dir / "http.sock")
    nets = {"near": "127.0.0.0/8", "far": "10.0.0.0/8"}
    d = world.daemon(redis, start=False, more=callers.conf(
        world, free_port(), gateways=(), http_more="connections = 16",
        more="".join(callers.endpoint(world, name, "aliyun",
                                      f'callback_net = {{"{net}"}}')
                     for name, net in nets.items())))
    spawn(d, ["http"], [s])
    assert ask(at(s), f"/v1/callback/near/{TOKEN}").status == 200
    assert ask(at(s), f"/v1/callback/far/{TOKEN}").status == 403
    idle = [socket.socket(socket.AF_UNIX) for _ in range(12)]
    for c in idle:
        c.connect(s.getsockname())
    wait_until(lambda: d.status()["http"]["connections"] >= 12)
    assert ask(at(s)).status == 404
    assert d.status()["http"]["shed"] == 0
    for c in idle:
        c.close()


def test_op_systemd_socket_activate_starts_us(world, redis):
    """systemd's own tool: the first request starts the daemon and is the first
    that it answers."""
    program = shutil.which("systemd-socket-activate")
    assert program, "systemd-socket-activate is missing: make deps"
    world.sink()
    path = world.dir / "activate.sock"
    d = world.daemon(redis, start=False)
    d.cmd = [program, "--listen", str(path), "--fdname=http", *d.cmd]
    d.spawn()
    wait_until(path.exists)
    assert "ready" not in d.text()
    assert ask(f"unix://{path}").status == 404
    d.wait_running()
    assert d.status()["http"]["listen"] == f"unix://{path}"


def test_op_the_status_socket_lies_in_the_runtime_folder(world, redis):
    """So that several instances have one each; status.socket still wins."""
    world.sink()
    run = world.dir / "run"
    run.mkdir()
    d = world.daemon(redis, start=False, env={
        "RUNTIME_DIRECTORY": f"{run}:/nowhere"})
    text = d.conf.read_text()
    line = f'socket = "{d.socket}"'
    assert line in text
    d.write_conf(text.replace(line, ""))
    d.socket = run / "status.sock"
    d.start()
    assert d.status()["instance"] == "t1"
    assert d.stop() == 0 and not d.socket.exists()
    d.write_conf(text)
    d.socket = world.dir / "t1" / "ctl"
    d.start()
    assert d.ctl("reload")[0] == 0
    d.signal(signal.SIGHUP)
    assert json.loads(d.ctl("status", "--json")[1].splitlines()[0])
