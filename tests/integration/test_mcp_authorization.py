"""Who may call the MCP server behind a tunnel: nobody is asked, the tunnel's token, or the edge's own authorization server.
Servers and clients are those of the MCP SDK (npm)."""

import base64
import contextlib
import hashlib
import json
import re
import sqlite3
import subprocess
import tempfile
import time

import pytest
from client_documents import Documents
from edge import Tunnel
from form_browser import FormBrowser
from http2_visitor import Http2Visitor
from itp_peer import EdgePeer, welcome
from local_apps import HttpApp, RecordingApp
from node import NodeApp
from npm_tools import Conversation
from oauth_app import OAuthApp, query_of
from process import wait_until
import secret_watch

SDK = "@modelcontextprotocol/sdk"
SCRIPT = "mcp_client.mjs"
LOOPBACK = "http://127.0.0.1/cb"
METADATA = "/.well-known/oauth-protected-resource"
INITIALIZE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}})
POST = ["-X", "POST", "-H", "Content-Type: application/json", "-H", "Accept: application/json, text/event-stream", "--data-binary", INITIALIZE]


@pytest.fixture
def server(folder):
    running = NodeApp("mcp_server.mjs", SDK, folder)
    yield running
    running.stop()


@pytest.fixture
def ann(edge):
    """Owner of the tunnels."""
    return edge.register()


@pytest.fixture
def guarded(tunnel, server, ann):
    """guarded(mode, *flags): a tunnel of ann's in front of the SDK's server."""
    def open_tunnel(mode, *flags, **options):
        t = tunnel(options.pop("target", server.port), "--mcp", "--mcp-auth", mode, *flags, key=ann.key, **options)
        t.token = t.ready.get("mcp_token")
        secret_watch.add(t.token)
        return t
    return open_tunnel


@pytest.fixture
def sdk(folder):
    """sdk(way, t, …): runs a way of the SDK's client against a tunnel; `person` consents, or `on` answers its questions."""
    def start(way, t, person=None, on=None, path="/mcp", **given):
        def consent(question):
            browser = FormBrowser(t.edge)
            browser.sign_in(person)
            page = browser.open(question["visit"])
            if page.location is None:
                page = browser.submit(page, "/v1/oauth/authorize", given.get("decision", "allow"))
            return {"came": page.location}

        def answer(question):
            return consent(question) if "visit" in question else on(question)
        return Conversation(SCRIPT, SDK, t.edge, folder).run(way, answer, url=t.url + path, **given)
    return start


def bearer(token):
    return ["-H", f"Authorization: Bearer {token}"]


def access_token(edge, person, t, path="/mcp", **changes):
    """(app, tokens) of a program that the person has allowed to call the server behind the tunnel."""
    app = OAuthApp.public(edge)
    browser = FormBrowser(edge)
    browser.sign_in(person)
    resource = changes.pop("resource", t.url + path)
    return app, app.tokens(browser, scope="mcp:call", resource=resource, **changes)


def curl_with_body(t, body, token):
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        return t.get("/echo", "--data-binary", f"@{file.name}", *bearer(token))


def named(server, name):
    return [e for e in server.events("request") if e["path"] == name]


# --- the flags


@pytest.mark.parametrize("flags, told", [
    (["--mcp-auth", "bearer"], "Add --mcp"),
    (["--mcp", "--mcp-auth", "basic"], "--mcp-auth is none, bearer or oauth"),
    (["--mcp", "--mcp-auth", "oauth", "--mcp-rotate-token"], "Add --mcp-auth bearer"),
    (["--mcp", "--mcp-auth", "bearer", "--mcp-allow-user", "ann@example.com"], "Add --mcp-auth oauth"),
    (["--mcp", "--mcp-auth", "oauth", "--mcp-allow-user", "ann"], "--mcp-allow-user is not an email address"),
    (["--mcp", "--mcp-auth", "bearer", "--password", "open-sesame"], "would both have to be passed")])
