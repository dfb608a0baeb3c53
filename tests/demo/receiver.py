"""The receiver of the demo: what yours has to do, and not much more.

It checks the signature of every request (Standard Webhooks 1.0.0), drops
repeats by `webhook-id`, and can be told to be out of order. By itself it prints
what arrives:

    python3 receiver.py SECRET-FILE [PORT]
"""

import base64
import hashlib
import hmac
import http.server
import json
import sys
import threading
import time


def verify(secret, headers, body, tolerance=300):
    """True when body was signed with secret not longer than tolerance ago."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    stamp = headers["webhook-timestamp"]
    signed = f"{headers['webhook-id']}.{stamp}.".encode() + body
    mac = hmac.new(key, signed, hashlib.sha256).digest()
    want = "v1," + base64.b64encode(mac).decode()
    return abs(time.time() - int(stamp)) <= tolerance and any(
        hmac.compare_digest(want, s)
        for s in headers["webhook-signature"].split())


class Receiver:
    def __init__(self, secret, port=0, on_followup=None):
        self.secret = secret
        self.on_followup = on_followup
        self.out_of_order = set()  # paths that answer 500
        self.lock = threading.Lock()
        self.seen = set()
        self.arrived = []  # (time, verified, endpoint, follow-up)
        self.refused = self.repeats = self.forged = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = outer.take(self.path, self.headers, body)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a sender that goes away in the middle is no news

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def take(self, path, headers, body):
        if not verify(self.secret, headers, body):
            self.forged += 1
            return 401
        with self.lock:
            if path in self.out_of_order:
                self.refused += 1
                return 500
            if headers["webhook-id"] in self.seen:
                self.repeats += 1
                return 200
            self.seen.add(headers["webhook-id"])
            followup = json.loads(body)
            self.arrived.append((time.time(), path[1:], followup))
        if self.on_followup:
            self.on_followup(followup)
        return 200

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def show(followup):
    print(json.dumps(followup, ensure_ascii=False, indent=1), flush=True)


def main(secret_file, port="0"):
    with open(secret_file) as f:
        receiver = Receiver(f.read().strip(), int(port), show)
    print(f"listening on 127.0.0.1:{receiver.port}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        receiver.stop()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: receiver.py SECRET-FILE [PORT]")
    main(*sys.argv[1:])
