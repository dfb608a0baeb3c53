"""A bank's day as data: who complains about what, and what the staff do.

Each case is a list of (seconds after its opening, event, fields). The clocks
of demo.conf say what amends makes of it. Customers with a phone are asked, and
answer, by text message: TEXTS.
"""

EN = {"locale": "en"}
ZH = {"locale": "zh"}


def done(at, stage, **fields):
    return at, "stage.completed", {"stage": stage, **fields}


def solved(at, cause, action):
    return done(at, "resolve", root_cause=cause, action=action)


def answer(at, verdict, score):
    return at, "customer.answered", {"verdict": verdict, "score": score}


def call(at, outcome, by):
    return at, "callback.attempted", {"outcome": outcome, "by": by}


def ack(at):
    return at, "complaint.acknowledged", {}


# (second of the day, id, opening fields, what follows)
CASES = [
    # heard at once, solved in time: nothing but the question goes out
    (0, "B-1001", {"category": "atm", "summary": "the machine kept my card",
                   "customer.name": "Anna Berg", "owner": "li",
                   "customer.phone": "+447700900101", "tier": "high", **EN},
     [ack(1), done(2, "listen"), done(4, "apologize"),
      solved(9, "jam", "card returned")]),
    # nobody listens: warning, lapse, supervisor, manager
    (1, "B-1002", {"category": "fee", "summary": "收费不明,柜台无人解释",
                   "customer.name": "王芳", "owner": "zhao", **ZH},
     [done(17, "listen"), done(20, "apologize"),
      solved(27, "old tariff", "fee paid back"), answer(33, "satisfied", 4)]),
    (3, "B-1003", {"category": "transfer", "summary": "money sent twice",
                   "customer.name": "John Park", "owner": "li",
                   "customer.phone": "+12025550103", **EN},
     # the other bank is slow: a little more time, once, by leave of zhao
     [ack(2), done(5, "listen"), done(9, "apologize"),
      (18, "deadline.extended",
       {"clock": "resolve", "by": "8s", "approver": "zhao",
        "reason": "waits for the other bank", "notice": "yes"}),
      solved(26, "timeout repeated", "second one reversed")]),
    # the customer says no: a second cycle, half the time, one tier up; and
    # wants no more texts: the second question goes another way
    (6, "B-1004", {"category": "loan", "summary": "贷款利率与合同不符",
                   "customer.name": "陈明", "owner": "sun",
                   "customer.phone": "+8613800138004", **ZH},
     [ack(1), done(3, "listen"), done(6, "apologize"),
      solved(14, "form read wrongly", "explained"),
      solved(24, "rate typed wrongly", "contract corrected"),
      answer(29, "satisfied", 5)]),
    # resolve comes first: listen is implied, the apology is still owed
    (9, "B-1005", {"category": "atm", "summary": "paid out too little",
                   "customer.name": "Maria Silva", "owner": "zhao",
                   "tier": "high", **EN},
     [ack(1), solved(5, "cassette", "difference credited"),
      done(18, "apologize"), answer(22, "satisfied", 4)]),
    # waits for papers of the customer: the clock stands still
    (12, "B-1006", {"category": "card", "summary": "三笔交易不是本人所为",
                    "customer.name": "刘洋", "owner": "sun",
                    "customer.phone": "+8613800138006", **ZH},
     [ack(2), done(4, "listen"), done(7, "apologize"),
      (9, "complaint.held", {"reason": "waiting_customer"}),
      (27, "complaint.resumed", {}),
      solved(34, "card copied", "amounts returned")]),
    (16, "B-1007", {"category": "branch", "summary": "an hour in the queue",
                    "customer.name": "Tom Reed", "owner": "li", **EN},
     [ack(2), (6, "complaint.withdrawn", {"reason": "solved at the counter"})]),
    (20, "B-1008", {"category": "app", "summary": "登录后余额显示错误",
                    "customer.name": "赵丽", "owner": "zhao", **ZH},
     [ack(1), done(8, "listen"), done(20, "apologize"),
      solved(30, "stale cache", "fixed"), answer(34, "satisfied", 3)]),
    # satisfied with a score that says otherwise: a person looks
    (24, "B-1009", {"category": "fee", "summary": "charged for a closed account",
                    "customer.name": "Ines Costa", "owner": "sun", **EN},
     [ack(1), done(3, "listen"), done(6, "apologize"),
      solved(12, "flag not set", "fee returned"),
      answer(16, "satisfied", 1), answer(40, "satisfied", 5)]),
    # these fall into the hours in which the branch's system is down
    (30, "B-1010", {"category": "card", "summary": "card declined abroad",
                    "customer.name": "Omar Haddad", "owner": "li",
                    "tier": "high", **EN},
     [done(12, "listen"), done(16, "apologize"),
      solved(24, "limit", "limit raised"), answer(29, "satisfied", 5)]),
    (32, "B-1011", {"category": "transfer", "summary": "汇款三天未到账",
                    "customer.name": "黄强", "owner": "zhao", **ZH},
     [done(14, "listen"), done(24, "apologize"),
      solved(32, "name differs", "paid in"), answer(37, "satisfied", 4)]),
    (35, "B-1012", {"category": "atm", "summary": "no receipt, wrong balance",
                    "customer.name": "Eva Novak", "owner": "sun",
                    "customer.phone": "+447700900112", **EN},
     [done(10, "listen"), done(15, "apologize"),
      solved(26, "printer", "balance confirmed")]),
    (48, "B-1013", {"category": "loan", "summary": "提前还款被收违约金",
                    "customer.name": "周杰", "owner": "li", **ZH},
     [ack(1), done(4, "listen"), done(9, "apologize"),
      solved(20, "old clause", "penalty returned"),
      answer(25, "satisfied", 5)]),
    # the number is no longer in use: what it was to be told goes another way
    (55, "B-1014", {"category": "app", "summary": "cannot change my address",
                    "customer.name": "Kofi Mensah", "owner": "sun",
                    "customer.phone": "+447700900114", **EN},
     [done(15, "listen"), done(19, "apologize"),
      solved(26, "field locked", "unlocked"), answer(30, "satisfied", 4)]),
    # nobody answers: question, two calls, a letter, a reminder, unconfirmed
    (36, "B-1015", {"category": "card", "summary": "new card never arrived",
                    "customer.name": "Lena Fox", "owner": "sun",
                    "customer.phone": "+12025550115", **EN},
     [ack(1), done(3, "listen"), done(6, "apologize"),
      solved(12, "old address", "sent again"),
      call(14, "no_answer", "wu"), call(19, "voicemail", "wu")]),
    # one outage, three complaints: li hears of them in one digest
    *[(56, f"B-10{16 + i}",
       {"category": "app", "summary": summary, "customer.name": name,
        "owner": "li", "incident": "APP-DOWN", **lang},
       [ack(1), done(8, "listen"), done(13, "apologize"),
        solved(18, "server restarted", "back"), answer(23, "satisfied", 4)])
      for i, (name, summary, lang) in enumerate([
          ("Petra Lang", "app does not start", EN),
          ("孙伟", "手机银行打不开", ZH), ("Amir Rahimi", "no app today", EN)])],
]

# What a phone answers to the first question, the second …: pairs of seconds
# after its arrival and text.
TEXTS = {
    "+447700900101": [[(3, "1")]],
    "+12025550103": [[(3, "I must look at my account first")], [(4, "Yes!")]],
    "+8613800138004": [[(3, "2"), (5, "退订")]],
    "+8613800138006": [[(4, "已解决")]],
    "+447700900112": [[(3, " YES ")]],
}
UNKNOWN = {"+447700900114"}  # numbers that the gateway does not find

DAY = 90
OUTAGE = (34, 50)  # the receiver `crm` answers 500 in between


def plan():
    """Every event of the day as (second, event, complaint id, fields)."""
    steps = []
    for start, who, fields, rest in CASES:
        steps.append((start, "complaint.opened", who,
                      {"customer.ref": f"cust-{who[2:]}", "loop": "bank",
                       **fields}))
        for after, name, more in rest:
            steps.append((start + after, name, who, more))
    return sorted(steps, key=lambda s: s[0])
