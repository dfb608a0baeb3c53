#!/usr/bin/python3
"""Run parts of the tests and sum them up: run.py [unit] [system] [lint] [shape]

Everything runs from the project's root on the sanitized build (build/san);
lint and shape look at the plain one. The last line is `N passed, N failed`,
and the exit status says the same.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAN = ROOT / "build" / "san"
# A finding of a sanitizer ends the program with a status of its own.
SANITIZE = {
    "ASAN_OPTIONS": "exitcode=99:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def run(cmd, timeout, **env):
    """(exit status or None when out of time, output)"""
    try:
        p = subprocess.run(
            [str(c) for c in cmd], cwd=ROOT, timeout=timeout, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, errors="replace",
            env={**os.environ, **SANITIZE, **env})
        return p.returncode, p.stdout
    except subprocess.TimeoutExpired as e:
        out = e.stdout or b""
        return None, out if isinstance(out, str) else out.decode("utf-8", "replace")


def unit_program(path):
    """Counts of one cmocka program, which speaks TAP here."""
    status, out = run([path], 300, CMOCKA_MESSAGE_OUTPUT="TAP")
    passed = len(re.findall(r"^ok \d+", out, re.M))
    failed = len(re.findall(r"^not ok \d+", out, re.M))
    planned = sum(int(n) for n in re.findall(r"^1\.\.(\d+)", out, re.M))
    if status != 0 and failed == 0:
        failed = max(1, planned - passed)  # it died on the way
    elif status == 0 and passed == 0:
        failed = 1  # a program without tests proves nothing
    word = "out of time" if status is None else f"exit {status}"
    return passed, failed, f"{path.name}: {word}\n{out}" if failed else ""


def unit():
    programs = sorted(p for p in (SAN / "unit").glob("*_test")
                      if (ROOT / "tests/unit" / f"{p.name}.c").exists())
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, (ok, bad, report) in zip(
                programs, pool.map(unit_program, programs)):
            print(f"unit    {path.name:<24} {ok} passed, {bad} failed")
            if report:
                print(report)
            passed, failed = passed + ok, failed + bad
    if not programs:
        print("unit    no program in build/san/unit")
        failed = 1
    return passed, failed


def system():
    report = SAN / "system.xml"
    report.unlink(missing_ok=True)
    cmd = ["/usr/bin/python3", "-m", "pytest", "-q", "-n", "2", "-p",
           "no:cacheprovider", f"--junitxml={report}", "tests/system"]
    status = subprocess.run(cmd, cwd=ROOT, stdin=subprocess.DEVNULL).returncode
    if not report.exists():
        return 0, 1
    total = bad = skipped = 0
    for suite in xml.parse(report).getroot().iter("testsuite"):
        total += int(suite.get("tests"))
        bad += int(suite.get("failures")) + int(suite.get("errors"))
        skipped += int(suite.get("skipped"))
    if status not in (0, 1) and bad == 0:
        bad = 1
    return max(0, total - bad - skipped), bad


def lines(cmd, timeout):
    """A program that says PASS or FAIL, one check a line."""
    status, out = run(cmd, timeout)
    print(out, end="")
    passed = len(re.findall(r"^PASS ", out, re.M))
    failed = len(re.findall(r"^FAIL ", out, re.M))
    if status != 0 and failed == 0:
        print(f"{cmd[1]}: exit {status}")
        failed = 1
    return passed, failed


def lint():
    return lines(["/usr/bin/python3", "tests/lint/lint.py"], 300)


def shape():
    return lines(["/usr/bin/python3", "tests/bench/bench.py", "--shape"], 600)


def main(parts):
    known = {"unit": unit, "system": system, "lint": lint, "shape": shape}
    wrong = [p for p in parts if p not in known]
    if wrong or not parts:
        sys.exit(f"usage: run.py [{'] ['.join(known)}]")
    passed = failed = 0
    for part in parts:
        ok, bad = known[part]()
        print(f"== {part}: {ok} passed, {bad} failed", flush=True)
        passed, failed = passed + ok, failed + bad
    total = f"{passed} passed, {failed} failed"
    (ROOT / "build/total").write_text(total + "\n")
    print(total)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main(sys.argv[1:]))
