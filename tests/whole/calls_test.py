#!/usr/bin/env python3
"""Calls in progress: reported by a switch, ended within a second of the second person's approval, and every ending accounted for."""
import datetime
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

from pandun import Client, Server, main, replay, wait_until

FRAUD = "+8613700137777"


def utc(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def configured(home):
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=2)
    burst = [f"{(start + datetime.timedelta(seconds=3 * i)).isoformat()},{FRAUD},+86139{10000000 + i * 7919 % 90000000},4,1" for i in range(400)]
    last = f"{(start + datetime.timedelta(hours=1)).isoformat()},+8613800138000,+8613900139000,60,1"
    (home / "calls.csv").write_text("time,caller,callee,duration_s,answered\n" + "\n".join(burst + [last]) + "\n")
    config = home / "pandun.toml"
    config.write_text(f'[simulate]\nenabled = false\n[[source]]\nkind = "calls"\npath = "{home}/calls.csv"\n')
    return config


def people(server, **roles):
    admin = Client(server.url)
    admin.sign_in("admin", server.password, "a new long password 1")
    for name, role in roles.items():
        made = admin.call("POST", "/api/v1/users", {"username": name, "display_name": name, "roles": [role]}, expect=201)
        client = Client(server.url)
        client.sign_in(name, made["initial_password"], "another long password 2")
        yield client


def report(switch, *reports):
    return switch.call("POST", "/api/v1/decisions/calls", {"reports": list(reports)}, expect=200)


def answered(call, callee, caller=FRAUD, state="answered", **more):
    return {"call": call, "state": state, "caller": caller, "callee": callee, "route": "inter-1", **more}


def endings(switch, after=0, prefix=""):
    return switch.call("GET", f"/api/v1/decisions/calls/endings?after={after}&prefix={prefix}", expect=200)


def outcome(server, name):
    return server.metric(f'pandun_call_endings_total{{outcome="{name}"}}')


def a_call_that_lasts_is_ended_when_the_measure_is_approved(home):
    server = Server(home / "data", config=configured(home))
    anna, wang, li = people(server, anna="analyst", wang="senior_approver", li="senior_approver")
    found = lambda: [a for a in anna.call("GET", "/api/v1/alerts?limit=50", expect=200)["items"] if a["entity"]["kind"] == "number"]
    alert = wait_until(found, "an alert on the caller", 30)[0]
    case = anna.call("POST", "/api/v1/cases", {"alert_ids": [alert["id"]]}, expect=201)
    path = f"/api/v1/cases/{case['id']}"

    def act(who, action, **fields):
        version = who.call("GET", path, expect=200)["version"]
        return who.call("POST", f"{path}/actions/{action}", {"version": version, "fields": fields}, expect=200)

    assert server.metric("pandun_calls_in_progress") == 0
    report(anna,
           answered("sw1/1:1", "+8613900139001"), answered("sw1/1:2", "+8613900139002"), answered("sw2/9", "+8613900139003"),
           answered("sw1/1:3", "110"), answered("sw1/1:4", "+8613900139004", caller="+8613800138000"),
           answered("sw1/1:5", "+8613900139005"), answered("sw1/1:6", "+8613900139006", caller=""))
    wait_until(lambda: server.metric("pandun_calls_in_progress") == 7, "the reports are in the table", 5)
    report(anna, answered("sw1/1:5", "+8613900139005", state="ended"))
    wait_until(lambda: server.metric("pandun_calls_in_progress") == 6, "an end is an end", 5)
    # An alert, a case and a proposal end nobody's call.
    assert endings(anna)["items"] == []
    act(anna, "confirm", finding="400 calls in twenty minutes")
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=20)
    act(anna, "propose_measure", kind="suspend", category="fraud", ground="afl-11", scope="this number", reason="burst", expires_at=utc(until),
        notice="told by message", appeal_channel="10086", skip_reason="warnings were not enough")
    time.sleep(0.5)
    assert endings(anna)["items"] == []

    act(wang, "approve", opinion="agreed")
    begin = time.monotonic()
    page = wait_until(lambda: (p := endings(anna))["items"] and p, "the endings are offered", 5)
    took = time.monotonic() - begin
    assert took < 1.0, took
    print(f"  offered {took * 1000:.0f} ms after the approval")
    assert sorted(e["call"] for e in page["items"]) == ["sw1/1:1", "sw1/1:2", "sw2/9"], page
    one = page["items"][0]
    assert one["reason"] == "measure_in_force" and one["route"] == "inter-1" and one["measure"], one
    assert endings(anna, page["next"])["items"] == [] and [e["call"] for e in endings(anna, 0, "sw2/")["items"]] == ["sw2/9"]
    why = anna.call("GET", f"/api/v1/decisions/{one['decision_id']}", expect=200)
    assert why["service"] == "call_ending" and why["verdict"] == "reject" and why["measure"] == one["measure"], why
    assert FRAUD not in json.dumps(why) and "139001" not in json.dumps(page), (why, page)

    # The switch's answers are counted and stand in the audit chain; answered ones are offered no more.
    done = anna.call("POST", "/api/v1/decisions/calls/endings/receipts", {"receipts": [
        {"call": "sw1/1:1", "outcome": "ended"}, {"call": "sw1/1:2", "outcome": "already_over"}, {"call": "unknown", "outcome": "ended"}]}, expect=200)
    assert done["count"] == 2, done
    assert outcome(server, "ended") == 1 and outcome(server, "already_over") == 1
    assert [e["call"] for e in endings(anna)["items"]] == ["sw2/9"]
    # A call that is reported later is offered at once; one whose end is told is not to be ended any more.
    report(anna, answered("sw1/2:1", "+8613900139007", state="lasts", since_s=60), answered("sw2/9", "+8613900139003", state="ended"))
    wait_until(lambda: [e["call"] for e in endings(anna)["items"]] == ["sw1/2:1"], "the later one", 5)
    # Lifted: what is still open is withdrawn.
    act(anna, "appeal", claim="I am a doctor")
    act(li, "uphold_appeal", reason="shown to be so")
    begin = time.monotonic()
    wait_until(lambda: endings(anna)["items"] == [], "withdrawn", 5)
    assert time.monotonic() - begin < 1.0
    assert outcome(server, "withdrawn") == 1 and server.metric("pandun_call_endings_offered_total") == 4
    entries = {e["action"] for e in people_audit(server)}
    assert "decide.call_endings" in entries, entries
    server.stop()
    for file in [p for p in (home / "data").rglob("*") if p.is_file()]:
        assert b"8613900139001" not in file.read_bytes(), f"{file} holds a clear number"


