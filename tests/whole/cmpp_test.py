#!/usr/bin/env python3
"""The gate for business messages spoken to by CMPP implementations that are not ours (PyPI `pycmpp`, CMPP 2.0, and `cmppy`, CMPP 3.0): what
they write reaches the gateway byte by byte and is read there by their own code, what the gateway answers reaches them, and a
rejected sender's message ends at the gate with a CMPP result that they understand."""
import contextlib
import hashlib
import io
import os
import random
import socket
import struct
import sys
import threading
from pathlib import Path

from pandun import Server, main, wait_until

PEERS = Path(__file__).resolve().parent.parent / "peers" / "python"
sys.path.insert(0, str(PEERS))

CONNECT, TERMINATE, SUBMIT, ACTIVE_TEST, RESPONSE = 1, 2, 4, 8, 0x80000000
AUTHENTICATION_FAILED, REFUSED_BY_GATE = 3, 9
SP_ID, SECRET, BLOCKED = "901234", "secret", "13900000001"
MANIFEST = """kind = "reject"
title_zh = "测试名单"
title_en = "Test list"
ground = "test"
approved_by = ["wang", "li"]
approved_at = "2024-01-01T00:00:00Z"
expires_at = "2124-01-01T00:00:00Z"
"""


def free_port():
    while True:
        port = random.randrange(20000, 32000)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
                tcp.bind(("127.0.0.1", port))
                return port
        except OSError:
            continue


class Gateway:
    """The carrier's side (ISMG): it checks who connects, keeps every frame as it came, and accepts all messages but "busy"."""

    def __init__(self):
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.frames, self.accepted = [], 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        version, stream = 0, connection.makefile("rb")
        while header := stream.read(12):
            length, command, sequence = struct.unpack("!LLL", header)
            body = stream.read(length - 12)
            self.frames.append((command, header + body))
            result = struct.Struct("!L" if version == 0x30 else "!B")
            if command == CONNECT:
                version = body[22]
                result = struct.Struct("!L" if version == 0x30 else "!B")
                month_to_second = str(struct.unpack("!L", body[23:27])[0]).zfill(10)
                expected = hashlib.md5(body[:6] + bytes(9) + SECRET.encode() + month_to_second.encode()).digest()
                status = result.pack(0 if expected == body[6:22] else AUTHENTICATION_FAILED)
                answer = status + hashlib.md5(status + body[6:22] + SECRET.encode()).digest() + bytes([version])
            elif command == SUBMIT:
                self.accepted += 1
                answer = struct.pack("!Q", self.accepted) + result.pack(0)
            elif command == ACTIVE_TEST:
                answer = b"\0"
            elif command == TERMINATE:
                answer = b""
            else:
                continue
            connection.sendall(struct.pack("!LLL", 12 + len(answer), command | RESPONSE, sequence) + answer)

    def submitted(self):
        return [frame for command, frame in self.frames if command == SUBMIT]


def start(home, gateway):
    port = free_port()
    (home / "pandun.toml").write_text(
        f'[simulate]\nenabled = false\n[archive]\nenabled = false\n[decide.cmpp]\nlisten = "127.0.0.1:{port}"\nupstream = "127.0.0.1:{gateway.port}"\n')
    lists = home / "data/decide/lists"
    lists.mkdir(parents=True)
    (lists / "blocked.csv").write_text(f"number\n+86{BLOCKED}\n")
    (lists / "blocked.toml").write_text(MANIFEST)
    return Server(home / "data", config=home / "pandun.toml"), port


class Provider:
    """A service provider made of pycmpp: its own connection, threads and answers."""

    def __init__(self, port, secret=SECRET):
        import pycmpp.cmpp
        self.results, self.connected, self.alive = {}, [], 0
        self.peer = pycmpp.cmpp.Cmpp("127.0.0.1", port, SP_ID, secret, src_id="10690001", client_heartbeat=False)
        handlers, outer = self.peer.handlers, self
        from pycmpp.cmpp_defines import CMPP_ACTIVE_TEST_RESP, CMPP_CONNECT_RESP, CMPP_SUBMIT_RESP
        from pycmpp.response import ConnectResponseInstance, SubmitResponseInstance

        class Connected:
            def __init__(self, peer, message):
                self.message = message

            def __call__(self):
                answer = ConnectResponseInstance()
                answer.resolve(self.message)
                outer.connected.append(answer.status)

        class Answered(Connected):
            def __call__(self):
                answer = SubmitResponseInstance()
                answer.resolve(self.message)
                outer.results[answer.seq_id] = (answer.status, answer.msg_id)

        class Alive(Connected):
            def __call__(self):
                outer.alive += 1

        handlers[CMPP_CONNECT_RESP], handlers[CMPP_SUBMIT_RESP], handlers[CMPP_ACTIVE_TEST_RESP] = Connected, Answered, Alive
        self.peer.connect()
        self.peer.auth()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        # Its own loop does not end when a connection does.
        try:
            while True:
                header = self.peer.so.recv(12, socket.MSG_WAITALL)
                if len(header) < 12:
                    return
                length, command, _ = struct.unpack("!LLL", header)
                message = header + self.peer.so.recv(length - 12, socket.MSG_WAITALL)
                if handler := self.peer.handlers.get(command):
                    handler(self.peer, message)()
        except OSError:
            return

    def submit_from(self, sender, text, to):
        from pycmpp.request import SubmitRequestInstance
        request = SubmitRequestInstance()
        self.peer.send(request.create(msg_src=SP_ID, msg_content=text, dest_terminal_id=to, src_id=sender))
        return request.seq_id


