"""kill -9 of each part in turn: the tunnel comes back by itself, with its name."""

import os
import signal
import sys
import time

from edge import Tunnel
from ports import accepts, free_port
from process import Process, wait_until


def test_a_killed_client_is_replaced_by_a_new_process_at_once(tunnel, app):
    first = tunnel(app.port, name="killed-client")
    first.process.kill()
    second = tunnel(app.port, name="killed-client")
    assert second.url == first.url
    assert second.get("/status/200").status == 200


def test_visitors_of_a_killed_client_get_an_answer_and_not_silence(tunnel, app):
    t = tunnel(app.port)
    t.process.kill()
    start = time.monotonic()
    assert t.get("/", "--max-time", "20").status in (404, 502, 503)
    assert time.monotonic() - start < 15


def test_a_request_in_flight_ends_when_the_client_dies(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"GET /slow?ms=60000 HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        wait_until(lambda: app.seen, 5, "request at the app")
        t.process.kill()
        start = time.monotonic()
        data = visitor.line()
        assert " 502 " in data or " 503 " in data or " 504 " in data
        assert time.monotonic() - start < 12


def test_a_killed_edge_gets_its_tunnels_back(new_edge, new_cli, app):
    edge = new_edge().start()
    t = Tunnel(new_cli(edge), app.port, name="survivor")
    before = edge.ready
    edge.process.kill()
    t.process.wait_event("tunnel.reconnecting", 10)
    time.sleep(1)
    edge.start()
    back = time.monotonic()
    again = t.process.wait_event("tunnel.ready", 10, count=2)
    assert again["url"] == t.url
    assert time.monotonic() - back < 3, "the client waited too long"
    assert t.get("/status/200").status == 200
    for field in ("email", "password", "api_key", "api", "domain", "cacert"):
        assert edge.ready[field] == before[field], f"{field} changed over a restart"
    assert t.stop() == 0


def test_many_edge_restarts_in_a_row(new_edge, new_cli, app):
    edge = new_edge().start()
    t = Tunnel(new_cli(edge), app.port, name="restless")
    for turn in range(4):
        edge.process.kill()
        edge.start()
        t.process.wait_event("tunnel.ready", 10, count=turn + 2)
        assert t.get("/status/200").status == 200
    t.process.kill()


def test_a_frozen_edge_is_noticed_within_ten_seconds(new_edge, new_cli, app):
    edge = new_edge().start()
    t = Tunnel(new_cli(edge), app.port)
    os.kill(edge.process.pid, signal.SIGSTOP)
    try:
        t.process.wait_event("tunnel.reconnecting", 16)
    finally:
        os.kill(edge.process.pid, signal.SIGCONT)
    t.process.wait_event("tunnel.ready", 20, count=2)
    assert t.get("/status/200").status == 200
    t.process.kill()


def test_a_frozen_client_is_noticed_by_the_edge(tunnel, app):
    t = tunnel(app.port)
    os.kill(t.process.pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        reply = t.get("/", "--max-time", "40")
        assert reply.status in (502, 503, 504) and time.monotonic() - start < 20
    finally:
        os.kill(t.process.pid, signal.SIGCONT)
    t.process.wait_event("tunnel.ready", 20, count=2)
    assert t.get("/status/200").status == 200


def test_a_killed_app_is_served_again_when_it_returns(tunnel, folder):
    port = free_port()
    site = folder / "site"
    site.mkdir()
    (site / "index.html").write_text("the app's page", encoding="ascii")

    def start():
        app = Process("app", [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", site], folder / "logs")
        wait_until(lambda: accepts(port), 20, "the app")
        return app

    app = start()
    try:
        t = tunnel(port)
        assert t.get("/").text == "the app's page"
        app.kill()
        assert t.get("/").status == 502
        app = start()
        assert t.get("/").text == "the app's page"
        assert t.process.events("tunnel.reconnecting") == []
    finally:
        app.kill()


def test_a_client_started_against_a_dead_server_fails_at_once_with_exit_5(new_edge, new_cli, app):
    edge = new_edge().start()
    cli = new_cli(edge)
    edge.process.kill()
    done = cli.run(app.port, *cli.server(), INSTATUNNEL_API_KEY=edge.owner.key)
    assert done.returncode == 5, done
    assert f"api.localhost:{edge.port}" in done.stderr.replace("https://", "")


def test_a_reconnect_keeps_trying_with_pauses_that_stay_short(new_edge, new_cli, app):
    edge = new_edge().start()
    t = Tunnel(new_cli(edge), app.port)
    edge.process.kill()
    time.sleep(6)
    tries = len(t.process.events("tunnel.reconnecting"))
    assert 4 <= tries <= 60, f"{tries} tries in 6 s"
    assert t.process.running()
    assert t.stop() == 0, "Ctrl+C while reconnecting ends the client as usual"


def test_a_draining_edge_hands_over_without_losing_the_tunnel(new_edge, new_cli, app):
    edge = new_edge().start()
    t = Tunnel(new_cli(edge), app.port, name="drained")
    assert edge.stop() == 0
    edge.start()
    t.process.wait_event("tunnel.ready", 10, count=2)
    assert t.get("/status/200").status == 200
    t.process.kill()
