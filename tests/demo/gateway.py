"""The SMS gateway of the demo, with the phones behind it.

It takes texts as conf/providers/generic-json.conf says them, answers with an
id, and tells by `callback` what became of each and what was written back. A
number in `unknown` does not exist. By itself it prints what arrives, and every
text is delivered:

    python3 gateway.py TOKEN-FILE [PORT]
"""

import hmac
import http.client
import http.server
import itertools
import json
import sys
import threading
import time
from urllib.parse import urlsplit

# GSM 03.38: what fits seven bits, and what takes two places of them
GSM = set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
          "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
TWICE = set("\f^{}\\[~]|€")


def segments(text):
    """How many messages a network makes of it, and bills. (Nearly: no escape
    is ever parted from its letter, which can cost one place more.)"""
    if set(text) <= GSM | TWICE:
        n, alone, each = len(text) + sum(c in TWICE for c in text), 160, 153
    else:
        n, alone, each = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if n <= alone else -(-n // each)


class Gateway:
    def __init__(self, token, port=0, unknown=(), on_text=None):
        self.token, self.unknown, self.on_text = token, unknown, on_text
        self.lock = threading.Lock()
        self.texts = []  # (time, "to", "from" or "fail", phone, text)
        self.segments = self.replies = self.receipts = self.refused = 0
        self.known = {}  # reference: the id that it got
        self.calls = []  # (due, address, what), in no order
        self.ids = itertools.count(1)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status, answer = outer.take(self.headers, body)
                answer = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

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

    def take(self, headers, body):
        """One text of the sender's: the status and the body of our answer."""
        if not hmac.compare_digest(headers["authorization"] or "",
                                   f"Bearer {self.token}"):
            self.refused += 1
            return 401, {"error": "who is that?"}
        sms = json.loads(body)
        now = time.time()
        with self.lock:
            mine = self.known.get(sms["reference"])
            if mine:
                return 202, {"id": mine}
            mine = self.known[sms["reference"]] = f"m-{next(self.ids)}"
            self.texts.append((now, "to", sms["to"], sms["text"]))
            self.segments += segments(sms["text"])
            gone = sms["to"] in self.unknown
            if sms["callback"]:
                self.calls.append((now + 1, sms["callback"], {
                    "id": mine, "reference": sms["reference"],
                    "status": "failed" if gone else "delivered",
                    **({"error": "unknown-number"} if gone else {}),
                    "to": sms["to"]}))
        if self.on_text and not gone:
            self.on_text(sms)
        return 202, {"id": mine}

    def reply(self, sms, text, after):
        """Its recipient writes back, so many seconds from now. That comes to
        the address without what names one text."""
        address = sms["callback"].partition("?")[0]
        with self.lock:
            self.calls.append((time.time() + after, address, {
                "id": f"r-{next(self.ids)}", "from": sms["to"],
                "text": text}))

    def tick(self):
        """Calls back whatever is due; what is not taken is told again."""
        now = time.time()
        with self.lock:
            due = sorted((c for c in self.calls if c[0] <= now),
                         key=lambda c: c[0])
            self.calls = [c for c in self.calls if c[0] > now]
        for call in due:
            _, address, what = call
            if not self.post(address, what):
                with self.lock:
                    self.calls.append((now + 1, address, what))
            elif "text" in what:
                self.replies += 1
                self.texts.append((now, "from", what["from"], what["text"]))
            else:
                self.receipts += 1
                if what["status"] == "failed":
                    self.texts.append((now, "fail", what["to"],
                                       "there is no such number"))

    @staticmethod
    def post(address, what):
        url = urlsplit(address)
        link = http.client.HTTPConnection(url.netloc, timeout=2)
        try:
            link.request("POST", f"{url.path}?{url.query}", json.dumps(what),
                         {"content-type": "application/json"})
            return link.getresponse().status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            link.close()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def show(sms):
    print(f"to {sms['to']}, {segments(sms['text'])} segment(s): "
          f"{sms['text']}", flush=True)


def main(token_file, port="0"):
    with open(token_file) as f:
        gateway = Gateway(f.read().strip(), int(port), on_text=show)
    print(f"listening on 127.0.0.1:{gateway.port}", flush=True)
    try:
        while True:
            time.sleep(0.2)
            gateway.tick()
    except KeyboardInterrupt:
        gateway.stop()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: gateway.py TOKEN-FILE [PORT]")
    main(*sys.argv[1:])
