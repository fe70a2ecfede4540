"""Requests that two programs could understand differently: refused by the edge, never seen by the app."""

import pathlib
import shutil
import tempfile

import pytest

from edge import Cli, Tunnel
from local_apps import RecordingApp

MARK = b"GET /smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n"

REFUSED = {
    "both Transfer-Encoding and Content-Length": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Content-Length first, chunked with a tab": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n",
    "two different Content-Length": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "a list of different lengths": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4, 5\r\n\r\nabcde",
    "a signed length": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: +4\r\n\r\nabcd",
    "a negative length": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: -4\r\n\r\nabcd",
    "a hexadecimal length": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0x4\r\n\r\nabcd",
    "a length that overflows": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "an empty length": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length:\r\n\r\n",
    "Transfer-Encoding gzip alone": b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: gzip\r\n\r\n",
    "chunked not last": b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two Transfer-Encoding lines": b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "a misspelt chunked": b"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length : 4\r\n\r\nabcd",
    "a space in a name": b"GET / HTTP/1.1\r\nHost: {host}\r\nX y: 1\r\n\r\n",
    "a folded line": b"GET / HTTP/1.1\r\nHost: {host}\r\nX-A: 1\r\n folded\r\n\r\n",
    "a folded first line": b"GET / HTTP/1.1\r\n Host: {host}\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: {host}\n\n",
    "one bare line feed": b"GET / HTTP/1.1\r\nHost: {host}\r\nX-A: 1\nX-B: 2\r\n\r\n",
    "a bare carriage return": b"GET / HTTP/1.1\r\nHost: {host}\r\nX-A: 1\rX-B: 2\r\n\r\n",
    "a NUL in a value": b"GET / HTTP/1.1\r\nHost: {host}\r\nX-A: a\x00b\r\n\r\n",
    "a control byte in a value": b"GET / HTTP/1.1\r\nHost: {host}\r\nX-A: a\x01b\r\n\r\n",
    "a line without a colon": b"GET / HTTP/1.1\r\nHost: {host}\r\nnonsense\r\n\r\n",
    "an empty name": b"GET / HTTP/1.1\r\nHost: {host}\r\n: 1\r\n\r\n",
    "two Host lines": b"GET / HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n",
    "two different Host lines": b"GET / HTTP/1.1\r\nHost: {host}\r\nHost: api.localhost\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "an empty Host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "a Host with a path": b"GET / HTTP/1.1\r\nHost: {host}/x\r\n\r\n",
    "a Host with user information": b"GET / HTTP/1.1\r\nHost: a@{host}\r\n\r\n",
    "two spaces in the request line": b"GET  / HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a target without a slash": b"GET x HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a control byte in the target": b"GET /\x7f HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "no version": b"GET /\r\nHost: {host}\r\n\r\n",
    "a lower-case version": b"GET / http/1.1\r\nHost: {host}\r\n\r\n",
    "an unknown version": b"GET / HTTP/3.7\r\nHost: {host}\r\n\r\n",
    "CONNECT": b"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "the HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a target beyond the limit": b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a field beyond the limit": b"GET / HTTP/1.1\r\nHost: {host}\r\nX-A: " + b"a" * 20000 + b"\r\n\r\n",
    "too many fields": b"GET / HTTP/1.1\r\nHost: {host}\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(200)) + b"\r\n",
    "a head beyond the limit": b"GET / HTTP/1.1\r\nHost: {host}\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 5000) for i in range(30)) + b"\r\n",
}

