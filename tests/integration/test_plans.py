"""Plans and the owner's contact: set from the command line, felt by clients of the running edge."""

import json

import pytest
from edge import Tunnel
from process import wait_until


@pytest.fixture(scope="module")
def limited(binary, tmp_path_factory):
    """A dev edge of this file's own, with a contact; its accounts have the plan pro."""
    from edge import Edge

    running = Edge(binary, tmp_path_factory.mktemp("plans"), ("--dev", "--support-contact", "help@example.com")).start()
    yield running
    running.stop(limit=5)


@pytest.fixture(autouse=True)
def plans_as_at_first(limited, admin):
    yield
    for plan in ("free", "pro", "business"):
        admin("plan", "reset", plan)


@pytest.fixture
def admin(limited, new_cli):
    """Runs `admin … --json` on the edge's data and returns what it printed."""

    def run(*arguments, exit_code=0):
        done = new_cli().run("admin", *arguments, "--data", limited.data, "--json")
        assert done.returncode == exit_code, done
        return json.loads(done.stdout)

    return run


def limits(edge, key):
    return edge.call("GET", "/v1/auth/user", key=key).json()["limits"]


def wait_for_limits(edge, key, expected):
    wait_until(lambda: limits(edge, key).items() >= expected.items(), 10, "the edge follows the changed plan")


def test_a_plan_is_listed_set_shown_and_reset(admin):
    assert [p["plan"] for p in admin("plan", "ls")["plans"]] == ["free", "pro", "business"]
    everything = {"tunnels": None, "names": None, "mcp": True, "custom_domains": True, "requests_per_minute": None}
    assert admin("plan", "show", "free") == {"event": "admin.plan", "plan": "free", "limits": everything}
    changed = admin("plan", "set", "free", "tunnels=3", "names=1", "mcp=no", "custom-domains=no", "rate=120")
    assert changed["limits"] == {"tunnels": 3, "names": 1, "mcp": False, "custom_domains": False, "requests_per_minute": 120}
    assert admin("plan", "show", "free")["limits"] == changed["limits"]
    assert admin("plan", "reset", "free")["limits"] == everything


@pytest.mark.parametrize("arguments", [("set", "free", "tunnels=-1"), ("set", "free", "speed=1"), ("set", "gold", "tunnels=1"),
                                       ("show", "gold"), ("set", "free"), ("set", "free", "tunnels=1", "mcp=perhaps")])
def test_what_is_no_plan_or_rule_is_wrong_usage(admin, arguments):
    assert admin("plan", *arguments, exit_code=2)["code"] == "usage"
    assert admin("plan", "show", "free")["limits"]["tunnels"] is None


def test_one_tunnel_more_than_the_plan_allows_is_refused_with_the_next_step(limited, admin, new_cli, app):
    account = limited.register()
    admin("plan", "set", "pro", "tunnels=1")
    wait_for_limits(limited, account.key, {"tunnels": 1})
    first = Tunnel(new_cli(limited), str(app.port), name="plan-first", key=account.key)
    second = new_cli(limited).run(str(app.port), "--subdomain", "plan-second", "--api-key", account.key, "--server", limited.api,
                                  "--cacert", limited.cacert)
    assert second.returncode == 4, second
    assert 'The plan "pro" allows 1 tunnel at once, and 1 is in use' in second.stderr
    assert "instatunnel kill NAME" in second.stderr and "help@example.com" in second.stderr
    assert limited.get("plan-first").status == 200

    refused = limited.call("POST", "/v1/tunnels", {"name": "plan-third"}, key=account.key)
    assert refused.status == 403
    body = refused.json()
    assert {k: body[k] for k in ("error", "code", "plan", "limit", "support")} == {
        "error": "forbidden", "code": 4003, "plan": "pro", "limit": "tunnels", "support": "help@example.com"}

    # Another process takes the same name over: no second tunnel.
    again = Tunnel(new_cli(limited), str(app.port), name="plan-first", key=account.key)
    assert limited.get("plan-first").status == 200
    first.process.kill()
    again.process.stop()
    wait_until(lambda: limited.call("GET", "/v1/auth/user", key=account.key).json()["usage"]["tunnels_online"] == 0, 10, "it is offline")
    Tunnel(new_cli(limited), str(app.port), name="plan-second", key=account.key).process.kill()


