#!/usr/bin/env python3
"""pandun learn from outside: train, score, evaluate, list, promote; faults and exit codes; the same seed, the same bytes."""
import csv
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

PANDUN = os.environ.get("PANDUN_BIN", "build/release/pandun")
MANIFEST = "".join(f'{key} = "made for a test"\n' for key in
                   ("name", "provenance", "licence", "purpose", "consent", "deidentification", "impact_assessment"))
QUICK = ["--folds", "3", "--inner-folds", "3", "--rounds", "60", "--eta", "0.2"]


def learn(*arguments, expect=0):
    run = subprocess.run([PANDUN, "learn", *map(str, arguments)], capture_output=True, text=True, timeout=300)
    if run.returncode != expect:
        raise AssertionError(f"learn {' '.join(map(str, arguments))}: {run.returncode}, expected {expect}\n{run.stdout}{run.stderr}")
    return run


def made(path, rows=900, seed=1, zipped=False):
    """A table with a signal in two columns and holes in all."""
    numbers = random.Random(seed)
    with (gzip.open(path, "wt") if zipped else open(path, "w")) as out:
        out.write("id,spread,calls,noise,city,fraud\n")
        for i in range(rows):
            fraud = numbers.random() < 0.3
            cells = [numbers.gauss(0.75 if fraud else 0.35, 0.22), numbers.lognormvariate(5.3 if fraud else 4.5, 0.8), numbers.gauss(0, 1)]
            shown = ["" if numbers.random() < 0.1 else f"{cell:.6g}" for cell in cells]
            out.write(f"u{i},{','.join(shown)},{numbers.choice(['cd', 'my', 'gy'])},{int(fraud)}\n")
    return path


def auc(pairs):
    ranked = sorted(pairs)
    positives = sum(label for _, label in ranked)
    ranks = sum(rank for rank, (_, label) in enumerate(ranked, 1) if label)
    return (ranks - positives * (positives + 1) / 2) / (positives * (len(ranked) - positives))


def main():
    home = Path(tempfile.mkdtemp())
    table, shelf = made(home / "t.csv"), home / "shelf"
    (home / "m.toml").write_text(MANIFEST)
    base = ["train", table, "--categorical", "city", "--manifest", home / "m.toml", *QUICK]

    first = json.loads(learn(*base, "--out", shelf, "--by", "li", "--json").stdout)
    assert first["mean_auc"] > 0.85, first
    assert first["evaluation"]["auc"]["low"] < first["mean_auc"] < 1
    again = json.loads(learn(*base, "--out", home / "other", "--json").stdout)
    assert Path(first["model"]).read_bytes() == Path(again["model"]).read_bytes(), "the same seed gave another model"
    assert first["digest"] == again["digest"]
    batch = Path(first["model"]).parent
    for paper in ("report.html", "metrics.json", "out_of_fold.csv", "label_doubts.csv"):
        assert (batch / paper).stat().st_size > 0, paper
    assert "<script" not in (batch / "report.html").read_text()

    # Rows never seen, from a .gz, without their labels being read.
    later = made(home / "later.csv.gz", seed=2, zipped=True)
    learn("score", shelf, later, "--out", home / "scores.csv")
    truth = {row["id"]: int(row["fraud"]) for row in csv.DictReader(gzip.open(later, "rt"))}
    scored = list(csv.DictReader(open(home / "scores.csv")))
    assert len(scored) == len(truth)
    assert auc([(float(row["score"]), truth[row["id"]]) for row in scored]) > 0.85
    assert all(0 <= float(row["score"]) <= 1 and row["reasons"] for row in scored)
    judged = json.loads(learn("evaluate", shelf, later, "--reference", table, "--report", home / "r.html", "--json").stdout)
    assert judged["auc"]["value"] > 0.85 and judged["drift"] and (home / "r.html").exists()

    # The shelf: the way, two people, and back.
    learn("promote", batch, "--to", "champion", "--by", "li", "--approved-by", "wang", expect=4)
    learn("promote", batch, "--to", "shadow", "--by", "li")
    learn("promote", batch, "--to", "champion", "--by", "li", "--approved-by", "li", expect=5)
    learn("promote", batch, "--to", "champion", "--by", "li", expect=5)
    learn("promote", batch, "--to", "champion", "--by", "li", "--approved-by", "wang")
    second = json.loads(learn(*base, "--seed", "2", "--out", shelf, "--note", "another seed", "--json").stdout)
    assert second["batch"] == 2
    learn("promote", shelf, "--batch", "2", "--to", "shadow", "--by", "li")
    learn("promote", shelf, "--batch", "2", "--to", "champion", "--by", "wang", "--approved-by", "li")
    learn("promote", shelf, "--roll-back", "--by", "li", "--approved-by", "wang")
    states = {entry["batch"]: entry["state"] for entry in map(json.loads, learn("list", shelf, "--json").stdout.splitlines())}
    assert states == {1: "champion", 2: "retired"}, states
    undeclared = json.loads(learn("train", table, "--ignore", "city", *QUICK, "--out", home / "sandbox", "--json").stdout)
    learn("promote", Path(undeclared["model"]).parent, "--to", "shadow", "--by", "li", expect=5)

    # Faults say where.
    for text, place in (("id,a,fraud\nx,1,1\ny,1e308,0\n", ":3:3"), ("id,a\nx,1\n", ":1"), ("id,a,fraud\nx,\"1,1\n", ":2"), ("", "t_bad.csv")):
        (home / "t_bad.csv").write_text(text)
        run = learn("train", home / "t_bad.csv", "--out", home / "none", expect=4)
        assert place in run.stderr, run.stderr
    assert ":2:" in learn("train", table, "--out", home / "none", expect=4).stderr  # words in the column city
    learn("train", table, "--folds", "1", "--ignore", "city", "--out", home / "none", expect=2)
    learn("train", home / "absent.csv", "--out", home / "none", expect=4)
    (home / "strange").write_bytes(b"\x80\x04pickle")
    learn("score", home / "strange", later, "--out", home / "x.csv", expect=4)
    broken = bytearray(Path(first["model"]).read_bytes())
    broken[len(broken) // 2] ^= 1
    (home / "broken").write_bytes(broken)
    learn("score", home / "broken", later, "--out", home / "x.csv", expect=6)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    sys.exit(main())
