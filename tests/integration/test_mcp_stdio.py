"""`instatunnel mcp -- COMMAND`: a server of standard input and output behind a public URL."""

import json
import os
import pathlib
import secrets
import signal
import time

import pytest

from mcp_apps import Everything, StdioTunnel, app_command, call_of, conformance, greeting, mcp_visit, messages, modern_visit, post, request
from node import visitor_command
from npm_tools import npm_program
from process import Process, wait_until
from relay import Relay


@pytest.fixture
def stdio(new_cli, edge):
    """stdio(*flags, command=…): a tunnel to a server that it starts."""
    opened = []

    def open_tunnel(*flags, command=None, **environment):
        name = "s-" + secrets.token_hex(4)
        opened.append(StdioTunnel(new_cli(edge), command or app_command(), *flags, name=name, **environment))
        return opened[-1]

    yield open_tunnel
    for one in opened:
        one.stop(limit=10)


def session_of(t, revision="2025-11-25"):
    """Headers of a session that has begun."""
    reply = post(t, greeting(revision))
    assert reply.status == 200, reply
    headers = ["-H", f"Mcp-Session-Id: {reply.header('mcp-session-id')}", "-H", f"MCP-Protocol-Version: {revision}"]
    assert post(t, {"jsonrpc": "2.0", "method": "notifications/initialized"}, *headers).status == 202
    return headers


def test_the_url_is_printed_and_the_program_alone_is_named(stdio):
    t = stdio("--mcp-deny", "die")
    assert t.ready["target"] == "mcp:node"
    said = t.process.wait_event("mcp.ready")
    assert (said["url"], said["server"]["state"], said["headers"]) == (t.url + "/mcp", "unchecked", {})


def test_all_that_a_session_of_the_reference_server_does(stdio, folder):
    t = stdio(command=["node", str(npm_program("mcp-server-everything").resolve()), "stdio"])
    found = mcp_visit(t, folder, "everything")
    assert found["server"]["name"] == "mcp-servers/everything" and found["revision"] == "2025-11-25" and found["session"]
    assert found["echo"] == "Echo: grüße" and found["progress"] == [1, 2, 3, 4]
    assert "sampled" in found["sampling"] and "declined" in found["elicitation"]
    wait_until(lambda: t.children() == [], 10, "end of the session's process")


def test_the_conformance_suite_finds_the_same_as_over_the_servers_own_http(stdio, folder):
    server = Everything("streamableHttp", folder)
    try:
        own = conformance(f"http://127.0.0.1:{server.port}/mcp", folder)
    finally:
        server.stop()
    t = stdio(command=["node", str(npm_program("mcp-server-everything").resolve()), "stdio"])
    assert len(own) > 20 and conformance(t.url + "/mcp", folder, t.edge.cacert) == own


@pytest.mark.parametrize("flags", [(), ("--shared",), ("--mcp-deny", "rm")], ids=["a process each", "shared", "filtered"])
def test_the_revision_without_sessions(stdio, folder, flags):
    found = modern_visit(stdio(*flags, command=app_command("mcp_modern.mjs")), folder)
    filtered = "--mcp-deny" in flags
    assert found["revision"] == "2026-07-28" and found["echo"] == [f"m{i}" for i in range(20)]
    assert found["progress"] == [1, 2, 3] and found["ticks"] == "ticked"
    assert found["tools"] == (["echo", "ticks"] if filtered else ["echo", "rm", "ticks"])
    assert ("not permitted" in found["rm"]) == filtered


@pytest.mark.parametrize("flags", [(), ("--shared",)], ids=["a process each", "shared"])
def test_large_results_cancelled_calls_and_questions_of_the_server(stdio, folder, flags):
    found = mcp_visit(stdio(*flags), folder, "session", bytes=3_000_000)
    assert (found["echo"], found["big"], found["aborted"], found["cancelled"]) == ("hello", 3_000_000, True, "1")
    assert "sampled" in found["asked"]


def test_each_session_has_its_own_process_or_all_share_one(stdio, folder):
    own, shared = stdio(), stdio("--shared")
    assert mcp_visit(own, folder, "sessions", count=10, calls=3) == {"right": 10, "processes": 10}
    assert mcp_visit(shared, folder, "sessions", count=50, calls=5) == {"right": 50, "processes": 1}


