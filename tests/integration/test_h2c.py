"""Apps that speak HTTP/2 without TLS: `--upstream h2c`, by python3-h2."""

import hashlib
import os

import h2.settings
import pytest

from http2_app import PREFACE, BrokenApp, Http2App
from http2_visitor import Http2Visitor
from local_apps import HttpApp
from process import wait_until

MIB = 1 << 20
CONNECT = {h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1}
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM, HTTP_1_1_REQUIRED = 0, 1, 2, 7, 8, 11, 13


@pytest.fixture
def h2app(new_app):
    return new_app(Http2App)


@pytest.fixture
def t(tunnel, h2app):
    return tunnel(h2app.port, "--upstream", "h2c")


@pytest.fixture(params=["--http1.1", "--http2"])
def version(request):
    return request.param


def visitor(t):
    return Http2Visitor(t.edge.port, t.host, t.edge.cacert)


def test_a_page_is_fetched_by_either_version(t, h2app, version):
    reply = t.get("/hello", version)
    assert (reply.status, reply.body) == (200, b"hello over HTTP/2") and reply.header("x-method") == "GET"
    request = h2app.notes("request")[0]
    assert request[":scheme"] == "http" and request[":authority"] == f"{t.host}:{t.edge.port}" and request["te"] == "trailers"
    assert request["x-forwarded-proto"] == "https" and request["x-forwarded-for"] == "127.0.0.1"
    assert all(name == name.lower() for name in request)


def test_host_header_modes_set_the_authority(tunnel, h2app):
    rewritten = tunnel(h2app.port, "--upstream", "h2c", "--host-header", "rewrite")
    fixed = tunnel(h2app.port, "--upstream", "h2c", "--host-header", "app.test")
    assert rewritten.get("/hello").status == fixed.get("/hello").status == 200
    assert [r[":authority"] for r in h2app.notes("request")] == [f"localhost:{h2app.port}", "app.test"]


def test_an_upload_arrives_whole_and_its_trailers_too(t, folder, version):
    path = folder / "upload"
    path.write_bytes(os.urandom(3 * MIB))
    reply = t.get("/hash", version, "--data-binary", f"@{path}", "-H", "Expect:")
    assert reply.text == hashlib.sha256(path.read_bytes()).hexdigest() and reply.header("x-length") == str(3 * MIB)
    assert dict(reply.trailers)["x-sum"] == reply.text
    chunked = t.get("/hash", version, "-T", path, "-H", "Transfer-Encoding: chunked", "-H", "Expect:")
    assert chunked.text == reply.text


def test_trailers_of_a_request_reach_the_app(t):
    with visitor(t) as v:
        reply = v.request("/hash", "POST", body=b"abc", trailers=[("x-after", "all")])
    assert reply.body.decode() == hashlib.sha256(b"abc").hexdigest() and ("x-got", '[["x-after", "all"]]') in reply.trailers


def test_early_hints_pass(t, version):
    reply = t.get("/hints", version)
    assert [s for s, _ in reply.interim] == [103, 103] and reply.body == b"after hints"


def test_heads_without_bodies(t, version):
    head = t.get("/hello", version, "-I")
    assert (head.status, head.header("content-length"), head.header("x-method")) == (200, "17", "HEAD")
    fresh = t.get("/304", version)
    assert (fresh.status, fresh.header("etag"), fresh.body) == (304, '"1"', b"")
    assert t.get("/204", version).status == 204
    only = t.get("/trailers-only", version)
    assert (only.status, only.header("grpc-status"), only.body) == (200, "12", b"")


def test_large_replies_arrive_whole(t, version):
    for path in (f"/big?size={9 * MIB + 5}", f"/big?size={9 * MIB + 5}&length"):
        reply = t.get(path, version)
        assert reply.status == 200 and len(reply.body) == 9 * MIB + 5
        assert reply.body[:16384] == bytes(range(256)) * 64


