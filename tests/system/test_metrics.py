"""OP4: what the daemon counts of itself, at /metrics."""

import re
import urllib.error
import urllib.request

import pytest
from harness import LOOP, ROOT, free_port, wait_until
from monitors import get, promtool, scrape
from sink import OK, answer

FAST = 'timeout = "2s"\n    retry = {"0s"}'

# of ops.md: what people will alert on
LISTED = """build_info config_last_reload_successful
config_last_reload_success_timestamp_seconds redis_up shard_owned
stream_lag_entries stream_pending_entries event_age_seconds_bucket events_total
complaints_open deadline_lateness_seconds_bucket deadlines_overdue
oldest_due_seconds stage_duration_seconds_bucket breaches_total followups_total
followup_attempt_duration_seconds_bucket outbox_depth outbox_oldest_seconds
endpoint_state dead_followups poison_events confirmations_total
loop_lag_seconds_bucket""".split()


def start(world, redis, more="", **kw):
    port = free_port()
    d = world.daemon(
        redis, more=f'http {{ listen = "127.0.0.1:{port}" }}\n{more}', **kw)
    return d, port


def walk(producer, complaint):
    """From the opening to the customer's yes."""
    producer.open(complaint)
    producer.emit("stage.completed", complaint, stage="apologize")
    producer.emit("stage.completed", complaint, stage="resolve",
                  root_cause="double post", action="refund")
    producer.emit("customer.answered", complaint, verdict="satisfied",
                  score="5")


def test_op4_every_metric_is_there_and_true(world, redis, producer):
    """The list of alerts is there, promtool has nothing to say, and the
    numbers are those of the status."""
    sink = world.sink(lambda r: OK if "C-" in r.body.decode() else answer(400))
    d, port = start(world, redis, endpoint_more=FAST)
    walk(producer, "C-1")
    producer.open("C-2", tier="high")
    producer.open("D-1")
    producer.emit("stage.completed", "nobody", stage="listen")
    producer.send({"event": "nonsense", "complaint_id": "X"})
    wait_until(lambda: d.status()["dead"] >= 3 and
               redis.waiting() == 0 and
               len([r for r in sink.requests if b"C-2" in r.body]) == 3, 20)
    wait_until(lambda: scrape(port).of.get("amends_loop_lag_seconds_bucket"))
    m, status = scrape(port), d.status()
    assert [n for n in LISTED if f"amends_{n}" not in m.of] == []
    checked = promtool("check", "metrics", text=m.text)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    for result in ("applied", "duplicate", "ignored", "rejected"):
        assert m("amends_events_total", result) == status["events"][result]
    assert m.sum("amends_complaints_open") == status["open"] == 2
    assert m("amends_dead_followups") == status["dead"]
    assert m("amends_poison_events") == status["rejects"] == 2
    assert m("amends_redis_up") == m("amends_shard_owned", "complaints") == 1
    assert m.sum("amends_complaints_opened_total") == 3
    assert m("amends_complaints_closed_total", "complaint", "satisfied") == 1
    assert m("amends_confirmations_total", "complaint", "satisfied") == 1
    assert m.sum("amends_breaches_total") == 2
    assert m("amends_followups_total", "webhook", "crm", "dead") == \
        status["followups"]["dead"]
    assert m("amends_followups_total", "webhook", "crm", "delivered") == \
        status["followups"]["delivered"]
    assert m.sum("amends_followup_attempts_total") == len(sink.requests)
    assert m("amends_event_age_seconds_count") == 7  # all that were decoded
    assert m("amends_stage_duration_seconds_count", "complaint",
             "resolve") == 1
    # the lapse fires within the second; no wake-up is left behind
    assert m("amends_deadline_lateness_seconds_bucket", "1") >= 6
    assert m("amends_deadlines_overdue") == 0
    assert m("process_resident_memory_bytes") > 1 << 20
    assert m("process_open_fds") > 5


