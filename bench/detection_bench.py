#!/usr/bin/env python3
"""How well fraud is found: provinces simulated from seeds that nobody tuned on, replayed, and their alerts held against what was planted.

usage: detection_bench.py BUILD_DIR OUT_DIR [--seeds 20261,31337,271828] [--numbers 100000] [--hours 72] [--strengths 1,0.5,0.25] [--show-false]

For each strength (rate of what is planted against its default; the first is the main run) and seed it prints, added up over the seeds:
  recall      of planted entities by pattern, with a 95 % interval (Wilson), and how many calls or messages each had made before its own first alert,
              and before any alert named it (a trunk's or a device's alert names its callers)
  alerts      by detector and rule: about planted entities, about people and trunks that planted ones reached, about known look-alikes, about others
  groups      numbers of each protected group wrongly named, once unregistered and once in content/protected_groups.toml, as a site has them
A simulated province shows that the parts work together and where they fail; it proves nothing about a real network.
"""
import argparse
import csv
import datetime
import json
import math
import re
import shutil
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Seeds that detectors were tuned on. Figures from them would flatter.
DEVELOPMENT = {7, 11, 101, 102, 977, 4242}
# Look-alikes that a site enters in its protected groups: roles of the province's own people.
GROUPS = {"courier", "driver", "call_centre", "hospital", "school"}


def wilson(hits, of, z=1.96):
    """The 95 % interval of a share."""
    if of == 0:
        return 0.0, 1.0
    share, square = hits / of, z * z
    centre = (share + square / (2 * of)) / (1 + square / of)
    half = z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max(0.0, centre - half), min(1.0, centre + half)


def quantile(values, share):
    """The smallest value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def epoch_ms(text):
    if text.isdigit():
        return int(text)
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def lines(path):
    with path.open() as file:
        return [json.loads(line) for line in file]


class Runs:
    def __init__(self, arguments):
        self.build = Path(arguments.build).resolve()
        self.out = Path(arguments.out).resolve()
        self.arguments = arguments
        self.pandun = self.build / "pandun"
        self.content = HERE.parent / "content"
        self.out.mkdir(parents=True, exist_ok=True)

    def scenario(self, strength):
        """Every kind of telephone fraud, planted at `strength`."""
        planted, alike = (self.content / "scenarios/fraud.toml").read_text().split("# Look-alikes")
        text = re.sub(r"strength = [0-9.]+", f"strength = {strength}", planted) + "#" + alike
        path = self.out / f"scenario-{strength}.toml"
        path.write_text(text)
        return path

    def province(self, seed, strength):
        home = self.out / "data" / f"province-{seed}-{self.arguments.numbers}-{self.arguments.hours:g}-{strength}"
        if not (home / "province.toml").exists():
            shutil.rmtree(home, ignore_errors=True)
            subprocess.run([self.pandun, "simulate", "--out", home, "--numbers", str(self.arguments.numbers), "--hours",
                            f"{self.arguments.hours:g}", "--seed", str(seed), "--scenario", self.scenario(strength)],
                           check=True, stdout=subprocess.DEVNULL)
        return home

    def replay(self, home, out, config=None):
        inputs = [f"{name}:{home}/{name}.csv" for name in ("calls", "messages", "openings", "cell_reports") if (home / f"{name}.csv").exists()]
        subprocess.run([self.pandun, "replay", "--out", out, "--identities", "clear", "--signals", out.with_suffix(".signals"),
                        *(["--config", config] if config else []), *inputs],
                       check=True, stdout=subprocess.DEVNULL)
        return lines(out / "alerts.jsonl"), lines(out.with_suffix(".signals")), json.loads((out / "summary.json").read_text())

    def registered(self, truth, out):
        """The same content, with the look-alikes in the protected groups."""
        directory = out.with_suffix(".content")
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(self.content, directory)
        groups = defaultdict(list)
        for value, (kind, pattern) in truth.items():
            if kind == "benign" and pattern in GROUPS:
                groups[pattern].append(value)
        with (directory / "protected_groups.toml").open("a") as file:
            for name, numbers in sorted(groups.items()):
                file.write(f'\n[[group]]\nid = "{name}"\ntitle.zh = "{name}"\ntitle.en = "{name}"\nnumbers = {json.dumps(numbers)}\n')
        config = out.with_suffix(".toml")
        config.write_text(f'[content]\ndirectory = "{directory}"\n')
        return config


def acts_of(home, truth):
    """The times at which planted entities called or sent, in order; of a victim of call bombing, those at which it was rung; of a cell in use that is copied and of an
    exchange that is broken into, those since then; of a station that the network does not see, the telephones' reports."""
    since = {t["entity"]["value"]: epoch_ms(t["first"]) for t in lines(home / "truth.jsonl") if t["pattern"] in ("copied_base_station", "premium_abuse")}
    acts = {value: [] for value, (kind, pattern) in truth.items() if kind == "fraud"}
    rung = {value for value, (_, pattern) in truth.items() if pattern == "call_bombing"}
    for name, who, where in (("calls.csv", "caller", ("caller_device", "caller_cell", "route")), ("messages.csv", "sender", ("sender_device", "sender_cell"))):
        with (home / name).open() as file:
            rows = csv.reader(file)
            header = next(rows)
            time, columns = header.index("time"), [header.index(column) for column in (who, *where)]
            callee = header.index("callee" if who == "caller" else "recipient")
            for row in rows:
                if row[callee] in rung:
                    acts[row[callee]].append(epoch_ms(row[time]))
                for column in columns:
                    if row[column] in acts and row[column] not in rung:
                        acts[row[column]].append(epoch_ms(row[time]))
    with (home / "cell_reports.csv").open() as file:
        for row in csv.DictReader(file):
            if truth.get(row["cell"], ("", ""))[1] == "unseen_base_station":
                acts[row["cell"]].append(epoch_ms(row["time"]))
    return {value: sorted(t for t in times if t >= since.get(value, 0)) for value, times in acts.items()}


