#!/usr/bin/env python3
"""The figures of docs/performance.md: the product's own commands beside a peer or the physical limit, in one run.

usage: run.py BUILD_DIR OUT_DIR [NAME…]      names: calls fraud zeek state province eventlog start api decide sip sms learn batches detection
"""
import csv
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from duckdb_peer import Duck

HERE = Path(__file__).resolve().parent
BUILD, OUT = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
PANDUN = BUILD / "pandun"
DATA = OUT / "data"
DUCKDB = HERE.parent / "tools/node/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so"
RUNS = int(os.environ.get("PANDUN_BENCH_RUNS", "3"))
NUMBERS = int(os.environ.get("PANDUN_BENCH_NUMBERS", "500000"))
rows = []


def one_core(command, **kwargs):
    """Runs on processor 0 and gives (wall seconds, cpu seconds, peak RSS in bytes, stdout)."""
    start = time.monotonic()
    child = subprocess.Popen(["taskset", "-c", "0", *map(str, command)], stdout=subprocess.PIPE, **kwargs)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{command} ended with {child.returncode}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output.decode()


def median(function):
    """The median of RUNS runs of a function that gives seconds; the first, uncounted, warms the page cache."""
    function()
    return statistics.median(function() for _ in range(RUNS))


def lines_in(path):
    return int(subprocess.check_output(["wc", "-l", path]).split()[0])


def row(bench, figure, value, unit, note=""):
    rows.append({"bench": bench, "figure": figure, "value": value, "unit": unit, "note": note})
    shown = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    print(f"{bench:<10} {figure:<58} {shown:>16} {unit:<12} {note}", flush=True)


def save(bench, **figures):
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{bench}.json").write_text(json.dumps(figures, indent=1) + "\n")


