"""FU5, FU6, FU7: receipts, replies and opt-outs find their complaint.

What a provider tells stands on the stream as the listener for callbacks writes
it. What amends knows of a number is written here by hand, so that each test
says what was asked and when."""

import hashlib
import hmac
import json
import time

import pytest
from callers import conf, endpoint
from harness import STREAM, event, free_port, opened, wait_until

SECRET = bytes(range(32))
PHONE = "+8613800138000"
OTHER = "+447700900123"
NOBODY = "+15005550009"
PRE = f"{{{STREAM}}}:"
REPLIES = 'replies { window = "7d" }'


def now():
    return int(time.time() * 1000)


class Desk:
    """One daemon, its complaints and the numbers of their customers."""

    def __init__(self, world, redis, producer, more="", **kw):
        self.world, self.redis, self.producer = world, redis, producer
        self.sink = world.sink()
        redis.client.set(PRE + "contact:key", SECRET.hex())
        self.daemon = world.daemon(redis, more=more, **kw)
        self.n = 0

    # ---- complaints ----

    def confirm(self, complaint, phone=PHONE):
        """Open, work, and have the customer asked: the question's id."""
        self.producer.open(complaint, **{"customer.phone": phone})
        for stage in ("listen", "apologize"):
            self.producer.emit("stage.completed", complaint, stage=stage)
        self.producer.emit("stage.completed", complaint, stage="resolve",
                           root_cause="reader", action="replaced")
        self.applied()
        return self.question(complaint)

    def applied(self):
        wait_until(lambda: self.redis.applied() ==
                   self.redis.client.xinfo_stream(STREAM)["entries-added"],
                   what="every entry is applied")

    def lines(self, complaint):
        """Its journal, without what happened to be on the wire."""
        lines = [json.loads(line) for line in self.redis.journal(complaint)]
        for line in lines:
            line["in"].pop("@in_flight", None)
        return lines

    def last(self, complaint):
        """The latest line of what was told: no wake-up, no delivery."""
        return [line for line in self.lines(complaint) if line["event"]
                not in ("followup.ended", "wake")][-1]

    def question(self, complaint):
        return [n["followup"] for line in self.lines(complaint)
                for n in line["do"] if n["n"] == "followup.queued"
                and n["to"] == "customer"][-1]

    def state(self, complaint):
        row = self.daemon.find(complaint)
        return row["status"], row["stage"]

    def pii(self, complaint):
        return {k.decode(): v.decode() for k, v in self.redis.client.hgetall(
            f"{PRE}pii:{complaint}").items()}

    # ---- numbers ----

    def contact(self, phone=PHONE):
        name = hmac.new(SECRET, phone.encode(), hashlib.sha256).hexdigest()
        return f"{PRE}contact:{name[:32]}"

    def asked(self, *questions, phone=PHONE, at=None):
        """These, (complaint, follow-up), went to the number; newest first."""
        at = at or now()
        self.redis.client.hset(self.contact(phone), mapping={
            "q": " ".join(f"{at - i} {c} {fu}"
                          for i, (c, fu) in enumerate(questions)),
            "last": questions[0][0]})

    def out(self, phone=PHONE):
        """The word by which the number is opted out; None: it is not."""
        said = self.redis.client.hget(self.contact(phone), "out")
        return said.decode().split(" ", 1)[1] if said else None

    # ---- what the listener for callbacks writes ----

    def write(self, text, phone=PHONE, wait=True, **more):
        self.n += 1
        fields = {"event": "customer.message", "source": "sms",
                  "event_id": f"SM{self.n}", "endpoint": "sms", "via": "sms",
                  "customer.phone": phone, "text": text, **more}
        self.redis.client.xadd(STREAM, fields)
        if wait:
            self.applied()

    def receipt(self, state, wait=True, **more):
        self.n += 1
        self.redis.client.xadd(STREAM, {
            "event": "followup.receipt", "source": "sms",
            "event_id": f"R{self.n}:{state}", "endpoint": "sms",
            "state": state, **more})
        if wait:
            self.applied()

    def counts(self):
        return self.daemon.status()["events"]

    def verified(self, *complaints):
        for c in complaints:
            assert self.daemon.rows(f"verify {c}")[0]["ok"], c


@pytest.fixture
def desk(world, redis, producer):
    return Desk(world, redis, producer, REPLIES)


