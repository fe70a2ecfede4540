"""`login` through a browser and with a device code, against a server whose every answer a test chooses."""

import json
import pathlib
import re
import signal
import socket
import threading
import time
import urllib.parse

import pexpect
import pytest
import secret_watch
from authorization_server import AuthorizationServer, visit
from ports import accepts
from process import wait_until

SCOPES = ["tunnels:read", "tunnels:write", "tunnels:delete", "tunnels:stats", "analytics:read", "logs:read", "alerts:read", "alerts:write",
          "account:read", "account:write", "billing:read", "keys:manage", "admin:read", "admin:write", "users:manage", "org:manage"]
TOKEN = "/oauth/token"


@pytest.fixture
def server(certificate):
    running = AuthorizationServer(certificate)
    yield running
    running.stop()


@pytest.fixture
def cli(new_cli):
    return new_cli()


class Login:
    """`login` with --json, waiting for a browser."""

    def __init__(self, cli, server, *flags, name="prints-login", **environment):
        self.server = server
        self.process = cli.start(name, "login", *(flags or ["--web"]), "--json", *flags_of(server), **environment)

    @property
    def url(self):
        return self.process.wait_event("login.browser")["url"]

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.url).query))

    @property
    def port(self):
        return urllib.parse.urlsplit(self.query["redirect_uri"]).port

    def visit(self, url=None, **options):
        return visit(url or self.url, self.server.cacert, **options)

    def redirect(self, **answer):
        return self.visit(self.server.redirect(self.query, **answer))

    def ends(self):
        code = self.process.wait(20)
        assert self.process.stderr == "", self.process.report()
        secret_watch.add_from_text(self.process.stdout)
        return code

    def error(self):
        return self.process.events("error")[0]


def flags_of(server):
    return ["--server", server.issuer, "--cacert", str(server.cacert)]


@pytest.fixture
def login(cli, server):
    return Login(cli, server)


def stored_key(cli):
    return cli.run("auth", "show-key", "--reveal").stdout.strip()


def test_the_browser_signs_in_and_the_key_is_stored(cli, server, login):
    page = login.visit()
    assert page.status == 200 and f"signed in as {server.email}" in page.text and "<script" not in page.text
    assert page.headers["Cache-Control"] == "no-store" and page.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert login.ends() == 0
    event = login.process.events("login")[0]
    (key, made), = server.keys.items()
    assert event == {"event": "login", "email": server.email, "server": server.issuer, "profile": "default", "api_key": key, "created": False}
    assert stored_key(cli) == key and cli.run("whoami").stdout.startswith(f"👤 User: {server.email}")
    assert made == {"name": f"CLI - {socket.gethostname()}", "permissions": SCOPES}
    assert not server.tokens and server.revoked[0].startswith("itr_"), "the tokens are ended"
    profile = json.loads(cli.config_file.read_text())["profiles"]["default"]
    assert profile["key_id"] == "key_1" and profile["email"] == server.email and profile["server"] == server.issuer
    assert not accepts(login.port)
    assert cli.run("logout").returncode == 0 and not server.keys, "a key that login made is revoked by logout"


def test_it_listens_on_the_loopback_address_only(login):
    port = login.port
    rows = [line.split() for table in ("tcp", "tcp6") for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port]
    assert listening == [f"0100007F:{port:04X}"]


def test_nothing_that_is_no_answer_disturbs_it(server, login):
    here = f"http://127.0.0.1:{login.port}"
    assert login.visit(here + "/").status == 404
    assert login.visit(here + "/cb").status == 400
    assert login.visit(server.redirect(login.query, code="stolen"), Host="evil.example.com").status == 404
    wrong = login.redirect(code="stolen", state="another-state")
    assert wrong.status == 400 and "goes on waiting" in wrong.text
    assert not server.asked(TOKEN), "no code but the right one is ever exchanged"
    assert login.visit().status == 200 and login.ends() == 0


def test_a_second_answer_is_told_that_the_first_was_used(server, login):
    arrived, go_on = threading.Event(), threading.Event()

    def slow(request):
        arrived.set()
        assert go_on.wait(20)
        return server.exchange(request)

    server.answers[TOKEN] = slow
    target = login.visit(follow=False).headers["Location"]
    pages = []
    first = threading.Thread(target=lambda: pages.append(login.visit(target)))
    first.start()
    assert arrived.wait(20)
    with socket.create_connection(("127.0.0.1", login.port)) as second:
        second.sendall(f"GET {target.partition(str(login.port))[2]} HTTP/1.1\r\nHost: 127.0.0.1:{login.port}\r\n\r\n".encode())
        go_on.set()
        second.settimeout(20)
        told = b"".join(iter(lambda: second.recv(65536), b"")).decode()
    first.join()
    assert told.startswith("HTTP/1.1 410 ") and "used already" in told
    assert pages[0].status == 200 and login.ends() == 0 and len(server.asked(TOKEN)) == 1


