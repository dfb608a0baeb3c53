"""The users of conf/redis-amends.conf: the daemon works with what its line
grants and with nothing else, and a producer may only add to the stream."""

import re

import callers
import pytest
import redis as redis_py
from harness import ROOT, free_port, opened, wait_until
from senders import BEARER, TOKEN, body_of, opening

WORD = re.compile(r'"([A-Z]{3,})"')
ERRORS = {"READONLY"}  # words of errors that are names of commands, too
CONF = """
http {{ listen = "127.0.0.1:{http}"  view = "127.0.0.1:{view}"
    producer "shop" {{ token = {{"file:{token}"}} }} }}
link {{ url = "https://care.example"  secret = "file:{link}" }}
audit {{ every = "5s" }}
report "daily" {{ every = "day"  at = "08:00"  via = {{"crm"}} }}
"""


def rules(user):
    text = (ROOT / "conf/redis-amends.conf").read_text()
    line = re.search(rf"^# user {user} (on .*)$", text, re.M)
    assert line, f"no line for {user}"
    return line.group(1).split()


def test_the_line_grants_what_the_source_asks_for(redis):
    """Neither a command more nor one less."""
    known = {name.upper() for name in redis.client.command()}
    used = {word for folder in ("lib/store", "daemon")
            for f in (ROOT / folder).glob("*.c")
            for word in WORD.findall(f.read_text())} & known - ERRORS
    granted = {r[1:].split("|")[0].upper() for r in rules("amends")
               if r.startswith("+")}
    assert used == granted


class Guarded:
    """A daemon behind the user of the line."""

    def __init__(self, world, redis):
        self.redis = redis
        for user in ("amends", "shop"):
            redis.client.execute_command("ACL", "SETUSER", user, *(
                r.replace("CHANGE-ME", f"word-of-{user}")
                for r in rules(user)))
        word = world.secret("redis.word", "word-of-amends")
        world.sink()
        self.http, self.view = free_port(), free_port()
        self.daemon = world.daemon(
            redis, start=False, redis_more=f'password = "file:{word}"',
            more=CONF.format(
                http=self.http, view=self.view,
                token=world.secret("token", TOKEN),
                link=world.secret("link", "0123456789abcdef0123456789abcdef")))
        self.daemon.write_conf(re.sub(
            r'url = "unix://[^"]*"',
            f'url = "redis://amends@127.0.0.1:{redis.port}/0"',
            self.daemon.conf.read_text(), count=1))
        self.daemon.start()

    def post(self, event_id):
        return callers.request(self.http, "/v1/events",
                               body_of(opening(event_id)), headers=BEARER)

    def look(self, path):
        return callers.request(self.view, path, method="GET").status

    def run(self, line):
        status, out, err = self.daemon.ctl(*line.split())
        # 5: not in this state; Redis was asked all the same
        assert status in (0, 5), f"{line}: {out}{err}"

    def denied(self):
        rows = [r for r in self.redis.client.acl_log()
                if r["username"] == "amends"]
        return [(r["reason"], r["object"]) for r in rows]


@pytest.fixture
def guarded(world):
    return Guarded(world, world.redis(port=free_port()))


def test_a_day_behind_the_line(guarded, world):
    """Everything that asks Redis for something: nothing is denied."""
    d, run, redis = guarded.daemon, guarded.run, guarded.redis
    for i in range(3):
        redis.client.xadd("complaints", opened(f"C-{i}"))
    redis.client.xadd("complaints", {"event": "complaint.opened"})
    wait_until(lambda: d.find("C-2") and d.rows("rejects list"))
    assert guarded.post("E-1").status == 202
    assert b'"duplicate":true' in guarded.post("E-1").body
    for path in ("/", "/metrics", "/readyz", "/healthz"):
        assert guarded.look(path) == 200, path
    for line in (
            "status", "shape", "list", "list --overdue", "list --loop-owner li",
            "show C-1", "why C-1", "plan C-1", "verify C-1", "followups",
            "dead list", "endpoints", "silence list", "report", "export",
            "link C-1", "shard list", "audit --now", "health",
            "emit stage.completed complaint_id=C-1 stage=listen",
            "emit complaint.updated complaint_id=C-1 customer.phone=+8613800138001",
            "emit contact.opted_out address=+8613800138000 channel=sms",
            "silence add --match complaint=C-1 --author li --reason x --for 1h",
            "pause delivery --reason x", "pause intake", "resume intake",
            "resume delivery", "pause loop complaint", "resume loop complaint",
            "endpoints disable crm", "endpoints enable crm",
            "endpoints test crm", "reload", "reload --dry-run",
            "close C-2 --by li --reason x", "migrate C-1 --to complaint",
            "rejects replay --all", "rejects drop --all --yes",
            "dead replay --all", "dead drop --all --yes",
            "erase C-0 --rewrite --yes", "shard release complaints",
            "shard adopt complaints"):
        run(line)
    wait_until(lambda: d.state() == "running")
    # D3: WAIT stands behind the write
    d.write_conf(d.conf.read_text().replace(
        "redis {", 'redis {\n require_durability = "D3"', 1))
    run("reload")
    answer = guarded.post("E-2")
    assert answer.status == 503 and b"replicas" in answer.body, answer
    assert d.stop() == 0
    d.start()
    run("show C-1")
    assert guarded.denied() == []
    assert "NOPERM" not in d.text()


def test_other_keys_and_commands_are_refused(guarded):
    """The daemon's user sees its keys alone, a producer's adds and no more."""
    port = guarded.redis.port
    amends, shop = (redis_py.Redis(
        port=port, username=user, password=f"word-of-{user}")
        for user in ("amends", "shop"))
    assert shop.xadd("complaints", opened("C-9"))
    wait_until(lambda: guarded.daemon.find("C-9"))
    assert amends.exists("{complaints}:c:C-9")
    for refused in (lambda: amends.get("sessions"), amends.flushall,
                    lambda: amends.keys("*"), lambda: amends.config_set("a", 1),
                    lambda: amends.client_kill("127.0.0.1:1"),
                    lambda: shop.xrange("complaints"),
                    lambda: shop.xtrim("complaints", maxlen=0),
                    lambda: shop.get("{complaints}:c:C-9"),
                    lambda: shop.xadd("elsewhere", {"a": "b"})):
        with pytest.raises(redis_py.exceptions.NoPermissionError):
            refused()
    amends.close()
    shop.close()
