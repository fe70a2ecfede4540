"""What a client of protocol v1 can do to the edge: bytes too early, bodies too large, answers that nobody reads; and an edge that stops under it."""

import concurrent.futures
import os
import pathlib
import re
import time

import pytest

from process import wait_until
from v1_client import V1Api, V1Client, answer, body_of, echo
from visitor import RawVisitor
from websocket_frames import frame

MIB = 1 << 20


def held(edge):
    """MiB that the edge's process holds."""
    status = pathlib.Path(f"/proc/{edge.process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


@pytest.fixture
def own(new_edge):
    """An edge of the test's own, whose memory is nobody else's."""
    return new_edge().start()


@pytest.fixture
def connect(own):
    """connect(serve) creates a tunnel and serves it; the client has `get` and `tunnel`."""
    opened = []

    def start(serve=echo):
        made = V1Api(own, own.owner.key).create()
        client = V1Client(own, f"/tunnels/{made['id']}/connect", serve, own.owner.key).opened()
        client.tunnel = made
        client.get = lambda path="/", *arguments: own.get(made["subdomain"], path, *arguments)
        opened.append(client)
        return client

    yield start
    for one in opened:
        one.stop()


def upgrade(edge, made):
    return (f"GET /tunnels/{made['id']}/connect HTTP/1.1\r\nHost: api.{edge.domain}:{edge.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {edge.owner.key}\r\n\r\n").encode()


def read_until(socket, text):
    seen = b""
    while text not in seen:
        seen += socket.exactly(1)
    return seen + socket.exactly(2)


def by_hand(edge):
    return RawVisitor(edge.port, f"api.{edge.domain}", edge.cacert), V1Api(edge, edge.owner.key).create()


@pytest.mark.parametrize("cut", [0, 1, 7])
def test_what_comes_with_the_upgrade_or_right_behind_it_is_heard(own, cut):
    socket, made = by_hand(own)
    ping = frame(b'{"type":"ping"}', 1)
    with socket:
        socket.send(upgrade(own, made) + ping[:len(ping) - cut])
        if cut:
            socket.send(ping[len(ping) - cut:])
        assert "101" in socket.line()
        assert b'{"type":"pong"}' in read_until(socket, b"pong")


def test_more_than_a_little_too_early_is_refused(own):
    socket, made = by_hand(own)
    with socket:
        socket.send(upgrade(own, made) + frame(b" " * 20_000, 1))
        assert "503" in socket.line()
    assert own.get("api", "/health").status == 200


def test_a_reply_beyond_the_format_is_a_502_and_takes_no_memory(own, connect):
    client = connect(lambda data: answer(b"x" * (17 * MIB)) if data["url"] == "/big" else echo(data))
    assert client.get().status == 200
    before = held(own)
    for _ in range(8):
        reply = client.get("/big")
        assert reply.status == 502 and "longer than the 16777216 bytes" in reply.text
    fits = connect(lambda _: answer(b"x" * (16 * MIB))).get("/", "--max-time", "60")
    assert fits.status == 200 and len(fits.body) == 16 * MIB
    assert client.get().status == 200
    assert held(own) - before < 80  # one at a time and its copy, not eight


def test_pings_of_a_client_that_does_not_read_take_no_memory(own):
    socket, made = by_hand(own)
    with socket:
        socket.send(upgrade(own, made))
        assert "101" in socket.line()
        before = held(own)
        many = frame(b'{"type":"ping"}', 1) * 1000
        socket.socket.settimeout(20)
        for _ in range(1000):
            socket.send(many)
        assert held(own) - before < 12
        assert own.get("api", "/health").status == 200


def test_requests_that_the_client_does_not_take_are_bounded(own, folder):
    socket, made = by_hand(own)
    (folder / "body").write_bytes(os.urandom(4 * MIB))
    with socket:
        socket.send(upgrade(own, made))
        assert "101" in socket.line()
        before = held(own)
        post = lambda _: own.get(made["subdomain"], "/", "--data-binary", f"@{folder / 'body'}", "-H", "Expect:", "--max-time", "6")  # noqa: E731
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            replies = list(pool.map(post, range(40)))
        refused = [r for r in replies if r.status == 503]
        assert refused and all("as many bytes as it may" in r.text for r in refused)
        assert held(own) - before < 64 + 56, "of 160 MiB that were sent"
    wait_until(lambda: own.get(made["subdomain"]).status in (404, 503), 20, "that the tunnel is gone")
    assert own.get("api", "/health").status == 200


def test_answers_that_their_visitor_does_not_take_are_bounded(own, connect):
    client = connect(lambda _: answer(b"y" * (12 * MIB)))
    before = held(own)
    slow = [own.raw(client.tunnel["subdomain"]) for _ in range(10)]
    for visitor in slow:
        visitor.send(f"GET / HTTP/1.1\r\nHost: {client.tunnel['subdomain']}.{own.domain}:{own.port}\r\n\r\n".encode())
    heads = [visitor.line() for visitor in slow]
    assert any("200" in head for head in heads) and any("502" in head for head in heads)
    assert held(own) - before < 64 + 60
    for visitor in slow:
        visitor.socket.close()
    wait_until(lambda: client.get("/", "--max-time", "20").status == 200, 40, "room again")


def test_an_edge_that_stops_lets_requests_end_and_then_closes(own, connect):
    def late(data):
        time.sleep(1.5)
        return answer(b"whole:" + body_of(data))

    client = connect(late)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, "/", "--data-binary", "x")
        wait_until(lambda: client.requests, 20, "the request")
        began = time.monotonic()
        assert own.stop() == 0
        reply = waiting.result(20)
    assert (reply.status, reply.body) == (200, b"whole:x")
    assert client.ended().close[0] == 1001
    assert 0.5 < time.monotonic() - began < 10


def test_an_edge_that_stops_waits_for_no_idle_client(own, connect):
    client = connect()
    began = time.monotonic()
    assert own.stop() == 0
    assert client.ended().close[0] == 1001 and time.monotonic() - began < 5