def test_saying_no_ends_it(cli, login):
    page = login.redirect(error="access_denied", error_description="The person said no")
    assert page.status == 200 and "You said no" in page.text
    assert login.ends() == 3
    assert (login.error()["code"], login.error()["message"]) == ("sign_in_denied", "You said no in the browser")
    assert not cli.config_file.exists()


@pytest.mark.parametrize("issuer", ["https://evil.example.com", None])
def test_the_answer_of_another_server_is_not_used(server, login, issuer):
    page = login.redirect(code="stolen", iss=issuer)
    assert page.status == 400 and login.ends() == 1
    assert "another server" in login.error()["message"] and not server.asked(TOKEN)


@pytest.mark.parametrize("answer,code,says", [
    ((400, {"error": "invalid_grant", "error_description": "x"}), 3, "came too late"),
    ((401, {"error": "invalid_client", "error_description": "No such client\u001b[31m"}), 1, "No such client?[31m"),
    ((500, {"error": "internal", "message": "Something went wrong"}), 1, "status 500"),
    ((429, {"error": "rate_limited", "message": "x", "retry_after": 7, "code": 4029}), 7, "rate limit"),
    ((200, "nonsense"), 1, "does not understand"),
    ((200, {"access_token": "", "token_type": "Bearer"}), 1, "does not understand"),
    (None, 5, "closed the connection"),
])
def test_a_token_that_is_not_given_is_told_in_terminal_and_browser(cli, server, login, answer, code, says):
    server.answers[TOKEN] = lambda r: answer
    page = login.visit()
    assert page.status == 400 and "Signing in failed" in page.text
    assert login.ends() == code and says in login.error()["message"], login.process.report()
    assert not cli.config_file.exists() and not server.keys


def test_a_key_that_cannot_be_stored_is_revoked(cli, server, login):
    cli.config_folder.mkdir(mode=0o700, exist_ok=True)
    (cli.config_folder / "config.json.lock").mkdir()
    login.visit()
    assert login.ends() == 1
    assert server.asked("/v1/auth/keys") and not server.keys and not server.tokens


def test_a_key_that_is_not_made_leaves_no_tokens(server, login):
    server.answers["/v1/auth/keys"] = lambda r: (403, {"error": "forbidden", "message": "x", "required_scope": "keys:manage", "code": 4003})
    assert "Signing in failed" in login.visit().text
    assert login.ends() == 4 and not server.tokens and server.revoked


def test_two_sign_ins_at_once_both_end_well(cli, server):
    logins = [Login(cli, server) for _ in range(2)]
    assert logins[0].port != logins[1].port and logins[0].query["state"] != logins[1].query["state"]
    crossed = logins[0].server.redirect(logins[1].query, code="x").replace(str(logins[1].port), str(logins[0].port))
    assert logins[0].visit(crossed).status == 400
    for one in reversed(logins):
        assert one.visit().status == 200 and one.ends() == 0
        assert stored_key(cli) == one.process.events("login")[0]["api_key"], "the later one wins"
    assert len(server.keys) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_waiting_leaves_nothing(cli, server, number):
    process = cli.start("login", "login", "--web", *flags_of(server))
    url = process.wait_text(r"If no browser opens, go to: (\S+)\n").group(1)
    process.wait_text("Ctrl\\+C stops")
    port = int(re.search(r"127\.0\.0\.1%3A(\d+)%2F", url).group(1))
    assert accepts(port)
    process.send(number)
    assert process.wait() == 130
    assert process.stderr.endswith("\nStopped: nobody was signed in\n") and process.stdout == ""
    assert not accepts(port) and not cli.config_file.exists()


def test_a_signal_while_the_server_works_ends_it_before_there_is_a_key(server, login):
    def interrupted(request):
        login.process.send(signal.SIGINT)
        # The signal is another thread's there: it has counted it when a second one would end the program.
        wait_until(lambda: "SigPnd:\t0000000000000000" in status() and "ShdPnd:\t0000000000000000" in status(), 10, "signal taken")
        return server.exchange(request)

    def status():
        return pathlib.Path(f"/proc/{login.process.pid}/status").read_text()

    server.answers[TOKEN] = interrupted
    page = login.visit()
    assert page.status == 200 and "stopped in the terminal" in page.text
    assert login.ends() == 130 and not server.keys and not server.tokens


def test_a_server_without_it_says_so(cli, server):
    del server.answers["/.well-known/oauth-authorization-server"]
    for flag in ("--web", "--device"):
        done = cli.run("login", flag, *flags_of(server))
        assert done.returncode == 6 and done.stdout == ""
        assert done.stderr == (f"Error: {server.issuer} has no sign-in with a browser or a device code. "
                               "Sign in with a password: instatunnel login -e EMAIL\n")