def notes(line):
    return [n["n"] for n in line["do"]]


def said(line, note, key):
    return next(n.get(key) for n in line["do"] if n["n"] == note)


# ---- FU6 ----

@pytest.mark.parametrize("text,verdict,status", [
    ("1", "satisfied", "closed"), (" １。", "satisfied", "closed"),
    ("YES!", "satisfied", "closed"), ("已解决", "satisfied", "closed"),
    ("2", "unsatisfied", "open"), ("No.", "unsatisfied", "open"),
    ("未解决", "unsatisfied", "open")])
def test_fu6_reply_of_a_word_is_the_answer(desk, text, verdict, status):
    """FU6: a reply 1, 2 or a listed word becomes customer.answered for the
    question, and its text stays out of the journal."""
    fu = desk.confirm("C-1")
    desk.asked(("C-1", fu))
    desk.write(text)
    line = desk.last("C-1")
    assert line["event"] == "customer.answered"
    assert line["in"] == {"verdict": verdict, "via": "sms",
                          "followup_id": fu}
    assert desk.daemon.find("C-1")["status"] == status
    assert desk.pii("C-1")["SM1:comment"] == text
    if verdict == "unsatisfied":
        assert desk.state("C-1") == ("open", "resolve")
    desk.verified("C-1")


def test_fu6_newest_open_question_of_a_number_is_meant(desk):
    """FU6: two complaints of one number; each reply answers the newest
    question that is open, and behind the last a reply takes that one back."""
    one, two = desk.confirm("C-1"), desk.confirm("C-2")
    desk.asked(("C-2", two), ("C-1", one))
    desk.write("1")
    assert desk.state("C-2")[0] == "closed" and desk.state("C-1")[0] == "open"
    desk.write("1")
    assert desk.state("C-1")[0] == "closed"
    desk.write("2")
    assert desk.state("C-2") == ("open", "resolve")
    assert desk.last("C-2")["in"]["followup_id"] == two
    # it has gone on: the next word is about the one that is closed
    desk.write("2")
    assert desk.state("C-1") == ("open", "resolve")
    desk.write("2")  # nobody is asked: a letter about what went out last
    assert desk.last("C-2")["event"] == "customer.message"
    assert "reply" not in desk.last("C-2")["in"]
    desk.verified("C-1", "C-2")


def test_fu6_a_number_that_was_wrong_closes_nothing(desk):
    """FU6: the question went to a wrong number, which was put right since, also
    in the same batch: what comes from there is a message for a person."""
    desk.asked(("C-1", desk.confirm("C-1")))
    assert desk.daemon.stop() == 0
    desk.producer.emit("complaint.updated", "C-1",
                       **{"customer.phone": OTHER})
    desk.write("1", wait=False)
    desk.daemon.start()
    desk.applied()
    desk.write("2")
    assert desk.state("C-1") == ("open", "callback-confirm")
    assert desk.last("C-1")["event"] == "customer.message"
    assert "reply" not in desk.last("C-1")["in"]
    desk.producer.emit("complaint.updated", "C-1",
                       **{"customer.phone": "+86 138 0013 8000"})
    desk.write("1")
    assert desk.state("C-1")[0] == "closed"
    desk.verified("C-1")


def test_fu6_behind_an_erasure_a_number_answers_nothing(desk):
    """FU6, AU6: the customer's data have left, and with them whose number it
    was; nothing of what comes later is kept."""
    desk.asked(("C-1", desk.confirm("C-1")))

    def facts():
        c = desk.redis.client
        return b" ".join(word for k in c.keys("*:contact:*")
                         if c.type(k) == b"hash"
                         for pair in c.hgetall(k).items() for word in pair)
    assert b"C-1" in facts()
    desk.producer.emit("customer.erased", "C-1", **{"customer.id": "7"})
    wait_until(lambda: b"C-1" not in facts())
    desk.write("1")
    assert desk.state("C-1") == ("open", "callback-confirm")
    assert desk.pii("C-1") == {}
    desk.verified("C-1")


def test_fu6_what_was_answered_by_other_means_is_not_open(desk):
    """FU6: the agent has had the answer by telephone: the reply is for the
    older question."""
    one, two = desk.confirm("C-1"), desk.confirm("C-2")
    desk.asked(("C-2", two), ("C-1", one))
    desk.producer.emit("customer.answered", "C-2", verdict="satisfied")
    desk.write("1")
    assert desk.last("C-1")["in"].get("followup_id") == one
    assert desk.state("C-1")[0] == "closed"