def test_flags_that_do_not_go_together_are_wrong_usage(cli, flags, told):
    done = cli.run("3000", *flags)
    assert done.returncode == 2 and told in done.stderr, done


# --- nobody is asked


def test_without_a_guard_the_servers_own_authorization_passes(guarded, server, sdk):
    t = guarded("none")
    assert "mcp_token" not in t.ready
    assert sdk("bearer", t, token="for-the-app-12345") == {"authorization": "Bearer for-the-app-12345", "identity": None}
    forged = t.get("/mcp", *POST, "-H", "X-Instatunnel-Identity: forged", "-H", "Origin: https://claude.ai")
    assert forged.status == 200
    last = named(server, "/mcp")[-1]
    assert last["origin"] == "https://claude.ai" and last["identities"] == 0
    preflight = t.get("/mcp", "-X", "OPTIONS", "-H", "Origin: https://a.example", "-H", "Access-Control-Request-Method: POST",
                      "-H", "Access-Control-Request-Headers: authorization")
    assert not preflight.header("Access-Control-Allow-Origin") and named(server, "/mcp")[-1]["method"] == "OPTIONS"
    assert t.get(METADATA).status == 404 and named(server, METADATA), "the app may describe itself"


# --- the tunnel's token


def test_only_the_tunnels_token_calls_the_server_and_the_server_never_sees_it(guarded, server, sdk):
    t = guarded("bearer")
    assert re.fullmatch(r"itm_[A-Za-z0-9]{40}", t.token) and t.ready["mcp_auth"] == "bearer"
    assert sdk("bearer", t, token=t.token) == {"authorization": None, "identity": None}
    assert sdk("bearer", t, token=t.token, kind="sse", path="/sse") == {"authorization": None, "identity": None}
    assert not any(e["authorized"] for e in server.events("request"))
    before = len(server.events("request"))
    assert sdk("refused", t, token="itm_" + "x" * 40) == 401
    for arguments in ([], bearer("wrong"), ["-u", f"any:{t.token}"], ["-H", f"X-Api-Key: {t.token}"]):
        reply = t.get("/mcp", *POST, *arguments)
        assert reply.status == 401 and reply.header("WWW-Authenticate").startswith(f'Bearer realm="{t.url}"'), reply
        assert reply.json()["error"] == "unauthorized" and reply.header("Cache-Control") == "no-store"
    assert t.get(f"/mcp?access_token={t.token}", *POST).status == 401
    assert len(server.events("request")) == before


def test_a_token_stays_with_its_tunnels_name_until_it_is_rotated(new_cli, edge, server, ann, guarded):
    cli = new_cli(edge)
    first = guarded("bearer", cli=cli)
    kept = cli.config_folder / "mcp-tokens.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text())["servers"] == {edge.api: {first.name: first.token}}
    assert first.stop() == 0
    again = guarded("bearer", cli=cli, name=first.name)
    assert again.token == first.token and again.get("/mcp", *POST, *bearer(first.token)).status == 200
    rotated = guarded("bearer", "--mcp-rotate-token", cli=cli, name=first.name)
    assert rotated.token != first.token
    assert rotated.get("/mcp", *POST, *bearer(first.token)).status == 401
    assert rotated.get("/mcp", *POST, *bearer(rotated.token)).status == 200
    other = guarded("bearer", cli=cli)
    assert other.get("/mcp", *POST, *bearer(rotated.token)).status == 401, "a token for another tunnel"
    data = b"".join(p.read_bytes() for p in edge.data.rglob("*") if p.is_file())
    assert all(t.encode() not in data for t in (first.token, rotated.token))