def province():
    """A day of the built-in province, made once."""
    home = DATA / f"province-{NUMBERS}"
    if not (home / "province.toml").exists():
        print(f"making a day of a province of {NUMBERS:,} numbers …", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        start = time.monotonic()
        subprocess.run([PANDUN, "simulate", "--out", home, "--numbers", str(NUMBERS), "--hours", "24", "--seed", "7"], check=True)
        row("simulate", f"a day of {NUMBERS:,} numbers", time.monotonic() - start, "s")
    return home


# The detectors of the foundation. Those of telecom fraud came after them and are measured beside them.
FOUNDATION = {"beacon", "burst_calling", "indicator_sighting", "message_burst", "port_scan"}


def foundation_only():
    """A configuration with the foundation's detectors alone."""
    path = OUT / "foundation.toml"
    listed = subprocess.check_output([PANDUN, "list", "detectors", "--json"], text=True)
    names = [json.loads(line)["name"] for line in listed.splitlines()]
    if missing := FOUNDATION - set(names):
        raise RuntimeError(f"no detectors {missing}")
    path.write_text("".join(f"[detectors.{name}]\nenabled = false\n" for name in names if name not in FOUNDATION))
    return path


def replay(inputs, config=None):
    """(seconds the product itself measured, summary)"""
    result = OUT / "replay"
    one_core([PANDUN, "replay", "--out", result, *(["--config", config] if config else []), *inputs])
    summary = json.loads((result / "summary.json").read_text())
    return summary["elapsed_s"], summary


CALL_WINDOWS = """
SELECT count(*) FROM (
  SELECT caller, CAST(epoch(CAST(time AS TIMESTAMPTZ)) AS BIGINT) // {width} AS w, count(*) AS calls, count(DISTINCT callee) AS callees,
         avg(CASE WHEN answered IN ('1','true','yes') THEN 1.0 ELSE 0.0 END) AS answered, sum(CASE WHEN duration_s <= 10 THEN 1 ELSE 0 END) AS short
  FROM read_csv('{path}', header=true, all_varchar=false, types={{'caller':'VARCHAR','callee':'VARCHAR','answered':'VARCHAR','time':'VARCHAR'}})
  GROUP BY caller, w HAVING count(*) >= 30)
"""


def bench_calls():
    path = province() / "calls.csv"
    lines = lines_in(path) - 1
    config = foundation_only()
    ours = median(lambda: replay([f"calls:{path}"], config)[0])
    summary = replay([f"calls:{path}"], config)[1]
    duck = Duck(DUCKDB)
    epoch_ms = not path.open().readlines(4096)[1].split(",")[0].count("-")
    window = CALL_WINDOWS if not epoch_ms else CALL_WINDOWS.replace("CAST(epoch(CAST(time AS TIMESTAMPTZ)) AS BIGINT)", "(CAST(time AS BIGINT) // 1000)")
    peer = median(lambda: sum(duck.query(window.format(path=path, width=width)) for width in (300, 3600, 86400)))
    floor = median(lambda: one_core(["wc", "-l", path])[0])
    row("calls", "calls CSV -> engine with the foundation's detectors and all rules -> alerts, 1 core", lines / ours, "events/s", f"{lines:,} events, {summary['alerts']} alerts")
    row("calls", "DuckDB, 1 thread: the same window aggregates (5 min, 1 h, 24 h)", lines / peer, "events/s")
    row("calls", "ratio to DuckDB", peer / ours, "x")
    row("calls", "wc -l", lines / floor, "lines/s")
    row("calls", "ratio to wc -l", floor / ours, "x")
    row("calls", "peak memory", summary["peak_rss_bytes"] / 1e6, "MB")
    save("calls", lines=lines, ours_s=ours, duckdb_s=peer, wc_s=floor, summary=summary)


def bench_fraud():
    """The same day with its messages, through everything that looks for fraud."""
    home = province()
    inputs = [f"calls:{home / 'calls.csv'}", f"messages:{home / 'messages.csv'}"]
    ours = median(lambda: replay(inputs)[0])
    summary = replay(inputs)[1]
    events = sum(summary["events"].values())
    row("fraud", "calls and messages CSV -> engine with all detectors and rules -> alerts, 1 core", events / ours, "events/s",
        f"{events:,} events, {summary['alerts']} alerts")
    row("fraud", "peak memory", summary["peak_rss_bytes"] / 1e6, "MB")
    save("fraud", events=events, ours_s=ours, summary=summary)
    fraud_with_model(inputs, events)


MANIFEST = "".join(f'{key} = "made by the simulator"\n' for key in
                   ("name", "provenance", "licence", "purpose", "consent", "deidentification", "impact_assessment"))
SMALL = ("--inner-folds", "5", "--eta", "0.1", "--rounds", "100", "--no-folds")  # a live model: 500 trees at most


def simulator_model():
    """A champion by the product's own path, from two days that are not the day it is measured on: simulate, replay, label, train, promote."""
    home = DATA / "model"
    if (home / "shelf/journal.jsonl").exists():
        return home
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "m.toml").write_text(MANIFEST)
    with (home / "labelled.csv").open("w", newline="") as out:
        writer, ids = None, 0
        for seed in (1001, 1002):
            day = home / f"day-{seed}"
            subprocess.run([PANDUN, "simulate", "--out", day, "--numbers", "60000", "--hours", "24", "--seed", str(seed)], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([PANDUN, "replay", "--out", home / "out", "--identities", "clear", "--features", home / "rows.csv",
                            f"calls:{day / 'calls.csv'}", f"messages:{day / 'messages.csv'}"], check=True, stdout=subprocess.DEVNULL)
            truths = [json.loads(line) for line in (day / "truth.jsonl").open()]
            fraud = {t["entity"]["value"] for t in truths if t["kind"] != "benign" and t["entity"]["kind"] == "number"}
            rows_of_day = csv.reader((home / "rows.csv").open())
            head = next(rows_of_day)
            if writer is None:
                writer = csv.writer(out)
                writer.writerow([*head, "fraud"])
            for cells in rows_of_day:
                ids += 1
                writer.writerow([ids, *cells[1:], int(cells[1] in fraud)])
            shutil.rmtree(day)
    learn = [PANDUN, "learn"]
    subprocess.run([*learn, "train", home / "labelled.csv", "--group", "number", "--ignore", "time", "--manifest", home / "m.toml", "--out", home / "shelf",
                    "--by", "li", *SMALL], check=True, stdout=subprocess.DEVNULL)
    batch = home / "shelf/batch-000001"
    subprocess.run([*learn, "promote", batch, "--to", "shadow", "--by", "li"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*learn, "promote", batch, "--to", "champion", "--by", "li", "--approved-by", "wang"], check=True, stdout=subprocess.DEVNULL)
    (home / "c.toml").write_text(f'[models]\ndirectory = "{home / "shelf"}"\n')
    return home


def copenhagen(config):
    """Four weeks of ordinary people's calls and messages, everybody as a subscriber at home, before all detectors, all rules and the champion."""
    source = Path(os.environ.get("PANDUN_TEST_DATA", "/nowhere")) / "fraud/copenhagen"
    if not source.exists():
        print("fraud      SKIPPED: PANDUN_TEST_DATA does not name a folder with fraud/copenhagen", flush=True)
        return None
    home = OUT / "copenhagen"
    home.mkdir(parents=True, exist_ok=True)
    moment = lambda cell: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_325_376_000 + int(cell["timestamp"])))
    number = lambda person: f"+8613800{int(person):06}"
    with (source / "calls.csv").open() as calls, (home / "calls.csv").open("w") as out:
        print("time,caller,callee,duration_s,answered", file=out)
        for cell in csv.DictReader(calls):
            talk = int(cell["duration"])
            print(moment(cell), number(cell["caller"]), number(cell["callee"]), max(talk, 0), int(talk >= 0), sep=",", file=out)
    with (source / "sms.csv").open() as messages, (home / "messages.csv").open("w") as out:
        print("time,sender,recipient", file=out)
        for cell in csv.DictReader(messages):
            print(moment(cell), number(cell["sender"]), number(cell["recipient"]), sep=",", file=out)
    subprocess.run([PANDUN, "replay", "--config", config, "--out", home / "out", f"calls:{home / 'calls.csv'}", f"messages:{home / 'messages.csv'}"],
                   check=True, stdout=subprocess.DEVNULL)
    alerts = [json.loads(line)["detector"] for line in (home / "out/alerts.jsonl").open()]
    warnings = alerts.count("victim_at_risk")
    row("fraud", "Copenhagen, four weeks of ordinary people: alerts that a measure could follow", len(alerts) - warnings, "alerts", f"{alerts.count('model_score')} by the model")
    row("fraud", "Copenhagen: warnings to people at risk", warnings, "warnings")
    return {"alerts": alerts}


