"""Each limit of visitors and tunnel clients: it can be set, it holds, and what it refuses names it."""

import contextlib
import pathlib
import socket
import time

import pytest

from edge import Cli, Edge, Tunnel
from hostile import HostileApp
from process import wait_until
from visitor import tls_connection

SHORT = {"handshake": "2s", "first-byte": "1s", "whole-head": "1s", "keep-alive": "1s", "body-window": "1s", "body-minimum": "20k", "body": "100k", "start-line": "1k",
         "field": "2k", "head": "4k", "fields": "12", "streams": "3", "reply-head": "1s", "reply-idle": "1s", "hello": "1s", "hold": "1s", "lanes-without-hello": "2",
         "continue-wait": "100ms"}


def edge_with(binary, folder, limits):
    flags = [part for name, value in limits.items() for part in ("--limit", f"{name}={value}")]
    return Edge(binary, folder, ("--dev", *flags)).start()


@pytest.fixture(scope="module")
def short(binary, tmp_path_factory):
    """A tunnel behind an edge whose limits are all small."""
    folder = tmp_path_factory.mktemp("short")
    edge, app = edge_with(binary, folder / "edge", SHORT), HostileApp()
    t = Tunnel(Cli(binary, folder / "cli", edge), app.port, name="short")
    yield t
    t.process.kill()
    app.stop()
    edge.stop(limit=5)


@pytest.fixture
def limited(binary, folder, new_app):
    """limited(name=value, …): a tunnel behind an edge with these limits."""
    running = []

    def start(**limits):
        edge, app = edge_with(binary, folder / "limited", {name.replace("_", "-"): value for name, value in limits.items()}), new_app(HostileApp)
        running.append(edge)
        running.append(Tunnel(Cli(binary, folder / "limited-cli", edge), app.port, name="limited").process)
        return edge

    yield start
    for one in reversed(running):
        one.stop(5)


def limit_of(headers):
    return dict((name.lower(), value) for name, value in headers).get("x-instatunnel-limit")


def head_of(t, *lines, method="GET", path="/"):
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {t.host}", *lines, "", ""]).encode()


@pytest.mark.parametrize("lines, path, status, limit", [
    ([], "/" + "a" * 1100, 414, "start-line"),
    (["X-A: " + "a" * 2100], "/", 431, "field"),
    ([f"X-{i}: {'a' * 900}" for i in range(6)], "/", 431, "head"),
    ([f"X-{i}: a" for i in range(12)], "/", 431, "fields"),
    (["Content-Length: 102401"], "/", 413, "body"),
])
def test_a_head_beyond_a_limit_is_refused_by_name(short, lines, path, status, limit):
    with short.raw() as visitor:
        visitor.send(head_of(short, *lines, path=path))
        got, headers = visitor.head()
    assert (got, limit_of(headers)) == (status, limit)


@pytest.mark.parametrize("path, flags, status, limit", [
    ("/" + "a" * 1100, [], 414, "start-line"),
    ("/", ["-H", "X-A: " + "a" * 2100], 431, "field"),
    ("/", [part for i in range(12) for part in ("-H", f"X-{i}: a")], 431, "fields"),
    ("/", ["--data-binary", "b" * 102_401], 413, "body"),
    ("/slow?ms=3000", [], 504, "reply-head"),
])
def test_the_same_limits_hold_over_http2(short, path, flags, status, limit):
    reply = short.get(path, "--http2", *flags)
    assert (reply.status, limit_of(reply.headers)) == (status, limit), reply


def test_a_body_of_unknown_length_is_refused_once_it_is_too_long(short):
    with short.raw() as visitor:
        visitor.send(head_of(short, "Transfer-Encoding: chunked", method="POST"))
        with contextlib.suppress(OSError):
            for _ in range(20):
                visitor.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        status, headers = visitor.head()
    assert (status, limit_of(headers)) == (413, "body")
    assert short.get("/", "--data-binary", "b" * 102_400).json()["size"] == 102_400


