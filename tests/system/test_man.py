"""The manual pages: without a warning, and each where man looks for it. OP3,
ops.md "CLI"."""

import os
import re
import subprocess

import pytest
from harness import ROOT

PAGES = sorted((ROOT / "docs/man").iterdir())


def man(*args, **env):
    p = subprocess.run(
        ["man", *args], capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "",
             "MANWIDTH": "80", **env})
    return p.returncode, p.stdout, p.stderr


def test_all_pages_are_there():
    assert [p.name for p in PAGES] == [
        "amends-events.7", "amends.conf.5", "amendsctl.8", "amendsd.8"]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_man_warns_of_nothing(page):
    """man --warnings, as lintian asks it; a NAME that whatis can read; every
    page that it names is one of ours or of the system."""
    code, out, err = man("--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z",
                         page)
    assert (code, err) == (0, "") and out
    _, text, _ = man("-P", "cat", "-l", page)
    assert re.search(rf"^ +{re.escape(page.stem)} - .+", text, re.M)
    assert max(map(len, text.splitlines())) <= 200
    p = subprocess.run(["lexgrog", page], capture_output=True, text=True)
    assert p.returncode == 0 and page.stem in p.stdout
    ours = {(p.stem, p.suffix[1:]) for p in PAGES}
    for name, section in re.findall(
            r"\.BR (amends[\w.\\-]*) \((\d)\)", page.read_text()):
        assert (name.replace("\\-", "-"), section) in ours, (name, section)
