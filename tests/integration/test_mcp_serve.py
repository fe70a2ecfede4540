"""`instatunnel mcp serve`: tunnels that a program opens and closes as tools."""

import json
import subprocess

import pytest

from mcp_apps import call_of, greeting, request


class Server:
    def __init__(self, cli):
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            [cli.binary, "mcp", "serve", *cli.server()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            encoding="utf-8", env=cli.environment(INSTATUNNEL_API_KEY=cli.edge.owner.key), cwd=cli.folder)
        self._number = 0

    def say(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def next(self):
        return json.loads(self._process.stdout.readline())

    def ask(self, message):
        self.say(json.dumps(message))
        answer = self.next()
        assert answer["id"] == message["id"]
        return answer

    def call(self, tool, **arguments):
        self._number += 1
        return self.ask(call_of(tool, self._number, **arguments))["result"]

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
    assert [tool["name"] for tool in server.ask(request("tools/list"))["result"]["tools"]] == ["open_tunnel", "list_tunnels", "close_tunnel"]
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
    assert server.ask(request("no/such"))["error"]["code"] == -32601
    server.say("nonsense")
    assert server.next()["error"]["code"] == -32700
    assert server.ask(request("ping"))["result"] == {}


def test_its_tunnels_end_with_its_input(server, app, edge):
    server.call("open_tunnel", target=str(app.port), subdomain="short-lived")
    assert edge.get("short-lived").status == 200
    assert server.end() == 0
    assert edge.get("short-lived", "/", "--max-time", "40").status != 200