def people_audit(server):
    admin = Client(server.url)
    admin.sign_in("admin", "a new long password 1")
    return admin.call("GET", "/api/v1/audit?limit=200", expect=200)["items"]


def people_in_need(server):
    return server.metric('pandun_people_in_need_total{of="victim_at_risk"}')


def somebody_is_warned_while_the_call_lasts_and_once(home):
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    begin = now - datetime.timedelta(minutes=40)
    at = lambda minutes: utc(begin + datetime.timedelta(minutes=minutes))
    stranger, person = "+85512345678", "+8613600000001"
    messages = home / "messages.csv"
    messages.write_text("time,sender,recipient\n")
    calls = home / "calls.csv"
    calls.write_text("time,caller,callee,duration_s,answered,kind\n")
    config = home / "pandun.toml"
    config.write_text(f'[simulate]\nenabled = false\n[[source]]\nkind = "calls"\npath = "{calls}"\n[[source]]\nkind = "messages"\npath = "{messages}"\n')
    server = Server(home / "data", config=config)
    anna, = people(server, anna="analyst")
    told = lambda minute, state="lasts": answered("sw1/7", person, stranger, state, since_s=60 * minute, international=True, time=at(minute))
    report(anna, told(0, "answered"), *[told(minute) for minute in range(1, 30)])
    wait_until(lambda: server.metric("pandun_events_total") == 30, "the reports are in the log", 20)
    with messages.open("a") as out:
        out.write("".join(f"{at(20 + 2 * i)},95588,{person}\n" for i in range(5)))
    wait_until(lambda: server.metric("pandun_events_total") == 35, "the bank's messages too", 20)
    assert people_in_need(server) == 0, "not before the call has lasted half an hour"
    report(anna, told(30), told(31))
    wait_until(lambda: people_in_need(server) == 1, "warned while the call lasts", 20)
    # The call's record, when it is over, is the same call; and nothing of the person is to be seen by anybody.
    report(anna, told(35, "ended"))
    with calls.open("a") as out:
        out.write(f"{at(0)},{stranger},{person},2100,1,international\n")
    wait_until(lambda: server.metric("pandun_events_total") == 39, "the record is in the log", 20)
    wait_until(lambda: server.metric("pandun_engine_lag_events") == 0, "and read", 20)
    assert people_in_need(server) == 1 and server.metric("pandun_calls_in_progress") == 0
    assert anna.call("GET", "/api/v1/alerts?limit=50", expect=200)["items"] == []
    server.stop()

    # The same from files: a replay finds what the live engine found.
    (home / "call_progress.jsonl").write_text("".join(json.dumps({k: v for k, v in {**told(minute), "kind": "international"}.items()
                                                                  if k != "international"}) + "\n" for minute in range(1, 32)))
    replay(home / "found", f"call_progress:{home}/call_progress.jsonl", f"messages:{messages}")
    found = [json.loads(line) for line in (home / "found/alerts.jsonl").open()]
    assert [a["detector"] for a in found] == ["victim_at_risk"] and "risk_call_lasts" in json.dumps(found[0]), found


