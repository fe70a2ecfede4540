"""Visitors of a tunnel whose client is away for a moment, or has more to do than it can begin with: they wait, within bounds."""

import concurrent.futures
import contextlib
import socket
import threading
import time

import pytest

from edge import Cli, Tunnel
from http2_visitor import Http2Visitor
from local_apps import ByteApp, HttpApp, RecordingApp
from ports import free_range
from process import wait_until
from visitor import curl


@pytest.fixture
def client_of(binary, folder):
    """client_of(edge, target, *arguments): the tunnel "waited" of one and the same machine."""
    running = []

    def start(edge, *arguments):
        running.append(Tunnel(Cli(binary, folder / "cli", edge), *map(str, arguments), name="waited"))
        return running[-1]

    yield start
    for one in running:
        if one.process.running():
            one.process.kill()


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(32) as running:
        yield running


def away(edge, client):
    """Ends the client so that the edge expects it back."""
    client.process.kill()
    edge.process.wait_text(r"tunnel\.offline .*host=waited\.")


def limit_of(reply):
    return reply.status, reply.header("X-Instatunnel-Error"), reply.header("X-Instatunnel-Limit")


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_a_request_waits_for_a_client_that_comes_back(edge_with, client_of, new_app, pool, version):
    edge, app = edge_with(), new_app(HttpApp)
    away(edge, client_of(edge, app.port))
    url, body = edge.url("waited", "/echo"), "x" * 40_000
    asked = pool.submit(curl, url, edge.cacert, version, "--data-binary", body)
    # This one's body comes while it waits, and ends with a trailer's worth of nothing: chunked.
    chunked = pool.submit(curl, url, edge.cacert, "--http1.1", "-H", "Transfer-Encoding: chunked", "--data-binary", body)
    time.sleep(0.5)
    assert not asked.done() and not chunked.done()
    client_of(edge, app.port)
    for reply in (asked.result(15), chunked.result(15)):
        assert reply.status == 200 and reply.json()["size"] == len(body), reply


def test_those_who_wait_are_served_in_the_order_in_which_they_came(edge_with, client_of, new_app):
    edge, app = edge_with(unaccepted=1), new_app(RecordingApp, close=True)
    away(edge, client_of(edge, app.port))
    with contextlib.ExitStack() as stack:
        for i in range(12):
            visitor = stack.enter_context(edge.raw("waited"))
            visitor.send(f"GET /{i} HTTP/1.1\r\nHost: waited.localhost\r\n\r\n".encode())
            time.sleep(0.02)
        client_of(edge, app.port)
        wait_until(lambda: len(app.heads()) == 12, 10, "all twelve at the app")
    assert [int(head[0].split()[1][1:]) for head in app.heads()] == list(range(12))


def test_an_upload_larger_than_what_may_wait_goes_on_once_the_client_is_back(edge_with, client_of, new_app, pool, folder):
    edge, app = edge_with(), new_app(HttpApp)
    away(edge, client_of(edge, app.port))
    upload = folder / "upload"
    upload.write_bytes(b"y" * 3_000_000)
    # Nothing beyond one buffer is read from a connection whose request waits.
    asked = [pool.submit(curl, edge.url("waited", "/echo"), edge.cacert, version, "--data-binary", f"@{upload}") for version in ("--http1.1", "--http2")]
    time.sleep(0.5)
    client_of(edge, app.port)
    for one in asked:
        assert one.result(30).json()["size"] == 3_000_000


def test_only_so_many_wait_and_only_for_so_long(edge_with, client_of, new_app, pool):
    edge, app = edge_with(parked=2, parked_wait="1s"), new_app(HttpApp)
    away(edge, client_of(edge, app.port))
    first = [pool.submit(edge.get, "waited", "/status/200") for _ in range(2)]
    time.sleep(0.3)
    start = time.monotonic()
    assert limit_of(edge.get("waited")) == (503, "tunnel_reconnecting", "parked")
    assert time.monotonic() - start < 0.6, "told at once"
    for one in first:
        assert limit_of(one.result(10)) == (503, "tunnel_reconnecting", "parked-wait")
        assert one.result().header("Retry-After")


def test_bodies_that_wait_are_bounded(edge_with, client_of, new_app):
    edge, app = edge_with(parked_body="1k"), new_app(HttpApp)
    away(edge, client_of(edge, app.port))
    assert limit_of(edge.get("waited", "/", "--data-binary", "z" * 5000)) == (503, "tunnel_reconnecting", "parked-body")
    with edge.raw("waited") as first, edge.raw("waited") as second:
        for visitor in (first, second):
            visitor.send(b"POST / HTTP/1.1\r\nHost: waited.localhost\r\nContent-Length: 600\r\n\r\n" + b"z" * 600)
            time.sleep(0.1)
        assert limit_of(second.reply()) == (503, "tunnel_reconnecting", "parked-body"), "of all who wait together"


