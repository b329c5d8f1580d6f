#!/usr/bin/env python3
"""Decisions of a live server: facts, lists and choices count within a second, survive a kill, and can be explained afterwards."""
import datetime
import json
import sys
import time

from pandun import Client, Server, main, wait_until

POLICIES = """
[[policy]]
id = "burst"
title_zh = "高频"
title_en = "burst"
enabled = true
measure = "caller_minute"
above = 5
services = ["call"]
action = "hold"
hold_s = 60
holds_per_hour_max = 10
approved_by = ["li.wei", "wang.fang"]
approved_at = "2020-01-01T00:00:00+08:00"
expires_at = "2099-01-01T00:00:00+08:00"
"""

LIST = """
kind = "reject"
title_zh = "名单"
title_en = "list"
ground = "反电信网络诈骗法 第十四条"
approved_by = ["li.wei", "wang.fang"]
approved_at = "2020-01-01T00:00:00+08:00"
expires_at = "2099-01-01T00:00:00+08:00"
"""


def configured(home):
    (home / "policies.toml").write_text(POLICIES)
    (home / "pandun.toml").write_text(
        f'[simulate]\nenabled = false\n[decide]\npolicies = "{home}/policies.toml"\nredress_url = "https://appeal.example/"\n')
    return home / "pandun.toml"


def people(server, **roles):
    admin = Client(server.url)
    admin.sign_in("admin", server.password, "a new long password 1")
    for name, role in roles.items():
        made = admin.call("POST", "/api/v1/users", {"username": name, "display_name": name, "roles": [role]}, expect=201)
        client = Client(server.url)
        client.sign_in(name, made["initial_password"], "another long password 2")
        yield client


def asked(client, caller, callee="+8613900139000", route="intra-1", **more):
    return client.call("POST", "/api/v1/decisions/call", {"caller": caller, "callee": callee, "route": route, **more}, expect=200)


def facts_choices_lists_and_holds_decide_and_are_explained(home):
    server = Server(home / "data", config=configured(home))
    anna, = people(server, anna="analyst")
    assert asked(anna, "13800138000")["reason"] == "clear"
    assert asked(anna, "+862161234567", route="intl-1")["reason"] == "international_trunk_domestic_caller"
    assert asked(anna, "13800138000", route="intl-1")["reason"] == "roaming_unknown"
    assert asked(anna, "110")["reason"] == "emergency"
    # Whoever is blocked reaches every emergency number, also that of another city; and a control room's call back is no false caller.
    lists = home / "data/decide/lists"
    lists.mkdir(parents=True, exist_ok=True)
    (lists / "all.csv").write_text("number\n13300133000\n96110\n")
    (lists / "all.toml").write_text(LIST)
    wait_until(lambda: asked(anna, "13300133000")["reason"] == "list_entry", "the list decides", 5)
    for number in ("110", "+86110", "0431110", "+86431119", "010-120", "999", "12119", "12110571", "96110", "0431-96110"):
        assert asked(anna, "13300133000", number)["reason"] == "emergency", number
        assert asked(anna, number, route="inter-1")["verdict"] == "allow", number
    (lists / "all.toml").unlink()
    foreign = asked(anna, "+442079460000", route="intl-1")
    assert foreign["reason"] == "foreign_caller" and foreign["label"]["zh"], foreign

    # The called person's choice counts for the next call.
    anna.call("PUT", "/api/v1/decisions/blocks", {"callees": ["+8613900139000"], "no_calls_from_abroad": True}, expect=200)
    refused = asked(anna, "+442079460000", route="intl-1")
    assert refused["reason"] == "callee_blocks_abroad" and refused["verdict"] == "reject", refused
    assert refused["redress_url"] == "https://appeal.example/" + refused["decision_id"]
    anna.call("PUT", "/api/v1/decisions/labels", {"numbers": ["13700137000"], "label": "suspected_fraud"}, expect=200)
    assert asked(anna, "13700137000")["reason"] == "labelled"

    # A list counts within two seconds, and its CSV does not stay.
    lists = home / "data/decide/lists"
    (lists / "bad.csv").write_text("number\n13600136000\n")
    (lists / "bad.toml").write_text(LIST)
    listed = wait_until(lambda: (a := asked(anna, "13600136000"))["reason"] == "list_entry" and a, "the list decides", 5)
    assert listed["measure"] == "bad:2" and not (lists / "bad.csv").exists()

    # A burst over a trusted trunk is held; elsewhere the same burst is not.
    for _ in range(8):
        held = asked(anna, "13500135000")
    assert held["reason"] == "policy_hold" and held["basis"] == "policy", held
    for _ in range(8):
        warned = asked(anna, "13400134000", route="inter-1")
    assert warned["reason"] == "policy_warn", warned
    rehearsed = asked(anna, "13500135000", time="2020-01-01T00:00:00Z")
    assert rehearsed["rehearsal"] and "decision_id" not in rehearsed

    why = anna.call("GET", f"/api/v1/decisions/{held['decision_id']}", expect=200)
    assert why["reason"] == "policy_hold" and why["measure"] == "burst" and why["trunk"] == "intra-1", why
    assert why["rates"]["caller_minute"] >= 5 and "13500135000" not in json.dumps(why), why
    assert anna.call("GET", "/api/v1/decisions/d-0000000000000001", expect=404)

    # Killed at once: choices, lists and the records that were written are there again.
    time.sleep(1.5)
    server.kill()
    server = Server(home / "data", config=configured(home))
    again = Client(server.url)
    again.sign_in("anna", "another long password 2")
    assert asked(again, "+442079460000", route="intl-1")["reason"] == "callee_blocks_abroad"
    assert asked(again, "13700137000")["reason"] == "labelled"
    assert asked(again, "13600136000")["reason"] == "list_entry"
    assert again.call("GET", f"/api/v1/decisions/{held['decision_id']}", expect=200)["reason"] == "policy_hold"
    (lists / "bad.toml").unlink()
    wait_until(lambda: asked(again, "13600136000")["reason"] != "list_entry", "the list is lifted", 5)
    server.stop()

    for path in [p for p in (home / "data").rglob("*") if p.is_file()]:
        data = path.read_bytes()
        for number in (b"13700137000", b"13600136000", b"13500135000", b"442079460000"):
            assert number not in data, f"{path} holds a clear number"


