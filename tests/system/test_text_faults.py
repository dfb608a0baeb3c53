"""Texts and replies while Redis or strangers make trouble."""

from callers import Caller, start
from harness import wait_until
from sink import answer
from test_callbacks import RECEIPT
from test_sms import PRE, Desk


def test_fault16_the_first_text_goes_while_redis_is_full(world, redis):
    """Fault 16: what is queued is claimed and sent, though the key under which
    numbers are known is not made yet and there is no memory for it."""
    desk = Desk(world, redis, 'retry = {"1s", "1s"}  on_uncertain = "retry"',
                via='{"sms"}')
    desk.gate.respond = lambda r: answer(503)
    desk.open()
    wait_until(lambda: len(desk.gate.sink.requests) == 1)
    wait_until(lambda: desk.daemon.logged("followup_retry|status=503"))
    assert desk.daemon.stop() == 0
    redis.client.delete(PRE + "contact:key")
    desk.gate.respond = None
    used = redis.client.info("memory")["used_memory"]
    redis.client.config_set("maxmemory", used - 100_000)
    desk.daemon.start(wait=False)
    wait_until(lambda: len(desk.gate.sink.requests) == 2, 15)
    assert len(redis.client.get(PRE + "contact:key")) == 64
    redis.client.config_set("maxmemory", 0)


def test_strangers_cannot_hide_what_redis_does_not_take(world, redis):
    """Wrong tokens are a line a second; that callbacks are not kept is said
    all the same."""
    daemon, port = start(world, redis)
    redis.kill9()
    wait_until(lambda: Caller(port, "aliyun", "wrong").json([]).status == 404)
    assert daemon.logged("callback_refused")
    assert Caller(port, "aliyun").json([RECEIPT]).status == 503
    wait_until(lambda: daemon.logged("callback_unwritten"), 1)
