"""Debian's Prometheus and Alertmanager, for real: they scrape, they judge by
the rules that we ship, and what they tell comes back as a complaint."""

import json
import re

from harness import LOOP, ROOT, SECRET, free_port, wait_until
from monitors import Alertmanager, Prometheus, promtool, scrape
from sink import answer

RULES = ROOT / "conf" / "prometheus" / "amends.rules.yml"
QUIET = LOOP.replace('budget = "2s"', 'budget = "8h"')
FAST = 'timeout = "2s"\n    retry = {"0s"}'

CONF = """
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: ["{rules}"]
alerting:
  alertmanagers:
    - static_configs: [{{ targets: ["127.0.0.1:{alertmanager}"] }}]
scrape_configs:
  - job_name: amends
    static_configs: [{{ targets: ["127.0.0.1:{port}"] }}]
"""
ALERTS = """
route:
  receiver: amends
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: amends
    webhook_configs:
      - url: http://127.0.0.1:{port}/v1/events
        send_resolved: true
        http_config:
          authorization: {{ credentials_file: "{token}" }}
"""


def test_rules_are_rules_and_fire_on_what_they_say():
    """promtool check rules, promtool test rules; every alert is tested, says
    what to do and how bad it is, and asks for metrics that there are."""
    checked = promtool("check", "rules", RULES)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tests = RULES.with_name("amends.rules_test.yml")
    tested = promtool("test", "rules", tests)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    text, table = RULES.read_text(), (ROOT / "lib/ops/metrics.c").read_text()
    alerts = re.findall(r"- alert: (\w+)", text)
    assert len(alerts) == len(set(alerts)) == text.count("severity: ") \
        == text.count("description: ") == text.count("summary: ")
    tested = tests.read_text()
    assert [a for a in alerts if f'alertname="{a}"' not in tested] == []
    known = set(re.findall(r'"(amends_\w+)"', table))
    used = set(re.findall(r"\bamends_[a-z_]+", "\n".join(
        line for line in text.splitlines() if "expr:" in line)))
    assert {re.sub("_bucket$", "", u) for u in used} <= known


def test_the_example_of_a_scrape_is_good(tmp_path):
    """promtool check config, with the rules where they are here."""
    example = (RULES.parent / "prometheus.yml").read_text()
    (tmp_path / "p.yml").write_text(example.replace(
        "/usr/share/amends/prometheus/amends.rules.yml", str(RULES)))
    checked = promtool("check", "config", tmp_path / "p.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def expressions(dashboard):
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def test_prometheus_scrapes_fires_and_a_complaint_is_opened(world, redis,
                                                           producer):
    """The whole circle. An alert of the rules that we ship, evaluated by
    Prometheus on what it scraped, goes by Alertmanager and the mapping that
    we ship to POST /v1/events, and stands as a complaint; when it is over,
    the complaint is withdrawn. All queries of the dashboard find what there
    is."""
    broken = [True]
    world.sink(lambda r: answer(410) if broken[0] else answer(200))
    token = world.secret("alertmanager.token", "a-token-of-24-characters")
    mapping = (ROOT / "conf/producers/alertmanager.conf").read_text().replace(
        "/etc/amends/alertmanager.token", str(token))
    port = free_port()
    d = world.daemon(
        redis, endpoint_more=FAST,
        more=f'http {{ listen = "127.0.0.1:{port}"\n{mapping} }}',
        loop=QUIET + """
loop "quick" {
    stage "listen" {
        budget = "1s"
        rung "lapse" { at = "100%" to = "owner" via = {"crm"} }
    }
    stage "confirm" { kind = "confirm"  budget = "1h"  reopen_to = "listen" }
}
""")
    am = world.add(Alertmanager(world, ALERTS.format(
        port=port, token=token))).start()
    # as shipped, but nobody waits for minutes here
    rules = world.dir / "rules.yml"
    rules.write_text(re.sub(r"\bfor: \w+", "for: 0s", RULES.read_text()))
    p = world.add(Prometheus(world, CONF.format(
        rules=rules, port=port, alertmanager=am.port))).start()
    wait_until(lambda: p.query("amends_redis_up == 1"), 20)
    producer.open("C-1", loop="quick")  # its lapse meets a 410
    wait_until(lambda: p.query('amends_endpoint_state{state="disabled"} == 1'),
               30)
    wait_until(lambda: "AmendsEndpointDisabled" in p.firing(), 20)

    def complaint():
        return [r for r in d.rows("list")
                if r["id"].startswith("AM-") and r["status"] == "open"]
    opened = wait_until(complaint, 30)[0]
    shown = d.find(opened["id"])
    assert shown["category"] == "AmendsEndpointDisabled"
    check_dashboard(p)
    broken[0] = False
    assert d.ctl("endpoints", "enable", "crm")[0] == 0
    wait_until(lambda: d.find(opened["id"])["status"] == "closed", 30)
    m = wait_until(lambda: [s for s in [scrape(port)] if s(
        "amends_intake_events_total", "alertmanager", "accepted") == 2])[0]
    assert m("amends_followups_total", "webhook", "crm", "delivered") >= 1
    up = p.query('up{job="amends"}')
    assert [v for _, v in up] == [1.0]


def check_dashboard(p):
    """Each query parses, and what is measured at all gives a sample."""
    dashboard = json.loads((ROOT / "conf/grafana/amends.json").read_text())
    assert dashboard["schemaVersion"] >= 36 and dashboard["uid"] == "amends"
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) > 20
    found = 0
    for title, expr in expressions(dashboard):
        for name, value in (("$job", "amends"), ("$loop", ".*"),
                            ("$__rate_interval", "1m")):
            expr = expr.replace(name, value)
        assert "$" not in expr, title
        found += bool(p.query(expr))  # an error of syntax is a 400
    assert found >= 20
