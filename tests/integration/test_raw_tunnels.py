"""Tunnels for TCP and for TLS that is passed on unread."""

import contextlib
import hashlib
import secrets
import socket
import ssl
import struct
import subprocess
import threading
import urllib.parse

import pytest

from certificates import self_signed
from edge import Edge, Tunnel
from local_apps import ByteApp, HttpApp, Nginx
from ports import accepts, free_port, free_range
from postgres import Postgres
from process import wait_until
from visitor import curl, tls_connection

PORTS = 40


@pytest.fixture(scope="module")
def ports():
    return free_range(PORTS)


@pytest.fixture(scope="module")
def edge(binary, ports, tmp_path_factory):
    running = Edge(binary, tmp_path_factory.mktemp("edge"), ["--dev", "--tcp-ports", f"{ports}-{ports + PORTS - 1}"]).start()
    yield running
    running.stop(limit=5)


@pytest.fixture
def raw(new_cli, edge):
    """Opens a tunnel: raw("tcp", target, *flags, name=…)."""
    opened = []

    def open_tunnel(kind, target, *flags, name=None, key=None, to=None):
        opened.append(Tunnel(new_cli(to or edge), kind, str(target), *flags, name=name or "r-" + secrets.token_hex(4), key=key))
        return opened[-1]

    yield open_tunnel
    for one in opened:
        one.process.kill()


def until(condition):
    return wait_until(condition, 15, "such a moment")


def port_of(tunnel):
    return urllib.parse.urlsplit(tunnel.url).port


def visit(tunnel, limit=20):
    connection = socket.create_connection(("127.0.0.1", port_of(tunnel)), limit)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def everything(connection):
    data = b""
    while part := connection.recv(65536):
        data += part
    return data


