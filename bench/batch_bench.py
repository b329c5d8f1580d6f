#!/usr/bin/env python3
"""A list of cards in, one decision by two people, a measure for each number, and the list for the carriers out.

usage: batch_bench.py BUILD_DIR [--cards N] [--out FILE.json]     default 5,000,000

A running platform with a little simulated traffic, for the case that the list belongs to; the list is loaded beside it as an operator
does, proposed and approved by the API, made by the platform's own clock, and exported beside it, while somebody looks at lists, cases and
alerts all the time. One processor is nobody's: times hold whatever else runs on the machine.
"""
import http.cookiejar
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

BUILD = Path(sys.argv[1]).resolve()
HERE = Path(__file__).resolve().parent
CARDS = int(sys.argv[sys.argv.index("--cards") + 1]) if "--cards" in sys.argv else 5_000_000
OUT = Path(sys.argv[sys.argv.index("--out") + 1]) if "--out" in sys.argv else None
HOME = Path(tempfile.mkdtemp(prefix="pandun-batch-bench-"))
PASSWORD = "paper boats drift far 4"
DEADLINE_S = 3600


class Client:
    def __init__(self, url):
        self.url, self.csrf = url, ""
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.url + "/api/v1" + path, None if body is None else json.dumps(body).encode(),
                                         {"Content-Type": "application/json", "X-CSRF-Token": self.csrf}, method=method)
        try:
            text = self.opener.open(request, timeout=120).read()
        except urllib.error.HTTPError as refused:
            refused.add_note(f"{method} {path}: {refused.read()[:300]}")
            raise
        value = json.loads(text) if text else {}
        self.csrf = value.get("csrf_token") or self.csrf
        return value

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None):
        return self.call("POST", path, body)

    def sign_in(self, username, password):
        self.post("/session", {"username": username, "password": password})
        self.post("/session/password", {"old_password": password, "new_password": PASSWORD})
        self.post("/session", {"username": username, "password": PASSWORD})
        return self


