"""Checks of all texts: words of unfinished work, paths, scripts that parse."""

import re
import subprocess

# Written in pieces, so that this file does not find itself.
DEBT = re.compile(
    r"\b(" + "|".join(["st" + "ub", "not imple" + "mented", "for n" + "ow",
                       "place" + "holder", "ha" + "ck", "FIX" + "ME",
                       "XX" + "X"]) + r")\b", re.I)
LATER = re.compile(r"TO" + r"DO(?!\(#\d+\))")
MACHINE = re.compile(r"(?<![\w.])/(" + "|".join(
    ["work", "ro" + "ot", "home", "fa" + "rm"]) + r")/\w")
TOPS = {"lib", "daemon", "include", "tests", "conf", "systemd", "docs",
        "Makefile", "README.md", ".ci"}


def texts(root, files):
    for f in files:
        if f.parts[0] in TOPS:
            data = (root / f).read_bytes()
            if b"\0" not in data[:4096]:
                yield f, data.decode("utf-8", "replace")


def search(root, files, *patterns):
    return [f"{f}:{n}: {line.strip()[:90]}"
            for f, text in texts(root, files)
            for n, line in enumerate(text.splitlines(), 1)
            if any(p.search(line) for p in patterns)]


def unfinished(root, files):
    return search(root, [f for f in files if f.parts[0] != "docs"], DEBT,
                  LATER)


def machine_paths(root, files):
    return search(root, files, MACHINE)


def scripts_parse(root, files):
    bad = []
    for f in files:
        text = (root / f).read_bytes()
        if f.suffix == ".py":
            try:
                compile(text, str(f), "exec", dont_inherit=True)
            except SyntaxError as e:
                bad.append(f"{f}:{e.lineno}: {e.msg}")
        elif text.startswith((b"#!/bin/sh", b"#!/bin/bash")):
            shell = text.split(b"\n", 1)[0][2:].decode()
            p = subprocess.run([shell, "-n", root / f], text=True,
                               capture_output=True)
            if p.returncode:
                bad.append(p.stderr.strip())
    return bad
