"""/healthz and /readyz, which say what the verb `health` says, and where they
are served: apart from what strangers reach, and on unix sockets. OP4."""

import json
import os
import socket
import stat

import callers
import pytest
from callers import Answer, read_all, request
from harness import free_port, wait_until
from senders import opening


def get(port, path, method="GET", **headers):
    return request(port, path, method=method, headers=headers.items())


def by_unix(path, target="/healthz"):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(path))
        s.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        return Answer(read_all(s))


@pytest.fixture
def served(world, redis):
    return callers.start(world, redis)


def health(daemon):
    rows, end = daemon.ask("health")
    assert rows[0]["ready"] == (end["code"] == 0)
    return rows[0]


def reasons(port):
    """Of /readyz and of the verb: they are the same."""
    answer = get(port, "/readyz", Accept="application/json")
    said = json.loads(answer.body)
    assert answer.status == (200 if said["ready"] else 503)
    assert answer.one("content-type") == "application/json"
    assert said["ready"] == (said["reasons"] == [])
    return said["reasons"]


def test_ready_and_healthy_in_text_json_and_head(served):
    daemon, port = served
    daemon.wait_running()
    for path, text in (("/healthz", b"ok\n"), ("/readyz", b"ready\n")):
        answer = get(port, path)
        assert (answer.status, answer.body) == (200, text)
        assert answer.one("content-type") == "text/plain; charset=utf-8"
        assert answer.one("cache-control") == "no-store"
        head = get(port, path, method="HEAD")
        assert (head.status, head.body) == (200, b"")
        assert head.one("content-length") == str(len(text))
        assert get(port, path + "/").status == 404
        post = get(port, path, method="POST")
        assert post.status == 405 and "GET" in post.one("allow")
    # what browsers and `curl` accept gets text
    for accept in ("*/*", "text/html,application/json;q=0.5"):
        assert get(port, "/readyz", Accept=accept).body == b"ready\n"
    healthy = get(port, "/healthz", Accept="application/json")
    assert json.loads(healthy.body) == {"healthy": True}
    assert reasons(port) == []


def test_redis_away_is_healthy_and_not_ready(served, redis):
    """OP4: it answers at once, and says why."""
    daemon, port = served
    daemon.wait_running()
    redis.kill9()
    wait_until(lambda: get(port, "/readyz").status == 503, 15)
    answer = get(port, "/readyz")
    assert answer.one("retry-after") == "5"
    assert answer.body.startswith(b"not ready\n")
    assert b"shard complaints is degraded" in answer.body
    assert get(port, "/healthz").status == 200
    by_verb = health(daemon)
    assert not by_verb["ready"] and by_verb["healthy"]
    assert wait_until(lambda: reasons(port) ==
                      health(daemon)["reasons"])
    redis.client.connection_pool.disconnect()
    redis.start()
    wait_until(lambda: get(port, "/readyz").body == b"ready\n", 15)


def test_a_refused_configuration_is_a_reason(served):
    daemon, port = served
    daemon.wait_running()
    good = daemon.conf.read_text()
    daemon.write_conf(good + 'no_such_key = "s3cret"\n')
    assert daemon.ctl("reload")[0] != 0
    said = reasons(port)
    assert len(said) == 1 and "configuration was refused" in said[0]
    assert "s3cret" not in said[0]
    daemon.write_conf(good)
    assert daemon.ctl("reload")[0] == 0
    assert reasons(port) == []


def test_what_a_person_has_paused_is_ready_and_noted(served):
    daemon, port = served
    daemon.wait_running()
    assert daemon.ctl("pause", "delivery", "--reason", "x")[0] == 0
    answer = get(port, "/readyz")
    assert answer.status == 200
    assert answer.body.startswith(b"ready\ndelivery is paused since 20")
    assert reasons(port) == []
    assert daemon.ctl("resume", "delivery")[0] == 0
    assert get(port, "/readyz").body == b"ready\n"


PRODUCER = "the-token-of-the-shop"


@pytest.fixture
def shop(world, redis):
    """(daemon, port) that take events of a producer."""
    world.sink()
    port = free_port()
    token = world.secret("token", PRODUCER)
    daemon = world.daemon(redis, more=f"""
http {{
    listen = "127.0.0.1:{port}"
    producer "shop" {{ token = {{"file:{token}"}} }}
}}""")
    wait_until(lambda: get(port, "/readyz").status == 200)
    return daemon, port


def send(port):
    return request(port, "/v1/events", json.dumps(opening()).encode(),
                   headers=[("Authorization", f"Bearer {PRODUCER}"),
                            ("Content-Type", "application/json")])


def test_a_full_redis_is_a_reason_while_events_are_refused(shop, redis):
    """IN1: what a proxy must know, and that it is over, although no event
    comes meanwhile."""
    daemon, port = shop
    used = redis.client.info("memory")["used_memory"]
    redis.client.config_set("maxmemory", int(used * 1.1))
    wait_until(lambda: get(port, "/readyz").status == 503)
    assert reasons(port) == [
        "no events are taken by HTTP: Redis is over 85 % of its memory"]
    assert daemon.ctl("health")[0] == 1
    redis.client.config_set("maxmemory", 0)
    wait_until(lambda: get(port, "/readyz").status == 200)
    assert send(port).status == 202


