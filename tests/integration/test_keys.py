"""Keys of an account: the commands, rotation, and the end of a key as open tunnels see it."""

import json
import re
import secrets
import sqlite3
import time
from datetime import datetime, timedelta, timezone

import pytest
from edge import Account
from process import wait_until

CUT = 2  # seconds within which a dead key's tunnels end


@pytest.fixture
def account(edge):
    return edge.register()


@pytest.fixture
def own(new_cli, edge, account):
    """The program, signed in."""
    cli = new_cli(edge)
    done = cli.run("login", "-e", account.email, "--password-stdin", *cli.server(), input=account.password)
    assert done.returncode == 0, done
    return cli


def create(edge, key, permissions=("tunnels:*",), **more):
    reply = edge.call("POST", "/v1/auth/keys", {"name": "made", "permissions": list(permissions), **more}, key)
    assert reply.status == 201, reply
    return reply.json()


def stored(cli):
    return json.loads(cli.config_file.read_text())["profiles"]["default"]


def ends_with(tunnel, code, started, limit=CUT):
    """The client ends with exit code 3 and says why, in time."""
    assert tunnel.process.wait(limit + 5) == 3, tunnel.process.report()
    took = time.monotonic() - started
    assert tunnel.process.events("error")[-1]["code"] == code
    assert took < limit + 1, took
    return took


def in_seconds(seconds):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- commands


def test_the_whole_life_of_a_key_on_the_command_line(own, edge):
    made = own.run("auth", "keys", "create", "--name", "CI", "--scope", "tunnels:write", "--scope", "tunnels:read", "--expires", "30d")
    assert made.returncode == 0, made
    key = made.stdout.strip()
    assert re.fullmatch(r"it_[A-Za-z0-9]{16}", key), "the key alone is on stdout"
    assert key not in made.stderr
    listed = own.run("auth", "keys", "ls")
    assert listed.returncode == 0 and key not in listed.stdout and f"it_***...{key[-3:]}" in listed.stdout
    lines = listed.stdout.splitlines()
    assert lines[0].split()[:3] == ["ID", "NAME", "KEY"] and len(lines) == 4
    rows = json.loads(own.run("auth", "keys", "ls", "--json").stdout)["keys"]
    ci = next(r for r in rows if r["name"] == "CI")
    assert ci["permissions"] == ["tunnels:write", "tunnels:read"] and ci["last_used"] is None and ci["expires_at"]

    assert edge.call("GET", "/v1/tunnels", key=key).status == 200
    shown = own.run("auth", "keys", "show", ci["id"])
    assert shown.returncode == 0 and "Last used: 20" in shown.stdout and "Never" not in shown.stdout
    assert own.run("auth", "keys", "rename", ci["id"], "Production").returncode == 0
    assert "Production" in own.run("auth", "keys", "show", ci["id"]).stdout
    assert own.run("auth", "keys", "revoke", ci["id"]).returncode == 0
    assert edge.call("GET", "/v1/tunnels", key=key).json()["reason"] == "revoked_key"
    for words in (["show", ci["id"]], ["revoke", ci["id"]], ["rename", ci["id"], "x"]):
        gone = own.run("auth", "keys", *words)
        assert gone.returncode == 6 and ci["id"] in gone.stderr, gone


def test_exit_codes_of_the_key_commands(own, edge, account):
    weak = create(edge, account.key, ["tunnels:read"])["key"]
    manager = create(edge, account.key, ["keys:manage"])["key"]
    for words in (["ls"], ["show", "key_x"], ["revoke", "key_x", "--yes"], ["rotate"], ["create", "--name", "x", "--scope", "tunnels:read"]):
        done = own.run("auth", "keys", *words, INSTATUNNEL_API_KEY=weak)
        assert done.returncode == 4 and "keys:manage" in done.stderr, done
        assert own.run("auth", "keys", *words, INSTATUNNEL_API_KEY="it_doesnotexist00xyz").returncode == 3
        assert own.run("auth", "keys", *words, "--server", "https://api.localhost:1").returncode == 5
    more = own.run("auth", "keys", "create", "--name", "x", "--scope", "tunnels:write", INSTATUNNEL_API_KEY=manager)
    assert more.returncode == 4 and "tunnels:write" in more.stderr
    for words in (["create", "--name", "x"], ["create", "--scope", "tunnels:read"], ["create", "--name", "x", "--scope", "no:such"],
                  ["create", "--name", "x", "--scope", "tunnels:read", "--expires", "yesterday"], ["rotate", "--grace", "31d"], []):
        assert own.run("auth", "keys", *words).returncode == 2, words


