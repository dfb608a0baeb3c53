"""Checks that what is declared in a table is documented for people."""

import re

C_STRING = r'"([^"\\]*)"'
PAGE = "docs/man/amends.conf.5"


def read(path):
    return path.read_text() if path.exists() else ""


def plain(text):
    """Text of a manual page without the escapes that split words."""
    return text.replace("\\-", "-").replace("\\&", "").replace("\\(en", "-")


def missing(root, names, papers):
    """Names that none of the papers holds as a word."""
    text = "\n".join(plain(read(root / p)) for p in papers)
    return [n for n in names
            if not re.search(rf"(?<![\w.-]){re.escape(n)}(?![\w-])", text)]


def conf_keys(root, files):
    """Rows of lib/conf/options.c: { "section", "key", KIND, … }."""
    rows = re.findall(rf"^\{{\s*{C_STRING},\s*{C_STRING},",
                      read(root / "lib/conf/options.c"), re.M)
    if not rows:
        return ["lib/conf/options.c: no table of keys found"]
    papers = [PAGE, "conf/amends.conf"]
    lost = set(missing(root, {key for _, key in rows}, papers))
    return [f"{section or 'top'}.{key}: in none of {', '.join(papers)}"
            for section, key in rows if key in lost]


def verbs(root, files):
    """Rows of lib/ops/verbs.c: { "name", LEVEL, … "usage" … }; and of the
    commands that need no daemon. Each has its entry in the manual page, under
    its usage, word for word."""
    usages = re.findall(
        rf"^\s*\{{\s*{C_STRING},\s*[VO],[^\"]*{C_STRING}",
        read(root / "lib/ops/verbs.c"), re.M)
    usages += re.findall(rf"^\s*\{{\s*{C_STRING},\s*{C_STRING},",
                         read(root / "daemon/amendsctl_local.c"), re.M)
    if len(usages) < 10:
        return ["lib/ops/verbs.c: no table of verbs found"]
    page = plain(read(root / "docs/man/amendsctl.8"))
    return [f"{name}: docs/man/amendsctl.8 has no entry .B \"{usage}\""
            for name, usage in usages if f'\n.B "{usage}"\n' not in page]


def events(root, files):
    """Names of inbound events in lib/core's table."""
    names = set()
    for f in files:
        if f.parts[:2] == ("lib", "core") and f.name.startswith("event"):
            names |= set(re.findall(
                r'"((?:complaint|stage|deadline|callback|customer|contact|'
                r'improvement)\.[a-z_]+|followup\.receipt)"', read(root / f)))
    if not names:
        return ["lib/core/event*.c: no table of events found"]
    return [f"{n}: not in docs/events.md"
            for n in missing(root, sorted(names), ["docs/events.md"])]


def metrics(root, files):
    """Rows of lib/ops/metrics.c: [AM_M_X] = { "name", … }. Each is in the
    manual, and set somewhere."""
    rows = re.findall(rf"\[(AM_M_\w+)\] = \{{\s*{C_STRING}",
                      read(root / "lib/ops/metrics.c"))
    if not rows:
        return ["lib/ops/metrics.c: no table of metrics found"]
    paper = "docs/man/amendsd.8"
    lost = set(missing(root, [name for _, name in rows], [paper]))
    setters = "\n".join(read(root / f) for f in files
                        if f.parts[0] == "daemon" and f.suffix == ".c")
    return ([f"{name}: not in {paper}" for _, name in rows if name in lost] +
            [f"{name}: never set, {key} is in no file of daemon/"
             for key, name in rows
             if not re.search(rf"\b{key}\b", setters)])
