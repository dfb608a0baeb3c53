"""Receivers that answer 200 to everything and say only in the body whether
they took the message. FU13 for webhooks; FU3, FU4 where they meet it."""

import json

import pytest
from harness import wait_until
from sink import OK, answer
from test_delivery import ASK, FAST, delivered, row
from test_kill import settle

RULES = r"""
    success_when   = {"/errorCode == 0", "/data/*/status == \"0\""}
    permanent_when = {"/errorCode in 4013, 4014"}
    retry_when     = {"/data/*/status == 1"}
    throttle_when  = {"/errorCode == 130101 : 3s"}
"""


def says(code, *statuses, status=200, more=None):
    """Answer of a CRM: its word, and one for each part of the message."""
    body = {"errorCode": code, "data": [{"status": s} for s in statuses]}
    return answer(status, "content-type: application/json",
                  body=json.dumps({**body, **(more or {})}).encode())


GOOD = says(0, "0")


def start(world, redis, respond, more=""):
    sink = world.sink(respond)
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST + RULES + more)
    return sink, d


def tried(d, complaint="C-1"):
    """The attempt log of what waits for its next try."""
    r = row(d, complaint)
    return [(a["result"], a["status"], a["error"])
            for a in r["log"] if a["error"]] if r else []


def test_success_is_what_the_body_says(world, redis, producer):
    """Each of the rules, beside the 2xx; 0 and "0" are the same."""
    sink, d = start(world, redis, lambda r: says("0", 0, "0", status=202))
    producer.open("C-1")
    wait_until(lambda: delivered(redis, "C-1"))
    settle(d, redis)
    assert len(sink.requests) == 1 and d.rows("dead list") == []


def test_200_with_an_error_is_tried_again(world, redis, producer):
    """What was found is in the attempt log, and the same id goes again."""
    sink, d = start(world, redis,
                    lambda r: says(7, "0") if r.n == 0 else GOOD)
    producer.open("C-1")
    assert wait_until(lambda: tried(d))[0] == (
        "retry", 200, "/errorCode is 7, not 0")
    wait_until(lambda: delivered(redis, "C-1"))
    assert len({(r.id, r.body) for r in sink.requests}) == 1
    assert d.logged(r"followup_retry .*status=200 reason=body_failed ")


def test_a_rule_for_dead_at_once(world, redis, producer):
    """No second try, the reason with the dead letter."""
    sink, d = start(world, redis, lambda r: says(4013, "0"))
    producer.open("C-1")
    letter = wait_until(lambda: d.rows("dead list"))[0]
    assert letter["reason"] == "body_permanent" and letter["status"] == 200
    assert letter["attempts"] == len(sink.requests) == 1
    assert "/errorCode is 4013" in str(letter)


def test_a_rule_for_another_try_outweighs_success(world, redis, producer):
    """One part of many that was put off is enough."""
    sink, d = start(world, redis,
                    lambda r: says(0, "0", "1") if r.n == 0 else GOOD)
    producer.open("C-1")
    assert wait_until(lambda: tried(d)) == [
        ("retry", 200, "/data/*/status is \"1\"")]
    wait_until(lambda: delivered(redis, "C-1"))
    assert len(sink.requests) == 2


def test_a_throttle_keeps_the_whole_endpoint_quiet(world, redis, producer):
    """As after a 429: for as long as the rule says, and nobody is dead."""
    sink, d = start(world, redis,
                    lambda r: says(130101) if r.n == 0 else GOOD)
    producer.open("C-1")
    wait_until(lambda: len(sink.requests) == 1)
    producer.open("C-2")
    assert wait_until(lambda: tried(d))[0][2] == "/errorCode is 130101"
    wait_until(lambda: delivered(redis, "C-1") and delivered(redis, "C-2"))
    assert sink.requests[1].at - sink.requests[0].at >= 2.9
    assert d.rows("endpoints")[0]["breaker"] == "closed"


@pytest.mark.parametrize("odd,said", [
    (answer(200, body=b"<html>Under maintenance</html>"),
     "the body is not JSON"),
    (OK, "the body is empty"),
    (says(0, "0", more={"trace": "x" * 5120}),
     "the body is longer than max_response"),
    (says(0), "/data/*/status is missing"),
])
def test_an_answer_that_tells_nothing_is_uncertain(
        world, redis, producer, odd, said):
    """It may have been taken: the same id again, never a success."""
    sink, d = start(world, redis, lambda r: odd if r.n == 0 else GOOD)
    producer.open("C-1")
    assert wait_until(lambda: tried(d)) == [("uncertain", 200, said)]
    wait_until(lambda: delivered(redis, "C-1"))
    assert sink.requests[0].id == sink.requests[1].id


def test_5_kib_of_json_within_max_response(world, redis, producer):
    """The limit is the operator's, also above what is kept of an answer."""
    sink, d = start(world, redis,
                    lambda r: says(0, "0", more={"trace": "x" * 5120}),
                    '    max_response = "8KiB"')
    producer.open("C-1")
    wait_until(lambda: delivered(redis, "C-1"))
    settle(d, redis)
    assert len(sink.requests) == 1


def test_a_bad_status_may_say_more_in_its_body(world, redis, producer):
    """400 with a permanent code is dead; without one it is tried again."""
    sink, d = start(world, redis, lambda r: says(
        0 if r.n == 0 else 4014, "0", status=400))
    producer.open("C-1")
    letter = wait_until(lambda: d.rows("dead list"))[0]
    assert letter["reason"] == "body_permanent" and letter["status"] == 400
    assert len(sink.requests) == 2


def test_the_breaker_counts_them(world, redis, producer):
    """FU3: a receiver that says no in 200s is no healthier than one of 500s."""
    bad = [True]
    sink, d = start(world, redis, lambda r: says(7) if bad[0] else GOOD,
                    '    breaker_failures = 3')
    for i in range(3):
        producer.open(f"C-{i}")

    def crm():
        return d.rows("endpoints")[0]
    wait_until(lambda: crm()["breaker"] == "open")
    assert "body_failed" in str(crm())
    bad[0] = False
    assert d.ctl("endpoints", "reset", "crm")[0] == 0
    wait_until(lambda: all(delivered(redis, f"C-{i}") for i in range(3)))


def test_without_rules_2xx_alone_counts(world, redis, producer):
    sink = world.sink(lambda r: says(7))
    d = world.daemon(redis, loop=ASK, endpoint_more=FAST)
    producer.open("C-1")
    wait_until(lambda: delivered(redis, "C-1"))
    settle(d, redis)
    assert len(sink.requests) == 1
