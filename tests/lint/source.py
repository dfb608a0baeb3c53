"""Checks of the C sources: layers, imports, sizes, format, hardening."""

import re
import subprocess

LAYERS = {
    "base": 0,
    "core": 1,
    "log": 2, "codec": 2, "conf": 2,
    "store": 3,
    "deliver": 4,
    "intake": 5,
    "ops": 6, "sim": 6,
    "daemon": 7,
}
# Layers that never include each other although their numbers would let them.
STRANGERS = {"store", "deliver", "intake", "ops"}
# What a world on a virtual clock must not reach: Redis and the network.
REAL = {"store", "deliver", "ops"}

LIBRARIES = {
    "hiredis/": {"store"},
    "event2/": {"store", "deliver", "intake", "ops", "daemon"},
    "curl/": {"deliver"},
    "openssl/": {"deliver", "intake", "daemon"},
    "jansson.h": {"log", "codec", "conf", "store", "deliver", "intake", "ops",
                  "sim", "daemon"},
    "confuse.h": {"conf"},
    "systemd/": {"daemon"},
}
# What a pure core may take from the C library's headers.
CORE_HEADERS = {"limits.h", "stdbool.h", "stddef.h", "stdint.h", "inttypes.h",
                "string.h"}
CORE_IMPORTS = re.compile(
    r"^(mem\w+|__mem\w+_chk|str\w+|__str\w+_chk|am_\w+|__assert_fail|"
    r"__stack_chk_fail|__(asan|ubsan|sanitizer)_\w+|_GLOBAL_OFFSET_TABLE_)$")

FILE_LINES = 700
FUNCTION_LINES = 80
FUNCTION_PATHS = 15

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def c_files(files, *tops):
    return [f for f in files if f.suffix in (".c", ".h") and
            f.parts[0] in tops]


def home(path):
    """Layer folder of a file, or None when it has none."""
    if path.parts[0] == "include":
        return "core" if path.name != "base.h" else "base"
    if path.parts[0] == "lib" and len(path.parts) == 3:
        return path.parts[1]
    if path.parts[0] == "daemon":
        return "daemon"
    return None


def target(name):
    """Layer folder that an include names, or None: not ours."""
    if name.startswith("amends/"):
        return "base" if name == "amends/base.h" else "core"
    top = name.split("/", 1)[0]
    return top if "/" in name and top in LAYERS else None


def may_include(own, other):
    if own == other:
        return True
    if LAYERS[other] >= LAYERS[own]:
        return False
    if own == "sim" and other in REAL:
        return False
    return not (own in STRANGERS and other in STRANGERS)


def includes(root, path):
    return INCLUDE.findall((root / path).read_text(errors="replace"))


def layers(root, files):
    bad = []
    for f in c_files(files, "lib", "include", "daemon"):
        own = home(f)
        if own not in LAYERS:
            bad.append(f"{f}: its folder is no layer")
            continue
        for _, name in includes(root, f):
            other = target(name)
            if other and not may_include(own, other):
                bad.append(f"{f}: {own} ({LAYERS[own]}) includes {name} "
                           f"of {other} ({LAYERS[other]})")
    return bad


def third_party(root, files):
    bad = []
    for f in c_files(files, "lib", "include", "daemon"):
        own = home(f)
        for kind, name in includes(root, f):
            for lib, users in LIBRARIES.items():
                if name.startswith(lib) and own not in users:
                    bad.append(f"{f}: {name} is for {', '.join(sorted(users))}")
            if (own == "core" and kind == "<" and "/" not in name and
                    name not in CORE_HEADERS):
                bad.append(f"{f}: the core is pure, <{name}> is not for it")
    return bad


def pragma_once(root, files):
    return [f"{f}: no #pragma once" for f in c_files(files, "lib", "include",
                                                     "daemon", "tests")
            if f.suffix == ".h" and
            "#pragma once" not in (root / f).read_text()]


def core_imports(root, files):
    objects = sorted(p for p in (root / "build/lib/core").glob("*.o")
                     if (root / "lib/core" / f"{p.stem}.c").exists())
    bad = []
    for o in objects:
        out = subprocess.run(["nm", "-u", o], check=True, text=True,
                             capture_output=True).stdout
        bad += [f"{o.name} imports {s}" for s in
                (line.split()[-1] for line in out.splitlines())
                if not CORE_IMPORTS.match(s)]
    return bad if objects else ["no object in build/lib/core; run make"]


def file_sizes(root, files):
    bad = []
    for f in files:
        if f.suffix in (".c", ".h", ".py", ".mjs", ".js", ".sh", ".mk"):
            n = (root / f).read_bytes().count(b"\n")
            if n >= FILE_LINES:
                bad.append(f"{f}: {n} lines, fewer than {FILE_LINES} allowed")
    return bad


def function_sizes(root, files):
    sources = [str(f) for f in c_files(files, "lib", "daemon", "include",
                                       "tests") if f.suffix == ".c"]
    if not sources:
        return ["no C source found"]
    out = subprocess.run(["pmccabe", *sources], cwd=root, check=True,
                         text=True, capture_output=True).stdout
    bad = []
    for line in out.splitlines():
        # modified, traditional, statements, first line, lines, file(line): name
        col = line.split(None, 5)
        paths, length, where = int(col[1]), int(col[4]), col[5]
        if length > FUNCTION_LINES:
            bad.append(f"{where}: {length} lines, {FUNCTION_LINES} allowed")
        if paths > FUNCTION_PATHS:
            bad.append(f"{where}: complexity {paths}, {FUNCTION_PATHS} allowed")
    return bad


def clang_format(root, files):
    sources = [str(f) for f in c_files(files, "lib", "daemon", "include",
                                       "tests")]
    p = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *sources],
                       cwd=root, text=True, capture_output=True)
    seen = re.findall(r"^(\S+?:\d+):\d+: error: (.*)$", p.stderr, re.M)
    firsts = {}
    for where, text in seen:
        firsts.setdefault(where.split(":")[0], f"{where}: {text}")
    return list(firsts.values()) or ([p.stderr] if p.returncode else [])


def hardening(root, files):
    bad = []
    for name in ("amendsd", "amendsctl"):
        program = root / "build" / name
        if not program.exists():
            bad.append(f"build/{name} is not there; run make")
            continue

        def readelf(*flags):
            return subprocess.run(["readelf", "-W", *flags, program],
                                  check=True, text=True,
                                  capture_output=True).stdout
        dynamic, headers = readelf("-d"), readelf("-l")
        symbols = readelf("--dyn-syms")
        stack = re.search(r"GNU_STACK.*", headers)
        facts = {
            "PIE": "PIE" in dynamic,
            "BIND_NOW": "NOW" in dynamic,
            "RELRO": "GNU_RELRO" in headers,
            "no executable stack": bool(stack) and "RWE" not in stack.group(),
            "stack protector": "__stack_chk_fail" in symbols,
            "fortified calls": "_chk@" in symbols,
        }
        bad += [f"{name}: {fact} is missing" for fact, ok in facts.items()
                if not ok]
    return bad


def units(root, files):
    """A folder of lib without any unit test is a folder nobody checks."""
    tests = [(root / f).read_text() for f in files
             if f.parts[:2] == ("tests", "unit") and f.suffix == ".c"]
    bad = []
    for layer in LAYERS:
        if layer == "daemon":
            continue
        here = [f for f in files if f.parts[:2] == ("lib", layer)]
        named = any(re.search(rf'#include "{layer}/|#include <amends/', t)
                    for t in tests)
        if here and not named:
            bad.append(f"lib/{layer}: no file of tests/unit includes it")
    return bad
