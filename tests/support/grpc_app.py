"""A gRPC server by @grpc/grpc-js as the local app, and a caller by the same library who comes through the tunnel."""

import json

from npm_tools import SUPPORT, Conversation, npm_folder
from ports import free_port
from process import Process, clean_environment

PACKAGE = "@grpc/grpc-js"


class GrpcApp:
    """tests/support/npm/grpc_server.mjs on a port that stays the same over restarts; `address` replaces 127.0.0.1:PORT."""

    def __init__(self, folder, certificate=None, address=None, **options):
        self.cwd = npm_folder(PACKAGE)
        self.folder, self.certificate, self.options = folder, certificate or (), options
        self.port = free_port()
        self.address = address or f"127.0.0.1:{self.port}"
        self.start()

    def start(self):
        self.process = Process(
            "grpc", ["node", SUPPORT / "npm" / "grpc_server.mjs", self.address, *self.certificate], self.folder / "logs", cwd=self.cwd,
            env=clean_environment(self.folder, GRPC_OPTIONS=json.dumps(self.options)))
        self.process.wait_event("ready")

    def stop(self):
        self.process.kill()

    def calls(self, method=None):
        return [e for e in self.process.events("call") if method in (None, e["method"])]

    def seen(self, event, limit=15, **match):
        return self.process.wait_event(event, limit, match=lambda e: all(e.get(k) == v for k, v in match.items()))


def call(tunnel, folder, way, answer=None, **given):
    """Runs one way of tests/support/npm/grpc_client.mjs through `tunnel`."""
    to = {"port": tunnel.edge.port, "host": tunnel.host, "cacert": str(tunnel.edge.cacert)}
    return Conversation("grpc_client.mjs", PACKAGE, tunnel.edge, folder).run(way, answer, **to, **given)
