"""The service: start, restart, certificates, redirect, drain, and the demo."""

import email.utils
import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import time

import pytest

from certificates import self_signed
from edge import Cli, Tunnel
from ports import accepts, free_port
from process import Process, clean_environment, wait_until
from visitor import curl, tls_connection


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_serve_ready_has_everything_a_script_needs(edge):
    ready = edge.ready
    assert ready["url"] == f"https://localhost:{edge.port}" and ready["api"] == f"https://api.localhost:{edge.port}"
    assert ready["domain"] == "localhost"
    assert os.path.isabs(ready["cacert"]) and "BEGIN CERTIFICATE" in open(ready["cacert"], encoding="ascii").read()
    assert re.fullmatch(r"it_[A-Za-z0-9]{16}", ready["api_key"]) and "@" in ready["email"] and len(ready["password"]) >= 12
    assert len(edge.process.stdout.splitlines()) == 1, "one line and nothing else"


def test_the_first_user_key_and_authority_survive_a_restart(new_edge, new_cli):
    edge = new_edge().start()
    first = edge.ready
    certificate = open(edge.cacert, encoding="ascii").read()
    assert edge.stop() == 0
    for _ in range(2):
        edge.start()
        assert edge.ready == first
        assert open(edge.cacert, encoding="ascii").read() == certificate
        edge.process.kill()
    edge.start()
    login = edge.call("POST", "/v1/auth/login", {"email": first["email"], "password": first["password"]})
    assert login.status == 200 and edge.call("GET", "/v1/auth/user", key=first["api_key"]).status == 200
    plain = json.loads((edge.data / "dev.json").read_text())
    assert plain["api_key"] == first["api_key"] and plain["password"] == first["password"]


def test_files_of_the_service_are_private(edge):
    assert mode(edge.data) == 0o700
    assert mode(edge.data / "dev.json") == 0o600
    for path in edge.data.rglob("*"):
        if path.is_file() and path.name != "ca.pem":
            assert mode(path) & 0o077 == 0, path


def test_accounts_and_names_survive_kill_9(new_edge, new_cli, app):
    edge = new_edge().start()
    accounts = [edge.register() for _ in range(3)]
    t = Tunnel(new_cli(edge), app.port, name="kept", key=accounts[0].key)
    t.process.kill()
    edge.process.kill()
    edge.start()
    for account in accounts:
        assert edge.call("GET", "/v1/auth/user", key=account.key).json()["email"] == account.email
    loser = new_cli(edge).run(app.port, "-s", "kept", *["--server", edge.api, "--cacert", edge.cacert], INSTATUNNEL_API_KEY=accounts[1].key)
    assert loser.returncode == 6


def test_a_folder_has_one_edge(new_edge, new_cli):
    edge = new_edge().start()
    second = ("serve", "--dev", "--listen", f"127.0.0.1:{free_port()}", "--data", edge.data, "--json")
    refused = new_cli().run(*second)
    assert refused.returncode == 1 and '"data_in_use"' in refused.stdout, refused
    assert f"(process {edge.process.pid}) works with the data in {edge.data}" in refused.stdout and "--data DIR" in refused.stdout
    assert edge.call("GET", "/v1/auth/user", None, edge.owner.key).status == 200
    edge.process.kill()
    edge.start()


