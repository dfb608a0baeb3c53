"""A busy day of a call centre, for whoever must see something on a page.

Two weeks of complaints that were closed, and today's open ones at every stage:
in time, about to lapse, lapsed, on hold, without an owner. Entries of the
stream carry the times at which they would have come.
"""

import random
import time

from harness import STREAM

MINUTE, HOUR, DAY = 60, 3600, 86400
STAFF = ["chen.jing", "li.na", "wang.lei", "zhao.min", "sun.yue", "ma.tao",
         "liu.yang", "he.xin", "guo.wei", "lin.fang"]
CATEGORIES = ["billing", "delivery", "refund", "service", "app"]
STAGES = ["listen", "apologize", "resolve"]

# one calendar day and night, so that a test means the same at any hour
CONF = """
message "late" {{ text = "Complaint {{complaint.id}} waits." }}
message "ask"  {{ text = "Is {{complaint.id}} solved? 1 yes, 2 no." }}
loop "complaint" {{
    timezone = "Asia/Shanghai"
    tiers = {{"high", "mid", "low"}}  default_tier = "mid"
    stage "listen" {{
        budget = "2h"  implied_by_later = true
        rung "lapse"    {{ at = "100%" to = "owner"      via = {{"desk"}} message = "late" }}
        rung "escalate" {{ at = "+1h"  to = "supervisor" via = {{"wecom"}} message = "late" }}
    }}
    stage "apologize" {{
        budget = "4h"
        rung "lapse" {{ at = "100%" to = "owner" via = {{"desk"}} message = "late" }}
    }}
    stage "resolve" {{
        budget = "2d"
        requires = {{"root_cause", "action"}}
        rung "lapse"    {{ at = "100%" to = "owner"      via = {{"desk"}} message = "late" }}
        rung "escalate" {{ at = "+4h"  to = "supervisor" via = {{"wecom"}} message = "late" }}
    }}
    stage "callback-confirm" {{
        kind = "confirm"  budget = "1d"
        reopen_to = "resolve"  reopen_at = 2  reopen_window = "14d"  max_reopens = 2
        rung "ask"   {{ at = "0%"   to = "customer" via = {{"sms"}}  message = "ask" }}
        rung "lapse" {{ at = "100%" to = "owner"    via = {{"desk"}} message = "late" }}
    }}
}}
loop "merchant" {{
    timezone = "Asia/Shanghai"
    tiers = {{"key", "other"}}  default_tier = "other"
    stage "contact" {{
        budget = "8h"
        rung "lapse" {{ at = "100%" to = "owner" via = {{"desk"}} message = "late" }}
    }}
    stage "confirm" {{ kind = "confirm"  budget = "2d"
        rung "ask" {{ at = "0%" to = "customer" via = {{"desk"}} message = "ask" }}
    }}
}}
http {{ listen = "127.0.0.1:{port}"{http} }}
"""


