"""Signing in and looking after keys, with a terminal and without; output as the product promises it."""

import json
import os
import re
import stat
import subprocess
import termios
import time

import pexpect
import pytest

KEY = r"it_[A-Za-z0-9]{16}"


def terminal(cli, *arguments, **environment):
    """The program on a pseudo-terminal."""
    return pexpect.spawn(cli.binary, list(map(str, arguments)), env=cli.environment(**environment), encoding="utf-8", timeout=15,
                         dimensions=(40, 200), cwd=str(cli.folder))


def finish(child):
    """The rest of the output and the exit code."""
    rest = child.read()
    child.close()
    return rest, child.exitstatus


def stored_key(cli):
    done = cli.run("auth", "show-key", "--reveal")
    assert done.returncode == 0, done
    return re.search(KEY, done.stdout).group()


def masked(key):
    return "it_***..." + key[-3:]


@pytest.mark.parametrize("words", [["login"], ["auth", "login"]])
def test_login_on_a_terminal_looks_exactly_as_promised(cli, words):
    account = cli.edge.register()
    child = terminal(cli, *words, *cli.server())
    child.expect_exact("📧 Email: ")
    before = child.before
    child.sendline(account.email)
    child.expect_exact("🔒 Password: ")
    assert child.before == account.email + "\r\n"
    time.sleep(0.2)
    child.sendline(account.password)
    rest, code = finish(child)
    assert code == 0, rest
    assert before == ""
    shown = re.fullmatch(rf"\*{{8}}\r\n✅ Login successful\r\n🔑 API Key: ({KEY})\r\n", rest)
    assert shown, repr(rest)
    assert account.password not in rest
    assert stored_key(cli) == shown.group(1)
    assert cli.edge.call("GET", "/v1/auth/user", key=shown.group(1)).json()["email"] == account.email


def test_eight_asterisks_whatever_the_length(cli):
    account = cli.edge.register(password="a much longer passphrase than eight characters 123")
    child = terminal(cli, "login", "-e", account.email, *cli.server())
    child.expect_exact("🔒 Password: ")
    time.sleep(0.2)
    child.sendline(account.password)
    rest, code = finish(child)
    assert code == 0 and rest.startswith("********\r\n✅")


def test_ctrl_c_at_the_password_prompt_restores_the_terminal(cli):
    child = terminal(cli, "login", "-e", "a@example.com", *cli.server())
    child.expect_exact("🔒 Password: ")
    time.sleep(0.2)
    assert not termios.tcgetattr(child.child_fd)[3] & termios.ECHO
    child.sendintr()
    child.expect(pexpect.EOF)
    echo = termios.tcgetattr(child.child_fd)[3] & termios.ECHO
    child.close()
    assert echo
    assert (child.exitstatus or child.signalstatus) != 0
    assert not cli.config_file.exists()


def test_login_with_the_password_on_standard_input(cli):
    account = cli.edge.register()
    done = cli.run("login", "-e", account.email, "--password-stdin", *cli.server(), input=account.password + "\n")
    assert done.returncode == 0, done
    assert re.fullmatch(rf"✅ Login successful\n🔑 API Key: {KEY}\n", done.stdout), done.stdout


def test_a_wrong_password_is_exit_3_and_stores_nothing(cli):
    account = cli.edge.register()
    done = cli.run("login", "-e", account.email, "--password-stdin", *cli.server(), input="not the password\n")
    assert done.returncode == 3
    assert done.stderr.startswith("Error: Wrong email or password")
    assert "not the password" not in done.stdout + done.stderr
    assert not cli.config_file.exists()


def test_login_without_a_terminal_fails_at_once_and_names_the_flag(cli):
    reader, writer = os.pipe()
    try:
        start = time.monotonic()
        for words in (["login"], ["auth", "login"], ["login", "-e", "a@example.com"]):
            done = subprocess.run([cli.binary, *words, *cli.server()], stdin=reader, capture_output=True, encoding="utf-8", timeout=10,
                                  env=cli.environment(), check=False)
            assert done.returncode == 2, done
            assert "--password-stdin" in done.stderr
        assert time.monotonic() - start < 3
    finally:
        os.close(reader)
        os.close(writer)


def test_login_stores_server_and_certificate_beside_the_key(cli, app):
    account = cli.edge.register()
    assert cli.run("login", "-e", account.email, "--password-stdin", *cli.server(), input=account.password).returncode == 0
    assert account.email in cli.run("whoami").stdout
    process = cli.start("client", app.port, "--json")
    try:
        process.wait_event("tunnel.ready")
    finally:
        process.kill()


