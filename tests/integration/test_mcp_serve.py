"""`instatunnel mcp serve`: tunnels that a program opens and closes as tools, and the requests that came through them."""

import asyncio
import base64
import json
import ssl
import subprocess
import threading

import pytest
import websockets

from edge import Cli
from grpc_app import GrpcApp
from http2_visitor import Http2Visitor
from local_apps import ByteApp
from mcp_apps import SDK, call_of, greeting, request
from npm_tools import SUPPORT, npm_folder
from ports import free_port
from process import clean_environment
from v1_client import V1Server
from websocket_app import WebSocketApp


class Server:
    """Speaks JSON-RPC with the program. Answers may come in any order; `heard` has every line."""

    def __init__(self, cli, flags=None, key=None):
        self.heard, self._kept = [], []
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            [cli.binary, "mcp", "serve", *(flags or cli.server())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            encoding="utf-8", env=cli.environment(INSTATUNNEL_API_KEY=key or cli.edge.owner.key), cwd=cli.folder)
        self._number = 0

    def say(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def next(self):
        line = self._process.stdout.readline()
        self.heard.append(line)
        return json.loads(line)

    def until(self, is_wanted):
        """The first message that is wanted, of those that were put aside and those to come."""
        for index, message in enumerate(self._kept):
            if is_wanted(message):
                return self._kept.pop(index)
        while not is_wanted(message := self.next()):
            self._kept.append(message)
        return message

    def answer(self, number):
        return self.until(lambda m: m.get("id") == number and "method" not in m)

    def ask(self, message):
        self.say(json.dumps(message))
        return self.answer(message["id"])

    def begin(self, tool, meta=None, **arguments):
        """Calls and does not wait; the number of the call."""
        self._number += 1
        message = call_of(tool, self._number, **arguments)
        if meta:
            message["params"]["_meta"] = meta
        self.say(json.dumps(message))
        return self._number

    def call(self, tool, **arguments):
        return self.answer(self.begin(tool, **arguments))["result"]

    def get(self, tool, **arguments):
        """The structured result of a call that must not fail, which is the same as its text."""
        result = self.call(tool, **arguments)
        assert not result.get("isError"), result
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        return result["structuredContent"]

    def fault(self, tool, **arguments):
        result = self.call(tool, **arguments)
        assert result.get("isError"), result
        return result["content"][0]["text"]

    def wait_begun(self, **arguments):
        """Begins to wait, and returns when that is so."""
        number = self.begin("wait_for_request", {"progressToken": f"t{self._number}"}, **arguments)
        self.until(lambda m: m.get("method") == "notifications/progress" and m["params"]["progressToken"] == f"t{number - 1}")
        return number

    def end(self):
        self._process.stdin.close()
        return self._process.wait(20)

    def kill(self):
        self._process.kill()
        self._process.wait()


@pytest.fixture
def server(cli):
    running = Server(cli)
    yield running
    running.kill()


def test_a_tunnel_is_opened_listed_and_closed(server, app, edge):
    begun = server.ask(greeting("2025-06-18"))["result"]
    assert begun["protocolVersion"] == "2025-06-18" and begun["serverInfo"]["name"] == "instatunnel"
    server.say(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
    tools = server.ask(request("tools/list"))["result"]["tools"]
    assert [tool["name"] for tool in tools] == ["open_tunnel", "list_tunnels", "close_tunnel", "list_requests", "read_request", "replay_request", "wait_for_request",
                                              "run_doctor"]
    assert all(tool["inputSchema"]["additionalProperties"] is False and tool["outputSchema"]["type"] == "object" for tool in tools)
    opened = server.call("open_tunnel", target=str(app.port), subdomain="by-a-tool")["structuredContent"]
    assert (opened["name"], opened["url"], opened["state"]) == ("by-a-tool", edge.url("by-a-tool", ""), "online")
    assert edge.get("by-a-tool").status == 200
    listed = server.call("list_tunnels")["structuredContent"]["tunnels"]
    assert [(t["name"], t["requests"]) for t in listed] == [("by-a-tool", 1)]
    assert server.call("close_tunnel", tunnel="by-a-tool")["structuredContent"] == {"closed": opened["url"]}
    assert server.call("list_tunnels")["structuredContent"] == {"tunnels": []}
    assert edge.get("by-a-tool", "/", "--max-time", "40").status != 200


def test_mistakes_are_told(server, folder):
    (folder / "cli" / "site").mkdir()
    for arguments, word in (({}, "target"), ({"target": "nonsense:"}, "target"), ({"target": "./site"}, "directory"),
                            ({"target": "3000", "subdomain": "no_name"}, "subdomain")):
        failed = server.call("open_tunnel", **arguments)
        assert failed["isError"] and word in failed["content"][0]["text"], failed
    assert server.call("close_tunnel", tunnel="nobody")["isError"]
    assert server.ask(call_of("no_such_tool", 900))["error"]["code"] == -32602
    assert server.ask(request("no/such"))["error"]["code"] == -32601
    server.say("nonsense")
    assert server.next()["error"]["code"] == -32700
    assert server.ask(request("ping"))["result"] == {}


def test_its_tunnels_end_with_its_input(server, app, edge):
    server.call("open_tunnel", target=str(app.port), subdomain="short-lived")
    assert edge.get("short-lived").status == 200
    assert server.end() == 0
    assert edge.get("short-lived", "/", "--max-time", "40").status != 200


def opened(server, app, name):
    return server.get("open_tunnel", target=str(app.port), subdomain=name)


def fields(part):
    return {name.lower(): value for name, value in part["fields"]}


class Gate(ByteApp):
    """Answers each request when `opened` is set; `asked` is set when one has come."""

    def __init__(self, **arguments):
        self.asked, self.opened = threading.Event(), threading.Event()
        super().__init__(self._hold, **arguments)

    def _hold(self, connection, _):
        while connection.recv(65536):
            self.asked.set()
            self.opened.wait(60)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def test_requests_are_listed_and_read(server, app, edge):
    opened(server, app, "listed")
    assert server.get("list_requests") == {"requests": [], "newest": "req_0"}
    assert edge.get("listed", "/status/404?x=1").status == 404
    assert edge.get("listed", "/echo", "-d", "grüße", "-H", "Content-Type: text/plain").status == 200
    with Http2Visitor(edge.port, f"listed.{edge.domain}", edge.cacert) as visitor:
        assert visitor.request("/over/two", "PUT", [("x-own", "1")], b"\0\xff\x10").status == 200
    found = server.get("list_requests")
    assert found["newest"] == "req_3"
    assert [(r["id"], r["method"], r["path"], r["status"], r["state"]) for r in found["requests"]] == [
        ("req_3", "PUT", "/over/two", 200, "finished"), ("req_2", "POST", "/echo", 200, "finished"), ("req_1", "GET", "/status/404?x=1", 404, "finished")]
    assert [r["id"] for r in server.get("list_requests", status="4xx")["requests"]] == ["req_1"]
    assert [r["id"] for r in server.get("list_requests", method="put", path="/over", tunnel="listed")["requests"]] == ["req_3"]
    assert [r["id"] for r in server.get("list_requests", limit=1, before="req_3")["requests"]] == ["req_2"]
    assert server.get("list_requests", after="req_3")["requests"] == []
    assert server.get("list_requests", tunnel="nobody")["requests"] == []
    text = server.get("read_request", id="req_2")
    assert text["request"]["body"] == {"size": 7, "text": "grüße"} and text["http_version"] == "1.1" and text["visitor"] == "127.0.0.1"
    assert fields(text["request"])["content-type"] == "text/plain" and fields(text["reply"])["content-type"] == "application/json"
    assert json.loads(text["reply"]["body"]["text"])["size"] == 7 and text["took_ms"] >= text["first_byte_ms"] > 0
    binary = server.get("read_request", id="req_3")
    assert binary["request"]["body"] == {"size": 3, "base64": base64.b64encode(b"\0\xff\x10").decode()} and binary["http_version"] == "2"
    assert "body" in binary["reply"] and fields(binary["request"])["x-own"] == "1"
    # What is closed stays readable, and the next tunnel goes on counting.
    server.get("close_tunnel", tunnel="listed")
    opened(server, app, "listed-too")
    assert edge.get("listed-too").status == 200
    assert [(r["id"], r["tunnel"]) for r in server.get("list_requests", limit=2)["requests"]] == [("req_4", "listed-too"), ("req_3", "listed")]
    assert [r["id"] for r in server.get("list_requests", tunnel=edge.url("listed"))["requests"]] == ["req_3", "req_2", "req_1"]


def test_bodies_are_kept_up_to_their_limit(server, app, edge, folder):
    opened(server, app, "large")
    (folder / "upload").write_bytes(b"x" * 3_000_000)
    assert edge.get("large", "/", "--data-binary", f"@{folder / 'upload'}").json()["size"] == 3_000_000
    body = server.get("read_request", id="req_1", body_limit=65536)["request"]["body"]
    assert body == {"size": 3_000_000, "truncated": True, "text": "x" * 65536}
    assert len(server.get("read_request", id="req_1")["request"]["body"]["text"]) == 16384
    assert "text" not in server.get("read_request", id="req_1", body_limit=0)["request"]["body"]
    assert "only the first 65536 of its 3000000 bytes" in server.fault("replay_request", id="req_1")
    again = server.get("replay_request", id="req_1", body="short")
    assert again["replay_of"] == "req_1" and json.loads(again["reply"]["body"]["text"])["size"] == 5


def test_a_request_under_way_is_listed_and_one_that_failed_says_why(server, new_app, edge):
    gate = new_app(Gate)
    opened(server, gate, "gated")
    visitor = threading.Thread(target=edge.get, args=("gated", "/held"))
    visitor.start()
    assert gate.asked.wait(30)
    row = server.get("list_requests")["requests"][0]
    assert (row["path"], row["state"]) == ("/held", "open") and "status" not in row
    assert server.get("wait_for_request", after="req_0", until="received", timeout_seconds=30)["request"]["id"] == "req_1"
    assert server.get("wait_for_request", after="req_0", timeout_seconds=1) == {"found": False, "after": "req_0"}
    gate.opened.set()
    visitor.join()
    assert server.get("wait_for_request", after="req_0", timeout_seconds=30)["request"]["state"] == "finished"
    gate.stop()
    assert edge.get("gated").status == 502
    row = server.get("list_requests")["requests"][0]
    assert (row["state"], row["status"], row["fault"]) == ("cut", 502, "origin_unreachable")


def test_upgraded_connections_and_grpc_are_marked(server, new_app, edge, folder):
    sockets = new_app(WebSocketApp)
    opened(server, sockets, "sockets")

    async def talk():
        context, host = ssl.create_default_context(cafile=str(edge.cacert)), f"sockets.{edge.domain}"
        async with websockets.connect(f"wss://{host}:{edge.port}/chat", ssl=context, host="127.0.0.1", port=edge.port, server_hostname=host, compression=None) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
            row = server.get("list_requests")["requests"][0]
            assert (row["upgraded_to"], row["status"], row["state"]) == ("websocket", 101, "open")
            # It may last for ever: it counts as answered.
            assert server.get("wait_for_request", after="req_0", timeout_seconds=30)["request"]["id"] == "req_1"

    asyncio.run(talk())
    assert "hello" in base64.b64decode(server.get("read_request", id="req_1")["reply"]["body"]["base64"]).decode("latin-1")
    assert "upgrade to websocket" in server.fault("replay_request", id="req_1")
    calls = new_app(GrpcApp, folder=folder)
    opened(server, calls, "calls")
    with Http2Visitor(edge.port, f"calls.{edge.domain}", edge.cacert) as visitor:
        visitor.request("/tunneltest.Echo/None", "POST", [("content-type", "application/grpc"), ("te", "trailers")], b"\0\0\0\0\0")
    row = server.get("list_requests", tunnel="calls")["requests"][0]
    assert row["streaming"] and row["status"] == 200
    # Over HTTP/2, as the first time.
    again = server.get("replay_request", id=row["id"])
    status = {name.lower(): value for name, value in again["reply"]["fields"] + again["reply"].get("trailers", [])}
    assert status["grpc-status"] == "12" and again["state"] == "finished"


def test_a_replay_reaches_the_app_with_its_changes(server, app, edge):
    opened(server, app, "again")
    edge.get("again", "/status/200/one?token=planted-token", "-d", "first", "-H", "X-Drop: 1", "-H", "X-Keep: 1", "-H", "Authorization: Bearer planted-bearer")
    same = server.get("replay_request", id="req_1")
    assert (same["id"], same["replay_of"], same["status"], same["path"]) == ("req_2", "req_1", 200, "/status/200/one?token=***")
    first, second = app.seen
    mark = ("X-Instatunnel-Replay", "req_1")
    assert second.target == first.target == "/status/200/one?token=planted-token" and sorted(second.headers) == sorted([*first.headers, mark])
    assert same["request"]["body"]["text"] == "first" and second.header("content-length") == "5" and same["reply"]["body"]["text"] == "status 200"
    changed = server.get("replay_request", id="req_1", method="PUT", path="/status/201/two", set_headers={"x-new": "2", "Host": "other.example"},
                         remove_headers=["x-drop"], body_base64=base64.b64encode(b"\0\1").decode())
    third = app.seen[2]
    assert (third.method, third.target, third.header("host"), third.header("x-new"), third.header("x-keep"), third.header("x-drop")) == (
        "PUT", "/status/201/two", "other.example", "2", "1", None)
    assert changed["request"]["body"]["base64"] == "AAE=" and third.header("content-length") == "2"
    # A replay of a replay, listed like all the others.
    assert server.get("replay_request", id="req_3")["replay_of"] == "req_3"
    assert [r.get("replay_of") for r in server.get("list_requests")["requests"]] == ["req_3", "req_1", "req_1", None]
    assert "planted" not in "".join(server.heard)


def test_replays_that_cannot_be_are_refused(server, new_app, app, edge):
    opened(server, app, "refused")
    edge.get("refused", "/echo")
    for arguments, word in (({"id": "req_9"}, "no request req_9"), ({"id": "9"}, "not the id"), ({"id": "req_1", "method": "A B"}, "method"),
                            ({"id": "req_1", "path": "two"}, "path"), ({"id": "req_1", "set_headers": {"a b": "1"}}, "name"),
                            ({"id": "req_1", "set_headers": {"Content-Length": "1"}}, "Content-Length"),
                            ({"id": "req_1", "set_headers": {"x": "a\r\nb"}}, "control"), ({"id": "req_1", "body_base64": "?"}, "base64"),
                            ({"id": "req_1", "body": "a", "body_base64": "YQ=="}, "both")):
        assert word in server.fault("replay_request", **arguments), arguments
    assert len(app.seen) == 1
    gate = new_app(Gate)
    opened(server, gate, "stuck")
    visitor = threading.Thread(target=edge.get, args=("stuck", "/held"))
    visitor.start()
    assert gate.asked.wait(30)
    late = server.get("replay_request", id="req_2", timeout_seconds=1)
    assert (late["state"], late["fault"]) == ("cut", "cancelled") and "time" in late["fault_text"]
    gate.asked.clear()
    number = server.begin("replay_request", id="req_2")
    assert gate.asked.wait(30)
    server.get("close_tunnel", tunnel="stuck")
    assert server.answer(number)["result"]["structuredContent"]["fault"] == "cancelled"
    gate.opened.set()
    visitor.join()
    assert "not open any more" in server.fault("replay_request", id="req_2")


def test_a_wait_ends_with_the_request_that_is_meant(server, app, edge):
    opened(server, app, "hooks")
    edge.get("hooks", "/hook", "-d", '{"type":"paid"}')
    number = server.wait_begun(path="/hook", method="POST", json={"/type": "paid", "/data/amounts/0": 5}, status="2xx", tunnel="hooks")
    edge.get("hooks", "/other", "-d", '{"type":"paid","data":{"amounts":[5]}}')
    edge.get("hooks", "/hook", "-d", '{"type":"paid","data":{"amounts":[6]}}')
    server.get("replay_request", id="req_1", body='{"type":"paid","data":{"amounts":[5]}}')
    edge.get("hooks", "/hook", "-d", '{"type":"paid","data":{"amounts":[5]}}')
    found = server.answer(number)["result"]["structuredContent"]
    assert found["found"] and found["request"]["id"] == "req_5" and found["request"]["request"]["body"]["text"].endswith("[5]}}")
    assert server.get("wait_for_request", after="req_1", body_contains="[6]", timeout_seconds=30)["request"]["id"] == "req_3"
    assert server.get("wait_for_request", timeout_seconds=1) == {"found": False, "after": "req_5"}
    assert "No tunnel" in server.fault("wait_for_request", tunnel="nobody")


def test_while_calls_wait_everything_else_goes_on(server, app, edge):
    opened(server, app, "busy")
    waiting = [server.wait_begun(timeout_seconds=600) for _ in range(16)]
    assert "wait already" in server.fault("wait_for_request", timeout_seconds=600)
    assert server.ask(request("ping", number=901))["result"] == {}
    assert len(server.get("list_tunnels")["tunnels"]) == 1
    server.say(json.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": waiting[0], "reason": "enough"}}))
    server.say(json.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 12345}}))
    # What was cancelled makes room, and is not answered.
    while server.call("wait_for_request", after="req_0", timeout_seconds=1).get("isError"):
        pass
    assert edge.get("busy", "/for-all").status == 200
    for number in waiting[1:]:
        assert server.answer(number)["result"]["structuredContent"]["request"]["path"] == "/for-all"
    assert server.ask(request("ping", number=902))["result"] == {}
    assert not any(m.get("id") == waiting[0] and "result" in m for m in map(json.loads, server.heard))


