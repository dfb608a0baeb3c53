"""docs/producing.md as it stands: each command of it works."""

import json
import re
import subprocess

from harness import ROOT, free_port, wait_until

TEXT = (ROOT / "docs/producing.md").read_text()


def blocks(kind):
    return re.findall(rf"^```{kind}(?: ([\w-]+))?\n(.*?)^```", TEXT,
                      re.M | re.S)


def run(cmd, text, folder, port):
    p = subprocess.run(cmd, input=text.replace("8480", str(port)), text=True,
                       cwd=folder, capture_output=True, timeout=30)
    assert p.returncode == 0, (text, p.stderr)
    return p.stdout


def test_in2_the_guide_for_senders(world, redis):
    """IN2: every line of the guide is taken, by every scheme."""
    world.sink()
    port = free_port()
    shell = dict(blocks("sh"))
    run(["sh"], shell.pop("setup"), world.dir, port)
    (_, conf), = blocks("conf")
    daemon = world.daemon(redis, more=conf.replace(
        "8480", str(port)).replace("file:try/", f"file:{world.dir}/try/"))
    assert len(shell) == 7
    for name, text in shell.items():
        answer = json.loads(run(["bash"], text, world.dir, port))
        for event in answer.get("events", [answer]):
            assert event["duplicate"] is False, (name, answer)
    (_, python), = blocks("python")
    assert "'complaint': 'C-8'" in run(["python3"], python, world.dir, port)
    (_, js), = blocks("js")
    assert run(["node", "--input-type=module"], js, world.dir,
               port).startswith("202 ")
    rows = daemon.status()["http"]["events"]["producers"]
    assert {r["name"]: r["accepted"] for r in rows} == {
        "crm": 1, "shop": 5, "till": 1, "hub": 1, "pay": 1, "own": 1}
    wait_until(lambda: redis.applied() == redis.client.xlen("complaints"))
    assert daemon.find("C-8")["stage"] == "apologize"
