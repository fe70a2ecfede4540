"""Local apps of every kind, and local apps that come and go."""

import hashlib
import subprocess
import time

import pytest

from local_apps import HttpApp, RecordingApp
from ports import accepts, free_port
from process import wait_until


def host_seen(reply):
    return [v for n, v in reply.json()["headers"] if n.lower() == "host"]


def test_nginx_serves_files_ranges_gzip_and_errors(tunnel, nginx):
    t = tunnel(nginx.port)
    reply = t.get("/index.html")
    assert (reply.status, reply.body) == (200, b"<h1>nginx</h1>\n")
    assert reply.header("Server").startswith("nginx") and reply.header("ETag")
    assert t.get("/index.html", "-H", f"If-None-Match: {reply.header('ETag')}").status == 304
    part = t.get("/text.txt", "-r", "5-8")
    assert (part.status, part.body) == (206, b"text")
    packed = t.get("/text.txt", "-H", "Accept-Encoding: gzip")
    assert packed.header("Content-Encoding") == "gzip" and packed.body[:2] == b"\x1f\x8b"
    moved = t.get("/moved")
    assert moved.status == 301 and moved.header("Location")
    assert t.get("/forbidden").status == 403 and t.get("/none").status == 404


def test_python_http_server_is_a_local_app(tunnel, folder):
    (folder / "page.html").write_text("<p>plain python</p>")
    port = free_port()
    app = subprocess.Popen(["/usr/bin/python3", "-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", folder], stderr=subprocess.DEVNULL)
    try:
        t = tunnel(port)
        assert wait_until(lambda: t.answers("/page.html"), 10, "answer")
        assert t.get("/page.html").body == b"<p>plain python</p>"
        assert t.get("/page.html").header("Server").startswith("SimpleHTTP")
    finally:
        app.kill()
        app.wait()


def test_the_visitors_host_is_preserved_by_default(tunnel, app):
    t = tunnel(app.port)
    assert host_seen(t.get("/")) == [f"{t.host}:{t.edge.port}"]


def test_host_header_rewrite_names_the_local_app(tunnel, app):
    t = tunnel(app.port, "--host-header", "rewrite")
    reply = t.get("/")
    assert host_seen(reply) == [f"localhost:{app.port}"]
    assert ["X-Forwarded-Host", f"{t.host}:{t.edge.port}"] in reply.json()["headers"]


def test_host_header_takes_a_value(tunnel, app):
    assert host_seen(tunnel(app.port, "--host-header", "my-app.test").get("/")) == ["my-app.test"]


def test_a_target_may_be_a_host_and_port_or_a_url(tunnel, app):
    assert tunnel(f"127.0.0.1:{app.port}").get("/a").json()["target"] == "/a"
    assert tunnel(f"http://127.0.0.1:{app.port}").get("/b").json()["target"] == "/b"
    assert tunnel(f"http://localhost:{app.port}/").get("/c").json()["target"] == "/c"


