"""What receivers, the ways to them and their names do wrong: lines 49 to 54 of
the catalogue of faults, each with a real socket on the other side."""

import gzip
import re
import shutil
import socket
import ssl
import subprocess
import threading

import pytest
from harness import free_port, wait_until
from mailserver import certificate
from netns import A, NameServer, Network
from sink import OK, Sink, answer, silence
from test_delivery import ASK, FAST, delivered


def letters(d, n=1, timeout=30):
    return wait_until(
        lambda: len(d.rows("dead list")) >= n and d.rows("dead list"), timeout)


# ---- 49: half-open ----

def test_a_connection_whose_end_is_never_told(world, redis, producer):
    """Fault 49: a kept connection whose other side is gone without a word: the
    request on it is not lost and not taken for delivered."""
    gone = threading.Event()

    def once_then_deaf(sink, c):
        c.sendall(OK)
        gone.wait(20)  # the path is cut: nothing is read, no FIN comes
    first = []

    def respond(r):
        first.append(r)
        return once_then_deaf if len(first) == 1 else OK
    sink = world.sink(respond)
    d = world.daemon(redis, loop=ASK, endpoint_more='timeout = "1s"  '
                     'inflight = 1  retry = {"0s", "1s", "1s", "1s"}')
    producer.open("C-1")
    wait_until(lambda: sink.of("C-1"))
    producer.open("C-2")
    wait_until(lambda: sink.of("C-2"), 20)
    gone.set()
    assert len(set(r.id for r in sink.of("C-2"))) == 1
    assert len(sink.of("C-1")) == 1
    wait_until(lambda: delivered(redis, "C-1") and delivered(redis, "C-2"))


# ---- 50: bodies and headers without end ----

def test_a_bomb_of_zeroes_is_not_unpacked(world, redis, producer):
    """Fault 50: no compression is asked for, and what comes packed stays so."""
    bomb = gzip.compress(bytes(64 << 20))
    sink = world.sink(lambda r: answer(
        200, "content-encoding: gzip", "content-type: text/plain", body=bomb))
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST)
    before = rss(d)
    producer.open("C-1")
    wait_until(lambda: delivered(redis, "C-1"))
    assert "accept-encoding" not in sink.requests[0].headers
    assert rss(d) - before < 16 << 20


@pytest.mark.parametrize("head", ["one line", "many lines"])
def test_headers_without_end(world, redis, producer, head):
    """Fault 50: a header of 1 MB, ten thousand headers: not read, not
    believed, memory flat."""
    lines = [f"x-fill: {'y' * (1 << 20)}"] if head == "one line" else \
        [f"x-fill-{i}: y" for i in range(10000)]
    sink = world.sink(lambda r: answer(200, *lines))
    d = world.daemon(
        redis, loop=ASK, endpoint_more='timeout = "2s"  retry = {"0s", "1s"}')
    before = rss(d)
    producer.open("C-1")
    letter, = letters(d)
    assert letter["error"] == "headers_too_large"
    assert len(sink.requests) == 2
    assert rss(d) - before < 16 << 20


def rss(d):
    with open(f"/proc/{d.pid}/statm") as f:
        return int(f.read().split()[1]) * 4096


# ---- 51: TLS ----

def tls_server(world, folder, *args):
    """`openssl s_server` with that certificate; its port."""
    port = free_port()
    p = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-key",
         folder / "key.pem", "-cert", folder / "cert.pem", "-www", "-quiet",
         *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    world.closers.append(lambda: (p.kill(), p.wait()))

    def listens():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    wait_until(listens, what="openssl s_server listens")
    return port


def expired(folder):
    """A certificate of the year before."""
    subprocess.run(["openssl", "req", "-newkey", "rsa:2048", "-nodes",
                    "-keyout", folder / "key.pem", "-out", folder / "req.pem",
                    "-subj", "/CN=localhost"], check=True,
                   capture_output=True)
    (folder / "index").write_text("")
    (folder / "serial").write_text("01\n")
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndir={folder}\ndatabase={folder}/index\n"
        f"new_certs_dir={folder}\nserial={folder}/serial\n"
        "default_md=sha256\npolicy=p\nx509_extensions=x\n[p]\n"
        "commonName=supplied\n[x]\nsubjectAltName=DNS:localhost\n"
        "basicConstraints=CA:TRUE\n")
    subprocess.run(
        ["openssl", "ca", "-batch", "-config", folder / "ca.cnf", "-selfsign",
         "-keyfile", folder / "key.pem", "-in", folder / "req.pem", "-out",
         folder / "cert.pem", "-startdate", "20200101000000Z", "-enddate",
         "20210101000000Z", "-notext"], check=True, capture_output=True)
    return folder / "cert.pem"