def test_nobody_waits_longer_than_the_tunnel_is_held(edge_with, client_of, new_app):
    edge, app = edge_with(hold="1s"), new_app(HttpApp)
    away(edge, client_of(edge, app.port))
    start = time.monotonic()
    assert edge.get("waited").status in (404, 503)
    assert time.monotonic() - start < 4


def test_nobody_waits_for_a_client_that_has_said_goodbye(edge_with, client_of, new_app):
    edge, app = edge_with(), new_app(HttpApp)
    client = client_of(edge, app.port)
    client.stop()
    start = time.monotonic()
    assert edge.get("waited").status == 404
    assert time.monotonic() - start < 3


def test_those_who_wait_are_told_when_the_edge_goes(edge_with, client_of, new_app, pool):
    edge, app = edge_with(), new_app(HttpApp)
    away(edge, client_of(edge, app.port))
    asked = pool.submit(edge.get, "waited")
    time.sleep(0.4)
    start = time.monotonic()
    edge.stop(20)
    assert limit_of(asked.result(10)) == (503, "tunnel_reconnecting", None)
    assert time.monotonic() - start < 6


def test_a_visitor_who_leaves_while_it_waits_is_forgotten(edge_with, client_of, new_app):
    edge, app = edge_with(parked=3), new_app(RecordingApp)
    away(edge, client_of(edge, app.port))
    for _ in range(5):
        with edge.raw("waited") as visitor:
            visitor.send(b"GET /gone HTTP/1.1\r\nHost: waited.localhost\r\n\r\n")
            time.sleep(0.05)
    with Http2Visitor(edge.port, "waited.localhost", edge.cacert) as visitor:
        stream = visitor.start("/reset")
        time.sleep(0.05)
        visitor.reset(stream)
        time.sleep(0.05)
    client_of(edge, app.port)
    assert edge.get("waited", "/here").status == 200
    assert [head[0].split()[1] for head in app.heads()] == [b"/here"]


class Unreachable:
    """An address where connections are neither taken nor refused, as of a program that hangs: until let_in()."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = self.listener.getsockname()[1]
        self.fillers = []
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)
        time.sleep(0.05)

    def let_in(self):
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection = self.listener.accept()[0]
                    threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

        for filler in self.fillers:
            filler.close()
        threading.Thread(target=serve, daemon=True).start()

    @staticmethod
    def _answer(connection):
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as got:
            length = 0
            for line in got:
                if line == b"\r\n":
                    break
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if len(got.read(length)) == length:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    def stop(self):
        self.listener.close()


def test_no_more_is_sent_to_a_client_that_cannot_begin_with_what_it_has(edge_with, client_of, new_app, pool):
    edge, app = edge_with(unaccepted=1, reply_head="1s"), new_app(Unreachable)
    client_of(edge, f"127.0.0.1:{app.port}")
    # The second one's turn comes when the first has got its answer, a second later; the third one's does not.
    asked = []
    for _ in range(3):
        asked.append(pool.submit(edge.get, "waited"))
        time.sleep(0.25)
    assert limit_of(asked[2].result(10)) == (503, "too_many_streams", "unaccepted")
    assert [one.result(10).status for one in asked[:2]] == [504, 504]


def test_what_was_held_back_follows_when_there_is_room(edge_with, client_of, new_app, pool):
    edge, app = edge_with(unaccepted=2), new_app(Unreachable)
    client_of(edge, f"127.0.0.1:{app.port}")
    asked = [pool.submit(edge.get, "waited") for _ in range(10)]
    time.sleep(0.3)
    app.let_in()
    assert [one.result(20).status for one in asked] == [200] * 10


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_bodies_of_those_who_wait_for_room_are_not_refused(edge_with, client_of, new_app, pool, version):
    edge, app = edge_with(unaccepted=1, parked_body="1k"), new_app(Unreachable)
    client_of(edge, f"127.0.0.1:{app.port}")
    asked = [pool.submit(edge.get, "waited", "/", version, "--data-binary", "w" * 5000) for _ in range(8)]
    time.sleep(0.3)
    app.let_in()
    assert [one.result(20).status for one in asked] == [200] * 8


def test_a_connection_of_a_tcp_tunnel_waits_as_well(edge_with, client_of, new_app):
    ports = free_range(4)
    edge, app = edge_with("--tcp-ports", f"{ports}-{ports + 3}"), new_app(ByteApp, serve=lambda c, _: c.sendall(c.recv(100)[::-1]))
    client = client_of(edge, "tcp", app.port)
    port = int(client.url.rsplit(":", 1)[1].strip("/"))
    away(edge, client)
    with socket.create_connection(("127.0.0.1", port), 15) as visitor:
        visitor.sendall(b"abc")
        time.sleep(0.3)
        client_of(edge, "tcp", app.port)
        assert visitor.recv(10) == b"cba"
