#!/usr/bin/python3
"""Check the house: layers, sizes, format, words, documents.

One `PASS name` or `FAIL name` line per check, findings indented below it.
Runs from the project's root on the plain build; says nothing about style that
clang-format already decides.
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import papers  # noqa: E402
import source  # noqa: E402
import words  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent

CHECKS = [
    ("layers", source.layers),
    ("third-party headers", source.third_party),
    ("one guard a header", source.pragma_once),
    ("core imports", source.core_imports),
    ("file sizes", source.file_sizes),
    ("function sizes", source.function_sizes),
    ("format", source.clang_format),
    ("hardening", source.hardening),
    ("unit tests and modules", source.units),
    ("unfinished work", words.unfinished),
    ("machine paths", words.machine_paths),
    ("python and shell parse", words.scripts_parse),
    ("conf keys documented", papers.conf_keys),
    ("verbs documented", papers.verbs),
    ("events documented", papers.events),
    ("metrics documented and set", papers.metrics),
]


def tracked():
    """Files of the tree: tracked ones and new ones that git would take."""
    out = subprocess.run(
        ["git", "ls-files", "-z", "-c", "-o", "--exclude-standard"], cwd=ROOT,
        check=True, capture_output=True, text=True).stdout
    paths = [Path(p) for p in out.split("\0") if p]
    return [p for p in paths if (ROOT / p).is_file()]


def main():
    files = tracked()
    failed = 0
    for name, check in CHECKS:
        findings = check(ROOT, files)
        print(f"{'FAIL' if findings else 'PASS'} lint: {name}")
        for f in findings[:20]:
            print(f"     {f}")
        if len(findings) > 20:
            print(f"     and {len(findings) - 20} more")
        failed += bool(findings)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