def test_a_person_sees_the_token_behind_the_promised_lines(new_cli, edge, server, ann):
    cli = new_cli(edge)
    process = cli.start("client", str(server.port), "--mcp", "--mcp-auth", "bearer", "-s", "t-shown-token", *cli.server(), INSTATUNNEL_API_KEY=ann.key)
    try:
        wait_until(lambda: "MCP token" in process.stdout, 20, process.report)
        lines = process.stdout.splitlines()
        assert re.fullmatch(r"🔑 MCP token: itm_[A-Za-z0-9]{40}", next(line for line in lines if "MCP token" in line))
        secret_watch.add(lines[-1].split()[-1])
    finally:
        process.kill()


def test_guesses_of_a_token_are_counted(guarded):
    t = guarded("bearer")
    seen = [t.get("/mcp", *POST, *bearer(f"guess-{n}")).status for n in range(12)]
    assert seen == [401] * 10 + [429] * 2
    late = t.get("/mcp", *POST, *bearer(t.token))
    assert late.status == 429 and late.header("Retry-After") == "60"


def test_an_edge_that_does_not_confirm_the_guard_gets_no_tunnel(new_cli, folder, server):
    """An older edge ignores what it does not know."""
    edge = EdgePeer(folder / "old-edge", lambda lane: (lane.sendall(welcome("demo")), lane.recv(65536)))
    try:
        done = new_cli().run(server.port, "--mcp", "--mcp-auth", "oauth", "-s", "demo", "--server", f"https://localhost:{edge.port}",
                             "--cacert", edge.cacert, INSTATUNNEL_API_KEY="it_1234567890abcdef")
    finally:
        edge.stop()
    assert done.returncode == 1 and "This server cannot guard MCP servers; nothing was served" in done.stderr, done
    assert "live at" not in done.stdout


# --- the authorization server


def test_the_sdks_own_client_signs_in_calls_and_refreshes(guarded, server, sdk, ann, edge):
    t = guarded("oauth")
    assert "mcp_token" not in t.ready and t.ready["mcp_auth"] == "oauth"
    seen = sdk("oauth", t, person=ann, redirect=LOOPBACK, issuer=edge.api)
    assert seen["tools"] == ["headers", "wait", "ticks"] and seen["authorization"] is None
    assert seen["scope"] == "mcp:call" and seen["registered"].startswith("client_")
    assert seen["afterwards"] and seen["refreshed"] == 2
    payload = seen["payload"]
    assert seen["alg"] == "EdDSA" and payload["email"] == ann.email and payload["aud"] == t.url and payload["iss"] == edge.api
    assert payload["client_id"] == seen["registered"] and 0 < payload["exp"] - payload["iat"] <= 300
    calls = named(server, "/mcp")
    assert all(e["identities"] == 1 and not e["authorized"] for e in calls) and calls
    assert any(e["session"] for e in calls), "session ids pass"


def test_the_sdks_older_transport_signs_in_too(guarded, sdk, ann, edge):
    t = guarded("oauth")
    seen = sdk("oauth", t, person=ann, redirect=LOOPBACK, issuer=edge.api, kind="sse", path="/sse")
    assert seen["tools"] == ["headers", "wait", "ticks"] and seen["afterwards"]


def test_the_sdks_client_is_known_by_its_document(new_edge, new_cli, server, sdk, folder):
    documents = Documents(folder)
    t = None
    try:
        edge = new_edge(["--dev", "--fetch-cacert", documents.certificate]).start()
        t = Tunnel(new_cli(edge), str(server.port), "--mcp", "--mcp-auth", "oauth", name="demo", key=edge.owner.key)
        about = documents.put("/client.json", redirect_uris=[LOOPBACK], grant_types=["authorization_code", "refresh_token"])
        seen = sdk("oauth", t, person=edge.owner, redirect=LOOPBACK, issuer=edge.api, document=about)
        assert seen["registered"] == about and seen["payload"]["client_id"] == about and documents.asked == ["/client.json"]
        clients = edge.call("GET", "/v1/oauth/grants", key=edge.owner.key).json()["grants"]
        assert [c["client_name"] for c in clients] == ["Editor"]
    finally:
        documents.stop()
        if t:
            t.process.kill()


