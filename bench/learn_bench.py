#!/usr/bin/env python3
"""Training ground: the Sichuan 5-fold over several seeds with and without graph, hold-outs of 60 and 20 % training, couriers as a control for
false positives, drift, time to train, and the cost of a score beside XGBoost's own library.

usage: learn_bench.py BUILD_DIR OUT_DIR        PANDUN_TEST_DATA names the folder of recordings; without it this part is skipped.
                                               PANDUN_BENCH_JUDGINGS: how often each is judged over other folds (5).
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
JUDGINGS = os.environ.get("PANDUN_BENCH_JUDGINGS", "5")
rows = []


def row(figure, value, unit, note=""):
    rows.append({"bench": "learn", "figure": figure, "value": value, "unit": unit, "note": note})
    print(f"{'learn':<10} {figure:<58} {value:>16.4f} {unit:<12} {note}", flush=True)


def one_core(command):
    run = subprocess.run(["taskset", "-c", "0", *map(str, command)], capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(f"{command} ended with {run.returncode}: {run.stderr[-2000:]}")
    return run.stdout


FIGURES = (("auc", "AUC"), ("macro_f1", "macro-F1, thresholds chosen inside"), ("macro_recall", "macro recall"), ("g_mean", "G-mean"),
           ("recall_at_fpr_1pct", "recall at 1 % false positives"), ("recall_at_fpr_0_1pct", "recall at 0.1 % false positives"),
           ("precision_0_1pct_1_in_100", "precision at 0.1 % where 1 in 100"), ("precision_0_1pct_1_in_1000", "precision at 0.1 % where 1 in 1,000"),
           ("precision_0_1pct_1_in_10000", "precision at 0.1 % where 1 in 10,000"))


def train(pandun, users, home, name, *flags):
    """Mean over judgings with other folds, their spread, and the interval over users."""
    started = time.monotonic()
    result = json.loads(one_core([pandun, "learn", "train", users, "--label", "fraud", "--id", "id", "--manifest", home / "m.toml",
                                  "--out", home / name.replace(" ", "-"), "--json", "--forest", "30", "--repeats", JUDGINGS, *flags]))
    for key, shown in FIGURES:
        figure = result["repeats"][key]
        row(f"{name}: {shown}", figure["mean"], "", f"± {figure['spread']:.4f} between {len(figure['values'])} judgings, [{figure['low']:.4f}, {figure['high']:.4f}] over users")
    row(f"{name}: calibration error", result["evaluation"]["calibration_error"], "", f"Brier {result['evaluation']['brier']:.4f}")
    row(f"{name}: time to train the model", result["seconds_model"], "s", f"judging {result['seconds_folds']:.1f} s, {result['trees']} trees")
    return result | {"wall_s": time.monotonic() - started}


def couriers(pandun, data, home):
    """A real call graph with couriers, who call many people for their work: how often would a model of the graph take them for fraud?

    There are no call features in this recording, only who called whom: rules and the live model cannot be run on it.
    """
    source = data.parent / "bupt_graph"
    if not source.exists():
        print("learn      SKIPPED: no fraud/bupt_graph", flush=True)
        return None
    groups = {"0": "normal", "1": "fraud", "2": "courier"}
    kind = {node: groups[label] for node, label in (line.split() for line in (source / "TF.labels").open()) if label in groups}
    calls, called = {}, {}
    with (home / "edges.csv").open("w") as out:
        out.write("a,b\n")
        for line in (source / "TF.edgelist").open():
            a, b = line.split()
            out.write(f"{a},{b}\n")
            calls.setdefault(a, set()).add(b)
            called.setdefault(b, set()).add(a)
    with (home / "bupt.csv").open("w") as out:
        out.write("id,out_degree,in_degree,mutual,kind,fraud\n")
        for node, group in kind.items():
            to, by = calls.get(node, set()), called.get(node, set())
            out.write(f"{node},{len(to)},{len(by)},{len(to & by)},{group},{int(group == 'fraud')}\n")
    result = json.loads(one_core([pandun, "learn", "train", home / "bupt.csv", "--manifest", home / "m.toml", "--out", home / "bupt", "--edges", home / "edges.csv",
                                  "--protected", "kind", "--folds", "3", "--inner-folds", "3", "--eta", "0.1", "--rounds", "300", "--json"]))
    scores = {"normal": [], "fraud": [], "courier": []}
    for cells in csv.DictReader((Path(result["model"]).parent / "out_of_fold.csv").open()):
        scores[kind[cells["id"]]].append(float(cells["score"]))
    row("couriers: AUC, fraud against all others, graph alone", result["mean_auc"], "", f"{len(scores['courier'])} couriers, {len(scores['normal'])} others, {len(scores['fraud'])} fraud")
    scores["normal"].sort(reverse=True)
    found = {}
    for share in (0.01, 0.001):
        cut = scores["normal"][int(share * len(scores["normal"]))]
        rate = {group: sum(score > cut for score in of) / len(of) for group, of in scores.items()}
        found[str(share)] = rate
        row(f"couriers: called fraud where {share:.1%} of other people are", rate["courier"], "", f"fraud found {rate['fraud']:.4f}, others {rate['normal']:.4f}")
    return {"mean_auc": result["mean_auc"], "called": found, "groups": result["evaluation"]["groups"]}


def drift(pandun, users, home):
    """Half the users against the other half (nothing may move), and those seen for a month or less against those seen for eight (much must)."""
    table = list(csv.reader(open(users)))
    months = table[0].index("u_num_month")
    parts = {"even": [], "odd": [], "new": [], "long": []}
    for i, line in enumerate(table[1:]):
        parts["even" if i % 2 == 0 else "odd"].append(line)
        if line[months]:
            parts["new" if float(line[months]) <= 1 else "long"].append(line)
    for name, lines in parts.items():
        with (home / f"{name}.csv").open("w", newline="") as out:
            csv.writer(out).writerows([line[:-1] for line in [table[0], *lines]])
    found = {}
    for name, now, then in (("two halves", "odd", "even"), ("a month or less against more", "new", "long")):
        told = json.loads(one_core([pandun, "learn", "evaluate", home / "features", home / f"{now}.csv", "--reference", home / f"{then}.csv", "--json"]))
        moved = [d for d in told["drift"] if d["psi"] > 0.25]
        row(f"drift, {name}: PSI of the score", told["score_drift"]["psi"], "", f"{len(moved)} of {len(told['drift'])} columns over 0.25, called {told['score_drift']['called_then']:.3f} -> {told['score_drift']['called_now']:.3f}, no labels read")
        found[name] = told
    return found


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
    held = {share: train(pandun, users, home, f"{share[:-2]} % of users train", "--hold-out", f"0.{share[0]},0.2") for share in ("60 %", "20 %")}
    control = couriers(pandun, data, home)
    moved = drift(pandun, users, home)
    scored = json.loads(one_core([pandun, "learn", "score", home / "features", users, "--reasons", "0", "--out", home / "s.csv", "--json"]))
    row("our walker, whole ensemble", scored["us_per_row"], "us/row", f"{plain['trees']} trees")
    row("our walker, 300 trees' share of it", scored["us_per_row"] * 300 / plain["trees"], "us/row")
    peer = xgboost_us(users)
    if peer:
        row("XGBoost library, 300 trees, batches of 1,024, 1 thread", peer["batch_us"], "us/row")
        row("XGBoost library, 300 trees, one row at a time", peer["single_us"], "us/row")
    out.mkdir(parents=True, exist_ok=True)
    (out / "learn.json").write_text(json.dumps({"features": plain, "graph": graph, "hold_out": held, "couriers": control, "drift": moved, "score": scored, "xgboost": peer, "rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