def test_its_waits_end_with_its_input(server, app):
    opened(server, app, "ending")
    server.wait_begun(timeout_seconds=600)
    assert server.end() == 0


def test_arguments_that_do_not_fit_are_named(server):
    for tool, arguments, words in (
            ("read_request", {}, ["`id`", "missing"]), ("read_request", {"id": 5}, ["`id`", "text"]), ("read_request", {"id": "req_1", "more": 1}, ["`more`", "body_limit"]),
            ("read_request", {"id": "req_1", "body_limit": 65537}, ["`body_limit`", "0 to 65536"]), ("list_requests", {"limit": "5"}, ["`limit`", "1 to 100"]),
            ("list_requests", {"limit": 1.5}, ["`limit`"]), ("list_requests", {"status": "many"}, ["`status`"]), ("list_requests", {"after": "x"}, ["`after`"]),
            ("wait_for_request", {"timeout_seconds": 601}, ["`timeout_seconds`", "1 to 600"]), ("wait_for_request", {"until": "later"}, ["`until`", "answered"]),
            ("wait_for_request", {"json": []}, ["`json`", "object"]), ("wait_for_request", {"json": {"type": 1}}, ["pointer"]),
            ("replay_request", {"id": "req_1", "set_headers": {"a": 1}}, ["`a`", "text"]), ("replay_request", {"id": "req_1", "remove_headers": [1]}, ["remove_headers"]),
            ("replay_request", {"id": "req_1", "remove_headers": "x"}, ["remove_headers", "list"]), ("list_tunnels", {"x": 1}, ["`x`", "nothing"])):
        told = server.fault(tool, **arguments)
        assert all(word in told for word in words), told
    server.say(json.dumps(request("tools/call", {"name": "list_requests", "arguments": [1]}, 903)))
    assert "object" in server.answer(903)["result"]["content"][0]["text"]
    assert "no request req_7" in server.fault("read_request", id="req_7")


