"""What HTTP/1.1 visitors send and get through a tunnel, byte for byte."""

import email.utils
import hashlib
import json
import os
import re
import time

import pytest

from local_apps import RecordingApp
from visitor import curl

def test_curl_get_reaches_the_app_and_returns_its_answer(tunnel, app):
    t = tunnel(app.port)
    reply = t.get("/some/path?x=1&y=%20z")
    assert reply.status == 200
    seen = reply.json()
    assert (seen["method"], seen["target"]) == ("GET", "/some/path?x=1&y=%20z")
    assert t.ready["transport"] == "v2"
    assert t.ready["target"] == f"localhost:{app.port}"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_body_arrives_whole_with_every_method(tunnel, app, folder, method):
    body = os.urandom(300_000)
    (folder / "body").write_bytes(body)
    t = tunnel(app.port)
    seen = t.get("/", "-X", method, "--data-binary", f"@{folder}/body").json()
    assert (seen["method"], seen["size"], seen["sha256"]) == (method, len(body), hashlib.sha256(body).hexdigest())


def test_options_and_unknown_methods_reach_the_app(tunnel, app):
    t = tunnel(app.port)
    for method in ("OPTIONS", "PROPFIND", "M-SEARCH"):
        assert t.get("/", "-X", method).json()["method"] == method


