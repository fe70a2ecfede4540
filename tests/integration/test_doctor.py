"""`instatunnel doctor`: each thing that can be wrong is found, named, and told with the line that mends it."""

import email.utils
import json
import os
import re
import stat
import threading
import time

import pytest

from certificates import Authority, self_signed
from local_apps import ByteApp, HttpApp, RecordingApp
from mcp_apps import McpApp
from ports import free_port

UNKNOWN_KEY = "it_0123456789abcdef"
NETWORK = ["dns", "tcp", "proxy", "tls", "api", "clock", "account", "plan", "transport"]


class Found:
    """A report of `doctor --json`."""

    def __init__(self, done):
        lines = done.stdout.splitlines()
        assert len(lines) == 1, done
        self.done, self.report = done, json.loads(lines[0])
        self.checks = {c["id"]: c for c in self.report["checks"]}
        assert done.returncode == self.report["exit_code"], done

    def __getitem__(self, name):
        return self.checks[name]

    def states(self, *names):
        return [self.checks[n]["state"] for n in names]

    def expect(self, name, state, *words):
        """The check has this state and its texts hold these words; what is wrong says how it is mended."""
        check = self.checks[name]
        assert check["state"] == state, check
        text = " ".join(check[part] or "" for part in ("found", "cause", "mend"))
        for word in words:
            assert word in text, (word, check)
        if state in ("failed", "warning"):
            assert check["cause"] and check["mend"], check
        return check


@pytest.fixture
def doctor(cli):
    """doctor(*flags, server=…, key=…): the report of a run against the shared edge, or another server."""

    def run(*flags, server=None, key=None, **environment):
        key = cli.edge.owner.key if key is None else key
        if key:
            environment["INSTATUNNEL_API_KEY"] = key
        return Found(cli.run("doctor", "--json", *flags, *(cli.server() if server is None else server), limit=60, **environment))

    return run


