#!/usr/bin/env python3
"""Rules over the platform's own past: the counts equal a plain recount, nothing goes live without them and without two people."""
import collections
import csv
import datetime
import json
import os
import shutil
import sys
from pathlib import Path

from pandun import Client, Server, main, run, wait_until

CONTENT = Path(__file__).resolve().parents[2] / "content"
LEAST = 30

RULE = """
[[rule]]
id = "site_busy_callers"
entity = "number"
when = "calls_out_7d >= {least}"
severity = 40
confidence = 0.5
topic = "burst_call"
title = {{ zh = "站点试行：主叫频繁", en = "Site trial: calls a lot" }}
message = {{ zh = "七日内主叫次数多。", en = "Many calls in seven days." }}
ground = "afl-11"
cooldown = "1h"
episode_gap = "2d"
state = "live"
"""


def parse(time_text):
    return datetime.datetime.fromisoformat(time_text.replace("Z", "+00:00"))


def province(home, hours=50):
    run("simulate", "--out", home / "province", "--numbers", 1500, "--hours", hours, "--seed", 11)
    return home / "province/calls.csv"


def site(home, calls):
    """Content of its own: the busiest caller is a hospital's."""
    shutil.copytree(CONTENT, home / "content")
    made = collections.Counter(row["caller"] for row in csv.DictReader(calls.open()))
    hospital = made.most_common(1)[0][0]
    hospital = hospital if hospital.startswith("+") else "+" + hospital
    with (home / "content/protected_groups.toml").open("a") as out:
        out.write(f'\n[[group]]\nid = "hospital"\ntitle.zh = "医院"\ntitle.en = "Hospitals"\nnumbers = ["{hospital}"]\n')
    (home / "pandun.toml").write_text(
        f'[content]\ndirectory = "{home}/content"\n[simulate]\nenabled = false\n[[source]]\nkind = "calls"\npath = "{calls}"\n')
    return home / "pandun.toml"


def recount(calls, start, least):
    """Who makes a call from `start` on that is at least the `least`-th, and on which days."""
    rows = sorted(((parse(r["time"]), r["caller"]) for r in csv.DictReader(calls.open())), key=lambda r: r[0])
    made, touched = collections.Counter(), {}
    for at, caller in rows:
        made[caller] += 1
        if made[caller] >= least and at >= start:
            touched.setdefault(caller, at.date().isoformat())
    return touched, rows


def serve(home, config, records):
    server = Server(home / "data", config=config)
    wait_until(lambda: server.metric("pandun_events_total") >= records and server.metric("pandun_engine_lag_events") == 0, "all records are in", 120)
    return server