@pytest.mark.parametrize("sent, status, limit", [
    (b"GET / HTTP/1.1\r\nHost:", 408, "whole-head"),
    (b"POST /slow?ms=3000 HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\nabc", 408, "body-window"),
    (b"GET /slow?ms=3000 HTTP/1.1\r\nHost: {host}\r\n\r\n", 504, "reply-head"),
])
def test_what_takes_too_long_is_ended_by_name(short, sent, status, limit):
    with short.raw() as visitor:
        visitor.send(sent.replace(b"{host}", short.host.encode()))
        got, headers = visitor.head()
    assert (got, limit_of(headers)) == (status, limit)


def test_a_slow_head_is_cut(short):
    """However often a byte comes."""
    with short.raw() as visitor, contextlib.suppress(OSError):
        started = time.monotonic()
        for byte in b"GET / HTTP/1.1\r\nX-A: " + b"a" * 1000:
            visitor.send(bytes([byte]))
            time.sleep(0.02)
    assert time.monotonic() - started < 5


def test_more_requests_at_once_than_a_tunnel_carries_are_refused_by_name(short):
    with contextlib.ExitStack() as stack:
        busy = [stack.enter_context(short.raw()) for _ in range(3)]
        for visitor in busy:
            visitor.send(head_of(short, path="/slow?ms=700"))
        one_more = stack.enter_context(short.raw())

        def refused():
            one_more.send(head_of(short, path="/status/200"))
            reply = one_more.reply()
            return reply.status == 503 and limit_of(reply.headers)

        assert wait_until(refused, 5, "refusal") == "streams"
        assert [visitor.reply().status for visitor in busy] == [200] * 3
    assert short.get("/status/200").status == 200


def test_a_reply_that_pauses_too_long_is_cut(short):
    with short.raw() as visitor:
        visitor.send(head_of(short, path="/begun"))
        assert visitor.head()[0] == 200
        assert visitor.exactly(10) == b"x" * 10
        assert visitor.closed()


@pytest.mark.parametrize("says", [None, b"", b"\r\n"], ids=["a handshake", "a request", "more than an empty line"])
def test_a_connection_that_does_not_go_on_to_what_follows_is_closed(short, says):
    started = time.monotonic()
    if says is None:
        with socket.create_connection(("127.0.0.1", short.edge.port), 10) as plain:
            assert plain.recv(1) == b""
        assert time.monotonic() - started >= 1.9
        return
    with short.raw() as visitor:
        visitor.send(says)
        assert visitor.rest()[:13] in (b"", b"HTTP/1.1 408 ")
    assert time.monotonic() - started >= 0.9


def test_a_kept_connection_is_closed_when_it_is_idle_too_long(short):
    with short.raw() as visitor:
        for _ in range(3):
            visitor.send(head_of(short, path="/status/200"))
            assert visitor.reply().status == 200
        assert visitor.closed()


def test_clients_that_do_not_introduce_themselves_are_few_and_told_the_limit(short):
    lanes = [tls_connection(short.edge.port, "api.localhost", short.edge.cacert, alpn=["itp/1"]) for _ in range(2)]
    try:
        with tls_connection(short.edge.port, "api.localhost", short.edge.cacert, alpn=["itp/1"]) as third, contextlib.suppress(OSError):
            assert third.recv(1) == b""
        short.edge.process.wait_text("client.refused .*limit=lanes-without-hello")
        for lane in lanes:
            data = b""
            while part := lane.recv(4096):
                data += part
            assert b"no HELLO in time" in data
    finally:
        for lane in lanes:
            lane.close()


def test_visitors_of_a_lost_client_are_held_for_as_long_as_it_says(short, new_cli, new_app):
    t = Tunnel(new_cli(short.edge), new_app(HostileApp).port, name="held")
    t.process.kill()
    wait_until(lambda: t.get("/").status == 503, 5, "answer that asks to come back")
    wait_until(lambda: t.get("/").status == 404, 5, "answer that nothing is there")


