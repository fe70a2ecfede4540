"""Programs from npm that tests run; cmake/test.sh installs them into build/npm."""

import os
import pathlib
import socket

import pytest

from ports import free_port
from process import Process, clean_environment, wait_until

SUPPORT = pathlib.Path(__file__).resolve().parent


def npm_program(name):
    """The path of an installed program; skips the test if cmake/test.sh could not install it, and fails it if it should have."""
    folder = pathlib.Path(os.environ.get("INSTATUNNEL_NPM", SUPPORT.parent.parent / "build" / "npm"))
    program = folder / "node_modules" / ".bin" / name
    if not program.exists():
        reason = folder / "why-not"
        pytest.skip(reason.read_text(encoding="utf-8").strip() if reason.exists() else f"{folder} has no {name}: cmake/test.sh installs it")
    return program


def _accepts(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Prism:
    """@stoplight/prism-cli as a proxy in front of an edge's API: an answer that the description does not have becomes a 500."""

    def __init__(self, edge, description, folder):
        program = npm_program("prism")
        self.port = free_port()
        environment = clean_environment(folder, NODE_EXTRA_CA_CERTS=str(edge.cacert), NODE_OPTIONS=f"--require {SUPPORT / 'npm' / 'loopback.cjs'}")
        self._process = Process("prism", [program, "proxy", description, edge.api + "/v1", "--errors", "--validate-request=false", "--cors=false", "--port", self.port],
                                folder / "logs", env=environment)
        wait_until(lambda: _accepts(self.port), 60, self._process.report)

    def stop(self):
        self._process.kill()
