#!/usr/bin/env python3
"""Holds the documents against the tree: ARCHITECTURE's folder table, links between pages, the two commands, names of this machine.

usage: docs_check.py SOURCE_DIR
"""
import re
import subprocess
import sys
from pathlib import Path

source = Path(sys.argv[1])
faults = []

# 1. ARCHITECTURE.md's folder table names every folder of src/ (and the outside ones), and no other.
table = set()
for line in (source / "ARCHITECTURE.md").read_text().splitlines():
    m = re.match(r"\|\s*`([\w/]+)/`\s*\|", line)
    if m:
        table.add(m.group(1))
tree = {f"src/{p.name}" for p in (source / "src").iterdir() if p.is_dir()}
outside = {p.name for p in source.iterdir() if p.is_dir() and not p.name.startswith(".")} - {"src", "build", "data"}
for missing in sorted((tree | outside) - table):
    faults.append(f"ARCHITECTURE.md: the folder table lacks `{missing}/`")
for stale in sorted(table - tree - outside):
    faults.append(f"ARCHITECTURE.md: the folder table names `{stale}/`, which is not in the tree")

# 2. Every relative link in a page leads somewhere.
pages = [p for p in source.rglob("*.md") if not {"node_modules", "build", "data"} & set(p.relative_to(source).parts)]
for page in pages:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" in target or target.startswith("mailto:"):
            continue
        if not (page.parent / target).exists():
            faults.append(f"{page.relative_to(source)}: the link {target} leads nowhere")

# 3. The two commands stand in both READMEs.
for readme in ("README.md", "README.zh-CN.md"):
    for command in ("scripts/up", "scripts/test"):
        if command not in (source / readme).read_text():
            faults.append(f"{readme}: does not name {command}")

# 4. Every detector, source and action has its page or its row.
for part in sorted(p.name for p in (source / "src/detectors").iterdir() if p.is_dir()):
    if not (source / f"docs/detectors/{part}.md").exists():
        faults.append(f"docs/detectors/{part}.md: the detector has no page")
    if not list((source / f"src/detectors/{part}").glob("cases/*.case")):
        faults.append(f"src/detectors/{part}/cases/: the detector has no golden case")
inputs = (source / "docs/inputs.md").read_text()
for part in sorted(p.name for p in (source / "src/sources").iterdir() if p.is_dir() and p.name != "kit"):
    if f"`{part}" not in inputs:
        faults.append(f"docs/inputs.md: does not describe `{part}`")

# 5. Every third-party library that CMake links stands in docs/dependencies.md.
dependencies = (source / "docs/dependencies.md").read_text().lower()
named = {"fmt": "fmt", "xxhash": "xxhash", "sodium": "libsodium", "ZLIB": "zlib", "sqlite3": "sqlite", "simdjson": "simdjson",
         "tomlplusplus": "toml++", "boost": "boost", "OpenSSL": "openssl", "psl": "libpsl", "idn2": "libidn2", "gtest": "googletest",
         "prometheus": "prometheus-cpp", "CLI11": "cli11", "duckdb": "duckdb"}
cmake = "\n".join(p.read_text() for p in list(source.glob("src/**/CMakeLists.txt")) + list(source.glob("cmake/*.cmake")))
for word, shown in named.items():
    if re.search(rf"\b{word}", cmake, re.I) and shown.lower() not in dependencies:
        faults.append(f"docs/dependencies.md: lacks a line for {shown}")

# 6. No path of a build machine, no download address in a lock file.
try:
    tracked = subprocess.run(["git", "-C", str(source), "ls-files"], capture_output=True, text=True, check=True).stdout.split()
except (OSError, subprocess.CalledProcessError):
    tracked = []
for name in tracked:
    path = source / name
    if path.suffix in {".png", ".gz", ".bin"} or not path.is_file():
        continue
    text = path.read_text(errors="replace")
    if name.endswith("package-lock.json") and re.search(r'"resolved":\s*"https?:', text):
        faults.append(f"{name}: records download addresses; set omit-lockfile-registry-resolved")
    for word in re.findall(r"\b(?:T[O]DO|F[I]XME|X[X]X)\b", text) if name.startswith(("src/", "console/src/")) else []:
        faults.append(f"{name}: unfinished word {word}")

for fault in faults:
    print(fault)
print(f"{len(pages)} pages, {len(faults)} faults")
sys.exit(1 if faults else 0)
