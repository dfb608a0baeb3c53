"""Does what Redis holds agree with what was produced and what was received?

load() takes everything a shard has in Redis; check() is pure and gives one
line per broken invariant (proof.md: I1, I3, I4, I5, I6, I7, I8, and the chain
and numbering of the journals). It shares no code with the daemon.
"""

import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field

ENDS = {"followup.delivered", "followup.dead", "followup.suppressed",
        "followup.expired", "followup.unknown"}
FIRINGS = {"deadline.missed", "deadline.warned", "escalation.raised",
           "confirmation.requested"}
ZEROS = "0" * 32


@dataclass
class History:
    journals: dict = field(default_factory=dict)  # id -> list of raw lines
    feed: list = field(default_factory=list)      # dicts
    dead: list = field(default_factory=list)
    rejects: list = field(default_factory=list)
    cursor: dict = field(default_factory=dict)
    added: int = 0        # entries that were ever put on the stream
    outbox: list = field(default_factory=list)    # follow-up ids
    rows: list = field(default_factory=list)      # ids of {s}:fu:
    bodies: list = field(default_factory=list)    # ids of {s}:body:


@dataclass
class Delivery:
    """One request that a receiver answered with success, or not."""
    id: str
    body: bytes
    ok: bool = True
    at_ms: int = 0


def text(pairs):
    return {k.decode(): v.decode("utf-8", "replace")
            for k, v in pairs.items()}


def load(client, stream):
    p = f"{{{stream}}}:"

    def names(kind):
        return [k.decode()[len(p + kind) + 1:]
                for k in client.scan_iter(f"{p}{kind}:*", count=5000)]

    def entries(key):
        return [text(e) for _, e in client.xrange(p + key)]

    h = History()
    ids = names("log")
    for at in range(0, len(ids), 500):
        pipe = client.pipeline(transaction=False)
        for i in ids[at:at + 500]:
            pipe.lrange(f"{p}log:{i}", 0, -1)
        h.journals.update(zip(ids[at:at + 500], pipe.execute()))
    h.feed, h.dead, h.rejects = map(entries, ("feed", "dead", "rejects"))
    h.cursor = text(client.hgetall(p + "cursor"))
    if client.exists(stream):
        h.added = client.xinfo_stream(stream, full=False).get(
            "entries-added", 0) or 0
    for endpoint in client.smembers(p + "outs"):
        h.outbox += [m.decode() for m in client.zrange(
            f"{p}out:{endpoint.decode()}", 0, -1)]
    h.rows, h.bodies = names("fu"), names("body")
    return h


# ---- one journal ----

def chain(complaint, lines):
    """Numbering and hashes, recomputed from the bytes."""
    wrong, prev = [], ZEROS
    for n, raw in enumerate(lines, 1):
        head, _, tail = raw.rpartition(b',"h":')
        line = json.loads(raw)
        want = hashlib.sha256(head).digest()[:16].hex()
        if line["seq"] != n:
            wrong.append(f"chain: {complaint} line {n} says seq {line['seq']}")
        if line["prev"] != prev:
            wrong.append(f"chain: {complaint} seq {n} does not follow the "
                         "line before it")
        if line["h"] != want:
            wrong.append(f"chain: {complaint} seq {n} was changed")
        if not line.get("do") and line.get("verdict") == "applied":
            wrong.append(f"chain: {complaint} seq {n} did nothing")
        prev = line["h"]
    return wrong


def followup_notes(lines):
    """(follow-up id, note) of one journal, in order."""
    for raw in lines:
        for note in json.loads(raw).get("do", ()):
            if note["n"] == "followup.queued" or note["n"] in ENDS:
                yield note["followup"], note


def lives(h):
    """Per follow-up id the notes of its life, and what is wrong with it:
    queued, ended, and perhaps revived from the dead and ended again."""
    notes, wrong = defaultdict(list), []
    for lines in h.journals.values():
        for fu, note in followup_notes(lines):
            notes[fu].append(note)
    for fu, life in notes.items():
        waiting = False
        for i, note in enumerate(life):
            queued = note["n"] == "followup.queued"
            if queued and (waiting or (
                    i > 0 and note.get("reason") != "revived")):
                wrong.append(f"I3: follow-up {fu} was queued twice")
            elif not queued and not waiting and not (
                    i == 0 and note["n"] == "followup.dead"):
                wrong.append(f"I4: follow-up {fu} ended without being queued")
            waiting = queued
        if waiting:
            wrong.append(f"I4: follow-up {fu} never ended")
    return notes, wrong


