"""Who may make an account, invitations, passwords that are refused, and accounts looked after from the service's own machine."""

import json
import time

import pytest

from edge import Cli, Edge, Tunnel


@pytest.fixture
def edge_with(new_edge):
    def make(*flags):
        return new_edge(["--dev", *flags]).start()

    return make


def admin(edge, folder, *arguments, **options):
    return Cli(edge.binary, folder / "admin", edge).run("admin", *arguments, "--data", edge.data, **options)


def admin_json(edge, folder, *arguments, **options):
    done = admin(edge, folder, *arguments, "--json", **options)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def register(edge, email, **more):
    return edge.call("POST", "/v1/auth/register", {"email": email, "password": "correct horse 42", **more})


def test_a_closed_edge_names_the_way_to_an_account_on_both_paths(edge_with, folder):
    edge = edge_with("--sign-up", "closed")
    assert edge.call("GET", "/v1/meta").json()["sign_up"] == "closed"
    code = admin_json(edge, folder, "invite")["code"]
    for path, body in (("/v1/auth/register", {"email": "a@example.com", "password": "correct horse 42", "invite": code}),
                       ("/auth/register", {"email": "a@example.com"})):
        reply = edge.call("POST", path, body)
        assert reply.status == 403 and "instatunnel admin user add" in reply.json()["message"], reply


def test_an_edge_by_invitation(edge_with, folder):
    edge = edge_with("--sign-up", "invite")
    for invite in ({}, {"invite": "inv_wrong"}, {"invite": ""}):
        reply = register(edge, "a@example.com", **invite)
        assert (reply.status, reply.json()["field"]) == (422, "invite"), reply
    made = admin_json(edge, folder, "invite", "--plan", "business", "--credit", "10", "--uses", "1")
    reply = register(edge, "a@example.com", invite=made["code"])
    assert reply.status == 201 and reply.json()["plan"] == "business"
    assert register(edge, "b@example.com", invite=made["code"]).json()["field"] == "invite"
    user = edge.call("GET", "/v1/auth/user", key=reply.json()["api_key"]).json()
    assert user["credit"] == 10 and user["email_verified"] is False

    other = admin_json(edge, folder, "invite", "--inviter", "a@example.com", "--inviter-credit", "7")
    assert [i["id"] for i in admin_json(edge, folder, "invite", "ls")["invites"]] == [made["id"], other["id"]]
    assert register(edge, "a+again@example.com", invite=other["code"]).status == 422
    assert register(edge, "c@example.com", invite=other["code"]).status == 201
    shown = admin_json(edge, folder, "user", "show", "a@example.com")
    assert (shown["credit"], shown["invited"], shown["invited_by"]) == (17, ["c@example.com"], "")
    assert admin_json(edge, folder, "user", "show", "c@example.com")["invited_by"] == "a@example.com"

    third = admin_json(edge, folder, "invite", "--expires", "12h")
    assert admin(edge, folder, "invite", "revoke", third["id"]).returncode == 0
    assert admin(edge, folder, "invite", "revoke", third["id"]).returncode == 6
    assert register(edge, "d@example.com", invite=third["code"]).status == 422
    data = b"".join(p.read_bytes() for p in edge.data.iterdir() if p.is_file())
    for one in (made, other, third):
        assert one["code"].encode() not in data, "only the digest of a code is kept"


def test_accounts_invite_when_the_owner_allows_it(edge_with, folder):
    edge = edge_with("--sign-up", "invite", "--invites-per-account", "2", "--referral-credit", "3")
    key = edge.owner.key
    made = edge.call("POST", "/v1/auth/invites", {"uses": 2}, key)
    assert made.status == 201, made
    assert edge.call("POST", "/v1/auth/invites", {}, key).status == 403
    came = register(edge, "a@example.com", invite=made.json()["code"])
    assert came.status == 201
    listed = edge.call("GET", "/v1/auth/invites", key=key).json()
    assert listed["credit"] == 3 and [i["email"] for i in listed["invited"]] == ["a***@example.com"]
    mine = edge.call("GET", "/v1/auth/invites", key=came.json()["api_key"]).json()
    assert mine["credit"] == 3 and mine["invited_by"] == "d***@localhost"
    assert edge.call("DELETE", f"/v1/auth/invites/{made.json()['id']}", key=key).status == 204
    assert register(edge, "b@example.com", invite=made.json()["code"]).status == 422


@pytest.mark.parametrize("password, reason", [
    ("kx7q2mz", "at least 8 characters"), ("password1", "too easy to guess"), ("Passw0rd!", "too easy to guess"),
    ("fresh.mint", "your email address"), ("x" * 1025, "at most 1024 bytes")])