def reports_are_durable_and_wrong_ones_refused(home):
    server = Server(home / "data", config=configured(home))
    anna, vera = people(server, anna="analyst", vera="viewer")
    for wrong in (answered("a b", "+8613900139001"), answered("a", ""), answered("a", "+8613900139001", state="rings"),
                  answered("a", "+8613900139001", since_s=-1), answered("a", "+8613900139001", time="2020-01-01T00:00:00Z")):
        problem = anna.call("POST", "/api/v1/decisions/calls", {"reports": [answered("good", "+8613900139001"), wrong]})
        assert problem.get("status") in (400, 422) and "reports/1" in json.dumps(problem), problem
    assert server.metric("pandun_call_reports_total") == 0, "all or none"
    vera.call("POST", "/api/v1/decisions/calls", {"reports": [answered("a", "+8613900139001")]}, expect=403)
    report(anna, *[answered(f"sw1/{i}", f"+86139{20000000 + i}") for i in range(1000)])
    server.kill()  # at once: nothing need have been read yet
    server = Server(home / "data", config=home / "pandun.toml")
    again = Client(server.url)
    again.sign_in("anna", "another long password 2")
    report(again, answered("sw1/0", "+8613920000000", state="ended"))
    wait_until(lambda: server.metric("pandun_events_total") >= 401 + 1001, "every report is in the log", 20)
    time.sleep(1)
    assert server.metric("pandun_events_total") == 401 + 1001, "and once"
    assert not list((home / "data/decide/call_reports").glob("00000001.frames")), "what the log has is kept nowhere else"
    server.stop()


LIST = """kind = "reject"
title_zh = "名单"
title_en = "list"
ground = "反电信网络诈骗法 第十四条"
approved_by = ["li.wei", "wang.fang"]
approved_at = "2020-01-01T00:00:00+08:00"
expires_at = "2099-01-01T00:00:00+08:00"
"""
KAMAILIO = """#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=2
listen=udp:127.0.0.1:{switch}
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
loadmodule "jsonrpcs.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "kex.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "dialog.so"
modparam("jsonrpcs", "transport", 4)
modparam("jsonrpcs", "dgram_socket", "udp:127.0.0.1:{rpc}")
modparam("dialog", "db_mode", 0)
request_route {{
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK") && t_check_trans()) t_relay();
    exit;
  }}
  if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
  record_route();
  dlg_manage();
  $du = "sip:127.0.0.1:{callee}";
  t_relay();
}}
"""
UAC = """<?xml version="1.0" encoding="UTF-8" ?>
<scenario name="a call that the network ends">
<send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:CALLER@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="100" optional="true"></recv>
<recv response="180" optional="true"></recv>
<recv response="200" rrs="true"></recv>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From: <sip:CALLER@[local_ip]:[local_port]>;tag=[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv request="BYE" timeout="30000"></recv>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
"""


def answer(status, *more):
    return f"""<send><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:]{";tag=b[call_number]" if more else ""}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port]>
Content-Length: 0

]]></send>
"""


