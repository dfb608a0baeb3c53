"""Debian's Prometheus and Alertmanager, unpacked into build/prometheus
(tests/deps.sh), and what reads the metrics of a daemon."""

import json
import re
import subprocess
import urllib.parse
import urllib.request

from harness import ROOT, Process, free_port, wait_until

BIN = ROOT / "build" / "prometheus" / "usr" / "bin"
SERIES = re.compile(r'^([a-z_]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def get(url, timeout=10):
    with urllib.request.urlopen(url, timeout=timeout) as r:
        return r.read().decode()


def get_json(url):
    return json.loads(get(url))


class Metrics:
    """One scrape: name to {labels: value}."""

    def __init__(self, text):
        self.text = text
        self.of = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = SERIES.match(line).groups()
            key = tuple(v for _, v in LABEL.findall(labels or ""))
            self.of.setdefault(name, {})[key] = float(value)

    def __call__(self, name, *labels):
        return self.of.get(name, {}).get(labels)

    def sum(self, name):
        return sum(self.of.get(name, {}).values())

    def series(self):
        return sum(len(v) for v in self.of.values())


def scrape(port):
    return Metrics(get(f"http://127.0.0.1:{port}/metrics"))


def promtool(*args, text=None):
    return subprocess.run([str(BIN / "promtool"), *map(str, args)], input=text,
                          capture_output=True, text=True, timeout=60)


class Prometheus(Process):
    def __init__(self, world, conf):
        self.port = free_port()
        folder = world.dir / "prometheus"
        folder.mkdir()
        path = folder / "prometheus.yml"
        path.write_text(conf)
        super().__init__(
            "prometheus",
            [BIN / "prometheus", f"--config.file={path}",
             f"--storage.tsdb.path={folder / 'data'}", "--log.level=warn",
             f"--web.listen-address=127.0.0.1:{self.port}"], folder / "log")

    def start(self):
        self.spawn()
        wait_until(self.ready, 30, "Prometheus is ready")
        return self

    def ready(self):
        assert self.alive(), self.text()
        try:
            return "Ready" in get(f"http://127.0.0.1:{self.port}/-/ready")
        except OSError:
            return False

    def query(self, expr):
        """Labels and value of each sample; None when it does not parse."""
        quoted = urllib.parse.quote(expr)
        answer = get_json(
            f"http://127.0.0.1:{self.port}/api/v1/query?query={quoted}")
        return [(r["metric"], float(r["value"][1]))
                for r in answer["data"]["result"]]

    def firing(self):
        alerts = get_json(f"http://127.0.0.1:{self.port}/api/v1/alerts")
        return {a["labels"]["alertname"] for a in alerts["data"]["alerts"]
                if a["state"] == "firing"}


class Alertmanager(Process):
    def __init__(self, world, conf):
        self.port = free_port()
        folder = world.dir / "alertmanager"
        folder.mkdir()
        path = folder / "alertmanager.yml"
        path.write_text(conf)
        super().__init__(
            "alertmanager",
            # it finds its templates in its working directory, see deps.sh
            [BIN / "prometheus-alertmanager", f"--config.file={path}",
             f"--storage.path={folder / 'data'}", "--log.level=warn",
             "--cluster.listen-address=",
             f"--web.listen-address=127.0.0.1:{self.port}"], folder / "log",
            cwd=BIN.parent / "share" / "prometheus" / "alertmanager")

    def start(self):
        self.spawn()
        wait_until(self.ready, 30, "Alertmanager is ready")
        return self

    def ready(self):
        assert self.alive(), self.text()
        try:
            return get(f"http://127.0.0.1:{self.port}/-/ready") != ""
        except OSError:
            return False