def lapses(complaint, lines):
    """I3: a rung of one run of one clock fires once."""
    seen = Counter()
    for raw in lines:
        for note in json.loads(raw).get("do", ()):
            if note["n"] in FIRINGS:
                seen[note["n"], note.get("clock"), note.get("rung"),
                     note.get("due_at")] += 1
    return [f"I3: {complaint} {key} fired {n} times"
            for key, n in seen.items() if n > 1]


# ---- all of it ----

def intake(h, produced):
    """I1: each accepted event is applied or rejected, once."""
    wrong = []
    applied = Counter()
    for complaint, lines in h.journals.items():
        for raw in lines:
            line = json.loads(raw)
            if line.get("source") not in ("engine", None) and \
                    line.get("event_id"):
                applied[line["source"], line["event_id"]] += 1
    rejected = Counter(
        (r.get("f.source", "stream"), r.get("f.event_id", r.get("id")))
        for r in h.rejects)
    for source, event_id in {
            (e.get("source", "stream"), e.get("event_id")) for e in produced}:
        n = applied[source, event_id] + rejected[source, event_id]
        if n != 1:
            wrong.append(f"I1: event {event_id} was taken {n} times "
                         f"({applied[source, event_id]} applied, "
                         f"{rejected[source, event_id]} rejected)")
    taken = int(h.cursor.get("applied", 0)) + int(h.cursor.get("lost", 0))
    if h.added and taken != h.added:
        wrong.append(f"I1: the cursor counts {taken} entries, "
                     f"the stream had {h.added}")
    return wrong


def followups(h, deliveries):
    """I4, I5: every id ends once; receivers saw those ids and no other, with
    the same bytes every time; what is dead lies with the dead letters."""
    notes, wrong = lives(h)
    for kind in ("outbox", "rows", "bodies"):
        left = set(getattr(h, kind))
        if kind == "bodies":
            left -= {d["id"] for d in h.dead}
        if left:
            wrong.append(f"I4: {len(left)} left in {kind}, {min(left)} one")
    bodies, carriers = {}, {n["digest"] for life in notes.values()
                            for n in life if n.get("digest")}
    for d in deliveries:
        digest = hashlib.sha256(d.body).hexdigest()
        if d.id not in notes and d.id not in carriers:
            wrong.append(f"I5: {d.id} was received but is in no journal")
        if bodies.setdefault(d.id, digest) != digest:
            wrong.append(f"I5: {d.id} was received with other bytes")
    arrived = {d.id for d in deliveries if d.ok}
    letters = Counter(d["id"] for d in h.dead)
    for fu, life in notes.items():
        end = life[-1]["n"]
        by = life[-1].get("digest") or fu
        if deliveries and end == "followup.delivered" and by not in arrived:
            wrong.append(f"I5: {fu} counts as delivered, nobody received it")
        if letters.pop(fu, 0) != (end == "followup.dead"):
            wrong.append(f"I4: {fu} ended by {end}, which does not fit the "
                         "dead letters")
    return wrong + [f"I4: dead letter {fu} is in no journal" for fu in letters]


def early(deliveries):
    wrong = []
    for d in deliveries:
        f = json.loads(d.body)["data"]["followup"]
        if f["due_at"] and f["fired_at"] < f["due_at"]:
            wrong.append(f"I6: {d.id} fired at {f['fired_at']}, "
                         f"due at {f['due_at']}")
    return wrong


def writers(h):
    """I7: two writers of one shard would number the same thing twice."""
    seen = Counter((f.get("complaint"), json.loads(f["line"]).get("seq"))
                   for f in h.feed)
    return [f"I7: feed has {key} {n} times" for key, n in seen.items()
            if n > 1]


def check(h, produced=(), deliveries=()):
    wrong = []
    for complaint, lines in h.journals.items():
        wrong += chain(complaint, lines)
        wrong += lapses(complaint, lines)
    wrong += intake(h, produced)
    wrong += followups(h, deliveries)
    wrong += early(deliveries)
    wrong += writers(h)
    return wrong