def counts_equal_a_recount(home):
    calls = province(home)
    config = site(home, calls)
    rows = list(csv.DictReader(calls.open()))
    server = serve(home, config, len(rows) - 200)  # the last stay in the ordering window
    last = sorted(r["time"] for r in rows)[-1]
    middle = parse(sorted(r["time"] for r in rows)[len(rows) // 2])
    end = parse(last) - datetime.timedelta(hours=1)
    (home / "rule.toml").write_text(RULE.format(least=LEAST))
    flags = ("--data", home / "data", "--config", config, "--from", middle.isoformat(), "--to", end.isoformat(), "--warm-up", 48, "--json")
    report = json.loads(run("backtest", *flags, home / "rule.toml").stdout)  # beside the running platform
    touched, sorted_rows = recount(calls, middle, LEAST)
    touched = {who: day for who, day in touched.items() if any(at < end and at >= middle for at in [first_hit(sorted_rows, who, middle)])}
    subject = report["subjects"][0]
    assert subject["people"] == len(touched), f"{subject['people']} people, {len(touched)} recounted"
    groups = {g["group"]: g["people"] for g in subject["groups"]}
    assert groups["hospital"] == 1 and groups["emergency"] == 0 and groups[""] == len(touched) - 1, groups
    days = collections.Counter(touched.values())
    assert {d["day"]: d["new"] for d in subject["days"] if d["new"]} == dict(days), (subject["days"], days)
    assert subject["acts_before"]["people"] == len(touched)
    assert any(s["group"] == "hospital" for s in subject["samples"]), "an example of each group"
    text = json.dumps(report)
    assert not any(who.lstrip("+") in text for who in touched), "no clear number leaves"
    again = json.loads(run("backtest", *flags, home / "rule.toml").stdout)
    for each in (subject, again["subjects"][0]):
        each.pop("known")  # alerts of the running platform may have come in between
    assert again["subjects"][0] == subject, "the same question has the same answer"
    server.stop()

    alone = json.loads(run("backtest", *flags, home / "rule.toml").stdout)  # and without a platform
    assert alone["subjects"][0]["people"] == subject["people"]
    looser = json.loads(run("backtest", *flags, "--detector", "burst_calling", "--set", "calls_1h_min=20").stdout)["subjects"][0]
    assert looser["compared"] and looser["removed"] == 0 and looser["people"] >= looser["in_force_people"], looser

    (home / "bad.toml").write_text(RULE.format(least=LEAST).replace("calls_out_7d", "calls_out_8d"))
    bad = run("backtest", "--data", home / "data", "--config", config, home / "bad.toml", expect=3)
    assert "bad.toml:" in bad.stderr and "calls_out_7d" in bad.stderr, bad.stderr
    run("backtest", "--data", home / "data", "--config", config, "--detector", "sim_box", "--set", "nonsense=1", home / "rule.toml", expect=2)
    few = run("backtest", "--data", home / "data", "--config", config, "--people", 3, home / "rule.toml", expect=None)
    assert few.returncode != 0 and "people_max" in few.stderr, few.stderr


def first_hit(rows, who, start, least=LEAST):
    made = 0
    for at, caller in rows:
        if caller != who:
            continue
        made += 1
        if made >= least and at >= start:
            return at
    return datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)


def people(server):
    admin = Client(server.url)
    admin.sign_in("admin", server.password, "a new long password 1")
    out = {}
    for name, role in (("li.wei", "analyst"), ("wang.fang", "approver"), ("zhao.min", "auditor")):
        made = admin.call("POST", "/api/v1/users", {"username": name, "display_name": name, "roles": [role]}, expect=201)
        out[role] = Client(server.url)
        out[role].sign_in(name, made["initial_password"], "another long password 2")
    return out["analyst"], out["approver"], out["auditor"], admin


def nothing_goes_live_untested_or_alone(home):
    calls = province(home, hours=26)
    config = site(home, calls)
    rows = list(csv.DictReader(calls.open()))
    server = serve(home, config, len(rows) - 200)
    analyst, approver, auditor, admin = people(server)
    bad = analyst.call("POST", "/api/v1/rule-versions", {"text": "[[rule]]\nid = \"x\"\n", "note": "n"}, expect=422)
    assert "missing_key" in json.dumps(bad), bad
    made = analyst.call("POST", "/api/v1/rule-versions", {"text": RULE.format(least=LEAST), "note": "a first try"}, expect=201)
    assert made["state"] == "draft" and made["newest_back_test"] is None
    path = f"/api/v1/rule-versions/{made['id']}"
    step = lambda who, what, expect, **body: who.call("POST", f"{path}/{what}", {"reason": "because", **body}, expect=expect)
    step(analyst, "propose", 409)
    step(approver, "shadow", 403)
    step(analyst, "shadow", 200)
    refused = step(analyst, "propose", 409)
    assert "back-test" in refused["detail"], refused

    def tested(version):
        job = analyst.call("POST", "/api/v1/back-tests", {"version": version, "warm_up_h": 12}, expect=201)
        done = wait_until(lambda: next((j for j in analyst.call("GET", "/api/v1/back-tests")["jobs"] if j["id"] == job["id"] and j["state"] in ("done", "failed")), None), "the back-test", 120)
        assert done["state"] == "done", done
        return analyst.call("GET", f"/api/v1/back-tests/{done['back_test']}", expect=200)

    report = tested(made["id"])
    count = report["subjects"][0]["people"]
    assert all(other["rule"] != "site_busy_callers" for other in report["subjects"][0]["overlaps"]), "its own shadow run is no other rule"
    assert count > 0
    step(analyst, "propose", 200)
    own = step(analyst, "approve", 403, back_test=report["id"], people=count)
    assert own["code"] == "not_allowed"
    unseen = step(approver, "approve", 409, back_test=report["id"], people=count + 1)
    assert report["id"] in unseen["detail"], unseen
    live = step(approver, "approve", 200, back_test=report["id"], people=count)
    assert live["state"] == "live" and live["approved_by"] == "wang.fang"

    def in_force():
        return next((r for r in admin.call("GET", "/api/v1/rules")["items"] if r["id"] == "site_busy_callers" and r["enabled"]), None)

    wait_until(in_force, "the rule is in force", 20)
    # It speaks twice, three hours apart: one alert, since its own episode_gap of two days counts from the start.
    last = max(parse(r["time"]) for r in rows)
    columns = calls.open().readline().count(",")
    with calls.open("a") as out:
        for hour in (1, 4):
            for i in range(40):
                at = last + datetime.timedelta(hours=hour, seconds=20 * i)
                out.write(f"{at.strftime('%Y-%m-%dT%H:%M:%SZ')},+8613700001234,+86139000{i:05d},30,1" + "," * (columns - 4) + "\n")
        at = last + datetime.timedelta(hours=9)
        out.write(f"{at.strftime('%Y-%m-%dT%H:%M:%SZ')},+8613800138000,+8613900139000,5,1" + "," * (columns - 4) + "\n")
    wait_until(lambda: server.metric("pandun_events_total") >= len(rows) + 81 and server.metric("pandun_engine_lag_events") == 0, "the new calls are in", 60)
    query = "/api/v1/alerts?detector=site_busy_callers&limit=100"
    mine = lambda: [a for a in admin.call("GET", query)["items"] if a["entity"]["value"].startswith("+86137") and a["entity"]["value"].endswith("34")]
    wait_until(mine, "an alert of the new rule", 30)
    wait_until(lambda: all(a["signals"] >= 2 for a in mine()), "its second signal", 30)
    assert len(mine()) == 1, f"{len(mine())} alerts for one episode"
    whole = admin.call("GET", f"/api/v1/alerts/{mine()[0]['id']}", expect=200)
    assert whole["detector_info"]["finds"]["en"] == "Many calls in seven days." and whole["detector_info"]["ground"] == "afl-11", whole["detector_info"]

    # A stricter version: compared with the one in force, then live instead of it, then rolled back in one step.
    second = analyst.call("POST", "/api/v1/rule-versions", {"text": RULE.format(least=LEAST * 2), "note": "fewer people"}, expect=201)
    compared = tested(second["id"])["subjects"][0]
    assert compared["compared"] and compared["added"] == 0 and compared["removed"] > 0, compared
    path = f"/api/v1/rule-versions/{second['id']}"
    step(analyst, "shadow", 200)
    proposal = step(analyst, "propose", 200)
    step(approver, "approve", 200, back_test=proposal["back_test"], people=compared["people"])
    wait_until(lambda: str(LEAST * 2) in (in_force() or {"when": ""})["when"], "the second version is in force", 20)
    auditor.call("POST", "/api/v1/rules/site_busy_callers/roll-back", {"reason": "too few"}, expect=403)
    back = approver.call("POST", "/api/v1/rules/site_busy_callers/roll-back", {"reason": "too few"}, expect=200)
    assert back["id"] == made["id"] and back["state"] == "live"
    wait_until(lambda: f">= {LEAST}" in (in_force() or {"when": ""})["when"], "the first is in force again", 20)
    actions = {e["action"] for e in admin.call("GET", "/api/v1/audit?limit=200")["items"]}
    assert {"rule.draft", "rule.shadow", "rule.back_test", "rule.propose", "rule.approve", "rule.roll_back"} <= actions, actions
    server.kill()

    # A restart finds the same in force; a rule that somebody wrote into a file by hand is named.
    with (home / "content/rules/site.toml").open("w") as out:
        out.write(RULE.format(least=77).replace("site_busy_callers", "by_hand"))
    server = Server(home / "data", config=config)
    again = Client(server.url)
    again.sign_in("admin", "a new long password 1")
    ids = {r["id"]: r for r in again.call("GET", "/api/v1/rules")["items"]}
    assert "site_busy_callers" in ids and "by_hand" in ids
    faults = json.dumps(again.call("GET", "/api/v1/system")["faults"])
    assert "by_hand" in faults and "burst" not in faults, faults
    server.stop()
    os.environ["PANDUN_DATA_DIRECTORY"] = str(home / "data")
    checked = run("check", "--config", config)
    del os.environ["PANDUN_DATA_DIRECTORY"]
    assert "by_hand" in checked.stderr and "night_mass_calling" not in checked.stderr and "site_busy_callers" not in checked.stderr, checked.stderr


if __name__ == "__main__":
    sys.exit(main(counts_equal_a_recount, nothing_goes_live_untested_or_alone))