def test_certificates_are_signed_for_each_name_and_no_other_domain(edge):
    for name in ("one.localhost", "two.localhost", "api.localhost", "localhost"):
        with tls_connection(edge.port, name, edge.cacert) as connection:
            assert connection.version() == "TLSv1.3"
            assert ("DNS", name) in connection.getpeercert()["subjectAltName"]
    with pytest.raises((ssl.SSLError, OSError)):
        tls_connection(edge.port, "www.example.com", edge.cacert)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_tls_versions_are_refused(edge, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = getattr(ssl.TLSVersion, version)
    with socket.create_connection(("127.0.0.1", edge.port), 5) as plain, pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(plain, server_hostname="a.localhost")


def test_tls_1_2_visitors_are_served(tunnel, app):
    t = tunnel(app.port)
    assert t.get("/status/200", "--tls-max", "1.2").body == b"status 200"


def test_noise_on_the_port_disturbs_nobody(edge, tunnel, app):
    t = tunnel(app.port)
    for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 1000, b"SSH-2.0-x\r\n", b"\x16\x03\x01\xff\xff" + b"\x01" * 65535, b"\x16"):
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", edge.port), 5) as s:
                try:
                    s.sendall(data)
                except OSError:
                    pass
    # The tunnel protocol, spoken wrongly.
    for data in (b"", b"\x00" * 64, b"\xff" * 4096, b"GET / HTTP/1.1\r\n\r\n", os.urandom(100_000)):
        with tls_connection(edge.port, "api.localhost", edge.cacert, alpn=["itp/1"]) as s:
            try:
                s.sendall(data)
            except OSError:
                pass
    assert t.get("/status/200").status == 200
    assert edge.process.running()


def test_a_connection_that_never_speaks_the_protocol_is_closed(edge):
    with tls_connection(edge.port, "api.localhost", edge.cacert, alpn=["itp/1"], limit=15) as s:
        start = time.monotonic()
        try:
            while s.recv(1000):
                pass
        except OSError as problem:
            assert not isinstance(problem, TimeoutError), "still open after 15 s"
        assert time.monotonic() - start < 12


@pytest.fixture
def own_domain(new_edge, folder):
    """An edge for t.localhost with certificate files; (edge, certificate, key)."""
    certificate, key = self_signed(folder / "tls", "t.localhost", names=["*.t.localhost"])
    edge = new_edge(["--domain", "t.localhost", "--tls-cert", str(certificate), "--tls-key", str(key)])
    edge.start()
    edge.ready["cacert"] = str(certificate)
    return edge, certificate, key


def admin(edge, folder, *arguments, **options):
    return Cli(edge.binary, folder / "admin", edge).run("admin", "user", *arguments, "--data", edge.data, **options)


def owner_of(edge, folder):
    """An account as the owner of a public edge makes it."""
    assert admin(edge, folder, "add", "owner@example.com", "--password-stdin", input="a good long password\n").returncode == 0
    login = edge.call("POST", "/v1/auth/login", {"email": "owner@example.com", "password": "a good long password"})
    assert login.status == 200, login
    return login.json()["api_key"]


def test_a_domain_with_certificate_files(own_domain, folder, new_cli, app):
    edge, _, _ = own_domain
    assert edge.domain == "t.localhost" and edge.api == f"https://api.t.localhost:{edge.port}"
    assert "api_key" not in edge.ready and "password" not in edge.ready
    assert not (edge.data / "dev.json").exists()
    t = Tunnel(new_cli(edge), app.port, name="demo", key=owner_of(edge, folder))
    assert t.url == f"https://demo.t.localhost:{edge.port}"
    assert t.get("/status/200").status == 200
    t.process.kill()


def test_sign_up_is_the_owners_decision_on_a_public_edge(own_domain):
    edge, _, _ = own_domain
    reply = edge.call("POST", "/v1/auth/register", {"email": "stranger@example.com", "password": "a good long password"})
    assert reply.status == 403 and "admin user add" in reply.json()["message"]


def peer_serial(edge):
    with tls_connection(edge.port, "demo.t.localhost") as connection:
        return connection.getpeercert(binary_form=True)


def test_certificate_files_are_read_again_on_sighup(own_domain, folder, new_cli, app):
    edge, certificate, key = own_domain
    t = Tunnel(new_cli(edge), app.port, name="renewed", key=owner_of(edge, folder))
    old = peer_serial(edge)
    new_certificate, new_key = self_signed(folder / "new", "t.localhost", names=["*.t.localhost"])
    os.replace(new_key, key)
    os.replace(new_certificate, certificate)
    edge.process.send(signal.SIGHUP)
    wait_until(lambda: peer_serial(edge) != old, 5, "new certificate")
    assert t.get("/status/200").status == 200 and t.process.events("tunnel.reconnecting") == []


