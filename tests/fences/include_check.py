#!/usr/bin/env python3
"""Holds every #include under src/ against the DEPS lines, and keeps clocks, randomness, files, sockets and threads in platform/.

usage: include_check.py SOURCE_DIR BUILD_DIR        (BUILD_DIR/modules.txt is written by CMake)
       include_check.py --self-test                 (shows that each fence refuses what it should)
"""
import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
BANS = [
    (re.compile(r"(?<!platform::)\b(system_clock|steady_clock|high_resolution_clock)\b|\b(gettimeofday|clock_gettime|localtime|gmtime|mktime)\s*\("), "a clock"),
    (re.compile(r"\bstd::time\s*\(|[^\w.>:]time\s*\(\s*(NULL|nullptr|0)\s*\)"), "a clock"),
    (re.compile(r"\bsleep_(for|until)\b|\b(usleep|nanosleep)\s*\("), "a sleep"),
    (re.compile(r"\bstd::(random_device|mt19937(_64)?|default_random_engine)\b|[^\w]s?rand\s*\(|\brandombytes_\w+\s*\("), "randomness"),
    (re.compile(r"\b(secure_)?getenv\s*\("), "the environment"),
    (re.compile(r"\bstd::j?thread\b|\bpthread_create\b|\.detach\s*\(\s*\)"), "a raw thread"),
    (re.compile(r"\bstd::(basic_)?[io]?fstream\b|\bstd::filesystem\b|\bfopen\s*\(|::open\s*\(\s*path|<fstream>|<filesystem>"), "a file"),
    (re.compile(r"\btoml::parse(_file)?\s*\("), "toml++'s own parser, which some bytes break (use read_toml())"),
    (re.compile(r"<toml\+\+"), "toml++ in a mode of its own (include base/toml.h)"),
]
# What a folder may touch although it is not platform/, and why.
ALLOWED = {
    # The HTTP transport is Boost.Asio: sockets and its timers are the room's whole purpose.
    "api/http": {"a clock"},
    "base": {"toml++ in a mode of its own (include base/toml.h)", "toml++'s own parser, which some bytes break (use read_toml())"},
}
TEST = re.compile(r"_test\.cpp$|/testing/")


def modules(build):
    deps = {}
    for line in (build / "modules.txt").read_text().split():
        folder, _, names = line.partition("=")
        deps[folder] = [n for n in names.split(",") if n]
    return deps


def reachable(name, deps, folder_of):
    seen, stack = set(), [name]
    while stack:
        for dep in deps.get(stack.pop(), []):
            folder = folder_of(dep)
            if folder not in seen:
                seen.add(folder)
                stack.append(folder)
    return seen


def check_file(path, text, folder, allowed_folders, garden_of):
    faults = []
    is_test = bool(TEST.search(path))
    for number, line in enumerate(text.splitlines(), 1):
        m = INCLUDE.match(line)
        if m and "/" in m.group(1):
            target = m.group(1).rsplit("/", 1)[0]
            if not any(target == f or target.startswith(f + "/") and garden_of(target, f) for f in allowed_folders | {folder}):
                faults.append(f"{path}:{number}: {folder} may not include \"{m.group(1)}\"; its DEPS do not name that folder")
            if folder.startswith("detectors/") and target.startswith("platform"):
                faults.append(f"{path}:{number}: a detector may not see platform/, so that every case can be replayed")
        code = line.split("//")[0]
        if folder != "platform" and not is_test:
            for pattern, what in BANS:
                if pattern.search(code) and not any(folder == f or path.find(f"/{f}/") >= 0 for f, w in ALLOWED.items() if what in w):
                    faults.append(f"{path}:{number}: {what} outside src/platform/: {line.strip()}")
    return faults


def main():
    source, build = Path(sys.argv[1]), Path(sys.argv[2])
    deps = modules(build)
    by_name = {f.replace("/", "_"): f for f in deps}
    folders = sorted(deps, key=len, reverse=True)

    def folder_of(name):
        return by_name.get(name, name)

    def home(relative):
        for f in folders:
            if relative == f or relative.startswith(f + "/"):
                return f
        return None

    faults, files = [], 0
    for path in sorted((source / "src").rglob("*")):
        if path.suffix not in {".h", ".cpp"}:
            continue
        relative = str(path.parent.relative_to(source / "src"))
        folder = home(relative)
        shown = str(path.relative_to(source))
        if folder is None:
            faults.append(f"{shown}: stands in a folder that no module() declares")
            continue
        files += 1
        allowed = {folder_of(d) for d in deps[folder]} | reachable(folder, deps, folder_of)
        if TEST.search(shown):
            allowed |= set(deps)  # a test may look at what its TEST_DEPS link; the linker is the fence there
        faults += check_file(shown, path.read_text(errors="replace"), folder, allowed, lambda target, f: home(target) == f)
    for fault in faults:
        print(fault)
    print(f"{files} files, {len(faults)} faults")
    return 1 if faults or files == 0 else 0


def self_test():
    cases = [
        ("src/detectors/x/x.cpp", "detectors/x", '#include "platform/clock.h"', 1),
        ("src/casework/a.cpp", "casework", '#include "detect/engine.h"', 1),
        ("src/casework/a.cpp", "casework", '#include "model/alert.h"', 0),
        ("src/detect/a.cpp", "detect", "auto t = std::chrono::steady_clock::now();", 1),
        ("src/detect/a.cpp", "detect", "std::jthread t;", 1),
        ("src/ingest/a.cpp", "ingest", 'auto e = getenv("HOME");', 1),
        ("src/ingest/a.cpp", "ingest", "std::ifstream in(path);", 1),
        ("src/ingest/a.cpp", "ingest", "// std::ifstream is not used here", 0),
        ("src/platform/a.cpp", "platform", "std::ifstream in(path);", 0),
        ("src/server/a.cpp", "server", "table = toml::parse(text, file);", 1),
        ("src/base/a.cpp", "base", "table = toml::parse(text, file);", 0),
    ]
    for path, folder, text, expected in cases:
        got = len(check_file(path, text, folder, {"base", "model"}, lambda t, f: True))
        if (got > 0) != (expected > 0):
            print(f"self-test: {text!r} in {folder}: expected {expected} faults, got {got}")
            return 1
    print(f"self-test: {len(cases)} cases hold")
    return 0


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1:] == ["--self-test"] else main())
