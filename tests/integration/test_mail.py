"""Links by mail: verifying addresses, choosing passwords, through a real SMTP server with and without TLS and sign-in."""

import re
import urllib.parse

import pytest
from ports import free_port

from certificates import self_signed
from edge import Cli, Tunnel
from mail_server import MailServer


@pytest.fixture
def mail_server():
    running = []

    def start(**options):
        running.append(MailServer(**options))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def mailing(new_edge, mail_server):
    """An open edge and its mail server."""
    server = mail_server()
    edge = new_edge(["--dev", "--sign-up", "open", "--smtp-url", f"smtp://127.0.0.1:{server.port}",
                     "--mail-from", "The Edge <edge@t.example.com>"]).start()
    return edge, server


def page(edge, method, link, form=None):
    options = ["-X", method]
    for name, value in (form or {}).items():
        options += ["--data-urlencode", f"{name}={value}"]
    return edge.call(method, link[len(edge.api):], None, None, *options[2:])


def login(edge, email, password):
    return edge.call("POST", "/v1/auth/login", {"email": email, "password": password}).status


def test_a_registration_is_confirmed_by_the_button_behind_the_link(mailing):
    edge, server = mailing
    account = edge.register()
    mail = server.newest(account.email)
    assert mail.sender == "edge@t.example.com"
    assert mail.field("From") == '"The Edge" <edge@t.example.com>'
    assert mail.field("To") == account.email
    assert mail.field("Subject") == "Confirm your email address for localhost"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", mail.field("Date"))
    assert mail.field("Message-ID").endswith("@t.example.com>") and mail.field("Auto-Submitted") == "auto-generated"
    assert mail.link.startswith(edge.api + "/auth/verify?token=")

    for _ in range(3):  # as a program would that looks into mails
        seen = page(edge, "GET", mail.link)
        assert seen.status == 200 and "<form" in seen.text and "<script" not in seen.text
        policy = seen.header("Content-Security-Policy")
        assert policy.startswith("default-src 'none';") and "frame-ancestors 'none'" in policy
        assert seen.header("Referrer-Policy") == "no-referrer" and seen.header("Cache-Control") == "no-store"
        assert seen.header("X-Frame-Options") == "DENY" and seen.header("Content-Type").startswith("text/html")
    assert edge.call("GET", "/v1/auth/user", key=account.key).json()["email_verified"] is False
    done = page(edge, "POST", edge.api + "/auth/verify", {"token": mail.token})
    assert "Your address is confirmed" in done.text
    assert edge.call("GET", "/v1/auth/user", key=account.key).json()["email_verified"] is True
    assert "does not work any more" in page(edge, "POST", edge.api + "/auth/verify", {"token": mail.token}).text


def test_a_password_is_chosen_by_the_form_behind_the_link(mailing):
    edge, server = mailing
    account = edge.register()
    assert edge.call("POST", "/v1/auth/password/reset-request", {"email": account.email}).status == 202
    mail = server.newest(account.email, count=2)
    assert mail.field("Subject") == "Choose a new password for localhost"
    assert "<form" in page(edge, "GET", mail.link).text
    weak = page(edge, "POST", edge.api + "/auth/reset", {"token": mail.token, "password": "password1"})
    assert "too easy to guess" in weak.text and mail.token in weak.text
    done = page(edge, "POST", edge.api + "/auth/reset", {"token": mail.token, "password": "gravity & falls = up"})
    assert "1 API key has ended" in done.text
    assert login(edge, account.email, account.password) == 401
    assert login(edge, account.email, "gravity & falls = up") == 200
    assert edge.call("GET", "/v1/auth/user", key=account.key).json()["reason"] == "revoked_key"
    again = edge.call("POST", "/v1/auth/password/reset", {"token": mail.token, "password": "gravity falls down"})
    assert (again.status, again.json()["field"]) == (422, "token")
    data = b"".join(p.read_bytes() for p in edge.data.iterdir() if p.is_file())
    assert mail.token.encode() not in data


def test_asking_for_a_reset_tells_nothing_about_who_has_an_account(mailing):
    edge, server = mailing
    account = edge.register()
    server.newest(account.email)
    known = edge.call("POST", "/v1/auth/password/reset-request", {"email": account.email})
    unknown = edge.call("POST", "/v1/auth/password/reset-request", {"email": "nobody@example.com"})
    assert (known.status, known.body) == (unknown.status, unknown.body) == (202, known.body)
    server.newest(account.email, count=2)
    assert all(m.recipients == [account.email] for m in server.mails)


def test_an_email_alone_gets_an_account_and_the_link_to_its_password(mailing):
    edge, server = mailing
    made = edge.call("POST", "/auth/register", {"email": "alone@example.com"})
    assert made.status == 201
    mail = server.newest("alone@example.com")
    assert mail.field("Subject") == "Your account at localhost" and "/auth/reset?token=" in mail.link
    done = edge.call("POST", "/v1/auth/password/reset", {"token": mail.token, "password": "gravity falls up", "revoke_keys": "none"})
    assert done.status == 200 and done.json() == {"revoked_keys": 0}
    assert login(edge, "alone@example.com", "gravity falls up") == 200
    user = edge.call("GET", "/v1/auth/user", key=made.json()["api_key"]).json()
    assert user["email_verified"] is True, "who has the link from the mailbox reads the mailbox"


