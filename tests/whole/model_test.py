#!/usr/bin/env python3
"""From a recording to a model that speaks: rows out of replay, training, two people, and the champion scoring the next day."""
import csv
import json
import shutil
import sys

from pandun import Client, Server, replay, run, scratch, wait_until

MANIFEST = "".join(f'{key} = "made by the simulator"\n' for key in
                   ("name", "provenance", "licence", "purpose", "consent", "deidentification", "impact_assessment"))


def day(home, name, seed):
    run("simulate", "--out", home / name, "--numbers", "8000", "--hours", "24", "--seed", str(seed))
    fraud = set()
    for line in (home / name / "truth.jsonl").open():
        truth = json.loads(line)
        if truth["kind"] != "benign" and truth["entity"]["kind"] == "number":
            fraud.add(truth["entity"]["value"])
    return [f"calls:{home / name / 'calls.csv'}", f"messages:{home / name / 'messages.csv'}"], fraud


def live(home, inputs, first):
    """A running platform takes what the shelf says, from a position that it writes down; after kill -9 each event meets the same models again."""
    config = home / "live.toml"
    config.write_text(f'[models]\ndirectory = "{home / "shelf"}"\nthreshold = "balanced"\n'
                      + "".join(f'[[source]]\nkind = "{kind}"\npath = "{path}"\n' for kind, path in (each.split(":", 1) for each in inputs)))
    run("learn", "train", home / "labelled.csv", "--group", "number", "--ignore", "time", "--manifest", home / "m.toml", "--folds", "3",
        "--inner-folds", "3", "--rounds", "40", "--eta", "0.2", "--out", home / "shelf", "--by", "li")
    history = home / "live" / "model-history"
    server = Server(home / "live", config=config)
    wait_until(lambda: server.metric("pandun_engine_lag_events") == 0 and server.metric("pandun_model_looks_total") > 100, "the first champion looks")
    assert len(history.read_text().splitlines()) == 1 and history.read_text().startswith("0 champion:1:")
    # From here on by people who signed in: who proposed does not decide, whatever their roles; a second proposal waits for the first.
    admin = Client(server.url)
    admin.sign_in("admin", server.password, "a new long password 1")

    def person(name, *roles):
        made = admin.call("POST", "/api/v1/users", {"username": name, "display_name": name, "roles": list(roles)}, expect=201)
        client = Client(server.url)
        client.sign_in(name, made["initial_password"], "another long password 2")
        return client

    anna, both, boss = person("anna", "analyst"), person("both", "analyst", "approver"), person("boss", "approver")
    why = {"reason": "tried on the second day"}
    step = lambda who, path, body, status: who.call("POST", f"/api/v1/models/{path}", {**why, **body}, expect=status)
    assert [m["state"] for m in anna.call("GET", "/api/v1/models", expect=200)["items"]] == ["draft", "champion"]
    step(boss, "shadow", {"batch": 2}, 403)
    step(anna, "proposal", {"action": "champion", "batch": 2}, 409)  # a draft has not been tried
    step(anna, "shadow", {"batch": 2}, 200)
    wait_until(lambda: "shadow:2:" in history.read_text(), "the shadow is taken up without a restart", 20)
    waiting = step(both, "proposal", {"action": "champion", "batch": 2}, 200)["waiting"]
    assert waiting["by"] == "both" and waiting["batch"] == 2, waiting
    step(anna, "proposal", {"action": "retire", "batch": 1}, 409)
    step(both, "proposal/approve", {}, 403)
    step(anna, "proposal/approve", {}, 403)
    assert anna.call("GET", "/api/v1/models")["items"][0]["state"] == "shadow"
    shelf = step(boss, "proposal/approve", {}, 200)
    assert shelf["waiting"] is None and shelf["items"][0]["approved_by"] == "boss", shelf
    step(boss, "proposal/approve", {}, 404)
    wait_until(lambda: "champion:2:" in history.read_text(), "so is the new champion", 20)
    step(anna, "proposal", {"action": "roll_back"}, 200)
    step(boss, "proposal/refuse", {}, 200)
    step(anna, "proposal", {"action": "roll_back"}, 200)
    assert [m["state"] for m in step(boss, "proposal/approve", {}, 200)["items"]] == ["retired", "champion"]
    wait_until(lambda: history.read_text().splitlines()[-1].split(" ")[1].startswith("champion:1:"), "and the roll-back", 20)
    positions = [int(line.split()[0]) for line in history.read_text().splitlines()]
    assert len(positions) == 4 and positions == sorted(positions) and positions[1] > 1000, positions
    # Who let each of them speak stands in the audit chain, and so does who tried to alone.
    audit = lambda: sorted(admin.call("GET", "/api/v1/audit?limit=200")["items"], key=lambda row: row["seq"])
    in_force = lambda: [(row["object"], row["detail"]["state"], row["detail"]["approved_by"]) for row in audit() if row["action"] == "model.in_force"]
    wait_until(lambda: in_force()[-1] == ("model:batch-000001", "champion", "boss"), "the roll-back is written down", 10)
    rows, told = audit(), in_force()
    assert told[0] == ("model:batch-000001", "champion", "wang") and ("model:batch-000002", "shadow", "") in told, told
    assert ("model:batch-000002", "champion", "boss") in told, told
    steps = [(row["actor"], row["action"]) for row in rows if row["action"].startswith("model.") and row["action"] != "model.in_force"]
    assert steps == [("anna", "model.shadow"), ("both", "model.propose"), ("both", "model.decide.refused"), ("boss", "model.approve"),
                     ("anna", "model.propose"), ("boss", "model.refuse"), ("anna", "model.propose"), ("boss", "model.approve")], steps
    before = history.read_text()
    server.kill()
    again = Server(home / "live", config=config)
    wait_until(lambda: again.metric("pandun_engine_lag_events") == 0, "caught up again")
    assert history.read_text() == before
    again.stop()


