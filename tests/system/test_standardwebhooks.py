"""FU2: the reference library of Standard Webhooks accepts every delivery."""

import shutil
from pathlib import Path

import pytest
from harness import wait_until

HERE = Path(__file__).resolve().parent


@pytest.mark.parametrize("program", ["receiver.py", "receiver.mjs"])
def test_every_delivery_verifies(world, redis, producer, program):
    if program.endswith(".mjs"):
        assert shutil.which("node"), "node is missing: make deps"
        assert (HERE / "node_modules/standardwebhooks").exists(), \
            "standardwebhooks is missing: make deps"
    receiver = world.start_receiver(program)
    world.daemon(redis)
    texts = [("en", "charged twice"), ("zh", "重复扣款,请尽快处理"),
             ("zh-CN", "\U0001f4a5 \"quoted\" \\ back, \u202e right to left"),
             ("fr", "é" * 500)]
    for i, (locale, summary) in enumerate(texts):
        producer.open(f"C-{i}", locale=locale, summary=summary,
                      category=["billing", "账单", "a\"b\\c", "ßø"][i])
    got = wait_until(lambda: len(receiver.requests()) >= 12 and
                     receiver.requests(), 30)
    assert all(r["verified"] for r in got), [
        r for r in got if not r["verified"]][:1]
    assert len({r["id"] for r in got}) == 12
