#!/usr/bin/env python3
"""Leads exchanged with a bank, on the whole binary: agreed by two people, matched by keyed hash, looked at by people, given back."""
import hashlib
import hmac
import json
import subprocess
import sys
import time

from pandun import PANDUN, Client, Server, environment, main, run, wait_until

FRAUD = "+8613800138000"
DAY = 86400


def when(offset_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + offset_s))


def calls_of_a_burst(path):
    """One number that calls 400 others within two hours, shortly before now."""
    start = time.time() - 3 * 3600
    lines = ["time,caller,callee,duration_s,answered"]
    for i in range(400):
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start + i * 18))
        lines.append(f"{at},{FRAUD},+86139{i:08d},{4 if i % 9 == 0 else 0},{1 if i % 9 == 0 else 0}")
    lines.append(f"{when(-60)},+8613700137000,+8613600136000,30,1")
    path.write_text("\n".join(lines) + "\n")


def house(home):
    calls_of_a_burst(home / "calls.csv")
    (home / "pandun.toml").write_text(
        f'[simulate]\nenabled = false\n[detectors.new_number_burst]\nrecord_began_s = 0\n[[source]]\nkind = "calls"\npath = "{home / "calls.csv"}"\n')
    server = Server(home / "data", config=home / "pandun.toml")
    admin = Client(server.url)
    admin.sign_in("admin", server.password, "a long enough passphrase 1")
    people = {}
    for name, roles in (("li.wei", ["analyst"]), ("zhang.min", ["approver"]), ("chen.jie", ["senior_approver"])):
        made = admin.call("POST", "/api/v1/users", {"username": name, "display_name": name, "roles": roles}, expect=201)
        people[name] = Client(server.url)
        people[name].sign_in(name, made["initial_password"], "seven lamps of bronze 3")
    token = admin.call("POST", "/api/v1/tokens", {"name": "leads", "roles": ["analyst"], "expires_in_days": 1}, expect=201)["token"]
    (home / "token").write_text(token)
    wait_until(lambda: any(a["entity"]["value"] == "+86138******00" for a in admin.call("GET", "/api/v1/alerts")["items"]), "the burst's alert")
    return server, admin, people


def agree(people, keep=0):
    analyst, approver = people["li.wei"], people["zhang.min"]
    wish = {"name": "江苏某银行", "kind": "bank", "agreement": "协议 2026-17", "expires_at": when(300 * DAY), "keep_unmatched_hours": keep,
            "purposes": {"fraud_number_check": "afl-11", "victim_warning": "afl-34-dissuade"}}
    partner = analyst.call("POST", "/api/v1/leads/partners", wish, expect=201)
    analyst.call("POST", f"/api/v1/leads/partners/{partner['id']}/decide", {"accept": True, "reason": "x"}, expect=403)
    active = approver.call("POST", f"/api/v1/leads/partners/{partner['id']}/decide", {"accept": True, "reason": "协议已核对"}, expect=200)
    key = active["keys"][0]["id"]
    shown = approver.call("POST", f"/api/v1/leads/partners/{partner['id']}/keys/{key}/reveal", expect=200)
    approver.call("POST", f"/api/v1/leads/partners/{partner['id']}/keys/{key}/reveal", expect=403)
    return partner["id"], bytes.fromhex(shown["key"])


def line(key, lead_id, number, purpose="fraud_number_check", kind="suspected_fraud"):
    digest = hmac.new(key, number.encode(), hashlib.sha256).hexdigest()
    return f"{lead_id},{kind},{digest},{when(-3600)},0.9,{purpose},{when(30 * DAY)}\n"


HEADER = "lead_id,kind,hash,observed_at,confidence,purpose,expires_at\n"


def leads(home, *arguments, expect=0):
    done = run("leads", *arguments, "--data", home / "data", "--config", home / "pandun.toml", "--token-file", home / "token", "--json", expect=expect)
    return json.loads(done.stdout) if expect == 0 else done