@pytest.mark.parametrize("word", ["tunnel", "http"])
def test_the_words_tunnel_and_http_open_a_tunnel_too(cli, app, word):
    process = cli.start("client", word, app.port, "--json", *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
    try:
        url = process.wait_event("tunnel.ready")["url"]
        assert cli.edge.get(url.split("//")[1].split(".")[0], "/status/200").body == b"status 200"
    finally:
        process.kill()


def test_an_https_app_with_its_own_certificate(tunnel, new_app, certificate):
    app = new_app(HttpApp, certificate=certificate)
    for target in (f"https://localhost:{app.port}", f"https://127.0.0.1:{app.port}"):
        assert tunnel(target).get("/tls").json()["target"] == "/tls"


def test_a_unix_socket_is_a_target(tunnel, new_app, folder):
    new_app(HttpApp, host=str(folder / "app.sock"))
    t = tunnel(f"unix:{folder}/app.sock")
    assert t.get("/unix").json()["target"] == "/unix"
    assert t.ready["target"] == f"unix:{folder}/app.sock"


def test_an_app_that_listens_on_ipv6_only_is_localhost_too(tunnel, new_app):
    app = new_app(HttpApp, host="::1")
    assert tunnel(app.port).get("/six").json()["target"] == "/six"
    assert tunnel(f"[::1]:{app.port}").get("/six").json()["target"] == "/six"


def test_without_the_local_app_visitors_get_a_502_in_their_own_format(tunnel, app):
    app.stop()
    port = app.port
    t = tunnel(port)
    words = f"Failed to reach local server localhost:{port}"
    page = t.get("/", "-H", "Accept: text/html,application/xhtml+xml")
    assert page.status == 502 and page.header("Content-Type").startswith("text/html") and words in page.text
    assert "<html" in page.text.lower()
    data = t.get("/", "-H", "Accept: application/json")
    assert data.status == 502 and data.header("Content-Type").startswith("application/json")
    assert words in data.json()["message"] and data.json()["code"] == 5002 and data.json()["error"]
    plain = t.get("/", "-H", "Accept: text/plain")
    assert plain.status == 502 and plain.header("Content-Type").startswith("text/plain") and words in plain.text


def test_an_upload_to_a_dead_app_gets_the_page_too(tunnel, app, folder):
    (folder / "body").write_bytes(b"x" * 3_000_000)
    app.stop()
    reply = tunnel(app.port).get("/", "-T", folder / "body", "-H", "Accept: application/json")
    assert reply.status == 502, reply


def test_a_tunnel_opens_before_its_app_and_follows_it(tunnel, new_app):
    port = free_port()
    t = tunnel(port)
    assert t.get("/").status == 502
    first = new_app(HttpApp, port=port)
    assert wait_until(lambda: t.answers("/status/200"), 5, "answer of the app that came later")
    first.stop()
    assert wait_until(lambda: t.answers("/", 502), 5, "502 after the app ended")
    new_app(HttpApp, port=port)
    assert wait_until(lambda: t.answers("/status/200"), 5, "answer of the app that came back")


def test_an_app_that_closes_kept_connections_loses_no_request(tunnel, new_app):
    app = new_app(RecordingApp, close=True)
    t = tunnel(app.port)
    for _ in range(20):
        assert t.get("/").status == 200


def test_an_answer_that_is_no_http_is_a_502(tunnel, new_app):
    app = new_app(RecordingApp, reply=b"SSH-2.0-OpenSSH_9.2\r\n\r\n", close=True)
    reply = tunnel(app.port).get("/", "-H", "Accept: application/json")
    assert reply.status == 502 and reply.json()["code"] == 5002


@pytest.mark.parametrize("head", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nBad Name: 1\r\nContent-Length: 0\r\n\r\n",
])
def test_an_answer_whose_length_cannot_be_trusted_is_a_502(tunnel, new_app, head):
    app = new_app(RecordingApp, reply=head, close=True)
    assert tunnel(app.port).get("/").status == 502


def test_the_first_port_that_answers_is_found(cli, new_app):
    # Only where none of the usual ports is in use: a person's own program must not be published by a test.
    if any(accepts(p) for p in (3000, 8000, 3001, 8080, 4000, 5000)):
        pytest.skip("a usual port is in use on this machine")
    nothing = cli.run("--json", *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
    assert nothing.returncode == 8, nothing
    assert "instatunnel 3000" in nothing.stdout + nothing.stderr
    new_app(HttpApp, port=4000)
    process = cli.start("client", "--json", *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
    try:
        assert process.wait_event("tunnel.ready")["target"] == "localhost:4000"
    finally:
        process.kill()


def test_requests_in_flight_finish_when_the_client_is_asked_to_stop(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"GET /slow?ms=1500 HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        wait_until(lambda: app.seen, 5, "request at the app")
        t.process.send(2)
        time.sleep(0.3)
        assert visitor.reply().body == b"slow answer"
    assert t.process.wait() == 0
    assert len(t.process.events("tunnel.closed")) == 1


def test_a_second_ctrl_c_stops_at_once(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"GET /slow?ms=15000 HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        wait_until(lambda: app.seen, 5, "request at the app")
        t.process.send(2)
        time.sleep(0.3)
        assert t.process.running()
        t.process.send(2)
        assert t.process.wait(3) == 0


def test_bodies_of_many_sizes_arrive_unchanged(tunnel, app, folder):
    t = tunnel(app.port)
    for size in (0, 1, 1023, 1024, 16383, 16384, 16385, 65535, 65536, 65537, 262144, 1048577):
        body = hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1)
        (folder / "body").write_bytes(body[:size])
        seen = t.get("/", "--data-binary", f"@{folder}/body").json()
        assert (seen["size"], seen["sha256"]) == (size, hashlib.sha256(body[:size]).hexdigest()), size