def test_a_person_who_says_no_gives_nothing(guarded, server, sdk, ann):
    t = guarded("oauth")
    assert sdk("denied", t, person=ann, redirect=LOOPBACK, decision="deny") == "access_denied"
    assert not named(server, "/mcp")


def test_what_a_client_finds_out_before_it_signs_in(guarded, edge):
    t = guarded("oauth")
    refused = t.get("/mcp", *POST)
    assert refused.status == 401
    assert refused.header("WWW-Authenticate") == f'Bearer resource_metadata="{t.url}{METADATA}/mcp", scope="mcp:call"'
    for path, resource in (("", ""), ("/mcp", "/mcp")):
        told = t.get(METADATA + path)
        assert told.status == 200 and told.header("Content-Type") == "application/json"
        assert told.json() == {"resource": t.url + resource, "authorization_servers": [edge.api], "scopes_supported": ["mcp:call"],
                               "bearer_methods_supported": ["header"]}
    metadata = edge.call("GET", "/.well-known/oauth-authorization-server").json()
    assert "mcp:call" in metadata["scopes_supported"] and metadata["client_id_metadata_document_supported"] is True
    assert metadata["authorization_response_iss_parameter_supported"] is True


def test_pages_of_other_origins_can_call_with_a_token(guarded, server, ann, edge):
    t = guarded("oauth")
    origin = ["-H", "Origin: https://app.example"]
    preflight = t.get("/mcp", "-X", "OPTIONS", *origin, "-H", "Access-Control-Request-Method: POST",
                      "-H", "Access-Control-Request-Headers: authorization, content-type")
    assert preflight.status == 204 and preflight.header("Access-Control-Allow-Headers") == "authorization, content-type"
    refused = t.get("/mcp", *POST, *origin)
    assert refused.header("Access-Control-Allow-Origin") == "*" and "WWW-Authenticate" in refused.header("Access-Control-Expose-Headers")
    assert t.get(METADATA, *origin).header("Access-Control-Allow-Origin") == "*"
    assert not named(server, "/mcp")
    _, tokens = access_token(edge, ann, t)
    passed = t.get("/mcp", *POST, *origin, *bearer(tokens["access_token"]))
    assert passed.status == 200 and not passed.header("Access-Control-Allow-Origin"), "no CORS field is put into the app's answers"
    assert named(server, "/mcp")[-1]["origin"] == "https://app.example"


def test_a_token_for_another_tunnel_or_for_the_api_is_refused(guarded, server, ann, edge):
    t, other = guarded("oauth"), guarded("oauth")
    _, elsewhere = access_token(edge, ann, other)
    browser = FormBrowser(edge)
    browser.sign_in(ann)
    plain = OAuthApp.public(edge).tokens(browser, scope="tunnels:read")
    for token in (elsewhere["access_token"], plain["access_token"], ann.key, elsewhere["refresh_token"]):
        reply = t.get("/mcp", *POST, *bearer(token))
        assert reply.status == 401 and 'error="invalid_token"' in reply.header("WWW-Authenticate"), reply
    assert not named(server, "/mcp")
    assert other.get("/mcp", *POST, *bearer(elsewhere["access_token"])).status == 200
    assert edge.call("GET", "/v1/tunnels", key=elsewhere["access_token"]).status == 401, "nor is it a key"


def test_people_call_when_the_owner_has_named_them(guarded, server, edge, sdk):
    bob = edge.register()
    t = guarded("oauth")
    browser = FormBrowser(edge)
    browser.sign_in(bob)
    app = OAuthApp.public(edge)
    page = browser.open(app.authorize_path(scope="mcp:call", resource=t.url + "/mcp"))
    assert page.status == 403 and page.heading == "This server is not open to you" and bob.email in page.reply.text
    everybody = guarded("oauth", "--mcp-allow-user", "*")
    seen = sdk("oauth", everybody, person=bob, redirect=LOOPBACK, issuer=edge.api)
    assert seen["payload"]["email"] == bob.email
    _, tokens = access_token(edge, bob, everybody)
    assert everybody.get("/mcp", *POST, *bearer(tokens["access_token"])).status == 200
    # The owner changes their mind.
    again = guarded("oauth", name=everybody.name)
    reply = again.get("/mcp", *POST, *bearer(tokens["access_token"]))
    assert reply.status == 403 and reply.header("WWW-Authenticate") is None and "may not use" in reply.json()["message"]


