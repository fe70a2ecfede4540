"""MCP servers to put behind a tunnel, and visits to them with the official SDK's client."""

import json
import os
import subprocess
import urllib.parse

from edge import Tunnel
from node import NodeApp, node_visit
from npm_tools import SUPPORT, npm_folder, npm_program
from ports import accepts, free_port
from process import Process, clean_environment, wait_until

SDK = "@modelcontextprotocol/sdk"


class McpApp(NodeApp):
    """mcp_app.mjs; `way` is http or sse."""

    def __init__(self, way, folder, port=0):
        super().__init__("mcp_app.mjs", SDK, folder, [way, str(port)])


class ModernApp(NodeApp):
    """mcp_modern.mjs, of the SDK for 2026-07-28."""

    def __init__(self, folder):
        super().__init__("mcp_modern.mjs", "@modelcontextprotocol/server", folder, ["http"])


class Everything:
    """@modelcontextprotocol/server-everything; `way` is streamableHttp or sse."""

    def __init__(self, way, folder):
        program = npm_program("mcp-server-everything")
        self.port = free_port()
        self._process = Process("everything", ["node", program, way], folder / "logs", env=clean_environment(folder, PORT=self.port))
        wait_until(lambda: accepts(self.port), 30, self._process.report)

    def stop(self):
        self._process.kill()


def modern_visit(tunnel, folder, **given):
    """What the client of that SDK finds."""
    environment = clean_environment(folder, NODE_EXTRA_CA_CERTS=str(tunnel.edge.cacert), NODE_OPTIONS=f"--require {SUPPORT / 'npm' / 'loopback.cjs'}")
    done = subprocess.run(["node", SUPPORT / "npm" / "mcp_modern.mjs", "visit", json.dumps({"url": tunnel.url, **given})], env=environment,
                          cwd=npm_folder("@modelcontextprotocol/client"), capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def app_command(script="mcp_app.mjs"):
    return ["node", str(SUPPORT / "npm" / script), "stdio"]


class StdioTunnel(Tunnel):
    """`instatunnel mcp -- COMMAND` with `--json` whose tunnel is open."""

    def __init__(self, cli, command, *flags, name, **environment):  # pylint: disable=super-init-not-called
        self.cli, self.edge = cli, cli.edge
        self.process = cli.start(
            "client", "mcp", "--subdomain", name, "--json", *flags, *cli.server(), "--", *command,
            INSTATUNNEL_API_KEY=self.edge.owner.key, MCP_PACKAGES=npm_folder(SDK), **environment)
        self.ready = self.process.wait_event("tunnel.ready")
        self.url = self.ready["url"]
        self.host = urllib.parse.urlsplit(self.url).hostname
        self.name = name

    def children(self):
        """Process ids of what it has started."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as listed:
            return [int(pid) for pid in listed.read().split()]


def mcp_visit(tunnel, folder, way, limit=60, **given):
    npm_folder(SDK)
    return node_visit("mcp_visitor.mjs", tunnel, folder, way, limit, **given)


def post(tunnel, message, *arguments, path="/mcp"):
    """One message by curl; `message` is sent as it is unless it is no text."""
    body = message if isinstance(message, (str, bytes)) else json.dumps(message)
    file = tunnel.cli.folder / f"body-{os.urandom(4).hex()}"
    file.write_bytes(body if isinstance(body, bytes) else body.encode())
    return tunnel.get(path, "--data-binary", f"@{file}", "-H", "Content-Type: application/json",
                      "-H", "Accept: application/json, text/event-stream", "--max-time", "20", *arguments)


def request(method, params=None, number=1):
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}


def greeting(revision="2025-11-25"):
    return request("initialize", {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "curl", "version": "1"}})


def call_of(tool, number=1, **arguments):
    return request("tools/call", {"name": tool, "arguments": arguments}, number)


def messages(reply):
    """The messages of a reply, in JSON or in events."""
    if "json" in (reply.header("content-type") or ""):
        return [json.loads(reply.text)]
    data = [line[5:].strip() for line in reply.text.splitlines() if line.startswith("data:")]
    return [json.loads(text) for text in data if text]


def conformance(url, folder, cacert=None):
    """Outcome of each scenario of @modelcontextprotocol/conformance: {"ping": "1 passed, 0 failed", …}.

    What a server cannot do fails; a tunnel in front of it must change none of it."""
    extra = {"NODE_EXTRA_CA_CERTS": str(cacert)} if cacert else {}
    environment = clean_environment(folder, NODE_OPTIONS=f"--require {SUPPORT / 'npm' / 'loopback.cjs'}", **extra)
    done = subprocess.run(["node", npm_program("conformance"), "server", "--url", url], env=environment, cwd=folder, capture_output=True,
                          text=True, encoding="utf-8", timeout=120, check=False)
    summary = done.stdout.partition("=== SUMMARY ===")[2]
    return dict(line[2:].split(": ", 1) for line in summary.splitlines() if " passed, " in line and not line.startswith("Total"))
