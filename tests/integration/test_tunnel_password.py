"""A password or Basic credentials in front of a tunnel: what gets in, what the app sees, and what nobody ever sees."""

import base64
import re

import pytest

from edge import Cli, Edge, Tunnel
from http2_visitor import Http2Visitor
from local_apps import ByteApp
from process import wait_until
import secret_watch

PASSWORD = "open-sesame-7f3a9c51"
CREDENTIALS = "ann:pass:word-51d2be44"
PAGE = ["-H", "Accept: text/html,application/xhtml+xml,*/*;q=0.8"]


@pytest.fixture(autouse=True)
def _watched():
    secret_watch.add(PASSWORD, CREDENTIALS.split(":", 1)[1])


def sign_in(t, password=PASSWORD, to="/"):
    return t.get("/.instatunnel/sign-in", "--data-urlencode", f"password={password}", "--data-urlencode", f"to={to}", *PAGE)


def cookie_of(reply):
    return reply.header("Set-Cookie").split(";")[0]


def seen(reply, name):
    return [v for n, v in reply.json()["headers"] if n.lower() == name.lower()]


def basic(credentials):
    return "Authorization: Basic " + base64.b64encode(credentials.encode()).decode()


def test_nothing_reaches_the_app_without_the_password(tunnel, recorder):
    t = tunnel(recorder.port, "--password", PASSWORD)
    for arguments in ([], PAGE, ["-H", "X-Tunnel-Password: wrong"], ["-u", "any:wrong"], ["-X", "POST", "-d", "x"], ["-I"], ["-X", "OPTIONS"],
                      ["-H", "Cookie: __Host-instatunnel-access=9999999999.x"],
                      ["--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket"]):
        reply = t.get("/path", *arguments)
        assert reply.status == 401 and reply.header("WWW-Authenticate"), arguments
    assert recorder.received == []
    assert t.get("/path", "-H", f"X-Tunnel-Password: {PASSWORD}").status == 200


def test_a_browser_signs_in_by_a_page_without_a_script(tunnel, app):
    t = tunnel(app.port, "--password", PASSWORD)
    page = t.get("/docs?q=1", *PAGE)
    assert page.status == 401 and page.header("Content-Type") == "text/html; charset=utf-8"
    assert "<script" not in page.text and "unsafe" not in page.header("Content-Security-Policy")
    assert page.header("Cache-Control") == "no-store" and not page.header("WWW-Authenticate").startswith("Basic")
    assert re.search(r'name="to" value="/docs\?q=1"', page.text) and '<label for="password">' in page.text
    wrong = sign_in(t, "wrong")
    assert wrong.status == 401 and 'role="alert"' in wrong.text and not wrong.header("Set-Cookie")
    right = sign_in(t, to="/docs?q=1")
    assert right.status == 303 and right.header("Location") == "/docs?q=1"
    flags = right.header("Set-Cookie").split("; ")[1:]
    assert flags == ["Path=/", "Max-Age=86400", "Secure", "HttpOnly", "SameSite=Lax"]
    inside = t.get("/docs?q=1", "-H", f"Cookie: theme=dark; {cookie_of(right)}; lang=en", "-H", "Authorization: Bearer for-the-app")
    assert inside.status == 200 and inside.json()["target"] == "/docs?q=1"
    assert seen(inside, "Cookie") == ["theme=dark; lang=en"] and seen(inside, "Authorization") == ["Bearer for-the-app"]
    assert sign_in(t, to="//evil.example/").header("Location") == "/"


def test_programs_send_the_password_as_a_field_or_as_basic(tunnel, app):
    t = tunnel(app.port, "--password", PASSWORD)
    by_field = t.get("/", "-H", f"x-tunnel-password: {PASSWORD}", "-H", "Authorization: Bearer for-the-app")
    assert by_field.status == 200 and seen(by_field, "X-Tunnel-Password") == [] and seen(by_field, "Authorization") == ["Bearer for-the-app"]
    by_basic = t.get("/", "-u", f"anybody:{PASSWORD}")
    assert by_basic.status == 200 and seen(by_basic, "Authorization") == []
    refused = t.get("/", "-H", "Accept: application/json")
    assert refused.status == 401 and refused.json()["code"] == 4001 and refused.header("WWW-Authenticate").startswith("Basic realm=")


