"""Checks that what is declared in a table is documented for people."""

import re

C_STRING = r'"([^"\\]*)"'


def read(path):
    return path.read_text() if path.exists() else ""


def missing(root, names, papers):
    """Names that none of the papers holds as a word."""
    text = "\n".join(read(root / p) for p in papers)
    text = text.replace("\\-", "-").replace("\\&", "")
    return [n for n in names
            if not re.search(rf"(?<![\w.-]){re.escape(n)}(?![\w-])", text)]


def conf_keys(root, files):
    """Every key of lib/conf/options.c, a table with one key a row."""
    papers = ["docs/man/amends.conf.5", "conf/amends.conf", "docs/conf.md"]
    names = sorted({
        n for n in re.findall(
            rf"^\s*(?:\{{|[A-Z_]+\()\s*{C_STRING}",
            read(root / "lib/conf/options.c"), re.M) if n})
    if not names:
        return ["lib/conf/options.c: no table of keys found"]
    return [f"{n}: in lib/conf/options.c, in none of {', '.join(papers)}"
            for n in missing(root, names, papers)]


def verbs(root, files):
    papers = ["docs/man/amendsctl.1", "docs/amendsctl.md", "README.md"]
    table = read(root / "lib/ops/verbs.c")
    names = re.findall(rf"^\s*(?:\{{|[A-Z_]+\()\s*(?:\.name\s*=\s*)?{C_STRING}",
                       table, re.M)
    if not names:
        return ["lib/ops/verbs.c: no table of verbs found"]
    return [f"{n}: in lib/ops/verbs.c, in none of {', '.join(papers)}"
            for n in missing(root, names, papers)]


def events(root, files):
    table = read(root / "lib/core/event.c")
    names = sorted(set(re.findall(
        r'"((?:complaint|stage|deadline|callback|customer|followup|contact|'
        r'improvement)\.[a-z_]+)"', table)))
    if not names:
        return ["lib/core/event.c: no table of events found"]
    return [f"{n}: in lib/core/event.c, not in docs/events.md"
            for n in missing(root, names, ["docs/events.md"])
            if n not in ("followup.ended", "followup.revived")]
