"""IPv6 and IPv4 on every side: visitors, clients, the API, local programs, public ports."""

import json
import socket
import subprocess
import urllib.parse

import pytest

from edge import Edge, Tunnel
from local_apps import CollectingApp, HttpApp, RecordingApp
from ports import free_range
from visitor import curl_command

PORTS = 4


@pytest.fixture(scope="module")
def ports():
    return free_range(PORTS)


@pytest.fixture(scope="module", params=["", "[::1]"], ids=["all addresses", "IPv6 alone"])
def edge(request, binary, ports, tmp_path_factory):
    running = Edge(binary, tmp_path_factory.mktemp("edge"), ["--dev", "--tcp-ports", f"{ports}-{ports + PORTS - 1}"], host=request.param)
    running.start()
    yield running
    running.stop(limit=5)


def addresses(edge):
    """What visitors can reach it by."""
    return ["::1"] if edge.host else ["127.0.0.1", "::1"]


def ask(url, cacert, address, *arguments):
    command = curl_command(url, cacert, *arguments)
    place = command.index("--resolve") + 1
    command[place] = command[place].replace("127.0.0.1", f"[{address}]" if ":" in address else address)
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout


def test_visitors_and_callers_come_by_either(edge, tunnel, new_app):
    recorder = new_app(RecordingApp)
    opened = tunnel(recorder.port)
    for address in addresses(edge):
        for version in ("--http1.1", "--http2"):
            recorder.forget()
            assert ask(opened.url + "/", edge.cacert, address, version) == "ok"
            head = recorder.received[-1].decode()
            node = f'"[{address}]"' if ":" in address else address
            assert f"X-Forwarded-For: {address}\r\n" in head and f"Forwarded: for={node};" in head
        assert '"status":"ok"' in ask(edge.api + "/v1/health", edge.cacert, address).replace(" ", "")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_local_programs_listen_on_either(edge, tunnel, new_app, host):
    app = new_app(HttpApp, host=host)
    name = f"[{host}]" if ":" in host else host
    for target in (str(app.port), f"localhost:{app.port}", f"{name}:{app.port}", f"http://{name}:{app.port}"):
        assert json.loads(ask(tunnel(target).url + "/", edge.cacert, addresses(edge)[0]))["method"] == "GET"


def test_a_client_finds_an_edge_that_has_but_one_of_them(edge, new_cli):
    done = new_cli(edge).run("auth", "test", *new_cli(edge).server(), INSTATUNNEL_API_KEY=edge.owner.key)
    assert done.returncode == 0, done


def test_public_ports_and_proxy_headers_have_both(edge, new_cli, new_app):
    app = new_app(CollectingApp, host="::1")
    t = Tunnel(new_cli(edge), "tcp", str(app.port), "--proxy-protocol", "v1", name="both")
    for address in addresses(edge):
        with socket.create_connection((address, urllib.parse.urlsplit(t.url).port), 20) as visitor:
            mine, theirs = visitor.getsockname()[1], visitor.getpeername()[1]
            visitor.sendall(b"hello")
            visitor.shutdown(socket.SHUT_WR)
            assert visitor.recv(10) == b"done"
        family = "TCP6" if ":" in address else "TCP4"
        assert app.heard.pop() == f"PROXY {family} {address} {address} {mine} {theirs}\r\nhello".encode()
    t.process.kill()