def test_starts_at_the_same_time_cannot_pass_the_limit(limited, admin, new_cli, app):
    account = limited.register()
    admin("plan", "set", "pro", "tunnels=2")
    wait_for_limits(limited, account.key, {"tunnels": 2})
    clients = [new_cli(limited) for _ in range(6)]
    racing = [c.start("client", str(app.port), "--subdomain", f"race-{i}", "--json", *c.server(), INSTATUNNEL_API_KEY=account.key)
              for i, c in enumerate(clients)]
    try:
        wait_until(lambda: all(p.events("tunnel.ready") or p.events("error") for p in racing), 20, "every client knows")
        refused = [p.events("error")[0] for p in racing if not p.events("tunnel.ready")]
        assert len(refused) == 4
        assert all(e["code"] == "plan_limit" and "allows 2 tunnels at once" in e["message"] for e in refused)
        assert limited.call("GET", "/v1/auth/user", key=account.key).json()["usage"]["tunnels_online"] == 2
    finally:
        for p in racing:
            p.kill()


def test_without_names_only_random_ones_are_served(limited, admin, new_cli, app):
    account = limited.register()
    admin("plan", "set", "pro", "names=0", "tunnels=1")
    wait_for_limits(limited, account.key, {"names": 0, "tunnels": 1})
    named = new_cli(limited).run(str(app.port), "--subdomain", "own-name", "--api-key", account.key, "--server", limited.api,
                                 "--cacert", limited.cacert)
    assert named.returncode == 4 and "allows no names of your own" in named.stderr
    Tunnel(new_cli(limited), str(app.port), key=account.key).process.kill()
    body = limited.call("POST", "/v1/tunnels", {"name": "own-name"}, key=account.key).json()
    assert body["limit"] == "names"


def test_who_asks_is_told_what_the_plan_allows(limited, admin, new_cli):
    account = limited.register()
    admin("plan", "set", "pro", "tunnels=3", "mcp=no", "rate=90000")
    expected = {"tunnels": 3, "names": None, "mcp": False, "custom_domains": True, "requests_per_minute": 90000}
    wait_for_limits(limited, account.key, expected)
    flags = ("--api-key", account.key, "--server", limited.api, "--cacert", limited.cacert)
    test = new_cli(limited).run("auth", "test", *flags)
    assert test.stdout.splitlines()[:3] == ["✅ API key is valid", f"👤 User: {account.email}", "📋 Plan: Pro"]
    assert len(test.stdout.splitlines()) == 4
    assert "Limits: tunnels at once: 3" in test.stderr
    assert json.loads(new_cli(limited).run("auth", "test", "--json", *flags).stdout)["limits"] == expected
    assert json.loads(new_cli(limited).run("whoami", "--json", *flags).stdout)["limits"] == expected
    plan = limited.call("GET", "/v1/account/plan", key=account.key).json()
    assert plan == {"plan": "pro", "credit": 0, "limits": expected, "in_use": {"tunnels": 0, "names": 0}}


def test_statistics_are_what_happened(limited, new_cli, app):
    account = limited.register()
    running = Tunnel(new_cli(limited), str(app.port), name="stats-demo", key=account.key)
    before = limited.call("GET", "/v1/tunnels/stats-demo/stats", key=account.key).json()
    assert before["status"] == "online" and before["requests"] == 0 and before["last_request_at"] is None
    for _ in range(3):
        assert limited.get("stats-demo").status == 200
    after = limited.call("GET", "/v1/tunnels/stats-demo/stats", key=account.key).json()
    assert after["requests"] == 3
    assert after["bytes_out"] > 0 and after["open_requests"] == 0
    assert after["last_request_at"] >= after["connected_since"][:19]
    running.process.kill()


@pytest.mark.parametrize("contact", ["a\nb", "x" * 121, "javascript://alert", "https://a b", "http://\"><script>"])
def test_a_contact_that_could_do_harm_is_refused(new_cli, contact):
    done = new_cli().run("serve", "--dev", "--support-contact", contact)
    assert done.returncode == 2, done


def test_the_contact_is_in_meta(limited):
    assert limited.call("GET", "/v1/meta").json()["support"] == "help@example.com"
