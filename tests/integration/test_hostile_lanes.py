"""A tunnel client and an edge that break the protocol between them: each loses its own session and nothing else, and memory stays small."""

import struct
import threading

import pytest

from hostile import Growth
from itp_peer import (CREDIT, CTRL, DATA, END, ERROR, GOAWAY, HEAD, HELLO, INTERIM, MORE, MOVE, OPEN, PING, PREFACE, RESET, STOP, TRAILERS, UPGRADED, WELCOME, ClientPeer,
                      EdgePeer, fields, frame, hello, mutated, reply, request, welcome)
from process import wait_until

MOST_GROWTH = 24 << 20
DEEP = b"[" * 10_000 + b"]" * 10_000


@pytest.fixture
def other(tunnel, app):
    """Somebody else's tunnel, which must not notice."""
    return tunnel(app.port)


def head_with(block, status=200):
    return frame(HEAD, struct.pack(">Hq", status, 2) + block, 1)


# What a client may not send on stream 1, which a visitor's request has opened.
WRONG = {
    "a frame longer than allowed": struct.pack(">HBBI", 16_385, DATA, 0, 1) + b"x" * 16_385,
    "a type that is not there": frame(0x3f, b"x", 1),
    "a stream that never was": reply(77) + frame(DATA, b"x", 77),
    "OPEN from a client": request(3),
    "an even OPEN from a client": request(2),
    "a second HELLO": hello("it_0123456789abcdef", "x"),
    "WELCOME from a client": welcome(),
    "MOVE": frame(MOVE, b"\0"),
    "DATA before the head": frame(DATA, b"x", 1),
    "TRAILERS before the head": frame(TRAILERS, fields(), 1),
    "a head that is cut": frame(HEAD, b"\0", 1),
    "a status that is none": reply(1, 42),
    "a length below -1": reply(1, 200, -2),
    "INTERIM with a final status": reply(1, 200, -1, INTERIM),
    "an interim status without INTERIM": reply(1, 103),
    "UPGRADED with another status": reply(1, 200, -1, UPGRADED),
    "INTERIM and END": reply(1, 103, -1, INTERIM | END),
    "two heads": reply(1) * 2,
    "a thousand interim heads": reply(1, 103, -1, INTERIM) * 1000,
    "a name with a blank": head_with(fields((b"a b", b"1"))),
    "an empty name": head_with(fields((b"", b"1"))),
    "a name with a line end": head_with(fields((b"a\r\nSet-Cookie", b"1"))),
    "a value with a line end": head_with(fields((b"a", b"1\r\nSet-Cookie: x"))),
    "a value with a NUL": head_with(fields((b"a", b"1\0"))),
    "a field of one hop": head_with(fields((b"Transfer-Encoding", b"chunked"))),
    "Connection": head_with(fields((b"Connection", b"close"))),
    "fewer fields than announced": head_with(b"\x00\x09" + fields((b"a", b"1"))[2:]),
    "more bytes than fields": head_with(fields((b"a", b"1")) + b"x"),
    "a value longer than the head": head_with(b"\0\1\0\1a\xff\xffx"),
    "too many fields": head_with(fields(*[(b"a", b"")] * 1001)),
    "a head in pieces that never ends": frame(HEAD, b"x" * 16_000, 1, MORE) * 6,
    "another frame between the pieces of a head": frame(HEAD, b"x" * 100, 1, MORE) + frame(PING, b"12345678"),
    "more than the window": reply(1) + frame(DATA, b"x" * 16_384, 1) * 300,
    "CREDIT of a wrong size": frame(CREDIT, b"\0\0\0\1\0\0\0"),
    "credit beyond all bounds": frame(CREDIT, struct.pack(">II", 1, 0xffffffff) * 100),
    "a short PING": frame(PING, b"1"),
    "a flood of PING": frame(PING, b"12345678") * 500,
    "a short ERROR": frame(ERROR, b"\0"),
    "random bytes": bytes(range(16, 256)) * 20,
}
# Not violations: skipped, or the reply's own affair.
ALLOWED = {
    "CTRL that is no JSON": frame(CTRL, DEEP[:16_000]),
    "types from 0x40 on": frame(0x40, b"x") + frame(0xff, b"x" * 16_384),
    "RESET of a stream that never was": frame(RESET, struct.pack(">HH", 1, 0), 99),
    "a short RESET": frame(RESET, b"\0", 1),
    "a RESET whose text is longer than it": frame(RESET, struct.pack(">HH", 1, 500) + b"x", 1),
    "bytes that are no UTF-8": reply(1, 200, 0, END, (b"x-a", b"\xff\xfe")),
}


def opened(peer, edge, name):
    """A visitor whose request has reached the peer as stream 1."""
    visitor = edge.raw(name)
    visitor.send(f"GET / HTTP/1.1\r\nHost: {name}.{edge.domain}\r\n\r\n".encode())
    while True:
        kind, _, stream, _ = peer.next()
        if kind == OPEN:
            assert stream == 1
            return visitor


@pytest.mark.parametrize("case", WRONG)
def test_a_client_that_breaks_a_rule_loses_its_session_and_its_visitor_gets_no_half_reply(edge, other, case):
    with ClientPeer(edge, "breaker") as peer, opened(peer, edge, "breaker") as visitor:
        try:
            peer.lane.sendall(WRONG[case])
        except OSError:
            pass
        frames = peer.rest()
        assert None not in frames, f"the lane goes on after {case}"
        got = visitor.rest() if case in ("more than the window", "two heads") else None
        if got is None:
            reply_ = visitor.reply()
            while reply_.status < 200:
                reply_ = visitor.reply()
            assert reply_.status == 502, reply_
    assert other.get("/status/200").status == 200


