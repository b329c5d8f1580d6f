#!/usr/bin/env python3
"""Recordings made by others: what their labels call for is found, what they call benign stays quiet.

Needs PANDUN_TEST_DATA, a folder with fraud/ and netsec/ as docs/detectors/real_data.md names them; without it every test is skipped, loudly.
"""
import csv
import datetime
import json
import os
import sys
from pathlib import Path

from pandun import main, replay

DATA = os.environ.get("PANDUN_TEST_DATA", "")
MAPS = Path(__file__).resolve().parents[2] / "content/maps"


def alerts(home, name, *inputs, flags=()):
    summary = replay(home / name, *inputs, flags=flags)
    assert sum(summary["events"].values()) > 0, f"{name}: nothing was read"
    return [json.loads(line) for line in (home / name / "alerts.jsonl").open()], summary


def labelled(path):
    return f"zeek:{DATA}/netsec/labelled/{path}"


def found(alerts, detector):
    return {a["entity"]["value"] for a in alerts if a["detector"] == detector}


def beacons_are_found(home):
    njrat, _ = alerts(home, "njrat", labelled("ctu-001-zeek-scenario-malicious/conn.log"))
    assert found(njrat, "beacon") == {"192.168.1.115>41.108.179.197:1177/tcp"}, found(njrat, "beacon")
    rita, summary = alerts(home, "rita", labelled("rita_missing_host"))
    assert summary["events"]["flow"] == 105918, summary["events"]
    assert "73.54.23.243>64.225.56.201:80/tcp" in found(rita, "beacon")
    assert len(found(rita, "beacon")) <= 2, "a public machine's noise is no beacon"


def scans_are_found(home):
    nmap, _ = alerts(home, "nmap", labelled("ctu-002-zeek-scenario-port-scanning/conn.log"))
    assert found(nmap, "port_scan") == {"172.16.1.11"}, found(nmap, "port_scan")
    for kind, scanner in (("horizontal", "10.0.2.112"), ("vertical", "192.168.1.9")):
        slips, _ = alerts(home, kind, labelled(f"slips/port-scans/{kind}"))
        assert scanner in found(slips, "port_scan"), f"{kind}: {found(slips, 'port_scan')}"


def benign_hosts_stay_quiet(home):
    for name, host in (("ctu-008-zeek-mixed", "147.32.81.167"), ("ctu-010-zeek-mixed", "147.32.83.234")):
        raised, _ = alerts(home, name, labelled(f"{name}/data"))
        assert host not in found(raised, "port_scan"), f"{name}: the benign computer does not scan"
        from_host = [a for a in raised if a["entity"]["value"].startswith(host) and a["detector"] != "beacon"]
        assert not from_host, [(a["detector"], a["title"]["en"]) for a in from_host]


def people_of_copenhagen_stay_quiet(home):
    calls, summary = alerts(home, "calls", f"calls:{DATA}/fraud/copenhagen/calls.csv", flags=("--map", MAPS / "copenhagen_calls.toml"))
    assert summary["events"] == {"call": 3600} and not calls, (summary, calls)
    messages, summary = alerts(home, "messages", f"messages:{DATA}/fraud/copenhagen/sms.csv", flags=("--map", MAPS / "copenhagen_messages.toml"))
    assert summary["events"] == {"message": 24333} and not messages, (summary, messages)


def people_of_copenhagen_stay_quiet_as_subscribers(home):
    """Calls and messages together, the participants as ordinary mobile numbers, so that detectors that ask the numbering plan may speak too."""
    base = datetime.datetime(2012, 1, 1, tzinfo=datetime.timezone.utc)
    time = lambda row: (base + datetime.timedelta(seconds=int(row["timestamp"]))).strftime("%Y-%m-%dT%H:%M:%SZ")
    number = lambda participant: f"+8613800{int(participant):06}"
    with open(f"{DATA}/fraud/copenhagen/calls.csv") as source, (home / "calls.csv").open("w") as out:
        print("time,caller,callee,duration_s,answered", file=out)
        for row in csv.DictReader(source):
            talk = int(row["duration"])
            print(time(row), number(row["caller"]), number(row["callee"]), max(talk, 0), int(talk >= 0), sep=",", file=out)
    with open(f"{DATA}/fraud/copenhagen/sms.csv") as source, (home / "messages.csv").open("w") as out:
        print("time,sender,recipient", file=out)
        for row in csv.DictReader(source):
            print(time(row), number(row["sender"]), number(row["recipient"]), sep=",", file=out)
    raised, summary = alerts(home, "together", f"calls:{home}/calls.csv", f"messages:{home}/messages.csv")
    assert summary["events"] == {"call": 3600, "message": 24333} and summary["rejected"] == 0 and not raised, (summary, raised)


def every_suricata_recording_is_read(home):
    for name in sorted(p.name for p in Path(DATA, "netsec/labelled/eve").iterdir()):
        raised, summary = alerts(home, f"eve-{name}", f"eve:{DATA}/netsec/labelled/eve/{name}")
        assert summary["rejected"] == 0, f"{name}: {summary['rejected']} rejected"


TESTS = (beacons_are_found, scans_are_found, benign_hosts_stay_quiet, people_of_copenhagen_stay_quiet,
         people_of_copenhagen_stay_quiet_as_subscribers, every_suricata_recording_is_read)

if __name__ == "__main__":
    if not DATA or not Path(DATA, "netsec/labelled").is_dir():
        print("SKIPPED: PANDUN_TEST_DATA does not name a folder with recordings made by others; "
              f"{len(TESTS)} tests over them were not run\n0 passed, 0 failed")
        sys.exit(77)
    sys.exit(main(*TESTS))