def test_user_name_and_password_by_basic(tunnel, app):
    t = tunnel(app.port, "--auth", CREDENTIALS)
    for arguments in ([], PAGE, ["-u", "bob:" + CREDENTIALS.split(":", 1)[1]], ["-u", "ann:pass"], ["-H", "Authorization: Bearer x"]):
        reply = t.get("/", *arguments)
        assert reply.status == 401 and reply.header("WWW-Authenticate") == f'Basic realm="{t.host}", charset="UTF-8"', arguments
    inside = t.get("/", "-u", CREDENTIALS, "-H", "Cookie: a=1", "-H", "X-Tunnel-Password: the app's own")
    assert inside.status == 200 and seen(inside, "Authorization") == []
    assert seen(inside, "Cookie") == ["a=1"] and seen(inside, "X-Tunnel-Password") == ["the app's own"]


def test_without_a_flag_nothing_is_asked_or_taken_away(tunnel, app):
    reply = tunnel(app.port).get("/", "-u", "any:thing", "-H", "X-Tunnel-Password: x", "-H", "Cookie: __Host-instatunnel-access=x")
    assert reply.status == 200 and seen(reply, "X-Tunnel-Password") == ["x"]
    assert seen(reply, "Authorization") and seen(reply, "Cookie") == ["__Host-instatunnel-access=x"]
    assert tunnel(app.port).get("/.instatunnel/sign-in", "-d", "x=1").json()["target"] == "/.instatunnel/sign-in"


def test_a_browsers_preflight_is_the_apps_to_answer(tunnel, recorder):
    t = tunnel(recorder.port, "--password", PASSWORD)
    preflight = ["-X", "OPTIONS", "-H", "Origin: https://a.example", "-H", "Access-Control-Request-Method: PUT"]
    assert t.get("/api", *preflight).status == 200
    assert recorder.received[0].startswith(b"OPTIONS /api ")
    assert t.get("/api", "-X", "PUT", "-H", "Origin: https://a.example").status == 401


def test_http2_asks_for_the_same_and_lets_the_same_in(tunnel, recorder):
    t = tunnel(recorder.port, "--password", PASSWORD)
    origin = ["-H", "Origin: https://a.example"]
    for arguments in ([], PAGE, ["-H", "X-Tunnel-Password: wrong"], ["-u", "any:wrong"], ["-X", "POST", "-d", "x" * 50_000], ["-I"], ["-X", "OPTIONS"],
                      ["-X", "PUT", *origin], ["-H", "Cookie: __Host-instatunnel-access=9999999999.x"]):
        reply = t.get("/path?q=1", "--http2", "-w", "%{stderr}%{http_version}", *arguments)
        assert (reply.status, reply.error) == (401, "2") and reply.header("WWW-Authenticate"), arguments
        assert len(reply.all("Content-Type")) == 1 and reply.header("Cache-Control") == "no-store"
    assert 'name="to" value="/path?q=1"' in t.get("/path?q=1", "--http2", *PAGE).text
    with Http2Visitor(t.edge.port, t.host, t.edge.cacert) as v:
        version = [("sec-websocket-version", "13")]
        for protocol in ("websocket", "other"):
            assert v.answer(v.start("/socket", "CONNECT", version, end=False, protocol=protocol)).status == 401
        assert v.request("/path", trailers=[("x-tunnel-password", PASSWORD)]).status == 401
    assert recorder.received == []
    preflight = ["-X", "OPTIONS", *origin, "-H", "Access-Control-Request-Method: PUT"]
    assert t.get("/api", "--http2", *preflight).status == 200
    assert len(recorder.received) == 1 and recorder.received[0].startswith(b"OPTIONS /api ")