def test_fu6_what_a_person_looks_at_is_not_open(desk):
    """FU6, CF5: the newest question has an answer that contradicts itself: it
    waits for a person, and the reply is for the older one; behind that it is a
    clear word."""
    one, two = desk.confirm("C-1"), desk.confirm("C-2")
    desk.asked(("C-2", two), ("C-1", one))
    desk.producer.emit("customer.answered", "C-2", verdict="satisfied",
                       score="1")
    desk.applied()
    desk.write("1")
    assert desk.state("C-1")[0] == "closed" and desk.state("C-2")[0] == "open"
    desk.write("1")
    assert desk.state("C-2")[0] == "closed"
    desk.verified("C-1", "C-2")


def test_fu6_a_question_of_an_earlier_cycle_is_over(desk):
    """FU6: behind a reopening the old question is nobody's; the new one is
    answered by its own id."""
    one, asked = desk.confirm("C-1"), now()
    desk.asked(("C-1", one), at=asked)
    desk.write("2")
    desk.producer.emit("stage.completed", "C-1", stage="resolve",
                       root_cause="board", action="replaced")
    desk.applied()
    two = desk.question("C-1")
    assert two != one
    desk.asked(("C-1", one), at=asked)
    desk.write("1")  # the new question has not gone out yet
    assert desk.last("C-1")["event"] == "customer.message"
    assert desk.state("C-1") == ("open", "callback-confirm")
    desk.asked(("C-1", two))
    desk.write("1")
    assert desk.last("C-1")["in"]["followup_id"] == two
    assert desk.daemon.find("C-1")["outcome"] == "satisfied_after_reopen"
    desk.verified("C-1")


def test_fu6_behind_the_window_a_word_is_a_message(world, redis, producer):
    """FU6: reply_window is over: the word answers nothing and is kept."""
    desk = Desk(world, redis, producer, 'replies { window = "1m" }')
    then = now() - 90_000
    for i, fields in enumerate((
            opened("C-1"), {"stage": "listen"}, {"stage": "apologize"},
            {"stage": "resolve", "root_cause": "x", "action": "y"})):
        desk.redis.client.xadd(
            STREAM, {**event("stage.completed", "C-1"), **fields},
            id=f"{then}-{i + 1}")
    desk.applied()
    desk.asked(("C-1", desk.question("C-1")), at=now() - 61_000)
    desk.write("1")
    line = desk.last("C-1")
    assert line["event"] == "customer.message" and line["in"] == {
        "via": "sms", "endpoint": "sms"}
    assert desk.state("C-1") == ("open", "callback-confirm")
    assert desk.pii("C-1")["SM1:text"] == "1"
    desk.asked(("C-1", desk.question("C-1")), at=now() - 50_000)
    desk.write("1")
    assert desk.state("C-1")[0] == "closed"


def test_fu6_unclear_is_asked_once_more_then_a_person(desk):
    """FU6: ambiguous = asked once more, then a human task; and a clear word
    still counts."""
    fu = desk.confirm("C-1")
    desk.asked(("C-1", fu))
    desk.write("2 days later")
    line = desk.last("C-1")
    assert line["in"]["reply"] == "unclear"
    assert line["in"]["followup_id"] == fu
    assert said(line, "customer.message", "effect") == "asks_again"
    assert said(line, "followup.queued", "to") == "customer"
    again = said(line, "followup.queued", "followup")
    body = wait_until(lambda: next(
        (r.json for r in desk.sink.requests if r.id == again), None))
    assert body["type"] == "followup.ask"
    assert "Reply 1 for yes, 2 for no." in body["data"]["message"]["text"]
    desk.asked(("C-1", again))
    desk.write("well, hm")
    line = desk.last("C-1")
    assert said(line, "customer.message", "effect") == "calls_a_person"
    assert said(line, "followup.queued", "to") == "owner"
    desk.write("yes")
    assert desk.state("C-1")[0] == "closed"
    desk.verified("C-1")


def test_fu6_words_of_complaint_count_in_what_is_no_answer(desk):
    """FU6, CF5: "still broken" is no answer, and is marked."""
    desk.asked(("C-1", desk.confirm("C-1")))
    desk.write("it is still broken")
    assert desk.last("C-1")["negative"] is True