def a_measure_counts_within_a_second_and_so_does_its_lifting(home):
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=2)
    burst = [f"{(start + datetime.timedelta(seconds=3 * i)).isoformat()},+8613700137777,+86139{10000000 + i * 7919 % 90000000},4,1" for i in range(400)]
    last = f"{(start + datetime.timedelta(hours=1)).isoformat()},+8613800138000,+8613900139000,60,1"
    (home / "calls.csv").write_text("time,caller,callee,duration_s,answered\n" + "\n".join(burst + [last]) + "\n")
    config = configured(home)
    with config.open("a") as out:
        out.write(f'[[source]]\nkind = "calls"\npath = "{home}/calls.csv"\n')
    server = Server(home / "data", config=config)
    anna, wang, li = people(server, anna="analyst", wang="senior_approver", li="senior_approver")
    found = lambda: [a for a in anna.call("GET", "/api/v1/alerts?limit=50", expect=200)["items"] if a["entity"]["kind"] == "number"]
    alert = wait_until(found, "an alert on the caller", 30)[0]
    case = anna.call("POST", "/api/v1/cases", {"alert_ids": [alert["id"]]}, expect=201)
    path = f"/api/v1/cases/{case['id']}"

    def act(who, action, **fields):
        version = who.call("GET", path, expect=200)["version"]
        return who.call("POST", f"{path}/actions/{action}", {"version": version, "fields": fields}, expect=200)

    ask = lambda: asked(anna, "13700137777", route="inter-1")
    act(anna, "confirm", finding="400 calls in twenty minutes")
    until = (start + datetime.timedelta(days=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    act(anna, "propose_measure", kind="suspend", category="fraud", ground="afl-11", scope="this number", reason="burst", expires_at=until,
        notice="told by message", appeal_channel="10086", skip_reason="warnings were not enough")
    assert ask()["verdict"] != "reject", "a proposal rejects nobody"
    act(wang, "approve", opinion="agreed")
    begin = time.monotonic()
    rejected = wait_until(lambda: (a := ask())["verdict"] == "reject" and a, "the measure is in force", 5)
    assert time.monotonic() - begin < 1.0, time.monotonic() - begin
    assert rejected["reason"] == "measure_in_force" and rejected["redress_url"].endswith(rejected["measure"]), rejected
    act(anna, "appeal", claim="I am a doctor")
    act(li, "uphold_appeal", reason="shown to be so")
    begin = time.monotonic()
    wait_until(lambda: ask()["verdict"] != "reject", "the measure is lifted", 5)
    assert time.monotonic() - begin < 1.0, time.monotonic() - begin
    server.stop()


def an_open_alert_warns_when_the_site_wants_it_and_never_rejects(home):
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=2)
    burst = [f"{(start + datetime.timedelta(seconds=3 * i)).isoformat()},+8613700137777,+86139{10000000 + i * 7919 % 90000000},4,1" for i in range(400)]
    last = f"{(start + datetime.timedelta(hours=1)).isoformat()},+8613800138000,+8613900139000,60,1"
    (home / "calls.csv").write_text("time,caller,callee,duration_s,answered\n" + "\n".join(burst + [last]) + "\n")
    config = home / "pandun.toml"
    config.write_text(f'[simulate]\nenabled = false\n[decide]\nwarn_on_alert = true\n[[source]]\nkind = "calls"\npath = "{home}/calls.csv"\n')
    server = Server(home / "data", config=config)
    anna, = people(server, anna="analyst")
    ask = lambda: asked(anna, "13700137777", route="inter-1")

    def within_a_second(reason, what):
        begin = time.monotonic()
        answer = wait_until(lambda: (a := ask())["reason"] == reason and a, what, 5)
        assert time.monotonic() - begin < 1.0, f"{what}: {time.monotonic() - begin:.2f} s"
        return answer

    open_alerts = lambda: [a for a in anna.call("GET", "/api/v1/alerts?limit=50&state=open", expect=200)["items"] if a["entity"]["kind"] == "number"]
    wait_until(open_alerts, "an alert on the caller", 30)
    warned = within_a_second("alert_open", "the alert warns")
    assert warned["verdict"] == "warn" and warned["basis"] == "finding", warned
    wait_until(lambda: server.metric("pandun_engine_lag_events") == 0, "all calls are read", 30)
    for alert in open_alerts():
        anna.call("POST", f"/api/v1/alerts/{alert['id']}/dismiss", {"reason": "a call centre"}, expect=200)
        kept = alert
    within_a_second("clear", "a dismissed alert warns no more")
    anna.call("POST", f"/api/v1/alerts/{kept['id']}/reopen", {"reason": "not after all"}, expect=200)
    within_a_second("alert_open", "reopened, it warns")
    case = anna.call("POST", "/api/v1/cases", {"alert_ids": [kept["id"]]}, expect=201)
    time.sleep(0.5)
    assert ask()["reason"] == "alert_open", "in a running case"
    # Killed: what the store holds is known again before anybody asks twice.
    server.kill()
    server = Server(home / "data", config=config)
    anna = Client(server.url)
    anna.sign_in("anna", "another long password 2")
    within_a_second("alert_open", "known after a restart")
    path = f"/api/v1/cases/{case['id']}"
    version = anna.call("GET", path, expect=200)["version"]
    anna.call("POST", f"{path}/actions/dismiss", {"version": version, "fields": {"reason": "a call centre"}}, expect=200)
    within_a_second("clear", "a case that is done takes its alerts with it")
    server.stop()


def a_record_begins_once(home):
    server = Server(home / "data", config=configured(home))
    admin = Client(server.url)
    admin.sign_in("admin", server.password, "a new long password 1")

    def began(client):
        detector = next(d for d in client.call("GET", "/api/v1/detectors", expect=200)["items"] if d["name"] == "new_number_burst")
        return next(o["value"] for o in detector["options"] if o["name"] == "record_began_s")

    first = began(admin)
    assert abs(first - time.time()) < 120, first
    server.stop()
    time.sleep(1.1)
    server = Server(home / "data", config=configured(home))
    again = Client(server.url)
    again.sign_in("admin", "a new long password 1")
    assert began(again) == first
    server.stop()
    with configured(home).open("a") as out:
        out.write("[detectors.new_number_burst]\nrecord_began_s = 1700000000\n")
    server = Server(home / "data", config=home / "pandun.toml")
    again = Client(server.url)
    again.sign_in("admin", "a new long password 1")
    assert began(again) == 1700000000, "what the site says goes first"
    server.stop()


if __name__ == "__main__":
    sys.exit(main(an_open_alert_warns_when_the_site_wants_it_and_never_rejects, a_record_begins_once,
                  a_measure_counts_within_a_second_and_so_does_its_lifting, facts_choices_lists_and_holds_decide_and_are_explained))