def fraud_with_model(inputs, events):
    """With and without a champion in turns, so that both meet the same minutes of a shared machine; rates by wall and by processor time."""
    home = simulator_model()
    result = OUT / "replay"
    spent = {"without": [], "with": []}
    for _ in range(RUNS):
        for which, flags in (("without", []), ("with", ["--config", home / "c.toml"])):
            _, cpu, _, _ = one_core([PANDUN, "replay", "--out", result, *flags, *inputs])
            spent[which].append((json.loads((result / "summary.json").read_text())["elapsed_s"], cpu))
    summary = json.loads((result / "summary.json").read_text())
    said = sum(1 for line in (result / "alerts.jsonl").open() if json.loads(line)["detector"] == "model_score")
    wall = {which: statistics.median(each[0] for each in runs) for which, runs in spent.items()}
    cpu = {which: statistics.median(each[1] for each in runs) for which, runs in spent.items()}
    scored = json.loads(subprocess.check_output([PANDUN, "learn", "score", home / "shelf", home / "labelled.csv", "--reasons", "0", "--out", home / "s.csv", "--json"]))
    row("fraud", "the same with a champion model, 1 core", events / wall["with"], "events/s", f"{summary['alerts']} alerts, {said} by the model")
    row("fraud", "the same, by processor time alone", events / cpu["with"], "events/s", f"without the model {events / cpu['without']:,.0f}")
    row("fraud", "with the model to without, processor time, in turns", cpu["without"] / cpu["with"], "x")
    row("fraud", "the model, for each event", (cpu["with"] - cpu["without"]) * 1e9 / events, "ns")
    row("fraud", "walking the model's trees, for each number that is looked at", scored["us_per_row"], "us")
    quiet = copenhagen(home / "c.toml")
    save("fraud_model", events=events, wall_s=wall, cpu_s=cpu, runs=spent, summary=summary, model_alerts=said, score=scored, copenhagen=quiet)


