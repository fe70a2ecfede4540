"""Every conversation with a person, on a scripted terminal: what is asked, what is shown, and how the terminal is left."""

import json
import os
import re
import secrets
import signal
import termios

import pexpect
import pytest

KEY = r"it_[A-Za-z0-9]{16}"
HIDDEN = "********\r\n"


@pytest.fixture
def edge(new_edge):
    """Of a test's own: ten wrong passwords a minute are all that one edge takes from an address."""
    return new_edge().start()


class Terminal:
    """The program on a pseudo-terminal."""

    def __init__(self, cli, *arguments, **environment):
        self.child = pexpect.spawn(cli.binary, list(map(str, arguments)), env=cli.environment(**environment), encoding="utf-8", timeout=20,
                                   dimensions=(40, 400), cwd=str(cli.folder))
        self.typed = []

    def echoes(self):
        return bool(termios.tcgetattr(self.child.child_fd)[3] & termios.ECHO)

    def sees(self, text):
        """Waits for `text`; returns what came before it."""
        self.child.expect_exact(text)
        return self.child.before

    def types(self, line):
        self.child.sendline(line)

    def types_hidden(self, line, prompt="🔒 Password: "):
        self.sees(prompt)
        assert not self.echoes(), "echo is off before the prompt is shown"
        self.typed.append(line)
        self.child.sendline(line)
        assert self.sees(HIDDEN) == ""

    def ends(self):
        """The rest of the output, and the exit code; the terminal must be as it was."""
        self.child.expect(pexpect.EOF)
        rest = self.child.before
        assert self.echoes(), "the terminal is left without echo"
        self.child.close()
        for secret in self.typed:
            assert not secret or secret not in rest
        return rest, self.child.exitstatus


@pytest.fixture
def terminal(cli):
    opened = []

    def open_terminal(*arguments, **environment):
        opened.append(Terminal(cli, *arguments, **environment))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.child.close(force=True)


def new_email():
    return f"new-{secrets.token_hex(6)}@example.com"


SIGNED_IN = rf"✅ Login successful\r\n🔑 API Key: ({KEY})\r\n"
CREATED = rf"✅ Account created\r\n{SIGNED_IN}"


def test_login_asks_for_email_and_password(cli, terminal):
    account = cli.edge.register()
    t = terminal("login", *cli.server())
    assert t.sees("📧 Email: ") == ""
    t.types(account.email)
    t.types_hidden(account.password)
    rest, code = t.ends()
    assert code == 0 and re.fullmatch(SIGNED_IN, rest), rest
    assert cli.run("whoami").stdout.startswith(f"👤 User: {account.email}")


def test_login_of_an_unknown_address_offers_the_account_and_makes_it(cli, terminal):
    email = new_email()
    t = terminal("auth", "login", "-e", email, *cli.server())
    t.types_hidden("correct horse battery 17")
    t.sees(f"Wrong email or password\r\nCreate an account for {email}? [y/N] ")
    t.types("y")
    t.types_hidden("correct horse battery 17", "🔒 Password again: ")
    rest, code = t.ends()
    assert code == 0 and re.fullmatch(CREATED, rest), rest
    assert cli.run("whoami").stdout.startswith(f"👤 User: {email}")


def test_a_known_address_never_ends_in_a_bare_conflict(cli, terminal):
    account = cli.edge.register()
    t = terminal("login", "-e", account.email, *cli.server())
    t.types_hidden("wrong horse battery 17")
    t.sees("? [y/N] ")
    t.types("yes")
    t.types_hidden("wrong horse battery 17", "🔒 Password again: ")
    t.sees(f"There is an account for {account.email} already: the password was wrong. "
           f"Forgotten? instatunnel auth password reset -e {account.email}\r\n")
    t.types_hidden(account.password)
    rest, code = t.ends()
    assert code == 0 and re.fullmatch(SIGNED_IN, rest), rest


def test_three_wrong_passwords_end_it(cli, terminal):
    account = cli.edge.register()
    t = terminal("login", "-e", account.email, *cli.server())
    t.types_hidden("wrong horse battery 1")
    t.sees("? [y/N] ")
    t.types("")
    t.types_hidden("wrong horse battery 2")
    t.sees("Wrong email or password\r\n")
    t.types_hidden("wrong horse battery 3")
    rest, code = t.ends()
    assert code == 3
    assert rest == (f"Error: Wrong email or password. Forgotten? instatunnel auth password reset -e {account.email}. "
                    f"No account yet? instatunnel login -e {account.email} --register\r\n")
    assert not cli.config_file.exists()


def test_a_refused_or_mistyped_new_password_may_be_typed_again(cli, terminal):
    email = new_email()
    t = terminal("login", "-e", email, "--register", *cli.server())
    t.types_hidden("correct horse battery 17")
    t.types_hidden("correct horse battery 71", "🔒 Password again: ")
    t.sees("The two passwords differ\r\n")
    t.types_hidden("short")
    t.types_hidden("short", "🔒 Password again: ")
    t.sees("assword must have")
    t.types_hidden("correct horse battery 17")
    t.types_hidden("correct horse battery 17", "🔒 Password again: ")
    rest, code = t.ends()
    assert code == 0 and rest.endswith("\r\n") and re.search(CREATED, rest), rest


def test_register_of_a_known_address_signs_in(cli, terminal):
    account = cli.edge.register()
    t = terminal("login", "-e", account.email, "--register", *cli.server())
    t.types_hidden(account.password)
    t.types_hidden(account.password, "🔒 Password again: ")
    rest, code = t.ends()
    assert code == 0 and re.fullmatch(f"There is an account for {re.escape(account.email)} already: signing in\r\n{SIGNED_IN}", rest), rest