def test_the_key_file_is_private_whatever_the_umask(cli):
    old = os.umask(0)
    try:
        assert cli.run("auth", "set-key", "it_0123456789abcdef").returncode == 0
    finally:
        os.umask(old)
    assert stat.S_IMODE(cli.config_folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(cli.config_file.stat().st_mode) == 0o600
    assert [p.name for p in cli.config_folder.iterdir() if p.name.endswith((".tmp", "~"))] == []


def test_set_key_takes_an_argument_a_pipe_or_a_hidden_prompt(cli):
    keys = ["it_argument00000abc", "it_pipe0000000000abc", "it_prompt00000000abc"]
    assert cli.run("auth", "set-key", f"  {keys[0]} ").returncode == 0
    assert cli.run("auth", "show-key", "--reveal").stdout.strip().endswith(keys[0])
    assert cli.run("auth", "set-key", input=f" {keys[1]}\r\n").returncode == 0
    assert cli.run("auth", "show-key", "--reveal").stdout.strip().endswith(keys[1])
    child = terminal(cli, "auth", "set-key")
    child.expect("(?i)key.*: ")
    time.sleep(0.2)
    child.sendline(keys[2])
    rest, code = finish(child)
    assert code == 0 and keys[2] not in rest
    assert cli.run("auth", "show-key", "--reveal").stdout.strip().endswith(keys[2])


@pytest.mark.parametrize("bad", ["", "it_short", "xx_0123456789abcdef", "it_0123456789abcde!", "it_01234567 89abcdef", "it_0123456789abcdéf"])
def test_a_malformed_key_is_exit_2_and_is_not_repeated(cli, bad):
    done = cli.run("auth", "set-key", bad)
    assert done.returncode == 2, done
    assert re.search(r"^Error: \S", done.stderr, re.M)
    assert not bad or "it_" in done.stderr and bad not in done.stdout + done.stderr
    assert not cli.config_file.exists()
    piped = cli.run("auth", "set-key", input=bad)
    assert piped.returncode == 2, piped


def test_set_key_with_nothing_to_read_is_exit_2(cli):
    done = cli.run("auth", "set-key")
    assert done.returncode == 2, done


def test_show_key_tells_by_its_exit_code_whether_a_key_is_stored(cli):
    assert cli.run("auth", "show-key").returncode == 3
    key = "it_0123456789abcdef"
    cli.run("auth", "set-key", key)
    done = cli.run("auth", "show-key")
    assert done.returncode == 0 and masked(key) in done.stdout and key not in done.stdout + done.stderr
    assert cli.run("auth", "show-key", "--reveal").stdout.strip().endswith(key)


def test_auth_status_prints_exactly_three_lines(cli):
    account = cli.edge.register()
    cli.run("auth", "set-key", account.key, *cli.server())
    done = cli.run("auth", "status")
    assert done.returncode == 0, done
    assert done.stdout == f"Current API Key: {masked(account.key)}\nStatus: Valid\nExpires: Never\n"


def test_auth_status_of_a_key_that_does_not_work_is_exit_3(cli):
    cli.run("auth", "set-key", "it_doesnotexist00xyz", *cli.server())
    done = cli.run("auth", "status")
    assert done.returncode == 3
    lines = done.stdout.split("\n")
    assert lines[:2] == ["Current API Key: it_***...xyz", "Status: Invalid"] and len(lines) == 4 and lines[2].startswith("Expires: ")


def test_auth_status_offline_is_exit_5_and_names_the_server(cli):
    cli.run("auth", "set-key", "it_0123456789abcdef", "--server", "https://api.localhost:1")
    done = cli.run("auth", "status")
    assert done.returncode == 5
    lines = done.stdout.split("\n")
    assert lines[0] == "Current API Key: it_***...def" and lines[1] == "Status: Unknown (cannot reach https://api.localhost:1)"


def test_auth_status_without_a_key_is_exit_3(cli):
    done = cli.run("auth", "status")
    assert done.returncode == 3 and "instatunnel login" in done.stderr


def test_auth_status_says_where_key_and_server_come_from(cli):
    key = cli.edge.owner.key
    done = cli.run("auth", "status", *cli.server(), INSTATUNNEL_API_KEY=key)
    assert "INSTATUNNEL_API_KEY" in done.stderr and cli.edge.api in done.stderr
    data = json.loads(cli.run("auth", "status", "--json", *cli.server(), INSTATUNNEL_API_KEY=key).stdout)
    assert (data["key_source"], data["server"], data["server_source"]) == ("environment", cli.edge.api, "flag")
    assert data["status"] == "valid" and data["key"] == masked(key) and key not in json.dumps(data)


def test_auth_status_shows_when_a_key_expires(cli):
    made = cli.edge.call("POST", "/v1/auth/keys", {"name": "e", "permissions": ["tunnels:read"], "expires_at": "2099-01-02T03:04:05Z"},
                         cli.edge.owner.key).json()
    done = cli.run("auth", "status", *cli.server(), "--api-key", made["key"])
    assert done.returncode == 0 and re.search(r"^Expires: .*2099-01-02", done.stdout, re.M), done.stdout


def test_auth_test_prints_exactly_four_lines(cli):
    made = cli.edge.call("POST", "/v1/auth/keys", {"name": "t", "permissions": ["tunnels:*", "analytics:read"]}, cli.edge.owner.key).json()
    user = cli.edge.call("GET", "/v1/auth/user", key=cli.edge.owner.key).json()
    done = cli.run("auth", "test", *cli.server(), INSTATUNNEL_API_KEY=made["key"])
    assert done.returncode == 0, done
    assert done.stdout == (f"✅ API key is valid\n👤 User: {user['email']}\n📋 Plan: {user['plan'].capitalize()}\n"
                           "🔑 Permissions: tunnels:*, analytics:read\n")


def test_auth_test_of_one_scope(cli):
    made = cli.edge.call("POST", "/v1/auth/keys", {"name": "s", "permissions": ["tunnels:*"]}, cli.edge.owner.key).json()
    done = cli.run("auth", "test", "--scope", "tunnels:write", *cli.server(), INSTATUNNEL_API_KEY=made["key"])
    assert (done.returncode, done.stdout) == (0, "✅ Permission 'tunnels:write' granted\n")
    missing = cli.run("auth", "test", "--scope", "keys:manage", *cli.server(), INSTATUNNEL_API_KEY=made["key"])
    assert missing.returncode == 4 and "keys:manage" in missing.stdout + missing.stderr
    unknown = cli.run("auth", "test", "--scope", "no:such", *cli.server(), INSTATUNNEL_API_KEY=made["key"])
    assert unknown.returncode in (2, 4)


def test_auth_test_of_a_wrong_key_is_exit_3(cli):
    done = cli.run("auth", "test", *cli.server(), INSTATUNNEL_API_KEY="it_doesnotexist00xyz")
    assert done.returncode == 3 and done.stderr.startswith("Error: ") and "it_doesnotexist00xyz" not in done.stderr


def test_the_flag_wins_over_the_environment_and_that_over_the_stored_key(cli):
    cli.run("auth", "set-key", "it_stored0000000aaa", *cli.server())

    def shown(*flags, **environment):
        return cli.run("auth", "status", *flags, **environment).stdout.split("\n")[0][-3:]

    assert shown() == "aaa"
    assert shown(INSTATUNNEL_API_KEY="it_fromenv000000bbb") == "bbb"
    assert shown("--api-key", "it_fromflag00000ccc", INSTATUNNEL_API_KEY="it_fromenv000000bbb") == "ccc"
    before = cli.run("--api-key", "it_fromflag00000ddd", "auth", "status").stdout.split("\n")[0]
    assert before.endswith("ddd"), "global flags work before the command too"


@pytest.mark.parametrize("words", [["logout"], ["auth", "logout"]])
def test_logout_forgets_the_key_here_and_at_the_server(cli, words):
    account = cli.edge.register()
    assert cli.run("login", "-e", account.email, "--password-stdin", *cli.server(), input=account.password).returncode == 0
    key = stored_key(cli)
    assert cli.run(*words).returncode == 0
    assert cli.run("auth", "show-key").returncode == 3
    assert cli.edge.call("GET", "/v1/auth/user", key=key).status == 401
    assert cli.edge.call("GET", "/v1/auth/user", key=account.key).status == 200, "other keys of the account stay valid"
    assert key not in cli.config_file.read_text()


def test_logout_works_without_a_server(cli):
    cli.run("auth", "set-key", "it_0123456789abcdef", "--server", "https://api.localhost:1")
    cli.run("logout")
    assert cli.run("auth", "show-key").returncode == 3