def test_a_browser_signs_in_over_http2_and_programs_send_the_password(tunnel, app):
    t = tunnel(app.port, "--password", PASSWORD)
    form = ["--http2", "--data-urlencode", "to=/docs", *PAGE]
    wrong = t.get("/.instatunnel/sign-in", "--data-urlencode", "password=wrong", *form)
    assert wrong.status == 401 and 'role="alert"' in wrong.text and not wrong.header("Set-Cookie")
    right = t.get("/.instatunnel/sign-in", "--data-urlencode", f"password={PASSWORD}", *form)
    assert right.status == 303 and right.header("Location") == "/docs"
    with Http2Visitor(t.edge.port, t.host, t.edge.cacert) as v:  # crumbs of one Cookie field, as browsers send it
        inside = v.request("/docs", headers=[("cookie", "theme=dark"), ("cookie", cookie_of(right)), ("cookie", "lang=en")])
        assert inside.status == 200 and seen(inside, "Cookie") == ["theme=dark; lang=en"]
        assert v.request("/docs", headers=[("cookie", "theme=dark")]).status == 401
    by_field = t.get("/", "--http2", "-H", f"X-Tunnel-Password: {PASSWORD}", "-H", "Authorization: Bearer for-the-app")
    assert by_field.status == 200 and seen(by_field, "X-Tunnel-Password") == [] and seen(by_field, "Authorization") == ["Bearer for-the-app"]
    by_basic = t.get("/", "--http2", "-u", f"anybody:{PASSWORD}")
    assert by_basic.status == 200 and seen(by_basic, "Authorization") == []


def test_a_websocket_opens_with_the_cookie_or_the_password(tunnel, new_app):
    def echo(connection, _):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(4096)
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        while True:
            part = connection.recv(4096)
            if not part:
                return
            connection.sendall(part)

    app = new_app(ByteApp, serve=echo)
    t = tunnel(app.port, "--password", PASSWORD)
    head = b"GET /socket HTTP/1.1\r\nHost: " + t.host.encode() + b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    for proof in (cookie_of(sign_in(t)), None):
        line = f"Cookie: {proof}" if proof else f"X-Tunnel-Password: {PASSWORD}"
        with t.raw() as v:
            v.send(head + line.encode() + b"\r\n\r\n")
            assert v.head()[0] == 101
            v.send(b"hello")
            assert v.exactly(5) == b"hello"
    with t.raw() as v:
        v.send(head + b"\r\n")
        assert v.head()[0] == 401


def test_guesses_are_counted_and_those_who_are_in_stay_in(tunnel, app):
    t = tunnel(app.port, "--password", PASSWORD)
    other = tunnel(app.port, "--password", PASSWORD)
    cookie = cookie_of(sign_in(t))
    statuses = [t.get("/", "-H", f"X-Tunnel-Password: guess-{i}").status for i in range(10)]
    assert statuses == [401] * 10
    limited = t.get("/", "-H", f"X-Tunnel-Password: {PASSWORD}")
    assert limited.status == 429 and limited.header("Retry-After")
    assert sign_in(t).status == 429 and t.get("/", "-u", f"a:{PASSWORD}").status == 429
    assert t.get("/", "-H", f"Cookie: {cookie}").status == 200
    assert t.get("/", *PAGE).status == 401
    assert other.get("/", "-H", f"X-Tunnel-Password: {PASSWORD}").status == 200


def test_a_cookie_outlives_the_clients_reconnect_and_the_edges_restart(new_edge, new_cli, app):
    edge = new_edge().start()
    t = Tunnel(new_cli(edge), app.port, "--password", PASSWORD, name="lasting")
    try:
        cookie = cookie_of(sign_in(t))
        assert t.get("/", "-H", f"Cookie: {cookie}").status == 200
        edge.process.kill()
        t.process.wait_event("tunnel.reconnecting")
        edge.start()
        t.process.wait_event("tunnel.ready", count=2, limit=30)
        assert t.get("/", "-H", f"Cookie: {cookie}").status == 200
        assert t.get("/").status == 401
        t.process.kill()
        # Another process has another seed: visitors type the password again.
        again = Tunnel(new_cli(edge), app.port, "--password", PASSWORD, name="lasting")
        assert again.get("/", "-H", f"Cookie: {cookie}").status == 401
        again.process.kill()
    finally:
        t.process.kill()


