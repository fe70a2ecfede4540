"""An edge behind a load balancer: who the visitor is, by the PROXY protocol or by forwarding fields, and whose word counts."""

import re
import socket
import ssl
import struct
import subprocess
import threading
import urllib.parse

import pytest

from edge import Cli, Edge, Tunnel
from local_apps import ByteApp, CollectingApp
from ports import free_range
from visitor import curl, curl_command

V4 = socket.inet_aton


def v1(source="203.0.113.7", port=4711, family="TCP4", to="198.51.100.1"):
    return f"PROXY {family} {source} {to} {port} 443\r\n".encode()


def v2(source="203.0.113.7", port=4711, extra=b""):
    if ":" in source:
        kind, ends = 0x21, socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    else:
        kind, ends = 0x11, V4(source) + V4("198.51.100.1")
    content = ends + struct.pack("!HH", port, 443) + extra
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, kind]) + struct.pack("!H", len(content)) + content


LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0"


@pytest.fixture(scope="module")
def proxied(binary, tmp_path_factory):
    """An edge whose balancer at 127.0.0.1 speaks the PROXY protocol; 127.0.0.2 is nobody."""
    ports = free_range(4)
    edge = Edge(binary, tmp_path_factory.mktemp("edge"), [
        "--dev", "--tcp-ports", f"{ports}-{ports + 3}", "--trusted-proxy", "127.0.0.1/32", "--proxy-protocol"])
    edge.start()
    yield edge
    edge.stop(limit=5)


@pytest.fixture
def open_tunnel(folder, binary):
    """A client that reaches the edge from an address which is no balancer's: by way of a relay there."""
    running = []

    def start(edge, *words, name):
        relay = Relay(edge.port)
        running.append(relay)
        cli = Cli(binary, folder / f"cli{len(running)}", edge)
        api = urllib.parse.urlsplit(edge.api)
        process = cli.start("client", *words, "--subdomain", name, "--json", "--server", f"https://{api.hostname}:{relay.port}",
                            "--cacert", edge.cacert, INSTATUNNEL_API_KEY=edge.owner.key)
        running.append(process)
        return process.wait_event("tunnel.ready")

    yield start
    for one in running:
        (one.stop if isinstance(one, Relay) else one.kill)()


class Relay(ByteApp):
    """Passes connections on to the edge from 127.0.0.2."""

    def __init__(self, port):
        self._to = port
        super().__init__(serve=self._pass_on)

    def _pass_on(self, connection, _):
        other = socket.create_connection(("127.0.0.1", self._to), 20, ("127.0.0.2", 0))

        def copy(source, sink):
            try:
                while data := source.recv(65536):
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        back = threading.Thread(target=copy, args=(other, connection), daemon=True)
        back.start()
        copy(connection, other)
        back.join()


def ask(edge, name, header, source=None, request=b""):
    """The reply to a request over a connection that begins with `header`."""
    context = ssl.create_default_context(cafile=str(edge.cacert))
    with socket.create_connection(("127.0.0.1", edge.port), 20, (source, 0) if source else None) as plain:
        plain.sendall(header)
        with context.wrap_socket(plain, server_hostname=f"{name}.localhost") as visitor:
            visitor.sendall(b"GET / HTTP/1.1\r\nHost: " + name.encode() + b".localhost\r\n" + request + b"Connection: close\r\n\r\n")
            reply = b""
            while part := visitor.recv(65536):
                reply += part
            return reply


def fields_of(recorder):
    head = recorder.received[-1].decode()
    recorder.forget()
    return {n.lower(): v for n, v in re.findall(r"^([\w-]+): (.*?)\r$", head, re.M)}


@pytest.mark.parametrize("header, address, node", [
    (v1(), "203.0.113.7", "203.0.113.7"), (v2(), "203.0.113.7", "203.0.113.7"), (v2(extra=b"\x04\0\x03abc"), "203.0.113.7", "203.0.113.7"),
    (v1("2001:db8::7", family="TCP6", to="2001:db8::1"), "2001:db8::7", '"[2001:db8::7]"'),
    (v2("2001:db8::7"), "2001:db8::7", '"[2001:db8::7]"'), (v2("::ffff:203.0.113.9"), "203.0.113.9", "203.0.113.9"),
    (b"PROXY UNKNOWN\r\n", "127.0.0.1", "127.0.0.1"), (LOCAL, "127.0.0.1", "127.0.0.1")])