def test_rotating_the_stored_key_stores_the_new_one(own, edge):
    before = stored(own)
    done = own.run("auth", "keys", "rotate")
    assert done.returncode == 0, done
    after = stored(own)
    assert after["key"] != before["key"] and after["key_id"] != before["key_id"]
    assert after["key"] not in done.stdout + done.stderr
    assert {**after, "key": "", "key_id": ""} == {**before, "key": "", "key_id": ""}
    assert edge.call("GET", "/v1/auth/user", key=before["key"]).json()["reason"] == "revoked_key"
    assert own.run("auth", "status").returncode == 0
    assert own.run("logout").returncode == 0
    assert edge.call("GET", "/v1/auth/user", key=after["key"]).status == 401, "logout revokes the successor too"


def test_rotating_a_key_from_the_environment_prints_the_new_one(own, edge, account):
    mine = create(edge, account.key, ["keys:manage", "tunnels:read"])
    kept = stored(own)
    done = own.run("auth", "keys", "rotate", "--grace", "1h", INSTATUNNEL_API_KEY=mine["key"])
    assert done.returncode == 0, done
    new = done.stdout.strip()
    assert edge.call("GET", "/v1/auth/user", key=new).json()["permissions"] == ["keys:manage", "tunnels:read"]
    assert edge.call("GET", "/v1/auth/user", key=mine["key"]).status == 200, "in its grace"
    assert stored(own) == kept
    again = own.run("auth", "keys", "rotate", mine["id"])
    assert again.returncode == 6 and "rotated before" in again.stderr, again


# --- the end of a key


def test_revocation_ends_open_tunnels_with_the_reason(edge, account, tunnel, app):
    made = create(edge, account.key)
    other = tunnel(app.port, key=account.key)
    cut = tunnel(app.port, key=made["key"])
    assert cut.answers()
    started = time.monotonic()
    assert edge.call("DELETE", f"/v1/auth/keys/{made['id']}", key=account.key).status == 204
    ends_with(cut, "revoked_key", started)
    assert other.answers() and other.process.running()


def test_logout_ends_open_tunnels_of_that_key(edge, account, tunnel, app):
    made = create(edge, account.key)
    cut = tunnel(app.port, key=made["key"])
    started = time.monotonic()
    assert edge.call("POST", "/v1/auth/logout", key=made["key"]).status == 204
    ends_with(cut, "revoked_key", started)


def test_rotation_ends_open_tunnels_at_once_or_after_the_grace(edge, account, tunnel, app):
    at_once, later = create(edge, account.key), create(edge, account.key)
    cut, graced = tunnel(app.port, key=at_once["key"]), tunnel(app.port, key=later["key"])
    started = time.monotonic()
    assert edge.call("POST", f"/v1/auth/keys/{at_once['id']}/rotate", {}, account.key).status == 201
    ends_with(cut, "revoked_key", started)
    started = time.monotonic()
    rotated = edge.call("POST", f"/v1/auth/keys/{later['id']}/rotate", {"grace_seconds": 3}, account.key)
    assert rotated.status == 201
    assert graced.answers()
    assert ends_with(graced, "expired_key", started, limit=3 + CUT) > 2
    assert tunnel(app.port, key=rotated.json()["key"]).answers()