def test_fu6_own_words_of_the_configuration(world, redis, producer):
    """FU6: the lists are the operator's."""
    desk = Desk(world, redis, producer,
                'replies { window = "7d" yes = {"Passt", "好"} '
                'no = {"nein"} }')
    desk.asked(("C-1", desk.confirm("C-1")))
    desk.write("1")
    assert desk.last("C-1")["event"] == "customer.message"
    desk.write("PASST.")
    assert desk.state("C-1")[0] == "closed"


def test_fu6_told_twice_answers_once(desk):
    """FU6: a provider that tells a message twice, at once or days later, has
    one answer of it and not one for each open question."""
    one, two = desk.confirm("C-1"), desk.confirm("C-2")
    desk.asked(("C-2", two), ("C-1", one))
    desk.write("1", event_id="SM-A", wait=False)
    desk.write("1", event_id="SM-A")
    desk.write("1", event_id="SM-A")
    assert desk.state("C-2")[0] == "closed" and desk.state("C-1")[0] == "open"
    assert desk.counts()["duplicate"] == 2
    desk.write("1", event_id="SM-A", source="another gateway")
    assert desk.state("C-1")[0] == "closed"


def test_fu6_rejected_and_replayed_finds_its_question(desk):
    """FU6: the complaint is parked: the reply is kept, and finds its question
    when it is replayed, as of the time at which it came."""
    desk.asked(("C-1", desk.confirm("C-1")))
    key = f"{PRE}c:C-1"
    wait_until(lambda: not desk.daemon.rows("followups --complaint C-1"))
    good = desk.redis.client.get(key)
    desk.redis.client.set(key, b"\x63" + good[1:])
    desk.write("1")
    row, = desk.daemon.rows("rejects list")
    assert row["code"] == "parked"
    desk.redis.client.set(key, good)
    desk.daemon.rows(f"rejects replay {row['entry']}")
    wait_until(lambda: desk.state("C-1")[0] == "closed")
    desk.verified("C-1")


# ---- FU7 ----

@pytest.mark.parametrize("text,word", [
    ("STOP", "stop"), ("ＴＤ", "td"), ("退订。", "退订"), ("t", "t")])
def test_fu7_stop_blocks_and_start_lifts(desk, text, word):
    """FU7: a stop word opts the number out within a second, its replies are
    still answers, START lifts; both are journaled."""
    fu = desk.confirm("C-1")
    desk.asked(("C-1", fu))
    began = time.monotonic()
    desk.write(text, wait=False)
    wait_until(lambda: desk.out() == word, step=0.005)
    assert time.monotonic() - began < 1
    desk.applied()
    line = desk.last("C-1")
    assert line["event"] == "contact.opted_out"
    assert line["in"] == {"channel": "sms", "via": "sms"}
    assert desk.redis.client.ttl(desk.contact()) == -1
    desk.write("START")
    assert desk.out() is None
    assert desk.last("C-1")["event"] == "contact.opted_in"
    desk.write(text)
    desk.write("1")
    assert desk.state("C-1")[0] == "closed"
    assert desk.out() == word  # inbound is processed, outbound is not lifted
    desk.verified("C-1")


def test_fu7_order_within_a_batch_counts(desk):
    """FU7: what was written while nobody listened is taken in its order, also
    when the daemon before was killed and entries are tried one at a time."""
    fu = desk.confirm("C-1")
    desk.confirm("C-2", OTHER)
    desk.asked(("C-1", fu))
    desk.asked(("C-2", desk.question("C-2")), phone=OTHER)
    for kill in (False, True):
        if kill:
            desk.daemon.kill9()
        else:
            assert desk.daemon.stop() == 0
        desk.write("START", phone=OTHER, wait=False)
        desk.write("STOP", wait=False)
        desk.write("STOP", phone=OTHER, wait=False)
        desk.write("START", wait=False)
        desk.write("hm", wait=False)
        desk.write("STOP" if kill else "stop", wait=False)
        if kill:
            desk.write("1", wait=False)
        desk.daemon.start()
        desk.applied()
        assert desk.out() == "stop" and desk.out(OTHER) == "stop"
    events = [ln["event"] for ln in desk.lines("C-1")]
    assert events.count("contact.opted_out") == 4
    assert events.count("contact.opted_in") == 2
    assert desk.state("C-1")[0] == "closed"
    desk.verified("C-1", "C-2")