def test_a_revoked_token_ends_calls_that_go_on(guarded, server, sdk, ann, edge):
    t = guarded("oauth")

    def revoke(question):
        secret_watch.add(question["held"], question["refresh"])
        grants = edge.call("GET", "/v1/oauth/grants", key=ann.key).json()["grants"]
        ours, = (g for g in grants if g["client_id"] == question["client"])
        assert ours["scopes"] == ["mcp:call"] and ours["resource"] == f"https://{t.host}"
        assert edge.call("DELETE", f"/v1/oauth/grants/{ours['id']}", key=ann.key).status == 204
        return {}

    seen = sdk("held", t, person=ann, on=revoke, redirect=LOOPBACK)
    assert seen["before"] >= 1 and seen["after"] == seen["later"] < 25, "cut within two seconds, and for good"
    assert seen["again"] == "Unauthorized"
    wait_until(lambda: len(server.events("closed")) == len(server.events("request")), 5, "the server hears that nobody listens")


def test_an_expired_token_is_refused(new_edge, new_cli, server):
    edge = new_edge().start()
    t = Tunnel(new_cli(edge), str(server.port), "--mcp", "--mcp-auth", "oauth", name="demo", key=edge.owner.key)
    try:
        _, tokens = access_token(edge, edge.owner, t)
        call = lambda: t.get("/mcp", *POST, *bearer(tokens["access_token"]))  # pylint: disable=unnecessary-lambda-assignment
        assert call().status == 200
        with contextlib.closing(sqlite3.connect(edge.data / "instatunnel.db", timeout=10)) as rows:
            assert rows.execute("UPDATE oauth_tokens SET expires_at = 1000000 WHERE kind = 'access'").rowcount == 1
            rows.commit()
        # The edge remembers a good token for half a minute, but hears of the change within two seconds.
        wait_until(lambda: call().status == 401, 3, lambda: "still good")
        refused = call()
        assert 'error="invalid_token"' in refused.header("WWW-Authenticate") and refused.json()["message"] == "The access token has ended"
    finally:
        t.process.kill()


def test_an_account_that_is_disabled_is_out(guarded, server, binary, edge, ann):
    bob = edge.register()
    t = guarded("oauth", "--mcp-allow-user", "*")
    _, tokens = access_token(edge, bob, t)
    assert t.get("/mcp", *POST, *bearer(tokens["access_token"])).status == 200
    subprocess.run([binary, "admin", "user", "disable", bob.email, "--data", edge.data], check=True, capture_output=True)
    wait_until(lambda: t.get("/mcp", *POST, *bearer(tokens["access_token"])).status == 401, 3, lambda: "still good")


def test_http2_is_asked_for_the_same(guarded, server, ann, edge):
    t = guarded("oauth")
    _, tokens = access_token(edge, ann, t)
    with Http2Visitor(t.edge.port, t.host, t.edge.cacert) as v:
        body = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")]
        assert v.request("/mcp", "POST", body, INITIALIZE.encode()).status == 401
        good = [("authorization", f"Bearer {tokens['access_token']}"), ("x-instatunnel-identity", "forged")]
        replies = [v.request("/mcp", "POST", body + good, INITIALIZE.encode()).status for _ in range(3)]
        assert replies == [200, 200, 200]
    seen = named(server, "/mcp")
    assert len(seen) == 3 and all(e["identities"] == 1 and not e["authorized"] for e in seen)