def test_secrets_are_masked_wherever_requests_are_shown(server, app, edge):
    opened(server, app, "masked")
    number = server.wait_begun()
    edge.get("masked", "/cookies?api_key=planted-key&x=1", "-H", "Authorization: Basic cGxhbnRlZDpiYXNpYw==", "-H", "Cookie: sid=planted-cookie", "-H", "X-Api-Key: planted-field")
    waited = server.answer(number)["result"]["structuredContent"]["request"]
    read = server.get("read_request", id="req_1")
    assert waited == read and read["path"] == "/cookies?api_key=***&x=1" == server.get("list_requests")["requests"][0]["path"]
    shown = fields(read["request"])
    assert (shown["authorization"], shown["cookie"], shown["x-api-key"]) == ("Basic ***", "sid=***", "***")
    assert ["Set-Cookie", "a=***; Path=/; HttpOnly"] in read["reply"]["fields"]
    assert "planted" not in "".join(server.heard) and "cGxhbnRlZDpiYXNpYw" not in "".join(server.heard)


def test_what_comes_over_the_older_protocol_is_recorded_too(certificate, app, binary, folder):
    older = V1Server(certificate)
    server = Server(Cli(binary, folder / "v1"), ["--server", older.url, "--cacert", str(certificate[0])], "it_" + "k" * 16)
    try:
        opened(server, app, "demo")
        older.ask("r1", method="POST", url="/status/201?token=planted", headers={"Host": "demo.v1.example"}, body=b"over v1")
        read = server.get("read_request", id="req_1")
        assert (read["tunnel"], read["path"], read["status"], read["request"]["body"]["text"]) == ("demo", "/status/201?token=***", 201, "over v1")
        assert server.get("replay_request", id="req_1")["status"] == 201 and app.seen[1].target == "/status/201?token=planted"
    finally:
        server.kill()
        older.stop()