def test_head_has_the_headers_of_get_and_no_body(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"HEAD / HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        reply = visitor.reply("HEAD")
        assert reply.status == 200 and int(reply.header("Content-Length")) > 100
        visitor.send(f"GET /status/200 HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        assert visitor.reply().body == b"status 200"


@pytest.mark.parametrize("code", [204, 304])
def test_answers_without_a_body_carry_no_framing(tunnel, app, code):
    t = tunnel(app.port)
    with t.raw() as visitor:
        request = f"GET /status/{code} HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode()
        visitor.send(request)
        reply = visitor.reply()
        assert reply.status == code and reply.header("ETag") == '"v1"'
        assert reply.header("Transfer-Encoding") is None
        if code == 204:
            assert reply.header("Content-Length") is None
        visitor.send(request)
        assert visitor.reply().status == code, "the connection stays usable"


@pytest.mark.parametrize("code", [400, 401, 404, 418, 500, 503])
def test_the_apps_error_answers_are_passed_on(tunnel, app, code):
    reply = tunnel(app.port).get(f"/status/{code}")
    assert (reply.status, reply.text) == (code, f"status {code}")


def test_redirects_are_passed_on_and_not_followed(tunnel, app):
    t = tunnel(app.port)
    for code in (301, 302, 303, 307, 308):
        reply = t.get(f"/status/{code}")
        assert reply.status == code and reply.header("Location") == "/elsewhere?a=b#c"
    assert len(app.seen) == 5


def test_every_set_cookie_line_survives_in_order(tunnel, app):
    assert tunnel(app.port).get("/cookies").all("Set-Cookie") == [
        "a=1; Path=/; HttpOnly", "b=2, with a comma", "c=3; Expires=Wed, 21 Oct 2037 07:28:00 GMT"]


def test_a_cookie_for_the_shared_domain_is_dropped_and_others_stay(tunnel, new_app, edge):
    app = new_app(RecordingApp, reply=(
        f"HTTP/1.1 200 OK\r\nSet-Cookie: evil=1; Domain={edge.domain}\r\nSet-Cookie: good=1\r\n"
        f"Set-Cookie: dot=1; domain=.{edge.domain.upper()}; Path=/\r\nContent-Length: 0\r\n\r\n").encode())
    assert tunnel(app.port).get("/").all("Set-Cookie") == ["good=1"]


def test_header_bytes_arrive_unchanged(tunnel, recorder):
    t = tunnel(recorder.port)
    lines = [
        b"User-Agent: Odd/1.0 (a  b)", b"X-MiXeD-Case: VaLuE", b"X-Utf8: gr\xc3\xbc\xc3\x9fe", b"X-Latin: \xe9\xff", b"X-Twice: 1",
        b"X-Twice: 2", b"X-Empty:", b"X-Tab: a\tb", b"Cookie: a=1; b=\"x y\"; c=%7B%22%7D", b"Authorization: Bearer secret-of-the-app",
        b"Accept-Encoding: gzip;q=1.0, identity; q=0.5", b"If-None-Match: W/\"x\", \"y\"",
    ]
    with t.raw() as visitor:
        visitor.send(b"GET /a%2Fb//c/../d?q=%7e&&=;%00 HTTP/1.1\r\nHost: " + t.host.encode() + b"\r\n" + b"\r\n".join(lines) + b"\r\n\r\n")
        assert visitor.reply().status == 200
    head = recorder.heads()[0]
    assert head[0] == b"GET /a%2Fb//c/../d?q=%7e&&=;%00 HTTP/1.1"
    got = [line.rstrip(b" ") for line in head[1:]]
    assert [line for line in got if line in lines] == lines, head


def test_answer_header_bytes_arrive_unchanged(tunnel, new_app):
    lines = [b"X-MiXeD: VaLuE  inside", b"X-Utf8: gr\xc3\xbc\xc3\x9fe", b"Server: odd/0.1", b"Date: Tue, 15 Nov 1994 08:12:31 GMT",
             b"Cache-Control: max-age=1", b"X-Twice: 1", b"X-Twice: 2", b"Content-Security-Policy: default-src 'self'; x"]
    app = new_app(RecordingApp, reply=b"HTTP/1.1 200 Fine Thanks\r\n" + b"\r\n".join(lines) + b"\r\nContent-Length: 2\r\n\r\nok")
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"GET / HTTP/1.1\r\nHost: {t.host}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = visitor.rest().partition(b"\r\n\r\n")
    got = head.split(b"\r\n")
    assert got[0].startswith(b"HTTP/1.1 200")
    assert [line for line in got if line in lines] == lines, got
    assert body == b"ok"
    names = {line.split(b":")[0].lower() for line in got[1:]}
    assert names <= {line.split(b":")[0].lower() for line in lines} | {b"content-length", b"connection"}, "no header is injected"


def test_forwarding_fields_are_ours_and_a_visitors_own_are_replaced(tunnel, app):
    t = tunnel(app.port)
    seen = t.get("/", "-H", "X-Forwarded-For: 6.6.6.6", "-H", "X-Forwarded-Proto: ftp", "-H", "X-Forwarded-Host: evil.example", "-H",
                 "X-Forwarded-Port: 1", "-H", "Forwarded: for=6.6.6.6;proto=ftp").json()
    headers = {}
    for name, value in seen["headers"]:
        headers.setdefault(name.lower(), []).append(value)
    authority = t.url.split("//")[1].rstrip("/")
    assert headers["x-forwarded-for"] == ["127.0.0.1"]
    assert headers["x-forwarded-proto"] == ["https"]
    assert headers["x-forwarded-host"] == [authority]
    assert headers["x-forwarded-port"] == [str(t.edge.port)]
    assert len(headers["forwarded"]) == 1
    forwarded = headers["forwarded"][0]
    assert "6.6.6.6" not in forwarded and "for=127.0.0.1" in forwarded.replace('"', "") and "proto=https" in forwarded
    assert "evil.example" not in json.dumps(seen) and "6.6.6.6" not in json.dumps(seen)


def test_hop_by_hop_fields_stop_at_the_edge(tunnel, recorder):
    t = tunnel(recorder.port)
    with t.raw() as visitor:
        visitor.send(f"GET / HTTP/1.1\r\nHost: {t.host}\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n"
                     "Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nTE: gzip\r\nX-Public: 1\r\n\r\n".encode())
        assert visitor.reply().status == 200
    names = [line.split(b":")[0].lower() for line in recorder.heads()[0][1:]]
    assert b"x-public" in names
    for name in (b"x-private", b"keep-alive", b"proxy-connection", b"proxy-authorization"):
        assert name not in names


def test_expect_100_continue_asks_the_app_first(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"POST / HTTP/1.1\r\nHost: {t.host}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n".encode())
        assert visitor.head()[0] == 100
        visitor.send(b"hello")
        assert visitor.reply().json()["size"] == 5


def test_expect_100_continue_can_be_refused_before_the_body(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"POST /refuse HTTP/1.1\r\nHost: {t.host}\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n".encode())
        assert visitor.head()[0] == 413


def test_curl_with_expect_100_continue_sends_its_body(tunnel, app, folder):
    (folder / "body").write_bytes(b"x" * 2_000_000)
    seen = tunnel(app.port).get("/", "-T", folder / "body", "-H", "Expect: 100-continue", "--expect100-timeout", "15").json()
    assert seen["size"] == 2_000_000


def test_chunked_upload_by_curl(tunnel, app, folder):
    body = os.urandom(1_000_000)
    (folder / "body").write_bytes(body)
    seen = tunnel(app.port).get("/", "-T", folder / "body", "-H", "Transfer-Encoding: chunked").json()
    assert seen["sha256"] == hashlib.sha256(body).hexdigest()


def test_request_trailers_reach_the_app(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"POST / HTTP/1.1\r\nHost: {t.host}\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                     "5;ext=1\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n".encode())
        seen = visitor.reply().json()
    assert seen["size"] == 5 and ["X-Sum", "42"] in seen["trailers"]


def test_response_trailers_reach_curl_and_a_raw_visitor(tunnel, app):
    t = tunnel(app.port)
    reply = t.get("/chunks?n=3")
    expected = hashlib.sha256(reply.body).hexdigest()
    assert len(reply.body) == 3000
    assert ("X-Checksum", expected) in reply.trailers
    with t.raw() as visitor:
        visitor.send(f"GET /chunks?n=3 HTTP/1.1\r\nHost: {t.host}\r\nTE: trailers\r\n\r\n".encode())
        assert ("X-Checksum", expected) in visitor.reply().trailers


def test_interim_answers_are_passed_on(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"GET /hints HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        reply = visitor.reply()
    assert [status for status, _ in reply.interim] == [103]
    assert reply.interim[0][1] == [("Link", "</style.css>; rel=preload")]
    assert reply.body == b"after hints"


def test_pipelined_requests_are_answered_in_order(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        paths = ["/slow?ms=300", "/status/200", "/chunks?n=2", "/status/404", "/slow?ms=50", "/status/204", "/"]
        visitor.send("".join(f"GET {p} HTTP/1.1\r\nHost: {t.host}\r\n\r\n" for p in paths).encode())
        replies = [visitor.reply() for _ in paths]
    assert [r.status for r in replies] == [200, 200, 200, 404, 200, 204, 200]
    assert replies[0].body == b"slow answer" and replies[1].body == b"status 200"
    assert len(replies[2].body) == 2000 and replies[6].json()["target"] == "/"


def test_a_pipeline_with_bodies_keeps_its_boundaries(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        data = b""
        for index in range(50):
            body = bytes([97 + index % 26]) * (index * 37)
            if index % 2:
                framed = b"Transfer-Encoding: chunked\r\n\r\n" + (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
            else:
                framed = b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            data += f"POST /{index} HTTP/1.1\r\nHost: {t.host}\r\n".encode() + framed
        visitor.send(data)
        for index in range(50):
            seen = visitor.reply().json()
            assert (seen["target"], seen["size"]) == (f"/{index}", index * 37)


def test_a_request_split_into_single_bytes_is_understood(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        for byte in f"POST /split HTTP/1.1\r\nHost: {t.host}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode():
            visitor.send(bytes([byte]))
        assert visitor.reply().json()["size"] == 3


def test_http_1_0_visitors_get_an_answer_and_the_end(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"GET /chunks?n=2 HTTP/1.0\r\nHost: {t.host}\r\n\r\n".encode())
        head, _, body = visitor.rest().partition(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n")[0] and b"chunked" not in head.lower()
    assert body == b"A" * 1000 + b"B" * 1000


def test_an_old_app_that_ends_its_answer_by_closing_is_understood(tunnel, app):
    t = tunnel(app.port)
    reply = t.get("/old")
    assert (reply.status, reply.body) == (200, b"old style")
    assert t.get("/old").status == 200


def test_an_answer_that_the_app_cuts_is_cut_for_the_visitor_too(tunnel, app):
    t = tunnel(app.port)
    reply = t.get("/cut")
    assert reply.exit_code != 0, "a visitor must never take a cut answer for a whole one"
    assert t.get("/status/200").status == 200


def test_connection_close_is_honoured(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"GET /status/200 HTTP/1.1\r\nHost: {t.host}\r\nConnection: close\r\n\r\n".encode())
        assert visitor.reply().body == b"status 200"
        assert visitor.closed()


def test_an_unknown_name_is_a_404_and_says_so(edge):
    reply = edge.get("nobody-has-this", "/")
    assert reply.status == 404
    assert reply.exit_code == 0
    json_reply = edge.get("nobody-has-this", "/", "-H", "Accept: application/json")
    assert json_reply.json()["code"] == 4004 and set(json_reply.json()) >= {"error", "message", "code"}


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_whoever_answers_for_itself_says_when_and_once(edge, tunnel, app, version):
    t = tunnel(app.port, "--password", "dated-word-4711")
    for url in (edge.url("nobody-has-this"), edge.ready["url"], edge.api + "/v1/health", t.url):
        reply = curl(url, edge.cacert, version)
        (date,) = reply.all("Date")
        assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 60, (url, reply)


def test_the_client_reports_each_request(tunnel, app):
    t = tunnel(app.port)
    t.get("/status/404?secret=query-value")
    event = t.process.wait_event("request")
    assert (event["method"], event["path"], event["status"], event["bytes"]) == ("GET", "/status/404", 404, len("status 404"))
    assert event["ms"] >= 0
    assert "query-value" not in t.process.stdout + t.process.stderr


def test_the_name_in_the_url_is_the_one_asked_for(tunnel, app, edge):
    t = tunnel(app.port, name="demo-name")
    assert re.fullmatch(rf"https://demo-name\.{re.escape(edge.domain)}:{edge.port}", t.url)
    assert t.ready["name"] == "demo-name"
