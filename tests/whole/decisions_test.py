#!/usr/bin/env python3
"""Decisions of a live server: facts, lists and choices count within a second, survive a kill, and can be explained afterwards."""
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


def signed_in(server, home):
    admin = Client(server.url)
    admin.sign_in("admin", server.password, "a new long password 1")
    made = admin.call("POST", "/api/v1/users", {"username": "an.na", "display_name": "Anna", "roles": ["analyst"]}, expect=201)
    anna = Client(server.url)
    anna.sign_in("an.na", made["initial_password"], "another long password 2")
    return anna


def asked(client, caller, callee="+8613900139000", route="intra-1", **more):
    return client.call("POST", "/api/v1/decisions/call", {"caller": caller, "callee": callee, "route": route, **more}, expect=200)


def facts_choices_lists_and_holds_decide_and_are_explained(home):
    server = Server(home / "data", config=configured(home))
    anna = signed_in(server, home)
    assert asked(anna, "13800138000")["reason"] == "clear"
    assert asked(anna, "+862161234567", route="intl-1")["reason"] == "international_trunk_domestic_caller"
    assert asked(anna, "13800138000", route="intl-1")["reason"] == "roaming_unknown"
    assert asked(anna, "110")["reason"] == "emergency"
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
    again.sign_in("an.na", "another long password 2")
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


if __name__ == "__main__":
    sys.exit(main(facts_choices_lists_and_holds_decide_and_are_explained))