def test_a_reply_before_the_end_of_the_request(t, folder, version):
    path = folder / "upload"
    path.write_bytes(b"u" * 2 * MIB)
    for query in ("", "?reset"):
        # curl 7.88 has the reply, but goes on waiting after RST_STREAM(NO_ERROR).
        reply = t.get("/early" + query, version, "--data-binary", f"@{path}", "-H", "Expect:", "--max-time", "3")
        assert (reply.status, reply.body) == (200, b"enough")
    assert t.get("/hello", version).status == 200


def test_the_rest_of_a_request_behind_its_reply_is_read_for_a_while(t):
    with visitor(t) as v:  # it sends all before it looks at the answer, within its windows
        reply = v.request("/early", "POST", body=b"u" * 2 * MIB)
    assert (reply.status, reply.body) == (200, b"enough")


def test_both_directions_stream_at_once(t):
    with visitor(t) as v:
        number = v.start("/echo", "POST", end=False)
        v.until(lambda: v.answers[number].status)
        for word in (b"one", b"two", b"three"):
            before = len(v.answers[number].body)
            v.send(number, word)
            v.until(lambda: len(v.answers[number].body) == before + len(word))
        v.send(number, b"", end=True)
        assert v.answer(number).body == b"onetwothree"


def test_a_visitor_who_does_not_read_holds_the_app_back_and_nobody_else(t, h2app):
    with Http2Visitor(t.edge.port, t.host, t.edge.cacert, greedy=False) as v:
        number = v.start(f"/big?size={64 * MIB}")
        v.until(lambda: len(v.answers[number].body) == 65535)
        last = [-1]

        def at_rest():
            before, last[0] = last[0], h2app.sent
            return before == h2app.sent

        wait_until(at_rest, 10, "an app at rest", every=0.3)
        assert h2app.sent < 4 * MIB
        for _ in range(40):
            assert t.get("/big?size=300000").status == 200
        v.reset(number)
        wait_until(lambda: h2app.notes("reset"), 5, "a reset at the app")
    assert h2app.notes("reset") == [{"path": "/big", "code": CANCEL}]


def test_an_app_that_does_not_read_holds_the_visitor_back(tunnel, new_app):
    app = new_app(Http2App, reads=False)
    t = tunnel(app.port, "--upstream", "h2c")
    with visitor(t) as v:
        number = v.start("/hash", "POST", end=False)
        sent = 0
        while sent < 16 * MIB:
            room = min(v.h2.local_flow_control_window(number), v.h2.max_outbound_frame_size)
            if room <= 0:
                v.socket.settimeout(2)
                try:
                    v.step()
                    continue
                except TimeoutError:
                    break
            v.h2.send_data(number, b"u" * room)
            sent += room
            v.flush()
        assert 65535 <= sent < 4 * MIB


def test_a_visitor_who_leaves_is_heard_at_the_app(t, h2app):
    with visitor(t) as v:
        v.start("/echo", "POST", end=False)
        wait_until(lambda: h2app.notes("request"), 5, "a request")
    wait_until(lambda: h2app.notes("reset"), 5, "a reset at the app")
    assert h2app.notes("reset") == [{"path": "/echo", "code": CANCEL}]


@pytest.mark.parametrize("code, status, name", [
    (INTERNAL_ERROR, 502, "origin_aborted"), (CANCEL, 502, "cancelled"), (ENHANCE_YOUR_CALM, 503, "rate_limited"),
    (REFUSED_STREAM, 503, "refused"), (HTTP_1_1_REQUIRED, 502, "origin_version"), (NO_ERROR, 502, "origin_aborted")])
def test_an_app_that_resets_a_request_is_answered_for(t, version, code, status, name):
    reply = t.get(f"/reset?code={code}", version)
    assert (reply.status, reply.header("X-Instatunnel-Error")) == (status, name)


@pytest.mark.parametrize("code, told", [(INTERNAL_ERROR, INTERNAL_ERROR), (CANCEL, CANCEL), (ENHANCE_YOUR_CALM, ENHANCE_YOUR_CALM), (PROTOCOL_ERROR, INTERNAL_ERROR)])
def test_an_app_that_resets_its_reply_resets_the_visitors_stream(t, code, told):
    with visitor(t) as v:
        reply = v.request(f"/cut?code={code}")
        assert (reply.status, reply.reset) == (200, told)
        assert v.request("/hello").status == 200
    assert t.get(f"/cut?code={code}", "--http1.1").exit_code != 0


