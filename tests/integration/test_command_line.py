"""What the program prints for a tunnel, its exit codes, and its configuration."""

import json
import os
import re
import signal
import stat
import subprocess
import time

import pytest

from local_apps import HttpApp
from ports import free_port
from process import wait_until

KEY = "it_0123456789abcdef"


def test_a_tunnel_prints_the_promised_lines_in_order(cli, app):
    process = cli.start("client", app.port, "--subdomain", "printed", *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
    url = cli.edge.url("printed", "")
    process.wait_text("Ready to receive", "stdout")
    assert process.stdout == (
        f"🚀 Starting tunnel for localhost:{app.port}...\n🚀 Your app is now live at {url}\n🔗 Forwarding {url} -> localhost:{app.port}\n"
        "⚡ Ready to receive requests! Press Ctrl+C to stop\n")
    cli.edge.get("printed", "/status/200?token=query-secret")
    cli.edge.get("printed", "/status/404")
    process.wait_text("404", "stdout")
    lines = process.stdout.split("\n")[4:-1]
    assert len(lines) == 2 and "GET" in lines[0] and "/status/200" in lines[0] and "200" in lines[0]
    assert "query-secret" not in process.stdout
    process.send(signal.SIGINT)
    assert process.wait() == 0
    assert re.search(r"\n📊 Session Summary: 2 requests handled in [^\n]+\n\Z", process.stdout), process.stdout
    assert "\x1b" not in process.stdout + process.stderr


def test_json_events_and_nothing_else_on_stdout(cli, app):
    process = cli.start("client", app.port, "-s", "events", "--json", *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
    process.wait_event("tunnel.ready")
    cli.edge.get("events", "/status/200")
    process.wait_event("request")
    process.send(signal.SIGTERM)
    assert process.wait() == 0
    assert [e["event"] for e in process.events()] == ["tunnel.starting", "tunnel.ready", "request", "tunnel.closed"]
    ready = process.events("tunnel.ready")[0]
    assert (ready["url"], ready["name"], ready["target"], ready["transport"]) == (
        cli.edge.url("events", ""), "events", f"localhost:{app.port}", "v2")
    assert set(process.events("request")[0]) >= {"method", "path", "status", "bytes", "ms"}


def test_the_url_appears_in_under_half_a_second(cli, app):
    times = []
    for _ in range(5):
        start = time.monotonic()
        process = cli.start("client", app.port, "--json", *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
        wait_until(lambda p=process: '"tunnel.ready"' in p.stdout, 10, "tunnel.ready", every=0.002)
        times.append(time.monotonic() - start)
        process.kill()
    assert min(times) < 0.5, times


def test_quiet_leaves_out_the_line_for_each_request(cli, app):
    process = cli.start("client", app.port, "-s", "hushed", "--quiet", *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
    process.wait_text("Ready to receive", "stdout")
    assert cli.edge.get("hushed", "/status/418").status == 418
    process.send(signal.SIGINT)
    assert process.wait() == 0
    assert "418" not in process.stdout and "1 requests handled" in process.stdout


def test_a_closed_stdout_ends_nothing_and_prints_no_noise(cli):
    done = subprocess.run(f"'{cli.binary}' help | head -1", shell=True, capture_output=True, encoding="utf-8", env=cli.environment(), timeout=10,
                          check=False)
    assert done.stderr == ""


def codes(cli):
    """What a person does wrong or right -> exit code."""
    dead = ["--server", "https://api.localhost:1"]
    ours = cli.server()
    return {
        "version": (["version"], 0), "version flag": (["--version"], 0), "short version flag": (["-v"], 0), "help": (["help"], 0),
        "help flag": (["--help"], 0), "help of a command": (["auth", "--help"], 0),
        "unknown flag": (["3000", "--no-such-flag"], 2), "port out of range": (["70000"], 2), "port zero": (["0"], 2),
        "unknown word": (["lgoin"], 2), "bad url": (["http://"], 2), "bad scheme": (["ftp://localhost:21"], 2), "empty unix path": (["unix:"], 2),
        "malformed key": (["3000", "--api-key", "nonsense"], 2), "malformed name": (["3000", "-s", "a_b", "--api-key", KEY], 2),
        "malformed server": (["3000", "--server", "not a url", "--api-key", KEY], 2),
        "bad host header": (["3000", "--host-header", "a b\r\nX: y", "--api-key", KEY], 2),
        "no key": (["3000", *ours], 3), "wrong key": (["3000", *ours, "--api-key", KEY], 3), "whoami without a key": (["whoami"], 3),
        "whoami with a wrong key": (["whoami", *ours, "--api-key", KEY], 3), "ls with a wrong key": (["ls", *ours, "--api-key", KEY], 3),
        "dead server": (["3000", *dead, "--api-key", KEY], 5), "dead server for ls": (["ls", *dead, "--api-key", KEY], 5),
        "dead server for whoami": (["whoami", *dead, "--api-key", KEY], 5),
    }


CASES = ["version", "version flag", "short version flag", "help", "help flag", "help of a command", "unknown flag", "port out of range", "port zero",
         "unknown word", "bad url", "bad scheme", "empty unix path", "malformed key", "malformed name", "malformed server", "bad host header",
         "no key", "wrong key", "whoami without a key", "whoami with a wrong key", "ls with a wrong key", "dead server", "dead server for ls",
         "dead server for whoami"]


@pytest.mark.parametrize("case", CASES)
def test_exit_code(cli, case):
    arguments, code = codes(cli)[case]
    done = cli.run(*arguments)
    assert done.returncode == code, done
    if code:
        assert re.match(r"Error: \S", done.stderr), done.stderr
        assert KEY not in done.stdout + done.stderr
        assert not re.search(r"terminate called|std::|boost|exception|sqlite|errno", done.stderr, re.I), done.stderr
    else:
        assert done.stdout and done.stderr == ""


@pytest.mark.parametrize("case", ["no key", "wrong key", "dead server", "malformed name"])
def test_errors_are_one_json_line_with_json(cli, case):
    arguments, code = codes(cli)[case]
    done = cli.run(*arguments, "--json")
    assert done.returncode == code
    events = [json.loads(line) for line in done.stdout.splitlines()]
    error = events[-1]
    assert error["event"] == "error" and error["code"] and error["message"] and error["hint"]


def test_a_typo_names_the_nearest_command(cli):
    for typo, command in (("lgoin", "login"), ("confg", "config"), ("sevre", "serve"), ("tunel", "tunnel"), ("whoam", "whoami")):
        done = cli.run(typo)
        assert done.returncode == 2 and re.search(rf"\b{command}\b", done.stderr), (typo, done.stderr)


def test_an_untrusted_certificate_is_exit_5_and_names_cacert(cli, app):
    done = cli.run(app.port, "--server", cli.edge.api, "--api-key", cli.edge.owner.key)
    assert done.returncode == 5, done
    assert "--cacert" in done.stderr and "certificate" in done.stderr.lower()


def test_a_missing_or_broken_cacert_file_is_named(cli, app, folder):
    (folder / "bad.pem").write_text("this is no certificate")
    for path in (folder / "none.pem", folder / "bad.pem"):
        done = cli.run(app.port, "--server", cli.edge.api, "--cacert", path, "--api-key", cli.edge.owner.key)
        assert done.returncode in (1, 2, 5) and str(path) in done.stderr, done


def test_a_server_that_is_no_instatunnel_says_so(cli, app, new_app, certificate):
    other = new_app(HttpApp, certificate=certificate)
    for command in (["3000"], ["whoami"], ["ls"]):
        done = cli.run(*command, "--server", f"https://localhost:{other.port}", "--cacert", certificate[0], "--api-key", KEY)
        assert done.returncode in (1, 5) and done.stderr.startswith("Error: "), done


def test_help_lists_only_commands_that_work(cli):
    text = cli.run("--help").stdout
    for command in ("connect", "tcp", "tls", "ls", "status", "kill", "logs", "stats", "login", "logout", "whoami", "auth", "config", "doctor", "demo", "serve", "admin", "version", "completion"):
        assert re.search(rf"^\s+{command}\b", text, re.M), command
    for later in ("webhook", "start"):
        assert not re.search(rf"^\s+{later}\b", text, re.M), later


def test_the_version_is_the_projects(cli):
    text = cli.run("version").stdout
    assert re.search(r"\b\d+\.\d+\.\d+\b", text)
    assert cli.run("-v").stdout == cli.run("--version").stdout


def test_the_program_starts_in_under_30_ms(cli):
    times = []
    for _ in range(10):
        start = time.monotonic()
        cli.run("version")
        times.append(time.monotonic() - start)
    assert min(times) < 0.03, times


def test_it_is_the_same_program(cli):
    alias = os.path.join(os.path.dirname(cli.binary), "it")
    done = subprocess.run([alias, "version"], capture_output=True, encoding="utf-8", env=cli.environment(), timeout=10, check=True)
    assert done.stdout == cli.run("version").stdout


@pytest.mark.parametrize("words", [["login"], ["auth", "login"], ["auth", "status"], ["auth", "test"], ["auth", "show-key"], ["logout"], ["whoami"],
                                   ["ls"], ["kill", "x"], ["connect", "3000", "-s", "x"], ["config", "show"], ["3000"]])
def test_without_a_terminal_nothing_waits_for_input(cli, words):
    reader, writer = os.pipe()
    try:
        done = subprocess.run([cli.binary, *words, "--server", "https://api.localhost:1"], stdin=reader, capture_output=True, timeout=8,
                              env=cli.environment(), check=False)
        assert done.returncode in (0, 2, 3, 5), done
    finally:
        os.close(reader)
        os.close(writer)


def test_config_path_is_where_the_file_is(cli):
    assert cli.run("config", "path").stdout == f"{cli.config_file}\n"
    assert cli.run("--config", cli.folder / "other.json", "config", "path").stdout == f"{cli.folder / 'other.json'}\n"
    assert not cli.config_folder.exists(), "looking makes nothing"


def test_config_set_get_unset_and_show(cli):
    assert cli.run("config", "set", "server", "https://api.t.example.com").returncode == 0
    assert cli.run("config", "get", "server").stdout == "https://api.t.example.com\n"
    cli.run("auth", "set-key", KEY)
    shown = cli.run("config", "show")
    assert shown.returncode == 0 and "https://api.t.example.com" in shown.stdout
    assert KEY not in shown.stdout and "it_***...def" in shown.stdout
    assert cli.run("config", "unset", "server").returncode == 0
    assert "t.example.com" not in cli.run("config", "show").stdout
    assert stat.S_IMODE(cli.config_file.stat().st_mode) == 0o600


def test_config_get_of_an_unknown_name_fails(cli):
    done = cli.run("config", "get", "no-such-setting")
    assert done.returncode in (2, 6) and "no-such-setting" in done.stderr


def test_a_config_file_of_its_own(cli):
    other = cli.folder / "other.json"
    assert cli.run("--config", other, "auth", "set-key", KEY).returncode == 0
    assert stat.S_IMODE(other.stat().st_mode) == 0o600
    assert cli.run("auth", "show-key").returncode == 3
    assert cli.run("auth", "show-key", "--config", other).returncode == 0


def test_profiles_keep_keys_apart(cli):
    assert cli.run("auth", "set-key", "it_default000000aaa").returncode == 0
    assert cli.run("--profile", "work", "auth", "set-key", "it_work000000000bbb").returncode == 0
    assert "aaa" in cli.run("auth", "show-key").stdout
    assert "bbb" in cli.run("auth", "show-key", "--profile", "work").stdout
    assert "bbb" in cli.run("auth", "show-key", INSTATUNNEL_PROFILE="work").stdout
    assert "aaa" in cli.run("auth", "show-key", "--profile", "default", INSTATUNNEL_PROFILE="work").stdout
    assert cli.run("auth", "show-key", "--profile", "none").returncode in (3, 6)
    assert cli.run("auth", "set-key", KEY, "--profile", "../evil").returncode == 2


def test_a_broken_config_file_is_named_and_kept(cli):
    cli.run("auth", "set-key", KEY)
    cli.config_file.write_text('{"profiles": {\n  broken')
    done = cli.run("auth", "show-key")
    assert done.returncode == 1 and str(cli.config_file) in done.stderr
    assert cli.run("auth", "set-key", KEY).returncode == 1
    assert cli.config_file.read_text() == '{"profiles": {\n  broken'


def test_a_config_file_that_others_may_read_is_refused(cli):
    cli.run("auth", "set-key", KEY)
    cli.config_file.chmod(0o644)
    done = cli.run("auth", "show-key", "--reveal")
    assert done.returncode == 1 and "chmod 600" in done.stderr and KEY not in done.stdout


def test_a_legacy_file_is_carried_over_once_with_a_notice(cli):
    legacy = cli.home / ".instatunnel.yaml"
    legacy.write_text('api_key: "it_legacy0000000xyz"\nemail: old@example.com\nserver_url: https://api.localhost:1\n')
    legacy.chmod(0o600)
    first = cli.run("auth", "show-key", "--reveal")
    assert first.returncode == 0 and "it_legacy0000000xyz" in first.stdout
    assert ".instatunnel.yaml" in first.stderr
    second = cli.run("auth", "show-key", "--reveal")
    assert "it_legacy0000000xyz" in second.stdout and ".instatunnel.yaml" not in second.stderr
    assert "https://api.localhost:1" in cli.run("auth", "status").stdout


def test_a_running_dev_edge_is_found_without_any_configuration(new_edge, new_cli, app):
    edge = new_edge().start()
    cli = new_cli(edge)
    cli.home = edge.home
    process = cli.start("client", app.port, "-s", "picked-up")
    process.wait_text(re.escape(f"live at {edge.url('picked-up', '')}"), "stdout")
    assert re.search(r"\bdev\b", process.stderr), "the client says which edge it uses"
    assert edge.get("picked-up", "/status/200").status == 200
    process.send(signal.SIGINT)
    assert process.wait() == 0


def test_the_dev_edge_is_not_used_when_a_key_or_server_is_given(new_edge, new_cli, app):
    edge = new_edge().start()
    cli = new_cli(edge)
    cli.home = edge.home
    done = cli.run(app.port, "--server", "https://api.localhost:1", "--api-key", KEY)
    assert done.returncode == 5
    assert cli.run(app.port, "--server", "https://api.localhost:1").returncode == 3


def test_a_dev_edge_that_does_not_run_is_not_used(new_edge, new_cli, app):
    edge = new_edge().start()
    cli = new_cli(edge)
    cli.home = edge.home
    edge.stop()
    done = cli.run(app.port)
    assert done.returncode in (3, 5), done
    assert "live at" not in done.stdout


def test_a_log_file_takes_the_log_and_level(cli, app):
    log = cli.folder / "client.log"
    process = cli.start("client", app.port, "--json", "--log-level", "debug", "--log-file", log, *cli.server(),
                        INSTATUNNEL_API_KEY=cli.edge.owner.key)
    process.wait_event("tunnel.ready")
    process.send(signal.SIGINT)
    process.wait()
    assert log.stat().st_size > 0 and process.stderr == ""


def test_a_busy_or_odd_target_never_crashes(cli):
    key = ["--api-key", KEY, "--server", "https://api.localhost:1"]
    for target in (str(free_port()), "localhost:80", "[::1]:9", "https://localhost", "http://127.0.0.1:1/path"):
        assert cli.run(target, *key).returncode in (2, 5), target
