"""A real mail server for the tests: Exim as the distribution builds it,
unpacked by tests/deps.sh, on a port of its own in a folder of its own.

It takes TLS by STARTTLS or from the first byte, asks for a login, refuses
`nobody-here@` for good, puts off `later@`, and keeps what it takes in its
queue, where messages() reads it. Exim wants a user of its own, which a machine
need not have: libnss_wrapper shows it one.
"""

import email
import email.policy
import os
import signal
import socket
import subprocess
from pathlib import Path

from harness import ROOT, Process, free_port, wait_until

EXIM = ROOT / "build" / "exim" / "usr" / "sbin" / "exim4"
LOGIN = ("amends", "geheim-9f3")
CONF = """
spool_directory = {dir}/spool
log_file_path = {dir}/%slog
pid_file_path = {dir}/exim.pid
primary_hostname = mx.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
tls_on_connect_ports = {tls_port}
keep_environment =
tls_advertise_hosts = {tls}
tls_certificate = {dir}/cert.pem
tls_privatekey = {dir}/key.pem
acl_smtp_rcpt = rcpt
acl_smtp_data = acc
queue_only = true
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 0
begin acl
rcpt:
  deny   message = no such user
         local_parts = nobody-here
  defer  message = try later
         local_parts = later
  accept authenticated = *
  deny   message = authenticate first
acc:
  accept
begin routers
begin transports
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""


def certificate(folder):
    """A self-signed certificate for localhost; its path."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem",
         "-days", "3", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    return folder / "cert.pem"


class MailServer(Process):
    def __init__(self, world, tls=True):
        self.dir = world.dir / "mx"
        self.dir.mkdir()
        (self.dir / "spool").mkdir()
        self.cert = certificate(self.dir)
        self.port, self.tls_port = free_port(), free_port()
        conf = self.dir / "exim.conf"
        conf.write_text(CONF.format(
            dir=self.dir, port=f"{self.port} : {self.tls_port}",
            tls_port=self.tls_port, tls="*" if tls else "",
            user=LOGIN[0], password=LOGIN[1]))
        uid, gid = self.owner()
        (self.dir / "passwd").write_text(
            f"root:x:0:0::/:/bin/sh\nDebian-exim:x:{uid}:{gid}::/:/bin/sh\n"
            f"mail:x:8:8::/:/bin/sh\n")
        (self.dir / "group").write_text(
            f"root:x:0:\nDebian-exim:x:{gid}:\nmail:x:8:\n")
        super().__init__("mx", [EXIM, "-C", conf, "-bdf"],
                         self.dir / "out", env={
            **os.environ, "LD_PRELOAD": "libnss_wrapper.so",
            "NSS_WRAPPER_PASSWD": str(self.dir / "passwd"),
            "NSS_WRAPPER_GROUP": str(self.dir / "group")})

    def owner(self):
        """Exim gives up root for the user that it knows."""
        if os.getuid() != 0:
            return os.getuid(), os.getgid()
        uid = gid = 65534
        for p in (self.dir, self.dir / "spool", self.dir / "key.pem",
                  self.cert):
            os.chown(p, uid, gid)
        up = self.dir.parent
        up.chmod(up.stat().st_mode | 0o011)
        return uid, gid

    def start(self):
        self.spawn()

        def answers():
            assert self.alive(), self.text()
            try:
                with socket.create_connection(
                        ("127.0.0.1", self.port), 1) as s:
                    return s.recv(4).startswith(b"220")
            except OSError:
                return False
        wait_until(answers, what="the mail server answers")
        return self

    def freeze(self):
        os.kill(self.proc.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.proc.pid, signal.SIGCONT)

    def messages(self):
        """What was taken: (envelope recipients, email message) each."""
        out = []
        for head in sorted(Path(self.dir, "spool", "input").glob("**/*-H")):
            body = head.with_name(head.name[:-1] + "D")
            if not body.exists():
                continue
            out.append(read_queued(head.read_bytes(), body.read_bytes()))
        return out


def read_queued(head, body):
    """Exim's queue format: an envelope, a blank line, then each header behind
    its length in three digits and a flag."""
    envelope, _, rest = head.partition(b"\n\n")
    lines = envelope.split(b"\n")
    headers = b""
    while rest:
        n, flag = int(rest[:3]), rest[3:4]
        text = rest[5:5 + n]
        rest = rest[5 + n:]
        if flag not in b"*":
            headers += text
    rcpt = [line.decode() for line in lines if b"@" in line][-1:]
    text = headers + b"\n" + body.partition(b"\n")[2]
    return rcpt, email.message_from_bytes(text, policy=email.policy.default)