def test_sessions_are_limited(stdio):
    t = stdio("--max-sessions", "2")
    session_of(t)
    headers = session_of(t)
    reply = post(t, greeting())
    assert reply.status == 503 and reply.json()["error"]["message"] == "There are as many sessions as this server may have"
    assert t.get("/mcp", "-X", "DELETE", *headers).status == 204
    session_of(t)


def test_events_arrive_one_by_one(stdio, folder):
    found = mcp_visit(stdio(), folder, "ticks", count=20, every=100)
    assert found["events"] == 20 and sorted(found["spread"])[-2] < 90, found["spread"]


def test_the_filter_works_here_too(stdio, folder):
    found = mcp_visit(stdio("--mcp-allow", "echo,pid"), folder, "tools", calls=["echo", "big"])
    assert found["tools"] == ["echo", "pid"] and found["calls"]["echo"] == {"result": "m"}
    assert "Tool not permitted through this tunnel: big" in found["calls"]["big"]["message"]


def test_a_refused_call_does_not_ride_on_a_batch(stdio):
    t = stdio("--mcp-deny", "die")
    headers = session_of(t)
    answers = {m["id"]: m for m in messages(post(t, [call_of("echo", 1, message="m"), call_of("die", 2)], *headers)) if "id" in m}
    assert answers[1]["result"]["content"][0]["text"] == "m" and "not permitted" in answers[2]["error"]["message"]
    assert "result" in messages(post(t, call_of("echo", 3, message="m"), *headers))[-1]


def test_a_server_that_dies_is_an_error_at_once_and_comes_again(stdio, folder):
    t = stdio()
    headers = session_of(t)
    began = time.monotonic()
    died = messages(post(t, call_of("die", 5), *headers))[-1]
    assert died["id"] == 5 and died["error"]["message"] == "The MCP server has ended (exit status 7)"
    assert time.monotonic() - began < 5
    t.process.wait_event("notice", match=lambda e: "exit status 7" in e["message"])
    # Its session is gone with it, as the protocol has it: the caller begins a new one.
    assert post(t, call_of("echo", 6), *headers).status == 404
    wait_until(lambda: post(t, greeting()).status == 200, 10, "a new process")


def test_a_shared_server_that_dies_is_started_again_under_its_sessions(stdio, folder):
    t = stdio("--shared")
    headers = session_of(t)
    first = messages(post(t, call_of("start"), *headers))[-1]["result"]
    assert "error" in messages(post(t, call_of("die", 5), *headers))[-1]
    again = wait_until(lambda: messages(post(t, call_of("start"), *headers))[-1].get("result"), 15, "an answer")
    assert again != first


def test_a_server_that_cannot_begin_is_an_error_at_once(stdio):
    t = stdio(command=["sh", "-c", "exit 3"])
    reply = post(t, greeting())
    assert "exit status 3" in reply.text and reply.header("mcp-session-id") is None
    assert "exit status 3" in post(t, greeting()).text


def test_its_stderr_is_shown_and_nothing_but_messages_reaches_callers(stdio):
    script = "echo noise; echo 'to stderr' >&2; while read line; do echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-11-25\"}}'; done"
    t = stdio(command=["sh", "-c", script])
    reply = post(t, greeting())
    assert messages(reply)[0]["result"]["protocolVersion"] == "2025-11-25" and "noise" not in reply.text
    assert "to stderr" in t.process.stderr


def test_it_inherits_no_descriptor_and_no_signal_of_ours(stdio):
    t = stdio()
    session_of(t)
    child = t.children()[0]
    links = {name: os.readlink(f"/proc/{child}/fd/{name}") for name in os.listdir(f"/proc/{child}/fd")}
    assert links["0"].startswith("pipe:") and links["1"].startswith("pipe:")
    ours = {os.readlink(f"/proc/{t.process.pid}/fd/{name}") for name in os.listdir(f"/proc/{t.process.pid}/fd") if int(name) > 2}
    assert {link for link in links.values() if link.startswith("socket:")} & ours == set()
    assert os.getpgid(child) == child
    status = pathlib.Path(f"/proc/{child}/status").read_text(encoding="ascii")
    assert "SigBlk:\t0000000000000000" in status


def test_everything_it_started_ends_with_the_tunnel(stdio, folder):
    mark = folder / "grandchild"
    t = stdio(command=["sh", "-c", f"sleep 1000 & echo $! > {mark}; trap '' TERM; exec {' '.join(app_command())}"])
    session_of(t)
    child, grandchild = t.children()[0], int(mark.read_text())
    t.process.send(signal.SIGINT)
    assert t.process.wait(20) == 0
    for pid in (child, grandchild):
        wait_until(lambda pid=pid: not pathlib.Path(f"/proc/{pid}").exists() or " Z" in pathlib.Path(f"/proc/{pid}/stat").read_text(), 5, f"end of {pid}")


