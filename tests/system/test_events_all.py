"""IN6: late, shuffled and doubled events: each is applied by a rule, or refused
with a code. None is dropped silently."""

import json
import random
import re

import pytest
from harness import ROOT, STREAM, opened, wait_until

# The least that is valid of each, as docs/events.md has them.
FIELDS = {
    "complaint.opened": {k: v for k, v in opened("x").items()
                         if k not in ("event", "complaint_id")},
    "complaint.updated": {"severity": "grave"},
    "complaint.assigned": {"owner": "wang", "role": "owner"},
    "complaint.acknowledged": {"ttl": "30m"},
    "stage.completed": {"stage": "listen"},
    "stage.waived": {"stage": "apologize", "reason": "asked for",
                     "approver": "wang"},
    "complaint.held": {"reason": "waiting_customer"},
    "complaint.resumed": {},
    "deadline.extended": {"clock": "resolve", "by": "2h", "reason": "parts",
                          "approver": "wang"},
    "callback.attempted": {"outcome": "no_answer"},
    "customer.answered": {"verdict": "unsatisfied"},
    "customer.message": {"text": "any news?"},
    "complaint.reopened": {"reason": "it is back"},
    "complaint.withdrawn": {},
    "complaint.rejected": {"reason": "not ours"},
    "complaint.linked": {"kind": "incident", "target": "I-1"},
    "followup.receipt": {"followup_id": "a" * 26, "state": "delivered"},
    "contact.opted_out": {"address": "+8613800138000", "channel": "sms"},
    "contact.opted_in": {"address": "+8613800138000", "channel": "sms"},
    "improvement.recorded": {"category": "billing", "action": "a new form",
                             "date": "2026-11-01"},
    "customer.erased": {"customer.id": "K-1"},
}

# What brings a new complaint into a status.
WAYS = {
    "none": [],
    "open": ["complaint.opened"],
    "held": ["complaint.opened", "complaint.held"],
    "confirm": ["complaint.opened", ("stage.completed", "listen"),
                ("stage.completed", "apologize"),
                ("stage.completed", "resolve")],
    "closed": ["complaint.opened", "complaint.withdrawn"],
    "answered": ["complaint.opened", ("stage.completed", "listen"),
                 ("stage.completed", "apologize"),
                 ("stage.completed", "resolve"),
                 ("customer.answered", "satisfied")],
}


def fields_of(step):
    if isinstance(step, str):
        return step, FIELDS[step]
    name, what = step
    if name == "customer.answered":
        return name, {"verdict": what}
    more = {"root_cause": "a fault", "action": "mended"} \
        if what == "resolve" else {}
    return name, {"stage": what, **more}


class Sent:
    """Every event that was sent, and what became of it."""

    def __init__(self, redis, producer):
        self.redis, self.producer = redis, producer
        self.complaints = {}

    def send(self, complaint, name, fields, event_id=None):
        self.producer.n += 1
        event_id = event_id or f"E-{self.producer.n}"
        self.redis.client.xadd(STREAM, {
            "event": name, "complaint_id": complaint, "source": "test",
            "event_id": event_id, **fields})
        self.complaints.setdefault(complaint, []).append((event_id, name))

    def count(self):
        return sum(len(v) for v in self.complaints.values())

    def all_applied(self):
        # events that a step caused come behind those that were sent
        wait_until(lambda: self.redis.applied() >= self.count(), 60,
                   f"{self.count()} events applied")
        wait_until(lambda: self.redis.cursor()["id"] == self.redis.client
                   .xinfo_stream(STREAM)["last-generated-id"].decode(), 60)

    def fates(self, complaint):
        """{event_id: (verdict, code)} of the journal and of the rejects."""
        fates = {}
        for raw in self.redis.journal(complaint):
            line = json.loads(raw)
            if line["source"] == "test":
                assert line["event_id"] not in fates, "applied twice"
                fates[line["event_id"]] = (line["verdict"], line.get("code"))
        return fates

    def rejects(self):
        found = {}
        for _, e in self.redis.client.xrange(f"{{{STREAM}}}:rejects"):
            found.setdefault(e[b"f.event_id"].decode(), []).append(
                e[b"code"].decode())
        return found

    def erased(self, complaint):
        return any(b'{"n":"customer.erased"' in line
                   for line in self.redis.journal(complaint))

    def check(self):
        rejects = self.rejects()
        for complaint, events in self.complaints.items():
            fates = self.fates(complaint)
            for event_id, name in events:
                known = (event_id in fates) + (event_id in rejects)
                if known == 0 and self.erased(complaint):
                    continue  # AU6: a reject went with the person's data
                assert known == 1, \
                    f"{complaint} {name} {event_id}: {known} fates"
                verdict, code = fates.get(event_id, ("rejected", None))
                assert verdict != "ignored" or code, f"{name} without a code"
                assert all(rejects.get(event_id, ["x"]))
        return rejects


