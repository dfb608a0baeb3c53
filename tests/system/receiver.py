#!/usr/bin/python3
"""A receiver of follow-ups: a real HTTP server that keeps and checks them.

    receiver.py [--port 0] [--record FILE] [--secret FILE ...]
                [--status 503] [--retry-after 2] [--location URL]
                [--fail-first N] [--delay S] [--hang] [--cut]

Prints "port N" first. Each request becomes one line of JSON in the record,
written before the answer: n, at (seconds), method, path, headers, body,
body_base64, id, verified, answer. The signature is checked after the text of
Standard Webhooks 1.0.0, with any of the secrets, and never with our own code.

What it answers can be switched while it runs: POST /control with any of

    {"status": 503, "retry_after": 2, "location": "…", "fail_first": 3,
     "delay": 0.5, "hang": true, "cut": true}

gives back what is in force; GET /control does so without a change.
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import sys
import threading
import time
from pathlib import Path

TOLERANCE = 300
BEHAVIOUR = {
    "status": 200,        # of every answer, or of the first fail_first ones
    "retry_after": None,  # text or number of that header
    "location": None,
    "fail_first": None,   # then 200
    "delay": 0,           # seconds before the answer
    "hang": False,        # no answer at all
    "cut": False,         # the connection ends inside the body
}


def verify(secrets, headers, body, now=None):
    """True when one of the secrets signed body not longer than five minutes
    ago."""
    now = time.time() if now is None else now
    msg_id = headers.get("webhook-id")
    stamp = headers.get("webhook-timestamp")
    given = headers.get("webhook-signature", "").split()
    if not msg_id or not stamp or not stamp.isdecimal():
        return False
    if abs(now - int(stamp)) > TOLERANCE:
        return False
    signed = f"{msg_id}.{stamp}.".encode() + body
    good = False
    for secret in secrets:
        key = base64.b64decode(secret.strip().removeprefix("whsec_"))
        mac = hmac.new(key, signed, hashlib.sha256).digest()
        want = "v1," + base64.b64encode(mac).decode()
        good |= any(hmac.compare_digest(want, g) for g in given)
    return good


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120

    def log_message(self, *args):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def answer(self, status, body=b"", cut=False, **headers):
        self.send_response(status)
        self.send_header("content-length", str(len(body) + (9 if cut else 0)))
        for name, value in headers.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)
        if cut:
            self.close_connection = True

    def do_GET(self):
        if self.path != "/control":
            self.answer(404)
            return
        self.answer(200, json.dumps(self.server.receiver.state()).encode(),
                    content_type="application/json")

    def do_POST(self):
        receiver = self.server.receiver
        body = self.body()
        if self.path == "/control":
            try:
                receiver.behave(**json.loads(body))
            except (TypeError, ValueError) as e:
                self.answer(400, f"{e}\n".encode())
                return
            self.do_GET()
            return
        how = receiver.take(self, body)
        if how["delay"]:
            receiver.stopping.wait(how["delay"])
        if how["hang"]:
            receiver.stopping.wait()
            self.close_connection = True
            return
        self.answer(how["status"], b"ok\n", how["cut"],
                    retry_after=how["retry_after"], location=how["location"])


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass  # a sender that hangs up is no news


class Receiver:
    """`requests` holds what came, in order, as in the record."""

    def __init__(self, secrets=(), record=None, port=0, **behaviour):
        self.secrets = list(secrets)
        self.requests = []
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.how = dict(BEHAVIOUR)
        self.failed = 0
        self.behave(**behaviour)
        self.record = open(record, "a", encoding="utf-8") if record else None
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.receiver = self
        self.port = self.server.server_address[1]
        self.thread = None

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.port}{path}"

    def behave(self, **behaviour):
        unknown = set(behaviour) - set(BEHAVIOUR)
        if unknown:
            raise ValueError(f"no such behaviour: {', '.join(sorted(unknown))};"
                             f" one of {', '.join(BEHAVIOUR)}")
        with self.lock:
            self.how.update(behaviour)
            if "fail_first" in behaviour:
                self.failed = 0

    def state(self):
        with self.lock:
            return {**self.how, "requests": len(self.requests)}

    def take(self, handler, body):
        """Keep one request, and say how it is to be answered."""
        headers = {k.lower(): v for k, v in handler.headers.items()}
        with self.lock:
            how = dict(self.how)
            if how["fail_first"] is not None:
                if self.failed < how["fail_first"]:
                    self.failed += 1
                    if how["status"] == 200:
                        how["status"] = 500
                else:
                    how.update(BEHAVIOUR)
            line = {
                "n": len(self.requests),
                "at": time.time(),
                "method": handler.command,
                "path": handler.path,
                "headers": headers,
                "body": body.decode("utf-8", "replace"),
                "body_base64": base64.b64encode(body).decode(),
                "id": headers.get("webhook-id"),
                "verified": verify(self.secrets, headers, body),
                "answer": None if how["hang"] else how["status"],
            }
            self.requests.append(line)
            if self.record:
                self.record.write(json.dumps(line, ensure_ascii=False) + "\n")
                self.record.flush()
        return how

    def start(self):
        self.thread = threading.Thread(
            target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return self

    def stop(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        if self.record:
            self.record.close()


def main():
    p = argparse.ArgumentParser(description="receive, check and keep webhooks")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--record", help="file for one line of JSON a request")
    p.add_argument("--secret", action="append", default=[],
                   help="file with a whsec_ secret; may be repeated")
    p.add_argument("--status", type=int)
    p.add_argument("--retry-after")
    p.add_argument("--location")
    p.add_argument("--fail-first", type=int, metavar="N")
    p.add_argument("--delay", type=float, metavar="S")
    p.add_argument("--hang", action="store_true", default=None)
    p.add_argument("--cut", action="store_true", default=None)
    a = p.parse_args()
    behaviour = {k: v for k in BEHAVIOUR
                 if (v := getattr(a, k)) is not None}
    receiver = Receiver([Path(s).read_text() for s in a.secret], a.record,
                        a.port, **behaviour)
    print(f"port {receiver.port}", flush=True)
    try:
        receiver.server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    sys.exit(main())