def refused(edge, limit):
    """Whether a new connection is closed before TLS; the log must say why."""
    try:
        tls_connection(edge.port, "limited.localhost", edge.cacert, limit=5).close()
    except OSError:
        edge.process.wait_text(rf"visitor\.refused .*limit={limit}\b")
        return True
    return False


def fill(edge, stack, count):
    """`count` visitors that stay. The connection of the client's own call may need a moment to be counted off."""
    def enter():
        try:
            return stack.enter_context(edge.raw("limited"))
        except OSError:
            return None

    return [wait_until(enter, 5, "room for a visitor") for _ in range(count)]


@pytest.mark.parametrize("limit", ["visitors", "visitors-per-address"])
def test_one_visitor_too_many_is_turned_away_and_those_inside_are_served(limited, limit):
    edge = limited(**{limit: 8})
    with contextlib.ExitStack() as stack:
        inside = fill(edge, stack, 8)
        assert refused(edge, limit)
        for visitor in inside:
            visitor.send(b"GET /status/200 HTTP/1.1\r\nHost: limited.localhost\r\n\r\n")
            assert visitor.reply().status == 200
    wait_until(lambda: edge.get("limited", "/status/200").status == 200, 5, "service once they have gone")


def test_a_tunnel_comes_back_although_there_is_no_room_for_visitors(limited, new_cli, new_app):
    edge = limited(visitors=4)
    with contextlib.ExitStack() as stack:
        inside = fill(edge, stack, 4)
        t = Tunnel(new_cli(edge), str(new_app().port), name="another")
        assert refused(edge, "visitors")
        inside[0].send(b"GET /status/200 HTTP/1.1\r\nHost: limited.localhost\r\n\r\n")
        assert inside[0].reply().status == 200
        t.process.kill()


def test_handshakes_of_an_address_are_limited_once_that_is_set(limited):
    edge = limited(handshakes_per_address=1)
    with edge.raw("limited") as inside:
        assert any(refused(edge, "handshakes-per-address") for _ in range(6))
        inside.send(b"GET /status/200 HTTP/1.1\r\nHost: limited.localhost\r\n\r\n")
        assert inside.reply().status == 200


def test_requests_to_a_tunnel_are_limited_once_that_is_set(limited):
    edge = limited(requests_per_tunnel=2)
    with edge.raw("limited") as visitor:
        replies = []
        for _ in range(8):
            visitor.send(b"GET /status/200 HTTP/1.1\r\nHost: limited.localhost\r\n\r\n")
            replies.append(visitor.reply())
    told = [reply for reply in replies if reply.status == 429]
    assert told and replies[0].status == 200
    assert all(limit_of(reply.headers) == "requests-per-tunnel" and reply.header("Retry-After") for reply in told)
    assert edge.get("nobody-here").status == 404


@pytest.mark.parametrize("value", ["visitors=0", "visitors=x", "handshake=", "head=1g", "body=-1", "first-byte=1x", "no-such-limit=1"])
def test_a_limit_that_cannot_be_is_wrong_usage_and_says_what_can(cli, folder, value):
    done = cli.run("serve", "--dev", "--listen", "127.0.0.1:0", "--data", folder / "data", "--limit", value)
    assert done.returncode == 2 and value.split("=")[0] in done.stderr, done
    assert not (folder / "data").exists()


def test_help_and_documents_know_every_limit(cli):
    done = cli.run("serve", "--dev", "--limit", "no-such-limit=1")
    names = done.stderr.split("Name one of:")[1].split("\n\n")[0].replace(",", " ").split()
    assert len(names) > 30 and set(SHORT) < set(names), done
    text = " ".join(cli.run("serve", "--help").stdout.split())
    documents = (pathlib.Path(__file__).resolve().parent.parent.parent / "docs/design/limits.md").read_text(encoding="utf-8")
    assert [name for name in names if name not in text] == []
    assert [name for name in names if f"`{name}`" not in documents] == []