def test_the_environment_names_what_visitors_must_know(cli, app):
    def statuses(*flags, **environment):
        process = cli.start("client", app.port, "--subdomain", "env-gate", "--json", *flags, *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key,
                            **environment)
        try:
            process.wait_event("tunnel.ready")
            notices = process.stderr + process.stdout
            found = [cli.edge.get("env-gate", "/", *a).status for a in ([], ["-H", f"X-Tunnel-Password: {PASSWORD}"], ["-u", CREDENTIALS])]
            return found, notices
        finally:
            process.kill()

    assert statuses(INSTATUNNEL_TUNNEL_PASSWORD=PASSWORD) == ([401, 200, 401], statuses(INSTATUNNEL_TUNNEL_PASSWORD=PASSWORD)[1])
    by_flag, notices = statuses("--auth", CREDENTIALS, INSTATUNNEL_TUNNEL_PASSWORD=PASSWORD)
    assert by_flag == [401, 401, 200] and "INSTATUNNEL_TUNNEL_AUTH" in notices
    by_variable, notices = statuses(INSTATUNNEL_TUNNEL_AUTH=CREDENTIALS)
    assert by_variable == [401, 401, 200] and "history" not in notices


@pytest.mark.parametrize("flags", [["--password", "a", "--auth", "b:c"], ["--auth", "no-colon"], ["--auth", ":x"], ["--auth", "u:"],
                                   ["--password", "x" * 257], ["--password", "a\x01b"]])
def test_unusable_credentials_are_wrong_usage_and_are_not_repeated(cli, flags):
    done = cli.run("3000", *flags, *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
    assert done.returncode == 2
    for value in flags[1::2]:
        if len(value) > 3:
            assert value not in done.stderr


def test_the_password_is_in_no_log_output_or_file(binary, folder, new_cli, app):
    edge = Edge(binary, folder / "edge", ["--dev", "--log-level", "trace"]).start()
    try:
        t = Tunnel(new_cli(edge), app.port, "--password", PASSWORD, "--log-level", "trace", "--log-file", folder / "client.log", name="quiet")
        cookie = cookie_of(sign_in(t))
        t.get("/", "-u", f"a:{PASSWORD}")
        t.get("/", "-H", f"X-Tunnel-Password: {PASSWORD}")
        t.get("/", "-H", f"Cookie: {cookie}")
        wait_until(lambda: len(t.process.events("request")) >= 3, 10, "requests")
        texts = [t.process.stdout, t.process.stderr, (folder / "client.log").read_text(), edge.process.stdout, edge.process.stderr]
        texts += [p.read_bytes().decode("latin-1") for p in edge.data.rglob("*") if p.is_file()]
        for text in texts:
            assert PASSWORD not in text and cookie.split("=", 1)[1] not in text
        t.process.kill()
    finally:
        edge.stop(5)


def test_an_edge_that_does_not_confirm_the_password_gets_no_tunnel(cli, folder, app):
    """An older edge ignores what it does not know; here one that speaks just enough of the protocol for that."""
    import json
    import socket
    import ssl
    import struct
    import threading

    from certificates import self_signed
    certificate, key = self_signed(folder / "old-edge")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(certificate), str(key))
    context.set_alpn_protocols(["itp/1"])
    listener = socket.create_server(("127.0.0.1", 0))
    hellos = []

    def serve():
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True) as lane:
            lane.sendall(b"INSTUN\x00\x01" + struct.pack(">HHI", 1, 1, 0))
            data = b""
            while len(data) < 24 or len(data) < 24 + struct.unpack(">H", data[16:18])[0]:
                data += lane.recv(65536)
            hellos.append(json.loads(data[24:24 + struct.unpack(">H", data[16:18])[0]]))
            welcome = json.dumps({"v": 1, "session": "s", "tunnels": [{"ref": "web", "id": 1, "tunnel": "tun_x", "name": "demo",
                                                                      "url": "https://demo.localhost"}]}).encode()
            lane.sendall(struct.pack(">HBBI", len(welcome), 2, 0, 0) + welcome)
            while lane.recv(65536):
                pass

    threading.Thread(target=serve, daemon=True).start()
    done = cli.run(app.port, "--json", "--server", f"https://localhost:{listener.getsockname()[1]}", "--cacert", certificate,
                   INSTATUNNEL_API_KEY="it_1234567890abcdef", INSTATUNNEL_TUNNEL_PASSWORD=PASSWORD)
    listener.close()
    assert hellos[0]["tunnels"][0]["access"]["password"] == PASSWORD and len(hellos[0]["tunnels"][0]["access"]["seed"]) == 43
    assert done.returncode == 1 and "cannot ask visitors for a password" in done.stdout + done.stderr
    assert "tunnel.ready" not in done.stdout