CASES = {
    "expired": (expired, [], "localhost", True),
    "self-signed": (certificate, [], "localhost", False),
    "wrong name": (certificate, [], "127.0.0.1", True),
    "TLS 1.0": (certificate, ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
                "localhost", True),
    "another name by SNI": (certificate, ["-servername", "other.example",
                                          "-servername_fatal"], "localhost",
                            True),
}


@pytest.mark.parametrize("case", list(CASES))
def test_tls_that_is_not_to_be_trusted(world, redis, producer, case):
    """Fault 51: never sent, and the reason says why."""
    make, args, host, trusted = CASES[case]
    cert = make(world.dir)
    if "-servername" in args:
        args = [*args, "-cert2", world.dir / "cert.pem", "-key2",
                world.dir / "key.pem"]
    port = tls_server(world, world.dir, *args)
    more = 'timeout = "2s"  retry = {"0s", "1s"}'
    if trusted:
        more += f'  ca_file = "{cert}"'
    d = world.daemon(redis, loop=ASK, endpoints=world.endpoint(
        "crm", f"https://{host}:{port}/hook", more))
    producer.open("C-1")
    letter, = letters(d)
    assert letter["error"] == "tls"
    line = re.search(r"followup_dead.*", d.text()).group()
    assert "detail=" in line


def test_tls_by_which_the_same_message_arrives(world, redis, producer):
    """Fault 51, the other way round: the same set-up with nothing wrong."""
    cert = certificate(world.dir)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, world.dir / "key.pem")
    sink = Sink(tls=context)
    world.closers.append(sink.stop)
    world.daemon(redis, loop=ASK, endpoints=world.endpoint(
        "crm", f"https://localhost:{sink.port}/hook",
        f'timeout = "2s"  ca_file = "{cert}"'))
    producer.open("C-1")
    wait_until(lambda: sink.of("C-1"))


def test_a_handshake_that_stalls(world, redis, producer):
    """Fault 51: the time to connect is the limit of it."""
    server = socket.create_server(("127.0.0.1", 0))
    world.closers.append(server.close)
    d = world.daemon(redis, loop=ASK, endpoints=world.endpoint(
        "crm", f"https://localhost:{server.getsockname()[1]}/",
        'timeout = "3s"  connect_timeout = "1s"  retry = {"0s", "1s"}'))
    producer.open("C-1")
    letter, = letters(d)
    assert letter["error"] == "tls_timeout"


# ---- 52: redirects ----

METADATA = "http://169.254.169.254/latest/meta-data/"


@pytest.mark.parametrize("status, to", [
    (301, METADATA), (302, METADATA), (303, METADATA), (307, METADATA),
    (308, METADATA), (302, "http://localhost:{port}/"),
    (302, "file:///etc/passwd"), (302, "//other.example/"),
    (302, "gopher://127.0.0.1:{port}/")])
def test_a_redirect_leads_nowhere(world, redis, producer, to, status):
    """Fault 52: 3xx is a failure, and nobody is called on its account."""
    other = Sink()
    world.closers.append(other.stop)
    target = to.format(port=other.port)
    sink = world.sink(lambda r: answer(status, f"location: {target}"))
    d = world.daemon(
        redis, loop=ASK, endpoint_more='timeout = "2s"  retry = {"0s", "1s"}')
    producer.open("C-1")
    letter, = letters(d)
    assert letter["error"] == "redirect"
    assert len(sink.requests) == 2
    assert other.requests == []
    assert target in d.text()


# ---- 53: names ----

needs_network = pytest.mark.skipif(
    shutil.which("nsenter") is None, reason="no namespaces on this system")


class Names:
    def __init__(self, world, names):
        self.net = Network(world.dir)
        world.closers.append(self.net.stop)
        self.server = NameServer(self.net, names)
        world.closers.append(self.server.stop)
        self.sink = self.net.enter(Sink)
        world.closers.append(self.sink.stop)

    def daemon(self, world, redis, host, more=""):
        conf = world.endpoint(
            "crm", f"http://{host}:{self.sink.port}/hook",
            f'timeout = "2s"  retry = {{"0s", "1s", "1s"}}  {more}')
        if "allow_net" in more:
            conf = conf.replace('allow_net = {"127.0.0.0/8"}', "")
        d = world.daemon(redis, loop=ASK, endpoints=conf, start=False)
        d.cmd = self.net.command(d.cmd)
        return d.start()


def on(*addresses, ttl=0):
    return lambda n, kind: (addresses, ttl)