def test_in6_the_table_here_is_the_vocabulary():
    """What this file sends is all that there is."""
    text = (ROOT / "docs" / "events.md").read_text()
    names = set(re.findall(r"^## ([a-z]+\.[a-z_]+)$", text, re.M))
    assert set(FIELDS) <= names
    own = {"followup.ended", "followup.revived", "complaint.closed",
           "calendar.changed", "loop.migrated"}
    assert names - set(FIELDS) <= own


@pytest.mark.parametrize("way", WAYS)
def test_in6_every_event_in_every_status_has_a_fate(
        world, redis, producer, receiver, way):
    """IN6: every event, twice (again under its own id and under a new one),
    in this status: one fate each, and the shard goes on."""
    d = world.daemon(redis)
    sent = Sent(redis, producer)
    for i, (name, fields) in enumerate(FIELDS.items()):
        c = f"C-{i}"
        for step in WAYS[way]:
            sent.send(c, *fields_of(step))
        sent.send(c, name, fields)
        sent.send(c, name, fields)
    doubles = [(c, *events[-1]) for c, events in sent.complaints.items()]
    sent.all_applied()
    before = {c: len(sent.fates(c)) for c, _, _ in doubles}
    rejected = set(sent.rejects())
    for c, event_id, name in doubles:
        sent.send(c, name, FIELDS[name], event_id)
        sent.complaints[c].pop()
    wait_until(lambda: redis.applied() >= sent.count() + len(doubles))
    sent.check()
    for c, event_id, name in doubles:
        if event_id not in rejected:
            assert len(sent.fates(c)) == before[c], f"{name} twice"
        if redis.journal(c):
            assert d.rows(f"verify {c}")[0]["ok"], f"{name} in {way}"
    assert d.state() == "running"


def test_in6_shuffled_histories_have_a_fate_for_each_event(
        world, redis, producer, receiver):
    """IN6: whole histories in any order; what came before its opening is kept
    with the rejects, and a replay applies it."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rnd = random.Random(seed)
    d = world.daemon(redis)
    sent = Sent(redis, producer)
    for i in range(40):
        events = [fields_of(w) for w in WAYS["answered"]]
        events += [(n, FIELDS[n]) for n in rnd.sample(sorted(FIELDS), 6)]
        rnd.shuffle(events)
        for name, fields in events:
            sent.send(f"C-{i}", name, fields)
    sent.all_applied()
    rejects = sent.check()
    for i in range(40):
        assert redis.journal(f"C-{i}"), f"C-{i} was opened"
        assert d.rows(f"verify C-{i}")[0]["ok"], f"C-{i}, seed {seed}"
    early = [e for e, codes in rejects.items()
             if codes == ["unknown_complaint"]]
    assert early, "shuffled enough"
    d.rows("rejects replay --all")
    wait_until(lambda: not any("unknown_complaint" in codes
                               for codes in sent.rejects().values()), 30,
               "what came early has found its complaint")
    sent.check()
    assert d.state() == "running"
