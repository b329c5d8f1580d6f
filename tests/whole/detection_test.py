#!/usr/bin/env python3
"""A fence against forgetting: in a small simulated province every planted fraud is found, and nobody who merely works by telephone is named.

bench/detection_bench.py is the measurement; docs/detection.md says what such figures are worth.
"""
import json
import sys
from collections import Counter, defaultdict

from pandun import main, replay, run

SEED, NUMBERS, HOURS = 86021, 20_000, 24
# Least share of the planted entities that must be named. All of them were when this was written.
LEAST = {("number", "fraud_ring"): 0.9, ("number", "sim_box"): 0.9, ("device", "sim_box"): 0.9, ("number", "wangiri"): 0.9,
         ("number", "message_burst"): 0.8, ("cell", "fake_base_station"): 1.0, ("number", "spoofed_trunk"): 0.7}
# Whom a pattern must be named by, whatever else speaks: a detector that falls silent must not hide behind another.
BY = {"fraud_ring": {"burst_calling", "new_number_burst", "ring"}, "sim_box": {"sim_box"}, "wangiri": {"one_ring"},
      "message_burst": {"message_burst"}, "fake_base_station": {"fake_base_station"}}
PROTECTED = ("courier", "driver", "call_centre", "hospital", "school", "message_port")


def province(home, hours=HOURS, scenario=None):
    flags = ["--scenario", scenario] if scenario else []
    run("simulate", "--out", home / "province", "--numbers", NUMBERS, "--hours", hours, "--seed", SEED, *flags)
    truth = [json.loads(line) for line in (home / "province/truth.jsonl").open()]
    inputs = [f"{kind}:{home}/province/{kind}.csv" for kind in ("calls", "messages", "cell_reports")]
    replay(home / "found", *inputs, flags=("--identities", "clear", "--signals", home / "signals.jsonl"))
    raised = [json.loads(line) for line in (home / "found/alerts.jsonl").open()]
    signals = [json.loads(line) for line in (home / "signals.jsonl").open()]
    assert {(s["detector"], s["entity"]) for s in signals} == {(a["detector"], a["entity"]["value"]) for a in raised}, "every alert has its signals"
    assert [s["position"] for s in signals] == sorted(s["position"] for s in signals)
    return {t["entity"]["value"]: t for t in truth}, raised


def planted_fraud_is_found_and_protected_groups_stay_quiet(home):
    truth, raised = province(home)
    by = defaultdict(set)
    for alert in raised:
        by[alert["entity"]["value"]].add(alert["detector"])
    planted, found, spoke = Counter(), Counter(), defaultdict(set)
    for value, told in truth.items():
        if told["kind"] == "fraud":
            kind = (told["entity"]["kind"], told["pattern"])
            planted[kind] += 1
            found[kind] += value in by
            spoke[told["pattern"]] |= by[value]
    assert set(planted) == set(LEAST), f"planted: {sorted(planted)}"
    for kind, least in LEAST.items():
        assert found[kind] >= least * planted[kind], f"{kind}: {found[kind]} of {planted[kind]} found, at least {least:.0%} wanted"
    for pattern, wanted in BY.items():
        assert wanted <= spoke[pattern], f"{pattern}: {wanted - spoke[pattern]} said nothing"
    named = {value: (truth[value]["pattern"], sorted(by[value])) for value in by if value in truth and truth[value]["pattern"] in PROTECTED}
    assert not named, f"of protected groups: {named}"
    # Whoever else is named must have been reached by something planted: a victim to be warned, a trunk, a cell.
    for alert in raised:
        value = alert["entity"]["value"]
        reached = any(truth.get(p["value"], {}).get("kind") == "fraud" for p in alert["peers"])
        assert value in truth or reached, f"{alert['detector']} names {value}: {alert['title']['en']}"
        # A warning at most for the people themselves.
        assert alert["detector"] != "victim_at_risk" or alert["severity"] <= 60, alert


def cells_trunks_and_minutes_abroad_are_found_and_what_looks_like_them_stays_quiet(home):
    scenario = home / "few.toml"
    planted = {"unseen_base_station": 2, "trunk_relay": 2, "premium_abuse": 4, "new_cell": 4, "company_trunk": 2, "calls_abroad": 8}
    scenario.write_text('name = "few"\nactivity = 1.0\nhosts_per_number = 0.0\n[plant]\n'
                        + "".join(f"{kind} = {{ per_day = {count}, strength = 1.0 }}\n" for kind, count in planted.items()))
    truth, raised = province(home, hours=30, scenario=scenario)
    by = defaultdict(set)
    for alert in raised:
        by[alert["entity"]["value"]].add(alert["detector"])
    wanted = {("cell", "unseen_base_station"): "fake_base_station", ("trunk", "trunk_relay"): "sim_box", ("number", "premium_abuse"): "premium_calls"}
    found = Counter()
    for value, told in truth.items():
        kind = (told["entity"]["kind"], told["pattern"])
        if told["kind"] == "fraud" and kind in wanted and told["last"] < "2026-01-06T06:00:00Z":  # all of it is in the record
            assert wanted[kind] in by[value], f"{kind} {value} is named by {by[value]}"
            found[kind] += 1
    assert set(found) == set(wanted), f"found: {dict(found)}"
    for alert in raised:
        value = alert["entity"]["value"]
        reached = any(truth.get(p["value"], {}).get("kind") == "fraud" for p in alert["peers"])
        assert truth.get(value, {}).get("kind") == "fraud" or reached, f"{alert['detector']} names {value}, {truth.get(value)}: {alert['title']['en']}"


def a_province_without_fraud_is_silent(home):
    scenario = home / "none.toml"
    scenario.write_text('name = "none"\nactivity = 1.0\nhosts_per_number = 0.0\n')
    truth, raised = province(home, scenario=scenario)
    assert not any(t["kind"] == "fraud" for t in truth.values())
    assert not raised, [(a["detector"], a["entity"]["value"], a["title"]["en"]) for a in raised]


if __name__ == "__main__":
    sys.exit(main(planted_fraud_is_found_and_protected_groups_stay_quiet, cells_trunks_and_minutes_abroad_are_found_and_what_looks_like_them_stays_quiet,
                  a_province_without_fraud_is_silent))