def test_what_the_app_has_not_processed_is_sent_again(t, h2app, version):
    for path in ("/refuse-once", "/goaway-once"):
        assert t.get(path, version, "-d", "body").body == b"at last"
    assert h2app.count("refused") == h2app.count("left") == 1 and h2app.connections == 2


def test_a_kept_connection_that_died_costs_no_request(t, h2app, new_app):
    assert t.get("/hello").status == 200
    port = h2app.port
    h2app.stop()
    again = new_app(Http2App, port=port)
    assert t.get("/hello").status == 200 and t.get("/hash", "-d", "x").status == 200 and again.connections == 1


def test_an_app_that_is_down_is_told_like_any_other(t, h2app, version):
    h2app.stop()
    reply = t.get("/hello", version)
    assert (reply.status, reply.header("X-Instatunnel-Error")) == (502, "origin_unreachable")
    assert f"Failed to reach local server localhost:{h2app.port}" in reply.text
    assert t.process.wait_event("notice")["code"] == "target_unreachable"


def test_fields_beyond_the_bound_end_the_request_alone(t, h2app):
    assert t.get("/fields?count=100&size=500").status == 200
    for query in ("count=300&size=1", "count=70&size=1000"):
        reply = t.get(f"/fields?{query}")
        assert reply.status == 502 and reply.header("X-Instatunnel-Error") in ("origin_bad_response", "head_too_large")
    assert t.get("/hello").status == 200 and h2app.connections == 1