def test_fu7_the_providers_own_reading_counts(desk):
    """FU7: the provider says that it takes the message for STOP: it blocks the
    number by itself, whatever the words are."""
    desk.asked(("C-1", desk.confirm("C-1")))
    desk.write("ARRET", opt_out_type="STOP")
    assert desk.out() == "provider"
    assert desk.last("C-1")["event"] == "contact.opted_out"
    desk.write("UNSTOP", opt_out_type="START")
    assert desk.out() is None
    desk.write("HELP", opt_out_type="HELP")
    assert desk.last("C-1")["in"]["reply"] == "unclear"


@pytest.mark.parametrize("address", [PHONE, "+86 138-0013-8000", "as known"])
def test_fu7_told_by_staff_it_counts_for_the_number(desk, address):
    """FU7: contact.opted_out with a complaint: the number that it names, else
    the customer's, also when that came with the same batch."""
    assert desk.daemon.stop() == 0
    desk.producer.open("C-1")
    desk.producer.emit("contact.opted_out", "C-1", address=address,
                       channel="sms")
    desk.daemon.start()
    desk.applied()
    assert desk.out() == "event"
    desk.producer.emit("contact.opted_in", "C-1", address=address,
                       channel="sms", event_id="E-in")
    desk.applied()
    assert desk.out() is None
    desk.producer.emit("contact.opted_out", "C-1", address=address,
                       channel="call")
    desk.applied()
    assert desk.out() is None  # of calls, not of texts
    desk.producer.emit("contact.opted_out", "C-1", address=address,
                       channel="sms", event_id="E-2", source="test")
    desk.applied()
    assert desk.out() is None  # E-2 was told before: a duplicate
    desk.verified("C-1")


def test_fu7_told_of_a_number_without_a_complaint(desk):
    """FU7: contact.opted_out without a complaint is journaled with the one
    that was written about."""
    desk.asked(("C-1", desk.confirm("C-1")))
    desk.redis.client.xadd(STREAM, {
        "event": "contact.opted_out", "address": PHONE, "channel": "sms"})
    desk.applied()
    assert desk.out() == "event"
    assert desk.last("C-1")["event"] == "contact.opted_out"


# ---- whom nobody knows ----

def test_fu6_unknown_sender_is_an_event_and_never_an_error(desk):
    """FU6: nobody has written to that number: counted, logged with a masked
    number, told in the feed, never rejected; STOP counts all the same."""
    desk.write("hello", phone=NOBODY)
    desk.write("STOP", phone=NOBODY)
    desk.write("1", phone="10086")
    desk.write("1", phone="10086", event_id="SM3")
    assert desk.counts()["unmatched"] == 3
    assert desk.counts()["duplicate"] == 1
    assert "3 unmatched" in desk.daemon.ctl("status")[1]
    assert desk.out(NOBODY) == "stop"
    assert desk.daemon.rows("rejects list") == []
    feed = [f[b"line"].decode() for _, f in
            desk.redis.client.xrange(PRE + "feed")]
    told = [json.loads(x)["do"][0] for x in feed]
    assert [n["n"] for n in told] == ["contact.unmatched"] * 3
    assert told[0]["event"] == "customer.message"
    assert told[1]["event"] == "contact.opted_out"
    assert told[0]["endpoint"] == "sms"
    everything = "".join(feed) + desk.daemon.text()
    assert "contact_unmatched" in everything
    assert "5005550009" not in everything and "hello" not in everything
    desk.producer.open("C-1")  # the shard has moved on
    desk.applied()
    assert desk.daemon.find("C-1")


def test_fu6_every_stream_hears_and_one_answers(world, redis, producer):
    """FU6: the listener writes a reply to every stream; the one that knows the
    number answers, and the others make no noise in the log."""
    desk = Desk(world, redis, producer, REPLIES, streams=(STREAM, "other"))
    desk.asked(("C-1", desk.confirm("C-1")))
    desk.write("1", wait=False, event_id="SM-A")
    redis.client.xadd("other", {
        "event": "customer.message", "source": "sms", "event_id": "SM-A",
        "endpoint": "sms", "customer.phone": PHONE, "text": "1"})
    wait_until(lambda: desk.state("C-1")[0] == "closed")
    wait_until(lambda: redis.applied("other") == 1)
    assert desk.counts()["unmatched"] == 1
    assert redis.client.xlen("{other}:feed") == 1
    assert not desk.daemon.logged("contact_unmatched")


