#!/usr/bin/env python3
"""Switches that ask by SIP: torture messages, sipp as a conformance client, Kamailio as the switch that asks, kills under load,
and a list that changes while calls come in. sipp and Kamailio are Debian's sip-tester and kamailio; without them those tests say so."""
import base64
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from pandun import Client, Server, main, wait_until

BLOCKED = "+8613900000001"
TRUNKS = """[[trunk]]
name = "switch"
peers = ["127.0.0.0/8"]
trusted = true
allow = "302"
next_hop = "127.0.0.1:5090"
reject = "603+"
redress_url = "https://redress.example/a"
reply_to_source_port = {source_port}
"""
MANIFEST = """kind = "reject"
title_zh = "测试名单"
title_en = "Test list"
ground = "test"
approved_by = ["wang", "li"]
approved_at = "2024-01-01T00:00:00Z"
expires_at = "2124-01-01T00:00:00Z"
"""


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


def put_list(home, numbers):
    lists = home / "data/decide/lists"
    lists.mkdir(parents=True, exist_ok=True)
    (lists / "next").write_text("number\n" + "".join(f"{n}\n" for n in numbers))
    os.replace(lists / "next", lists / "blocked.csv")
    if not (lists / "blocked.toml").exists():
        (lists / "blocked.toml").write_text(MANIFEST)


def start(home, source_port=True, blocked=(BLOCKED,)):
    port = free_port()
    (home / "trunks.toml").write_text(TRUNKS.format(source_port="true" if source_port else "false"))
    (home / "pandun.toml").write_text(
        f'[simulate]\nenabled = false\n[decide.sip]\nenabled = true\nlisten = "127.0.0.1:{port}"\ntrunks = "{home}/trunks.toml"\n')
    put_list(home, blocked)
    return Server(home / "data", config=home / "pandun.toml"), port


def invite(caller, call_id, port, callee="+8613800138000"):
    return (f"INVITE sip:{callee}@127.0.0.1;user=phone SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{call_id};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{caller}@127.0.0.1;user=phone>;tag=t{call_id}\r\nTo: <sip:{callee}@127.0.0.1>\r\n"
            f"P-Asserted-Identity: <sip:{caller}@127.0.0.1;user=phone>\r\nCall-ID: {call_id}@test\r\nCSeq: 1 INVITE\r\n"
            f"Content-Length: 0\r\n\r\n").encode()


def der(signature):
    """A JWS's r||s as ECDSA's DER sequence."""
    def integer(raw):
        raw = raw.lstrip(b"\0") or b"\0"
        raw = b"\0" + raw if raw[0] & 0x80 else raw
        return b"\x02" + bytes([len(raw)]) + raw
    body = integer(signature[:32]) + integer(signature[32:])
    return b"\x30" + bytes([len(body)]) + body


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Phone:
    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.5)
        self.port, self.server = self.socket.getsockname()[1], ("127.0.0.1", port)
        self.calls = 0

    def send(self, message):
        self.socket.sendto(message, self.server)
        try:
            return self.socket.recv(65535).decode("latin1")
        except socket.timeout:
            return ""

    def call(self, caller):
        self.calls += 1
        return self.send(invite(caller, f"{self.port}x{self.calls}", self.port))


def answers_by_list(home):
    server, port = start(home)
    phone = Phone(port)
    wait_until(lambda: phone.call(BLOCKED).startswith("SIP/2.0 603 Network Blocked"), "the list counts", 10)
    answer = phone.call(BLOCKED)
    assert re.search(r'Reason: SIP;cause=603;text="v=analytics1;url=https://redress.example/a;id=d-[0-9a-f]{16}";location=LN', answer), answer
    assert phone.call("+8613900000002").startswith("SIP/2.0 302 "), "another caller passes"
    message = invite(BLOCKED, "again", phone.port)
    assert phone.send(message) == phone.send(message), "a repetition gets the same bytes"
    assert server.metric("pandun_sip_total") > 0

    # Lifted: the next call passes within a second, and calls go on meanwhile.
    put_list(home, ["+8613900000009"])
    begin = time.monotonic()
    wait_until(lambda: phone.call(BLOCKED).startswith("SIP/2.0 302 "), "the lift counts", 5)
    took = time.monotonic() - begin
    assert took < 1.0, f"a lifted entry counted after {took:.2f} s"

    # The decision behind a reject can be explained by the id that the caller was told.
    decision = re.search(r"id=(d-[0-9a-f]{16})", answer).group(1)
    client = Client(server.url)
    client.sign_in("admin", server.password, "a new long password 1")
    explained = wait_until(lambda: client.call("GET", f"/api/v1/decisions/{decision}"), "the decision is written", 10)
    assert explained.get("verdict") == "reject", explained
    server.stop()