def test_the_balancer_says_who_the_visitor_is(proxied, open_tunnel, recorder, header, address, node):
    open_tunnel(proxied, str(recorder.port), name="who")
    assert ask(proxied, "who", header).startswith(b"HTTP/1.1 200")
    fields = fields_of(recorder)
    assert fields["x-forwarded-for"] == address and fields["forwarded"].startswith(f"for={node};")


@pytest.mark.parametrize("header", [
    b"", b"GET / HTTP/1.1\r\n\r\n", b"PROXY TCP4 203.0.113.7\r\n", b"PROXY TCP4 999.0.0.1 1.1.1.1 1 2\r\n", b"PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n",
    b"PROXY TCP4 1.1.1.1 1.1.1.1 01 2\r\n", b"PROXY TCP5 1.1.1.1 1.1.1.1 1 2\r\n", b"PROXY TCP4  1.1.1.1 1.1.1.1 1 2\r\n", b"PROXY " + b"x" * 200,
    b"proxy TCP4 1.1.1.1 1.1.1.1 1 2\r\n", v2()[:12] + b"\x31" + v2()[13:], v2()[:14] + b"\xff\xff" + v2()[16:], v2()[:14] + b"\0\x04" + V4("1.1.1.1"),
    b"\r\n\r\n\0\r\nQUIT\r"])
def test_a_balancer_that_does_not_keep_to_the_protocol_is_cut(proxied, header):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(proxied, "who", header)


def test_somebody_else_cannot_claim_to_be_a_balancer(proxied, open_tunnel, recorder):
    open_tunnel(proxied, str(recorder.port), name="liar")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(proxied, "liar", v1(), source="127.0.0.2")
    assert ask(proxied, "liar", b"", source="127.0.0.2").startswith(b"HTTP/1.1 200")
    assert fields_of(recorder)["x-forwarded-for"] == "127.0.0.2"


