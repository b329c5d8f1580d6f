#!/usr/bin/env python3
"""The gate for business messages beside the bare wire, in one run: messages a second at full window, and the latency it adds.

usage: sms_bench.py BUILD_DIR OUT_DIR

One load program is SMSC and ESME (bench/sms_load.cpp); the gate runs in `pandun serve` on processor 0, the load on processor 1.
Direct = the same ESME and SMSC without the gate. With a contract = every text compared with a sender's 20 templates.
"""
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

BUILD, OUT = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
PANDUN, LOAD = BUILD / "pandun", BUILD / "bench/sms_load"
RUNS = int(os.environ.get("PANDUN_BENCH_RUNS", "3"))
COUNT = int(os.environ.get("PANDUN_BENCH_MESSAGES", "300000"))
RATE = 5000

SENDER = """
[[sender]]
id = "bank"
contract = "A2P-1"
accounts = ["bank1"]
sender_ids = ["10690001"]
domains = ["bank.example"]
""" + "".join(f"""[[sender.template]]
id = "t{i}"
text = "Your {word} is {{amount}}, see {{url}}"
""" for i, word in enumerate(["bill", "loan", "card", "gift", "order", "ticket", "flight", "train", "parcel", "refund", "score", "limit", "rate",
                              "policy", "claim", "visit", "meter", "water", "power"])) + """[[sender.template]]
id = "code"
kind = "verification"
text = "Your code is {digits:6}, valid for {digits:1-2} minutes. Do not tell anybody."
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def drive(port, count, window, rate=0):
    command = ["taskset", "-c", "1", str(LOAD), "esme", str(port), str(count), str(window)] + ([str(rate)] if rate else [])
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)


class Gate:
    def __init__(self, home, smsc, contract):
        self.port = free_port()
        (home / "senders.toml").write_text(SENDER if contract else "version = 1\n")
        (home / "pandun.toml").write_text(f"""[simulate]
enabled = false
[archive]
enabled = false
[decide.smpp]
listen = "127.0.0.1:{self.port}"
upstream = "127.0.0.1:{smsc}"
window = 1000
[decide.sms]
templates = "{home}/senders.toml"
""")
        self.child = subprocess.Popen(["taskset", "-c", "0", str(PANDUN), "serve", "--data", str(home / "data"), "--listen", "127.0.0.1:0", "--config",
                                       str(home / "pandun.toml")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.child.stdout:
            if "ready " in line:
                return
        raise RuntimeError(f"serve ended with {self.child.wait()}")

    def cpu_s(self):
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.child.terminate()
        self.child.wait()


def measure(name, port, gate=None):
    full, slow, single, cpu = [], [], [], []
    drive(port, COUNT // 10, 200)
    for _ in range(RUNS):
        before = gate.cpu_s() if gate else 0
        full.append(drive(port, COUNT, 200))
        cpu.append((gate.cpu_s() - before) / COUNT * 1e6 if gate else 0)
        slow.append(drive(port, RATE * 3, 200, RATE))
        single.append(drive(port, COUNT // 30, 1))
    assert all(r["errors"] == 0 for r in full + slow + single), "messages were refused"
    median = lambda rows, key: statistics.median(r[key] for r in rows)
    out = {"per_s": median(full, "per_s"), "cpu_us_per_message": statistics.median(cpu), "p50_us_alone": median(single, "p50_us"),
           "p99_us_alone": median(single, "p99_us"), f"p50_us_at_{RATE}_per_s": median(slow, "p50_us"), f"p99_us_at_{RATE}_per_s": median(slow, "p99_us")}
    print(f"{name:<28} {out['per_s']:>10,.0f} messages/s {out['cpu_us_per_message']:>7.2f} us CPU   alone p50 {out['p50_us_alone']:>6.1f} p99 "
          f"{out['p99_us_alone']:>6.1f} us   at {RATE}/s p50 {out[f'p50_us_at_{RATE}_per_s']:>6.1f} p99 {out[f'p99_us_at_{RATE}_per_s']:>7.1f} us", flush=True)
    return out


def main():
    smsc = subprocess.Popen(["taskset", "-c", "1", str(LOAD), "smsc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = int(smsc.stdout.readline())
    results = {"messages": COUNT, "window": 200, "direct": measure("direct", port)}
    for name, contract in (("gate", False), ("gate_with_contract", True)):
        with tempfile.TemporaryDirectory(prefix="pandun-bench-") as home:
            gate = Gate(Path(home), port, contract)
            results[name] = measure(name.replace("_", " "), gate.port, gate)
            gate.stop()
    smsc.stdin.close()
    results["share_of_direct"] = results["gate"]["per_s"] / results["direct"]["per_s"]
    results["added_p50_us_alone"] = results["gate"]["p50_us_alone"] - results["direct"]["p50_us_alone"]
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "sms.json").write_text(json.dumps(results, indent=1) + "\n")


main()