def test_a_body_that_waits_for_the_services_word_arrives_whole(guarded, ann, edge, new_app):
    app = new_app(HttpApp)
    t = guarded("oauth", target=app.port)
    body = bytes(range(256)) * 4000  # more than a window
    expected = hashlib.sha256(body).hexdigest()
    for version in ("http1", "http2"):
        _, tokens = access_token(edge, ann, t)  # not known to the edge yet
        if version == "http2":
            with Http2Visitor(t.edge.port, t.host, t.edge.cacert) as v:
                seen = json.loads(v.request("/echo", "POST", [("authorization", f"Bearer {tokens['access_token']}")], body,
                                            trailers=[("x-checksum", "1")]).body)
            assert dict(map(tuple, seen["trailers"])) == {"x-checksum": "1"}
        else:
            seen = curl_with_body(t, body, tokens["access_token"]).json()
        assert (seen["size"], seen["sha256"]) == (len(body), expected), version
    with Http2Visitor(t.edge.port, t.host, t.edge.cacert) as v:
        assert v.request("/echo", "POST", [("authorization", "Bearer ita_" + "y" * 40)], body).status == 401
        assert v.request("/echo", "POST", [("authorization", f"Bearer {tokens['access_token']}")], body).status == 200, "windows are given back"


def test_whatever_goes_on_by_a_token_ends_with_it(guarded, ann, edge, new_app):
    app = new_app(HttpApp)
    t = guarded("oauth", target=app.port)
    program, tokens = access_token(edge, ann, t)
    header = ("authorization", f"Bearer {tokens['access_token']}")
    with Http2Visitor(t.edge.port, t.host, t.edge.cacert) as v, t.raw() as waiting, t.raw() as streaming:
        events, slow = v.start("/events?n=300&ms=100", headers=[header]), v.start("/slow?ms=20000", headers=[header])
        lines = f"Host: {t.host}\r\nAuthorization: {header[1]}\r\n\r\n".encode()
        waiting.send(b"GET /slow?ms=20000 HTTP/1.1\r\n" + lines)
        streaming.send(b"GET /events?n=300&ms=100 HTTP/1.1\r\n" + lines)
        streaming.head()
        v.until(lambda: v.answers[events].body)
        wait_until(lambda: app.in_flight == 4, 5, lambda: f"{app.in_flight} requests")
        began = time.monotonic()
        assert program.post("revoke", token=tokens["access_token"]).status == 200
        assert v.answer(events).reset == 8 and v.answer(slow).status == 401
        assert waiting.reply().status == 401
        streaming.rest()
        assert time.monotonic() - began < 2
        assert v.request("/echo", headers=[header]).status == 401


def test_a_forged_or_replayed_identity_never_reaches_the_server(guarded, ann, edge, new_app):
    recorder = new_app(RecordingApp)
    t = guarded("oauth", target=recorder.port)
    other = guarded("oauth", target=recorder.port)
    for opened in (t, other):
        opened.process.wait_event("mcp.ready")
    recorder.forget()
    _, tokens = access_token(edge, ann, t)
    assert t.get("/x", *bearer(tokens["access_token"])).status == 200
    head, = recorder.received
    real = re.search(rb"(?i)^x-instatunnel-identity: (\S+)\r$", head, re.M)[1].decode()
    claims = json.loads(base64.urlsafe_b64decode(real.split(".")[1] + "=="))
    assert claims["aud"] == t.url and claims["sub"].startswith("user_")
    recorder.forget()
    assert other.get("/x", "-H", f"X-Instatunnel-Identity: {real}").status == 401
    assert recorder.received == []
    for name in ("X-Instatunnel-Identity", "x_instatunnel_identity", "X-InstaTunnel-IDENTITY"):
        assert t.get("/x", *bearer(tokens["access_token"]), "-H", f"{name}: {real}x").status == 200
    seen = b"".join(recorder.received)
    assert len(re.findall(rb"(?im)^x.instatunnel.identity: ", seen)) == 3 and real.encode() + b"x" not in seen
    assert b"authorization" not in seen.lower()


