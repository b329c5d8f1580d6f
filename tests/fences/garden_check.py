#!/usr/bin/env python3
"""Shows that the build refuses what the fences promise: a part without its catalogue line, a line without its folder, a circle in DEPS.

usage: garden_check.py SOURCE_DIR SCRATCH_DIR
"""
import shutil
import subprocess
import sys
from pathlib import Path

source, scratch = Path(sys.argv[1]), Path(sys.argv[2])
ROOT = """cmake_minimum_required(VERSION 3.25)
project(fences LANGUAGES CXX)
set(PANDUN_TESTS OFF)
find_package(Threads REQUIRED)
add_library(pandun_flags INTERFACE)
include({cmake}/precompiled.cmake)
include({cmake}/module.cmake)
{body}
"""
GARDEN = 'add_subdirectory(src/parts)'
PART = "int {0}_part() {{ return 1; }}\n"


def configure(name, body, files):
    home = scratch / name
    shutil.rmtree(home, ignore_errors=True)
    for path, text in files.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
    (home / "CMakeLists.txt").write_text(ROOT.format(cmake=source / "cmake", body=body))
    run = subprocess.run(["cmake", "-S", home, "-B", home / "build"], capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


GARDEN_CMAKE = "garden(NAME parts MACRO PART)\n"
cases = [
    ("whole", GARDEN, {"src/parts/CMakeLists.txt": GARDEN_CMAKE, "src/parts/catalog.cpp": "#define PART(x)\nPART(alpha)\n",
                       "src/parts/alpha/alpha.cpp": PART.format("alpha")}, None),
    ("line_missing", GARDEN, {"src/parts/CMakeLists.txt": GARDEN_CMAKE, "src/parts/catalog.cpp": "#define PART(x)\n",
                              "src/parts/alpha/alpha.cpp": PART.format("alpha")}, "lacks the line PART(alpha)"),
    ("folder_missing", GARDEN, {"src/parts/CMakeLists.txt": GARDEN_CMAKE, "src/parts/catalog.cpp": "#define PART(x)\nPART(beta)\n"},
     "no folder src/parts/beta/"),
    ("circle", "add_subdirectory(src/a)\nadd_subdirectory(src/b)", {
        "src/a/CMakeLists.txt": "module(NAME a DEPS b)\n", "src/a/a.cpp": PART.format("a"),
        "src/b/CMakeLists.txt": "module(NAME b DEPS a)\n", "src/b/b.cpp": PART.format("b")}, "DEPS names 'b'"),
]
failed = 0
for name, body, files, expected in cases:
    code, output = configure(name, body, files)
    flat = " ".join(output.split())
    good = code == 0 if expected is None else code != 0 and expected in flat
    print(f"{'ok  ' if good else 'FAIL'} {name}")
    if not good:
        print(output)
        failed += 1
sys.exit(1 if failed else 0)