@pytest.mark.parametrize("case", ALLOWED)
def test_what_a_later_version_may_send_harms_nothing(edge, case):
    with ClientPeer(edge, "later") as peer, opened(peer, edge, "later") as visitor:
        peer.lane.sendall(ALLOWED[case] + reply(1, 204, -1, END))
        assert visitor.reply().status in (200, 204, 502)
        peer.lane.sendall(frame(PING, b"12345678"))
        while (found := peer.next())[:2] != (PING, 1) or found[3] != b"12345678":
            pass


def test_mutated_frames_of_clients_cost_the_edge_little_and_others_nothing(edge, other):
    other.get("/status/200")
    growth = Growth(edge.process)
    valid = [reply(1, 103, -1, INTERIM, (b"link", b"x")), frame(15, b"", 1), reply(1, 200, -1, 0, (b"x-a", b"1")), frame(DATA, b"x" * 3000, 1), frame(CREDIT, struct.pack(">II", 1, 4096)),
             frame(PING, b"12345678"), frame(TRAILERS, fields((b"x-sum", b"1")), 1), frame(RESET, struct.pack(">HH", 1, 1) + b"x", 1), frame(STOP, struct.pack(">HH", 1, 0), 1),
             frame(CTRL, b"{}"), frame(GOAWAY, struct.pack(">HH", 0, 0))]
    ended = 0
    for seed in range(120):
        name = f"mutant-{seed % 4}"
        with ClientPeer(edge, name) as peer, opened(peer, edge, name):
            try:
                peer.lane.sendall(mutated(valid, seed))
            except OSError:
                pass
            peer.lane.settimeout(0.05)
            ended += None not in peer.rest()
    assert ended > 30, "hardly anything was a violation"
    assert growth.now() < MOST_GROWTH
    assert other.get("/status/200").status == 200
    assert other.process.events("tunnel.reconnecting") == []


def test_mutated_greetings_of_clients_cost_the_edge_little_and_others_nothing(edge, other):
    growth = Growth(edge.process)
    for seed in range(120):
        with ClientPeer(edge) as peer:
            try:
                peer.lane.sendall(mutated([PREFACE, hello("it_0123456789abcdef", "mutant")], seed))
            except OSError:
                pass
            peer.lane.settimeout(0.05)
            peer.rest()
    for text in (DEEP[:16_000], b'{"tunnels":' + b'{"a":' * 2000 + b"1" + b"}" * 2000 + b"}", b"\xff\xfe", b'{"tunnels":[{"sub":"\xff"}]}', b'{"v":1e999}', b"{" + b'"a":1,' * 2000 + b'"a":1}'):
        with ClientPeer(edge) as peer:
            peer.lane.sendall(PREFACE + frame(HELLO, text))
            peer.lane.settimeout(5)
            assert None not in peer.rest()
    assert growth.now() < MOST_GROWTH
    assert other.get("/status/200").status == 200
    assert other.process.events("tunnel.reconnecting") == []


def test_mutated_frames_of_an_edge_cost_a_client_little_and_it_goes_on_trying(folder, new_cli, new_app):
    from local_apps import HttpApp  # pylint: disable=import-outside-toplevel

    valid = [request(1), request(3, length=5, flags=0), frame(DATA, b"hello", 3, END), request(5, flags=0), frame(DATA, b"x" * 2000, 5), frame(TRAILERS, fields((b"x", b"1")), 5),
             frame(CREDIT, struct.pack(">II", 1, 65_536)), frame(PING, b"12345678"), frame(STOP, struct.pack(">HH", 1, 0), 3), frame(RESET, struct.pack(">HH", 1, 0), 1),
             request(7, protocol=b"websocket", flags=0), frame(CTRL, b"{}"), frame(0x40, b"later")]
    seeds = iter(range(10_000))
    lock = threading.Lock()

    def serve(lane):
        with lock:
            seed = next(seeds)
        greeting = welcome() if seed % 3 or seed < 9 else mutated([welcome()], seed)
        lane.sendall(greeting + mutated(valid, seed))
        lane.settimeout(0.1)
        while lane.recv(65536):
            pass

    edge, app = EdgePeer(folder / "edge", serve), new_app(HttpApp)
    clients = []
    try:
        for number in range(4):
            cli = new_cli()
            clients.append(cli.start("client", app.port, "--json", "--server", f"https://localhost:{edge.port}", "--cacert", edge.cacert,
                                     INSTATUNNEL_API_KEY="it_1234567890abcdef"))
        wait_until(lambda: edge.lanes >= 4, 10, "clients")
        growth = [Growth(client) for client in clients if client.running()]
        wait_until(lambda: edge.lanes >= 40 or not any(client.running() for client in clients), 30, lambda: f"forty sessions: {edge.lanes}")
        for client in clients:
            code = client._popen.poll()
            assert code is None or code in (0, 1, 5), client.report()
        assert sum(client.running() for client in clients) >= 1
        assert all(g.now() < MOST_GROWTH for g in growth)
        assert app.in_flight <= 512
    finally:
        for client in clients:
            client.kill()
        edge.stop()
