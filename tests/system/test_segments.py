"""What a text costs as an SMS, against Twilio's own count. SEED=n repeats a
run."""

import json
import os
import random
import subprocess
from pathlib import Path

import pytest
from harness import BUILD

HERE = Path(__file__).resolve().parent
SEGCOUNT = Path(os.environ.get("SEGCOUNT", BUILD / "tools/segcount"))
JUDGE = ["node", HERE / "segments.mjs"]

LETTERS = ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
           "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
EXTENSION = "\f^{}\\[~]|€"
ACCENTS = "çáâãêëíîïóôõúûýÿŁőşÀÈÁ`’“”–…\t«»½°"
CJK = "您的投诉已超时正在处理请回复是或否,。!【】日本語かなカナ한국어"
EMOJI = "".join(map(chr, range(0x1f600, 0x1f640))) + "\U0001f4a5𠮷"
# Several characters that a reader takes for one.
CLUSTERS = ["🇩🇪", "👨‍👩‍👧‍👦", "👍🏽", "e\u0301", "न\u093f", "❤\ufe0f",
            "\u1100\u1161\u11a8"]
BORDERS = [0, 1, 67, 70, 134, 153, 160, 201, 306, 459]

MIXTURES = [
    [LETTERS], [EXTENSION], [LETTERS] * 9 + [EXTENSION],
    [LETTERS, EXTENSION], [ACCENTS, LETTERS], [CJK], [EMOJI],
    [CJK] * 9 + [EMOJI], [CJK, LETTERS, EXTENSION, EMOJI, ACCENTS],
    [LETTERS] * 60 + [ACCENTS], ["\r", "\n", "ab"],
]


@pytest.fixture(scope="module")
def seed():
    n = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SEED={n}")
    return n


def random_text(r, clusters=()):
    """Often as long, in units, as one or some segments take, or near it."""
    mixture = r.choice(MIXTURES)
    units = max(0, r.choice(BORDERS) + r.randint(-3, 3))
    if r.random() < 0.2:
        units = r.randrange(700)
    gsm = all(set(part) <= set(LETTERS + EXTENSION) for part in mixture)
    text = []
    while units > 0:
        c = r.choice(clusters) if clusters and r.random() < 0.2 else \
            r.choice(r.choice(mixture))
        text.append(c)
        units -= (2 if c in EXTENSION else 1) if gsm else \
            len(c.encode("utf-16-le")) // 2
    return "".join(text)


def count(command, texts):
    p = subprocess.run(
        command, input="".join(json.dumps(t) + "\n" for t in texts),
        text=True, stdout=subprocess.PIPE, check=True, timeout=300)
    answers = p.stdout.splitlines()
    assert len(answers) == len(texts)
    return answers


def compare(texts, judge):
    ours, theirs = count([SEGCOUNT], texts), count(judge, texts)
    differ = [(t, a, b) for t, a, b in zip(texts, ours, theirs) if a != b]
    assert not differ, (len(differ), min(differ, key=lambda d: len(d[0])))
    return ours


@pytest.fixture(scope="module", autouse=True)
def library():
    assert (HERE / "node_modules/sms-segments-calculator").exists(), \
        "sms-segments-calculator is missing: make deps"


def test_10000_random_texts_count_as_the_library_counts_them(seed):
    """FU9: segments, units and encoding; the library as it is."""
    r = random.Random(seed)
    answers = compare([random_text(r) for _ in range(10_000)], JUDGE)
    kinds = {tuple(a.split()[:2]) for a in answers}
    assert kinds >= {(e, n) for e in ("GSM-7", "UCS-2") for n in "1234"}
    # a pair at a border leaves a unit free: more segments than units need
    many = {"GSM-7": 153, "UCS-2": 67}
    for encoding in many:
        assert any(int(n) > 1 and int(n) > -(-int(units) // many[e])
                   for e, n, units in map(str.split, answers)
                   if e == encoding), f"no {encoding} pair at a border"


def test_every_character_of_the_bmp_counts_as_the_library_counts_it():
    texts = [chr(c) for c in range(0x10000) if not 0xd800 <= c < 0xe000]
    compare(texts, JUDGE)


def test_texts_with_clusters_count_as_the_standard_has_it(seed):
    """The library would keep a flag or a family of 11 units in one segment,
    and put what is longer than a segment into one all the same. Phones join
    the segments before they look at characters: it is told to divide them."""
    r = random.Random(seed + 1)
    texts = [random_text(r, CLUSTERS) for _ in range(2_000)]
    compare([*texts, "e" + "\u0301" * 100, "🇩🇪" * 40],
            [*JUDGE, "characters"])