def answer(connection, status, body, *fields):
    head = "".join(f"{field}\r\n" for field in (f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close", *fields))
    connection.sendall(head.encode() + b"\r\n" + body)


class FakeApi(ByteApp):
    """A server that knows /v1/meta and /v1/auth/user, or what `replies` says: path -> (status, body)."""

    META = {"version": "9.9.9", "domain": "example.com", "transports": ["v2"], "support": None}
    USER = {"id": "user_1", "email": "ann@example.com", "name": "Ann", "plan": "free", "permissions": ["tunnels:*"], "usage": {},
            "limits": {"tunnels": 1, "mcp": False}, "key": {"id": "key_1", "name": "k", "expires_at": None}}

    def __init__(self, certificate, replies=None, date=None):
        self.replies = {"/v1/meta": (200, self.META), "/v1/auth/user": (200, self.USER), **(replies or {})}
        self.date = date
        super().__init__(self._answer, certificate=certificate)

    def _answer(self, connection, _):
        data = b""
        while b"\r\n\r\n" not in data:
            part = connection.recv(65536)
            if not part:
                return
            data += part
        status, body = self.replies.get(data.split(b" ")[1].decode(), (404, {}))
        fields = [] if self.date is None else [f"Date: {email.utils.formatdate(time.time() + self.date, usegmt=True)}"]
        answer(connection, status, json.dumps(body).encode(), *fields)


@pytest.fixture
def fake_api(new_app, folder):
    """fake_api(replies, date=seconds): a FakeApi, with the flags that name it as `.flags`."""

    def start(replies=None, date=None):
        certificate = self_signed(folder / "fake")
        api = new_app(FakeApi, certificate=certificate, replies=replies, date=date)
        api.flags = ["--server", f"https://localhost:{api.port}", "--cacert", str(certificate[0])]
        return api

    return start


# --- all is well -------------------------------------------------------------------------------------------------------


def test_all_is_well(doctor, cli, app):
    found = doctor("--port", app.port)
    assert found.done.returncode == 0
    assert list(found.checks) == ["version", "configuration", "key", *NETWORK, "port", "host"]
    assert set(found.states(*found.checks)) == {"ok"}
    assert found["dns"]["found"].startswith("api.localhost: 127.0.0.1; ")
    assert re.match(r"TLSv1\.3, certificate valid until \d{4}-\d\d-\d\d, issued by ", found["tls"]["found"])
    assert "v2: the edge answers a handshake in" in found["transport"]["found"]
    found.expect("account", "ok", "d***@localhost", "16 permissions")
    found.expect("port", "ok", f"localhost:{app.port} on IPv4 answers GET / with status 200")
    assert found["key"]["found"] == f"it_***...{cli.edge.owner.key[-3:]} from INSTATUNNEL_API_KEY"


def test_the_report_has_the_documented_form(doctor, recorder):
    report = doctor("--port", recorder.port, "--mcp").report
    assert list(report) == ["event", "ok", "version", "server", "support", "checks", "summary", "exit_code", "took_ms"]
    assert report["event"] == "doctor.report" and isinstance(report["took_ms"], int)
    assert list(report["summary"]) == ["ok", "warning", "failed", "skipped"]
    assert sum(report["summary"].values()) == len(report["checks"])
    assert report["ok"] == (report["summary"]["failed"] == 0)
    for check in report["checks"]:
        assert list(check) == ["id", "title", "state", "found", "cause", "mend", "code", "took_ms"]
        assert check["state"] in report["summary"]


def test_people_get_a_line_for_each_check(cli, app):
    done = cli.run("doctor", "--port", app.port, *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
    assert done.returncode == 0 and done.stderr == "", done
    lines = done.stdout.splitlines()
    assert lines[0].startswith("+ Program        instatunnel ") and "\x1b" not in done.stdout
    assert re.fullmatch(r"14 ok, 0 warnings, 0 failed, 0 skipped in \S+", lines[-1]), done.stdout
    marked = cli.run("doctor", "--port", app.port, *cli.server(), INSTATUNNEL_API_KEY=UNKNOWN_KEY, LANG="C.UTF-8")
    assert "✓ TLS " in marked.stdout and "\n✗ Account" in marked.stdout and "\n    → " in marked.stdout
    assert "\n– Transport      skipped: " in marked.stdout


def test_nothing_is_left_behind_at_the_server(doctor, cli):
    before = cli.edge.call("GET", "/v1/tunnels", key=cli.edge.owner.key).json()
    assert doctor()["transport"]["state"] == "ok"
    assert cli.edge.call("GET", "/v1/tunnels", key=cli.edge.owner.key).json() == before
    assert cli.edge.call("GET", "/v1/names", key=cli.edge.owner.key).json()["names"] == []


def test_the_owners_contact_is_shown(edge_with, new_cli):
    edge = edge_with("--support-contact", "help@example.com")
    done = new_cli(edge).run("doctor", "--server", edge.api, "--cacert", edge.cacert, INSTATUNNEL_API_KEY=edge.owner.key)
    assert "\nQuestions about this server: help@example.com\n" in done.stdout, done


# --- configuration and key ---------------------------------------------------------------------------------------------


def test_no_key(doctor):
    found = doctor(key="")
    assert found.done.returncode == 3
    assert found.expect("key", "failed", "No API key found", "instatunnel login")["code"] == "no_key"
    assert found.states("api", "clock", "account", "plan", "transport") == ["ok", "ok", "skipped", "skipped", "skipped"]


def test_a_malformed_key(doctor):
    found = doctor(key="it_short")
    assert found.done.returncode == 2
    found.expect("key", "failed", "INSTATUNNEL_API_KEY", "5 characters")


def test_a_key_that_the_server_does_not_know(doctor):
    found = doctor(key=UNKNOWN_KEY)
    assert found.done.returncode == 3
    found.expect("account", "failed", "does not know", "it_***...def", "INSTATUNNEL_API_KEY")
    assert found.states("key", "plan", "transport") == ["ok", "skipped", "skipped"]


def test_a_key_that_opens_no_tunnels(doctor, cli):
    made = cli.edge.call("POST", "/v1/auth/keys", {"name": "reader", "permissions": ["tunnels:read"]}, key=cli.edge.owner.key).json()
    found = doctor(key=made["key"])
    assert found.done.returncode == 4
    found.expect("account", "ok", "permissions tunnels:read")
    found.expect("plan", "failed", "tunnels:write")
    assert found["transport"]["state"] == "skipped"


def test_a_key_that_ends_soon(doctor, cli):
    wish = {"name": "short", "permissions": ["tunnels:*"], "expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))}
    made = cli.edge.call("POST", "/v1/auth/keys", wish, key=cli.edge.owner.key).json()
    found = doctor(key=made["key"])
    assert found.done.returncode == 0
    found.expect("account", "warning", wish["expires_at"], "ends soon")


def test_a_broken_configuration(cli, doctor):
    cli.config_folder.mkdir(mode=0o700)
    cli.config_file.write_text('{"profiles": ')
    cli.config_file.chmod(0o600)
    found = doctor()
    assert found.done.returncode == 1
    found.expect("configuration", "failed", str(cli.config_file))
    # What flags and variables say is looked at all the same.
    assert set(found.states("key", *NETWORK)) == {"ok"}
    found = doctor(server=[], key="")
    assert set(found.states("key", *NETWORK)) == {"skipped"}


def test_a_configuration_that_others_can_read(cli, doctor):
    cli.run("auth", "set-key", *cli.server(), input=cli.edge.owner.key)
    assert doctor(server=[], key="").done.returncode == 0
    cli.config_folder.chmod(0o755)
    found = doctor(server=[], key="")
    assert found.done.returncode == 0
    found.expect("configuration", "warning", "0755", f"chmod 700 {cli.config_folder}")
    cli.config_folder.chmod(0o700)
    cli.config_file.chmod(0o644)
    found = doctor(server=[], key="")
    assert found.done.returncode == 1
    found.expect("configuration", "failed", f"chmod 600 {cli.config_file}")
    assert stat.S_IMODE(os.stat(cli.config_file).st_mode) == 0o644  # it only looks


def test_a_malformed_variable(doctor):
    found = doctor(server=[], INSTATUNNEL_SERVER="not a url")
    assert found.done.returncode == 2
    found.expect("configuration", "failed", "INSTATUNNEL_SERVER")
    assert set(found.states(*NETWORK)) == {"skipped"}


@pytest.mark.parametrize("flags", [("--port", "0"), ("--port", "70000"), ("--port", "localhost:3000"), ("--server", "http://localhost")])
def test_wrong_usage(cli, flags):
    done = cli.run("doctor", *flags)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.startswith("Error: "), done


# --- the way to the server ---------------------------------------------------------------------------------------------


def test_a_name_that_does_not_exist(doctor):
    found = doctor(server=["--server", "https://api.doctor.invalid"])
    assert found.done.returncode == 5
    assert found.expect("dns", "failed", "api.doctor.invalid")["code"] == "name_not_resolved"
    assert set(found.states(*NETWORK[3:])) == {"skipped"} and found["tcp"]["state"] == "skipped"


def test_a_port_that_refuses(doctor):
    port = free_port()
    found = doctor(server=["--server", f"https://localhost:{port}"])
    assert found.done.returncode == 5
    found.expect("tcp", "failed", f"port {port}", "127.0.0.1: Connection refused", "instatunnel serve --dev")
    assert set(found.states(*NETWORK[3:])) == {"skipped"}


def test_proxies_are_not_used_and_that_is_said(doctor):
    port = free_port()
    proxy = {"HTTPS_PROXY": "http://user:hunter2hunter2@proxy.example:3128"}
    found = doctor(**proxy)
    found.expect("proxy", "ok", "HTTPS_PROXY is set (proxy.example:3128)", "is not used")
    assert "hunter2" not in found.done.stdout + found.done.stderr
    gone = ["--server", f"https://localhost:{port}"]
    found = doctor(server=gone, **proxy)
    found.expect("proxy", "warning", "connects directly")
    found.expect("tcp", "failed")
    assert doctor(server=gone, NO_PROXY="localhost", **proxy)["proxy"]["state"] == "ok"


def test_an_unknown_authority_is_named(doctor, cli):
    found = doctor(server=["--server", cli.edge.api])
    assert found.done.returncode == 5
    check = found.expect("tls", "failed", "unknown authority", "certificate issued by ", "config set cacert FILE")
    assert check["code"] == "tls_untrusted"
    assert set(found.states("api", "clock", "account", "plan", "transport")) == {"skipped"}


@pytest.mark.parametrize("name, start, end, words", [
    ("localhost", "20200101000000Z", "20240101000000Z", ("expired on 2024-01-01", "clock")),
    ("localhost", "20390101000000Z", "20400101000000Z", ("valid from 2039-01-01 only", "clock")),
    ("api.other.example", "20200101000000Z", "20400101000000Z", ("for another name: api.other.example", "--server")),
], ids=["expired", "not-yet-valid", "other-name"])
def test_certificates_that_do_not_fit(doctor, new_app, folder, name, start, end, words):
    authority = Authority(folder / "authority", "Some Authority")
    server = new_app(FakeApi, certificate=authority.sign(name, start, end))
    found = doctor(server=["--server", f"https://localhost:{server.port}", "--cacert", authority.pem])
    assert found.done.returncode == 5
    found.expect("tls", "failed", "certificate issued by Some Authority", *words)


def test_what_is_no_tls(doctor, new_app):
    plain = new_app(ByteApp, serve=lambda connection, _: answer(connection, 400, b"speak HTTP"))
    found = doctor(server=["--server", f"https://localhost:{plain.port}"])
    assert found.done.returncode == 5
    found.expect("tls", "failed", "not TLS")


def test_a_server_that_accepts_and_is_silent(doctor, new_app):
    over = threading.Event()
    silent = new_app(ByteApp, serve=lambda connection, _: over.wait(120))
    found = doctor(server=["--server", f"https://localhost:{silent.port}"])
    over.set()
    assert found.done.returncode == 5
    assert found.expect("tls", "failed")["code"] == "tls_handshake_timeout"


def test_an_api_that_is_silent(doctor, new_app, folder):
    over = threading.Event()
    certificate = self_signed(folder / "silent")
    silent = new_app(ByteApp, serve=lambda connection, _: over.wait(120), certificate=certificate)
    found = doctor(server=["--server", f"https://localhost:{silent.port}", "--cacert", certificate[0]])
    over.set()
    assert found.done.returncode == 5
    assert found.expect("api", "failed")["code"] == "connect_timeout"
    assert found["tls"]["state"] == "ok" and found["transport"]["state"] == "skipped"


def test_where_v2_is_cut_off_v1_is_tried(doctor, fake_api):
    found = doctor(server=fake_api({"/v1/meta": (200, {**FakeApi.META, "transports": ["v2", "v1"]}), "/tunnels": (200, [])}).flags)
    found.expect("transport", "warning", "v1 alone", "Transport v2 fails", "ALPN")
    assert found.done.returncode == 0


def test_another_web_server(doctor, fake_api):
    found = doctor(server=fake_api({"/v1/meta": (200, {"hello": 1})}).flags)
    found.expect("api", "failed", "no InstaTunnel server")
    assert found.done.returncode == 1
    assert doctor(server=fake_api({"/v1/meta": (503, {})}).flags).done.returncode == 7


@pytest.mark.parametrize("off, state, words", [(0, "ok", "in step"), (-3600, "warning", "1h 0m ahead of"), (7200, "warning", "2h 0m behind")])
def test_the_clock_is_compared(doctor, fake_api, off, state, words):
    doctor(server=fake_api(date=off).flags).expect("clock", state, words)


def test_a_server_without_a_clock(doctor, fake_api):
    doctor(server=fake_api().flags).expect("clock", "skipped", "does not say")


def test_a_plan_without_mcp(doctor, fake_api):
    api = fake_api({"/v1/meta": (200, {**FakeApi.META, "support": "https://help.example"})})
    found = doctor("--mcp", server=api.flags)
    found.expect("plan", "failed", 'The plan "free" does not allow MCP', "https://help.example")
    assert found.done.returncode == 4 and found.report["support"] == "https://help.example"


def test_a_server_whose_lanes_fail_is_told_from_its_api(doctor, fake_api):
    # It knows v2 by its word, and ends TLS without ALPN, as a proxy in front of an edge does.
    found = doctor(server=fake_api().flags)
    found.expect("transport", "failed", "no InstaTunnel edge", "ALPN")
    assert found.states("api", "account", "plan") == ["ok"] * 3


def test_a_server_of_earlier_clients(doctor, fake_api):
    older = {"/v1/meta": (404, {}), "/health": (200, {}), "/tunnels": (200, [])}
    found = doctor(server=fake_api(older).flags)
    found.expect("api", "warning", "transport v1 alone")
    found.expect("transport", "warning", "v1 alone", "MCP needs v2")
    assert found.states("account", "plan") == ["ok", "skipped"] and found.done.returncode == 0
    found = doctor(server=fake_api({**older, "/tunnels": (401, {})}).flags)
    found.expect("account", "failed", "does not know")
    assert found["transport"]["state"] == "skipped" and found.done.returncode == 3


def test_words_of_a_server_cannot_steer_a_terminal(cli, fake_api):
    meta = {**FakeApi.META, "version": "1\x1b[31m\x07", "domain": "a\nb", "support": "x\x9b31m" + UNKNOWN_KEY}
    api = fake_api({"/v1/meta": (200, meta), "/v1/auth/user": (200, {**FakeApi.USER, "plan": "p\x1b]0;t\x07", "email": "\x1b@x.y"})})
    done = cli.run("doctor", *api.flags, INSTATUNNEL_API_KEY=UNKNOWN_KEY)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", done.stdout + done.stderr), done
    assert "version 1?[31m?" in done.stdout and "a?b" in done.stdout


# --- the local program -------------------------------------------------------------------------------------------------


def test_nothing_listens(doctor):
    port = free_port()
    found = doctor("--port", port, "--mcp")
    assert found.done.returncode == 8
    found.expect("port", "failed", f"Nothing listens on port {port}", f"instatunnel doctor --port {port}")
    assert found.states("host", "mcp") == ["skipped"] * 2 and set(found.states(*NETWORK)) == {"ok"}


def test_a_program_on_ipv6_alone(doctor, new_app):
    try:
        app = new_app(HttpApp, host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    found = doctor("--port", app.port)
    found.expect("port", "ok", "IPv6 alone")
    assert found.done.returncode == 0


def test_a_program_that_speaks_tls(doctor, new_app, certificate):
    app = new_app(HttpApp, certificate=certificate)
    found = doctor("--port", app.port)
    assert found.done.returncode == 8
    found.expect("port", "failed", "speaks TLS", f"instatunnel https://localhost:{app.port}")


def test_a_program_that_speaks_something_else(doctor, new_app):
    def greet(connection, _):
        connection.sendall(b"220 mail.example ESMTP\r\n")
        connection.recv(65536)

    app = new_app(ByteApp, serve=greet)
    found = doctor("--port", app.port)
    assert found.done.returncode == 8
    found.expect("port", "failed", "no HTTP/1.1", f"instatunnel tcp {app.port}")


def test_a_program_that_is_silent(doctor, new_app):
    over = threading.Event()
    app = new_app(ByteApp, serve=lambda connection, _: over.wait(120))
    found = doctor("--port", app.port)
    over.set()
    assert found.done.returncode == 8
    assert found.expect("port", "failed", "did not answer GET /")["code"] == "target_timeout"


def test_a_program_that_reports_an_error(doctor, new_app):
    app = new_app(RecordingApp, reply=b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    found = doctor("--port", app.port)
    assert found.done.returncode == 0
    found.expect("port", "warning", "status 500")
    assert found["host"]["state"] == "ok"


class PickyApp(ByteApp):
    """Answers under localhost alone; `checks_forwarded`: looks at X-Forwarded-Host as well, as Rails does."""

    def __init__(self, refusal, status=403, checks_forwarded=False):
        self.refusal, self.status, self.checks_forwarded = refusal, status, checks_forwarded
        super().__init__(self._answer)

    def _answer(self, connection, _):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        fields = dict(line.lower().split(": ", 1) for line in data.decode().split("\r\n")[1:] if line)
        names = [fields["host"]] + ([fields.get("x-forwarded-host", "localhost")] if self.checks_forwarded else [])
        if all(name.split(":")[0] == "localhost" for name in names):
            answer(connection, 200, b"hello")
        else:
            answer(connection, self.status, self.refusal.encode())


VITE = ('Blocked request. This host ("doctor.localhost") is not allowed.\nTo allow this host, add "doctor.localhost" to '
        "`server.allowedHosts` in vite.config.js.")


@pytest.mark.parametrize("refusal, status, program, setting", [
    (VITE, 403, "Vite refuses", "server: { allowedHosts: ['.localhost'] }"),
    ("Invalid Host header", 403, "webpack-dev-server refuses", "devServer: { allowedHosts"),
    ("<h1>DisallowedHost at /</h1>", 400, "Django refuses", "ALLOWED_HOSTS = ['.localhost'"),
    ("<p>no</p>", 421, "The program refuses", "--host-header rewrite"),
], ids=["vite", "webpack", "django", "unknown"])
def test_a_program_that_refuses_the_public_name(doctor, new_app, refusal, status, program, setting):
    app = new_app(PickyApp, refusal=refusal, status=status)
    found = doctor("--port", app.port)
    assert found.done.returncode == 0
    found.expect("host", "warning", f"status {status}", program, setting, f"instatunnel {app.port} --host-header rewrite")


def test_where_rewriting_the_host_does_not_help_it_is_not_proposed(doctor, new_app):
    app = new_app(PickyApp, refusal="<h1>Blocked hosts: doctor.localhost</h1>", checks_forwarded=True)
    check = doctor("--port", app.port).expect("host", "warning", "Rails refuses", 'config.hosts << ".localhost"')
    assert "--host-header" not in check["mend"]


def test_a_redirect_to_this_machine(doctor, new_app):
    app = new_app(RecordingApp, reply=b"HTTP/1.1 302 Found\r\nLocation: http://localhost:3000/login\r\nContent-Length: 0\r\n\r\n")
    doctor("--port", app.port).expect("host", "warning", "http://localhost:3000/login", "X-Forwarded-Host")


def test_the_local_program_is_found_without_a_port(cli):
    # Which of the usual ports answers is the machine's matter; each outcome is a check.
    done = cli.run("doctor", "--json", *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key, limit=60)
    assert Found(done)["port"]["state"] in ("skipped", "ok", "warning")


# --- MCP ---------------------------------------------------------------------------------------------------------------


def test_an_mcp_server(doctor, folder):
    app = McpApp("http", folder)
    try:
        found = doctor("--mcp", "--port", app.port)
        found.expect("mcp", "ok", "mcp-app 1.2.3 speaks MCP 2025-11-25 over Streamable HTTP, 11 tools at /mcp")
        assert found["plan"]["found"].endswith("MCP is allowed")
    finally:
        app.stop()


def test_a_program_that_is_no_mcp_server(doctor, new_app):
    app = new_app(RecordingApp, close=True)
    found = doctor("--mcp", "--port", app.port)
    assert found.done.returncode == 8
    found.expect("mcp", "failed", "speaks no MCP", "instatunnel mcp -- COMMAND")


def test_an_mcp_server_with_authorization_of_its_own(doctor, new_app):
    app = new_app(RecordingApp, reply=b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", close=True)
    found = doctor("--mcp", "--port", app.port)
    assert found.done.returncode == 0
    found.expect("mcp", "warning", "401 at /mcp", "no metadata at /.well-known/oauth-protected-resource")


def test_the_metadata_of_a_server_that_asks_for_tokens_is_told(doctor, new_app):
    def serve(connection, _):
        head = connection.recv(65536)
        if b"GET /.well-known/oauth-protected-resource/mcp " in head:
            answer(connection, 200, json.dumps({"resource": "http://localhost:1/mcp", "authorization_servers": []}).encode())
        elif b" /mcp " in head:
            answer(connection, 401, b"")
        else:
            answer(connection, 200, b"hello")

    found = doctor("--mcp", "--port", new_app(ByteApp, serve=serve).port)
    found.expect("mcp", "warning", "its metadata names http://localhost:1/mcp")
