"""Names, as the owner of a running edge looks after them."""

import json

import pytest
from edge import Tunnel


@pytest.fixture
def admin(edge, new_cli):
    def run(*arguments, exit_code=0):
        done = new_cli().run("admin", "name", *arguments, "--data", edge.data, "--json")
        assert done.returncode == exit_code, done
        return json.loads(done.stdout)

    return run


def flags(edge, account):
    return ("--api-key", account.key, "--server", edge.api, "--cacert", edge.cacert)


def test_a_reserved_name_is_its_accounts(edge, admin, new_cli, app):
    ann, bob = edge.register(), edge.register()
    row = admin("reserve", "Kept-For-Ann", ann.email)
    assert row["name"] == "kept-for-ann" and row["email"] == ann.email and row["tunnel_id"] is None
    assert [n["name"] for n in admin("ls", ann.email)["names"]] == ["kept-for-ann"]
    refused = new_cli(edge).run(str(app.port), "--subdomain", "kept-for-ann", *flags(edge, bob))
    assert refused.returncode == 6 and "subdomain already taken" in refused.stderr
    Tunnel(new_cli(edge), str(app.port), name="kept-for-ann", key=ann.key).process.kill()
    assert admin("reserve", "kept-for-ann", bob.email, exit_code=6)["code"] == "name_taken"
    assert admin("reserve", "x", "nobody@example.com", exit_code=6)["code"] == "not_found"
    assert admin("reserve", "api", ann.email, exit_code=6)["code"] == "name_reserved"


def test_a_released_name_ends_its_tunnel_and_is_free(edge, admin, new_cli, app):
    ann, bob = edge.register(), edge.register()
    running = Tunnel(new_cli(edge), str(app.port), name="taken-away", key=ann.key)
    assert admin("release", "taken-away")["email"] == ann.email
    assert running.process.wait(10) == 6
    said = running.process.events("error")[0]
    assert said["message"] == 'The name "taken-away" was given back or taken from the account'
    Tunnel(new_cli(edge), str(app.port), name="taken-away", key=bob.key).process.kill()
    assert admin("release", "never-there", exit_code=6)["code"] == "not_found"


def test_a_blocked_name_is_nobodys(edge, admin, new_cli, app):
    ann = edge.register()
    running = Tunnel(new_cli(edge), str(app.port), name="my-bank-login", key=ann.key)
    admin("block", "*bank*", "--reason", "looks like a bank")
    try:
        assert running.process.wait(10) == 6
        assert "is blocked by the owner of this server: looks like a bank" in running.process.stdout
        again = new_cli(edge).run(str(app.port), "--subdomain", "my-bank-login", *flags(edge, ann))
        assert again.returncode == 6 and "looks like a bank" in again.stderr
        answer = edge.call("POST", "/v1/tunnels", {"subdomain": "bank"}, key=ann.key)
        assert answer.status == 409 and answer.json()["field"] == "subdomain"
        assert [b["pattern"] for b in admin("ls")["blocked"]] == ["*bank*"]
    finally:
        admin("unblock", "*bank*")
    assert admin("unblock", "*bank*", exit_code=6)["code"] == "not_found"


@pytest.mark.parametrize("pattern", ["*", "a.b", "a b", "x" * 64])
def test_what_is_no_pattern_is_refused(admin, pattern):
    assert admin("block", pattern, exit_code=2)["code"] == "malformed_name"


def test_an_account_gives_its_own_name_back(edge, new_cli, app):
    ann, bob = edge.register(), edge.register()
    running = Tunnel(new_cli(edge), str(app.port), name="given-back", key=ann.key)
    cli = new_cli(edge)
    listed = json.loads(cli.run("names", "ls", "--json", *flags(edge, ann)).stdout)["names"]
    assert [(n["name"], n["kind"], n["blocked"]) for n in listed] == [("given-back", "requested", False)]
    assert cli.run("names", "release", "given-back", *flags(edge, bob)).returncode == 6
    assert edge.get("given-back").status == 200
    assert cli.run("names", "release", "given-back", *flags(edge, ann)).returncode == 0
    assert running.process.wait(10) == 6
    Tunnel(new_cli(edge), str(app.port), name="given-back", key=bob.key).process.kill()