def torture_messages(home):
    data = os.environ.get("PANDUN_TEST_DATA", "")
    sets = [Path(data) / "sip" / name for name in ("rfc4475", "rfc5118")]
    if not data or not all(folder.is_dir() for folder in sets):
        print("SKIP torture_messages: PANDUN_TEST_DATA has no sip/rfc4475 and sip/rfc5118")
        return
    server, port = start(home)
    wrong = []
    for folder in sets:
        for line in (folder / "expect_redirect_uas.tsv").read_text().splitlines():
            if not line or line.startswith("#"):
                continue
            name, expected = line.split("\t")[:2]
            phone = Phone(port)
            if expected == "-":
                phone.socket.settimeout(0.1)
            answer = phone.send((folder / f"{name}.dat").read_bytes())
            code = answer.split(" ")[1] if answer else "-"
            accepted = expected.split(",")
            if code not in accepted and not ("INV" in accepted and code in ("302", "603", "608", "404", "503")):
                wrong.append(f"{name}: {code}, expected {expected}")
            phone.socket.close()
    assert not wrong, "\n".join(wrong)
    assert Phone(port).call("+8613900000002").startswith("SIP/2.0 302 "), "alive"
    server.stop()


SCENARIO = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="redirected">
<send retrans="500"><![CDATA[
INVITE sip:+8613800138000@[remote_ip]:[remote_port];user=phone SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:+8613700000000@[local_ip];user=phone>;tag=[pid]u[call_number]
To: <sip:+8613800138000@[remote_ip];user=phone>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:x@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
<recv response="302"></recv>
<send><![CDATA[
ACK sip:+8613800138000@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
Max-Forwards: 70
[last_From:]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Content-Length: 0

]]></send>
</scenario>
"""


def sipp(home, port, calls, rate, transport="u1"):
    (home / "redirected.xml").write_text(SCENARIO)
    done = subprocess.run(["sipp", f"127.0.0.1:{port}", "-sf", home / "redirected.xml", "-i", "127.0.0.1", "-m", str(calls), "-r", str(rate),
                           "-l", "2000", "-t", transport, "-trace_stat", "-stf", home / "stat.csv", "-fd", "1", "-nostdin",
                           "-buff_size", "4194304", "-timeout", "60"],
                          capture_output=True, text=True, timeout=120, cwd=home)
    head, *rows = (home / "stat.csv").read_text().strip().splitlines()
    last = dict(zip(head.split(";"), rows[-1].split(";")))
    return done.returncode, int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"]), int(last["Retransmissions(C)"])


def sipp_as_conformance_client(home):
    if not shutil.which("sipp"):
        print("SKIP sipp_as_conformance_client: sipp is not installed (apt-get install sip-tester)")
        return
    server, port = start(home, source_port=False)
    code, good, failed, again = sipp(home, port, 5000, 1000)
    assert (code, good, failed) == (0, 5000, 0), f"udp: exit {code}, {good} good, {failed} failed, {again} repeated"
    code, good, failed, again = sipp(home, port, 1000, 500, "t1")
    assert (code, good, failed) == (0, 1000, 0), f"tcp: exit {code}, {good} good, {failed} failed"
    server.stop()


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
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "pv.so"
loadmodule "kex.so"
loadmodule "textops.so"
loadmodule "siputils.so"
modparam("tm", "fr_timer", 2000)
request_route {{
  if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
  if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
  t_on_failure("VERDICT");
  $du = "sip:127.0.0.1:{pandun}";
  t_relay();
}}
failure_route[VERDICT] {{
  if (t_check_status("302")) {{
    if ($T_rpl($hdr(X-Pandun-Verdict)) == "allow") t_reply("486", "Passed allow");
    else t_reply("500", "No verdict");
    exit;
  }}
}}
"""


def kamailio_asks(home):
    if not shutil.which("kamailio"):
        print("SKIP kamailio_asks: kamailio is not installed (apt-get install kamailio)")
        return
    server, port = start(home, source_port=False)
    switch = free_port()
    (home / "k.cfg").write_text(KAMAILIO.format(switch=switch, pandun=port))
    log = open(home / "kamailio.log", "wb")
    kamailio = subprocess.Popen(["kamailio", "-f", home / "k.cfg", "-DD", "-E", "-x", "tlsf", "-X", "tlsf", "-m", "64", "-M", "8", "-Y", home,
                                 "-P", home / "k.pid"], stdout=log, stderr=log, start_new_session=True)
    try:
        phone = Phone(switch)
        phone.socket.settimeout(2)

        def final(caller):
            phone.calls += 1
            answer = phone.send(invite(caller, f"k{phone.port}x{phone.calls}", phone.port))
            while answer.startswith("SIP/2.0 1"):
                answer = phone.socket.recv(65535).decode("latin1")
            return answer

        passed = wait_until(lambda: final("+8613900000002"), "Kamailio asks", 20)
        assert passed.startswith("SIP/2.0 486 Passed allow"), passed
        wait_until(lambda: final(BLOCKED).startswith("SIP/2.0 603 Network Blocked"), "Kamailio passes the rejection on", 10)
    finally:
        os.killpg(kamailio.pid, signal.SIGTERM)
        kamailio.wait(timeout=10)
    server.stop()


def killed_and_started_again_under_load(home):
    server, port = start(home)
    stop, counts = threading.Event(), {"asked": 0, "answered": 0}

    def load():
        phone = Phone(port)
        phone.socket.settimeout(0.2)
        while not stop.is_set():
            counts["asked"] += 1
            try:
                answer = phone.call("+8613900000002")
            except OSError:
                continue
            assert answer == "" or answer.startswith("SIP/2.0 302 ") or answer.startswith("SIP/2.0 603 "), answer
            counts["answered"] += bool(answer)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        for _ in range(3):
            time.sleep(0.3)
            server.kill()
            server = Server(home / "data", config=home / "pandun.toml")
            before = counts["answered"]
            wait_until(lambda: counts["answered"] > before, "answers after a kill", 10)
        phone = Phone(port)
        wait_until(lambda: phone.call(BLOCKED).startswith("SIP/2.0 603 "), "the list counts again", 10)
    finally:
        stop.set()
        thread.join()
    server.stop()


def nobody_else_gets_an_answer(home):
    server, port = start(home)
    server.stop()
    (home / "trunks.toml").write_text(TRUNKS.format(source_port="true").replace("127.0.0.0/8", "192.0.2.1"))
    server = Server(home / "data", config=home / "pandun.toml")
    phone = Phone(port)
    assert phone.call("+8613900000002") == "", "strangers get silence"
    assert server.metric("pandun_sip_total") >= 1
    server.stop()


def the_card_of_a_608_is_signed_when_it_is_fetched(home):
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", home / "card.pem"], check=True)
    subprocess.run(["openssl", "ec", "-in", home / "card.pem", "-pubout", "-out", home / "card.pub"], check=True, capture_output=True)
    port = free_port()
    (home / "trunks.toml").write_text(TRUNKS.format(source_port="true").replace("603+", "608") +
                                      'jcard_url = "https://r.example/redress/jcard/switch"\n'
                                      '[[trunk]]\nname = "other"\npeers = ["192.0.2.1"]\nallow = "404"\n')
    (home / "pandun.toml").write_text(
        f'[simulate]\nenabled = false\n[decide.sip]\nenabled = true\nlisten = "127.0.0.1:{port}"\ntrunks = "{home}/trunks.toml"\n'
        f'card_key_file = "{home}/card.pem"\ncard_certificate_url = "https://r.example/cert.pem"\ncard_organisation = "示例运营商"\n'
        'card_url = "https://r.example/ask"\ncard_tel = "+8610086"\n')
    put_list(home, [BLOCKED])
    server = Server(home / "data", config=home / "pandun.toml")
    phone = Phone(port)
    asks = lambda: phone.send(invite(BLOCKED, f"c{time.monotonic_ns()}", phone.port).replace(b"Content-Length", b"Feature-Caps: *;+sip.608\r\nContent-Length"))
    answer = wait_until(lambda: (a := asks()).startswith("SIP/2.0 608 ") and a, "rejected with 608", 10)
    path = re.search(r"Call-Info: <https://r\.example(/redress/jcard/\w+)>;purpose=jwscard", answer).group(1)

    def fetch(path, method="GET"):
        return urllib.request.urlopen(urllib.request.Request(server.url + path, method=method), timeout=10)

    with fetch(path) as got:
        assert got.headers["Content-Type"] == "application/jose" and got.headers["Cache-Control"] == "no-store", got.headers
        card = got.read().decode()
    head, claims, signature = card.split(".")
    assert json.loads(unpadded(head)) == {"alg": "ES256", "typ": "vcard+json", "x5u": "https://r.example/cert.pem"}
    told = json.loads(unpadded(claims))
    assert abs(told["iat"] - time.time()) < 5, told
    fields = {f[0]: f[3] for f in told["jcard"][1]}
    assert fields["fn"] == "示例运营商" and fields["tel"] == "tel:+8610086", fields
    assert fields["url"] == "https://redress.example/a", "the trunk's own address goes first"
    (home / "signed").write_text(f"{head}.{claims}")
    (home / "signature").write_bytes(der(unpadded(signature)))
    subprocess.run(["openssl", "dgst", "-sha256", "-verify", home / "card.pub", "-signature", home / "signature", home / "signed"], check=True,
                   capture_output=True)
    time.sleep(1.1)
    later = json.loads(unpadded(fetch(path).read().decode().split(".")[1]))["iat"]
    assert later > told["iat"], "made anew at each fetch, not for each call"
    for wrong in ("/redress/jcard/other", "/redress/jcard/none", "/redress/jcard/..%2fswitch", "/redress/jcard/", "/redress/"):
        try:
            fetch(wrong)
            raise AssertionError(f"{wrong} was answered")
        except urllib.error.HTTPError as problem:
            assert problem.code == (400 if "%2f" in wrong else 404), (wrong, problem.code)
    try:
        fetch(path, "POST")
        raise AssertionError("POST was answered")
    except urllib.error.HTTPError as problem:
        assert problem.code == 405, problem.code
    server.stop()

    # Without the settings there is no card.
    server, _ = start(home)
    try:
        fetch(path)
        raise AssertionError("a card without a key")
    except urllib.error.HTTPError as problem:
        assert problem.code == 404
    server.stop()


def a_stop_with_open_connections_takes_less_than_two_seconds(home):
    server, port = start(home)
    phone = Phone(port)
    phone.call(BLOCKED)
    http_port = int(server.url.rsplit(":", 1)[1])
    held = []
    for _ in range(20):
        held.append(socket.create_connection(("127.0.0.1", port)))
        held[-1].sendall(b"INVITE sip:half")  # midway
        held.append(socket.create_connection(("127.0.0.1", port)))
        held[-1].sendall(b"\r\n\r\n")
        held.append(socket.create_connection(("127.0.0.1", http_port)))
        held[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.3)
    stopping = threading.Event()

    def caller():
        while not stopping.is_set():
            phone.call("+8613900000002")

    thread = threading.Thread(target=caller)
    thread.start()
    begin = time.monotonic()
    server.stop()
    took = time.monotonic() - begin
    stopping.set()
    thread.join()
    for connection in held:
        connection.close()
    assert took < 2.0, f"{took:.1f} s"


X5U = "https://cert.example/signer.pem"


def padless(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signer(folder):
    """A root, a signer below it and the index that names both, made with the command-line tool."""
    folder.mkdir()
    (folder / "leaf.cnf").write_text("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                                     "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
    for name in ("root", "signer"):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / f"{name}.key")
    openssl("req", "-x509", "-key", folder / "root.key", "-subj", "/CN=root", "-days", "30", "-out", folder / "root.pem",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-new", "-key", folder / "signer.key", "-subj", "/CN=signer", "-out", folder / "signer.csr")
    openssl("x509", "-req", "-in", folder / "signer.csr", "-CA", folder / "root.pem", "-CAkey", folder / "root.key", "-CAcreateserial",
            "-days", "7", "-extfile", folder / "leaf.cnf", "-out", folder / "signer.pem")
    (folder / "index.toml").write_text(f'roots = ["root.pem"]\n[[certificate]]\nx5u = "{X5U}"\nfile = "signer.pem"\n')


def identity(folder, caller, callee="8613800138000", attest="A", age=0):
    header = json.dumps({"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": X5U}, separators=(",", ":"))
    claims = json.dumps({"attest": attest, "dest": {"tn": [callee]}, "iat": int(time.time()) - age, "orig": {"tn": caller},
                         "origid": "123e4567-e89b-12d3-a456-426655440000"}, separators=(",", ":"))
    text = padless(header.encode()) + "." + padless(claims.encode())
    made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", folder / "signer.key"], input=text.encode(), check=True,
                          capture_output=True).stdout
    parts, at = [], 2
    for _ in range(2):  # SEQUENCE { INTEGER r, INTEGER s }
        size = made[at + 1]
        parts.append(made[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + size
    return f"Identity: {text}.{padless(b''.join(parts))};info=<{X5U}>;alg=ES256;ppt=shaken\r\n"


def a_callers_signature_is_verified_and_a_forged_one_stops_nobody(home):
    signer(home / "identity")
    port = free_port()
    (home / "trunks.toml").write_text(TRUNKS.format(source_port="true") + 'identity = "check"\n')
    (home / "pandun.toml").write_text(
        f'[simulate]\nenabled = false\n[decide.sip]\nenabled = true\nlisten = "127.0.0.1:{port}"\ntrunks = "{home}/trunks.toml"\n'
        f'identity_certificates = "{home}/identity"\nidentity_budget_us = 100000\n')
    server, phone = Server(home / "data", config=home / "pandun.toml"), Phone(port)

    def call(line, caller="+8613900000002"):
        phone.calls += 1
        message = invite(caller, f"{phone.port}x{phone.calls}", phone.port)
        return phone.send(message.replace(b"CSeq:", line.encode() + b"CSeq:"))

    good = identity(home / "identity", "8613900000002", attest="B")
    assert "X-Pandun-Identity: TN-Validation-Passed;why=good;attest=B\r\n" in call(good), call(good)
    forged = re.sub(r"\.[^.;]{20}([^.;]*;)", "." + "A" * 20 + r"\1", good)
    answer = call(forged)
    assert answer.startswith("SIP/2.0 302 ") and "X-Pandun-Reason: identity_failed" in answer, answer
    assert "why=signature" in answer, answer
    assert "why=other_caller" in call(good, "+8613900000003"), "cut and pasted"
    assert "why=stale" in call(identity(home / "identity", "8613900000002", age=120))
    assert "No-TN-Validation;why=absent" in call("")
    decision = re.search(r"X-Pandun-Decision: (\S+)", answer).group(1)
    client = Client(server.url)
    client.sign_in("admin", server.password, "a new long password 1")
    explained = wait_until(lambda: client.call("GET", f"/api/v1/decisions/{decision}"), "the decision is written", 10)
    assert explained.get("identity") == "failed", explained

    # A flood of forgeries, each another: calls go on, and the queue's end is said, not waited for.
    flood = [call(forged.replace("A" * 20, f"{i:020}".replace("0", "B"))) for i in range(300)]
    assert all(reply.startswith("SIP/2.0 302 ") for reply in flood), "nobody is stopped"
    text = urllib.request.urlopen(server.url + "/metrics", timeout=10).read().decode()
    counted = {m[1]: int(float(m[2])) for m in re.finditer(r'^pandun_sip_identity_total\{[^}]*why="(\w+)"[^}]*\} (\S+)$', text, re.M)}
    assert counted["good"] >= 1 and counted["signature"] + counted["late"] + counted["busy"] >= 300, counted
    server.stop()


if __name__ == "__main__":
    sys.exit(main(answers_by_list, torture_messages, sipp_as_conformance_client, kamailio_asks, killed_and_started_again_under_load,
                  nobody_else_gets_an_answer, the_card_of_a_608_is_signed_when_it_is_fetched,
                  a_callers_signature_is_verified_and_a_forged_one_stops_nobody,
                  a_stop_with_open_connections_takes_less_than_two_seconds))