def test_passwords_that_are_refused(edge, folder, password, reason):
    reply = edge.call("POST", "/v1/auth/register", {"email": "fresh.mint@example.com", "password": password})
    assert (reply.status, reply.json()["field"]) == (422, "password") and reason in reply.json()["message"], reply
    if len(password) <= 1024:
        done = admin(edge, folder, "user", "add", "fresh.mint@example.com", "--password-stdin", input=password)
        assert done.returncode == 2 and reason in done.stderr, done


def test_a_disabled_account_is_refused_with_the_reason_and_its_tunnels_end(edge, folder, new_cli, app):
    account = edge.register()
    cli = new_cli(edge)
    t = Tunnel(cli, app.port, name="disabled-soon", key=account.key)
    assert t.get("/status/200").status == 200
    shown = admin_json(edge, folder, "user", "disable", account.email)
    assert shown["disabled"] is True
    assert t.process.wait(10) == 4
    assert "disabled" in t.process.stdout + t.process.stderr
    by_key = edge.call("GET", "/v1/auth/user", key=account.key)
    assert (by_key.status, by_key.json()["reason"]) == (403, "account_disabled")
    login = edge.call("POST", "/v1/auth/login", {"email": account.email, "password": account.password})
    assert (login.status, login.json()["reason"]) == (403, "account_disabled")
    wrong = edge.call("POST", "/v1/auth/login", {"email": account.email, "password": "not the password"})
    assert wrong.status == 401, "without the password nobody learns that the account is disabled"
    assert admin_json(edge, folder, "user", "enable", account.email)["disabled"] is False
    limit = time.monotonic() + 10
    while edge.call("GET", "/v1/auth/user", key=account.key).status != 200:
        assert time.monotonic() < limit, "an enabled account works again"


def test_the_owner_looks_after_accounts(edge, folder):
    account = edge.register()
    assert admin_json(edge, folder, "user", "plan", account.email, "business")["plan"] == "business"
    assert admin_json(edge, folder, "user", "rename", account.email, "Ana B.")["name"] == "Ana B."
    user = edge.call("GET", "/v1/auth/user", key=account.key).json()
    assert (user["plan"], user["name"]) == ("business", "Ana B.")
    assert admin(edge, folder, "user", "plan", account.email, "gold").returncode == 2
    shown = admin(edge, folder, "user", "show", account.email)
    assert shown.returncode == 0 and "Ana B." in shown.stdout and "credit 0" in shown.stdout
    assert admin(edge, folder, "user", "show", "nobody@example.com").returncode == 6
    refused = admin(edge, folder, "user", "rm", account.email)
    assert refused.returncode == 2 and "--yes" in refused.stderr
    assert edge.call("GET", "/v1/auth/user", key=account.key).status == 200
    assert admin(edge, folder, "user", "rm", account.email, "--yes").returncode == 0
    limit = time.monotonic() + 10
    while edge.call("GET", "/v1/auth/user", key=account.key).status != 401:
        assert time.monotonic() < limit, "a removed account's keys end"
    assert register(edge, account.email).status == 201


def test_a_name_of_the_user_is_changed_with_the_permission_for_it(edge):
    account = edge.register()
    assert edge.call("PATCH", "/v1/auth/user", {"name": "New Name"}, account.key).json()["name"] == "New Name"
    limited = edge.call("POST", "/v1/auth/keys", {"name": "l", "permissions": ["account:read"]}, account.key).json()["key"]
    assert edge.call("PATCH", "/v1/auth/user", {"name": "x"}, limited).json()["required_scope"] == "account:write"


def test_nothing_half_made_is_left_when_the_edge_is_killed_while_codes_are_used(binary, folder):
    edge = Edge(binary, folder / "killed", ["--dev", "--sign-up", "invite"]).start()
    try:
        for round_number in range(4):
            codes = [admin_json(edge, folder, "invite", "--credit", "5")["code"] for _ in range(3)]
            acknowledged = []
            for number, code in enumerate(codes):
                email = f"r{round_number}n{number}@example.com"
                if number == 2:
                    edge.process.kill()
                reply = register(edge, email, invite=code) if number < 2 else None
                if reply is not None and reply.status == 201:
                    acknowledged.append((email, code))
            edge.start()
            for email, code in acknowledged:
                shown = admin_json(edge, folder, "user", "show", email)
                assert (shown["credit"], shown["invited_by"]) == (5, "")
                assert register(edge, "other-" + email, invite=code).status == 422
            assert register(edge, f"late{round_number}@example.com", invite=codes[2]).status == 201
    finally:
        edge.process.kill()