# ---- FU5 ----

def test_fu5_receipts_find_the_follow_up(desk):
    """FU5: by our own reference and by the provider's id; forward only."""
    fu = desk.confirm("C-1")
    wait_until(lambda: any(r.id == fu for r in desk.sink.requests))
    wait_until(lambda: "followup.delivered" in notes(desk.lines("C-1")[-1]))
    desk.redis.client.set(f"{PRE}ref:{fu}", "C-1")
    desk.redis.client.set(f"{PRE}pid:sms:SM1", f"{fu} C-1")
    desk.receipt("read", followup_id=fu)
    line = desk.last("C-1")
    assert line["event"] == "followup.receipt"
    assert line["in"]["followup_id"] == fu
    assert notes(line) == ["followup.delivered"]
    desk.receipt("failed", provider_id="SM1")
    line = desk.last("C-1")
    assert line["in"]["followup_id"] == fu
    assert line["in"]["provider_id"] == "SM1"
    assert line["code"] == "already_done"
    desk.verified("C-1")


def test_fu5_receipts_that_are_nobodys_or_early(desk):
    """FU5: a receipt that comes before its id is known is kept for an hour, in
    their order; one about a follow-up that nobody knows is counted."""
    desk.receipt("accepted", provider_id="SM7")
    desk.receipt("delivered", provider_id="SM7", wait=False)
    desk.receipt("delivered", followup_id="a" * 26)
    early = f"{PRE}early:sms:SM7"
    assert desk.redis.client.llen(early) == 2
    assert b"accepted" in desk.redis.client.lindex(early, 0)
    assert 0 < desk.redis.client.pttl(early) <= 3600_000
    assert desk.counts()["unmatched"] == 1
    assert desk.daemon.rows("rejects list") == []


def test_fu5_receipts_of_what_was_forgotten_are_no_rejects(desk):
    """FU5: retention has taken the complaint, the provider still tells: it is
    counted, for nobody could mend a reject."""
    fu = "abcdefghijklmnopqrstuvwxya"
    desk.redis.client.set(f"{PRE}ref:{fu}", "sms C-gone")
    desk.redis.client.set(f"{PRE}pid:sms:SM1", f"{fu} C-gone")
    desk.receipt("delivered", followup_id=fu)
    desk.receipt("failed", provider_id="SM1")
    assert desk.daemon.rows("rejects list") == []
    assert desk.counts()["unmatched"] == 2
    assert not desk.redis.keys(f"{PRE}early:*")


def test_fu5_no_provider_tells_of_anothers_messages(world, redis, producer):
    """FU5: whoever has one endpoint's token ends nothing that went out by
    another provider; endpoints of one provider tell of each other's, for an
    account has one address for all its receipts."""
    more = conf(world, free_port(), ["twilio", "vonage"],
                more=endpoint(world, "vonage2", "vonage"))
    desk = Desk(world, redis, producer, REPLIES + more)
    fu = desk.confirm("C-1")
    wait_until(lambda: "followup.delivered" in notes(desk.lines("C-1")[-1]))
    lines = len(desk.lines("C-1"))
    for sent_by in ("vonage", "crm"):
        redis.client.set(f"{PRE}ref:{fu}", f"{sent_by} C-1")
        desk.receipt("failed", followup_id=fu, endpoint="twilio")
    assert len(desk.lines("C-1")) == lines
    assert desk.counts()["unmatched"] == 2
    redis.client.set(f"{PRE}ref:{fu}", "vonage C-1")
    desk.receipt("read", followup_id=fu, endpoint="vonage2")
    assert notes(desk.last("C-1")) == ["followup.delivered"]


def test_fu6_what_is_known_of_a_number_ends(desk):
    """FU6: a contact that ended between its load and the commit of an answer
    is not written anew for good."""
    one, two = desk.confirm("C-1"), desk.confirm("C-2")
    desk.asked(("C-2", two), ("C-1", one))  # without an end
    desk.write("2")
    assert desk.redis.client.hget(desk.contact(), "q")
    assert desk.redis.client.pttl(desk.contact()) > 0