def conn_json(tsv, path):
    """The same rows as Zeek's JSON writer gives them."""
    if path.exists():
        return
    fields = types = None
    with tsv.open() as source, path.with_suffix(".new").open("w") as out:
        for line in source:
            if line.startswith("#"):
                parts = line.rstrip("\n").split("\t")
                fields = parts[1:] if parts[0] == "#fields" else fields
                types = parts[1:] if parts[0] == "#types" else types
                continue
            cells = []
            for name, kind, value in zip(fields, types, line.rstrip("\n").split("\t")):
                if value in ("-", "(empty)"):
                    continue
                if kind in ("time", "interval", "count", "port", "int", "double"):
                    cells.append(f'"{name}":{value}')
                elif kind == "bool":
                    cells.append(f'"{name}":{"true" if value == "T" else "false"}')
                else:
                    cells.append(f'"{name}":"{value}"')
            out.write("{" + ",".join(cells) + "}\n")
    path.with_suffix(".new").rename(path)


def bench_zeek():
    source = Path(os.environ["PANDUN_BENCH_CONN"]) if "PANDUN_BENCH_CONN" in os.environ else province() / "conn.log"
    lines = sum(1 for line in source.open("rb") if not line.startswith(b"#"))
    as_json = OUT / "data" / f"conn-{NUMBERS}.json.log"
    as_json.parent.mkdir(parents=True, exist_ok=True)
    conn_json(source, as_json)
    ours = median(lambda: replay([f"zeek:{source}"])[0])
    summary = replay([f"zeek:{source}"])[1]
    ours_json = median(lambda: replay([f"zeek:{as_json}"])[0])
    gz = OUT / "data" / f"conn-{NUMBERS}.log.gz"
    if not gz.exists():
        with gz.open("wb") as out:
            subprocess.run(["gzip", "-1", "-c", source], stdout=out, check=True)
    awk = "BEGIN{FS=\"\\t\"} !/^#/{n[$3 FS $5 FS $6]++} END{for(k in n) c++; print c}"
    pipe = median(lambda: one_core(["sh", "-c", f"zcat {gz} | awk '{awk}'"])[0])
    floor = median(lambda: one_core(["wc", "-l", source])[0])
    duck = Duck(DUCKDB)
    names = next(line for line in source.open() if line.startswith("#fields")).rstrip("\n").split("\t")[1:]
    column = {name: f"column{i:02d}" if len(names) > 10 else f"column{i}" for i, name in enumerate(names)}
    sql = f"""
      SELECT count(*) FROM (
        SELECT {column['id.orig_h']} AS s, {column['id.resp_h']} AS d, {column['id.resp_p']} AS p, count(*) AS n,
               median(CAST({column['ts']} AS DOUBLE)) AS m, quantile_cont(CAST({column['ts']} AS DOUBLE), [0.25, 0.75]) AS q
        FROM read_csv('{source}', delim='\t', header=false, comment='#', all_varchar=true) GROUP BY s, d, p HAVING count(*) >= 4)"""
    peer = median(lambda: duck.query(sql))
    row("zeek", "conn.log TSV -> engine with all detectors, 1 core", lines / ours, "lines/s", f"{lines:,} lines, {summary['alerts']} alerts")
    row("zeek", "conn.log JSON -> engine with all detectors, 1 core", lines / ours_json, "lines/s")
    row("zeek", "DuckDB, 1 thread: pairs with time quartiles, same file", lines / peer, "lines/s")
    row("zeek", "ratio to DuckDB (TSV)", peer / ours, "x")
    row("zeek", "zcat | awk: pair counts", lines / pipe, "lines/s")
    row("zeek", "ratio to zcat | awk (TSV)", pipe / ours, "x")
    row("zeek", "ratio to wc -l (TSV)", floor / ours, "x")
    row("zeek", "peak memory", summary["peak_rss_bytes"] / 1e6, "MB")
    save("zeek", lines=lines, ours_s=ours, json_s=ours_json, duckdb_s=peer, awk_s=pipe, wc_s=floor, summary=summary)


