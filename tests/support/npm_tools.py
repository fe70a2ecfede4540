"""Programs from npm that tests run; cmake/test.sh installs them into build/npm."""

import json
import os
import pathlib
import socket
import subprocess

import pytest

from ports import free_port
from process import Process, clean_environment, wait_until
import secret_watch

SUPPORT = pathlib.Path(__file__).resolve().parent


def npm_folder(wanted):
    """Where packages are installed; skips the test with the reason if `wanted`, a path below node_modules, is not there."""
    folder = pathlib.Path(os.environ.get("INSTATUNNEL_NPM", SUPPORT.parent.parent / "build" / "npm"))
    if not (folder / "node_modules" / wanted).exists():
        reason = folder / "why-not"
        pytest.skip(reason.read_text(encoding="utf-8").strip() if reason.exists() else f"{folder} has no {wanted}: cmake/test.sh installs it")
    return folder


def npm_program(name):
    """The path of an installed program; skips the test like npm_folder()."""
    return npm_folder(f".bin/{name}") / "node_modules" / ".bin" / name


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


class Conversation:
    """A script of tests/support/npm that asks, one JSON object a line, and is answered the same way.

    Through pipes alone: what is said holds codes and tokens."""

    def __init__(self, script, package, edge, folder):
        self._process = subprocess.Popen(
            ["node", SUPPORT / "npm" / script], cwd=npm_folder(package), text=True, encoding="utf-8", stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=clean_environment(folder, NODE_EXTRA_CA_CERTS=str(edge.cacert), NODE_OPTIONS=f"--require {SUPPORT / 'npm' / 'loopback.cjs'}"))

    def run(self, way, answer, **given):
        """What the script was done with in the end; `answer` is called with each question before."""
        try:
            said = self._say({"way": way, **given})
            while "done" not in said:
                assert "failed" not in said, said["failed"]
                said = self._say(answer(said))
            return said["done"]
        finally:
            self._process.kill()
            self._process.wait()

    def _say(self, what):
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        secret_watch.add_from_text(line)
        assert line, "the script ended"
        return json.loads(line)