def test_paused_intake_takes_no_events(shop):
    """OP3: as `pause intake` promises; nothing is lost, producers send it
    again."""
    daemon, port = shop
    assert daemon.ctl("pause", "intake", "--reason", "x")[0] == 0
    answer = send(port)
    assert answer.status == 503 and answer.one("retry-after")
    assert b"paused" in answer.body
    assert reasons(port) == ["no events are taken by HTTP: intake is paused"]
    assert daemon.ctl("resume", "intake")[0] == 0
    assert reasons(port) == []
    assert send(port).status == 202


def test_a_standby_is_ready(world, redis, served):
    """OR1: two daemons, one runs, the other may take over."""
    served[0].wait_running()
    port = free_port()
    standby = world.daemon(redis, instance="t2", start=False,
                           more=callers.conf(world, port))
    standby.start(wait=False)
    wait_until(lambda: standby.state() == "standby")
    assert get(port, "/readyz").status == 200


def test_operators_pages_move_to_view(world, redis):
    view = free_port()
    daemon, port = callers.start(world, redis,
                                 http_more=f'view = "127.0.0.1:{view}"')
    daemon.wait_running()
    for path in ("/healthz", "/readyz"):
        assert get(view, path).status == 200
        assert get(port, path).status == 404
    caller = callers.Caller(port, "aliyun")
    assert caller.json([{"biz_id": "b", "success": True}]).status == 200
    caller.port = view
    assert caller.json([{"biz_id": "b", "success": True}]).status == 404
    # and back to where all is
    daemon.write_conf(daemon.conf.read_text().replace(
        f'view = "127.0.0.1:{view}"', ""))
    assert daemon.ctl("reload")[0] == 0
    assert get(port, "/healthz").status == 200
    with pytest.raises(OSError):
        get(view, "/healthz")


def test_unix_sockets(world, redis):
    """A proxy on the same machine needs no port: mode, a file that a killed
    daemon left, a move at a reload, nothing left at the end."""
    world.sink()
    old, new = world.dir / "http.sock", world.dir / "view.sock"
    daemon = world.daemon(redis, start=False,
                          more=f'http {{ listen = "unix://{old}" }}\n')
    daemon.start()
    daemon.wait_running()
    assert by_unix(old).body == b"ok\n"
    assert stat.S_IMODE(os.stat(old).st_mode) == 0o660
    assert daemon.status()["http"]["listen"] == f"unix://{old}"
    daemon.kill9()
    assert old.is_socket()
    daemon.start()
    daemon.wait_running()
    assert by_unix(old).status == 200
    # one address says no limit a client: the proxy is all of them
    held = []
    for _ in range(40):
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(old))
        held.append(s)
    assert by_unix(old).status == 200
    for s in held:
        s.close()
    text = daemon.conf.read_text()
    daemon.write_conf(text.replace(
        f'"unix://{old}"', f'"unix:{old}"  view = "unix:{new}"'))
    # the same file by another name answers: it is not taken away
    status, out, err = daemon.ctl("reload")
    assert status != 0 and "http.listen" in out + err
    assert by_unix(old).status == 200
    daemon.write_conf(text.replace(
        f'"unix://{old}"', f'"127.0.0.1:{free_port()}"  view = "unix:{new}"'))
    assert daemon.ctl("reload")[0] == 0
    assert by_unix(new).status == 200 and not old.exists()
    assert daemon.stop() == 0
    assert not new.exists()


def test_a_socket_of_another_daemon_is_left_alone(world, redis):
    world.sink()
    path = world.dir / "http.sock"
    first = world.daemon(redis, more=f'http {{ listen = "unix://{path}" }}\n')
    second = world.daemon(redis, instance="t2", start=False,
                          more=f'http {{ listen = "unix://{path}" }}\n')
    second.start(wait=False)
    wait_until(lambda: not second.alive(), 15)
    assert "another daemon answers" in second.text()
    assert "http.listen" in second.text()
    assert by_unix(path).status == 200 and first.alive()


def test_places_follow_a_reload(world, redis):
    """http.connections: how many at once, from the next one on."""
    daemon, port = callers.start(world, redis,
                                 http_more="connections = 400")
    held = [callers.dial(port) for _ in range(50)]
    wait_until(lambda: daemon.status()["http"]["connections"] == 50)
    assert get(port, "/healthz").status == 200
    daemon.write_conf(daemon.conf.read_text().replace("400", "16"))
    assert daemon.ctl("reload")[0] == 0
    for s in held:
        s.close()
    wait_until(lambda: daemon.status()["http"]["connections"] == 0)
    held = [callers.dial(port) for _ in range(30)]  # a quarter is 4
    wait_until(lambda: daemon.status()["http"]["shed"] >= 26)
    assert daemon.status()["http"]["connections"] == 4
    for s in held:
        s.close()
