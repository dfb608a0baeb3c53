"""A fault proxy between the daemon and Redis.

It speaks RESP well enough to know commands and replies apart, so a fault can
be put at an exact place: before or after the k-th EXEC, or anywhere by bytes.
One listener (a unix socket), any number of connections, its own thread.
"""

import asyncio
import threading


class Incomplete(Exception):
    pass


def element_end(data, at):
    """Offset behind one RESP2 value that starts at `at`; Incomplete if cut."""
    eol = data.find(b"\r\n", at)
    if eol < 0:
        raise Incomplete
    kind, rest, end = data[at:at + 1], data[at + 1:eol], eol + 2
    if kind in (b"+", b"-", b":"):
        return end
    n = int(rest)
    if kind == b"$":
        if n < 0:
            return end
        if len(data) < end + n + 2:
            raise Incomplete
        return end + n + 2
    if kind == b"*":
        for _ in range(max(n, 0)):
            end = element_end(data, end)
        return end
    raise ValueError(f"no RESP: {data[at:at + 20]!r}")


def first_word(command):
    """Upper-case name of a command in RESP form."""
    return command.split(b"\r\n", 3)[2].upper()


class Splitter:
    """Whole RESP values out of a stream of bytes."""

    def __init__(self):
        self.data = b""

    def feed(self, more):
        self.data += more
        at = 0
        try:
            while at < len(self.data):
                end = element_end(self.data, at)
                yield self.data[at:end]
                at = end
        except Incomplete:
            pass
        self.data = self.data[at:]


class Proxy:
    """Listens on `path`, forwards to the unix socket `target`.

    Faults, all settable while it runs:
      cut_before   the k-th EXEC from now on is not forwarded; both sides close
      cut_after    it is forwarded and answered, the answer is kept back
      delay        seconds that every reply waits
      split        replies go out one byte at a time
      refuse       connections are closed at once
      late_exec    (k, seconds): that EXEC is forwarded only after a while,
                   when its client has long been cut off
    """

    def __init__(self, path, target):
        self.path, self.target = str(path), str(target)
        self.cut_before = self.cut_after = 0
        self.delay = 0.0
        self.split = self.refuse = False
        self.late_exec = None
        self.execs = self.cuts = 0
        self.connections = set()
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(target=self._main, args=(ready,),
                                       daemon=True)
        self.thread.start()
        ready.wait(10)

    def _main(self, ready):
        async def serve():
            self.server = await asyncio.start_unix_server(
                self._connection, path=self.path, limit=1 << 24)
            ready.set()

        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(serve())
        self.loop.run_forever()

    def stop(self):
        def end():
            self.server.close()
            for c in list(self.connections):
                c.close()
            self.loop.call_later(0.05, self.loop.stop)

        self.loop.call_soon_threadsafe(end)
        self.thread.join(10)

    def cut_all(self):
        """Close every connection that runs through here."""
        def end():
            for c in list(self.connections):
                c.close()
        self.loop.call_soon_threadsafe(end)

    async def _connection(self, reader, writer):
        if self.refuse:
            writer.close()
            return
        try:
            up_reader, up_writer = await asyncio.open_unix_connection(
                self.target, limit=1 << 24)
        except OSError:
            writer.close()
            return
        pair = {writer, up_writer}
        self.connections |= pair
        names = []  # commands on their way, oldest first
        try:
            await asyncio.gather(
                self._commands(reader, up_writer, names, pair),
                self._replies(up_reader, writer, names, pair))
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            for w in pair:
                w.close()
            self.connections -= pair

    def _cut(self, pair):
        self.cuts += 1
        for w in pair:
            w.close()
        raise OSError("cut")

    async def _commands(self, reader, up, names, pair):
        split = Splitter()
        while data := await reader.read(1 << 16):
            for command in split.feed(data):
                name = first_word(command)
                if name == b"EXEC":
                    self.execs += 1
                    if self.late_exec:
                        self.late_exec[0] -= 1
                        if self.late_exec[0] == 0:
                            await self._late(up, command, pair)
                    if self.cut_before:
                        self.cut_before -= 1
                        if self.cut_before == 0:
                            self._cut(pair)
                    if self.cut_after:
                        self.cut_after -= 1
                        name = b"EXEC!" if self.cut_after == 0 else name
                names.append(name)
                up.write(command)
            await up.drain()
        self._end(pair)

    async def _late(self, up, command, pair):
        """Cut the client off now, let the EXEC through later."""
        wait = self.late_exec[1]
        self.late_exec = None

        def send():
            up.write(command)
            self.loop.call_later(1, up.close)
        self.loop.call_later(wait, send)
        pair.discard(up)
        self._cut(pair)

    async def _replies(self, up_reader, writer, names, pair):
        split = Splitter()
        while data := await up_reader.read(1 << 16):
            for reply in split.feed(data):
                name = names.pop(0) if names else b""
                if name == b"EXEC!":
                    self._cut(pair)
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.split:
                    for i in range(len(reply)):
                        writer.write(reply[i:i + 1])
                        await writer.drain()
                else:
                    writer.write(reply)
            await writer.drain()
        self._end(pair)

    def _end(self, pair):
        for w in pair:
            w.close()
