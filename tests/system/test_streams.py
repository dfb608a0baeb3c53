"""Several streams: every way in takes a complaint's events to the same one."""

import hashlib
import json

from callers import Answer, raw
from harness import free_port, wait_until

STREAMS = ("complaints.0", "complaints.1", "complaints.2")
TOKEN = "0123456789abcdef0123"


def stream_of(cid):
    """As docs/producing.md tells those who write to the streams."""
    first = hashlib.sha256(cid.encode()).digest()[:8]
    return STREAMS[int.from_bytes(first, "big") % len(STREAMS)]


def test_in2_http_the_operator_and_a_direct_writer_agree(world, redis):
    """IN2: opened by one, gone on with by the others, none of it rejected."""
    world.sink()
    port = free_port()
    token = world.secret("crm.token", TOKEN)
    daemon = world.daemon(
        redis, streams=STREAMS, more=f'http {{ listen = "127.0.0.1:{port}" '
        f'producer "crm" {{ token = "file:{token}" }} }}')

    def post(**event):
        body = json.dumps(event).encode()
        a = Answer(raw(port, (
            "POST /v1/events HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {TOKEN}\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body))
        assert a.status == 202, a
        return json.loads(a.body)

    ids = [f"C-{i}" for i in range(18)]
    opening = {"category": "billing", "summary": "x",
               "customer.phone": "+8613800138000"}
    for i, cid in enumerate(ids):
        if i % 3 == 0:
            said = post(event="complaint.opened", event_id=f"o{i}",
                        complaint_id=cid, **opening)
            assert said["stream"] == stream_of(cid)
        elif i % 3 == 1:
            words = " ".join(f'{k}="{v}"' for k, v in opening.items())
            row = daemon.rows(
                f"emit complaint.opened complaint_id={cid} {words}")[0]
            assert row["shard"] == stream_of(cid)
        else:
            redis.client.xadd(stream_of(cid), {
                "event": "complaint.opened", "complaint_id": cid, **opening})
    for i, cid in enumerate(ids):
        wait_until(lambda: daemon.find(cid))
        assert daemon.find(cid)["shard"] == stream_of(cid)
        post(event="stage.completed", event_id=f"s{i}", complaint_id=cid,
             stage="listen")
        daemon.rows(f"emit stage.completed complaint_id={cid} stage=apologize")
    wait_until(lambda: all(
        daemon.find(c)["stage"] == "resolve" for c in ids))
    assert {stream_of(c) for c in ids} == set(STREAMS)
    assert daemon.rows("rejects list") == []