@pytest.mark.parametrize("member,value", [
    ("issuer", "https://evil.example.com"), ("token_endpoint", "https://evil.example.com/token"), ("authorization_endpoint", "http://localhost/authorize"),
    ("revocation_endpoint", "https://localhost@evil.example.com/revoke"), ("device_authorization_endpoint", "https://localhost:1/device")])
def test_a_server_that_sends_people_elsewhere_is_refused(cli, server, member, value):
    server.answers["/.well-known/oauth-authorization-server"] = lambda r: (200, {**server.description(), member: value})
    done = cli.run("login", "--web", *flags_of(server))
    assert done.returncode == 1 and "describes its sign-in wrongly" in done.stderr and "go to:" not in done.stderr
    assert len(server.requests) == 1


def test_contradictions_are_wrong_usage(cli, server):
    for words in (["--web", "--device"], ["--web", "-e", "a@b.c"], ["--device", "--password-stdin"], ["--web", "--register"], ["--device", "--otp", "1"]):
        done = cli.run("login", *words, *flags_of(server))
        assert done.returncode == 2 and done.stderr.startswith("Error: --"), done
    assert not server.requests


# --- on a terminal ---------------------------------------------------------------------------------------------------


def spawn(cli, *arguments, **environment):
    return pexpect.spawn(cli.binary, list(map(str, arguments)), env=cli.environment(**environment), encoding="utf-8", timeout=20, dimensions=(60, 400),
                         cwd=str(cli.folder))


@pytest.fixture
def browser(cli, server):
    """A program that goes where it is sent, as BROWSER names one."""
    script = cli.folder / "browser"
    script.write_text(f'#!/bin/sh\nexec curl -sSL --noproxy "*" --cacert "{server.cacert}" -o "{cli.folder}/page" "$1"\n')
    script.chmod(0o755)
    return str(script)


@pytest.mark.parametrize("words", [["login"], ["auth", "login"]])
def test_on_a_terminal_with_a_browser_nothing_has_to_be_typed(cli, server, browser, words):
    t = spawn(cli, *words, *flags_of(server), BROWSER=browser)
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 0
    key, = server.keys
    url = re.search(r"If no browser opens, go to: (\S+)\r\n", t.before).group(1)
    assert t.before == (f"Opening the browser to sign in at {server.issuer}\r\nIf no browser opens, go to: {url}\r\n"
                        "Waiting for the browser; Ctrl+C stops. No browser on this machine? instatunnel login --device\r\n"
                        f"✅ Login successful\r\n🔑 API Key: {key}\r\nSigned in as {server.email} at {server.issuer}\r\n")
    assert stored_key(cli) == key
    wait_until(lambda: (cli.folder / "page").exists() and "Signed in" in (cli.folder / "page").read_text(), 20, "page")


def test_on_a_terminal_without_one_it_asks_as_ever(cli, server):
    t = spawn(cli, "login", *flags_of(server))
    t.expect_exact("📧 Email: ")
    assert t.before == "" and not server.requests
    t.sendintr()
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 130


def test_a_terminal_that_goes_away_ends_it(cli, server):
    t = spawn(cli, "login", "--web", *flags_of(server))
    t.expect(r"127\.0\.0\.1%3A(\d+)%2F")
    port = int(t.match.group(1))
    t.expect_exact("Ctrl+C stops")
    assert accepts(port)
    t.close(force=False)
    wait_until(lambda: not accepts(port), 20, "end of the listener")
    wait_until(lambda: not t.isalive(), 20, "end of the program")


def test_an_account_with_a_second_factor_is_asked_for_the_code(cli, server):
    key = "it_" + "k" * 16
    secret_watch.add(key)

    def log_in(request):
        if request.json["password"] != "correct horse battery 17":
            return 401, {"error": "unauthorized", "message": "Wrong email or password", "code": 4001, "reason": "wrong_password"}
        if request.json.get("otp") == "123456":
            return 200, {"api_key": key, "user": {"id": "user_1", "email": server.email, "name": ""}, "key": {"id": "key_7"}}
        reason = "otp_wrong" if "otp" in request.json else "otp_required"
        return 401, {"error": "unauthorized", "message": "A code is needed", "code": 4001, "reason": reason}

    server.answers["/v1/auth/login"] = log_in
    t = spawn(cli, "login", "-e", server.email, *flags_of(server))
    for hidden, shown, typed in (("🔒 Password: ", "********\r\n", "correct horse battery 17"), ("🔢 Code: ", "000000\r\n", "000000"),
                                 ("The code is wrong, or was used before\r\n🔢 Code: ", "123456\r\n", "123456")):
        t.expect_exact(hidden)
        t.sendline(typed)
        t.expect_exact(shown)
    t.expect(pexpect.EOF)
    t.close()
    assert t.exitstatus == 0 and t.before == f"✅ Login successful\r\n🔑 API Key: {key}\r\n"

    piped = ["login", "-e", server.email, "--password-stdin", *flags_of(server)]
    refused = cli.run(*piped, input="correct horse battery 17\n")
    assert refused.returncode == 3 and "--otp CODE" in refused.stderr
    assert cli.run(*piped, "--otp", "123456", input="correct horse battery 17\n").returncode == 0
    wrong = cli.run(*piped, "--otp", "999999", input="correct horse battery 17\n")
    assert wrong.returncode == 3 and "The code of the second factor is wrong" in wrong.stderr


