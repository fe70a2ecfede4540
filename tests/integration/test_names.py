"""Who may have which name, and who has to leave."""

import re

from edge import Tunnel
from process import wait_until


def start(cli, target, *flags, key):
    return cli.start("client", target, *flags, "--json", *cli.server(), INSTATUNNEL_API_KEY=key)


def test_two_accounts_fight_for_a_name_and_the_first_keeps_it(tunnel, new_cli, app, new_app, edge):
    mine = tunnel(app.port, name="contested")
    other = edge.register()
    loser = start(new_cli(edge), new_app().port, "--subdomain", "contested", key=other.key)
    assert loser.wait() == 6
    error = loser.events("error")[0]
    assert "subdomain already taken" in error["message"] and "contested" in error["message"]
    assert error["hint"]
    assert not loser.events("tunnel.ready"), "never another name instead"
    assert mine.get("/status/200").status == 200 and mine.process.running()


def test_a_taken_name_reads_well_on_a_terminal(tunnel, new_cli, app, edge):
    tunnel(app.port, name="contested-too")
    done = new_cli(edge).run(app.port, "-s", "contested-too", *["--server", edge.api, "--cacert", edge.cacert],
                             INSTATUNNEL_API_KEY=edge.register().key)
    assert done.returncode == 6
    assert re.search(r'^Error: subdomain already taken: "contested-too"', done.stderr, re.M), done.stderr
    assert "--subdomain contested-too-2" in done.stderr
    assert "live at" not in done.stdout


def test_the_name_stays_with_its_account_after_the_client_has_gone(tunnel, new_cli, app, edge):
    mine = tunnel(app.port, name="left-alone")
    assert mine.stop() == 0
    other = edge.register()
    loser = start(new_cli(edge), app.port, "-s", "left-alone", key=other.key)
    assert loser.wait() == 6
    assert tunnel(app.port, name="left-alone").get("/status/200").status == 200


def test_the_same_account_takes_over_and_the_old_process_says_why(tunnel, app, new_app):
    old = tunnel(app.port, name="moved")
    second_app = new_app()
    new = tunnel(second_app.port, name="moved")
    assert old.process.wait(10) == 6
    error = old.process.events("error")[0]
    assert "took" in error["message"].lower() or "another process" in error["message"].lower()
    assert old.process.events("tunnel.reconnecting") == []
    assert new.get("/status/200").status == 200 and len(second_app.seen) == 1 and not app.seen


def test_the_old_process_prints_the_reason_for_people(new_cli, tunnel, app, edge):
    cli = new_cli(edge)
    old = cli.start("client", app.port, "-s", "moved-too", *cli.server(), INSTATUNNEL_API_KEY=edge.owner.key)
    old.wait_text("Ready to receive requests", "stdout")
    tunnel(app.port, name="moved-too")
    assert old.wait(10) == 6
    assert re.search(r"^Error: .*(another process|took).*", old.stderr, re.M | re.I), old.stderr


def test_a_revoked_key_ends_its_tunnel_with_exit_3(tunnel, app, edge):
    made = edge.call("POST", "/v1/auth/keys", {"name": "short-lived", "permissions": ["tunnels:*"]}, edge.owner.key).json()
    t = tunnel(app.port, key=made["key"])
    assert edge.call("DELETE", f"/v1/auth/keys/{made['id']}", key=edge.owner.key).status == 204
    assert t.process.wait(12) == 3
    assert "revoked" in t.process.events("error")[0]["message"].lower()
    assert t.process.events("tunnel.reconnecting") == []
    assert t.get("/").status in (404, 502, 503)


def test_logout_of_a_key_ends_its_tunnel_too(tunnel, app, edge):
    made = edge.call("POST", "/v1/auth/keys", {"name": "n", "permissions": ["tunnels:*"]}, edge.owner.key).json()
    t = tunnel(app.port, key=made["key"])
    assert edge.call("POST", "/v1/auth/logout", key=made["key"]).status in (200, 204)
    assert t.process.wait(12) == 3


def test_a_key_without_the_scope_cannot_open_a_tunnel(new_cli, app, edge):
    made = edge.call("POST", "/v1/auth/keys", {"name": "reader", "permissions": ["tunnels:read"]}, edge.owner.key).json()
    process = start(new_cli(edge), app.port, key=made["key"])
    assert process.wait() == 4
    assert "tunnels:write" in process.events("error")[0]["message"] + process.events("error")[0].get("hint", "")


