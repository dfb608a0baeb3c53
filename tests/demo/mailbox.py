"""The mail server of the demo: takes every message and keeps it in memory.

It knows the least that RFC 5321 asks for, no TLS and no login; the endpoint
says allow_plain for it. By itself it prints what arrives:

    python3 mailbox.py [PORT]
"""

import email
import email.policy
import socketserver
import sys
import threading
import time


class Mailbox:
    def __init__(self, port=0, on_mail=None):
        self.on_mail = on_mail
        self.mails = []  # (time, recipient, subject)
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                outer.talk(self.rfile, self.wfile)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = allow_reuse_address = True

            def handle_error(self, request, client_address):
                pass  # a sender that goes away in the middle is no news

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def talk(self, came, say):
        """One connection: commands until QUIT or its end."""
        say.write(b"220 mail.bank.example\r\n")
        for line in came:
            verb = line[:4].upper()
            if verb == b"DATA":
                say.write(b"354 go on\r\n")
                self.take(came)
            elif verb == b"QUIT":
                say.write(b"221 bye\r\n")
                return
            if verb in (b"EHLO", b"HELO", b"MAIL", b"RCPT", b"DATA", b"RSET",
                        b"NOOP"):
                say.write(b"250 ok\r\n")
            else:
                say.write(b"502 not here\r\n")

    def take(self, came):
        lines = []
        for line in came:
            if line == b".\r\n":
                break
            lines.append(line[line.startswith(b"."):])
        mail = email.message_from_bytes(b"".join(lines),
                                        policy=email.policy.default)
        self.mails.append((time.time(), mail["to"], mail["subject"]))
        if self.on_mail:
            self.on_mail(mail)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def show(mail):
    print(f"to {mail['to']}: {mail['subject']}\n{mail.get_content()}",
          flush=True)


def main(port="0"):
    mailbox = Mailbox(int(port), show)
    print(f"listening on 127.0.0.1:{mailbox.port}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        mailbox.stop()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit("usage: mailbox.py [PORT]")
    main(*sys.argv[1:])