UAS = f"""<?xml version="1.0" encoding="UTF-8" ?>
<scenario name="answers and waits for the end">
<recv request="INVITE"></recv>
{answer("200 OK", "tag")}<recv request="ACK"></recv>
<recv request="BYE"></recv>
{answer("200 OK")}</scenario>
"""


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Companion:
    """Beside Kamailio: tells Pandun of the dialogs that Kamailio has, and ends those that Pandun names."""

    def __init__(self, rpc, client):
        self.client, self.cursor, self.known = client, 0, {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(2)
        self.socket.connect(("127.0.0.1", rpc))

    def rpc(self, method, *parameters):
        self.socket.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": list(parameters), "id": 1}).encode())
        answer = json.loads(self.socket.recv(65535))
        if "error" in answer:
            raise AssertionError(f"{method}: {answer}")
        return answer.get("result")

    def dialogs(self):
        user = lambda uri: uri.split(":", 1)[1].split("@")[0]
        listed = self.rpc("dlg.list") or []
        return {f"k/{d['h_entry']}:{d['h_id']}": answered(f"k/{d['h_entry']}:{d['h_id']}", user(d["to_uri"]), user(d["from_uri"]), "lasts",
                                                          since_s=max(0, int(time.time() - d["start_ts"])))
                for d in (listed if isinstance(listed, list) else [listed]) if d.get("state") == 4}

    def turn(self):
        now = self.dialogs()
        over = [{**{k: v for k, v in told.items() if k != "since_s"}, "state": "ended"} for call, told in self.known.items() if call not in now]
        if reports := list(now.values()) + over:
            report(self.client, *reports)
        self.known = now
        page = endings(self.client, self.cursor, "k/")
        self.cursor = page["next"]
        for ending in page["items"]:
            entry, number = ending["call"][2:].split(":")
            self.rpc("dlg.end_dlg", int(entry), int(number))
            self.client.call("POST", "/api/v1/decisions/calls/endings/receipts",
                             {"receipts": [{"call": ending["call"], "outcome": "ended"}]}, expect=200)
        return now


def kamailio_ends_the_call(home):
    if not shutil.which("kamailio") or not shutil.which("sipp"):
        print("SKIP kamailio_ends_the_call: kamailio or sipp is not installed (apt-get install kamailio sip-tester)")
        return
    config = home / "pandun.toml"
    config.write_text("[simulate]\nenabled = false\n")
    server = Server(home / "data", config=config)
    anna, = people(server, anna="analyst")
    switch, rpc, callee = free_port(), free_port(), free_port()
    (home / "k.cfg").write_text(KAMAILIO.format(switch=switch, rpc=rpc, callee=callee))
    (home / "fraud.xml").write_text(UAC.replace("CALLER", FRAUD))
    (home / "uas.xml").write_text(UAS)
    (home / "friend.xml").write_text(UAC.replace("CALLER", "+8613800138000"))
    log = open(home / "switch.log", "wb")
    children = []

    def run(*command):
        children.append(subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=home, start_new_session=True))
        return children[-1]

    try:
        run("kamailio", "-f", home / "k.cfg", "-DD", "-E", "-x", "tlsf", "-X", "tlsf", "-m", "64", "-M", "8", "-Y", home, "-P", home / "k.pid")
        run("sipp", "-sf", home / "uas.xml", "-p", callee, "-i", "127.0.0.1", "-nostdin")
        companion = Companion(rpc, anna)
        wait_until(lambda: answers(companion), "Kamailio is there", 20)
        calls = [run("sipp", "-sf", home / f"{who}.xml", "-m", "1", "-s", "+8613900139000", "-i", "127.0.0.1", "-p", free_port(), "-nostdin",
                     f"127.0.0.1:{switch}") for who in ("fraud", "friend")]
        wait_until(lambda: len(companion.turn()) == 2, "two calls are answered", 10)
        wait_until(lambda: companion.turn() and server.metric("pandun_calls_in_progress") == 2, "and known", 10)
        lists = home / "data/decide/lists"
        lists.mkdir(parents=True, exist_ok=True)
        (lists / "bad.csv").write_text(f"number\n{FRAUD}\n")
        (lists / "bad.toml").write_text(LIST)
        begin = time.monotonic()
        left = wait_until(lambda: len(now := companion.turn()) == 1 and now, "Kamailio ended one call", 10)
        print(f"  ended {(time.monotonic() - begin) * 1000:.0f} ms after the list came")
        assert calls[0].wait(timeout=10) == 0, "the caller was sent a BYE"
        assert next(iter(left.values()))["caller"] == "+8613800138000" and calls[1].poll() is None, "the other goes on"
        assert outcome(server, "ended") == 1
    finally:
        for child in children:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
                child.wait(timeout=10)
    server.stop()


def answers(companion):
    try:
        companion.dialogs()
        return True
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(a_call_that_lasts_is_ended_when_the_measure_is_approved, somebody_is_warned_while_the_call_lasts_and_once,
                  kamailio_ends_the_call, reports_are_durable_and_wrong_ones_refused))