def test_expiry_ends_open_tunnels_when_the_time_comes(edge, account, tunnel, app):
    made = create(edge, account.key, expires_at=in_seconds(4))
    cut = tunnel(app.port, key=made["key"])
    assert cut.answers()
    end = datetime.fromisoformat(made["expires_at"].replace("Z", "+00:00")).timestamp()
    assert cut.process.wait(10) == 3
    assert end - 0.5 < time.time() < end + CUT + 1
    assert cut.process.events("error")[-1]["code"] == "expired_key"
    assert edge.call("GET", "/v1/auth/user", key=made["key"]).json()["reason"] == "expired_key"


def test_a_key_that_another_process_revokes_is_dead_within_two_seconds(edge, account, tunnel, app, new_cli):
    made = create(edge, account.key)
    cut = tunnel(app.port, key=made["key"])
    assert edge.call("GET", "/v1/tunnels", key=made["key"]).status == 200, "and is remembered as good"
    started = time.monotonic()
    done = new_cli(edge).run("admin", "key", "revoke", made["id"], "--data", edge.data)
    assert done.returncode == 0, done
    ends_with(cut, "revoked_key", started)
    assert edge.call("GET", "/v1/tunnels", key=made["key"]).json()["reason"] == "revoked_key"


# --- the owner's commands


def test_admin_key_lists_creates_and_revokes_while_the_edge_runs(edge, account, new_cli):
    admin = new_cli(edge)

    def run(*words):
        return admin.run("admin", "key", *words, "--data", edge.data)

    made = run("create", account.email.upper(), "--name", "by the owner", "--scope", "tunnels:read", "--expires", "1d", "--json")
    assert made.returncode == 0, made
    key = json.loads(made.stdout)
    assert edge.call("GET", "/v1/tunnels", key=key["key"]).status == 200
    assert edge.call("GET", "/v1/auth/user", key=key["key"]).json()["permissions"] == ["tunnels:read"]
    listed = json.loads(run("ls", account.email, "--json").stdout)["keys"]
    assert {k["id"] for k in listed} >= {key["id"]} and all(k["email"] == account.email for k in listed)
    assert key["key"] not in json.dumps(listed)
    everybody = json.loads(run("ls", "--json").stdout)["keys"]
    assert len(everybody) > len(listed)
    assert account.email in run("ls").stdout
    plain = run("create", account.email, "--name", "plain", "--scope", "tunnels:*")
    assert re.fullmatch(r"it_[A-Za-z0-9]{16}\n", plain.stdout)
    assert run("revoke", key["id"]).returncode == 0
    wait_until(lambda: edge.call("GET", "/v1/tunnels", key=key["key"]).status == 401, 5, "refusal of the revoked key")
    assert run("revoke", key["id"]).returncode == 6
    assert run("ls", "nobody@example.com").returncode == 6
    assert run("create", "nobody@example.com", "--name", "x", "--scope", "tunnels:read").returncode == 6
    assert run("create", account.email, "--name", "x", "--scope", "no:such").returncode == 2


def test_no_key_is_in_the_database(edge, account):
    made = create(edge, account.key)
    rotated = edge.call("POST", f"/v1/auth/keys/{made['id']}/rotate", {"grace_seconds": 60}, account.key).json()
    with sqlite3.connect(f"file:{edge.data / 'instatunnel.db'}?mode=ro", uri=True) as db:
        dump = "\n".join(db.iterdump())
    for key in (account.key, made["key"], rotated["key"]):
        assert key not in dump and key[3:] not in dump
    for file in edge.data.iterdir():
        if file.name.startswith("instatunnel.db"):
            assert rotated["key"].encode() not in file.read_bytes()


def test_keys_of_one_account_are_none_of_anothers_business(edge, account):
    stranger = edge.register(f"stranger-{secrets.token_hex(4)}@example.com")
    assert isinstance(stranger, Account)
    mine = create(edge, account.key)
    for method, path, body in (("GET", "", None), ("PATCH", "", {"name": "x"}), ("DELETE", "", None), ("POST", "/rotate", {})):
        assert edge.call(method, f"/v1/auth/keys/{mine['id']}{path}", body, stranger.key).status == 404
    assert edge.call("GET", "/v1/tunnels", key=mine["key"]).status == 200