def bench_state():
    result = json.loads(one_core([BUILD / "bench/state_bench", os.environ.get("PANDUN_BENCH_STATE_NUMBERS", "10000000")])[3])
    row("state", "numbers alive in one process", result["numbers"], "numbers")
    row("state", "engine state for each quiet number (4 contacts a day)", result["bytes_per_quiet_number"], "bytes")
    row("state", "engine state for each busy number (1,000 calls a day)", result["bytes_per_busy_number"], "bytes")
    row("state", "peak memory", result["peak_rss_bytes"] / 1e6, "MB")
    row("state", "engine alone, both numbers of each call cold", result["ns_per_event"], "ns/event")
    save("state", **result)


def bench_province():
    """A province: the whole engine after a day, part by part, and the state of numbers alone after a month; slices of two sizes each, so that the slope shows, and what they come to at full size."""
    scale = float(os.environ.get("PANDUN_BENCH_PROVINCE_SCALE", "1"))
    full = 100_000_000
    saved = {}

    def slices(program, sizes, days, *more):
        for numbers in sizes:
            numbers = int(numbers * scale)
            yield json.loads(one_core([BUILD / "bench" / program, *more, numbers, days, 20, numbers // 1000])[3])

    def load(us):
        row("province", "  one event, all its sides, cold: processor time", us, "us/event")
        row("province", "  2,000,000,000 events a day are 23,148/s: of 2 cores", us * 23148 / 1e6 / 2 * 100, "%")
        row("province", "  an hour three times as busy: of 2 cores", us * 69444 / 1e6 / 2 * 100, "%")

    small, large = saved["whole"] = list(slices("province_bench", (250_000, 1_000_000), 1, HERE.parent / "content"))
    more = large["numbers"] - small["numbers"]
    for result in (small, large):
        row("province", f"the whole engine, a day of 20 events a number: bytes a number, {result['numbers']:,} numbers", result["state_bytes"] / result["numbers"], "bytes",
            f"resident {result['rss_bytes'] / result['numbers']:.1f}; {result['events']:,} events; said: {', '.join(f'{n} {c}' for n, c in result['signals'].items()) or 'nothing'}")
    before = {part["name"]: part for part in small["parts"]}
    rest = 0
    for part in sorted(large["parts"], key=lambda part: -part["bytes"]):
        slope = (part["bytes"] - before.get(part["name"], {"bytes": 0})["bytes"]) / more
        if slope < 1:
            rest += slope
            continue
        row("province", f"  {part['name']}: bytes for one number more", slope, "bytes", f"{part['keys']:,} of them kept")
    row("province", "  everything else", rest, "bytes")
    slope = (large["state_bytes"] - small["state_bytes"]) / more
    row("province", "  slope: bytes for one number more, everything", slope, "bytes")
    row("province", f"  {full:,} numbers by that slope", slope * full / 2**30, "GiB", "20 at most")
    slope = (large["rss_bytes"] - small["rss_bytes"]) / more
    row("province", "  the same, resident: with what the allocator keeps", slope * full / 2**30, "GiB")
    load(large["ns_per_event"] / 1000)

    for name, label, sizes, days in (
            ("day", "numbers alone, the same day", (250_000, 1_000_000), 1),
            ("month", "numbers alone, 31 such days", (20_000, 80_000), 31)):
        small, large = saved[name] = list(slices("number_state_bench", sizes, days))
        for result in (small, large):
            row("province", f"{label}: bytes a number, {result['numbers']:,} numbers", result["bytes_per_number"], "bytes",
                f"table {result['table']}, blocks {result['blocks']} (used {result['blocks_used']}), busy {result['busy_part']}; resident {result['rss_per_number']}")
        for c in large["classes"]:
            row("province", f"  {c['class']}: {c['contacts_24h']:.0f} contacts in 24 h, beside its line in the table", c["bytes_beside_table"], "bytes",
                f"{c['numbers']:,} numbers, {c['busy']:,} in the busy form")
        slope = (large["bytes_per_number"] * large["numbers"] - small["bytes_per_number"] * small["numbers"]) / (large["numbers"] - small["numbers"])
        row("province", "  slope: bytes for one number more", slope, "bytes")
        row("province", f"  {full:,} numbers by that slope", slope * full / 2**30, "GiB")
        load(large["ns_per_event"] / 1000)
        row("province", "  left memory", large["evicted"], "numbers",
            f"silent for 120 days; {large['too_old']:,} contacts came behind 30 days; listed {large['listed']:,}, packed {large['packed']:,}, busy {large['busy']:,}")
    save("province", **saved)


def bench_eventlog():
    results = []
    for _ in range(RUNS):
        home = OUT / "eventlog"
        shutil.rmtree(home, ignore_errors=True)
        results.append(json.loads(subprocess.check_output([BUILD / "bench/eventlog_bench", home])))
        shutil.rmtree(home)
    result = sorted(results, key=lambda r: r["ratio"])[len(results) // 2]
    row("eventlog", f"durable acknowledged ingest (batches of {result['batch']}, one sync each)", result["log_mb_s"], "MB/s",
        f"{result['events_per_s']:,.0f} events/s")
    row("eventlog", "raw sequential write, as many bytes and syncs", result["raw_mb_s"], "MB/s")
    row("eventlog", "ratio to the disk itself", result["ratio"], "x")
    save("eventlog", **result)


class Server:
    def __init__(self, home, *flags, before=()):
        self.started = time.monotonic()
        self.child = subprocess.Popen([*before, PANDUN, "serve", "--data", home, "--listen", "127.0.0.1:0", *flags], stdout=subprocess.PIPE, text=True)
        self.url = self.password = None
        for line in self.child.stdout:
            if match := re.search(r"admin password: (\S+)", line):
                self.password = match.group(1)
            if match := re.search(r"ready (http://\S+)", line):
                self.url = match.group(1)
                break
        self.ready_s = time.monotonic() - self.started

    def metrics(self):
        text = urllib.request.urlopen(self.url + "/metrics", timeout=10).read().decode()
        return {m.group(1): float(m.group(2)) for m in re.finditer(r"^(pandun_\w+)(?:\{[^}]*\})? ([-+0-9.e]+)$", text, re.M)}

    def token(self, roles):
        """An API token, as the first admin makes one: with the password that the first start printed."""
        jar = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

        def post(path, body, csrf=""):
            headers = {"Content-Type": "application/json", "X-CSRF-Token": csrf}
            call = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
            answer = jar.open(call, timeout=10).read()
            return json.loads(answer) if answer else {}

        csrf = post("/api/v1/session", {"username": "admin", "password": self.password})["csrf_token"]
        new = self.password + "-changed"
        post("/api/v1/session/password", {"old_password": self.password, "new_password": new}, csrf)
        csrf = post("/api/v1/session", {"username": "admin", "password": new})["csrf_token"]
        return post("/api/v1/tokens", {"name": "bench", "roles": roles, "expires_in_days": 1}, csrf)["token"]

    def stop(self, how):
        self.child.send_signal(how)
        self.child.wait()


def bench_start():
    home = OUT / "start"
    shutil.rmtree(home, ignore_errors=True)
    first = Server(home)
    first.stop(signal.SIGTERM)
    again = Server(home)
    row("start", "start-up to ready, empty", first.ready_s, "s")
    row("start", "start-up to ready, second start", again.ready_s, "s")
    again.stop(signal.SIGKILL)
    events = int(os.environ.get("PANDUN_BENCH_BEHIND", "10000000"))
    subprocess.run([BUILD / "bench/fill_log", home, str(events)], check=True)
    server = Server(home)
    while server.metrics().get("pandun_engine_lag_events", events) > 0:
        time.sleep(0.05)
    recovered = time.monotonic() - server.started
    row("start", f"ready again after kill -9, {events:,} events behind the checkpoint", server.ready_s, "s")
    row("start", "and caught up", recovered, "s", f"{events / recovered:,.0f} events/s")
    server.stop(signal.SIGTERM)
    save("start", first_s=first.ready_s, again_s=again.ready_s, ready_after_kill_s=server.ready_s, recovered_s=recovered, events=events)
    shutil.rmtree(home)


def bench_api():
    home = OUT / "api"
    shutil.rmtree(home, ignore_errors=True)
    server = Server(home)
    out = subprocess.check_output(["wrk", "-t1", "-c32", "-d5s", "--latency", server.url + "/healthz"], text=True)
    server.stop(signal.SIGTERM)
    shutil.rmtree(home)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    row("api", "GET /healthz, 32 connections", rate, "requests/s")
    save("api", requests_per_s=rate)


def part(script, *arguments):
    """A bench of its own that prints its own table."""
    subprocess.run([sys.executable, HERE / script, *map(str, arguments)], check=True)


def bench_decide():
    result = json.loads(one_core([BUILD / "bench/decide_bench"])[3])
    alone, swaps = result["one_at_a_time"], result["beside_swaps"]
    entries = f"{result['entries']:,} measures, counters, policies, records"
    row("decide", "decisions on one core", 1e9 / result["ns_per_decision"], "decisions/s", entries)
    threads = json.loads(subprocess.check_output([BUILD / "bench/decide_bench", "1000000", "2000000", "two"]))
    row("decide", "decisions by two threads to those by one, in turns", threads["one_ns"] / threads["two_ns"], "x", f"{1e9 / threads['two_ns']:,.0f} decisions/s; goal of two cores 1.8")
    row("decide", "one decision, p50", alone["p50_ns"] / 1000, "us")
    row("decide", "one decision, p99", alone["p99_ns"] / 1000, "us")
    row("decide", "one decision beside swaps of the whole list, p99", swaps["p99_ns"] / 1000, "us")
    row("decide", "slowest decision, processor time, beside swaps", result["beside_swaps_cpu_max_ns"] / 1000, "us",
        f"without swaps {result['without_swaps_cpu_max_ns'] / 1000:.0f}")
    row("decide", "one measure lifted, p50", result["small_change"]["p50_ns"] / 1000, "us")
    row("decide", f"memory of counters and records after {result['flood_callers']:,} new callers", result["counter_bytes_after"] / 1e6, "MB",
        f"before {result['counter_bytes'] / 1e6:.1f}")
    listed = json.loads(one_core([BUILD / "bench/decide_list_bench", OUT / "decide-list"])[3])
    row("decide", f"a list of {listed['entries']:,} numbers: start to first answer", listed["start_to_first_answer_ms"], "ms")
    row("decide", "the same list, one look-up, p99", listed["p99_ns"], "ns")
    save("decide", **result, list=listed, threads=threads)
    http_decisions()


def free_port():
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        return tcp.getsockname()[1]


def http_decisions():
    home = OUT / "decide-http"
    shutil.rmtree(home, ignore_errors=True)
    # Server and floor on one processor each in turn, the load on the other; in real time where the system lets us, in runs under a second
    # (the kernel's own 5 % for ordinary work then does not come due).
    real_time = subprocess.run(["chrt", "-r", "2", "true"], capture_output=True).returncode == 0
    first = ["taskset", "-c", "0", *(["chrt", "-r", "2"] if real_time else [])]
    load = ["taskset", "-c", "1", *(["chrt", "-r", "2"] if real_time else []), BUILD / "bench/http_load"]
    floor_port = free_port()
    floor = subprocess.Popen([*map(str, first), str(BUILD / "bench/http_load"), "--floor", str(floor_port)], stdout=subprocess.PIPE)
    floor.stdout.readline()
    server = Server(home, before=first)
    figures = {name: {"saturated": [], "60,000/s": []} for name in ("floor", "pandun")}
    try:
        environment = {**os.environ, "PANDUN_TOKEN": server.token(["viewer"])}
        for _ in range(5):
            for name, port in (("floor", floor_port), ("pandun", server.url.rsplit(":", 1)[1])):
                for kind, rate in (("saturated", 0), ("60,000/s", 60_000)):
                    command = [*load, "--to", f"127.0.0.1:{port}", "--rate", rate, "--connections", 16, "--seconds", 0.9 if real_time else 4]
                    out = subprocess.check_output([*map(str, command)], text=True, env=environment)
                    figures[name][kind].append(json.loads(out))
                    time.sleep(0.15)
    finally:
        server.stop(signal.SIGTERM)
        floor.kill()
        floor.wait()
    shutil.rmtree(home)
    if any(one["refused"] for kinds in figures["pandun"].values() for one in kinds):
        raise RuntimeError("decisions were refused")

    def middle(name, kind, figure):
        return statistics.median(one[figure] for one in figures[name][kind])

    least = f"a bare Asio server that decides nothing: {middle('floor', 'saturated', 'per_s'):,.0f}"
    row("decide", "POST /api/v1/decisions/call, 16 connections, one core, saturated", middle("pandun", "saturated", "per_s"), "decisions/s", least)
    row("decide", "the same, p99", middle("pandun", "saturated", "p99_us"), "us", f"floor {middle('floor', 'saturated', 'p99_us'):.0f}")
    row("decide", "the same at 60,000/s, open loop: answered", middle("pandun", "60,000/s", "per_s"), "decisions/s")
    for figure, name in (("p50_us", "p50"), ("p99_us", "p99"), ("p999_us", "p99.9")):
        row("decide", f"at 60,000/s, {name}", middle("pandun", "60,000/s", figure), "us", f"floor {middle('floor', '60,000/s', figure):.0f}")
    save("decide_http", real_time=real_time, per_s=middle("pandun", "saturated", "per_s"), p99_us=middle("pandun", "60,000/s", "p99_us"), figures=figures)


def bench_sip():
    part("sip_bench.py", BUILD, "--out", OUT / "sip.json")


def bench_sms():
    part("sms_bench.py", BUILD, OUT)


def bench_learn():
    part("learn_bench.py", BUILD, OUT)


def bench_batches():
    part("batch_bench.py", BUILD, "--out", OUT / "batches.json")


def bench_detection():
    part("detection_bench.py", BUILD, OUT, "--hours", 48, "--strengths", "1,0.25")


BENCHES = {"calls": bench_calls, "fraud": bench_fraud, "zeek": bench_zeek, "state": bench_state, "province": bench_province, "eventlog": bench_eventlog, "start": bench_start, "api": bench_api,
           "decide": bench_decide, "sip": bench_sip, "sms": bench_sms, "learn": bench_learn, "batches": bench_batches, "detection": bench_detection}


def main():
    names = sys.argv[3:] or list(BENCHES)
    unknown = [n for n in names if n not in BENCHES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; known: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = int(next(line for line in open("/proc/meminfo")).split()[1]) // 1048576
    print(f"machine: {model}, {os.cpu_count()} processors, {memory} GiB; median of {RUNS} runs after one that warms up\n")
    for name in names:
        BENCHES[name]()
    (OUT / "table.json").write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    sys.exit(main())
