"""Apps, visitors and links that misbehave: memory stays small, bytes stay right, and everybody else is served on."""

import asyncio
import contextlib
import hashlib
import os
import re
import signal
import socket
import ssl
import threading
import time

import pytest

from certificates import self_signed
from hostile import Growth, HostileApp, SlowLink, SlowVisitor, TlsNginx, half_close
from local_apps import ByteApp, HttpApp, RecordingApp
from process import wait_until

MOST_GROWTH = 24 << 20
MOST_SENT = 40 << 20


@pytest.fixture
def app(new_app):
    return new_app(HostileApp)


def flood(visitor, edge, batch_of):
    """Sends batch_of(0), batch_of(1), … while the edge takes them, up to 40 MB; returns (batches sent, growth of the edge)."""
    growth = Growth(edge.process)
    batches = map(batch_of, range(MOST_SENT // len(batch_of(0))))
    return visitor.send_what_fits(batches, full=lambda: growth.now() > 2 * MOST_GROWTH), growth


def get(t, path, *lines, version="1.1"):
    """The bytes of a GET."""
    return "\r\n".join([f"GET {path} HTTP/{version}", f"Host: {t.host}", *lines, "", ""]).encode()


# --- Visitors that ask and do not read ----------------------------------------------------------------------------------


def test_a_visitor_who_asks_for_missing_pages_without_reading_costs_little_memory(edge, tunnel, app):
    other = tunnel(app.port)
    accepted = ["text/html", "application/json", "text/plain"]
    host = f"nobody-here.{edge.domain}"
    batch = "".join(f"GET / HTTP/1.1\r\nHost: {host}\r\nAccept: {a}\r\n\r\n" for a in accepted).encode() * 60
    with SlowVisitor(edge, host) as visitor:
        sent, growth = flood(visitor, edge, lambda _: batch)
        assert growth.now() < MOST_GROWTH, f"grew by {growth.now()} after {sent * len(batch)} bytes"
        assert sent > 0
        assert other.get("/status/200", "--max-time", "5").status == 200
        for number in range(min(sent * 180, 1800)):
            reply = visitor.reply()
            assert (reply.status, reply.header("Content-Type").split(";")[0]) == (404, accepted[number % 3]), number
        assert growth.now() < MOST_GROWTH


def test_a_visitor_who_asks_an_app_without_reading_costs_little_memory(edge, tunnel, app):
    t, other = tunnel(app.port), tunnel(app.port)

    def batch_of(index):
        return b"".join(get(t, f"/numbered?n={number:08}") for number in range(index * 100, index * 100 + 100))

    with SlowVisitor(edge, t.host) as visitor:
        client = Growth(t.process)
        sent, growth = flood(visitor, edge, batch_of)
        assert growth.now() < MOST_GROWTH, f"the edge grew by {growth.now()} after {sent * 100} requests"
        assert client.now() < MOST_GROWTH, f"the client grew by {client.now()} after {sent * 100} requests"
        assert sent > 0
        assert other.get("/status/200", "--max-time", "5").status == 200
        assert t.get("/status/200", "--max-time", "5").status == 200
        for number in range(min(sent * 100, 2000)):
            reply = visitor.reply()
            assert (reply.status, reply.header("X-Number")) == (204, f"{number:08}")


def test_endless_interim_answers_to_a_visitor_who_does_not_read_cost_little_memory(edge, tunnel, app):
    t = tunnel(app.port)
    with SlowVisitor(edge, t.host) as visitor:
        growth, client = Growth(edge.process), Growth(t.process)
        visitor.send(get(t, "/hints_forever"))
        wait_until(lambda: app.sent, 5, "interim answer sent by the app")

        def stands_still():
            before = app.sent
            time.sleep(1)
            return app.sent == before or before > MOST_SENT

        wait_until(stands_still, 12, lambda: f"standstill after {app.sent} bytes")
        assert growth.now() < MOST_GROWTH, f"the edge grew by {growth.now()} after {app.sent} bytes"
        assert client.now() < MOST_GROWTH, f"the client grew by {client.now()} after {app.sent} bytes"
        assert t.get("/status/200", "--max-time", "5").status == 200, "other requests wait while the app sends"
    assert t.get("/status/200", "--max-time", "5").status == 200
    assert t.process.events("tunnel.reconnecting") == [], "one request cost the whole tunnel"


@pytest.mark.parametrize("version, lines", [("1.1", ["Connection: close"]), ("1.0", [])])
def test_a_slow_reader_of_a_last_reply_gets_all_of_it(edge, tunnel, app, version, lines):
    t = tunnel(app.port)
    with SlowVisitor(edge, t.host) as visitor:
        visitor.send(get(t, "/big/600000", *lines, version=version))
        head, _, body = visitor.rest_at(150_000).partition(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n")[0]
    assert len(body) == 600_000 and not body.strip(b"b")


# --- Apps that send what they must not ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method, path, status, size", [
    ("GET", "/surplus", 200, 200_000), ("HEAD", "/bodiless/200", 200, 0), ("GET", "/bodiless/304", 304, 0)])
def test_bytes_behind_a_reply_are_never_given_to_the_next_request(tunnel, app, method, path, status, size):
    t = tunnel(app.port)
    for turn in range(20):
        with t.raw() as visitor:
            visitor.send(f"{method} {path} HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode() + get(t, f"/victim/{turn}"))
            first, second = visitor.reply(method), visitor.reply()
        assert (first.status, len(first.body)) == (status, size), turn
        assert second.status == 200 and f'"target": "/victim/{turn}"' in second.text, (turn, second)
        third = t.get(f"/another/{turn}")
        assert third.status == 200 and f'"target": "/another/{turn}"' in third.text, (turn, third)


def test_a_reply_head_beyond_the_limit_is_a_502(tunnel, app):
    t = tunnel(app.port)
    assert t.get("/wide_head").status == 502
    assert t.get("/status/200").status == 200


@pytest.mark.parametrize("flags", [[], ["--http1.0"]])
def test_a_reply_that_ends_with_a_reset_is_not_complete_for_curl(tunnel, app, flags):
    t = tunnel(app.port)
    threading.Timer(0.5, app.go_on.set).start()
    reply = t.get("/reset", *flags)
    assert reply.exit_code != 0, reply
    assert len(reply.body) <= 1000


def test_a_reply_that_ends_with_a_reset_has_no_last_chunk(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(get(t, "/reset"))
        assert visitor.head()[0] == 200
        received = visitor.chunk()
        while len(received) < 1000:
            received += visitor.chunk()
        app.go_on.set()
        with pytest.raises(EOFError):
            visitor.chunk()


# --- Requests that come in pieces ---------------------------------------------------------------------------------------


def test_a_slow_upload_after_100_continue_arrives_whole(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"POST /upload HTTP/1.1\r\nHost: {t.host}\r\nContent-Length: 20000\r\nExpect: 100-continue\r\n\r\n".encode())
        assert visitor.head()[0] == 100
        for _ in range(20):
            visitor.send(b"a" * 1000)
            time.sleep(0.2)
        reply = visitor.reply()
    assert (reply.status, reply.json()["size"]) == (200, 20_000)
    assert reply.json()["sha256"] == hashlib.sha256(b"a" * 20_000).hexdigest()


def test_a_bad_chunk_in_the_middle_of_a_reply_cuts_the_connection(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"POST /begun HTTP/1.1\r\nHost: {t.host}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".encode())
        assert visitor.head()[0] == 200
        assert visitor.exactly(10) == b"x" * 10
        visitor.send(b"ZZZ\r\n")
        rest = visitor.rest()
    assert rest == b"", rest[:300]
    assert t.get("/status/200").status == 200


def test_a_request_head_just_beyond_the_limit_is_a_431(edge, tunnel, app):
    t = tunnel(app.port)
    fields = [f"X-{number}: {'a' * 5000}" for number in range(14)]
    with t.raw() as visitor:
        with contextlib.suppress(OSError):
            visitor.send(get(t, "/", *fields)[:67_000])
        assert visitor.head()[0] == 431
        assert t.get("/status/200").status == 200
    assert not [request for request in app.seen if request.path == "/"]


def test_a_body_of_one_byte_chunks_for_the_api_is_answered_soon(edge):
    head = (f"POST /v1/tunnels HTTP/1.1\r\nHost: api.{edge.domain}:{edge.port}\r\nAuthorization: Bearer {edge.owner.key}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").encode()
    with edge.raw("api") as visitor:
        visitor.socket.settimeout(5)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            visitor.send(head + b"1\r\nx\r\n" * 65_536 + b"0\r\n\r\n")
        assert 400 <= visitor.head()[0] < 500
    assert edge.call("GET", "/v1/health").status == 200


# --- Upgrades -----------------------------------------------------------------------------------------------------------

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n"


def upgrade(t, visitor, offer="foo"):
    visitor.send(get(t, "/switch", "Connection: Upgrade", f"Upgrade: {offer}"))
    status, headers = visitor.head()
    assert status == 101
    return headers


def test_the_shared_domains_cookie_is_dropped_from_a_101_too(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        assert [value for name, value in upgrade(t, visitor) if name.lower() == "set-cookie"] == ["own=1; Path=/"]


def test_a_101_names_only_the_protocol_that_the_app_chose(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        assert [value for name, value in upgrade(t, visitor, "bar, foo") if name.lower() == "upgrade"] == ["foo"]


def test_an_app_is_offered_every_protocol_of_the_visitor(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        upgrade(t, visitor, "bar, foo")
    assert app.seen[0].header("Upgrade").replace(" ", "") == "bar,foo"


@pytest.fixture
def payload():
    return os.urandom(5_000_000)


def test_an_app_that_half_closes_first_still_gets_everything(tunnel, new_app, payload):
    received, done = hashlib.sha256(), threading.Event()

    def serve(connection, _):
        connection.recv(65536)
        connection.sendall(UPGRADED + b"hi")
        connection.shutdown(socket.SHUT_WR)
        while data := connection.recv(65536):
            received.update(data)
        done.set()

    t = tunnel(new_app(ByteApp, serve=serve).port)
    with t.raw() as visitor:
        upgrade(t, visitor)
        assert visitor.rest() == b"hi"
        visitor.send(payload)
        half_close(visitor.socket)
        assert done.wait(10), "the app never saw the end"
    assert received.digest() == hashlib.sha256(payload).digest()


def test_a_visitor_who_half_closes_first_still_gets_everything(tunnel, new_app, payload):
    def serve(connection, _):
        connection.recv(65536)
        connection.sendall(UPGRADED)
        received = b""
        while data := connection.recv(65536):
            received += data
        connection.sendall(received + payload)

    t = tunnel(new_app(ByteApp, serve=serve).port)
    with t.raw() as visitor:
        upgrade(t, visitor)
        visitor.send(b"that is all")
        half_close(visitor.socket)
        assert hashlib.sha256(visitor.rest()).digest() == hashlib.sha256(b"that is all" + payload).digest()


# --- Clients that stop, freeze, die or come back ------------------------------------------------------------------------


def test_ctrl_c_lets_a_reply_in_flight_leave_through_a_slow_link(edge, new_cli, app):
    link = SlowLink(edge.port, 60_000)
    cli = new_cli(edge)
    server = edge.api.replace(str(edge.port), str(link.port))
    client = cli.start("client", app.port, "-s", "slow-link", "--json", "--server", server, "--cacert", edge.cacert,
                       INSTATUNNEL_API_KEY=edge.owner.key)
    try:
        client.wait_event("tunnel.ready")
        with edge.raw("slow-link") as visitor:
            visitor.send(f"GET /big/300000 HTTP/1.1\r\nHost: slow-link.{edge.domain}\r\n\r\n".encode())
            status, headers = visitor.head()
            assert status == 200 and ("Content-Length", "300000") in headers
            client.send(signal.SIGINT)
            assert visitor.exactly(300_000) == b"b" * 300_000
        assert client.wait(10) == 0
    finally:
        client.kill()
        link.stop()


@pytest.mark.parametrize("restart", [False, True], ids=["the edge ran on", "the edge was restarted"])
def test_a_process_that_comes_back_does_not_throw_out_its_successor(new_edge, new_cli, new_app, tunnel, restart):
    edge, heir_app = new_edge().start(), new_app(HttpApp)
    first = tunnel(new_app(HttpApp).port, name="inherited", cli=new_cli(edge))
    os.kill(first.process.pid, signal.SIGSTOP)
    try:
        if restart:
            edge.process.kill()
            edge.start()
        heir = tunnel(heir_app.port, name="inherited", cli=new_cli(edge))
    finally:
        os.kill(first.process.pid, signal.SIGCONT)
    assert first.process.wait(12) == 6
    error = first.process.events("error")[0]["message"].lower()
    assert "another process" in error or "took" in error, error
    assert heir.process.running() and not heir.process.events("tunnel.reconnecting")
    assert heir.get("/status/200").status == 200 and len(heir_app.seen) == 1


def test_visitors_of_a_closed_tunnel_get_a_404_at_once(tunnel, new_cli, app, edge):
    t = tunnel(app.port, name="closed-by-kill")
    cli = new_cli(edge)
    assert cli.run("kill", "closed-by-kill", *cli.server(), INSTATUNNEL_API_KEY=edge.owner.key).returncode == 0
    assert t.get("/").status == 404


def test_visitors_of_a_stopped_client_get_a_404_at_once(tunnel, app):
    t = tunnel(app.port)
    t.process.send(signal.SIGINT)
    assert t.process.wait() == 0
    assert t.get("/").status == 404


def test_visitors_of_a_killed_client_are_asked_to_come_back(tunnel, app):
    t = tunnel(app.port)
    t.process.kill()
    reply = wait_until(lambda: (r := t.get("/")).status != 200 and r, 5, "answer without the client")
    assert reply.status == 503
    assert 0 < int(reply.header("Retry-After")) <= 60


# --- Servers that are no edge -------------------------------------------------------------------------------------------

def refused_by(cli, app, port, *flags):
    """Result of a client that was given a server which is none."""
    done = cli.run(app.port, "--server", f"https://api.localhost:{port}", *flags, INSTATUNNEL_API_KEY="it_0123456789abcdef")
    assert "api.localhost" in done.stderr and "live at" not in done.stdout, done
    return done


@pytest.mark.parametrize("kind", ["nginx", "a server that ignores ALPN"])
def test_a_tls_server_that_is_no_edge_is_called_that(cli, app, new_app, folder, kind):
    pair = self_signed(folder / "certificates", "api.localhost")
    server = TlsNginx(folder / "nginx", pair) if kind == "nginx" else new_app(RecordingApp, certificate=pair)
    done = refused_by(cli, app, server.port, "--cacert", pair[0])
    server.stop()
    assert done.returncode in (1, 5), done
    assert re.search(r"no InstaTunnel|not an? InstaTunnel", done.stderr), done.stderr


@pytest.mark.parametrize("greets", [False, True], ids=["it waits", "it speaks first"])
def test_a_server_without_tls_is_called_that(cli, app, new_app, greets):
    def serve(connection, _):
        if greets:
            connection.sendall(b"220 mail.example.com ESMTP\r\n")
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    done = refused_by(cli, app, new_app(ByteApp, serve=serve).port)
    assert done.returncode == 5, done
    assert re.search(r"not TLS|no TLS|not a TLS", done.stderr), done.stderr


# --- Apps with little room ----------------------------------------------------------------------------------------------


def test_300_requests_at_once_to_a_unix_socket_with_a_short_queue_all_succeed(edge, tunnel, new_app, folder):
    path = str(folder / "app.sock")
    new_app(RecordingApp, host=path, backlog=8)
    t = tunnel(f"unix:{path}")
    context = ssl.create_default_context(cafile=str(edge.cacert))

    async def main():
        visitors = []
        for _ in range(300):
            visitors.append(await asyncio.open_connection("127.0.0.1", edge.port, ssl=context, server_hostname=t.host))
        for _, writer in visitors:
            writer.write(get(t, "/"))
        answers = await asyncio.wait_for(asyncio.gather(*(reader.readuntil(b"\r\n") for reader, _ in visitors)), 12)
        for _, writer in visitors:
            writer.close()
        return answers

    assert set(asyncio.run(main())) == {b"HTTP/1.1 200 OK\r\n"}
