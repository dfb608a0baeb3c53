"""A receiver that misbehaves on demand, inside the test's own process.

Every request is kept, byte for byte, with its time. What is answered is one
function of the request, so a test says in one line how its receiver fails.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import struct
import threading
import time

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


def answer(status, *headers, body=b""):
    """Bytes of an answer."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Request:
    def __init__(self, head, body, n):
        self.at = time.time()
        self.n = n  # 0: the first request of this sink
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.headers = {}
        for h in lines[1:]:
            name, _, value = h.partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = body
        self.id = self.headers.get("webhook-id")

    @property
    def json(self):
        return json.loads(self.body)

    def verified(self, secret):
        """Standard Webhooks 1.0.0, written from its text."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = (f"{self.id}.{self.headers['webhook-timestamp']}."
                  .encode() + self.body)
        want = base64.b64encode(
            hmac.new(key, signed, hashlib.sha256).digest()).decode()
        age = abs(time.time() - int(self.headers["webhook-timestamp"]))
        return age < 300 and any(
            hmac.compare_digest(f"v1,{want}", s)
            for s in self.headers["webhook-signature"].split())


class Sink:
    """`respond(request)` gives bytes to send, or a function of the connection
    that does something else with it (and may end it)."""

    def __init__(self, respond=lambda r: OK, tls=None):
        self.respond = respond
        self.requests = []
        self.refuse_reading = False
        self.stopping = False
        self.server = socket.create_server(("127.0.0.1", 0))
        if tls is not None:  # an ssl.SSLContext
            self.server = tls.wrap_socket(self.server, server_side=True)
        self.port = self.server.getsockname()[1]
        self.connections = set()
        self.lock = threading.Lock()
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.port}{path}"

    def stop(self):
        """Each thread closes what is its own: a number that was closed under it
        may be the next sink's already when it comes to use it."""
        self.stopping = True
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)  # accept() wakes
        self.acceptor.join(2)
        self.server.close()
        for c in list(self.connections):
            with contextlib.suppress(OSError):
                c.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while not self.stopping:
            try:
                c, _ = self.server.accept()
            except OSError:
                return
            self.connections.add(c)
            threading.Thread(target=self._serve, args=(c,),
                             daemon=True).start()

    def _serve(self, c):
        try:
            if self.refuse_reading:
                while not self.stopping:
                    time.sleep(0.05)  # accepts, never reads
            data = b""
            while True:
                while b"\r\n\r\n" not in data:
                    more = c.recv(1 << 16)
                    if not more:
                        return
                    data += more
                head, data = data.split(b"\r\n\r\n", 1)
                length = 0
                for h in head.lower().split(b"\r\n"):
                    if h.startswith(b"content-length:"):
                        length = int(h.split(b":")[1])
                while len(data) < length:
                    more = c.recv(1 << 16)
                    if not more:
                        return
                    data += more
                body, data = data[:length], data[length:]
                with self.lock:
                    r = Request(head, body, len(self.requests))
                    self.requests.append(r)
                act = self.respond(r)
                if callable(act):
                    act(self, c)
                    return
                c.sendall(act)
        except OSError:
            pass
        finally:
            self.connections.discard(c)
            c.close()

    def of(self, complaint):
        """What came about one complaint; digests speak of several."""
        return [r for r in list(self.requests)
                if r.json["data"].get("complaint", {}).get("id") == complaint]

    def ids(self):
        return [r.id for r in list(self.requests)]


# ---- ways to misbehave, for `respond` ----

def reset(sink, c):
    """RST instead of an answer."""
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()


def silence(sink, c):
    """Never answers, keeps the connection."""
    while not sink.stopping:
        time.sleep(0.05)  # nothing to wait for: this is the fault


def drip(sink, c):
    """One byte a second, for ever."""
    c.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while not sink.stopping:
        c.sendall(b"x")
        time.sleep(1)  # the fault itself


def truncated(sink, c):
    """A good status, then an end in the middle of the body."""
    c.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")


def only_continue(sink, c):
    c.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    silence(sink, c)


def endless(sink, c):
    c.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while not sink.stopping:
        c.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