# --- with a device code ----------------------------------------------------------------------------------------------


def pending(request):  # pylint: disable=unused-argument
    return 400, {"error": "authorization_pending", "error_description": "The person has not decided"}


def test_a_device_waits_as_long_as_it_is_told_and_gets_its_key(cli, server):
    answers = [pending, lambda r: (400, {"error": "slow_down"}), server.exchange]
    times = []

    def poll(request):
        times.append(time.monotonic())
        return answers[len(times) - 1](request)

    server.answers[TOKEN] = poll
    done = cli.run("login", "--device", *flags_of(server))
    assert done.returncode == 0, done
    assert done.stdout == f"✅ Login successful\n🔑 API Key: {next(iter(server.keys))}\n"
    assert done.stderr == (f"On any device with a browser, go to: {server.issuer}/device\nand type this code: WDJB-MJHT\n"
                           f"Waiting for your answer there, for 10 minutes; Ctrl+C stops\nSigned in as {server.email} at {server.issuer}\n")
    assert times[1] - times[0] >= 0.9 and times[2] - times[1] >= 5.9, times
    assert stored_key(cli) in server.keys and not server.tokens
    assert server.asked("/oauth/device_authorization")[0].form == {"client_id": "instatunnel-cli", "scope": "*"}


def test_a_device_tells_its_code_as_an_object(cli, server):
    device = Login(cli, server, "--device")
    assert device.ends() == 0
    told, stored = device.process.events()
    assert told == {"event": "login.device", "user_code": "WDJB-MJHT", "verification_uri": server.issuer + "/device",
                    "verification_uri_complete": server.issuer + "/device?user_code=WDJB-MJHT", "expires_in": 600}
    assert stored["event"] == "login" and server.device_code not in device.process.stdout


@pytest.mark.parametrize("error,says", [("access_denied", "You said no in the browser"), ("expired_token", "Nobody typed the code in time")])
def test_a_device_that_is_refused_says_why(cli, server, error, says):
    server.answers[TOKEN] = lambda r: (400, {"error": error})
    done = cli.run("login", "--device", *flags_of(server))
    assert done.returncode == 3 and f"Error: {says}. Start again" in done.stderr, done
    assert not cli.config_file.exists()


def test_a_device_stops_when_its_code_has_run_out(cli, server):
    server.expires_in, server.answers[TOKEN] = 2, pending
    done = cli.run("login", "--device", *flags_of(server))
    assert done.returncode == 3 and "Error: Nobody typed the code in time. Start again: instatunnel login --device\n" in done.stderr, done
    assert 1 <= len(server.asked(TOKEN)) <= 3


def test_a_device_goes_on_after_a_failure_of_the_network(cli, server):
    answers = [lambda r: None, lambda r: (503, {"error": "temporarily_unavailable"}), server.exchange]
    server.answers[TOKEN] = lambda r: answers.pop(0)(r)
    done = cli.run("login", "--device", *flags_of(server))
    assert done.returncode == 0 and done.stderr.count("trying again until the code runs out") == 1, done


def test_a_signal_ends_the_waiting_of_a_device(cli, server):
    server.answers[TOKEN], server.interval = pending, 60
    process = cli.start("login", "login", "--device", *flags_of(server))
    process.wait_text("Ctrl\\+C stops")
    process.send(signal.SIGINT)
    assert process.wait() == 130 and process.stderr.endswith("\nStopped: nobody was signed in\n")


def test_a_person_sees_a_qr_code_where_the_terminal_can_show_it(cli, server):
    def screen(**environment):
        t = spawn(cli, "login", "--device", *flags_of(server), **environment)
        t.expect(pexpect.EOF)
        t.close()
        assert t.exitstatus == 0
        return t.before

    assert "████" in screen(LANG="C.UTF-8")
    assert "█" not in screen(LANG="C") and "█" not in screen(LANG="C.UTF-8", LC_ALL="C")
    piped = cli.run("login", "--device", *flags_of(server), LANG="C.UTF-8")
    assert "█" not in piped.stderr + piped.stdout
