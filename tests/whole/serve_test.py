#!/usr/bin/env python3
"""A live server: killed at any moment it loses nothing and doubles nothing; nothing clear stands on its disk; its audit holds."""
import json
import random
import resource
import sys
import time

from pandun import Client, Server, main, replay, run, wait_until


def all_alerts(client):
    out, cursor = [], ""
    while True:
        page = client.call("GET", f"/api/v1/alerts?limit=100{cursor}", expect=200)
        out += page["items"]
        if not page["next"]:
            return out
        cursor = f"&cursor={page['next']}"


def config_for(home, *sources):
    # A record that begins now counts every number as old; a replay knows nothing of that.
    text = "[simulate]\nenabled = false\n[engine]\ncheckpoint_events = 5000\ncheckpoint_s = 1\n[detectors.new_number_burst]\nrecord_began_s = 0\n"
    for kind, path in sources:
        text += f'[[source]]\nkind = "{kind}"\npath = "{path}"\n'
    (home / "pandun.toml").write_text(text)
    return home / "pandun.toml"


def killed_at_any_moment_loses_and_doubles_nothing(home):
    run("simulate", "--out", home / "province", "--numbers", 4000, "--hours", 8, "--seed", 5)
    calls = home / "province/calls.csv"
    records = sum(1 for _ in calls.open()) - 1
    # A last, later record lets everything before it leave the ordering window.
    with calls.open("a") as out:
        out.write("2026-01-06T12:00:00Z,+8613800138000,+8613900139000,5,1" + "," * (calls.open().readline().count(",") - 4) + "\n")
    config = config_for(home, ("calls", calls))
    random.seed(3)
    password = None
    for _ in range(8):
        server = Server(home / "data", config=config)
        password = password or server.password
        time.sleep(random.uniform(0.02, 0.5))
        server.kill()
    server = Server(home / "data", config=config)
    wait_until(lambda: server.metric("pandun_events_total") >= records + 1 and server.metric("pandun_engine_lag_events") == 0, "all records are in", 120)
    client = Client(server.url)
    client.sign_in("admin", password, "a new long password 1")
    system = client.call("GET", "/api/v1/system", expect=200)
    live = wait_until(lambda: all_alerts(client), "alerts")
    overview = client.call("GET", "/api/v1/overview", expect=200)
    assert overview["engine"]["log_last"] == records + 1, f"{overview['engine']['log_last']} events in the log, {records + 1} records"
    server.stop()

    import os
    os.environ["PANDUN_GUARD_KEY_FILE"] = str(home / "data/keys/seal.key")
    replayed = replay(home / "replay", f"calls:{calls}")
    del os.environ["PANDUN_GUARD_KEY_FILE"]
    # Who is at risk of becoming a victim is warned by a live server and kept nowhere.
    expected = {a["id"] for a in map(json.loads, (home / "replay/alerts.jsonl").open()) if a["detector"] != "victim_at_risk"}
    found = [a["id"] for a in live]
    assert len(found) == len(set(found)), "no alert is doubled"
    assert set(found) == expected, f"live {len(found)}, replay {replayed['alerts']}: missing {len(expected - set(found))}, extra {len(set(found) - expected)}"
    assert system["content_digest"] == replayed["content_digest"]


def nothing_clear_on_disk(home):
    run("simulate", "--out", home / "province", "--numbers", 3000, "--hours", 6, "--seed", 6)
    calls = home / "province/calls.csv"
    records = sum(1 for _ in calls.open()) - 1
    server = Server(home / "data", config=config_for(home, ("calls", calls)))
    wait_until(lambda: server.metric("pandun_events_total") >= records * 0.9 and server.metric("pandun_engine_lag_events") == 0, "records are in", 60)
    wait_until(lambda: server.metric("pandun_alerts_total") > 0, "alerts", 30)
    server.stop()
    run("replay", "--out", home / "clear", "--identities", "clear", f"calls:{calls}")
    found = [json.loads(line)["entity"] for line in (home / "clear/alerts.jsonl").open()]
    numbers = {entity["value"].lstrip("+") for entity in found if entity["kind"] == "number"}
    numbers = [n for n in numbers if len(n) >= 11]
    assert numbers
    files = [p for p in (home / "data").rglob("*") if p.is_file()]
    assert any(p.suffix == ".db" for p in files) and any("eventlog" in str(p) for p in files)
    for path in files:
        content = path.read_bytes()
        for number in numbers:
            for form in (number.encode(), number[2:].encode(), int(number).to_bytes(8, "little")[:6], int(number).to_bytes(8, "big")[2:]):
                assert form not in content, f"{path.name} holds a clear number"


def audit_can_be_verified_by_an_outsider(home):
    server = Server(home / "data", config=config_for(home))
    client = Client(server.url)
    client.sign_in("admin", server.password, "a new long password 1")
    client.call("POST", "/api/v1/users", {"username": "wang", "display_name": "Wang", "roles": ["analyst"]}, expect=201)
    assert client.call("GET", "/api/v1/audit/verify", expect=200)["ok"]
    server.stop()
    run("audit", "export", "--data", home / "data", "--out", home / "export")
    run("audit", "verify", home / "export")
    path = home / "export/audit.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:1] + lines[2:]) + "\n")
    run("audit", "verify", home / "export", expect=4)


def a_full_disk_is_said_and_survived(home):
    """Files cannot grow past 1 MB, as on a full disk: the server says so, lives, and loses nothing once there is room again."""
    run("simulate", "--out", home / "province", "--numbers", 8000, "--hours", 8, "--seed", 9)
    calls = home / "province/calls.csv"
    records = sum(1 for _ in calls.open()) - 1
    config = config_for(home, ("calls", calls))
    limit = 1_000_000
    server = Server(home / "data", config=config, limit=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    client = Client(server.url)
    client.sign_in("admin", server.password)
    client.call("POST", "/api/v1/session/password", {"old_password": server.password, "new_password": "a new long password 1"})
    wait_until(lambda: client.call("GET", "/api/v1/system", expect=200)["faults"], "the fault is shown", 60)
    assert server.metric("pandun_events_total") < records
    server.kill()
    server = Server(home / "data", config=config)
    wait_until(lambda: server.metric("pandun_events_total") >= records and server.metric("pandun_engine_lag_events") == 0, "all records are in", 120)
    assert server.metric("pandun_events_total") == records, "nothing is lost and nothing doubled"
    server.stop()
    assert "good" in run("db", "check", "--data", home / "data").stdout


def one_process_for_a_data_directory(home):
    server = Server(home / "data", config=config_for(home))
    done = run("serve", "--data", home / "data", "--listen", "127.0.0.1:0", "--config", home / "pandun.toml", expect=6)
    assert str(server.child.pid) in done.stderr, done.stderr
    server.stop()


if __name__ == "__main__":
    sys.exit(main(killed_at_any_moment_loses_and_doubles_nothing, nothing_clear_on_disk, audit_can_be_verified_by_an_outsider,
                  a_full_disk_is_said_and_survived, one_process_for_a_data_directory))