def exactly(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        assert part, data
        data += part
    return data


def echo(connection, _):
    while data := connection.recv(65536):
        connection.sendall(data)


def is_reset(connection):
    """Whether it was cut, which is something else than a clean end."""
    try:
        return connection.recv(1) != b"" and False
    except ConnectionResetError:
        return True


# --- tcp -------------------------------------------------------------------------------------------------------------


def test_bytes_travel_both_ways_as_they_are(raw, new_app, ports):
    t = raw("tcp", new_app(ByteApp, serve=echo).port)
    assert t.url == f"tcp://localhost:{port_of(t)}" and ports <= port_of(t) < ports + PORTS
    with visit(t) as visitor:
        for part in (b"\0\xff\r\n", b"GET / HTTP/1.1\r\n\r\n", secrets.token_bytes(100_000)):
            visitor.sendall(part)
            assert exactly(visitor, len(part)) == part


def test_a_server_that_speaks_first_is_heard(raw, new_app):
    def greet(connection, _):
        connection.sendall(b"220 hello\r\n")
        assert connection.recv(100) == b"QUIT\r\n"

    with visit(raw("tcp", new_app(ByteApp, serve=greet).port)) as visitor:
        assert exactly(visitor, 11) == b"220 hello\r\n"
        visitor.sendall(b"QUIT\r\n")
        assert visitor.recv(1) == b""


def test_the_end_of_one_direction_leaves_the_other_open(raw, new_app):
    def answer_at_the_end(connection, _):
        data = everything(connection)
        connection.sendall(b"got %d" % len(data))

    def say_goodbye_first(connection, app):
        connection.sendall(b"bye")
        connection.shutdown(socket.SHUT_WR)
        app.heard = everything(connection)

    with visit(raw("tcp", new_app(ByteApp, serve=answer_at_the_end).port)) as visitor:
        visitor.sendall(b"x" * 70_000)
        visitor.shutdown(socket.SHUT_WR)
        assert everything(visitor) == b"got 70000"

    app = new_app(ByteApp, serve=say_goodbye_first)
    with visit(raw("tcp", app.port)) as visitor:
        assert everything(visitor) == b"bye"
        visitor.sendall(b"y" * 70_000)
        visitor.shutdown(socket.SHUT_WR)
        until(lambda: getattr(app, "heard", None) == b"y" * 70_000)


def test_large_streams_arrive_whole_in_both_directions_at_once(raw, new_app):
    size = 48 << 20
    block = secrets.token_bytes(1 << 20)
    sums = {}

    def swap(connection, _):
        def send():
            for _ in range(size // len(block)):
                connection.sendall(block)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        sums["app"] = digest(connection)
        sender.join()

    def digest(connection):
        total = hashlib.sha256()
        while part := connection.recv(1 << 20):
            total.update(part)
        return total.hexdigest()

    expected = hashlib.sha256(block * (size // len(block))).hexdigest()
    with visit(raw("tcp", new_app(ByteApp, serve=swap).port), 60) as visitor:
        def send():
            for _ in range(size // len(block)):
                visitor.sendall(block)
            visitor.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        assert digest(visitor) == expected
        sender.join()
    until(lambda: sums.get("app") == expected)


def test_a_reset_is_passed_on_as_a_reset(raw, new_app):
    seen = {}

    def cut(connection, _):
        connection.recv(10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def watch(connection, _):
        seen["hello"] = connection.recv(10)
        try:
            seen["end"] = connection.recv(10)
        except ConnectionResetError:
            seen["end"] = "reset"

    with visit(raw("tcp", new_app(ByteApp, serve=cut).port)) as visitor:
        visitor.sendall(b"hello")
        assert is_reset(visitor)

    visitor = visit(raw("tcp", new_app(ByteApp, serve=watch).port))
    visitor.sendall(b"hello")
    until(lambda: seen.get("hello") == b"hello")
    visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visitor.close()
    until(lambda: seen.get("end") == "reset")


def test_a_visitor_is_cut_when_the_local_program_is_down_and_the_client_says_so(raw):
    t = raw("tcp", free_port())
    with contextlib.suppress(ConnectionResetError):  # so soon that connect() may be told already
        with visit(t) as visitor:
            assert is_reset(visitor)
    t.process.wait_event("notice", match=lambda e: e["code"] == "target_unreachable")
    event = t.process.wait_event("connection")
    assert event["end"] == "target unreachable" and event["from"].startswith("127.0.0.1:")


def test_the_client_tells_of_each_connection(raw, new_app):
    t = raw("tcp", new_app(ByteApp, serve=echo).port)
    with visit(t) as visitor:
        visitor.sendall(b"12345")
        exactly(visitor, 5)
        visitor.shutdown(socket.SHUT_WR)
        assert visitor.recv(1) == b""
    event = t.process.wait_event("connection")
    assert (event["bytes_in"], event["bytes_out"], event["end"]) == (5, 5, "closed")


def test_a_visitor_who_does_not_read_stops_the_program_instead_of_filling_memory(raw, new_app, edge):
    sent = [0]

    def pour(connection, _):
        connection.settimeout(2)
        try:
            while sent[0] < 400 << 20:
                sent[0] += connection.send(b"z" * 65536)
        except TimeoutError:
            pass

    t = raw("tcp", new_app(ByteApp, serve=pour).port)
    with visit(t) as visitor:
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        exactly(visitor, 10)
        before = None
        while before != sent[0]:
            before = sent[0]
            threading.Event().wait(0.5)
        assert sent[0] < 100 << 20
        assert accepts(edge.port)


# --- ports -----------------------------------------------------------------------------------------------------------


def test_a_name_keeps_its_port(raw, new_app, new_cli, edge):
    app = new_app(ByteApp, serve=echo)
    first = raw("tcp", app.port, name="db")
    port = port_of(first)
    first.stop()
    other = raw("tcp", app.port, name="other")
    again = raw("tcp", app.port, name="db")
    assert port_of(again) == port and port_of(other) != port
    listed = new_cli(edge).run("ls", *edge_flags(edge), "--json", INSTATUNNEL_API_KEY=edge.owner.key)
    assert f"tcp://localhost:{port}" in listed.stdout
    described = edge.call("GET", "/v1/tunnels/db", key=edge.owner.key).json()
    assert (described["proto"], described["port"], described["url"]) == ("tcp", port, f"tcp://localhost:{port}")


def edge_flags(edge):
    return ["--server", edge.api, "--cacert", edge.cacert]


def test_a_tunnel_without_a_name_gets_the_same_port_again(new_cli, new_app, edge):
    app = new_app(ByteApp, serve=echo)
    seen = []
    for _ in range(2):
        t = Tunnel(new_cli(edge), "tcp", str(app.port))
        seen.append(port_of(t))
        t.stop()
    assert seen[0] == seen[1]


def test_a_port_survives_a_lost_client_and_a_restart_of_the_edge(binary, folder, new_app, new_cli):
    ports = free_range(3)
    edge = Edge(binary, folder / "e", ["--dev", "--tcp-ports", f"{ports}-{ports + 2}"]).start()
    app = new_app(ByteApp, serve=echo)
    t = Tunnel(new_cli(edge), "tcp", str(app.port), name="kept")
    port = port_of(t)
    edge.process.kill()
    edge.start()
    t.process.wait_event("tunnel.ready", match=lambda e: e["reconnected"])
    with visit(t) as visitor:
        visitor.sendall(b"still")
        assert exactly(visitor, 5) == b"still"
    assert port_of(t) == port
    t.process.kill()
    edge.stop(limit=5)


def test_a_port_closes_with_its_tunnel(raw, new_app):
    t = raw("tcp", new_app(ByteApp, serve=echo).port)
    assert accepts(port_of(t))
    t.stop()
    until(lambda: not accepts(port_of(t)))


def refused(new_cli, edge, *arguments, key=None):
    done = new_cli(edge).run(*arguments, *edge_flags(edge), INSTATUNNEL_API_KEY=key or edge.owner.key)
    assert done.returncode != 0, done
    return done.stderr


def test_a_port_can_be_asked_for_and_is_nobody_elses(raw, new_app, new_cli, edge, ports):
    app = new_app(ByteApp, serve=echo)
    stranger = edge.register()
    t = raw("tcp", app.port, "--remote-port", str(ports + 4), name="wanted")
    assert port_of(t) == ports + 4
    assert "belongs to another account" in refused(new_cli, edge, "tcp", app.port, "--remote-port", ports + 4, key=stranger.key)
    assert "is in use by the tunnel \"wanted\"" in refused(new_cli, edge, "tcp", app.port, "--remote-port", ports + 4)
    text = refused(new_cli, edge, "tcp", app.port, "--remote-port", 9)
    assert "none of this edge's public ports" in text and f"{ports} to {ports + PORTS - 1}" in text


def test_what_is_no_port_or_target_is_refused_before_anything_is_sent(new_cli, edge):
    for arguments, words in [(["tcp", "https://localhost:1"], "has no scheme"), (["tcp", "5432", "--remote-port", "x"], "1 to 65535"),
                             (["tcp"], "TARGET"), (["tls", "1", "--proxy-protocol", "v3"], "v1 or v2"),
                             (["tcp", "99999"], "1 to 65535"), (["tls", "1", "--remote-port", "4"], "--remote-port")]:
        assert words in refused(new_cli, edge, *arguments)


def test_an_edge_says_when_it_has_no_ports_and_when_they_are_used_up(binary, folder, new_app, new_cli):
    app = new_app(ByteApp, serve=echo)
    none = Edge(binary, folder / "none", ["--dev", "--tcp-ports", "none"]).start()
    assert "no public ports" in refused(new_cli, none, "tcp", app.port)
    none.stop(limit=5)

    port = free_range(1)
    one = Edge(binary, folder / "one", ["--dev", "--tcp-ports", str(port)]).start()
    t = Tunnel(new_cli(one), "tcp", str(app.port), name="first")
    text = refused(new_cli, one, "tcp", app.port, "--subdomain", "second")
    assert "All public ports of this edge are taken" in text and "names release" in text
    with visit(t) as visitor:
        visitor.sendall(b"served")
        assert exactly(visitor, 6) == b"served"
    t.stop()
    new_cli(one).run("names", "release", "first", *edge_flags(one), INSTATUNNEL_API_KEY=one.owner.key)
    assert port_of(Tunnel(new_cli(one), "tcp", str(app.port), name="third")) == port
    one.stop(limit=5)


def test_a_port_that_another_program_has_is_refused_with_the_reason(binary, folder, new_app, new_cli):
    port = free_range(1)
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        edge = Edge(binary, folder / "e", ["--dev", "--tcp-ports", str(port)]).start()
        assert "in use by another program" in refused(new_cli, edge, "tcp", 1)
        edge.stop(limit=5)


# --- PROXY protocol towards the program --------------------------------------------------------------------------------


def ends(connection):
    return connection.getsockname(), connection.getpeername()


def test_the_program_is_told_who_the_visitor_is(raw, new_app):
    app = new_app(ByteApp, serve=lambda c, a: a.heard.append(everything(c)))
    app.heard = []
    with visit(raw("tcp", app.port, "--proxy-protocol", "v1")) as visitor:
        (_, mine), (_, theirs) = ends(visitor)
        visitor.sendall(b"data")
    until(lambda: app.heard)
    assert app.heard.pop() == f"PROXY TCP4 127.0.0.1 127.0.0.1 {mine} {theirs}\r\ndata".encode()

    with visit(raw("tcp", app.port, "--proxy-protocol", "v2")) as visitor:
        (_, mine), (_, theirs) = ends(visitor)
        visitor.sendall(b"data")
    until(lambda: app.heard)
    local = bytes([127, 0, 0, 1])
    header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", 12) + local + local + struct.pack("!HH", mine, theirs)
    assert app.heard.pop() == header + b"data"


# --- tls -------------------------------------------------------------------------------------------------------------


def test_tls_ends_at_the_program(raw, new_app, edge, folder):
    name = "shop-" + secrets.token_hex(3)
    certificate = self_signed(folder / "own", f"{name}.localhost")
    t = raw("tls", new_app(HttpApp, certificate=certificate).port, name=name)
    assert t.url == f"tls://{name}.localhost:{edge.port}"
    reply = curl(f"https://{name}.localhost:{edge.port}/", certificate[0])
    assert reply.status == 200, reply
    # Its certificate is its own: the edge's authority vouches for nothing here.
    assert curl(f"https://{name}.localhost:{edge.port}/", edge.cacert).exit_code == 60


def test_http_tunnels_and_the_api_go_on_beside_tls_tunnels(raw, tunnel, new_app, edge, folder):
    certificate = self_signed(folder / "own", "both.localhost")
    raw("tls", new_app(HttpApp, certificate=certificate).port, name="both")
    assert tunnel(new_app().port).get("/").status == 200
    assert edge.call("GET", "/v1/health").status == 200
    # A name of a tls tunnel inside of another connection is not decrypted after all.
    with edge.raw("elsewhere") as visitor:
        visitor.send(b"GET / HTTP/1.1\r\nHost: both.localhost\r\n\r\n")
        assert visitor.reply().status == 421


def test_a_hello_may_come_in_pieces(raw, new_app, edge, folder):
    certificate = self_signed(folder / "own", "pieces.localhost")
    raw("tls", new_app(HttpApp, certificate=certificate).port, name="pieces")
    context = ssl.create_default_context(cafile=str(certificate[0]))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname="pieces.localhost")
    with socket.create_connection(("127.0.0.1", edge.port), 20) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        slow = True
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                data = outgoing.read()
                for i in range(0, len(data), 40 if slow else len(data)):
                    plain.sendall(data[i:i + 40] if slow else data)
                    threading.Event().wait(0.005 if slow else 0)
                slow = False
                incoming.write(plain.recv(65536))
        plain.sendall(outgoing.read())
        session.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        plain.sendall(outgoing.read())
        incoming.write(plain.recv(65536))
        while True:
            try:
                assert session.read(100).startswith(b"HTTP/1.1 200")
                break
            except ssl.SSLWantReadError:
                incoming.write(plain.recv(65536))


def test_what_is_no_hello_is_still_cut(raw, new_app, edge, folder):
    certificate = self_signed(folder / "own", "cut.localhost")
    raw("tls", new_app(HttpApp, certificate=certificate).port, name="cut")
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\x01" * 100, b"\x16\x03\x01\0\x05\x01\0\0\0\0", b"SSH-2.0-x\r\n"):
        with socket.create_connection(("127.0.0.1", edge.port), 20) as visitor:
            visitor.sendall(junk)
            visitor.shutdown(socket.SHUT_WR)
            visitor.settimeout(15)
            try:
                answer = everything(visitor)
            except ConnectionResetError:
                answer = b""
            assert answer == b"" or answer[0] == 21  # a TLS alert


def test_a_tls_tunnel_whose_client_is_away_answers_with_an_alert(raw, edge, new_app, folder):
    certificate = self_signed(folder / "own", "away.localhost")
    t = raw("tls", new_app(HttpApp, certificate=certificate).port, name="away")
    t.process.kill()

    def is_alerted():
        try:
            tls_connection(edge.port, "away.localhost").close()
            return False
        except ssl.SSLError as error:
            return "ALERT" in str(error).upper()
        except OSError:
            return False

    until(is_alerted)


def test_nginx_with_its_own_certificate_behind_a_tls_tunnel_speaks_http2(raw, edge, folder):
    certificate, key = self_signed(folder / "own", "nginx.localhost")
    (folder / "own").chmod(0o755)
    port = free_port()
    server = Nginx(folder / "nginx", {"index.html": b"from nginx"}, extra=(
        f"server {{ listen 127.0.0.1:{port} ssl http2 proxy_protocol; server_name nginx.localhost; ssl_certificate {certificate}; "
        f"ssl_certificate_key {key}; root {folder}/nginx/www; add_header X-Visitor $proxy_protocol_addr:$proxy_protocol_port; }}"))
    try:
        raw("tls", port, "--proxy-protocol", "v2", name="nginx")
        reply = curl(f"https://nginx.localhost:{edge.port}/", certificate, "--http2")
        assert (reply.status, reply.body) == (200, b"from nginx"), reply
        assert reply.header("X-Visitor").startswith("127.0.0.1:")
    finally:
        server.stop()


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def test_psql_works_through_a_tcp_tunnel(raw, folder):
    server = Postgres(folder / "pg")
    try:
        t = raw("tcp", server.port)
        base = ["psql", "-h", "127.0.0.1", "-p", str(port_of(t)), "-U", "postgres", "-X", "-v", "ON_ERROR_STOP=1", "-At"]

        def sql(text, **options):
            return subprocess.run([*base, "-c", text], capture_output=True, text=True, timeout=60, check=True, **options).stdout.strip()

        assert sql("SELECT 40 + 2") == "42"
        sql("CREATE TABLE t(n int, s text)")
        rows = "".join(f"{i}\t{'x' * 90}\n" for i in range(100_000))
        sql("COPY t FROM STDIN", input=rows)
        assert sql("SELECT count(*), sum(n) FROM t") == "100000|4999950000"
        assert hashlib.sha256(sql("COPY (SELECT * FROM t ORDER BY n) TO STDOUT").encode()).hexdigest() == hashlib.sha256(
            rows.strip().encode()).hexdigest()
    finally:
        server.stop()
