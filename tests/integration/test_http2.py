"""HTTP/2 at the edge: what visitors and apps see, by curl, nghttp, h2load and a visitor of our own."""

import hashlib
import os
import re
import signal
import subprocess
import threading

import pytest
from hyperframe.frame import DataFrame, GoAwayFrame

import websocket_frames as ws
from edge import Tunnel
from http2_visitor import Answer, FrameVisitor, Http2Visitor
from local_apps import ByteApp
from process import wait_until
from visitor import curl, tls_connection
from websocket_app import WebSocketApp


@pytest.fixture
def websocket_app():
    running = WebSocketApp()
    yield running
    running.stop()


@pytest.fixture
def visit():
    """Opens visitors over HTTP/2: visit(tunnel)."""
    made = []

    def connect(t, **options):
        made.append(Http2Visitor(t.edge.port, t.host, t.edge.cacert, **options))
        return made[-1]

    yield connect
    for one in made:
        one.socket.close()


def get(t, path="/", *arguments):
    return t.get(path, "--http2", *arguments)


# --- Choice of the version ----------------------------------------------------------------------------------------------


def test_alpn_prefers_http2_and_falls_back_to_http1(tunnel, app, edge):
    t = tunnel(app.port)
    for offered, chosen in [(["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"), (["h3"], None), (None, None)]:
        with tls_connection(edge.port, t.host, edge.cacert, offered) as connection:
            assert connection.selected_alpn_protocol() == chosen, offered


def test_curl_speaks_http2_when_it_may_choose(tunnel, app):
    t = tunnel(app.port)
    reply = get(t, "/echo", "-w", "%{stderr}%{http_version}")
    assert (reply.status, reply.error) == (200, "2")


# --- Requests and answers -----------------------------------------------------------------------------------------------


def test_a_get_reaches_the_app_as_http1_with_the_forwarding_fields(tunnel, app, edge):
    t = tunnel(app.port)
    reply = get(t, "/echo?q=a%20b", "-H", "X-Forwarded-For: 6.6.6.6", "-H", "Forwarded: for=6.6.6.6", "-H", "X-Mine: yes")
    seen = reply.json()
    fields = {name.lower(): value for name, value in seen["headers"]}
    host = f"{t.host}:{edge.port}"
    assert (seen["method"], seen["target"]) == ("GET", "/echo?q=a%20b")
    assert fields["host"] == host and fields["x-mine"] == "yes"
    assert fields["x-forwarded-for"] == "127.0.0.1" and fields["x-forwarded-proto"] == "https"
    assert fields["x-forwarded-host"] == host and fields["forwarded"] == f'for=127.0.0.1;host="{host}";proto=https'
    assert [name for name, _ in seen["headers"]].count("X-Forwarded-For") == 1
    assert reply.header("content-type") == "application/json"


def test_both_versions_show_the_app_the_same_request_and_the_visitor_the_same_answer(tunnel, app):
    t = tunnel(app.port)
    arguments = ["-H", "Accept: */*", "-H", "Cookie: a=1; b=2", "-H", "User-Agent: x", "-d", "some=form"]
    one, two = t.get("/echo?x=1", *arguments), get(t, "/echo?x=1", *arguments)
    seen = [[(n.lower(), v) for n, v in r.json()["headers"]] for r in (one, two)]
    assert sorted(seen[0]) == sorted(seen[1])
    assert [{k: v for k, v in r.json().items() if k != "headers"} for r in (one, two)][0]["size"] == len("some=form")
    assert [n.lower() for n, _ in one.headers] == [n.lower() for n, _ in two.headers]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_body_arrives_whole_with_every_method(tunnel, app, folder, method):
    t = tunnel(app.port)
    body = os.urandom(300_000)
    (folder / "body").write_bytes(body)
    seen = get(t, "/echo", "-X", method, "--data-binary", f"@{folder / 'body'}").json()
    assert (seen["method"], seen["size"], seen["sha256"]) == (method, len(body), hashlib.sha256(body).hexdigest())


def test_large_uploads_and_downloads_keep_every_byte(tunnel, app, nginx, folder):
    content = os.urandom(48 << 20)
    (nginx.root / "large.bin").write_bytes(content)
    (nginx.root / "large.bin").chmod(0o644)
    digest = hashlib.sha256(content).hexdigest()
    t = tunnel(nginx.port)
    assert hashlib.sha256(get(t, "/large.bin").body).hexdigest() == digest
    upload = tunnel(app.port)
    assert get(upload, "/echo", "-T", str(nginx.root / "large.bin")).json()["sha256"] == digest


def test_an_upload_of_unknown_length_is_chunked_to_the_app(tunnel, app, visit):
    v = visit(tunnel(app.port))
    number = v.start("/echo", "POST", end=False)
    for part in (b"a" * 10, b"b" * 70_000, b"c"):
        v.send(number, part)
    v.send(number, b"", end=True)
    seen = v.answer(number).json()
    assert seen["sha256"] == hashlib.sha256(b"a" * 10 + b"b" * 70_000 + b"c").hexdigest()
    assert ["Transfer-Encoding", "chunked"] in seen["headers"]


def test_head_has_the_headers_of_get_and_no_body(tunnel, app, visit):
    t = tunnel(app.port)
    answer = visit(t).request("/echo", "HEAD")
    assert (answer.status, answer.body, answer.ended) == (200, b"", True)
    assert [n.lower() for n, _ in t.get("/echo").headers] == [n for n, _ in answer.headers]
    assert int(answer.header("content-length")) > 100


@pytest.mark.parametrize("code", [204, 304])
def test_answers_without_a_body_end_with_their_head(tunnel, app, code):
    reply = get(tunnel(app.port), f"/status/{code}")
    assert (reply.status, reply.body, reply.header("content-length"), reply.header("etag")) == (code, b"", None, '"v1"')


def test_every_set_cookie_survives_and_the_shared_domain_gets_none(tunnel, app):
    t = tunnel(app.port)
    assert get(t, "/cookies").all("set-cookie") == t.get("/cookies").all("set-cookie") != []


def test_the_crumbs_of_a_cookie_are_joined_for_the_app(tunnel, app, visit):
    v = visit(tunnel(app.port))
    seen = v.request("/echo", headers=[("cookie", "a=1"), ("x-other", "y"), ("cookie", "b=2"), ("cookie", "c=3")]).json()
    assert [v for n, v in seen["headers"] if n.lower() == "cookie"] == ["a=1; b=2; c=3"]


def test_interim_answers_are_passed_on(tunnel, app, visit):
    v = visit(tunnel(app.port))
    answer = v.request("/hints")
    assert answer.interim == [(103, [("link", "</style.css>; rel=preload")])]
    assert (answer.status, answer.body) == (200, b"after hints")


def test_expect_100_continue_asks_the_app_first_and_can_be_refused(tunnel, app, visit):
    v = visit(tunnel(app.port))
    number = v.start("/echo", "POST", [("expect", "100-continue")], end=False)
    v.until(lambda: v.answers[number].interim)
    v.send(number, b"body", end=True)
    answer = v.answer(number)
    assert [status for status, _ in answer.interim] == [100] and answer.json()["size"] == 4
    refused = v.start("/refuse", "POST", [("expect", "100-continue")], end=False)
    v.until(lambda: v.answers[refused].ended)
    assert v.answers[refused].status == 413 and v.answers[refused].interim == []
    assert get(tunnel(app.port), "/echo", "-H", "Expect: 100-continue", "-d", "x" * 2000).json()["size"] == 2000


def test_trailers_pass_in_both_directions(tunnel, app, visit):
    t = tunnel(app.port)
    v = visit(t)
    answer = v.request("/chunks?n=3")
    assert len(answer.body) == 3000 and answer.trailers == [("x-checksum", hashlib.sha256(answer.body).hexdigest())]
    seen = v.request("/echo", "POST", body=b"with trailers", trailers=[("x-sum", "1"), ("authorization", "no"), ("x-forwarded-for", "6.6.6.6")])
    seen = seen.json()
    assert (seen["size"], seen["trailers"]) == (13, [["x-sum", "1"]])
    assert get(t, "/chunks?n=2").trailers == [("x-checksum", hashlib.sha256(b"A" * 1000 + b"B" * 1000).hexdigest())]


def test_both_directions_of_one_stream_flow_at_once(tunnel, app, visit):
    v = visit(tunnel(app.port))
    number = v.start("/duplex", "POST", end=False)
    expected = b""
    for part in (b"one", b"two" * 5000, b"three"):
        v.send(number, part)
        expected += part
        v.until(lambda: v.answers[number].body == expected)  # pylint: disable=cell-var-from-loop
    v.send(number, b"", end=True)
    assert v.answer(number).body == expected


def test_an_answer_before_the_end_of_the_request_ends_the_stream_with_no_error(tunnel, new_app, visit):
    def serve(connection, _):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")

    v = visit(tunnel(new_app(ByteApp, serve=serve).port))
    number = v.start("/", "POST", end=False)
    v.send(number, b"x" * 1000)
    v.until(lambda: v.answers[number].reset is not None)
    answer = v.answers[number]
    assert (answer.status, answer.body, answer.reset) == (403, b"no", 0)
    assert v.request("/").status == 403


def test_an_answer_that_the_app_cuts_is_reset_for_the_visitor(tunnel, app, visit):
    v = visit(tunnel(app.port))
    answer = v.request("/cut")
    assert not answer.ended and answer.reset == 2 and len(answer.body) <= 100
    assert v.request("/echo").status == 200


def test_an_app_that_hangs_up_without_an_answer_is_a_502(tunnel, new_app, visit):
    def serve(connection, _):
        connection.recv(65536)
        raise EOFError

    assert visit(tunnel(new_app(ByteApp, serve=serve).port)).request("/").status == 502


def test_a_visitor_who_resets_a_stream_ends_the_apps_work_and_nothing_else(tunnel, new_app, visit):
    ended = threading.Event()

    def serve(connection, _):
        head = connection.recv(65536)
        if b"/endless" not in head:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                connection.sendall(b"3e8\r\n" + b"z" * 1000 + b"\r\n")
        except OSError:
            ended.set()

    v = visit(tunnel(new_app(ByteApp, serve=serve).port))
    number = v.start("/endless")
    v.until(lambda: len(v.answers[number].body) > 100_000)
    v.reset(number)
    assert v.request("/").body == b"ok"
    assert ended.wait(10)


# --- Side by side -------------------------------------------------------------------------------------------------------


def test_requests_of_one_connection_run_side_by_side(tunnel, app, visit):
    v = visit(tunnel(app.port))
    slow = v.start("/slow?ms=1500")
    numbers = [v.start(f"/echo?n={n}") for n in range(50)]
    for n, number in enumerate(numbers):
        assert v.answer(number).json()["target"] == f"/echo?n={n}"
    assert not v.answers[slow].ended
    assert v.answer(slow).body == b"slow answer"


def test_a_stream_that_is_not_read_holds_up_no_other(tunnel, nginx, visit):
    content = os.urandom(3 << 20)
    (nginx.root / "big.bin").write_bytes(content)
    (nginx.root / "big.bin").chmod(0o644)
    v = visit(tunnel(nginx.port), greedy=False)
    stuck = v.start("/big.bin")
    v.until(lambda: len(v.answers[stuck].body) == 65535)
    v.h2.increment_flow_control_window(1 << 24)  # of the connection: only the stream's own window is closed
    v.flush()
    for _ in range(5):
        assert v.request("/text.txt").status == 200
    assert len(v.answers[stuck].body) == 65535
    v.h2.increment_flow_control_window(1 << 24, stuck)
    v.flush()
    assert v.answer(stuck).body == content


def test_an_upload_to_an_app_that_does_not_read_is_held_back_at_the_window(tunnel, new_app, visit):
    go_on, sizes = threading.Event(), []

    def serve(connection, _):
        data = connection.recv(1000)
        if b"GET" in data:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        go_on.wait(30)
        left = 40 << 20
        size = len(data.partition(b"\r\n\r\n")[2])
        while size < left:
            part = connection.recv(1 << 20)
            if not part:
                return
            size += len(part)
        sizes.append(size)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    t = tunnel(new_app(ByteApp, serve=serve).port)
    v = visit(t)
    number = v.start("/", "POST", [("content-length", str(40 << 20))], end=False)
    sent, block = 0, b"u" * 16384
    v.socket.settimeout(2)
    try:
        while sent < 40 << 20:
            while v.h2.local_flow_control_window(number) < len(block):
                v.step()
            v.h2.send_data(number, block)
            v.flush()
            sent += len(block)
    except TimeoutError:
        pass
    v.socket.settimeout(20)
    assert sent < 24 << 20, "the app read nothing, yet the edge took everything"
    assert v.request("/").body == b"ok"
    go_on.set()
    left = (40 << 20) - sent
    v.send(number, b"u" * left, end=True)
    assert v.answer(number).status == 200 and sizes == [40 << 20]


def test_nghttp_fetches_many_files_over_one_connection(tunnel, nginx, edge):
    t = tunnel(nginx.port)
    urls = [f"https://127.0.0.1:{edge.port}/text.txt?{n}" for n in range(20)]
    done = subprocess.run(["nghttp", "-n", "-s", "--no-verify-peer", f"-H:authority: {t.host}", *urls], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0 and len(re.findall(r" 200 .*/text\.txt", done.stdout)) == 20, done


def test_h2load_sees_no_failure(tunnel, nginx, edge):
    t = tunnel(nginx.port)
    done = subprocess.run(["h2load", "-n", "3000", "-c", "8", "-m", "32", "--connect-to", f"127.0.0.1:{edge.port}", f"{t.url}/index.html"],
                          capture_output=True, text=True, timeout=120, check=False)
    assert "3000 succeeded, 0 failed, 0 errored, 0 timeout" in done.stdout and "3000 2xx" in done.stdout, done


# --- Hosts, pages of the edge, API --------------------------------------------------------------------------------------


def test_the_api_and_the_base_page_answer_over_http2(edge):
    health = curl(edge.api + "/v1/health", edge.cacert, "--http2", "-w", "%{stderr}%{http_version}")
    assert (health.status, health.error) == (200, "2")
    login = edge.call("POST", "/v1/auth/login", {"email": edge.owner.email, "password": edge.owner.password}, None, "--http2")
    assert login.status == 200 and login.json()["user"]["email"] == edge.owner.email
    too_much = curl(edge.api + "/v1/auth/login", edge.cacert, "--http2", "-d", "x" * 70_000)
    assert too_much.status == 413
    base = curl(f"https://{edge.domain}:{edge.port}/", edge.cacert, "--http2")
    assert (base.status, base.text) == (200, "InstaTunnel edge\n")


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json"])
def test_errors_of_the_edge_are_the_same_as_over_http1(edge, accept):
    one, two = (edge.get("nobody-here", "/", version, "-H", f"Accept: {accept}") for version in ("--http1.1", "--http2"))
    assert one.status == two.status == 404
    hide = lambda text: re.sub(r"\d{2,}", "N", text)  # noqa: E731
    assert hide(one.text) == hide(two.text)
    assert [(n.lower(), v) for n, v in one.headers if n != "Content-Length"] == [(n, v) for n, v in two.headers if n != "content-length"]


def test_an_app_that_is_down_is_the_502_that_names_it(tunnel, app):
    t = tunnel(app.port)
    app.stop()
    reply = get(t, "/", "-H", "Accept: application/json")
    assert reply.status == 502 and reply.json()["error"] == "origin_unreachable" and f"localhost:{app.port}" in reply.json()["message"]


def test_a_connection_serves_only_hosts_that_its_certificate_covers(tunnel, app, edge, visit):
    one, two = tunnel(app.port), tunnel(app.port)
    v = visit(one)
    assert v.request("/echo").status == 200
    assert v.request("/echo", authority=f"{two.host}:{edge.port}").status in (200, 421)
    answer = v.request("/echo", authority="elsewhere.example.com")
    assert (answer.status, answer.header("x-instatunnel-error")) == (421, "misdirected_request")
    assert v.request("/echo").status == 200, "the connection goes on"


# --- WebSocket ----------------------------------------------------------------------------------------------------------


def test_the_edge_offers_extended_connect(tunnel, app, visit):
    v = visit(tunnel(app.port))
    assert v.h2.remote_settings[8] == 1


def test_a_websocket_app_is_reached_by_extended_connect(tunnel, websocket_app, visit):
    v = visit(tunnel(websocket_app.port))
    number = v.start("/chat?room=1", "CONNECT", [("sec-websocket-version", "13"), ("sec-websocket-protocol", "echo")], end=False, protocol="websocket")
    v.until(lambda: v.answers[number].status)
    answer = v.answers[number]
    assert answer.status == 200 and answer.header("sec-websocket-accept") is None and answer.header("content-length") is None
    for payload, opcode in [(b"hello", 1), (os.urandom(200_000), 2)]:
        v.send(number, ws.frame(payload, opcode))
        v.until(lambda: ws.message(v.answers[number].body) is not None)
        kind, received, rest = ws.message(v.answers[number].body)
        assert (kind, received) == (opcode, payload)
        v.answers[number].body = rest
    v.send(number, ws.close(1000))
    v.until(lambda: v.answers[number].ended)
    assert ws.close_code(v.answers[number].body) == 1000
    v.send(number, b"", end=True)


def test_websockets_and_requests_share_a_connection(tunnel, websocket_app, visit):
    v = visit(tunnel(websocket_app.port))
    numbers = [v.start("/", "CONNECT", [("sec-websocket-version", "13")], end=False, protocol="websocket") for _ in range(10)]
    for number in numbers:
        v.until(lambda: v.answers[number].status == 200)  # pylint: disable=cell-var-from-loop
        v.send(number, ws.frame(b"n%d" % number, 1))
    for number in numbers:
        v.until(lambda: ws.message(v.answers[number].body) is not None)  # pylint: disable=cell-var-from-loop
        assert ws.message(v.answers[number].body)[1] == b"n%d" % number
    v.reset(numbers[0])
    v.send(numbers[1], ws.frame(b"still here", 1))
    v.until(lambda: b"still here" in v.answers[numbers[1]].body)


def test_an_app_that_declines_the_upgrade_is_told_as_it_is_and_never_as_success(tunnel, app, visit):
    v = visit(tunnel(app.port))
    refused = v.request("/status/403", "CONNECT", [("sec-websocket-version", "13")], body=b"not for the app", protocol="websocket")
    assert (refused.status, refused.body) == (403, b"status 403")
    assert v.request("/status/200", "CONNECT", protocol="websocket", body=b"").status == 502
    assert not any(request.method != "GET" for request in app.seen), "early bytes must not reach an app that did not upgrade"


def test_plain_connect_is_refused(tunnel, app, visit):
    v = visit(tunnel(app.port))
    number = v.h2.get_next_available_stream_id()
    v.answers[number] = Answer()
    v.h2.send_headers(number, [(":method", "CONNECT"), (":authority", v.host)], end_stream=True)
    v.flush()
    assert v.answer(number).status == 501


# --- Priorities ---------------------------------------------------------------------------------------------------------


def test_urgent_answers_overtake_waiting_ones(tunnel, nginx, visit):
    content = b"x" * (2 << 20)
    for name in ("later.bin", "urgent.bin"):
        (nginx.root / name).write_bytes(content)
        (nginx.root / name).chmod(0o644)
    v = visit(tunnel(nginx.port), greedy=False, window=(1 << 31) - 1)
    later = v.start("/later.bin", headers=[("priority", "u=6")])
    v.until(lambda: len(v.answers[later].body) == 65535)  # the connection's window is used up
    urgent = v.start("/urgent.bin", headers=[("priority", "u=1")])
    v.until(lambda: v.answers[urgent].status == 200)
    given = 65535
    while not v.answers[urgent].ended:
        # A little at a time: bytes of both wait at the edge whenever the window opens.
        given += 16384
        v.h2.increment_flow_control_window(16384)
        v.flush()
        v.until(lambda: sum(len(a.body) for a in v.answers.values()) == given or v.answers[urgent].ended)  # pylint: disable=cell-var-from-loop
    assert len(v.answers[urgent].body) == len(content) and len(v.answers[later].body) < len(content) / 2


# --- Ends ---------------------------------------------------------------------------------------------------------------


def test_a_draining_edge_says_goaway_twice_and_lets_requests_finish(new_edge, new_cli, app):
    own = new_edge().start()
    t = Tunnel(new_cli(own), str(app.port), name="drained")
    with FrameVisitor(own.port, t.host, own.cacert) as v:
        v.send(v.get(1, "/slow?ms=2500"))
        wait_until(lambda: app.seen, 10, lambda: "the request has not reached the app")
        own.process.send(signal.SIGTERM)
        v.until(lambda: v.goaway is not None)
        v.send(v.get(3))
        v.end()
    goaways = [(f.error_code, f.last_stream_id) for f in v.frames if isinstance(f, GoAwayFrame)]
    assert goaways == [(0, (1 << 31) - 1), (0, 3)]
    assert v.statuses == {1: 200} and v.resets == {3: 7}, "new requests are refused, and may be tried elsewhere"
    assert b"".join(f.data for f in v.frames if isinstance(f, DataFrame)) == b"slow answer"
    assert own.process.wait(20) == 0
    t.process.kill()


def test_the_client_reports_requests_over_http2_like_others(tunnel, app, visit):
    t = tunnel(app.port)
    visit(t).request("/echo?secret=no")
    event = t.process.wait_event("request")
    assert (event["method"], event["path"], event["status"]) == ("GET", "/echo", 200)