class Watcher(threading.Thread):
    """Somebody who looks at one page after the other, and how long the slowest took."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.paths, self.slowest, self.looks, self.over = client, ["/card-batches", "/cases", "/alerts?limit=50"], 0.0, 0, False

    def run(self):
        while not self.over:
            for path in list(self.paths):
                asked = time.monotonic()
                self.client.get(path)
                self.slowest = max(self.slowest, time.monotonic() - asked)
                self.looks += 1
                time.sleep(0.02)


def until(what, look, seconds=180):
    end = time.monotonic() + seconds
    while not (value := look()):
        if time.monotonic() > end:
            raise RuntimeError(f"waited in vain: {what}")
        time.sleep(0.5)
    return value


def peak_mb(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def size_mb(*patterns):
    return sum(f.stat().st_size for f in {f for p in patterns for f in HOME.glob(p)} if f.is_file()) / 1e6


def timed(words):
    """A command beside the platform: its answer, seconds, and the most memory it had."""
    report = HOME / "time.txt"
    began = time.monotonic()
    text = subprocess.run(["/usr/bin/env", "python3", "-c", "import resource,subprocess,sys\nr=subprocess.run(sys.argv[2:]).returncode\n"
                           "open(sys.argv[1],'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))\nsys.exit(r)",
                           str(report), *map(str, words)], check=True, capture_output=True, text=True).stdout
    return json.loads(text), time.monotonic() - began, int(report.read_text()) / 1024


def row(figure, value, unit, note=""):
    print(f"| batches | {figure} | {value:,.1f} | {unit} | {note} |", flush=True)


def main():
    config = HOME / "pandun.toml"
    content = HERE.parent / "content"
    config.write_text(f'[data]\ndirectory = "{HOME}/data"\n[server]\nlisten = "127.0.0.1:0"\n[content]\ndirectory = "{content}"\n[archive]\nenabled = false\n'
                      f'[simulate]\nenabled = true\nnumbers = 2000\nspeed = 600\nseed = 7\nscenario = "{content}/scenarios/ring.toml"\n')
    cards = HOME / "cards.csv"
    with open(cards, "w") as out:
        out.write("token,protected_group\n")
        for begin in range(0, CARDS, 100_000):
            out.write("".join(f"n26-{i * 2654435761 % 2**32:08x}{i:024x},none\n" for i in range(begin, min(begin + 100_000, CARDS))))
    server = subprocess.Popen([BUILD / "pandun", "serve", "--config", config], stdout=subprocess.PIPE, text=True)
    figures = {"cards": CARDS, "list_mb": size_mb("cards.csv")}
    try:
        url = password = None
        for line in server.stdout:
            password = (re.match(r"admin password: (\S+)", line) or [None, password])[1]
            if match := re.match(r"ready (http\S+)", line):
                url = match[1]
                break
        admin = Client(url).sign_in("admin", password)
        people = {}
        for name, roles in (("li.na", ["analyst"]), ("wang.jian", ["approver"]), ("sun.yi", ["viewer"])):
            people[name] = Client(url).sign_in(name, admin.post("/users", {"username": name, "display_name": name, "roles": roles})["initial_password"])
        li, wang = people["li.na"], people["wang.jian"]
        alert = until("an alert", lambda: li.get("/alerts?detector=ring&state=open&limit=1")["items"])[0]
        case = li.post("/cases", {"alert_ids": [alert["id"]]})["id"]
        for _ in range(50):
            try:
                li.post(f"/cases/{case}/actions/confirm", {"version": li.get(f"/cases/{case}")["version"], "fields": {"finding": "x"}})
                break
            except urllib.error.HTTPError as refused:
                if refused.code != 409:
                    raise
        token = HOME / "token"
        token.write_text(admin.post("/tokens", {"name": "carrier-a", "roles": ["analyst"], "expires_in_days": 30})["token"])
        token.chmod(0o600)
        office = ["--token-file", token, "--data", HOME / "data", "--config", config, "--json"]
        idle_mb = peak_mb(server.pid)

        watcher = Watcher(people["sun.yi"])
        watcher.start()
        loaded, figures["load_s"], figures["load_peak_mb"] = timed([BUILD / "pandun", "measures", "load", cards, "--case", case, *office])
        figures["members"] = loaded["members"]
        batch = loaded["batch"]
        watcher.paths.append(f"/card-batches/{batch}")
        terms = {"kind": "reverify", "category": "fraud", "ground": "afl-11", "scope": "全部功能", "reason": "高风险卡", "notice": "请到营业厅核验", "appeal_channel": "10000",
                 "expires_at": (datetime.now(timezone.utc) + timedelta(days=20)).strftime("%Y-%m-%dT%H:%M:%SZ")}
        li.post(f"/card-batches/{batch}/propose", terms)
        began = time.monotonic()
        wang.post(f"/card-batches/{batch}/approve")
        figures["approve_s"] = time.monotonic() - began

        def done():
            return li.get(f"/card-batches/{batch}").get("state") == "done"
        until("all measures", done, DEADLINE_S)
        figures["make_s"] = time.monotonic() - began
        figures["serve_peak_mb"], figures["serve_idle_mb"] = peak_mb(server.pid), idle_mb
        exported, figures["export_s"], figures["export_peak_mb"] = timed([BUILD / "pandun", "measures", "export", "--batch", batch, "--out", HOME / "out.csv", *office])
        figures["exported"] = exported["written"]
        figures["export_mb"] = size_mb("out.csv")
        watcher.over = True
        watcher.join()
        figures["slowest_page_s"], figures["looks"] = watcher.slowest, watcher.looks
        figures["database_mb"] = size_mb("data/*.db*", "data/*.sqlite*", "data/**/*.db*", "data/**/*.sqlite*") or size_mb("data/**/*")
    finally:
        server.terminate()
        server.wait(timeout=120)
        print(json.dumps(figures), file=sys.stderr)
        if OUT:
            OUT.write_text(json.dumps(figures) + "\n")
        shutil.rmtree(HOME, ignore_errors=True)
    row("a list of cards loaded", figures["load_s"], "s", f"{figures['members']:,} numbers, {figures['list_mb']:,.0f} MB; peak {figures['load_peak_mb']:,.0f} MB")
    row("its approval by the second person", figures["approve_s"] * 1000, "ms", "one decision")
    row("a measure for each made, by the running platform", figures["make_s"], "s", f"peak {figures['serve_peak_mb']:,.0f} MB, before the list {figures['serve_idle_mb']:,.0f}")
    row("exported for the carriers", figures["export_s"], "s", f"{figures['exported']:,} lines, {figures['export_mb']:,.0f} MB; peak {figures['export_peak_mb']:,.0f} MB")
    row("slowest look at lists, cases and alerts meanwhile", figures["slowest_page_s"] * 1000, "ms", f"of {figures['looks']:,}")
    row("database afterwards", figures["database_mb"], "MB")
    if figures["members"] != CARDS or figures["exported"] != CARDS:
        print("not every card came through")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
