"""This machine a second time: an overlay of its root in namespaces of its own,
with nothing but a loopback. What is installed there, runs there and listens
there ends with it, and nothing of it is seen outside."""

import os
import subprocess
from pathlib import Path

from netns import in_network_of, loopback_up

START = """
set -e
mount -t tmpfs amends "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay amends -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" \
    "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs amends run
mount -t tmpfs amends tmp
exec chroot . sh -c 'echo in; exec cat'
"""


class Machine:
    def __init__(self, folder):
        self.dir = Path(folder)
        self.dir.mkdir()
        self.holder = subprocess.Popen(
            ["unshare", "-m", "-n", "-p", "--fork", "--kill-child", "sh", "-c",
             START, "sh", str(self.dir)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"in\n", "no machine"
        pid = self.holder.pid
        self.pid = int(Path(
            f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        in_network_of(self.pid, loopback_up)

    def command(self, cmd, user=None):
        inside = ["nsenter", f"--target={self.pid}", "-m", "-n", "-p", "-r",
                  "-w", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                  "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"]
        if user is not None:
            inside += ["setpriv", f"--reuid={user}", f"--regid={user}",
                       "--init-groups", "--no-new-privs", "--inh-caps=-all",
                       "--bounding-set=-all"]
        return [*inside, *map(str, cmd)]

    def run(self, *cmd, user=None, data=None):
        """(exit status, what it printed on both outputs)"""
        p = subprocess.run(
            self.command(cmd, user), timeout=60, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **({"input": data} if data is not None
               else {"stdin": subprocess.DEVNULL}))
        return p.returncode, p.stdout.decode("utf-8", "replace")

    def must(self, *cmd, **kw):
        status, out = self.run(*cmd, **kw)
        assert status == 0, f"{cmd}: {status}: {out}"
        return out

    def write(self, path, data):
        self.must("sh", "-c", 'cat >"$1"', "sh", path,
                  data=data if isinstance(data, bytes) else data.encode())

    def read(self, path):
        return self.must("cat", path)

    def exists(self, path):
        return self.run("test", "-e", path)[0] == 0

    def written(self):
        """Every file that differs from the machine's own; folders with a / at
        their end."""
        upper = Path(f"/proc/{self.holder.pid}/root{self.dir}/upper")
        assert upper.is_dir()
        out = set()
        for at, folders, files in os.walk(upper):
            for name in files + [f"{f}/" for f in folders]:
                out.add(f"{at[len(str(upper)):]}/{name}")
        return out

    def stop(self):
        self.holder.stdin.close()
        self.holder.wait(10)
        self.dir.rmdir()
