"""MCP servers behind a tunnel: what is printed, all that a session does, and streams that must not wait."""

import json
import signal
import subprocess
import time

import pytest

from local_apps import ByteApp, HttpApp, RecordingApp
from mcp_apps import Everything, McpApp, ModernApp, call_of, conformance, greeting, mcp_visit, modern_visit
from npm_tools import SUPPORT, npm_program
from ports import free_port
from process import clean_environment


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    running = McpApp("http", tmp_path_factory.mktemp("mcp-app"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def older_app(tmp_path_factory):
    running = McpApp("sse", tmp_path_factory.mktemp("older-app"))
    yield running
    running.stop()


def test_a_tunnel_says_where_and_how_the_server_is_called(tunnel, app):
    t = tunnel(app.port, "--mcp", name="card")
    said = t.process.wait_event("mcp.ready")
    assert said["url"] == t.url + "/mcp" and said["transport"] == "http" and said["headers"] == {}
    server = said["server"]
    assert (server["state"], server["name"], server["version"], server["tools"]) == ("found", "mcp-app", "1.2.3", 11)
    assert server["revision"] == "2025-11-25" and "warning" not in said
    clients = said["clients"]
    assert clients["claude_code"] == f"claude mcp add --transport http card {t.url}/mcp"
    assert clients["cursor"] == {"mcpServers": {"card": {"url": t.url + "/mcp", "headers": {}}}}
    assert clients["vscode"] == {"servers": {"card": {"type": "http", "url": t.url + "/mcp", "headers": {}}}}
    assert clients["claude_desktop"]["mcpServers"]["card"]["args"] == ["-y", "mcp-remote", t.url + "/mcp"]


def test_people_get_the_same_in_lines(cli, app):
    process = cli.start("client", app.port, "--mcp", "--transport", "v2", "--subdomain", "lines", *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
    process.wait_text("VS Code, in .vscode/mcp.json:\n\\{", stream="stdout")
    process.wait_text("\n}\n$", stream="stdout")
    process.stop()
    lines = process.stdout.split("\n")
    url = cli.edge.url("lines", "")
    at = lines.index("⚡ Ready to receive requests! Press Ctrl+C to stop")
    assert lines[at + 1:at + 3] == [f"🤖 MCP URL: {url}/mcp", "   mcp-app 1.2.3 speaks MCP 2025-11-25 over Streamable HTTP, 11 tools"]
    assert f"claude mcp add --transport http lines {url}/mcp" in lines


def test_the_older_transport_is_found(tunnel, older_app):
    t = tunnel(older_app.port, "--mcp")
    said = t.process.wait_event("mcp.ready")
    assert (said["url"], said["transport"]) == (t.url + "/sse", "sse")
    assert (said["server"]["state"], said["server"]["tools"], said["server"]["revision"]) == ("found", 11, "2025-11-25")


def test_a_server_that_is_not_up_yet_is_a_warning_and_the_tunnel_opens(tunnel, folder):
    port = free_port()
    t = tunnel(port, "--mcp")
    said = t.process.wait_event("mcp.ready")
    assert (said["url"], said["warning"], said["server"]["state"]) == (t.url + "/mcp", "unreachable", "unreachable")
    assert said["headers"] == {"Authorization": "Bearer YOUR_MCP_TOKEN"}
    late = McpApp("http", folder, port)
    try:
        assert mcp_visit(t, folder, "call", tool="echo", arguments={"message": "m"}) == {"result": "m"}
    finally:
        late.stop()


def test_a_program_that_is_no_mcp_server_is_told(tunnel, new_app):
    said = tunnel(new_app(HttpApp).port, "--mcp").process.wait_event("mcp.ready")
    assert said["warning"] == "not_mcp" and "instatunnel mcp -- COMMAND" in said["hint"]


@pytest.mark.parametrize("status, warning", [(401, "needs_auth"), (403, "refuses_name"), (421, "refuses_name")])
def test_a_server_that_refuses_is_explained(tunnel, new_app, status, warning):
    refusing = new_app(RecordingApp, reply=f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode(), close=True)
    said = tunnel(refusing.port, "--mcp").process.wait_event("mcp.ready")
    assert said["warning"] == warning


def test_all_that_a_session_of_the_reference_server_does(tunnel, folder):
    server = Everything("streamableHttp", folder)
    try:
        t = tunnel(server.port, "--mcp")
        found = mcp_visit(t, folder, "everything")
        check_everything(found)
        assert found["revision"] == "2025-11-25" and found["session"]
    finally:
        server.stop()


def test_the_same_over_the_older_transport(tunnel, folder):
    server = Everything("sse", folder)
    try:
        check_everything(mcp_visit(tunnel(server.port, "--mcp"), folder, "everything", transport="sse", path="/sse"))
    finally:
        server.stop()


@pytest.mark.parametrize("flags", [(), ("--mcp-deny", "rm")], ids=["watched", "filtered"])
def test_the_conformance_suite_finds_the_same_as_without_a_tunnel(tunnel, folder, flags):
    server = Everything("streamableHttp", folder)
    try:
        alone = conformance(f"http://127.0.0.1:{server.port}/mcp", folder)
        t = tunnel(server.port, "--mcp", *flags)
        assert len(alone) > 20 and alone["tools-list"] == "1 passed, 0 failed"
        assert conformance(t.url + "/mcp", folder, t.edge.cacert) == alone
    finally:
        server.stop()


@pytest.mark.parametrize("flags", [(), ("--mcp-deny", "rm")], ids=["watched", "filtered"])
def test_the_revision_without_sessions(tunnel, folder, flags):
    server = ModernApp(folder)
    try:
        t = tunnel(server.port, "--mcp", *flags)
        said = t.process.wait_event("mcp.ready")["server"]
        assert (said["revision"], said["other_revisions"], said["name"], said["tools"]) == ("2026-07-28", ["2025-11-25"], "modern", 3)
        check_modern(modern_visit(t, folder), bool(flags))
    finally:
        server.stop()


def check_modern(found, filtered):
    assert found["revision"] == "2026-07-28" and found["echo"] == [f"m{i}" for i in range(20)]
    assert found["progress"] == [1, 2, 3] and found["ticks"] == "ticked"
    assert found["tools"] == (["echo", "ticks"] if filtered else ["echo", "rm", "ticks"])
    assert ("not permitted" in found["rm"]) == filtered


def check_everything(found):
    assert found["server"]["name"] == "mcp-servers/everything" and "echo" in found["tools"]
    # The SDK drops a progress that comes in one piece with the answer behind it, without a tunnel too.
    assert found["echo"] == "Echo: grüße" and found["progress"] in ([1, 2, 3, 4], [1, 2, 3])
    assert "sampled" in found["sampling"] and "declined" in found["elicitation"]
    assert found["resources"] > 0 and found["prompts"] > 0


@pytest.mark.parametrize("way", ["http", "sse"])
def test_large_results_cancelled_calls_and_questions_of_the_server(tunnel, folder, app, older_app, way):
    t = tunnel((app if way == "http" else older_app).port, "--mcp")
    found = mcp_visit(t, folder, "session", transport=way, path="/mcp" if way == "http" else "/sse", bytes=12_000_000)
    assert (found["echo"], found["big"], found["aborted"], found["cancelled"]) == ("hello", 12_000_000, True, "1")
    assert "sampled" in found["asked"]


@pytest.mark.parametrize("flags", [(), ("--mcp-deny", "rm*")], ids=["watched", "filtered"])
def test_fifty_sessions_at_once(tunnel, folder, app, flags):
    assert mcp_visit(tunnel(app.port, "--mcp", *flags), folder, "sessions", count=50, calls=5)["right"] == 50


@pytest.mark.parametrize("way", ["http", "sse"])
@pytest.mark.parametrize("flags", [(), ("--mcp-deny", "rm*")], ids=["watched", "filtered"])
def test_events_arrive_one_by_one(tunnel, folder, app, older_app, way, flags):
    t = tunnel((app if way == "http" else older_app).port, "--mcp", *flags)
    found = mcp_visit(t, folder, "ticks", transport=way, path="/mcp" if way == "http" else "/sse", count=30, every=100)
    assert found["text"] == "ticked" and found["events"] == 30
    # The first one shares its moment with the start of everything.
    assert sorted(found["spread"])[-2] < 90, found["spread"]


def test_origin_and_session_headers_arrive_as_they_were_sent(tunnel, recorder):
    t = tunnel(recorder.port, "--mcp", "--mcp-deny", "rm")
    t.process.wait_event("mcp.ready")
    recorder.forget()
    sent = ["Origin: https://inspector.example", "Mcp-Session-Id: abc-123", "MCP-Protocol-Version: 2025-06-18", "Last-Event-ID: 7.1",
            "Authorization: Bearer its-own"]
    t.get("/mcp", *[word for line in sent for word in ("-H", line)])
    arrived = [line.decode().lower() for line in recorder.heads()[0]]
    assert [line for line in sent if line.lower() not in arrived] == []


def test_mcp_remote_brings_a_stdio_client_through(tunnel, folder, app):
    t = tunnel(app.port, "--mcp")
    environment = clean_environment(folder, NODE_EXTRA_CA_CERTS=str(t.edge.cacert), NODE_OPTIONS=f"--require {SUPPORT / 'npm' / 'loopback.cjs'}")
    command = ["node", npm_program("mcp-remote"), t.url + "/mcp", "--transport", "http-only"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as remote:
        try:
            answers = []
            for message in (greeting("2025-06-18"), {"jsonrpc": "2.0", "method": "notifications/initialized"}, call_of("echo", 2, message="through")):
                remote.stdin.write((json.dumps(message) + "\n").encode())
                remote.stdin.flush()
                if "id" in message:
                    answers.append(json.loads(remote.stdout.readline()))
            assert answers[0]["result"]["serverInfo"]["name"] == "mcp-app"
            assert answers[1]["id"] == 2 and answers[1]["result"]["content"][0]["text"] == "through"
        finally:
            remote.kill()


def test_a_tool_that_changes_is_told(tunnel, folder, app):
    t = tunnel(app.port, "--mcp")
    t.process.wait_event("mcp.ready")
    first = mcp_visit(t, folder, "change", to="Says it, and reads your mail")
    assert first == {"told": True, "description": "Says it, and reads your mail"}
    said = t.process.wait_event("mcp.tool_changed")
    assert (said["tool"], said["parts"]) == ("echo", ["description"])


def test_ctrl_c_ends_while_the_check_is_still_on(cli, new_app):
    silent = new_app(ByteApp, serve=lambda connection, _: [connection.recv(1 << 16) for _ in range(100)])
    process = cli.start("client", silent.port, "--mcp", "--json", "--subdomain", "quick", *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
    process.wait_event("tunnel.ready")
    began = time.monotonic()
    process.send(signal.SIGINT)
    assert process.wait() == 0 and time.monotonic() - began < 5