def cells_beside(home, truth):
    """The network's own cells beside which telephones saw a planted one."""
    with (home / "cell_reports.csv").open() as file:
        return {row["near_cell"] for row in csv.DictReader(file) if truth.get(row["cell"], ("",))[0] == "fraud"}


class Figures:
    """What is added up over the seeds of one strength."""

    def __init__(self):
        self.planted = Counter()
        self.found = Counter()
        self.named = Counter()
        self.by = defaultdict(Counter)
        self.before_own = defaultdict(list)
        self.before_named = defaultdict(list)
        self.alerts = defaultdict(Counter)
        self.wrong = defaultdict(set)
        self.group_size = Counter()
        self.false = []
        self.missed = []
        self.number_days = 0.0

    def classify(self, alert, truth, beside):
        kind, pattern = truth.get(alert["entity"]["value"], ("other", ""))
        if kind == "fraud":
            return "planted", pattern
        if alert["entity"]["value"] in beside or any(truth.get(p["value"], ("",))[0] == "fraud" for p in alert["peers"]):
            return "reached", pattern
        return ("look-alike", pattern) if kind == "benign" else ("other", pattern)

    def add_alerts(self, seed, alerts, truth, beside):
        for alert in alerts:
            what, pattern = self.classify(alert, truth, beside)
            self.alerts[alert["detector"]][what] += 1
            if what in ("look-alike", "other"):
                self.wrong[pattern or "everybody else"].add((seed, alert["entity"]["value"]))
                self.false.append((seed, alert["detector"], pattern or what, alert["entity"]["value"], alert["title"]["en"],
                                   {e["feature"]: round(e["value"], 3) for e in alert["evidence"]}))

    def add_recall(self, seed, signals, truth, acts):
        first, named, by = {}, {}, defaultdict(set)
        for signal in signals:
            value, at = signal["entity"], epoch_ms(signal["last"])
            first[value] = min(first.get(value, at), at)
            by[value].add(signal["detector"])
            for other in (value, *signal["peers"]):
                named[other] = min(named.get(other, at), at)
        for value, (kind, pattern) in truth.items():
            if kind != "fraud":
                continue
            if not acts[value]:
                continue  # planted for later than the record's end
            label = self.label(value, pattern)
            self.planted[label] += 1
            if value in named:
                self.named[label] += 1
                self.before_named[label].append(sum(1 for at in acts[value] if at <= named[value]))
            if value not in first:
                self.missed.append((seed, label, value, len(acts[value])))
                continue
            self.found[label] += 1
            for detector in by[value]:
                self.by[label][detector] += 1
            self.before_own[label].append(sum(1 for at in acts[value] if at <= first[value]))

    @staticmethod
    def label(value, pattern):
        what = {"sim_box": "devices", "trunk_relay": "trunk"}.get(pattern)
        return pattern if what is None or value.startswith("+") else f"{pattern} ({what})"


def one_strength(runs, seeds, strength, main):
    figures, registered = Figures(), Figures()
    seconds = events = 0
    for seed in seeds:
        home = runs.province(seed, strength)
        truth = {t["entity"]["value"]: (t["kind"], t["pattern"]) for t in lines(home / "truth.jsonl") if t["entity"]["kind"] in ("number", "device", "cell", "trunk")}
        out = runs.out / f"replay-{seed}-{strength}"
        alerts, signals, summary = runs.replay(home, out)
        seconds += summary["elapsed_s"]
        events += sum(summary["events"].values())
        acts = acts_of(home, truth)
        figures.add_recall(seed, signals, truth, acts)
        beside = cells_beside(home, truth)
        figures.add_alerts(seed, alerts, truth, beside)
        sizes = Counter(pattern for kind, pattern in truth.values() if kind == "benign")
        sizes["everybody else"] = runs.arguments.numbers - sum(sizes[group] for group in GROUPS)
        for part in (figures, registered):
            part.group_size.update(sizes)
            part.number_days += runs.arguments.numbers * runs.arguments.hours / 24
        if main:
            again = runs.out / f"replay-{seed}-{strength}-registered"
            registered.add_alerts(seed, runs.replay(home, again, runs.registered(truth, again))[0], truth, beside)
    return figures, registered if main else None, {"events": events, "seconds": seconds}


