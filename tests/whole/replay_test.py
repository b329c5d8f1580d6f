#!/usr/bin/env python3
"""Whole runs of `pandun replay`: the same result in every weather, and nothing an input can do is fatal."""
import gzip
import json
import os
import signal
import subprocess
import sys
import time

from pandun import PANDUN, digest, environment, main, replay, run


def province(home, numbers=3000, hours=6):
    run("simulate", "--out", home / "province", "--numbers", numbers, "--hours", hours, "--seed", 11)
    return [f"calls:{home}/province/calls.csv", f"messages:{home}/province/messages.csv"] + [
        f"zeek:{home}/province/{name}.log" for name in ("conn", "dns", "http", "ssl")]


def same_alerts_in_every_weather(home):
    inputs = province(home)
    calm = replay(home / "calm", *inputs)
    assert calm["alerts"] > 0, "the province holds planted fraud, so there are alerts"
    expected = [digest(home / "calm" / name) for name in ("alerts.jsonl", "incidents.jsonl")]
    for shards, batch in ((1, 1), (1, 7), (2, 4096), (5, 100), (5, 1)):
        out = home / f"s{shards}b{batch}"
        replay(out, *inputs, flags=("--shards", shards, "--batch", batch))
        assert [digest(out / name) for name in ("alerts.jsonl", "incidents.jsonl")] == expected, f"shards {shards}, batch {batch}"
    replay(home / "reversed", *reversed(inputs))
    lines = lambda name: sorted(json.loads(l)["id"] for l in (home / name / "alerts.jsonl").open())
    assert len(lines("reversed")) == len(lines("calm")), "the order of inputs must not change what is found"


def killed_anywhere_gives_the_same(home):
    inputs = province(home, numbers=2000, hours=3)
    replay(home / "calm", *inputs)
    expected = digest(home / "calm/alerts.jsonl")
    for step in range(6):
        child = subprocess.Popen([PANDUN, "replay", "--out", home / "killed", *inputs], stdout=subprocess.DEVNULL, env=environment())
        time.sleep(0.02 + 0.06 * step)
        child.send_signal(signal.SIGKILL)
        child.wait()
        if (home / "killed/alerts.jsonl").exists():
            assert digest(home / "killed/alerts.jsonl") == expected, "what stands there is whole"
    replay(home / "killed", *inputs)
    assert digest(home / "killed/alerts.jsonl") == expected


def masked_by_default(home):
    inputs = province(home, numbers=2000, hours=3)
    replay(home / "masked", *inputs)
    replay(home / "clear", *inputs, flags=("--identities", "clear"))
    replay(home / "token", *inputs, flags=("--identities", "token"))
    clear = [json.loads(line) for line in (home / "clear/alerts.jsonl").open()]
    numbers = {a["entity"]["value"].lstrip("+") for a in clear if a["entity"]["kind"] == "number"}
    numbers = {n for n in numbers if len(n) >= 11}
    assert numbers, "there are alerts about numbers"
    for form in ("masked", "token"):
        for name in ("alerts.jsonl", "incidents.jsonl", "rejects.jsonl", "summary.json"):
            text = (home / form / name).read_text()
            shown = [n for n in numbers if n in text]
            assert not shown, f"{form}/{name} shows {len(shown)} numbers in clear"
    assert [json.loads(l)["id"] for l in (home / "masked/alerts.jsonl").open()] == [a["id"] for a in clear], "ids do not depend on the form"


GOOD = "time,caller,callee,duration_s,answered\n" + "".join(
    f"2026-03-02T02:{i // 60:02}:{i % 60:02}Z,+8613800000001,+86139{i:08},5,1\n" for i in range(50))