def test_op4_what_alerts_look_at_moves(world, redis, producer):
    """Each number that an alert waits for is not 0 when there is cause, and
    is again when there is none."""
    world.sink(lambda r: answer(500) if b"C-bad" in r.body else OK)
    token = world.dir / "token"
    token.write_text("a-token-of-some-length")
    token.chmod(0o600)
    port = free_port()
    now = LOOP.replace('at = "50%"', 'at = "0%"').replace(
        'budget = "2s"', 'budget = "8h"')
    d = world.daemon(redis, loop=now, more=f'''http {{
        listen = "127.0.0.1:{port}"
        producer "crm" {{ token = "file:{token}"  rate = "1/1h" }} }}''',
        endpoint_more='timeout = "2s"  retry = {"0s", "1h"}  '
        'breaker_failures = 1  breaker_cooldown = "10m"')

    def until(**wanted):
        return wait_until(lambda: [m for m in [scrape(port)] if all(
            m.sum(f"amends_{k}") == v for k, v in wanted.items())], 20)[0]
    until(paused=0, complaints_held=0, complaints_parked=0,
          stream_lag_entries=0, outbox_oldest_seconds=0,
          config_last_reload_successful=1)
    producer.open("C-1")
    producer.emit("complaint.held", "C-1", reason="waiting_customer")
    redis.client.sadd("{complaints}:parked", "P-1")
    until(complaints_held=1, complaints_parked=1)
    redis.client.srem("{complaints}:parked", "P-1")

    assert d.ctl("pause", "delivery")[0] == 0
    producer.open("C-2")
    m = wait_until(lambda: [s for s in [scrape(port)] if s(
        "amends_outbox_oldest_seconds", "crm") > 0.1])[0]
    assert m("amends_outbox_depth", "crm", "due") == 1
    assert m("amends_paused", "delivery") == 1
    assert m("amends_paused", "intake") == 0
    assert d.ctl("resume", "delivery")[0] == 0
    assert d.ctl("pause", "intake")[0] == 0
    producer.open("C-3")
    m = until(stream_lag_entries=1, paused=1, outbox_depth=0)
    assert m("amends_paused", "intake") == 1
    wait_until(lambda: scrape(port).sum("amends_stream_lag_seconds") > 0.1)
    assert d.ctl("resume", "intake")[0] == 0
    until(stream_lag_entries=0, paused=0, complaints_open=3)

    producer.open("C-bad")
    m = wait_until(lambda: [s for s in [scrape(port)] if s(
        "amends_endpoint_state", "crm", "open") == 1])[0]
    assert m("amends_endpoint_state", "crm", "closed") == 0
    wait_until(lambda: scrape(port).sum("amends_endpoint_failing_seconds") > 0)

    def post(secret):
        with pytest.raises(urllib.error.HTTPError) as e:
            get(urllib.request.Request(
                f"http://127.0.0.1:{port}/v1/events", b"{}", {
                    "Authorization": f"Bearer {secret}",
                    "Content-Type": "application/json"}))
        return e.value.code
    good = "a-token-of-some-length"
    assert [post(s) for s in ("wrong", good, good)] == [401, 400, 429]
    refused = "amends_intake_refused_total"
    m = until(intake_refused_total=3)
    assert m(refused, "(other)", "unauthorized") == 1
    assert m(refused, "crm", "invalid") == m(refused, "crm", "limited") == 1

    text = d.conf.read_text()
    d.write_conf(text.replace('"8h"', '"eight"'))
    assert d.ctl("reload")[0] != 0
    until(config_last_reload_successful=0)
    d.write_conf(text)
    assert d.ctl("reload")[0] == 0
    until(config_last_reload_successful=1)


def test_au3_the_reason_is_a_label(world, redis, producer):
    """AU3: why a follow-up went out stands in its body, in the journal and
    in a label, by the same closed word."""
    sink = world.sink()
    d, port = start(world, redis)
    producer.open("C-1")
    wait_until(lambda: len(sink.requests) == 3)
    sent = sorted(r.json["data"]["followup"]["reason"] for r in sink.requests)
    assert sent == ["rung_2", "stage_due", "warn_50"]
    wait_until(lambda: scrape(port).sum("amends_followups_fired_total") == 3)
    m = scrape(port)
    for reason in sent:
        assert m("amends_followups_fired_total", "complaint", reason) == 1
    journal = b"".join(redis.journal("C-1")).decode()
    assert set(sent) <= set(re.findall(r'"reason":"(\w+)"', journal))


def test_op4_no_label_is_fed_from_outside(world, redis, producer):
    """Whatever ids, sources, owners, loops and categories events have, the
    number of series stays, and none of it is in a label."""
    world.sink()
    quiet = LOOP.replace('budget = "2s"', 'budget = "8h"')
    d, port = start(world, redis, loop=quiet)
    evil = 'x"} 1\namends_evil{a="'

    def feed(n):
        before = redis.applied()
        for i in range(n):
            producer.open(f"evil-{producer.n}", source=f"evil{i}",
                          category=f"evil{i}", owner=f"evil{i}",
                          **{"customer.phone": f"+86138{i:08d}"})
            producer.open(f"evil-{producer.n}", loop=f"evil{i}")
            producer.send({"event": f"evil{i}{evil}", "complaint_id": evil})
        wait_until(lambda: redis.applied() == before + 3 * n, 30)
        return wait_until(lambda: [s for s in [scrape(port)] if s(
            "amends_poison_events") * 3 == 2 * redis.applied()])[0]
    wait_until(lambda: scrape(port).of.get("amends_loop_lag_seconds_bucket"))
    few, many = feed(3), feed(150)
    assert many.series() == few.series() < 500
    assert "evil" not in many.text and "+86" not in many.text
    assert many.sum("amends_complaints_open") == 153
    # an outbox and a stage that the configuration does not have
    redis.client.sadd("{complaints}:outs", *[f"gone{i}" for i in range(50)])
    for i in range(50):
        redis.client.zadd(f"{{complaints}}:out:gone{i}", {"x": 1e15})
        redis.client.hset("{complaints}:tally", f"stage:gone:{i}:mid", 1)
    m = wait_until(lambda: [s for s in [scrape(port)] if s(
        "amends_outbox_depth", "(other)", "later") == 50])[0]
    assert m("amends_complaints_open", "(other)", "(other)", "(other)") == 50
    assert m.series() == many.series() + 5
    assert "gone" not in m.text


