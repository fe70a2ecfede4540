"""Our client over protocol v1: against a server that knows nothing else, and against our own edge."""

import hashlib
import json
import os
import pathlib
import re

import pytest

from edge import Cli, Tunnel
from process import wait_until
from v1_client import V1Server, body_of

KEY = "it_" + "k" * 16


def held(process):
    """MiB that a process holds."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


@pytest.fixture
def server(certificate):
    running = V1Server(certificate)
    yield running
    running.stop()


@pytest.fixture
def start(server, certificate, folder, binary):
    """Starts the client against the v1 server."""
    started = []

    def go(target, *arguments, **environment):
        cli = Cli(binary, folder / f"v1-{len(started)}")
        started.append(cli.start("client", str(target), *arguments, "--json", "--server", server.url, "--cacert", str(certificate[0]),
                                 INSTATUNNEL_API_KEY=KEY, **environment))
        return started[-1]

    yield go
    for one in started:
        one.kill()


def test_auto_falls_back_to_v1_and_says_so(start, server, app):
    client = start(app.port, "--subdomain", "demo")
    ready = client.wait_event("tunnel.ready")
    assert (ready["transport"], ready["url"], ready["name"]) == ("v1", "https://demo.v1.example", "demo")
    assert ("GET", "/v1/meta") in server.paths and ("GET", "/tunnels/41/connect") in server.paths
    assert server.orders[0]["local_port"] == app.port and server.keys[-1] == f"Bearer {KEY}"
    assert client.stop() == 0
    wait_until(lambda: server.closed == [1000], 20, "a clean end")


def test_v2_alone_does_not_fall_back(start, server, app):
    client = start(app.port, "--transport", "v2")
    assert client.wait() != 0 and server.orders == []


def test_requests_go_to_the_app_and_replies_come_back_whole(start, server, app):
    start(app.port, "--transport", "v1").wait_event("tunnel.ready")
    body = os.urandom(1_000_003)
    reply = server.ask("r1", method="POST", url="/echo?x=1", headers={"Host": "demo.v1.example", "Content-Type": "a/b", "Connection": "close"}, body=body)
    seen = json.loads(body_of(reply))
    assert (seen["method"], seen["target"], seen["size"]) == ("POST", "/echo?x=1", len(body))
    assert seen["sha256"] == hashlib.sha256(body).hexdigest() and ["Host", "demo.v1.example"] in seen["headers"]
    cookies = server.ask("r2", url="/cookies", headers={"Host": "demo.v1.example"})
    names = [n for n in cookies["headers"] if n.lower() == "set-cookie"]
    assert len(names) > 1 and "Set-Cookie" in names
    late = server.begin("r3", url="/slow?ms=400")
    assert server.ask("r4", url="/status/302")["status_code"] == 302, "redirects are passed on"
    assert server.finish(late)["status_code"] == 200
    head = server.ask("r5", method="HEAD", url="/echo")
    assert "body" not in head and head["status_code"] == 200


def test_pings_are_answered_and_nonsense_is_passed_over(start, server, app):
    start(app.port, "--transport", "v1").wait_event("tunnel.ready")
    server.say({"type": "ping"})
    wait_until(lambda: server.answers.get("pong"), 20, "a pong")
    server.say({"type": "later", "data": []})
    server.say("{}")
    assert server.ask("bad", url="no path")["status_code"] == 400
    assert server.ask("good", url="/echo")["status_code"] == 200


def test_an_app_that_is_not_there_is_a_502_with_its_address(start, server):
    from ports import free_port  # pylint: disable=import-outside-toplevel
    port = free_port()
    start(port, "--transport", "v1").wait_event("tunnel.ready")
    reply = server.ask("r1", url="/")
    assert reply["status_code"] == 502 and f"Failed to reach local server localhost:{port}" in body_of(reply).decode()


def test_bodies_beyond_the_limit_are_refused_instead_of_kept(start, server, app):
    client = start(app.port, "--transport", "v1")
    client.wait_event("tunnel.ready")
    assert server.ask("big", method="POST", url="/echo", body=b"x" * ((16 << 20) + 1))["status_code"] == 413
    assert server.ask("small", url="/echo")["status_code"] == 200


def test_a_reply_beyond_the_format_is_a_502_and_takes_no_memory(start, server, app):
    client = start(app.port, "--transport", "v1")
    client.wait_event("tunnel.ready")
    assert server.ask("small", url="/chunks?n=1")["status_code"] == 200
    before = held(client)
    reply = server.ask("big", url="/chunks?n=17000")
    assert reply["status_code"] == 502 and "too large for transport v1" in body_of(reply).decode()
    endless = server.ask("endless", url="/chunks?n=200000")
    assert endless["status_code"] == 502
    assert len(body_of(server.ask("fits", url="/chunks?n=16777"))) == 16_777_000
    assert held(client) - before < 60


def test_what_v1_cannot_carry_is_a_clear_error(start, server, app):
    start(app.port, "--transport", "v1").wait_event("tunnel.ready")
    socket = server.ask("ws", url="/echo", headers={"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"})
    assert socket["status_code"] == 501 and "WebSocket" in body_of(socket).decode()
    short = server.ask("short", url="/events?n=3&ms=1")
    assert short["status_code"] == 200 and body_of(short).count(b"data:") == 3, "a stream that ends arrives whole"
    endless = server.begin("endless", url="/events?n=100000&ms=50")
    assert server.ask("meanwhile", url="/echo")["status_code"] == 200
    assert server.answers[endless][0].wait(45)
    reply = server.answers[endless][1]
    assert reply["status_code"] == 502 and "stream that does not end" in body_of(reply).decode()


def test_the_app_gets_the_host_that_was_asked_for(start, server, app):
    start(app.port, "--transport", "v1", "--host-header", "rewrite").wait_event("tunnel.ready")
    seen = json.loads(body_of(server.ask("r1", url="/echo", headers={"Host": "demo.v1.example"})))
    assert ["Host", f"localhost:{app.port}"] in seen["headers"]


def test_it_reconnects_for_as_long_as_it_runs(start, server, app):
    client = start(app.port, "--transport", "v1")
    client.wait_event("tunnel.ready")
    for count in range(2, 9):  # published clients give up after five
        assert server.connected.acquire(timeout=30)
        server.cut()
        client.wait_event("tunnel.ready", count=count, limit=60)
    assert server.connected.acquire(timeout=30)
    assert server.ask("after", url="/echo")["status_code"] == 200


def test_it_reconnects_to_the_same_tunnel(start, server, app):
    client = start(app.port, "--transport", "v1")
    client.wait_event("tunnel.ready")
    assert server.connected.acquire(timeout=20)
    server.cut()
    client.wait_event("tunnel.reconnecting")
    assert server.connected.acquire(timeout=20)
    client.wait_event("tunnel.ready", count=2)
    assert len(server.orders) == 1
    assert server.ask("again", url="/echo")["status_code"] == 200


def test_a_taken_name_and_a_password_are_the_servers_matter(start, server, app):
    client = start(app.port, "--transport", "v1", "--subdomain", "demo", INSTATUNNEL_TUNNEL_PASSWORD="v1-visitors-word-31")
    client.wait_event("tunnel.ready")
    assert server.orders[0]["password"] == "v1-visitors-word-31"
    server.status = 500
    other = start(app.port, "--transport", "v1", "--subdomain", "demo")
    assert other.wait() == 6 and "subdomain already taken" in other.stdout + other.stderr


def test_our_client_speaks_v1_with_our_edge(edge, new_cli, app):
    t = Tunnel(new_cli(edge), str(app.port), "--transport", "v1", name="ours-over-v1")
    assert t.ready["transport"] == "v1"
    body = os.urandom(300_001)
    (t.cli.folder / "body").write_bytes(body)
    assert t.get("/echo").status == 200
    assert len(t.get("/cookies").all("Set-Cookie")) > 1
    assert t.get("/echo", "--data-binary", f"@{t.cli.folder / 'body'}").status == 200
    assert t.get("/", "--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket").status == 501
    newer = Tunnel(new_cli(edge), str(app.port), name="ours-over-v1")
    assert newer.ready["transport"] == "v2"
    assert t.process.wait() != 0 and "took the tunnel over" in t.process.stdout + t.process.stderr
    newer.process.kill()


def test_a_directory_is_served_over_v1(edge, new_cli, folder):
    (folder / "site").mkdir()
    (folder / "site" / "index.html").write_text("<h1>v1</h1>")
    t = Tunnel(new_cli(edge), str(folder / "site"), "--transport", "v1")
    assert t.get("/").text == "<h1>v1</h1>"
    assert t.stop() == 0