def test_only_verified_accounts_open_tunnels_where_that_is_asked_for(new_edge, mail_server, new_cli, app):
    server = mail_server()
    edge = new_edge(["--dev", "--smtp-url", f"smtp://127.0.0.1:{server.port}", "--require-verified-email"]).start()
    account = edge.register()
    cli = new_cli(edge)
    done = cli.run(str(app.port), "--subdomain", "wanted", *cli.server(), INSTATUNNEL_API_KEY=account.key)
    assert done.returncode == 4 and "not verified" in done.stderr, done
    server.newest(account.email)
    assert edge.call("POST", "/v1/auth/verify-email/resend", key=account.key).status == 202
    token = server.newest(account.email, count=2).token
    assert edge.call("POST", "/v1/auth/verify-email", {"token": token}).status == 200
    t = Tunnel(cli, app.port, name="wanted", key=account.key)
    assert t.get("/status/200").status == 200
    t.process.kill()


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "smtps"])
def test_mails_go_through_tls_with_a_user_and_a_password(new_edge, mail_server, folder, implicit):
    certificate = self_signed(folder / "mail-tls")
    server = mail_server(certificate=certificate, implicit=implicit, credentials=("edge@t.example.com", "pass word/1:@"))
    (folder / "password.txt").write_text("pass word/1:@\n", encoding="ascii")
    (folder / "password.txt").chmod(0o600)
    scheme = "smtps" if implicit else "smtp"
    edge = new_edge(["--dev", "--smtp-url", f"{scheme}://edge%40t.example.com@localhost:{server.port}",
                     "--smtp-password-file", str(folder / "password.txt"), "--smtp-cacert", str(certificate[0])]).start()
    account = edge.register()
    mail = server.newest(account.email)
    assert mail.tls and mail.user == "edge@t.example.com"


def test_a_mail_server_that_nobody_vouches_for_gets_no_mail(new_edge, mail_server, folder):
    server = mail_server(certificate=self_signed(folder / "mail-tls"))
    edge = new_edge(["--dev", "--smtp-url", f"smtp://localhost:{server.port}"]).start()
    edge.register()
    edge.process.wait_text("mail.not_sent.*certificate is not trusted")
    assert server.mails == []


def test_a_wrong_mail_password_is_told_in_the_log_without_it(new_edge, mail_server, folder):
    certificate = self_signed(folder / "mail-tls")
    server = mail_server(certificate=certificate, credentials=("edge", "the right one"))
    edge = new_edge(["--dev", "--smtp-url", f"smtp://edge:the%20wrong%20one@localhost:{server.port}", "--smtp-cacert", str(certificate[0])]).start()
    edge.register()
    edge.process.wait_text("mail.not_sent.*user or password")
    assert "wrong one" not in edge.process.stderr and "wrong%20one" not in edge.process.stderr
    assert server.mails == []


def test_a_mail_password_on_the_command_line_draws_a_warning(new_cli, folder):
    started = new_cli().start("serve", "serve", "--dev", "--listen", f"127.0.0.1:{free_port()}", "--data", folder / "data",
                              "--smtp-url", "smtp://edge:a%20secret%20word@127.0.0.1:9")
    started.wait_text("can be seen by others")
    assert "secret" not in started.stderr
    assert started.stop() == 0


def test_a_mail_that_is_not_taken_now_is_tried_again_and_one_that_is_refused_is_not(mailing):
    edge, server = mailing
    server.answers.append("451 try later")
    account = edge.register()
    assert server.newest(account.email).token
    assert server.tries == 2
    server.answers.append("550 no")
    refused = edge.register()
    edge.process.wait_text("mail.dropped.*refused")
    other = edge.register()
    server.newest(other.email)
    assert not [m for m in server.mails if m.recipients == [refused.email]] and server.tries == 4


def test_an_edge_without_a_mail_server_that_answers_still_answers(new_edge, mail_server):
    server = mail_server()
    server.stop()
    edge = new_edge(["--dev", "--smtp-url", f"smtp://127.0.0.1:{server.port}"]).start()
    account = edge.register()
    assert edge.call("POST", "/v1/auth/password/reset-request", {"email": account.email}).status == 202
    edge.process.wait_text("mail.not_sent.*does not accept connections")
    assert edge.stop(limit=10) == 0, "mails that wait do not hold up the end"


@pytest.mark.parametrize("flags", [
    ["--smtp-url", "mail.example.com"], ["--smtp-url", "smtp://u:secret-word@host:0"], ["--mail-from", "a@b.c"],
    ["--smtp-url", "smtp://localhost", "--mail-from", "a@b.c\r\nBcc: x@y.z"],
    ["--smtp-url", "smtp://localhost", "--smtp-password-file", "/nonexistent"]])
def test_mail_flags_that_cannot_be_used_are_refused_at_the_start(binary, folder, flags):
    done = Cli(binary, folder / "cli").run("serve", "--dev", "--listen", "127.0.0.1:0", *flags)
    assert done.returncode in (1, 2) and done.stderr.startswith("Error: "), done
    assert "secret-word" not in done.stderr


def test_a_dev_edge_logs_the_links(edge):
    account = edge.register()
    found = edge.process.wait_text(rf"account.link email={re.escape(account.email)} link=\"?(https://\S+token=[A-Za-z0-9]{{43}})")
    token = urllib.parse.parse_qs(urllib.parse.urlsplit(found.group(1)).query)["token"][0]
    assert edge.call("POST", "/v1/auth/verify-email", {"token": token}).status == 200


def test_the_owner_prints_a_reset_link_while_the_edge_runs(edge, folder):
    account = edge.register()
    done = Cli(edge.binary, folder / "admin", edge).run("admin", "user", "reset-link", account.email, "--data", edge.data)
    assert done.returncode == 0, done
    link = done.stdout.strip()
    assert link.startswith(edge.api + "/auth/reset?token="), link
    assert "<form" in page(edge, "GET", link).text
    token = link.partition("token=")[2]
    assert "is saved" in page(edge, "POST", edge.api + "/auth/reset", {"token": token, "password": "gravity falls up"}).text
    assert login(edge, account.email, "gravity falls up") == 200