def test_op4_with_redis_down_it_says_so(world, redis, producer):
    """`status` and /metrics answer, say that Redis is away and why, and
    tell no number that nobody knows."""
    world.sink()
    d, port = start(world, redis)
    producer.open("C-1")
    wait_until(lambda: scrape(port).sum("amends_complaints_open") == 1)
    redis.kill9()
    m = wait_until(lambda: [s for s in [scrape(port)]
                            if s("amends_redis_up") == 0])[0]
    for name in ("complaints_open", "deadlines_overdue", "dead_followups",
                 "outbox_depth", "stream_lag_entries"):
        assert f"amends_{name}" not in m.of
    assert m("amends_shard_state", "complaints", "degraded:redis") == 1
    assert m("amends_events_total", "applied") == 1
    assert promtool("check", "metrics", text=m.text).stdout == ""
    code, out, _ = d.ctl("status")
    assert code == 0 and "degraded:redis" in out and "refused" in out
    status = d.status()
    assert not status["redis"]["up"] and status["redis"]["why"]
    assert status["open"] is None and status["dead"] is None
    redis.start()
    wait_until(lambda: scrape(port)("amends_redis_up") == 1, 30)
    wait_until(lambda: scrape(port).sum("amends_complaints_open") == 1)


def test_op4_a_silent_redis_is_waited_for_two_seconds(world, redis, producer):
    """Redis that hangs holds no scrape up for longer than that, and however
    many scrape, it is asked once."""
    world.sink()
    d, port = start(world, redis)
    assert scrape(port)("amends_redis_up") == 1
    asked = redis.client.info("commandstats")["cmdstat_smembers"]["calls"]
    for _ in range(40):
        scrape(port)
    more = redis.client.info("commandstats")["cmdstat_smembers"]["calls"]
    assert more - asked <= 5
    redis.client.execute_command("CLIENT", "PAUSE", "3500", "ALL")
    wait_until(lambda: scrape(port)("amends_redis_up") == 0, 10)
    wait_until(lambda: scrape(port)("amends_redis_up") == 1, 20)


def test_metrics_are_for_operators(world, redis):
    """With http.view strangers at http.listen do not see them."""
    listen, view = free_port(), free_port()
    world.daemon(redis, more=f'''http {{
        listen = "127.0.0.1:{listen}"  view = "127.0.0.1:{view}" }}''')
    m = scrape(view)
    assert {k[0] for k in m.of["amends_http_connections"]} == {"listen",
                                                               "view"}
    with pytest.raises(urllib.error.HTTPError) as e:
        get(f"http://127.0.0.1:{listen}/metrics")
    assert e.value.code == 404


def test_every_metric_is_in_the_table_once(world, redis, producer):
    """HELP and TYPE stand once a metric, behind each other."""
    world.sink()
    _, port = start(world, redis)
    text = scrape(port).text
    helped = re.findall(r"^# HELP (\w+) ", text, re.M)
    assert helped == re.findall(r"^# TYPE (\w+) ", text, re.M)
    assert len(set(helped)) == len(helped)
    table = (ROOT / "lib/ops/metrics.c").read_text()
    assert set(helped) <= set(re.findall(r'"([a-z]+_\w+)"', table))


def test_op4_before_redis_was_ever_there(world):
    """A daemon that has never seen its Redis answers, and invents nothing."""
    _, port = start(world, "/nowhere/redis", start=False)
    world.processes[-1].start(wait=False)

    def up():
        try:
            return scrape(port)
        except OSError:
            return None
    m = wait_until(up)
    assert m("amends_redis_up") == 0 and m("amends_shard_owned",
                                           "complaints") == 0
    for name in ("sample_age_seconds", "redis_durability_class",
                 "complaints_open", "outbox_depth", "audit_clean"):
        assert f"amends_{name}" not in m.of
    assert promtool("check", "metrics", text=m.text).stdout == ""
