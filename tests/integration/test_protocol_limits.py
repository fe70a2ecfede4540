"""Limits of HTTP/2, of tcp and tls tunnels, of heads and of a tunnel's windows: each holds at the value that it is set to."""

import contextlib
import secrets
import socket
import ssl
import struct
import threading
import time

import pytest
from hyperframe.frame import PingFrame, RstStreamFrame, WindowUpdateFrame

from edge import Cli, Tunnel
from hostile import HostileApp
from http2_visitor import FrameVisitor
from itp_peer import CREDIT, DATA, END, OPEN, PING, ClientPeer, frame, reply
from local_apps import ByteApp
from ports import free_range
from visitor import tls_connection

CALM = 11
REFUSED = 7


@pytest.fixture
def tunnel_of(binary, folder):
    """tunnel_of(edge, target, *flags)"""
    opened = []

    def open_tunnel(edge, *arguments):
        opened.append(Tunnel(Cli(binary, folder / "cli", edge), *map(str, arguments), name="bound"))
        return opened[-1]

    yield open_tunnel
    for one in opened:
        one.process.kill()


def limit_of(reply):
    return reply.status, reply.header("X-Instatunnel-Limit")


def seconds_until_closed(connection):
    started = time.monotonic()
    with contextlib.suppress(ConnectionError):
        assert connection.recv(1) == b""
    return time.monotonic() - started


def client_hello_for(name):
    context = ssl.create_default_context()
    sent = ssl.MemoryBIO()
    half = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        half.do_handshake()
    return sent.read()


def test_a_hello_must_come_in_time_and_a_handshake_as_a_whole(edge_with):
    edge = edge_with("--log-level", "debug", doorstep="700ms", handshake="2s")
    with socket.create_connection(("127.0.0.1", edge.port), 10) as silent:
        assert 0.6 <= seconds_until_closed(silent) < 1.9
    edge.process.wait_text(r"visitor\.refused .*limit=doorstep")
    with socket.create_connection(("127.0.0.1", edge.port), 10) as cut:
        cut.sendall(b"\x16\x03\x01\x00\xc0\x01\x00\x00\xbc\x03\x03")  # a hello that stops behind its version
        assert 0.6 <= seconds_until_closed(cut) < 1.9
    # A whole hello has the rest of the time: this client never goes on.
    hello = client_hello_for("api.localhost")
    with socket.create_connection(("127.0.0.1", edge.port), 10) as slow:
        slow.sendall(hello)
        started = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while slow.recv(65536):
                pass
        assert 1.8 <= time.monotonic() - started < 8
    edge.process.wait_text(r"visitor\.refused .*limit=handshake")


@pytest.mark.parametrize("grace, rate, ends", [("300ms", "2k", True), ("300ms", "10", False), ("30s", "2k", False)])
def test_a_head_that_comes_in_pieces_must_come_at_a_rate(edge_with, tunnel_of, new_app, grace, rate, ends):
    edge = edge_with(head_grace=grace, head_rate=rate)
    t = tunnel_of(edge, new_app(HostileApp).port)
    with t.raw() as visitor:
        # 200 bytes a second for two seconds.
        with contextlib.suppress(OSError):
            visitor.send(f"GET /status/200 HTTP/1.1\r\nHost: {t.host}\r\nX-A: ".encode())
            for _ in range(20):
                visitor.send(b"a" * 20)
                time.sleep(0.1)
            visitor.send(b"\r\n\r\n")
        told = visitor.reply()
    assert limit_of(told) == ((408, "head-rate") if ends else (200, None))


def test_a_field_section_that_comes_in_drops_is_cut_over_http2_as_well(edge_with, tunnel_of, new_app):
    edge = edge_with("--log-level", "debug", head_grace="300ms", head_rate="2k")
    t = tunnel_of(edge, new_app(HostileApp).port)
    with FrameVisitor(edge.port, t.host, edge.cacert) as visitor:
        whole = visitor.get(1, extra=[("x-long", secrets.token_hex(300))]).serialize()
        for at in range(0, 200, 10):
            visitor.send(whole[at:at + 10])
            time.sleep(0.1)
            if visitor.closed:
                break
        visitor.end()
        assert visitor.closed
    edge.process.wait_text(r"visitor\.cut .*limit=head-rate")


def test_streams_of_an_http2_connection(edge_with, tunnel_of, new_app):
    edge = edge_with(http2_streams=2)
    t = tunnel_of(edge, new_app(HostileApp).port)
    with FrameVisitor(edge.port, t.host, edge.cacert) as visitor:
        visitor.until(lambda: visitor.acknowledged)
        visitor.send(*(visitor.get(n, "/slow?ms=500") for n in (1, 3, 5)))
        assert visitor.outcome(5) == ("stream", REFUSED)
        assert visitor.outcome(1) == visitor.outcome(3) == ("status", 200)