# --- time


def test_servers_are_waited_for_and_events_are_not_held_back(new_edge, new_cli, new_app, folder, server):
    edge = new_edge(["--dev", "--limit", "reply-head=1s", "--limit", "reply-idle=1s"]).start()
    t = Tunnel(new_cli(edge), str(server.port), "--mcp", "--mcp-auth", "bearer", name="patient", key=edge.owner.key)
    silent = new_app(RecordingApp, reply=b"")
    plain = Tunnel(new_cli(edge), str(silent.port), name="plain", key=edge.owner.key)
    mcp = Tunnel(new_cli(edge), str(silent.port), "--mcp", name="quiet", key=edge.owner.key)
    try:
        secret_watch.add(t.ready["mcp_token"])
        for kind, path in (("http", "/mcp"), ("sse", "/sse")):
            seen = Conversation(SCRIPT, SDK, edge, folder).run("slow", None, url=t.url + path, kind=kind, token=t.ready["mcp_token"], ms=3000)
            assert seen["waited"] == 3000 and seen["events"] == 5 and seen["latest"] < 300, seen
        # The limit is there, for everything else; of the visitor it stays.
        assert plain.get("/", "--max-time", "5").status == 504
        for version in ("--http1.1", "--http2"):
            assert mcp.get("/", version, "--max-time", "3").exit_code == 28, "still waiting"
    finally:
        for one in (t, plain, mcp):
            one.process.kill()


def test_a_visitors_body_still_has_its_limit(new_edge, new_cli, new_app):
    edge = new_edge(["--dev", "--limit", "body-window=1s"]).start()
    silent = new_app(RecordingApp, reply=b"")
    mcp = Tunnel(new_cli(edge), str(silent.port), "--mcp", name="quiet", key=edge.owner.key)
    try:
        visitor = mcp.raw()
        visitor.send(b"POST /mcp HTTP/1.1\r\nHost: " + mcp.host.encode() + b"\r\nContent-Length: 1000\r\n\r\nx")
        assert visitor.reply().status == 408
    finally:
        mcp.process.kill()


# --- Chromium


def test_a_person_consents_in_a_browser(guarded, window, new_app, edge, ann):
    t = guarded("oauth")
    waiting = new_app(RecordingApp, reply=b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nThank you")
    program = OAuthApp.public(edge, client_name="Assistant")
    program.redirect_uri = f"http://127.0.0.1:{waiting.port}/cb"
    page = window()
    assert page.goto(edge.api + program.authorize_path(scope="mcp:call", resource=t.url + "/mcp")) == 200
    page.fill("#email", ann.email)
    page.fill("#password", ann.password)
    page.button("Sign in")
    page.wait_for("button[value=allow]")
    assert page.heading == "Allow Assistant?"
    assert page.texts("main li") == ["Call the MCP server behind the tunnel in your name: its tools, data and prompts mcp:call"]
    assert f"Only for https://{t.host}." in page.text()
    page.look("consent-mcp")
    page.button("Allow")
    page.arrive(program.redirect_uri + "?")
    line, = (r.split(b"\r\n")[0].decode() for r in waiting.received if r.startswith(b"GET /cb?"))
    tokens = program.exchange(query_of(line.split(" ")[1])["code"], resource=t.url + "/mcp")
    assert tokens.status == 200 and t.get("/mcp", *POST, *bearer(tokens.json()["access_token"])).status == 200
    # Somebody whom the owner has not named.
    bob = edge.register()
    other = window()
    other.goto(edge.api + program.authorize_path(scope="mcp:call", resource=t.url + "/mcp"))
    other.fill("#email", bob.email)
    other.fill("#password", bob.password)
    other.button("Sign in")
    other.wait_for("text=Use another account")
    assert other.heading == "This server is not open to you"
    other.look("consent-mcp-not-named")
