"""Texts and replies while Redis or strangers make trouble."""

import signal

from callers import Caller, dial, read_all, start
from harness import free_port, wait_until
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


def test_a_reload_while_it_ends_lets_nobody_in(world, redis):
    """SIGTERM, then SIGHUP with another address to listen on: the end goes
    on, and nothing is listened on anew."""
    daemon, port = start(world, redis)
    new = free_port()
    with dial(port) as half:
        half.sendall(b"POST /v1/callback/")  # has two seconds
        wait_until(lambda: daemon.status()["http"]["connections"] == 1)
        daemon.write_conf(daemon.conf.read_text().replace(
            f"127.0.0.1:{port}", f"127.0.0.1:{new}"))
        daemon.signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in daemon.text())
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: "reload " in daemon.text(), 2)
        read_all(half)
    assert daemon.proc.wait(20) == 0
    assert f"http address=127.0.0.1:{new}" not in daemon.text()
