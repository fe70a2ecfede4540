"""--mcp-allow and --mcp-deny: which tools are seen and called, whatever the call looks like."""

import gzip
import json
import threading

import pytest

from local_apps import ByteApp
from mcp_apps import McpApp, call_of, greeting, mcp_visit, messages, post, request
from process import wait_until


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    running = McpApp("http", tmp_path_factory.mktemp("mcp-app"))
    yield running
    running.stop()


class Listener:
    """A server that keeps every body it gets, and answers with what a test says."""

    def __init__(self, app_maker):
        self.bodies, self.heads = [], []
        self.reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        self.port = app_maker(ByteApp, serve=self._serve).port

    def _serve(self, connection, _):
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
            head, _, data = data.partition(b"\r\n\r\n")
            length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
            while len(data) < length:
                data += connection.recv(65536)
            body, data = data[:length], data[length:]
            self.heads.append(head)
            if b"User-Agent: instatunnel" not in head:
                self.bodies.append(body)
            connection.sendall(self.reply)


@pytest.fixture
def listener(new_app):
    return Listener(new_app)


@pytest.mark.parametrize("way", ["http", "sse"])
def test_other_tools_are_neither_seen_nor_called(tunnel, folder, tmp_path, app, way):
    server = app if way == "http" else McpApp("sse", tmp_path)
    try:
        t = tunnel(server.port, "--mcp", "--mcp-allow", "e*,pid", "--mcp-deny", "environment")
        found = mcp_visit(t, folder, "tools", transport=way, path="/mcp" if way == "http" else "/sse", calls=["echo", "big", "environment"])
        assert found["tools"] == ["echo", "pid"] and found["calls"]["echo"] == {"result": "m"}
        for tool in ("big", "environment"):
            assert found["calls"][tool] == {"code": -32602, "message": f"MCP error -32602: Tool not permitted through this tunnel: {tool}"}
    finally:
        if way == "sse":
            server.stop()


def test_what_is_filtered_is_said(tunnel, app):
    said = tunnel(app.port, "--mcp", "--mcp-allow", "nothing*").process.wait_event("mcp.ready")
    assert said["warning"] == "no_such_tool" and "nothing*" in said["message"]


RM = json.dumps(call_of("rm"))

TRICKS = {
    "twice": RM.replace('"name": "rm"', '"name": "ok", "name": "rm"'),
    "twice in escapes": RM.replace('"name": "rm"', '"name": "ok", "n\\u0061me": "rm"'),
    "upper case": RM.replace('"name": "rm"', '"name": "ok", "NAME": "rm"'),
    "two methods": RM.replace('"method":', '"method": "ping", "method":'),
    "escaped": RM.replace('"rm"', '"\\u0072m"').replace("tools/call", "tools\\/call"),
    "in a batch": json.dumps([request("ping", number=5), call_of("rm")]),
    "after a mark": b"\xef\xbb\xbf" + RM.encode(),
    "in UTF-16": RM.encode("utf-16-le"),
    "in UTF-16, the other way": RM.encode("utf-16-be"),
    "in lines": json.dumps(request("ping")) + "\n" + RM,
    "with a comment": "/**/" + RM,
    "after blanks": " \r\n\t" * 500 + RM,
}


@pytest.mark.parametrize("trick", TRICKS)
def test_no_spelling_gets_around_it(tunnel, listener, trick):
    t = tunnel(listener.port, "--mcp", "--mcp-deny", "rm")
    reply = post(t, TRICKS[trick])
    assert reply.status in (200, 400) and "error" in reply.text and listener.bodies == []
    assert post(t, call_of("ok")).status == 200
    assert listener.bodies == [json.dumps(call_of("ok")).encode()]


DRESSES = {
    "no JSON": ["-H", "Content-Type: text/plain"],
    "a form": ["-H", "Content-Type: application/x-www-form-urlencoded"],
    "gRPC": ["-H", "Content-Type: application/grpc"],
    "chunked": ["-H", "Transfer-Encoding: chunked"],
    "another method": ["-X", "PUT"],
    "another path": ["--path-as-is"],
}


@pytest.mark.parametrize("dress", DRESSES)
def test_no_dress_gets_around_it(tunnel, listener, dress):
    t = tunnel(listener.port, "--mcp", "--mcp-deny", "rm")
    file = t.cli.folder / "body"
    file.write_text(RM)
    reply = t.get("/other" if dress == "another path" else "/mcp", "--data-binary", f"@{file}", "-H", "Content-Type: application/json", *DRESSES[dress])
    assert "Tool not permitted" in reply.text and listener.bodies == []