class Day:
    """Writes the entries of a stream in the order of their times."""

    def __init__(self, redis, now=None, seed=14):
        self.redis, self.now = redis, now or time.time()
        self.random = random.Random(seed)
        self.entries = []
        self.n = 0

    def at(self, seconds_ago, name, complaint, **fields):
        self.n += 1
        self.entries.append((self.now - seconds_ago, self.n, {
            "event": name, "complaint_id": complaint, "source": "crm",
            "event_id": f"E-{self.n}", **fields}))

    def opened(self, seconds_ago, complaint, **fields):
        self.at(seconds_ago, "complaint.opened", complaint, **{
            "customer.name": "Canary Zhang", "summary": "canary words",
            "customer.phone": f"+86138{self.random.randrange(10**8):08d}",
            "category": self.random.choice(CATEGORIES), **fields})

    def done(self, seconds_ago, complaint, stage):
        more = {"root_cause": "system", "action": "refunded"} \
            if stage == "resolve" else {}
        self.at(seconds_ago, "stage.completed", complaint, stage=stage, **more)

    def closed(self, days_ago, complaint):
        """One that went all the way, some of it late, by now."""
        r = self.random
        t = days_ago * DAY + 22 * HOUR - r.random() * DAY / 2
        self.opened(t, complaint, owner=r.choice(STAFF))
        late = r.random() < .2
        t -= r.uniform(2.1, 5) * HOUR if late else r.uniform(.1, 1.8) * HOUR
        self.done(t, complaint, "listen")
        t -= r.uniform(.2, 1.5) * HOUR
        self.done(t, complaint, "apologize")
        t -= r.uniform(1, 8) * HOUR
        self.done(t, complaint, "resolve")
        t -= r.uniform(.3, 3) * HOUR
        verdict = r.choices(["satisfied", "partial", "unsatisfied"],
                            [8, 1, 1])[0]
        self.at(t, "customer.answered", complaint, verdict=verdict, via="sms")
        if verdict != "satisfied":  # once more, and better
            t -= r.uniform(.5, 2) * HOUR
            self.done(t, complaint, "resolve")
            t -= r.uniform(.2, 1) * HOUR
            self.at(t, "customer.answered", complaint, verdict="satisfied",
                    via="sms")

    def open_at(self, stage, left, complaint, **fields):
        """One that stands at a stage, `left` seconds before its due."""
        budget = {"listen": 2 * HOUR, "apologize": 4 * HOUR,
                  "resolve": 2 * DAY, "callback-confirm": DAY}[stage]
        order = [*STAGES, "callback-confirm"]
        entered = budget - left
        before = order[:order.index(stage)]
        t = entered + len(before) * 20 * MINUTE
        self.opened(t, complaint, **fields)
        for s in before:
            t -= 20 * MINUTE
            self.done(max(t, entered), complaint, s)

    def told(self, days_ago, delivered, dead):
        """Follow-ups of a day, as its figures have them: receivers of that
        day there were none."""
        day = time.strftime("%Y%m%d", time.gmtime(
            self.now + 8 * HOUR - days_ago * DAY))
        for what, n in ("delivered", delivered), ("dead", dead):
            self.redis.client.hincrby(f"{{{STREAM}}}:kpi:{day}",
                                      f"complaint:{what}", n)

    def write(self):
        """All of it, as the stream would have got it."""
        pipe = self.redis.client.pipeline(transaction=False)
        for i, (at, _, fields) in enumerate(sorted(self.entries,
                                                   key=lambda e: e[:2])):
            pipe.xadd(STREAM, fields, id=f"{int(at * 1000)}-{i}")
        pipe.execute()
        return len(self.entries)


def busy_day(redis):
    """Gives the number of events that were written."""
    d = Day(redis)
    r = d.random
    n = 1000
    for days_ago in range(13, -1, -1):
        many = r.randint(9, 15) if days_ago % 7 not in (0, 1) else 6
        for _ in range(many):
            n += 1
            d.closed(days_ago, f"C-{n}")
        if days_ago > 0:
            d.told(days_ago, many * r.randint(4, 6), r.randint(0, 4))
    spread = {
        "listen": [(18, .3 * HOUR, 2 * HOUR), (5, 60, 15 * MINUTE),
                   (4, 15 * MINUTE, HOUR), (6, -50 * MINUTE, -MINUTE),
                   (3, -9 * HOUR, -HOUR)],
        "apologize": [(14, HOUR, 4 * HOUR), (3, 4 * MINUTE, HOUR),
                      (2, -3 * HOUR, -10 * MINUTE)],
        "resolve": [(31, 4 * HOUR, 2 * DAY), (8, HOUR, 4 * HOUR),
                    (2, 2 * MINUTE, HOUR), (4, -8 * HOUR, -20 * MINUTE),
                    (2, -52 * HOUR, -25 * HOUR)],
        "callback-confirm": [(16, 3 * HOUR, 23 * HOUR),
                             (2, 10 * MINUTE, HOUR), (1, -2 * HOUR, -HOUR)],
    }
    for stage, groups in spread.items():
        for many, low, high in groups:
            for _ in range(many):
                n += 1
                owner = {} if r.random() < .06 else {
                    "owner": r.choices(STAFF, range(14, 4, -1))[0]}
                d.open_at(stage, r.uniform(low, high), f"C-{n}",
                          tier=r.choices(["high", "mid", "low"],
                                         [2, 5, 3])[0],
                          supervisor="zhou.ping", **owner)
                if stage == "resolve" and r.random() < .12:
                    d.at(30, "complaint.held", f"C-{n}",
                         reason="waiting_customer")
    for i in range(7):
        d.opened(r.uniform(.2, 7.5) * HOUR, f"M-{200 + i}", loop="merchant",
                 owner=r.choice(STAFF))
    # what a producer got wrong
    for i in range(5):
        d.at(2000 - i * 300, "stage.completed", f"C-9{i:03d}", stage="listen")
    for i in range(3):
        d.at(900 - i * 200, "complaint.opened", f"C-8{i:03d}",
             category="billing")
    d.at(120, "complaint.escalated", "C-1001")
    return d.write()