def cmpp_2_of_others_passes_and_is_answered(home):
    from pycmpp.request import ActiveTestRequestInstance, SubmitRequestInstance
    gateway = Gateway()
    server, port = start(home, gateway)
    wrong = Provider(port, secret="wrong")
    wait_until(lambda: wrong.connected, "the gateway answers", 10)
    assert wrong.connected == [AUTHENTICATION_FAILED], wrong.connected

    provider = Provider(port)
    wait_until(lambda: provider.connected == [0], "connected", 10)
    provider.peer.submit("您的验证码是123456", ["13800138000", "13800138001"])
    provider.peer.submit("长" * 150, ["13800138000"])
    wait_until(lambda: len(provider.results) == 4, "one short message and three pieces are answered", 10)
    assert all(status == 0 and number > 0 for status, number in provider.results.values()), provider.results
    read = [SubmitRequestInstance().resolve(frame) for frame in gateway.submitted()]
    assert read[0]["dest_terminal_id"].replace("\0", "") == "1380013800013800138001", read[0]
    assert read[0]["msg_content"] == "您的验证码是123456", read[0]
    assert "".join(piece["msg_content"] for piece in read[1:]) == "长" * 150
    assert [(piece["pk_total"], piece["pk_number"]) for piece in read[1:]] == [(3, 1), (3, 2), (3, 3)]

    def refused():
        number = provider.submit_from(BLOCKED, "hello", ["13800138000"])
        wait_until(lambda: number in provider.results, "an answer", 10)
        return provider.results[number][0] == REFUSED_BY_GATE

    wait_until(refused, "the list counts", 10)
    reached = len(gateway.submitted())
    assert refused(), "the gate answers itself"
    assert len(gateway.submitted()) == reached, "it never reaches the gateway"
    provider.peer.send(ActiveTestRequestInstance().create())
    wait_until(lambda: provider.alive == 1, "a link test is answered", 10)
    provider.peer.terminate()
    wait_until(lambda: any(command == TERMINATE for command, _ in gateway.frames), "the end is told", 10)
    assert server.metric("pandun_sms_acknowledged_total") == reached == gateway.accepted
    assert server.metric("pandun_sms_rejected_total") == server.metric("pandun_sms_submitted_total") - reached >= 2
    server.stop()


def cmpp_3_of_others_passes_and_is_answered(home):
    import cmppy
    from cmppy.request import SubmitReq
    gateway = Gateway()
    server, port = start(home, gateway)

    def submit(secret, request):
        with contextlib.redirect_stdout(io.StringIO()):  # it says every frame
            return cmppy.Cmppy("127.0.0.1", port, SP_ID, secret).request(request)

    assert submit("wrong", SubmitReq(SP_ID, "hello")) is None
    request = SubmitReq(SP_ID, "您的验证码是123456", src_id="10690001", dest_terminal_id=["13800138000", "13800138001"])
    answer = submit(SECRET, request)
    assert answer.result == 0 and answer.msg_id == 1, vars(answer)
    # All of it but the sequence number, which is the gate's own towards the gateway.
    assert gateway.submitted()[-1][12:] == request.message[12:], "every byte as it was written"
    wait_until(lambda: submit(SECRET, SubmitReq(SP_ID, "hello", src_id=BLOCKED)).result == REFUSED_BY_GATE, "the list counts", 10)
    reached = len(gateway.submitted())
    assert submit(SECRET, SubmitReq(SP_ID, "hello", src_id=BLOCKED)).result == REFUSED_BY_GATE
    assert len(gateway.submitted()) == reached == gateway.accepted, "it never reaches the gateway"
    assert server.metric("pandun_sms_rejected_total") == 2
    server.stop()


if __name__ == "__main__":
    if not ((PEERS / "pycmpp").is_dir() and (PEERS / "cmppy").is_dir()):
        print(f"SKIPPED: the Python packages pycmpp and cmppy are not in {PEERS}: "
              "python3 -m pip install --no-deps --require-hashes --target tests/peers/python -r tests/peers/requirements.txt")
        sys.exit(77)
    sys.exit(main(cmpp_2_of_others_passes_and_is_answered, cmpp_3_of_others_passes_and_is_answered))
