"""`login` through a browser and with a device code against the service itself, and the owner's commands for apps."""

import json
import subprocess
import urllib.parse
import urllib.request

from form_browser import FormBrowser
from oauth_app import CALLBACK, OAuthApp
from process import clean_environment
import secret_watch


def signed_in(edge):
    browser = FormBrowser(edge)
    assert browser.sign_in(edge.owner).status == 200
    return browser


def path_of(address):
    parts = urllib.parse.urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def check_signed_in(edge, cli, process):
    done = process.wait_event("login", 30)
    secret_watch.add(done["api_key"])
    assert process.wait(20) == 0
    assert done["email"] == edge.owner.email
    me = edge.call("GET", "/v1/auth/user", key=done["api_key"]).json()
    assert me["key"]["name"].startswith("CLI - ") and len(me["permissions"]) == 16
    assert cli.run("auth", "status").stdout.startswith("Current API Key: it_***...")
    assert edge.call("GET", "/v1/oauth/grants", key=done["api_key"]).status == 200


def test_a_browser_on_this_computer_signs_the_command_line_in(edge, new_cli):
    cli = new_cli(edge)
    process = cli.start("prints-login", "login", "--web", "--json", *cli.server())
    browser = signed_in(edge)
    asked = browser.open(path_of(process.wait_event("login.browser", 20)["url"]))
    assert "InstaTunnel command line" in asked.heading, asked
    back = browser.submit(asked, "/v1/oauth/authorize", "allow")
    assert back.location.startswith("http://127.0.0.1:"), back
    with urllib.request.urlopen(back.location, timeout=20) as page:
        assert page.status == 200
    check_signed_in(edge, cli, process)


def test_a_device_code_signs_the_command_line_in(edge, new_cli):
    cli = new_cli(edge)
    process = cli.start("prints-login", "login", "--device", "--json", *cli.server())
    shown = process.wait_event("login.device", 20)
    browser = signed_in(edge)
    page = browser.open(path_of(shown["verification_uri_complete"]))
    assert page.form("/device").value("user_code") == shown["user_code"]
    question = browser.submit(page, "/device")
    assert "InstaTunnel command line" in question.reply.text
    browser.submit(question, "/device", "allow")
    check_signed_in(edge, cli, process)


def test_a_no_in_the_browser_is_told_on_the_command_line(edge, new_cli):
    cli = new_cli(edge)
    process = cli.start("prints-login", "login", "--web", "--json", *cli.server())
    browser = signed_in(edge)
    asked = browser.open(path_of(process.wait_event("login.browser", 20)["url"]))
    back = browser.submit(asked, "/v1/oauth/authorize", "deny")
    urllib.request.urlopen(back.location, timeout=20).close()
    assert process.wait(20) not in (0, None)
    assert not cli.config_file.exists() or "it_" not in cli.config_file.read_text(encoding="utf-8")


def admin(edge, *arguments):
    done = subprocess.run([edge.binary, "admin", "oauth-client", *arguments, "--data", edge.data, "--json"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env=clean_environment(edge.home), check=False)
    secret_watch.add_from_text(done.stdout)
    return done.returncode, json.loads(done.stdout.splitlines()[0])


def test_the_owner_registers_lists_and_removes_apps(edge):
    code, made = admin(edge, "add", "--name", "Web app", "--redirect-uri", CALLBACK)
    assert code == 0 and made["client_secret"].startswith("its_")
    secret_watch.add(made["client_secret"])
    app = OAuthApp(edge, made["id"], made["client_secret"], CALLBACK)
    tokens = app.tokens(signed_in(edge))
    token = tokens["access_token"] if isinstance(tokens, dict) else tokens.json()["access_token"]
    assert edge.call("GET", "/v1/tunnels", key=token).status == 200
    assert made["id"] in [row["id"] for row in admin(edge, "ls")[1]["clients"]]
    assert admin(edge, "rm", made["id"])[0] == 0
    assert admin(edge, "rm", made["id"])[0] == 6
    assert admin(edge, "add", "--name", "Bad", "--redirect-uri", "http://example.com/cb")[0] == 2