@needs_network
@pytest.mark.parametrize("name, said, why", [
    ("private", on("10.0.0.1"), "private"),
    ("metadata", on("169.254.169.254"), "link-local"),
    ("mapped", on("::ffff:127.0.0.1"), "loopback"),
    ("ula", on("fd00::1"), "private"),
    ("nat64", on("64:ff9b::7f00:1"), "loopback"),
])
def test_a_name_that_leads_inside_is_refused(
        world, redis, producer, name, said, why):
    """Fault 53: judged on the address, whatever the name is; IPv6 too."""
    names = Names(world, {f"{name}.test": said})
    d = names.daemon(world, redis, f"{name}.test", 'allow_net = {"192.0.2.0/24"}')
    producer.open("C-1")
    letter, = letters(d)
    assert letter["error"] == "refused_address"
    assert why in d.text()
    assert names.sink.requests == []


@needs_network
def test_a_name_that_changes_its_mind(world, redis, producer):
    """Fault 53: rebinding: first an address that is allowed and takes no
    connection, then loopback: each answer is judged."""
    def turn(n, kind):
        if kind != A:
            return [], 0
        return (["192.0.2.7"] if n == 0 else ["127.0.0.1"]), 0
    names = Names(world, {"turn.test": turn})
    d = names.daemon(world, redis, "turn.test", 'allow_net = {"192.0.2.0/24"}')
    producer.open("C-1")
    letter, = letters(d)
    assert letter["error"] == "refused_address"
    assert len([q for q in names.server.asked if q == ("turn.test", A)]) >= 2
    assert names.sink.requests == []


@needs_network
@pytest.mark.parametrize("name, said, error", [
    ("nowhere.test", None, "dns"),
    ("mute.test", lambda n, kind: None, "dns_timeout"),
])
def test_a_name_without_an_answer_is_tried_again(
        world, redis, producer, name, said, error):
    """Fault 53, outpost#314: no such name, no answer: tried by the list."""
    names = Names(world, {name: said} if said else {})
    d = names.daemon(world, redis, name, 'connect_timeout = "1s"')
    producer.open("C-1")
    letter, = letters(d)
    assert letter["error"] == error
    assert letter["attempts"] == 3


@needs_network
def test_a_slow_name_with_many_addresses_arrives(world, redis, producer):
    """Fault 53: the addresses are tried until one takes the connection."""
    names = Names(world, {"two.test": on("127.0.0.2", "127.0.0.1", ttl=1)})
    names.daemon(world, redis, "two.test")
    producer.open("C-1")
    wait_until(lambda: names.sink.of("C-1"), 20)


@needs_network
@pytest.mark.parametrize("host", [
    "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]",
    "[::1]", "0", "localhost"])
def test_a_number_in_disguise_is_the_number(world, redis, producer, host):
    """Fault 53: whatever way an address is written, it is the same."""
    names = Names(world, {})
    d = names.daemon(world, redis, host, 'allow_net = {"192.0.2.0/24"}')
    producer.open("C-1")
    letter, = letters(d)
    assert letter["error"] in ("refused_address", "dns")
    assert names.sink.requests == []


# ---- 54: proxies of the environment ----

def test_a_proxy_of_the_environment_is_not_asked(world, redis, producer):
    """Fault 54: it would see every body, and the address judged were its."""
    proxy = Sink()
    world.closers.append(proxy.stop)
    url = f"http://127.0.0.1:{proxy.port}"
    sink = world.sink()
    world.daemon(redis, loop=ASK, env={
        "http_proxy": url, "HTTP_PROXY": url, "https_proxy": url,
        "ALL_PROXY": url, "all_proxy": url})
    producer.open("C-1")
    wait_until(lambda: sink.of("C-1"))
    assert proxy.requests == []


# ---- 47: stalls are counted as what they are ----

def test_a_silent_receiver_is_possibly_a_duplicate(world, redis, producer):
    """FU4, fault 47: nobody knows whether it arrived: the attempt says so, and
    the next one has the same id."""
    calls = []

    def respond(r):
        calls.append(r)
        return silence if len(calls) == 1 else OK
    sink = world.sink(respond)
    d = world.daemon(
        redis, loop=ASK, endpoint_more='timeout = "1s"  retry = {"0s", "2s"}')
    producer.open("C-1")
    row = wait_until(lambda: [
        r for r in d.rows("followups") if r["attempts"] == 1
        and r["log"] and r["log"][0]["result"] == "uncertain"])[0]
    assert row["log"][0]["error"] == "timeout"
    wait_until(lambda: len(sink.of("C-1")) == 2)
    assert len({r.id for r in sink.of("C-1")}) == 1
