"""A network of its own for one daemon: loopback only, and a name server that
says what the test wants, on 127.0.0.1:53 of that network.

Sockets belong to the network of the thread that makes them, so a server of the
test's own process can stand in there.
"""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import threading

CLONE_NEWNET = 0x40000000
A, AAAA = 1, 28


def in_network_of(pid, make):
    """make() in a thread that has entered the network of that process."""
    out = []

    def run():
        try:
            fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(fd, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            os.close(fd)
            out.append(make())
        except BaseException as e:  # told to the caller, whatever it is
            out.append(e)
    t = threading.Thread(target=run)
    t.start()
    t.join()
    if isinstance(out[0], BaseException):
        raise out[0]
    return out[0]


def loopback_up():
    with socket.socket() as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x41))


class Network:
    """Held by a process that does nothing but be in it."""

    def __init__(self, folder):
        self.resolv = folder / "resolv.conf"
        self.resolv.write_text(
            "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self.holder = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", "echo in; exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"in\n"
        self.enter(loopback_up)

    def enter(self, make):
        return in_network_of(self.holder.pid, make)

    def command(self, cmd):
        """The command line of a process in this network, with its resolver."""
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "unshare",
                "-m", "sh", "-c", f"mount --bind {self.resolv} "
                '/etc/resolv.conf && exec "$@"', "sh", *map(str, cmd)]

    def stop(self):
        self.holder.stdin.close()
        self.holder.wait(5)


class NameServer:
    """`names`: name -> a function of the how-manieth question (from 0) and its
    type that gives (addresses, ttl), or None: silence. A name that is not
    there does not exist."""

    def __init__(self, network, names):
        self.names, self.asked = names, []
        self.socket = network.enter(self.bind)
        threading.Thread(target=self.run, daemon=True).start()

    @staticmethod
    def bind():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", 53))
        return s

    def run(self):
        while True:
            try:
                q, peer = self.socket.recvfrom(2048)
            except OSError:
                return
            a = self.answer(q)
            if a is not None:
                self.socket.sendto(a, peer)

    def answer(self, q):
        labels, at = [], 12
        while q[at]:
            labels.append(q[at + 1:at + 1 + q[at]].decode().lower())
            at += 1 + q[at]
        kind, = struct.unpack(">H", q[at + 1:at + 3])
        question, name = q[12:at + 5], ".".join(labels)
        n = len([x for x in self.asked if x == (name, kind)])
        self.asked.append((name, kind))
        said = self.names.get(name, lambda n, kind: ([], -1))(n, kind)
        if said is None:
            return None
        addresses, ttl = said
        family = socket.AF_INET6 if kind == AAAA else socket.AF_INET
        packed = [socket.inet_pton(family, a) for a in addresses
                  if (":" in a) == (kind == AAAA)]
        head = struct.pack(">2sHHHHH", q[:2], 0x8180 | (3 if ttl < 0 else 0),
                           1, len(packed), 0, 0)
        return head + question + b"".join(
            struct.pack(">HHHIH", 0xc00c, kind, 1, ttl, len(p)) + p
            for p in packed)

    def stop(self):
        self.socket.close()