def test_register_without_a_terminal(cli):
    email = new_email()
    done = cli.run("login", "-e", email, "--register", "--password-stdin", *cli.server(), input="correct horse battery 17\n")
    assert done.returncode == 0 and done.stdout.startswith("✅ Account created\n✅ Login successful\n"), done
    again = cli.run("login", "-e", email, "--register", "--password-stdin", *cli.server(), input="another horse battery 17\n")
    assert again.returncode == 3 and "auth password reset" in again.stderr and "already" in again.stderr
    event = json.loads(cli.run("login", "-e", email, "--password-stdin", "--json", *cli.server(), input="correct horse battery 17\n").stdout)
    assert event["event"] == "login" and event["created"] is False


def test_a_slip_at_the_email_prompt_is_asked_again(cli, terminal):
    t = terminal("login", *cli.server())
    t.sees("📧 Email: ")
    t.types("nobody")
    t.sees("That is not an email address\r\n📧 Email: ")
    t.child.sendcontrol("d")
    rest, code = t.ends()
    assert code == 130 and "Error" not in rest


def press(terminal, how):
    if how == "Ctrl+C":
        terminal.child.sendintr()
    elif how == "Ctrl+D":
        terminal.child.sendeof()
    else:
        os.kill(terminal.child.pid, signal.SIGTERM)


@pytest.mark.parametrize("how", ["Ctrl+C", "Ctrl+D", "SIGTERM"])
@pytest.mark.parametrize("where", ["email", "password", "offer", "again", "key"])
def test_every_prompt_can_be_left_and_leaves_the_terminal_as_it_was(cli, terminal, where, how):
    if where == "key":
        t = terminal("auth", "set-key")
        t.sees("🔑 API Key: ")
    else:
        t = terminal("login", *([] if where == "email" else ["-e", new_email()]), *cli.server())
    if where == "email":
        t.sees("📧 Email: ")
    elif where == "password":
        t.sees("🔒 Password: ")
    elif where in ("offer", "again"):
        t.types_hidden("correct horse battery 17")
        t.sees("? [y/N] ")
        if where == "again":
            t.types("y")
            t.sees("🔒 Password again: ")
    press(t, how)
    rest, code = t.ends()
    assert code == 130 and "Error" not in rest and rest.startswith(("\r\n", "^C\r\n", "^D\x08\x08\r\n", "^C")), repr(rest)
    assert not cli.config_file.exists()


def test_set_key_asks_hidden(cli, terminal):
    t = terminal("auth", "set-key")
    t.types_hidden("it_prompt00000000abc", "🔑 API Key: ")
    rest, code = t.ends()
    assert code == 0 and "it_***...abc" in rest
    assert cli.run("auth", "show-key", "--reveal").stdout == "it_prompt00000000abc\n"


def test_a_key_as_an_argument_works_and_warns_once(cli, terminal):
    t = terminal("auth", "set-key", "it_argument00000abc")
    rest, code = t.ends()
    assert code == 0 and rest.count("history") == 1 and "it_argument00000abc" not in rest
    shown = terminal("auth", "show-key")
    assert shown.ends() == ("it_***...abc\r\n", 0)


def test_the_api_key_flag_is_used_and_never_stored(cli):
    key = cli.edge.owner.key
    for words in (["whoami"], ["auth", "status"], ["auth", "test"], ["ls"]):
        done = cli.run(*words, "--api-key", key, *cli.server())
        assert done.returncode == 0 and key not in done.stdout + done.stderr, done
    assert not cli.config_file.exists()


def fake_clipboard(cli, body):
    tools = cli.folder / "tools"
    tools.mkdir(exist_ok=True)
    for name in ("wl-copy", "xclip", "xsel", "pbcopy", "clip.exe"):
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    return {"PATH": f"{tools}:/usr/bin:/bin"}


def test_show_key_copies_through_a_pipe(cli):
    cli.run("auth", "set-key", input="it_clipboard00000abc")
    taken = cli.folder / "taken"
    done = cli.run("auth", "show-key", "--copy", **fake_clipboard(cli, f'cat > "{taken}"; echo "$@" >> "{taken}.arguments"'))
    assert done.returncode == 0 and done.stdout == "it_***...abc\n" and "clipboard" in done.stderr, done
    assert taken.read_text() == "it_clipboard00000abc"
    assert "it_" not in (cli.folder / "taken.arguments").read_text()
    broken = cli.run("auth", "show-key", "--copy", **fake_clipboard(cli, "exit 1"))
    assert broken.returncode == 1 and "--reveal" in broken.stderr and broken.stdout == ""


def test_logout_when_the_server_is_down(cli, new_edge):
    edge = new_edge().start()
    account = edge.register()
    flags = ["--server", edge.api, "--cacert", edge.cacert]
    assert cli.run("login", "-e", account.email, "--password-stdin", *flags, input=account.password).returncode == 0
    key = cli.run("auth", "show-key", "--reveal").stdout.strip()
    edge.stop()
    done = cli.run("logout")
    assert done.returncode == 0 and done.stdout == "✅ Logged out\n", done
    assert "removed here but not revoked" in done.stderr and re.search(r"auth keys revoke key_\w+", done.stderr)
    assert key not in cli.config_file.read_text() and cli.run("auth", "show-key").returncode == 3
    edge.start()
    assert edge.call("GET", "/v1/auth/user", key=key).status == 200, "nobody claimed otherwise"
