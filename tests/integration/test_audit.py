"""The audit log of a running edge: what it holds, that tampering shows, and that a restart gives nobody new tries."""

import csv
import io
import json
import math
import sqlite3
import time

import pytest



@pytest.fixture
def admin(new_cli):
    """Runs `admin audit …` on the data folder of an edge."""
    home = new_cli()

    def run(edge, *arguments):
        return home.run("admin", "audit", *arguments, "--data", edge.data)

    return run


def events(admin, edge, *arguments):
    done = admin(edge, "ls", "--json", *arguments)
    assert done.returncode == 0, done
    return json.loads(done.stdout)["events"]


def wait_for(admin, edge, action, count=1):
    """Refusals are written within a second."""
    end = time.monotonic() + 15
    while True:
        found = events(admin, edge, "--action", action)
        if len(found) >= count or time.monotonic() > end:
            assert len(found) >= count, f"no {action}: {events(admin, edge)}"
            return found
        time.sleep(0.1)


def test_what_people_and_keys_do_is_on_record_while_the_edge_runs(admin, new_edge, new_cli):
    edge = new_edge().start()
    account = edge.register()
    made = edge.call("POST", "/v1/auth/keys", {"name": "ci", "permissions": ["tunnels:read"]}, account.key).json()
    edge.call("DELETE", f"/v1/auth/keys/{made['id']}", key=account.key)
    assert edge.call("POST", "/v1/auth/login", {"email": account.email, "password": "wrong password 1"}).status == 401
    cli = new_cli(edge)
    refused = cli.run("3000", "--subdomain", "demo", *cli.server(), "--json", INSTATUNNEL_API_KEY="it_nosuchkey0000000")
    assert refused.returncode == 3

    created = events(admin, edge, "--action", "key.created", "--account", account.email)
    assert [(e["target"], e["result"], e["actor_kind"], e["address"]) for e in created] == [(made["id"], "ok", "key", "127.0.0.1")]
    assert created[0]["detail"]["name"] == "ci"
    assert events(admin, edge, "--action", "key.revoked")[0]["target"] == made["id"]
    failed = wait_for(admin, edge, "login.failed")
    assert (failed[0]["target"], failed[0]["result"], failed[0]["detail"]) == (account.email, "refused", {"why": "wrong_password"})
    assert wait_for(admin, edge, "tunnel.refused")[0]["detail"]["why"] == "invalid_key"
    started = events(admin, edge, "--action", "service")
    assert [e["action"] for e in started] == ["service.started"] and started[0]["detail"]["version"]

    text = admin(edge, "ls", "--action", "key").stdout.splitlines()
    assert len(text) == 2 and "key.created  ok  key:" in text[0] and made["id"] in text[0]
    assert len(events(admin, edge, "--limit", "1")) == 1
    by_actor = events(admin, edge, "--actor", account.email)
    assert {e["action"] for e in by_actor} == {"account.registered", "key.created", "key.revoked"}
    own = edge.call("GET", "/v1/account/audit", key=account.key).json()["events"]
    assert {e["action"] for e in own} >= {"account.registered", "key.created", "key.revoked", "login.failed"}
    edge.stop()
    assert [e["action"] for e in events(admin, edge, "--action", "service")] == ["service.started", "service.stopped"]


def test_admin_commands_are_on_record_with_who_ran_them(admin, new_edge, new_cli):
    edge = new_edge().start()
    added = new_cli().run("admin", "user", "add", "ann@example.com", "--password-stdin", "--data", edge.data, input="correct horse staple")
    assert added.returncode == 0, added
    found = events(admin, edge, "--action", "account.registered", "--account", "ann@example.com")
    assert len(found) == 1 and found[0]["actor_kind"] == "admin" and found[0]["actor"]
    assert admin(edge, "verify").returncode == 0