def recall_rows(figures):
    rows = []
    for pattern in sorted(figures.planted):
        hits, of = figures.found[pattern], figures.planted[pattern]
        low, high = wilson(hits, of)
        rows.append({"pattern": pattern, "planted": of, "found": hits, "named": figures.named[pattern], "recall": hits / of, "low": low,
                     "high": high, "before_own": [quantile(figures.before_own[pattern], share) for share in (.5, .9)],
                     "before_named": [quantile(figures.before_named[pattern], share) for share in (.5, .9)], "by": dict(figures.by[pattern].most_common())})
    return rows


def alert_rows(figures):
    rows = []
    for detector in sorted(figures.alerts):
        count = figures.alerts[detector]
        false = count["look-alike"] + count["other"]
        rows.append({"detector": detector, "alerts": sum(count.values()), **{k: count[k] for k in ("planted", "reached", "look-alike", "other")},
                     "false_per_million_day": false / figures.number_days * 1e6})
    return rows


def group_rows(figures, registered):
    rows = []
    for group in sorted(figures.group_size):
        size = figures.group_size[group]
        row = {"group": group, "numbers": size, "wrong": len(figures.wrong[group]), "high": wilson(len(figures.wrong[group]), size)[1]}
        if registered is not None:
            row |= {"wrong_registered": len(registered.wrong[group]), "high_registered": wilson(len(registered.wrong[group]), size)[1]}
        rows.append(row)
    return rows


def show(strength, figures, registered, show_false):
    print(f"\n## Planted at {strength} of the default rate, {figures.number_days:,.0f} number-days\n")
    print("| pattern | planted | found | recall, 95 % interval | named at all | acts before its own first alert: median, 90 % | before it was first named | by |\n"
          "|---|---|---|---|---|---|---|---|")
    shown = lambda pair: "–" if pair[0] is None else f"{pair[0]}, {pair[1]}"
    for r in recall_rows(figures):
        print(f"| {r['pattern']} | {r['planted']} | {r['found']} | {r['recall']:.3f}, {r['low']:.3f}–{r['high']:.3f} | {r['named']} | {shown(r['before_own'])} | "
              f"{shown(r['before_named'])} | "
              + ", ".join(f"{k} {v}" for k, v in r["by"].items()) + " |")
    print("\n| detector or rule | alerts | planted | reached by planted | look-alikes | others | false per million numbers and day |\n|---|---|---|---|---|---|---|")
    total = 0.0
    for r in alert_rows(figures):
        total += r["false_per_million_day"]
        print(f"| {r['detector']} | {r['alerts']} | {r['planted']} | {r['reached']} | {r['look-alike']} | {r['other']} | {r['false_per_million_day']:.1f} |")
    print(f"| all | | | | | | {total:.1f} |")
    print("\n| group | numbers | wrongly named | at most (95 %) |" + (" registered: wrongly named | at most |" if registered else "")
          + "\n|---|---|---|---|" + ("---|---|" if registered else ""))
    for r in group_rows(figures, registered):
        print(f"| {r['group']} | {r['numbers']:,} | {r['wrong']} | {r['high']:.2%} |"
              + (f" {r['wrong_registered']} | {r['high_registered']:.2%} |" if registered else ""))
    if show_false:
        for miss in figures.missed:
            print("missed", *miss)
        for false in figures.false:
            print("false ", *false)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("out")
    parser.add_argument("--seeds", default="20261,31337,271828")
    parser.add_argument("--numbers", type=int, default=100_000)
    parser.add_argument("--hours", type=float, default=72)
    parser.add_argument("--strengths", default="1,0.5,0.25")
    parser.add_argument("--show-false", action="store_true", help="list every false alert and every miss")
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    if used := DEVELOPMENT & set(seeds):
        print(f"note: seeds {sorted(used)} were used in development; not for publishing")
    runs = Runs(arguments)
    saved = {"seeds": seeds, "numbers": arguments.numbers, "hours": arguments.hours, "strengths": {}}
    for place, strength in enumerate(float(s) for s in arguments.strengths.split(",")):
        figures, registered, speed = one_strength(runs, seeds, strength, place == 0)
        show(strength, figures, registered, arguments.show_false)
        saved["strengths"][strength] = {"recall": recall_rows(figures), "alerts": alert_rows(figures), "groups": group_rows(figures, registered), **speed}
    (runs.out / "detection.json").write_text(json.dumps(saved, indent=1) + "\n")


if __name__ == "__main__":
    main()