@pytest.mark.parametrize("cuts", [1, 3])
def test_a_long_call_survives_a_broken_connection(new_cli, edge, folder, cuts):
    relay = Relay(edge.port)
    cli = new_cli(edge)
    cli.server = lambda: ["--server", edge.api.replace(str(edge.port), str(relay.port)), "--cacert", edge.cacert]
    t = StdioTunnel(cli, app_command(), name="resumed-" + secrets.token_hex(4))
    argv, options = visitor_command("mcp_visitor.mjs", t, folder, "resume", count=40, every=200)
    visitor = Process("visitor", argv, folder / "logs", **options)
    try:
        visitor.wait_text("calling")
        for n in range(cuts):
            time.sleep(2)
            relay.cut()
            t.process.wait_event("tunnel.ready", count=n + 2, limit=20)
        assert visitor.wait(60) == 0, visitor.report()
        found = json.loads(visitor.stdout)
        assert found["result"] == "ticked" and found["seen"] == list(range(1, 41))
    finally:
        visitor.kill()
        t.stop()
        relay.stop()


def test_a_stream_can_be_gone_on_with(stdio):
    t = stdio()
    headers = session_of(t)
    broken = t.get("/mcp", "--data", json.dumps(call_of("ticks", 9, count=6, every=300)), "-H", "Content-Type: application/json",
                   "-H", "Accept: application/json, text/event-stream", "--max-time", "1", *headers)
    last = [line[3:].strip() for line in broken.text.splitlines() if line.startswith("id:")][-1]
    rest = t.get("/mcp", "-H", "Accept: text/event-stream", "-H", f"Last-Event-ID: {last}", "--max-time", "10", *headers)
    assert messages(rest)[-1]["id"] == 9 and messages(rest)[-1]["result"]["content"][0]["text"] == "ticked"
    again = t.get("/mcp", "-H", "Accept: text/event-stream", "-H", f"Last-Event-ID: {last}", "--max-time", "10", *headers)
    assert messages(again) == messages(rest)
    lost = t.get("/mcp", "-H", "Accept: text/event-stream", "-H", "Last-Event-ID: 99.99", "--max-time", "10", *headers)
    assert lost.status == 400 and "not kept" in lost.text


def test_http_is_as_the_protocol_has_it(stdio):
    t = stdio()
    assert post(t, request("ping")).status == 400
    assert post(t, request("ping"), "-H", "Mcp-Session-Id: nobody").status == 404
    assert post(t, "{").status == 400 and post(t, "{").json()["error"]["code"] == -32700
    headers = session_of(t)
    assert t.get("/mcp", *headers).status == 406
    assert t.get("/other", *headers).status == 404
    assert t.get("/mcp", "-X", "PUT", *headers).status == 405
    assert post(t, request("ping"), "-H", "Content-Type: text/plain", *headers).status in (200, 415)
    assert post(t, request("ping"), *headers[:2], "-H", "MCP-Protocol-Version: nonsense").status == 400
    in_json = post(t, request("ping", number="x"), "-H", "Accept: application/json", *headers)
    assert in_json.status == 200
    batch = messages(post(t, [request("ping", number=1), request("ping", number="1")], *headers))
    assert sorted(str(type(m["id"])) + str(m["id"]) for m in batch) == ["<class 'int'>1", "<class 'str'>1"]
    assert t.get("/mcp", "-X", "DELETE", *headers).status == 204
    assert post(t, request("ping"), *headers).status == 404


def test_wrong_use_is_told(cli):
    for words, code, text in ((["mcp"], 2, "needs the command"), (["mcp", "--", "no-such-program-here"], 8, "There is no program"),
                              (["mcp", "--max-sessions", "0", "--", "sh"], 2, "--max-sessions"), (["8787", "--", "sh"], 2, ""),
                              (["mcp", "--session-idle", "1s", "--", "sh"], 2, "--session-idle")):
        done = cli.run(*words, **{"INSTATUNNEL_API_KEY": cli.edge.owner.key, "INSTATUNNEL_SERVER": cli.edge.api})
        assert done.returncode == code and text in done.stderr, (words, done)