def a_banks_file_is_matched_and_looked_at_and_answered(home):
    server, admin, people = house(home)
    partner, key = agree(people)
    (home / "day.csv").write_text(HEADER + line(key, "b-1", FRAUD) + line(key, "b-2", "+8613511112222") + line(key, "b-3", FRAUD, "mule_account_check", "mule_account")
                                  + f"b-4,suspected_fraud,{FRAUD},{when(-60)},0.9,fraud_number_check,{when(DAY)}\n")
    receipt = leads(home, "import", "--partner", partner, "--faults", home / "faults.csv", home / "day.csv")
    assert (receipt["lines"], receipt["accepted"], receipt["matched"]) == (4, 2, 1), receipt
    assert (receipt["unknown_purpose"], receipt["faulty"]) == (1, 1), receipt
    assert [f["line"] for f in receipt["faults"]] == [4, 5], receipt
    assert FRAUD[3:] not in (home / "faults.csv").read_text()
    assert leads(home, "import", "--partner", partner, home / "day.csv")["repeat"]

    found = [a for a in admin.call("GET", "/api/v1/alerts?detector=shared_lead", expect=200)["items"]]
    assert len(found) == 1 and found[0]["entity"]["value"] == "+86138******00", found
    matches = admin.call("GET", "/api/v1/leads/matches", expect=200)["items"]
    assert len(matches) == 1 and matches[0]["lead_id"] == "b-1" and matches[0]["alert_id"] == found[0]["id"], matches

    # Nobody is limited by a lead: a case, a proposal and a second person are.
    decision = admin.call("POST", "/api/v1/decisions/call", {"caller": FRAUD, "callee": "+8613900139000"}, expect=200)
    assert decision["verdict"] != "reject", decision
    analyst = people["li.wei"]
    case = analyst.call("POST", "/api/v1/cases", {"alert_ids": [found[0]["id"]]}, expect=201)
    analyst.call("POST", f"/api/v1/leads/matches/{matches[0]['id']}/use", {"purpose": "victim_warning", "case_id": case["id"]}, expect=403)
    analyst.call("POST", f"/api/v1/leads/matches/{matches[0]['id']}/use", {"purpose": "fraud_number_check", "case_id": case["id"]}, expect=200)
    assert any(e["kind"] == "lead" for e in analyst.call("GET", f"/api/v1/cases/{case['id']}", expect=200)["evidence"])
    analyst.call("POST", f"/api/v1/leads/matches/{matches[0]['id']}/feedback", {"result": "confirmed"}, expect=200)
    assert leads(home, "feedback", "--partner", partner, "--out", home / "back.csv") == {"written": 1}
    assert (home / "back.csv").read_text().startswith("lead_id,result,at\nb-1,confirmed,")
    status = leads(home, "status")
    assert status[0]["match_rate"] == 0.5 and status[0]["confirmation_rate"] == 1, status

    # A label: the smallest measure that the called person sees; suspending is a senior approver's.
    def act(who, action, **fields):
        version = who.call("GET", f"/api/v1/cases/{case['id']}", expect=200)["version"]
        return who.call("POST", f"/api/v1/cases/{case['id']}/actions/{action}", {"version": version, "fields": fields})
    act(analyst, "confirm", finding="群呼特征明显")
    terms = {"category": "fraud", "ground": "afl-11", "scope": "来电显示", "reason": "群呼特征明显", "expires_at": when(10 * DAY)}
    act(analyst, "propose_measure", kind="suspend", notice="告知", appeal_channel="96110", skip_reason="正在行骗", **terms)
    refused = act(people["zhang.min"], "approve")
    assert refused["status"] == 403 and "senior_approver" in refused["detail"], refused
    act(people["zhang.min"], "refuse", reason="先标记")
    act(analyst, "propose_measure", kind="label", **terms)
    assert act(people["zhang.min"], "approve").get("state") == "approved"

    def labelled():
        answer = admin.call("POST", "/api/v1/decisions/call", {"caller": FRAUD, "callee": "+8613900139000"}, expect=200)
        return answer if answer.get("label") else None
    answer = wait_until(labelled, "the label at the switch", 10)
    assert answer["verdict"] == "warn" and answer["measure"].startswith("M-"), answer

    given = leads(home, "export", "--partner", partner, "--purpose", "fraud_number_check", "--out", home / "out.csv")
    assert given["accepted"] == 1, given
    assert hmac.new(key, FRAUD.encode(), hashlib.sha256).hexdigest() in (home / "out.csv").read_text()
    assert leads(home, "export", "--partner", partner, "--purpose", "mule_account_check", "--out", home / "no.csv", expect=5)
    measure = answer["measure"]
    (home / "theirs.csv").write_text(f"lead_id,result,at\n{measure},acted_on,{when(-5)}\n")
    assert leads(home, "feedback", "--partner", partner, "--in", home / "theirs.csv")["taken"] == 1

    actions = {e["action"] for e in admin.call("GET", "/api/v1/audit?limit=200", expect=200)["items"]}
    for wanted in ("lead.partner_propose", "lead.partner_accept", "lead.key_reveal", "lead.key_reveal.refused", "lead.import", "lead.import_again", "lead.match", "lead.use",
                   "lead.use.refused", "lead.feedback", "lead.export", "lead.export.refused"):
        assert wanted in actions, (wanted, sorted(actions))
    assert admin.call("GET", "/api/v1/audit/verify", expect=200)["ok"]
    server.stop()


def an_import_killed_in_the_middle_goes_on(home):
    server, admin, people = house(home)
    partner, key = agree(people, keep=24)
    lines = 60_000
    with (home / "big.csv").open("w") as out:
        out.write(HEADER)
        for i in range(lines):
            out.write(line(key, f"b-{i}", FRAUD if i == lines - 5 else f"+8613{i:09d}"))
    for _ in range(3):
        child = subprocess.Popen([PANDUN, "leads", "import", "--partner", partner, "--data", home / "data", "--config", home / "pandun.toml",
                                  "--token-file", home / "token", home / "big.csv"], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.6)
        child.kill()
        child.wait()
    receipt = leads(home, "import", "--partner", partner, home / "big.csv")
    assert (receipt["lines"], receipt["accepted"], receipt["matched"], receipt["duplicate"]) == (lines, lines, 1, 0), receipt
    assert len(admin.call("GET", "/api/v1/leads/files", expect=200)["items"]) == 1
    server.stop()


if __name__ == "__main__":
    sys.exit(main(a_banks_file_is_matched_and_looked_at_and_answered, an_import_killed_in_the_middle_goes_on))