@pytest.mark.parametrize("name, make", [
    ("http2-control-frames", lambda v, n: [PingFrame(0, b"12345678")]),
    ("http2-window-updates", lambda v, n: [WindowUpdateFrame(0, window_increment=1)]),
    ("http2-resets", lambda v, n: [v.get(2 * n + 1, "/slow?ms=100"), RstStreamFrame(2 * n + 1, error_code=8)]),
], ids=lambda v: v if isinstance(v, str) else "")
def test_floods_over_http2_end_at_the_rate_that_is_set(edge_with, tunnel_of, new_app, name, make):
    edge = edge_with(**{name.replace("-", "_"): 2})  # 20 at once
    t = tunnel_of(edge, new_app(HostileApp).port)
    with FrameVisitor(edge.port, t.host, edge.cacert) as visitor:
        for n in range(15):
            visitor.send(*make(visitor, n))
        visitor.send(visitor.get(101, "/status/200"))
        assert visitor.outcome(101) == ("status", 200)
        for n in range(51, 90):
            visitor.send(*make(visitor, n))
        assert visitor.end() == CALM


def test_wrong_passwords(edge_with, tunnel_of, new_app):
    edge = edge_with(wrong_passwords=2)
    t = tunnel_of(edge, new_app(HostileApp).port, "--auth", "ann:right-one")
    statuses = [t.get("/status/200", "-u", f"ann:wrong{i}") for i in range(3)]
    assert [reply.status for reply in statuses] == [401, 401, 429]
    assert statuses[2].header("Retry-After")
    assert t.get("/status/200", "-u", "ann:right-one").status == 429, "not even the right one"


def test_connections_of_a_tcp_tunnel_that_nobody_uses(edge_with, tunnel_of, new_app):
    ports = free_range(4)
    edge = edge_with("--tcp-ports", f"{ports}-{ports + 3}", raw_idle="1s")

    def echo(connection, _):
        while data := connection.recv(100):
            connection.sendall(data)

    t = tunnel_of(edge, "tcp", new_app(ByteApp, serve=echo).port)
    with socket.create_connection(("127.0.0.1", int(t.url.rsplit(":", 1)[1])), 15) as visitor:
        for _ in range(4):
            visitor.sendall(b"x")
            assert visitor.recv(1) == b"x"
            time.sleep(0.5)
        assert seconds_until_closed(visitor) < 8


def test_connections_of_a_tcp_tunnel_whose_client_does_not_begin(edge_with):
    """A client of the protocol's own that takes a connection and says nothing."""
    edge = edge_with(raw_accept="700ms")
    with ClientPeer(edge, "mute-peer", proto="tls") as peer:
        hello = client_hello_for("mute-peer.localhost")
        with socket.create_connection(("127.0.0.1", edge.port), 15) as visitor:
            visitor.sendall(hello)
            while peer.next()[0] != OPEN:
                pass
            assert seconds_until_closed(visitor) < 6


def test_a_client_that_falls_silent(edge_with):
    edge = edge_with(ping="300ms", silence="2s")
    with ClientPeer(edge, "mute-peer", limit=10) as peer:
        started = time.monotonic()
        assert peer.next()[0] == PING
        assert None not in peer.rest(), "the edge closes"
        assert time.monotonic() - started < 8
    edge.process.wait_text('tunnel.offline .*reason="the client is silent"')


@pytest.mark.parametrize("growth, grows", [("0", False), ("16m", True)])
def test_windows_of_a_session_grow_within_what_is_set(edge_with, growth, grows):
    """A reader that keeps up with what comes gets a larger window, if windows may grow."""
    edge = edge_with(window_growth=growth)
    with ClientPeer(edge, "wide-peer", limit=10) as peer:
        def visit():
            with tls_connection(edge.port, "wide-peer.localhost", edge.cacert) as visitor:
                visitor.sendall(b"GET / HTTP/1.1\r\nHost: wide-peer.localhost\r\n\r\n")
                while visitor.recv(1 << 20):
                    pass

        threading.Thread(target=visit, daemon=True).start()
        while (got := peer.next())[0] != OPEN:
            pass
        stream, total, sent, credit, most = got[2], 8 << 20, 0, 65536, 0
        peer.lane.sendall(reply(stream, 200, total))
        while sent < total:
            while credit == 0:
                kind, _, _, payload = peer.next()
                if kind == CREDIT:
                    credit += sum(struct.unpack(">II", payload[at:at + 8])[1] for at in range(0, len(payload), 8))
            most = max(most, credit)
            size = min(credit, 16_384, total - sent)
            credit, sent = credit - size, sent + size
            peer.lane.sendall(frame(DATA, b"d" * size, stream, END if sent == total else 0))
    assert (most > 65_536) == grows