def test_certificate_files_are_read_again_when_they_change(own_domain, folder):
    edge, certificate, key = own_domain
    old = peer_serial(edge)
    new_certificate, new_key = self_signed(folder / "new", "t.localhost", names=["*.t.localhost"])
    os.replace(new_key, key)
    os.replace(new_certificate, certificate)
    wait_until(lambda: peer_serial(edge) != old, 30, "new certificate", every=0.3)


def test_bad_certificate_files_keep_the_old_ones(own_domain):
    edge, certificate, _ = own_domain
    old = peer_serial(edge)
    certificate.write_text("nonsense")
    edge.process.send(signal.SIGHUP)
    time.sleep(1)
    assert edge.process.running() and peer_serial(edge) == old


@pytest.mark.parametrize("arguments, named", [
    (["--domain", "t.localhost"], "--tls-cert"),
    (["--tls-cert", "a", "--tls-key", "b"], "--domain"),
    (["--domain", "t.localhost", "--tls-cert", "/no/such/cert.pem", "--tls-key", "/no/such/key.pem"], "/no/such/cert.pem"),
    (["--domain", "not a domain", "--tls-cert", "a", "--tls-key", "b"], "domain"),
    (["--dev", "--listen", "nonsense"], "nonsense"),
    (["--dev", "--drain", "soon"], "--drain"),
])
def test_serve_with_bad_options_says_which(cli, arguments, named):
    done = cli.run("serve", *arguments, "--data", cli.folder / "data")
    assert done.returncode in (1, 2) and named in done.stderr and done.stderr.startswith("Error: "), done


def test_a_busy_port_is_an_error_that_names_it(cli, edge):
    done = cli.run("serve", "--dev", "--listen", f"127.0.0.1:{edge.port}", "--data", cli.folder / "data")
    assert done.returncode == 1 and str(edge.port) in done.stderr and "--listen" in done.stderr


def test_http_listen_only_redirects(new_edge):
    plain = free_port()
    edge = new_edge(["--dev", "--http-listen", f"127.0.0.1:{plain}"])
    edge.start()
    reply = curl(f"http://demo.localhost:{plain}/a/b?c=d", None)
    assert reply.status in (301, 308)
    assert reply.header("Location") == f"https://demo.localhost:{edge.port}/a/b?c=d"
    assert abs(email.utils.parsedate_to_datetime(reply.header("Date")).timestamp() - time.time()) < 60
    with socket.create_connection(("127.0.0.1", plain), 5) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert b"evil.example" not in s.recv(65536), "a redirect must not lead anywhere else"
    with socket.create_connection(("127.0.0.1", plain), 5) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: a.localhost\r\nHost: b.localhost\r\n\r\n")
        assert s.recv(65536).split(b" ")[1] == b"400"