BAD_CHUNKS = {
    "a size that is no number": b"z\r\nabc\r\n0\r\n\r\n",
    "a size with 0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a signed size": b"+3\r\nabc\r\n0\r\n\r\n",
    "a size that overflows": b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "a bare LF after the size": b"3\nabc\r\n0\r\n\r\n",
    "a bare LF after the data": b"3\r\nabc\n0\r\n\r\n",
    "data longer than its size": b"3\r\nabcd\r\n0\r\n\r\n",
    "a bare LF inside an extension": b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "an endless extension": b"3;" + b"a" * 100_000 + b"\r\nabc\r\n0\r\n\r\n",
    "a bare LF in the trailers": b"3\r\nabc\r\n0\r\nX: 1\n\r\n",
    "a folded trailer": b"3\r\nabc\r\n0\r\nX: 1\r\n y\r\n\r\n",
    "endless trailers": b"3\r\nabc\r\n0\r\n" + b"X: " + b"a" * 60 + b"\r\n" + b"X: 1\r\n" * 30_000 + b"\r\n",
}
ALLOWED = {400, 413, 414, 417, 421, 431, 501, 505}


@pytest.fixture(scope="module")
def victim(binary, edge):
    """A tunnel to a recording app that all rows share."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="it-"))
    app = RecordingApp()
    t = Tunnel(Cli(binary, folder, edge), app.port, name="victim")
    yield t, app
    t.process.kill()
    app.stop()
    shutil.rmtree(folder, ignore_errors=True)


def send(t, data):
    """The status of the first answer, None if the edge just closes; then asks for the end of the connection."""
    with t.raw() as visitor:
        try:
            visitor.send(data)
        except OSError:
            pass
        try:
            status = visitor.head()[0]
            rest = visitor.rest()
        except (EOFError, OSError):
            return None, b""
        return status, rest


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_the_app_sees_anything(victim, case):
    t, app = victim
    app.forget()
    status, rest = send(t, (REFUSED[case] + MARK).replace(b"{host}", t.host.encode()))
    assert status is None or status in ALLOWED, f"{case}: answered {status}"
    assert b"HTTP/1.1 200" not in rest, f"{case}: what follows was served"
    assert app.received == [], f"{case}: the app saw {app.received}"
    assert t.get("/after").status == 200


@pytest.mark.parametrize("case", BAD_CHUNKS)
def test_a_bad_chunk_ends_the_connection_and_nothing_follows_it(victim, case):
    t, app = victim
    app.forget()
    head = f"POST /first HTTP/1.1\r\nHost: {t.host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    send(t, head + BAD_CHUNKS[case] + MARK.replace(b"{host}", t.host.encode()))
    assert not any(b"/smuggled" in data for data in app.received), f"{case}: {app.received}"
    assert t.get("/after").status == 200


def test_a_body_is_never_taken_for_a_request(tunnel, app):
    t = tunnel(app.port)
    inner = MARK.replace(b"{host}", t.host.encode())
    with t.raw() as visitor:
        visitor.send(b"POST /outer HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" % (t.host.encode(), len(inner)) + inner)
        assert visitor.reply().json()["size"] == len(inner)
        visitor.send(f"GET /after HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        assert visitor.reply().json()["target"] == "/after"
    assert [request.target for request in app.seen] == ["/outer", "/after"]


@pytest.mark.parametrize("head, status", [
    (b"GET http://{host}/abs?x=1 HTTP/1.1\r\nHost: {host}\r\n\r\n", 200),
    (b"\r\nGET /blank-line-first HTTP/1.1\r\nHost: {host}\r\n\r\n", 200),
    (b"GET / HTTP/1.1\r\nhOsT: {host}\r\n\r\n", 200),
    (b"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nX-A: \t padded \t\r\n\r\n", 200),
    (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", (200, 400)),
    (b"OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n", 200),
])
def test_unusual_but_right_requests_are_served(victim, head, status):
    t, _ = victim
    data = head.replace(b"{host}", t.host.encode()).replace(b"{port}", str(t.edge.port).encode())
    with t.raw() as visitor:
        visitor.send(data)
        assert visitor.head()[0] in (status if isinstance(status, tuple) else (status,))


def test_a_slow_head_is_cut(victim):
    t, _ = victim
    with t.raw() as visitor:
        visitor.socket.settimeout(40)
        visitor.send(b"GET / HTTP/1.1\r\n")
        data = visitor.rest()
    assert data == b"" or data.split(b" ")[1] == b"408"
