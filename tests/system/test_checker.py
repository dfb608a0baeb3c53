"""The checker must be able to fail: good histories pass, broken ones do not."""

import copy
import hashlib
import json

import pytest
from checker import ZEROS, Delivery, History, check

BODY = json.dumps({"data": {"followup": {
    "due_at": "2026-01-01T00:00:01.000Z",
    "fired_at": "2026-01-01T00:00:01.004Z"}}}).encode()


def sealed(lines):
    """Lines with numbers and chain, as the core writes them."""
    out, prev = [], ZEROS
    for n, line in enumerate(lines, 1):
        head = json.dumps({"seq": n, **line, "prev": prev},
                          separators=(",", ":"))[:-1].encode()
        prev = hashlib.sha256(head).digest()[:16].hex()
        out.append(head + f',"h":"{prev}"}}'.encode())
    return out


def line(event, event_id, *notes, source="test"):
    return {"event": event, "source": source, "event_id": event_id,
            "verdict": "applied", "do": list(notes) or [{"n": "noted"}]}


LINES = [
    line("complaint.opened", "E-1", {"n": "complaint.opened"}),
    line("wake", "w", {"n": "deadline.missed", "clock": "listen", "due_at": 5},
         {"n": "followup.queued", "followup": "f1"}, source="engine"),
    line("followup.ended", "x", {"n": "followup.delivered", "followup": "f1"},
         source="engine"),
]


@pytest.fixture
def good():
    h = History(journals={"C-1": sealed(LINES)},
                cursor={"applied": "2", "lost": "0"}, added=2,
                rejects=[{"f.source": "test", "f.event_id": "E-2"}],
                feed=[{"complaint": "C-1", "line": '{"seq":1}'},
                      {"complaint": "C-1", "line": '{"seq":2}'}])
    produced = [{"source": "test", "event_id": "E-1"},
                {"source": "test", "event_id": "E-2"}]
    return h, produced, [Delivery("f1", BODY)]


def relined(h, lines):
    h = copy.deepcopy(h)
    h.journals["C-1"] = sealed(lines)
    return h


def found(wrong, mark):
    assert any(w.startswith(mark) for w in wrong), wrong


def test_a_good_history_passes(good):
    assert check(*good) == []


def test_a_lost_event_is_found(good):
    h, produced, got = good
    found(check(h, [*produced, {"source": "test", "event_id": "E-3"}], got),
          "I1")


def test_an_event_applied_twice_is_found(good):
    h, produced, got = good
    found(check(relined(h, [*LINES, LINES[0]]), produced, got), "I1")


def test_an_uncounted_entry_is_found(good):
    h, produced, got = good
    h.added = 3
    found(check(h, produced, got), "I1")


def test_a_rung_that_fires_twice_is_found(good):
    h, produced, got = good
    again = line("wake", "w2", LINES[1]["do"][0], source="engine")
    found(check(relined(h, [*LINES, again]), produced, got), "I3")


def test_a_followup_without_end_is_found(good):
    h, produced, got = good
    found(check(relined(h, LINES[:2]), produced, got), "I4")


def test_a_followup_that_ends_twice_is_found(good):
    h, produced, got = good
    found(check(relined(h, [*LINES, LINES[2]]), produced, got), "I4")


def test_a_dead_one_may_be_revived_once(good):
    h, produced, got = good
    dead = line("followup.ended", "d", {"n": "followup.dead",
                                        "followup": "f1"}, source="engine")
    again = line("followup.revived", "r", {
        "n": "followup.queued", "followup": "f1", "reason": "revived"},
        source="engine")
    assert check(relined(h, [*LINES[:2], dead, again, LINES[2]]), produced,
                 got) == []
    found(check(relined(h, [*LINES[:2], dead]), produced, got), "I4")


def test_a_row_left_over_is_found(good):
    h, produced, got = good
    h.outbox.append("f1")
    found(check(h, produced, got), "I4")


def test_a_dead_letter_without_a_line_is_found(good):
    h, produced, got = good
    h.dead.append({"id": "f1"})
    found(check(h, produced, got), "I4")


def test_an_unknown_delivery_is_found(good):
    h, produced, got = good
    found(check(h, produced, [*got, Delivery("f9", BODY)]), "I5")


def test_other_bytes_under_one_id_are_found(good):
    h, produced, got = good
    found(check(h, produced, [*got, Delivery("f1", BODY + b" ")]), "I5")


def test_a_delivery_nobody_received_is_found(good):
    h, produced, _ = good
    found(check(h, produced, [Delivery("f1", BODY, ok=False)]), "I5")


def test_an_early_firing_is_found(good):
    h, produced, _ = good
    early = BODY.replace(b"01.004Z", b"00.900Z")
    found(check(h, produced, [Delivery("f1", early)]), "I6")


def test_two_writers_are_found(good):
    h, produced, got = good
    h.feed.append(h.feed[0])
    found(check(h, produced, got), "I7")


@pytest.mark.parametrize("edit", [
    lambda ls: [ls[0].replace(b"E-1", b"E-8"), *ls[1:]],  # an edited line
    lambda ls: ls[1:],                                    # one cut off
    lambda ls: [ls[0], ls[2], ls[1]],                     # two swapped
])
def test_a_journal_that_was_touched_is_found(good, edit):
    h, produced, got = good
    h.journals["C-1"] = edit(h.journals["C-1"])
    found(check(h, produced, got), "chain")