def test_curl_speaks_it_as_well(proxied, open_tunnel, recorder):
    open_tunnel(proxied, str(recorder.port), name="curl")
    done = subprocess.run(curl_command(f"https://curl.localhost:{proxied.port}/", proxied.cacert, "--haproxy-protocol"),
                          capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "ok"


def test_a_tcp_tunnel_passes_on_what_the_balancer_said(proxied, open_tunnel, new_app):
    app = new_app(CollectingApp)
    ready = open_tunnel(proxied, "tcp", str(app.port), "--proxy-protocol", "v1", name="db")
    with socket.create_connection(("127.0.0.1", urllib.parse.urlsplit(ready["url"]).port), 20) as visitor:
        visitor.sendall(v2() + b"hello")
        visitor.shutdown(socket.SHUT_WR)
        assert visitor.recv(10) == b"done"
    assert app.heard == [v1() + b"hello"]


def test_limits_count_visitors_and_not_the_balancer(proxied, open_tunnel, recorder):
    open_tunnel(proxied, str(recorder.port), name="many")
    open_connections = []
    # Far more than one address may have, each from another one.
    for i in range(300):
        plain = socket.create_connection(("127.0.0.1", proxied.port), 20)
        plain.sendall(v1(f"203.0.{i // 250}.{i % 250 + 1}"))
        open_connections.append(plain)
    assert ask(proxied, "many", v1("198.51.100.77")).startswith(b"HTTP/1.1 200")
    for plain in open_connections:
        plain.close()


# --- forwarding fields -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def behind(binary, tmp_path_factory):
    """An edge that trusts the forwarding fields of 127.0.0.1 and of 10.0.0.0/8."""
    edge = Edge(binary, tmp_path_factory.mktemp("edge"), ["--dev", "--trusted-proxy", "127.0.0.1", "--trusted-proxy", "10.0.0.0/8"])
    edge.start()
    yield edge
    edge.stop(limit=5)


@pytest.fixture
def behind_tunnel(behind, new_cli, recorder):
    opened = Tunnel(new_cli(behind), str(recorder.port), name="fields")
    yield opened
    opened.process.kill()


@pytest.mark.parametrize("lines, chain, scheme", [
    ([], "127.0.0.1", "https"),
    (["X-Forwarded-For: 203.0.113.7"], "203.0.113.7, 127.0.0.1", "https"),
    (["X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: http"], "203.0.113.7, 127.0.0.1", "http"),
    (["X-Forwarded-For: 6.6.6.6, 203.0.113.7, 10.1.2.3"], "203.0.113.7, 10.1.2.3, 127.0.0.1", "https"),
    (["X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 203.0.113.7"], "203.0.113.7, 127.0.0.1", "https"),
    (["X-Forwarded-For: [2001:db8::7]:999, 10.0.0.1"], "2001:db8::7, 10.0.0.1, 127.0.0.1", "https"),
    (["X-Forwarded-For: 203.0.113.7:1234"], "203.0.113.7, 127.0.0.1", "https"),
    (["X-Forwarded-For: 10.0.0.2, 10.0.0.1"], "10.0.0.2, 10.0.0.1, 127.0.0.1", "https"),
    (["X-Forwarded-For: 203.0.113.7, evil<script>, 10.0.0.1"], "10.0.0.1, 127.0.0.1", "https"),
    (["X-Forwarded-For: unknown"], "127.0.0.1", "https"), (["X-Forwarded-For: ,,,"], "127.0.0.1", "https")])
def test_fields_of_a_trusted_proxy_count_from_the_nearest_hop_on(behind, behind_tunnel, recorder, lines, chain, scheme):
    reply = behind_tunnel.get("/", *[word for line in lines for word in ("-H", line)])
    assert reply.status == 200
    fields = fields_of(recorder)
    visitor = chain.split(", ")[0]
    assert (fields["x-forwarded-for"], fields["x-forwarded-proto"]) == (chain, scheme)
    assert fields["forwarded"].startswith("for=" + (f'"[{visitor}]"' if ":" in visitor else visitor) + ";")
    assert fields["forwarded"].endswith(f"proto={scheme}")


def test_each_request_of_a_connection_has_a_visitor_of_its_own(behind, behind_tunnel, recorder):
    with behind_tunnel.raw() as visitor:
        for address in ("203.0.113.7", "203.0.113.8", None):
            field = f"X-Forwarded-For: {address}\r\n" if address else ""
            visitor.send(f"GET / HTTP/1.1\r\nHost: {behind_tunnel.host}\r\n{field}\r\n".encode())
            assert visitor.reply().status == 200
            head = recorder.received[-1].decode().split("\r\n\r\n")[-2]
            assert f"X-Forwarded-For: {address + ', ' if address else ''}127.0.0.1" in head


def test_http2_requests_too(behind_tunnel, recorder):
    assert behind_tunnel.get("/", "--http2", "-H", "X-Forwarded-For: 203.0.113.7").status == 200
    assert fields_of(recorder)["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"


def test_limits_of_the_api_count_the_visitor(behind):
    for i in range(12):
        reply = curl(behind.api + "/v1/auth/login", behind.cacert, "-H", f"X-Forwarded-For: 203.0.113.{i}", "--json",
                     f'{{"email": "nobody{i}@example.com", "password": "not this one"}}')
        assert reply.status == 401


def test_options_that_make_no_sense_are_refused(new_cli):
    for arguments, words in [(["--proxy-protocol"], "--trusted-proxy"), (["--trusted-proxy", "10.0.0.0/33"], "range of addresses"),
                             (["--trusted-proxy", "example.com"], "range of addresses"), (["--tcp-ports", "5-2"], "range of ports")]:
        done = new_cli().run("serve", "--dev", *arguments)
        assert done.returncode == 2 and words in done.stderr, done