def test_random_names_are_pronounceable_and_differ(new_cli, app, edge):
    names = set()
    for _ in range(4):
        t = Tunnel(new_cli(edge), app.port)
        names.add(t.name)
        t.process.kill()
    assert len(names) == 4
    for name in names:
        assert re.fullmatch(r"[a-z0-9](-?[a-z0-9]+)*", name) and re.search(r"[aeiou]", name) and len(name) >= 10, name


def test_reserved_names_are_refused_with_exit_6(new_cli, app, edge):
    for name in ("api", "www", "admin"):
        process = start(new_cli(edge), app.port, "-s", name, key=edge.owner.key)
        assert process.wait() == 6, name
        assert "reserved" in process.events("error")[0]["message"]


def test_malformed_names_are_refused_before_anything_is_sent(new_cli, app):
    cli = new_cli()
    for name in ("-a", "a-", "a_b", "a.b", "x" * 64, "", "ä"):
        done = cli.run(app.port, "-s", name, "--server", "https://api.localhost:1", INSTATUNNEL_API_KEY="it_0123456789abcdef")
        assert done.returncode == 2, (name, done)


def test_names_are_compared_without_case(tunnel, app):
    t = tunnel(app.port, name="mixed-case")
    assert t.edge.get("MIXED-Case", "/status/200").status == 200


def test_ls_lists_what_runs_and_kill_ends_it(tunnel, new_cli, app, edge):
    owner = edge.register()
    cli = new_cli(edge)

    def run(*arguments):
        return cli.run(*arguments, *cli.server(), INSTATUNNEL_API_KEY=owner.key)

    empty = run("ls")
    assert empty.returncode == 0 and "No active tunnels" in empty.stdout + empty.stderr
    t = tunnel(app.port, name="listed", key=owner.key)
    for word, target in (("ls", f"localhost:{app.port}"), ("--list", f"localhost:{app.port}"), ("status", f" {app.port} ")):
        listing = run(word)
        assert listing.returncode == 0 and t.url in listing.stdout and target in listing.stdout, listing
    as_json = run("ls", "--json")
    assert as_json.returncode == 0 and '"listed"' in as_json.stdout
    assert run("kill", "no-such-tunnel").returncode == 6
    assert run("kill", "listed").returncode == 0
    assert t.process.wait(10) == 6
    assert "closed" in t.process.events("error")[0]["message"].lower()
    wait_until(lambda: "listed" not in run("ls").stdout, 5, "empty list")


def test_nobody_sees_or_kills_the_tunnels_of_others(tunnel, new_cli, app, edge):
    t = tunnel(app.port, name="private")
    other = edge.register()
    cli = new_cli(edge)
    listing = cli.run("ls", *cli.server(), INSTATUNNEL_API_KEY=other.key)
    assert listing.returncode == 0 and "private" not in listing.stdout
    assert cli.run("kill", "private", *cli.server(), INSTATUNNEL_API_KEY=other.key).returncode == 6
    assert t.get("/status/200").status == 200


def test_connect_attaches_to_a_tunnel_made_through_the_api(new_cli, app, edge):
    made = edge.call("POST", "/v1/tunnels", {"subdomain": "made-before"}, edge.owner.key)
    assert made.status == 201, made
    cli = new_cli(edge)
    process = cli.start("client", "connect", app.port, "-s", "made-before", "--json", *cli.server(), INSTATUNNEL_API_KEY=edge.owner.key)
    try:
        assert process.wait_event("tunnel.ready")["url"] == edge.url("made-before", "")
        assert edge.get("made-before", "/status/200").status == 200
    finally:
        process.kill()


def test_connect_to_a_tunnel_that_does_not_exist_is_exit_6(new_cli, app, edge):
    cli = new_cli(edge)
    done = cli.run("connect", app.port, "-s", "never-made", *cli.server(), INSTATUNNEL_API_KEY=edge.owner.key)
    assert done.returncode == 6, done


def test_connect_takes_exactly_one_of_name_and_host(cli, app):
    for flags in ([], ["-s", "a", "-d", "b.example.com"]):
        done = cli.run("connect", app.port, *flags, *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
        assert done.returncode == 2, done


def test_counters_of_the_account_are_real(tunnel, app, edge):
    owner = edge.register()
    t = tunnel(app.port, key=owner.key)
    for _ in range(7):
        t.get("/status/200")

    def usage():
        return edge.call("GET", "/v1/auth/user", key=owner.key).json()["usage"]

    wait_until(lambda: usage()["requests_served"] == 7, 10, lambda: f"7 requests counted: {usage()}")
    assert usage()["tunnels_created"] == 1
    assert re.fullmatch(r"[\d.]+ ([KMGT]?B)", usage()["data_transferred"]), usage()