def test_sigterm_lets_requests_in_flight_finish(new_edge, new_cli, app):
    edge = new_edge().start()
    t = Tunnel(new_cli(edge), app.port)
    with t.raw() as visitor:
        visitor.send(f"GET /slow?ms=2000 HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        wait_until(lambda: app.seen, 5, "request at the app")
        edge.process.send(signal.SIGTERM)
        wait_until(lambda: not accepts(edge.port), 5, "refusal of new visitors")
        assert edge.process.running()
        assert visitor.reply().body == b"slow answer"
    assert edge.process.wait(10) == 0
    t.process.kill()


def test_a_second_sigterm_stops_at_once(new_edge, new_cli, app):
    edge = new_edge().start()
    t = Tunnel(new_cli(edge), app.port)
    with t.raw() as visitor:
        visitor.send(f"GET /slow?ms=20000 HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        wait_until(lambda: app.seen, 5, "request at the app")
        edge.process.send(signal.SIGTERM)
        time.sleep(0.5)
        assert edge.process.running()
        edge.process.send(signal.SIGTERM)
        edge.process.wait(4)
    t.process.kill()


def test_the_drain_has_a_limit(new_edge, new_cli, app):
    edge = new_edge(["--dev", "--drain", "1s"])
    edge.start()
    t = Tunnel(new_cli(edge), app.port)
    with t.raw() as visitor:
        visitor.send(f"GET /slow?ms=20000 HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        wait_until(lambda: app.seen, 5, "request at the app")
        edge.process.send(signal.SIGTERM)
        edge.process.wait(5)
    t.process.kill()


def test_sigint_stops_an_idle_edge_with_exit_0(new_edge):
    edge = new_edge().start()
    edge.process.send(signal.SIGINT)
    assert edge.process.wait(5) == 0


def test_admin_user_add_and_ls(new_edge, folder):
    edge = new_edge().start()
    password = "a good long password\n"
    added = admin(edge, folder, "add", "new@example.com", "--password-stdin", input=password)
    assert added.returncode == 0, added
    listing = admin(edge, folder, "ls")
    assert listing.returncode == 0 and "new@example.com" in listing.stdout and edge.ready["email"] in listing.stdout
    assert edge.call("POST", "/v1/auth/login", {"email": "new@example.com", "password": password.strip()}).status == 200
    again = admin(edge, folder, "add", "new@example.com", "--password-stdin", input=password)
    assert again.returncode == 6, again


def demo(binary, folder, *arguments):
    return Process("demo", [binary, "demo", *arguments], folder / "logs", env=clean_environment(folder / "home"), cwd=folder)


def test_demo_once_verifies_the_whole_path(binary, folder):
    (folder / "home").mkdir()
    process = demo(binary, folder, "--once")
    assert process.wait(20) == 0, process.report()
    assert re.search(r"🚀 Your app is now live at https://demo\.localhost:\d+\n", process.stdout)
    assert re.search(r"\b200\b", process.stdout) and re.search(r"\d ?ms\b", process.stdout)
    assert not (folder / "home" / ".instatunnel").exists(), "the demo leaves nothing behind"


def test_demo_stays_until_ctrl_c_and_forwards_a_port_of_ones_own(binary, folder, app):
    (folder / "home").mkdir()
    process = demo(binary, folder, app.port)
    url = process.wait_text(r"live at (https://demo\.localhost:\d+)", "stdout").group(1)
    wait_until(lambda: app.seen, 10, "request of the demo itself")
    assert curl(url + "/status/200", None, "-k").body == b"status 200"
    process.send(signal.SIGINT)
    assert process.wait(10) == 0


def test_demo_takes_the_next_free_port_and_says_so(binary, folder):
    (folder / "home").mkdir()
    blocker = None
    if not accepts(8443):
        blocker = socket.socket()
        blocker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        blocker.bind(("127.0.0.1", 8443))
        blocker.listen()
    try:
        process = demo(binary, folder, "--once")
        assert process.wait(20) == 0, process.report()
        assert "https://demo.localhost:8443\n" not in process.stdout
        assert "8443" in process.stdout + process.stderr
        chosen = re.search(r"8443 is busy: using (https://demo\.localhost:\d+)\n", process.stderr).group(1)
        assert f"live at {chosen}\n" in process.stdout
    finally:
        if blocker:
            blocker.close()


def test_the_certificate_authority_satisfies_openssl(edge):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{edge.port}", "-servername", "demo.localhost", "-verify_hostname", "demo.localhost",
         "-CAfile", edge.cacert, "-verify_return_error", "-x509_strict"], input="", capture_output=True, text=True, timeout=20, check=False)
    assert "Verify return code: 0 (ok)" in done.stdout, done.stdout[-1500:] + done.stderr[-500:]