def test_verify_finds_where_somebody_changed_the_database(admin, new_edge):
    edge = new_edge().start()
    account = edge.register()
    for i in range(5):
        edge.call("POST", "/v1/auth/keys", {"name": f"k{i}", "permissions": ["tunnels:read"]}, account.key)
    assert admin(edge, "verify").returncode == 0
    edge.stop()
    whole = admin(edge, "verify", "--json")
    verdict = json.loads(whole.stdout)
    assert whole.returncode == 0 and verdict["whole"] and verdict["records"] == verdict["last"]
    assert admin(edge, "verify", "--noted", verdict["noted"]).returncode == 0

    database = edge.data / "instatunnel.db"
    before = database.read_bytes()
    changes = [
        ("UPDATE audit SET target = 'key_other' WHERE seq = 4", 4),
        ("DELETE FROM audit WHERE seq = 3", 3),
        (f"DELETE FROM audit WHERE seq = {verdict['last']}", verdict["last"]),
        ("DELETE FROM audit WHERE seq = 1", 1),
    ]
    for change, where in changes:
        with sqlite3.connect(database) as db:
            for trigger in ("audit_is_never_changed", "audit_is_cut_at_the_anchor_only"):
                db.execute(f"DROP TRIGGER {trigger}")
            db.execute(change)
        db.close()
        done = admin(edge, "verify", "--json")
        found = json.loads(done.stdout)
        assert done.returncode == 1 and not found["whole"] and found["broken_at"] == where, (change, done)
        told = admin(edge, "verify")
        assert told.returncode == 1 and "not whole" in told.stdout and str(where) in told.stdout
        for leftover in edge.data.glob("instatunnel.db-*"):
            leftover.unlink()
        database.write_bytes(before)
    assert admin(edge, "verify").returncode == 0


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_the_eleventh_wrong_password_is_refused_after_a_restart_too(new_edge, end):
    edge = new_edge().start()
    account = edge.register()
    begun = time.monotonic()
    accepted = 0

    def tries(count):
        refused = 0
        nonlocal accepted
        for _ in range(count):
            status = edge.call("POST", "/v1/auth/login", {"email": account.email, "password": "not this password"}).status
            assert status in (401, 429)
            accepted += status == 401
            refused += status == 429
        return refused

    tries(10)
    if end == "kill":
        edge.process.kill()
    else:
        edge.stop()
    edge.start()
    refused = tries(10)
    # One more try comes back every six seconds; a restart must give nothing beyond that.
    assert accepted <= 10 + math.ceil((time.monotonic() - begun) / 6)
    assert refused > 0


def test_exports_are_whole_and_safe_for_a_spreadsheet(admin, new_edge):
    edge = new_edge().start()
    account = edge.register()
    hostile = ["=1+2", "@SUM(A1)", "-2+3", "+cmd|' /C calc'!A0", 'a,"b";c', "ünïcödé ☃"]
    for name in hostile:
        assert edge.call("POST", "/v1/auth/keys", {"name": name, "permissions": ["tunnels:read"]}, account.key).status == 201
    assert edge.call("DELETE", "/v1/auth/keys/=HYPERLINK(1)", key=account.key).status == 404
    edge.stop()
    plain = admin(edge, "export", "--json")
    objects = [json.loads(line) for line in plain.stdout.splitlines()]
    assert [o["detail"]["name"] for o in objects if o["action"] == "key.created"] == hostile
    assert [o["seq"] for o in objects] == list(range(1, len(objects) + 1))
    done = admin(edge, "export", "--csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert done.returncode == 0 and len(rows) == len(objects)
    for row, o in zip(rows, objects):
        assert row["hash"] == o["hash"] and row["action"] == o["action"]
        assert not any(value[:1] in "=+-@\t\r" for value in row.values() if value)
    assert json.loads(rows[-2]["detail"])["name"] == hostile[-1]
    some = admin(edge, "export", "--json", "--action", "account", "--since", "1h").stdout.splitlines()
    assert len(some) == 2
    for wrong in [["export"], ["export", "--csv", "--json"], ["export", "--csv", "--since", "x"], ["ls", "--limit", "0"], ["ls", "--since", "0d"]]:
        assert admin(edge, *wrong).returncode == 2, wrong
    assert admin(edge, "ls", "--account", "nobody@example.com").returncode == 6


def test_a_folder_without_data_is_told(new_cli, folder):
    for command in (["ls"], ["verify"], ["export", "--csv"]):
        done = new_cli().run("admin", "audit", *command, "--data", folder / "nothing")
        assert done.returncode == 1 and "There is no data of an edge" in done.stderr, done
    assert not (folder / "nothing").exists()


def test_two_processes_write_one_log(admin, new_edge, new_cli):
    edge = new_edge().start()
    account = edge.register()
    home = new_cli()
    for i in range(5):
        assert edge.call("POST", "/v1/auth/keys", {"name": f"k{i}", "permissions": ["tunnels:read"]}, account.key).status == 201
        done = home.run("admin", "user", "add", f"u{i}@example.com", "--data", edge.data)
        assert done.returncode == 0, done
    assert admin(edge, "verify").returncode == 0
    edge.process.kill()
    assert admin(edge, "verify").returncode == 0
    edge.start()
    edge.stop()
    assert admin(edge, "verify").returncode == 0