def frame(kind, flags, number, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + number.to_bytes(4, "big") + payload


BROKEN = {
    "no frame": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" * 4,
    "zeros": b"\0" * 4096,
    "a frame that is too long": b"\xff" * 64,
    "DATA without a head": lambda n: frame(0, 1, n, b"body"),
    "a head without a status": lambda n: frame(1, 5, n, b"\x00\x01a\x01b"),
    "a field of HTTP/1": lambda n: frame(1, 5, n, b"\x88\x00\x0aconnection\x05close"),
    "a field in upper case": lambda n: frame(1, 5, n, b"\x88\x00\x01A\x01b"),
    "a line break in a value": lambda n: frame(1, 5, n, b"\x88\x00\x01a\x03b\r\n"),
    "fields that are no HPACK": lambda n: frame(1, 5, n, b"\xff\xff\xff\xff\xff\xff"),
    "a status of no kind": lambda n: frame(1, 5, n, b"\x08\x03099"),
    "101": lambda n: frame(1, 5, n, b"\x08\x03101"),
    "a reply to nobody": lambda n: frame(1, 5, n + 2, b"\x88"),
    "more than was announced": lambda n: frame(1, 4, n, b"\x88\x0f\x0d\x011") + frame(0, 1, n, b"too much"),
    "less than was announced": lambda n: frame(1, 4, n, b"\x88\x0f\x0d\x019") + frame(0, 1, n, b"short"),
    "a push": lambda n: frame(5, 4, n, b"\0\0\0\x02\x82\x86\x84"),
    "SETTINGS without end": frame(4, 0, 0) * 5000,
    "PING without end": frame(6, 0, 0, b"12345678") * 5000,
    "CONTINUATION without end": lambda n: frame(1, 0, n, b"\x88") + frame(9, 0, n, b"\x00\x01a\x01b" * 100) * 3000,
    "a window that overflows": lambda n: frame(8, 0, n, b"\x7f\xff\xff\xff") * 2,
    "trailers without an end": lambda n: frame(1, 4, n, b"\x88") + frame(1, 4, n, b"\x00\x01a\x01b"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_app_that_breaks_the_protocol_hurts_its_request_alone(tunnel, new_app, what):
    t = tunnel(new_app(BrokenApp, junk=BROKEN[what]).port, "--upstream", "h2c")
    # What only ends the connection or keeps silent may leave the request waiting for an answer.
    reply = t.get("/", "--max-time", "3")
    assert reply.status in (0, 502, 503) or (what == "trailers without an end" and reply.exit_code)
    if what not in ("a reply to nobody", "zeros", "a push"):
        assert reply.status or reply.exit_code != 28, "no answer"
    assert t.process.running() and t.get("/", "--max-time", "3").status in (0, 502, 503)
    t.edge.call("GET", "/health")


def test_what_greets_otherwise_is_no_http_2(tunnel, new_app, version):
    for app in (new_app(HttpApp), new_app(BrokenApp, junk=b"", greeting=b"220 mail.example ESMTP\r\n")):
        t = tunnel(app.port, "--upstream", "h2c")
        reply = t.get("/", version)
        assert (reply.status, reply.header("X-Instatunnel-Error")) == (502, "origin_version")
        assert "--upstream http1" in reply.text and "does not speak HTTP/2 without TLS" in reply.text
        assert "--upstream http1" in t.process.wait_event("notice")["hint"]


def test_a_websocket_goes_to_an_app_that_takes_it_over_http_2(tunnel, new_app):
    app = new_app(Http2App, settings=CONNECT)
    t = tunnel(app.port, "--upstream", "h2c")
    with t.raw() as v:
        v.send(f"GET /chat HTTP/1.1\r\nHost: {t.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        status, fields = v.head()
        assert status == 101 and ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") in fields
        v.send(b"raw bytes")
        assert v.exactly(9) == b"raw bytes"
    request = app.notes("request")[0]
    assert (request[":method"], request[":protocol"]) == ("CONNECT", "websocket") and "sec-websocket-key" not in request
    with visitor(t) as v:
        number = v.start("/chat", "CONNECT", protocol="websocket", end=False)
        v.until(lambda: v.answers[number].status)
        v.send(number, b"ping", end=True)
        assert v.answer(number).body == b"ping"
        declined = v.start("/no", "CONNECT", protocol="websocket", end=False)
        assert v.answer(declined).status == 403


def test_a_websocket_to_an_app_that_does_not_is_told_the_way_out(t):
    reply = t.get("/chat", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    assert reply.status == 502 and "WebSocket" in reply.text and "--upstream http1 or auto" in reply.text


def test_an_upgrade_to_http_2_itself_is_left_out(t):
    assert t.get("/hello", "-H", "Connection: Upgrade, HTTP2-Settings", "-H", "Upgrade: h2c", "-H", "HTTP2-Settings: AAMAAABk").body == b"hello over HTTP/2"


def test_without_the_flag_only_calls_go_over_http_2(tunnel, app, new_app):
    plain, h2app = tunnel(app.port), tunnel(new_app(Http2App).port)
    assert plain.get("/a", "-d", "x").json()["target"] == "/a"
    assert h2app.get("/hello", "-d", "x", "-H", "Content-Type: application/grpc+proto").body == b"hello over HTTP/2"
    assert h2app.get("/hello", "-d", "x", "-H", "Content-Type: application/grpc-web").status == 502


def test_http1_is_for_everything(tunnel, app):
    reply = tunnel(app.port, "--upstream", "http1").get("/a", "-d", "x", "-H", "Content-Type: application/grpc")
    assert reply.json()["target"] == "/a"


def test_the_preface_is_what_prior_knowledge_means(tunnel, recorder):
    tunnel(recorder.port, "--upstream", "h2c").get("/", "--max-time", "2")
    assert recorder.received[0].startswith(PREFACE)


@pytest.mark.parametrize("arguments", [["3000", "--upstream", "http3"], ["./site", "--upstream", "h2c"]])
def test_an_upstream_that_does_not_exist_is_wrong_usage(cli, arguments):
    (cli.folder / "site").mkdir()
    done = cli.run(*arguments, "--api-key", "it_0123456789abcdef")
    assert done.returncode == 2 and "--upstream" in done.stderr