def write(home, name, content):
    path = home / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def bad_input_is_counted_and_explained(home):
    rejects = lambda out: [json.loads(line) for line in (home / out / "rejects.jsonl").open()]
    # name, content, events expected, reasons expected (at least)
    line = "2026-03-02T03:00:00Z,+8613800000001,+8613900000001,5,1\n"
    cases = [
        ("truncated.csv", GOOD + "2026-03-02T03:00:0", 50, {"field_count"}),
        ("binary.csv", GOOD.encode() + bytes(range(256)) * 40 + b"\n" + line.encode(), 51, set()),
        ("mixed.csv", GOOD.encode() + "2026-03-02T03:00:01Z,+8613800000001,用户\xff,5,1\n".encode("latin-1", "replace") + line.encode(), None, set()),
        ("future.csv", GOOD + "2199-01-01T00:00:00Z,+8613800000001,+8613900000001,5,1\n", 50, {"future_time"}),
        ("bad_time.csv", GOOD + "yesterday,+8613800000001,+8613900000001,5,1\n" + line, 51, {"bad_time"}),
        ("no_zone.csv", GOOD + "2026-03-02 03:00:00,+8613800000001,+8613900000001,5,1\n" + line, 51, set()),
        ("fields.csv", GOOD + "1,2\n" + line, 51, {"field_count"}),
        ("empty_field.csv", GOOD + "2026-03-02T03:00:00Z,+8613800000001,,5,1\n", 50, {"missing_field"}),
        ("duplicates.csv", GOOD + GOOD.split("\n", 1)[1], 100, set()),
        ("crlf.csv", GOOD.replace("\n", "\r\n"), 50, set()),
        ("bom.csv", b"\xef\xbb\xbf" + GOOD.encode(), 50, set()),
        ("long.csv", GOOD.encode() + b"x" * 100_000_000 + b"\n" + line.encode(), 51, {"too_long"}),
        ("order.csv", GOOD.split("\n", 1)[0] + "\n" + "\n".join(reversed(GOOD.strip().split("\n")[1:])) + "\n", 50, set()),
        ("empty.csv", "", None, set()),
        ("header_only.csv", "time,caller,callee\n", 0, set()),
    ]
    for name, content, events, reasons in cases:
        path = write(home, name, content)
        out = name.replace(".", "_")
        done = run("replay", "--out", home / out, f"calls:{path}", expect=None)
        assert done.returncode in (0, 4), f"{name}: exit {done.returncode}: {done.stderr}"
        if done.returncode == 4:
            assert name in done.stderr or "header" in done.stderr, f"{name}: the error says where: {done.stderr}"
            assert events is None, f"{name}: refused: {done.stderr}"
            continue
        summary = json.loads((home / out / "summary.json").read_text())
        total = sum(summary["events"].values())
        if events is not None:
            assert total == events, f"{name}: {total} events, expected {events}; {rejects(out)[:3]}"
        seen = {r["reason"] for r in rejects(out)}
        assert reasons <= seen, f"{name}: reasons {seen}, expected {reasons}"
        assert summary["rejected"] == len(rejects(out)), name
        assert all(len(r["excerpt"]) <= 400 and "13800000001" not in json.dumps(r) for r in rejects(out)), f"{name}: excerpts are short and masked"


def wrong_header_and_wrong_kind_are_refused(home):
    for name, content in (("header.csv", "when,who,whom\n1,2,3\n"), ("zeek.csv", "#separator \\x09\n#path\tconn\n#fields\tts\n1\n")):
        done = run("replay", "--out", home / "out", f"calls:{write(home, name, content)}", expect=4)
        assert name in done.stderr, done.stderr
    run("replay", "--out", home / "out", "nonsense:file", expect=2)
    run("replay", "--out", home / "out", f"calls:{home}/absent.csv", expect=None)
    assert not (home / "out/alerts.jsonl").exists()


def gzip_stdin_and_torn_gzip(home):
    plain = replay(home / "plain", f"calls:{write(home, 'day.csv', GOOD)}")
    packed = replay(home / "gz", f"calls:{write(home, 'day.csv.gz', gzip.compress(GOOD.encode()))}")
    assert packed["events"] == plain["events"] == {"call": 50}
    done = subprocess.run([PANDUN, "replay", "--out", home / "stdin", "calls:-"], input=GOOD, text=True, capture_output=True, env=environment())
    assert done.returncode == 0 and json.loads((home / "stdin/summary.json").read_text())["events"] == {"call": 50}, done.stderr
    torn = gzip.compress((GOOD * 200).encode())[:-300]
    done = run("replay", "--out", home / "torn", f"calls:{write(home, 'torn.csv.gz', torn)}", expect=None)
    assert done.returncode in (0, 4)
    if done.returncode == 0:
        assert json.loads((home / "torn/summary.json").read_text())["rejected"] > 0


def errors_keep_their_exit_codes(home):
    bad = write(home, "bad.toml", "[server]\nlissten = 1\n")
    done = run("check", "--config", bad, expect=3)
    assert "bad.toml:2" in done.stderr and "server.listen" in done.stderr, done.stderr
    run("replay", expect=2)
    run("nothing", expect=2)
    run("check", expect=0)
    full = "/dev/full"
    if os.path.exists(full):
        os.symlink("/dev/full", home / "rejects.jsonl.new")
        done = run("replay", "--out", home, f"calls:{write(home, 'x.csv', GOOD + 'bad line' + chr(10))}", expect=6)
        assert "rejects.jsonl" in done.stderr


if __name__ == "__main__":
    sys.exit(main(same_alerts_in_every_weather, killed_anywhere_gives_the_same, masked_by_default, bad_input_is_counted_and_explained,
                  wrong_header_and_wrong_kind_are_refused, gzip_stdin_and_torn_gzip, errors_keep_their_exit_codes))
