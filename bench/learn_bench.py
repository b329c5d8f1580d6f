#!/usr/bin/env python3
"""Training ground: the Sichuan 5-fold with and without graph, time to train, and the cost of a score beside XGBoost's own library.

usage: learn_bench.py BUILD_DIR OUT_DIR        PANDUN_TEST_DATA names the folder of recordings; without it this part is skipped.
"""
import csv
import ctypes
import ctypes.util
import json
import os
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path

HERE = Path(__file__).resolve().parent
MANIFEST = "".join(f'{key} = "measurement on published, de-identified competition data"\n' for key in
                   ("name", "provenance", "licence", "purpose", "consent", "deidentification", "impact_assessment"))
rows = []


def row(figure, value, unit, note=""):
    rows.append({"bench": "learn", "figure": figure, "value": value, "unit": unit, "note": note})
    print(f"{'learn':<10} {figure:<58} {value:>16.4f} {unit:<12} {note}", flush=True)


def one_core(command):
    run = subprocess.run(["taskset", "-c", "0", *map(str, command)], capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(f"{command} ended with {run.returncode}: {run.stderr[-2000:]}")
    return run.stdout


def train(pandun, users, home, name, *flags):
    started = time.monotonic()
    result = json.loads(one_core([pandun, "learn", "train", users, "--label", "fraud", "--id", "id", "--manifest", home / "m.toml",
                                  "--out", home / name, "--json", *flags]))
    figures = result["evaluation"]
    row(f"{name}: AUC, mean of 5 folds", result["mean_auc"], "", "[{low:.4f}, {high:.4f}] pooled".format(**figures["auc"]))
    row(f"{name}: macro-F1, thresholds chosen inside", result["mean_macro_f1"], "", "[{low:.4f}, {high:.4f}]".format(**figures["macro_f1"]))
    for key, shown in (("recall_at_fpr_1pct", "recall at 1 % false positives"), ("recall_at_fpr_0_1pct", "recall at 0.1 % false positives")):
        row(f"{name}: {shown}", figures[key]["value"], "", "[{low:.4f}, {high:.4f}]".format(**figures[key]))
    for base in figures["base_rates"]:
        row(f"{name}: precision at 0.1 % where 1 in {base['one_in']:.0f}", base["precision_at_fpr_0_1pct"], "",
            f"{base['precision_at_fpr_1pct']:.4f} at 1 %")
    row(f"{name}: time to train the model", result["seconds_model"], "s", f"folds {result['seconds_folds']:.1f} s, {result['trees']} trees")
    return result | {"wall_s": time.monotonic() - started}


def xgboost_us(users):
    """The library's own cost for a row, one at a time and 1,024 at a time: 300 trees of depth 5 on the same rows, one thread."""
    name = ctypes.util.find_library("xgboost") or "libxgboost.so"
    try:
        lib = ctypes.CDLL(name)
    except OSError:
        return None
    lib.XGBGetLastError.restype = ctypes.c_char_p

    def call(function, *arguments):
        if function(*arguments) != 0:
            raise RuntimeError(lib.XGBGetLastError().decode())

    def matrix(values, count, width):
        handle = ctypes.c_void_p()
        data = (ctypes.c_float * len(values)).from_buffer(values)
        call(lib.XGDMatrixCreateFromMat, data, ctypes.c_ulong(count), ctypes.c_ulong(width), ctypes.c_float(float("nan")), ctypes.byref(handle))
        return handle

    table = list(csv.reader(open(users)))
    width = len(table[0]) - 2
    values = array("f", (float(cell) if cell else float("nan") for line in table[1:] for cell in line[1:-1]))
    labels = array("f", (float(line[-1]) for line in table[1:]))
    whole = matrix(values, len(labels), width)
    call(lib.XGDMatrixSetFloatInfo, whole, b"label", (ctypes.c_float * len(labels)).from_buffer(labels), ctypes.c_ulong(len(labels)))
    booster = ctypes.c_void_p()
    call(lib.XGBoosterCreate, (ctypes.c_void_p * 1)(whole), ctypes.c_ulong(1), ctypes.byref(booster))
    for key, value in (("objective", "binary:logistic"), ("tree_method", "hist"), ("max_depth", "5"), ("eta", "0.05"), ("nthread", "1")):
        call(lib.XGBoosterSetParam, booster, key.encode(), value.encode())
    for round_ in range(300):
        call(lib.XGBoosterUpdateOneIter, booster, round_, whole)

    def cost(count, repeats):
        length, out, spent = ctypes.c_ulong(), ctypes.POINTER(ctypes.c_float)(), 0.0
        for _ in range(repeats):
            part = matrix(array("f", values[:count * width]), count, width)  # the library remembers the answers for rows it has seen
            started = time.perf_counter()
            call(lib.XGBoosterPredict, booster, part, 1, 0, 0, ctypes.byref(length), ctypes.byref(out))
            spent += time.perf_counter() - started
            lib.XGDMatrixFree(part)
        return spent * 1e6 / count / repeats

    return {"single_us": cost(1, 500), "batch_us": cost(1024, 10)}


def main():
    if "PANDUN_TEST_DATA" not in os.environ or not (Path(os.environ["PANDUN_TEST_DATA"]) / "fraud/sichuan/users.csv").exists():
        print("learn      SKIPPED: PANDUN_TEST_DATA does not name a folder with fraud/sichuan/users.csv", flush=True)
        return 0
    build, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    data = Path(os.environ["PANDUN_TEST_DATA"]) / "fraud/sichuan"
    home = Path(tempfile.mkdtemp())
    (home / "m.toml").write_text(MANIFEST)
    pandun, users = build / "pandun", data / "users.csv"
    ratios = HERE.parent / "content/learn/subscriber_ratios.toml"
    plain = train(pandun, users, home, "features")
    graph = train(pandun, users, home, "with graph", "--edges", data / "edges_contacts.csv.gz", "--derived", ratios)
    scored = json.loads(one_core([pandun, "learn", "score", home / "features", users, "--reasons", "0", "--out", home / "s.csv", "--json"]))
    row("our walker, whole ensemble", scored["us_per_row"], "us/row", f"{plain['trees']} trees")
    row("our walker, 300 trees' share of it", scored["us_per_row"] * 300 / plain["trees"], "us/row")
    peer = xgboost_us(users)
    if peer:
        row("XGBoost library, 300 trees, batches of 1,024, 1 thread", peer["batch_us"], "us/row")
        row("XGBoost library, 300 trees, one row at a time", peer["single_us"], "us/row")
    out.mkdir(parents=True, exist_ok=True)
    (out / "learn.json").write_text(json.dumps({"features": plain, "graph": graph, "score": scored, "xgboost": peer, "rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