def test_compressed_and_foreign_bodies_are_refused(tunnel, listener):
    t = tunnel(listener.port, "--mcp", "--mcp-deny", "rm")
    assert post(t, gzip.compress(RM.encode()), "-H", "Content-Encoding: gzip").status == 415
    file = t.cli.folder / "ok"
    file.write_text(json.dumps(call_of("ok")))
    assert t.get("/mcp", "--data-binary", f"@{file}", "-H", "Content-Type: application/json; charset=utf-16").status == 415
    assert listener.bodies == []


def test_upgrades_are_refused(tunnel, listener):
    t = tunnel(listener.port, "--mcp", "--mcp-deny", "rm")
    reply = t.get("/mcp", "--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13",
                  "-H", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
    assert reply.status == 403 and listener.bodies == []


def test_a_message_beyond_the_bound_is_refused(tunnel, listener):
    t = tunnel(listener.port, "--mcp", "--mcp-deny", "rm")
    assert post(t, " " * (17 << 20) + RM).status == 413
    assert listener.bodies == []
    large = call_of("ok", text="x" * (8 << 20))
    assert post(t, large).status == 200 and listener.bodies == [json.dumps(large).encode()]


def test_other_requests_go_their_way(tunnel, listener):
    t = tunnel(listener.port, "--mcp", "--mcp-deny", "rm")
    assert t.get("/token", "--data", "grant_type=authorization_code&code=x").status == 200
    assert post(t, {"client_name": "x", "redirect_uris": []}, path="/register").status == 200
    assert listener.bodies == [b"grant_type=authorization_code&code=x", b'{"client_name": "x", "redirect_uris": []}']
    assert all(b"Accept-Encoding: identity" in head for head in listener.heads if b"User-Agent: instatunnel" not in head)


def test_a_list_in_a_reply_of_any_form_is_filtered(tunnel, listener):
    t = tunnel(listener.port, "--mcp", "--mcp-allow", "ok")
    listed = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "ok"}, {"name": "r\u006d"}]}})
    for kind, body in (("application/json", listed), ("text/event-stream", f"data: {listed}\n\n")):
        for framing in ("length", "close", "chunked"):
            wire = body.encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n"
            if framing == "length":
                head += f"Content-Length: {len(wire)}\r\n\r\n"
            elif framing == "close":
                head += "Connection: close\r\n\r\n"
            else:
                head += "Transfer-Encoding: chunked\r\n\r\n"
                wire = b"".join(b"%x\r\n%s\r\n" % (len(wire[i:i + 7]), wire[i:i + 7]) for i in range(0, len(wire), 7)) + b"0\r\n\r\n"
            listener.reply = head.encode() + wire
            if framing == "close":
                continue
            reply = post(t, request("tools/list"))
            assert messages(reply)[0]["result"]["tools"] == [{"name": "ok"}], (kind, framing, reply.text)
    listener.reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"
    assert post(t, request("tools/list")).status == 502


def test_events_beside_a_held_one_are_not_delayed(tunnel, new_app):
    go_on = threading.Event()

    def serve(connection, _):
        if b"User-Agent: instatunnel" in connection.recv(65536):
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: hello\n\ndata: {\"first\":1}\n\ndata: {\"half\":")
        go_on.wait(20)
        connection.sendall(b"2}\n\n")

    t = tunnel(new_app(ByteApp, serve=serve).port, "--mcp", "--mcp-deny", "rm")
    with t.raw() as visitor:
        visitor.send(f"GET /mcp HTTP/1.1\r\nHost: {t.host}\r\nAccept: text/event-stream\r\n\r\n".encode())
        assert visitor.head()[0] == 200
        seen = b""
        while b'"first":1' not in seen:
            seen += visitor.chunk()
        assert b": hello" in seen and b"half" not in seen
        go_on.set()
        while b'"half":2' not in seen:
            seen += visitor.chunk()


def test_wrong_use_is_told(cli):
    for flags, word in ((["8787", "--mcp-allow", "x"], "--mcp"), (["8787", "--mcp", "--mcp-allow", "a,,b"], "empty"),
                        (["8787", "--mcp", "--mcp-deny", "x", "--upstream", "h2c"], "HTTP/1.1")):
        done = cli.run(*flags, *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
        assert done.returncode == 2 and word in done.stderr


def test_sessions_through_a_filter_are_told_apart(tunnel, folder, app):
    t = tunnel(app.port, "--mcp", "--mcp-deny", "die")
    assert messages(post(t, greeting()))[0]["result"]["serverInfo"]["name"] == "mcp-app"
    assert mcp_visit(t, folder, "sessions", count=10, calls=10)["right"] == 10
    wait_until(lambda: t.process.running(), 1, "the tunnel")