def test_the_client_of_the_sdk_does_all_of_it(cli, app, folder):
    environment = {**cli.environment(INSTATUNNEL_API_KEY=cli.edge.owner.key)}
    told = {"command": [cli.binary, "mcp", "serve", *cli.server()], "env": environment, "port": app.port}
    run = subprocess.run(
        ["node", SUPPORT / "npm" / "mcp_stdio_client.mjs", json.dumps(told)], cwd=npm_folder(SDK), capture_output=True, text=True, encoding="utf-8", timeout=60,
        env=clean_environment(folder, NODE_EXTRA_CA_CERTS=str(cli.edge.cacert), NODE_OPTIONS=f"--require {SUPPORT / 'npm' / 'loopback.cjs'}"), check=False)
    assert run.returncode == 0, run.stderr[-4000:]
    found = json.loads(run.stdout)
    assert found["read_only"] == ["list_tunnels", "list_requests", "read_request", "wait_for_request", "run_doctor"] and len(found["tools"]) == 8
    assert found["status"] == 200 and found["waited"] == '{"type":"paid"}' and found["listed"] == ["req_2", "req_1"]
    assert found["read"] == [["authorization", "Bearer ***"]] and found["replay_of"] and found["progress"][0] == 0
    hooks = [one for one in app.seen if one.path == "/hook"]
    assert found["aborted"] and found["open"] == 1 and len(hooks) == 3 and hooks[2].header("X-Instatunnel-Replay") == "req_2"
    assert found["well"]


def test_the_doctor_says_what_is_wrong(server, app):
    whole = server.get("run_doctor", port=app.port)
    states = {check["id"]: check["state"] for check in whole["checks"]}
    assert whole["ok"] and states["transport"] == "ok" and states["port"] == "ok" and "mcp" not in states
    ill = server.get("run_doctor", port=free_port(), mcp=True)
    port = next(check for check in ill["checks"] if check["id"] == "port")
    assert (ill["ok"], port["state"]) == (False, "failed") and port["mend"]
    told = server.begin("run_doctor", {"progressToken": "steps"}, port=app.port)
    titles = []
    while "method" in (message := server.until(lambda m: m.get("method") == "notifications/progress" or m.get("id") == told)):
        titles.append(message["params"]["message"])
    assert titles == [check["title"] for check in message["result"]["structuredContent"]["checks"]]
    assert "true or false" in server.fault("run_doctor", mcp="yes") and "65535" in server.fault("run_doctor", port=0)
