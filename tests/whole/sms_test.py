#!/usr/bin/env python3
"""The gate for business messages between an ESME and an SMSC that are not ours (npm `smpp`): what passes, what is refused, and that
nothing is ever acknowledged which the SMSC did not acknowledge, whoever is killed. And warnings to people, through that SMSC."""
import datetime
import json
import os
import queue
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

from pandun import Client, Server, main, wait_until

PEERS = Path(__file__).resolve().parent.parent / "peers"
ESME_RSUBMITFAIL, ESME_RSYSERR, ESME_RBINDFAIL, ESME_RINVPASWD, ESME_RMSGQFUL = 0x45, 8, 0x0D, 0x0E, 0x14


def free_port():
    """Free for UDP and TCP, and below the ports that the system lends to clients: none of theirs can take it meanwhile."""
    while True:
        port = random.randrange(20000, 32000)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
                return port
        except OSError:
            continue


class Peer:
    """A node program that is spoken with by lines."""

    def __init__(self, script, *arguments, port=0):
        environment = {**os.environ, "PORT": str(port)}
        self.child = subprocess.Popen(["node", PEERS / script, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      env=environment)
        Server.running.append(self)  # a test that fails leaves none behind
        self.events = []
        self.lines = queue.Queue()
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.child.stdout], daemon=True).start()

    def tell(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def line(self, seconds=20):
        return self.lines.get(timeout=seconds).strip()

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()


class Smsc(Peer):
    def __init__(self, journal, delay=0, port=0):
        super().__init__("smsc.js", journal, delay, port=port)
        self.journal = Path(journal)
        self.port = int(self.line())

    def noted(self, word):
        return [line.split("\t")[1:] for line in self.journal.read_text().splitlines() if line.startswith(word + "\t")]


class Esme(Peer):
    def __init__(self, port, system_id="bank1", password="secret"):
        super().__init__("esme.js")
        self.act("connect", port=port, system_id=system_id, password=password)

    def act(self, what, **fields):
        self.tell(json.dumps({"do": what, **fields}))

    def drain(self):
        while not self.lines.empty():
            self.events.append(json.loads(self.lines.get()))
        return self.events

    def wait(self, event, seconds=20, **fields):
        def found():
            return next((e for e in self.drain() if e["event"] == event and all(e.get(k) == v for k, v in fields.items())), None)
        return wait_until(found, f"{event} {fields}", seconds)

    def answers(self):
        return {e["id"]: e for e in self.drain() if e["event"] == "answer"}


def config(home, smsc_port, extra=""):
    port = free_port()
    (home / "pandun.toml").write_text(
        f'[simulate]\nenabled = false\n[archive]\nenabled = false\n[decide.smpp]\nlisten = "127.0.0.1:{port}"\nupstream = "127.0.0.1:{smsc_port}"\n{extra}')
    return home / "pandun.toml", port


TO = {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": "8613800138000"}
FROM = {"source_addr": "10690001"}
# No country has the calling code 999: a fact, not a score.
IMPOSSIBLE = {"source_addr_ton": 1, "source_addr_npi": 1, "source_addr": "999123456789"}


def messages_pass_and_answers_come_back(home):
    smsc = Smsc(home / "journal")
    file, port = config(home, smsc.port)
    server = Server(home / "data", config=file)
    wrong = Esme(port, password="wrong")
    assert wrong.wait("bound")["status"] == ESME_RINVPASWD
    esme = Esme(port)
    bound = esme.wait("bound")
    assert bound["status"] == 0 and bound["system_id"] == "peer", bound
    esme.act("submit", id=1, **FROM, **TO, short_message="hello", registered_delivery=1)
    assert esme.wait("answer", id=1)["status"] == 0
    receipt = esme.wait("deliver", esm_class=4)
    assert "stat:DELIVRD" in receipt["text"]
    esme.act("submit", id=2, **FROM, **TO, short_message="refuse this")
    assert esme.wait("answer", id=2)["status"] == ESME_RMSGQFUL
    esme.act("data", id=3, **FROM, **TO, message_payload="by data_sm")
    assert esme.wait("answer", id=3)["status"] == 0
    esme.act("multi", id=4, **FROM, to=["8613800138001", "8613800138002"], short_message="to many")
    assert esme.wait("answer", id=4)["status"] == 0
    esme.act("submit", id=5, **FROM, **TO, short_message={"udh": "050003010201", "message": "part"})
    assert esme.wait("answer", id=5)["status"] == 0
    smsc.tell("deliver 8613900139000 10690001 answer")
    assert esme.wait("deliver", text="answer")["from"] == "8613900139000"
    esme.act("enquire")
    assert esme.wait("alive")["status"] == 0
    esme.act("unbind")
    esme.wait("unbound")
    accepted = smsc.noted("accepted")
    assert [a[3] for a in accepted[:2]] == ["hello", "by data_sm"], accepted
    assert accepted[2][2] == "8613800138001,8613800138002", accepted
    assert wait_until(lambda: smsc.noted("receipt"), "the receipt is answered")[0][1] == "0"
    assert server.metric("pandun_sms_submitted_total") == 5
    assert server.metric("pandun_sms_acknowledged_total") == 4
    assert server.metric("pandun_sms_receipts_total") == 1
    assert server.metric("pandun_sms_texts_compared_total") == 0, "no contract, no reading"
    server.stop()


def a_number_that_cannot_exist_is_refused_and_never_reaches_the_smsc(home):
    smsc = Smsc(home / "journal")
    file, port = config(home, smsc.port)
    server = Server(home / "data", config=file)
    esme = Esme(port)
    esme.wait("bound")
    esme.act("submit", id=1, **IMPOSSIBLE, **TO, short_message="from nobody")
    assert esme.wait("answer", id=1)["status"] == ESME_RSUBMITFAIL
    esme.act("submit", id=2, **FROM, **TO, short_message="from somebody")
    assert esme.wait("answer", id=2)["status"] == 0
    assert [a[3] for a in smsc.noted("accepted")] == ["from somebody"]
    assert server.metric("pandun_sms_rejected_total") == 1
    server.stop()


SENDERS = """
[[sender]]
id = "bank"
contract = "A2P-1"
accounts = ["bank1"]
sender_ids = ["10690001"]
domains = ["bank.example"]
[[sender.template]]
id = "code"
kind = "verification"
text = "【示例银行】验证码{digits:6}，{digits:1-2}分钟内有效。"
"""
POLICY = 'enforce = true\napproved_by = ["one", "two"]\napproved_at = "2020-01-01T00:00:00Z"\nexpires_at = "2100-01-01T00:00:00Z"\n'


def business_texts_are_held_to_their_contract(home):
    (home / "senders.toml").write_text(SENDERS)
    (home / "policy.toml").write_text(POLICY)
    smsc = Smsc(home / "journal")
    file, port = config(home, smsc.port, f'[decide.sms]\ntemplates = "{home}/senders.toml"\npolicy = "{home}/policy.toml"\n')
    server = Server(home / "data", config=file)
    esme = Esme(port)
    esme.wait("bound")
    code = "【示例银行】验证码１２３４５６，5分钟内有效。".encode("utf-16-be").hex()
    fraud = "您的账户异常，请访问 http://bank-example.top/a".encode("utf-16-be").hex()
    esme.act("submit", id=1, **FROM, **TO, data_coding=8, text_hex=code)
    assert esme.wait("answer", id=1)["status"] == 0
    esme.act("submit", id=2, **FROM, **TO, data_coding=8, text_hex=fraud)
    assert esme.wait("answer", id=2)["status"] == 0, "one ground warns"
    esme.act("submit", id=3, source_addr="95588", **TO, data_coding=8, text_hex=fraud)
    assert esme.wait("answer", id=3)["status"] == ESME_RSUBMITFAIL, "two grounds, and an approved policy"
    other = Esme(port, system_id="shop")
    other.wait("bound")
    other.act("submit", id=4, source_addr="10690777", **TO, data_coding=8, text_hex=fraud)
    assert other.wait("answer", id=4)["status"] == 0
    assert server.metric("pandun_sms_texts_compared_total") == 3, "the other account has no contract"
    assert server.metric("pandun_sms_texts_verification_total") == 1
    assert server.metric("pandun_sms_warned_total") == 1
    assert server.metric("pandun_sms_contract_rejected_total") == 1
    server.stop()
    # Nothing of any text stands on the disk.
    for path in (home / "data").rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            for text in ("账户异常", "bank-example.top"):
                for form in (text.encode(), text.encode("utf-16-be"), text.encode("utf-16-le")):
                    assert form not in held, f"{path} holds {text}"


def the_smsc_killed_in_mid_stream_is_told_to_the_esme(home):
    random.seed(5)
    smsc_port = free_port()
    file, port = config(home, smsc_port)
    server = Server(home / "data", config=file)
    nobody = Esme(port)
    assert nobody.wait("bound")["status"] == ESME_RBINDFAIL, "no SMSC yet"
    accepted_total = 0
    for round_ in range(4):
        smsc = Smsc(home / f"journal{round_}", delay=20, port=smsc_port)
        esme = Esme(port)
        assert esme.wait("bound")["status"] == 0
        esme.act("many", count=2000, **{"from": round_ * 10000}, **FROM, **TO)
        time.sleep(random.uniform(0.05, 0.5))
        smsc.kill()
        esme.wait("close")
        accepted = {a[3] for a in smsc.noted("accepted")}
        answers = esme.answers()
        for id_, answer in answers.items():
            if answer["status"] == 0:
                assert f"m{id_}" in accepted, f"m{id_} was acknowledged and never accepted"
            else:
                assert answer["status"] == ESME_RSYSERR, answer
        good = sum(1 for a in answers.values() if a["status"] == 0)
        lost = sum(1 for a in answers.values() if a["status"] != 0)
        assert lost > 0, "messages under way are told"
        accepted_total += good
        esme.kill()
    assert accepted_total > 0
    assert server.metric("pandun_sms_upstream_lost_total") == 4
    assert server.metric("pandun_sms_lost_requests_total") > 0
    server.stop()


def the_gate_killed_in_mid_stream_acknowledged_nothing_that_the_smsc_did_not(home):
    random.seed(6)
    smsc = Smsc(home / "journal", delay=10)
    file, port = config(home, smsc.port)
    for round_ in range(3):
        server = Server(home / "data", config=file)
        esme = Esme(port)
        assert esme.wait("bound")["status"] == 0
        esme.act("many", count=3000, **{"from": round_ * 10000}, **FROM, **TO)
        time.sleep(random.uniform(0.05, 0.4))
        server.kill()
        esme.wait("close")
        accepted = {a[3] for a in smsc.noted("accepted")}
        for id_, answer in esme.answers().items():
            assert answer["status"] != 0 or f"m{id_}" in accepted, f"m{id_} was acknowledged and never accepted"
        esme.kill()


def a_stop_drains_in_good_order(home):
    smsc = Smsc(home / "journal", delay=300)
    file, port = config(home, smsc.port)
    server = Server(home / "data", config=file)
    esme = Esme(port)
    esme.wait("bound")
    esme.act("many", count=100, **{"from": 0}, **FROM, **TO)
    wait_until(lambda: server.metric("pandun_sms_submitted_total") == 100, "all are under way")
    server.stop()
    esme.wait("unbind")
    answers = esme.answers()
    assert len(answers) == 100 and all(a["status"] == 0 for a in answers.values()), f"{len(answers)} answered"


def a_stop_does_not_wait_for_silent_peers(home):
    smsc = Smsc(home / "journal")
    file, port = config(home, smsc.port, '[decide.notify]\nsmsc = "192.0.2.1:2775"\nsystem_id = "warn"\n')
    server = Server(home / "data", config=file)
    admin = Client(server.url)
    admin.sign_in("admin", server.password, "a new long password 1")
    http_port = int(server.url.rsplit(":", 1)[1])
    cookie = "; ".join(f"{c.name}={c.value}" for c in admin.jar)
    bind = b"peer\0secret\0\0\x34\0\0\0"
    openings = {port: [b"", b"\0\0\0\x40\0\0", struct.pack(">IIII", 16 + len(bind), 9, 0, 1) + bind],
                http_port: [f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode(), b"GET / HT",
                            b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"]}
    held = []
    for where, beginnings in openings.items():
        for beginning in beginnings * 3:
            held.append(socket.create_connection(("127.0.0.1", where)))
            held[-1].sendall(beginning)
    wait_until(lambda: server.metric("pandun_sms_binds_accepted_total") == 3, "bound")
    begin = time.monotonic()
    server.stop()
    took = time.monotonic() - begin
    for connection in held:
        connection.close()
    assert took < 2.5, f"{took:.1f} s"


def garbage_closes_its_own_connection_only(home):
    smsc = Smsc(home / "journal")
    file, port = config(home, smsc.port)
    server = Server(home / "data", config=file)
    esme = Esme(port)
    esme.wait("bound")
    random.seed(7)
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.sendall(random.randbytes(random.randint(1, 4000)))
    for length in (0, 15, 65537, 0xFFFFFFFF):
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.sendall(length.to_bytes(4, "big") + bytes(12))
            s.settimeout(10)
            assert s.recv(100)[4:8] == (0x80000000).to_bytes(4, "big"), "generic_nack"
    esme.act("submit", id=1, **FROM, **TO, short_message="still here")
    assert esme.wait("answer", id=1)["status"] == 0
    server.stop()


KANNEL = """group = core
admin-port = {admin}
admin-password = none
smsbox-port = {box}
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = gate
host = 127.0.0.1
port = {port}
smsc-username = bank1
smsc-password = secret
system-type = ""
transceiver-mode = true
enquire-link-interval = 2
source-addr-ton = 0
dest-addr-ton = 1
dest-addr-npi = 1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
sendsms-port = {send}

group = sendsms-user
username = u
password = p
max-messages = 9

group = sms-service
keyword = default
text = ""
max-messages = 0
"""


class Program:
    def __init__(self, home, *command):
        self.child = subprocess.Popen(command, stdout=open(home / f"{command[0]}.log", "w"), stderr=subprocess.STDOUT, cwd=home)
        Server.running.append(self)

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()


def kannel_as_esme(home):
    if not (shutil.which("bearerbox") and shutil.which("smsbox")):
        print("SKIP kannel_as_esme: kannel is not installed (apt-get install kannel)")
        return
    smsc = Smsc(home / "journal")
    file, port = config(home, smsc.port)
    server = Server(home / "data", config=file)
    ports = {"admin": free_port(), "box": free_port(), "send": free_port()}
    (home / "kannel.conf").write_text(KANNEL.format(port=port, **ports))
    Program(home, "bearerbox", "-v", "2", "kannel.conf")

    def listening(name):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", ports[name])) == 0

    wait_until(lambda: listening("box"), "the bearer box", 20)
    Program(home, "smsbox", "-v", "2", "kannel.conf")
    wait_until(lambda: listening("send"), "the SMS box", 20)
    wait_until(lambda: server.metric("pandun_sms_binds_accepted_total") == 1, "bound through the gate", 20)

    def send(to, text, sender="10690001", **more):
        query = urllib.parse.urlencode({"username": "u", "password": "p", "from": sender, "to": to, "text": text, "charset": "UTF-8", **more})
        return urllib.request.urlopen(f"http://127.0.0.1:{ports['send']}/cgi-bin/sendsms?{query}", timeout=20).read().decode()

    send("8613800138000", "hello", **{"dlr-mask": 31, "dlr-url": f"http://127.0.0.1:{ports['send']}/none"})
    send("8613800138001", "长" * 150, coding=2)
    wait_until(lambda: len(smsc.noted("accepted")) == 4, "one short message and three pieces", 20)
    accepted = smsc.noted("accepted")
    assert accepted[0][1:] == ["10690001", "8613800138000", "hello"], accepted[0]
    assert {a[2] for a in accepted[1:]} == {"8613800138001"}, accepted
    assert wait_until(lambda: smsc.noted("receipt"), "its receipt passed and is answered", 20)[0][1] == "0"
    smsc.tell("deliver 8613900139000 10690001 answer")
    wait_until(lambda: server.metric("pandun_sms_delivered_total") >= 1, "a message for it", 20)
    # Its own link tests go through; nothing is left unanswered.
    time.sleep(3)
    assert server.metric("pandun_sms_timeouts_total") == 0 and server.metric("pandun_sms_malformed_total") == 0
    assert server.metric("pandun_sms_sessions_open") == 1
    server.stop()


def calls_of_the_last_hour(home, hours_ago=1):
    """A storm of calls at two people, and two who are talked to by a dialler; of each pair the first agreed to be warned."""
    now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours_ago)
    calls = []
    for victim in ("+8613800000001", "+8613800000002"):
        calls += [(now + datetime.timedelta(seconds=i), f"+86170{i * 7919 % 100000000:08}", victim, 0) for i in range(300)]
    for n, victim in enumerate(("+8613600000001", "+8613600000002")):
        begin, dialler = now - datetime.timedelta(hours=2), f"+861700000000{n}"
        calls += [(begin + datetime.timedelta(seconds=40 * i), dialler, f"+86139{i + 100 * n:08}", 0) for i in range(60)]
        calls.append((begin + datetime.timedelta(seconds=2400), dialler, victim, 720))
        calls += [(begin + datetime.timedelta(seconds=3200 + 40 * i), dialler, f"+86138{i + 100 * n:08}", 0) for i in range(20)]
        calls.append((begin + datetime.timedelta(seconds=5000), dialler, victim, 400))
    # A last, later record lets everything before it leave the ordering window.
    calls.append((now + datetime.timedelta(minutes=50), "+8613500000001", "+8613500000002", 30))
    lines = [f"{at.isoformat()},{a},{b},{s},{1 if s else 0}" for at, a, b, s in sorted(calls)]
    (home / "calls.csv").write_text("time,caller,callee,duration_s,answered\n" + "\n".join(lines) + "\n")
    (home / "consents").write_text("# who agreed\n+8613800000001\n+8613600000001\n")
    (home / "password").write_text("secret\n")
    return len(lines)


def notifying(home, smsc_port):
    (home / "pandun.toml").write_text(
        '[simulate]\nenabled = false\n[archive]\nenabled = false\n[engine]\ncheckpoint_s = 1\n[decide]\nwarn_on_alert = true\n'
        f'[decide.notify]\nsmsc = "127.0.0.1:{smsc_port}"\nsystem_id = "warn"\npassword_file = "{home}/password"\n'
        f'consents = "{home}/consents"\nwithin_min = 300\n[[source]]\nkind = "calls"\npath = "{home}/calls.csv"\n')
    return home / "pandun.toml"


def state(server, name):
    text = urllib.request.urlopen(server.url + "/metrics", timeout=10).read().decode()
    found = re.search(rf'^pandun_sms_warnings_total\{{state="{name}"\}} (\S+)$', text, re.M)
    return float(found.group(1)) if found else 0


def people_in_need_are_warned_once_and_those_at_risk_leave_only_a_count(home):
    smsc = Smsc(home / "journal")
    calls_of_the_last_hour(home)
    server = Server(home / "data", config=notifying(home, smsc.port))
    wait_until(lambda: server.metric("pandun_people_in_need_total") >= 4 and state(server, "delivered") >= 3, "people are warned", 60)
    accepted = smsc.noted("accepted")
    assert {a[1] for a in accepted} == {"96110"}, accepted
    assert {a[2] for a in accepted} == {"8613800000001", "8613600000001"}, "only who agreed"
    texts = {to: "".join(a[3] for a in accepted if a[2] == to) for to in ("8613800000001", "8613600000001")}
    assert "短时间内收到大量来电" in texts["8613800000001"], texts
    assert "+86170******00" in texts["8613600000001"] or "170****0000" in texts["8613600000001"], texts
    assert "17000000000" not in texts["8613600000001"], "the caller is masked"
    assert state(server, "queued") == 2 and state(server, "no_consent") == 2, (state(server, "queued"), state(server, "no_consent"))
    assert state(server, "accepted") == len(accepted)
    wait_until(lambda: state(server, "delivered") == len(accepted), "receipts are counted", 10)

    # Whoever is at risk is nobody's list: no alert, no number, no token.
    client = Client(server.url)
    client.sign_in("admin", server.password, "a new long password 1")
    alerts = client.call("GET", "/api/v1/alerts?limit=200", expect=200)["items"]
    assert any(a["detector"] == "call_bombing" for a in alerts), alerts
    assert not any(a["detector"] == "victim_at_risk" for a in alerts), alerts
    # The victim of a storm has an alert, and is not warned about as a caller.
    asked = client.call("POST", "/api/v1/decisions/call", {"caller": "+8613800000001", "callee": "+8613900139000"}, expect=200)
    assert asked["reason"] == "clear", asked

    # Killed and started again, it reads and says nothing twice.
    time.sleep(1.5)
    server.kill()
    server = Server(home / "data", config=notifying(home, smsc.port))
    wait_until(lambda: server.metric("pandun_engine_lag_events") == 0, "caught up", 30)
    time.sleep(1)
    assert state(server, "asked") == 0, "asked again after the restart"
    server.stop()
    assert len(smsc.noted("accepted")) == len(accepted)
    for path in (home / "data").rglob("*"):
        if path.is_file():
            assert b"victim_at_risk" not in path.read_bytes() or "checkpoint" in str(path) or path.suffix == ".ckpt", path


def nobody_is_warned_of_what_is_long_past(home):
    smsc = Smsc(home / "journal")
    calls_of_the_last_hour(home, hours_ago=30)
    server = Server(home / "data", config=notifying(home, smsc.port))
    wait_until(lambda: server.metric("pandun_people_in_need_too_late_total") >= 4, "seen, too late", 60)
    assert state(server, "asked") == 0 and not smsc.noted("accepted")
    server.stop()


if __name__ == "__main__":
    if not (PEERS / "node_modules/smpp").is_dir():
        print(f"SKIPPED: the npm package smpp is not installed in {PEERS}: run `npm ci --prefix tests/peers`")
        sys.exit(77)
    sys.exit(main(messages_pass_and_answers_come_back, a_number_that_cannot_exist_is_refused_and_never_reaches_the_smsc,
                  business_texts_are_held_to_their_contract, the_smsc_killed_in_mid_stream_is_told_to_the_esme,
                  the_gate_killed_in_mid_stream_acknowledged_nothing_that_the_smsc_did_not, a_stop_drains_in_good_order,
                  a_stop_does_not_wait_for_silent_peers,
                  garbage_closes_its_own_connection_only, kannel_as_esme, people_in_need_are_warned_once_and_those_at_risk_leave_only_a_count,
                  nobody_is_warned_of_what_is_long_past))