def main():
    home = scratch()
    inputs, fraud = day(home, "first", 21)
    replay(home / "out", *inputs, flags=["--identities", "clear", "--features", home / "rows.csv"])
    rows = list(csv.DictReader((home / "rows.csv").open()))
    assert len(rows) > 300 and len({row["id"] for row in rows}) == len(rows), len(rows)
    labels = [int(row["number"] in fraud) for row in rows]
    assert 20 < sum(labels) < len(rows) / 2, sum(labels)
    with (home / "labelled.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([*rows[0], "fraud"])
        for row, label in zip(rows, labels):
            writer.writerow([*row.values(), label])

    # Rows are the same whoever is shown, and by token where nobody asked for clear numbers; several shards cannot order them.
    replay(home / "masked", *inputs, flags=["--features", home / "masked.csv"])
    masked = list(csv.DictReader((home / "masked.csv").open()))
    assert [list(row.values())[2:] for row in masked] == [list(row.values())[2:] for row in rows]
    assert not any(row["number"].startswith("+") for row in masked)
    refused = run("replay", "--out", home / "x", "--shards", "2", "--features", home / "x.csv", *inputs, expect=2)
    assert "--shards 1" in refused.stderr, refused.stderr

    (home / "m.toml").write_text(MANIFEST)
    trained = json.loads(run("learn", "train", home / "labelled.csv", "--group", "number", "--ignore", "time", "--manifest", home / "m.toml",
                             "--folds", "3", "--inner-folds", "3", "--rounds", "80", "--eta", "0.2", "--out", home / "shelf", "--by", "li", "--json").stdout)
    assert trained["mean_auc"] > 0.95, trained["mean_auc"]

    # A draft does not speak, a shadow neither; the champion does, about planted numbers of a day it never saw.
    config = home / "c.toml"
    config.write_text(f'[models]\ndirectory = "{home / "shelf"}"\nthreshold = "balanced"\n')
    inputs, fraud = day(home, "second", 22)

    def spoken():
        replay(home / "next", *inputs, flags=["--config", config, "--identities", "clear"])
        alerts = [json.loads(line) for line in (home / "next" / "alerts.jsonl").open()]
        return [alert for alert in alerts if alert["detector"] == "model_score"]

    batch = home / "shelf" / "batch-000001"
    assert spoken() == []
    run("learn", "promote", batch, "--to", "shadow", "--by", "li")
    assert spoken() == []
    run("learn", "promote", batch, "--to", "champion", "--by", "li", "--approved-by", "wang")
    alerts = spoken()
    right = [alert for alert in alerts if alert["entity"]["value"] in fraud]
    assert len(right) >= 20 and len(right) >= 0.8 * len(alerts), (len(right), len(alerts))
    assert all(alert["severity"] <= 65 and alert["evidence"][0]["feature"] == "model_score" for alert in alerts)

    live(home, inputs, batch)

    # Another file in its place, or a model of other columns, never scores: the start says so.
    model = batch / "model.pandun"
    whole = model.read_bytes()
    model.write_bytes(whole.replace(b"0.", b"1.", 1))
    changed = run("replay", "--out", home / "next", "--config", config, *inputs, expect=None)
    assert changed.returncode != 0 and "model" in changed.stderr, (changed.returncode, changed.stderr)
    model.write_bytes(whole)
    spoken()
    shutil.rmtree(home)


if __name__ == "__main__":
    sys.exit(main())
