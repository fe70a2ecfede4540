"""Node programs of tests/support/npm: apps to put behind a tunnel, and visitors that talk to them."""

import json
import subprocess

from npm_tools import SUPPORT, npm_folder
from process import Process, clean_environment


class NodeApp:
    """A script that serves on loopback and says so; skips the test without `package`. `events(name)`: what it said since."""

    def __init__(self, script, package, folder, arguments=()):
        self._process = Process(script.partition(".")[0], ["node", SUPPORT / "npm" / script, *arguments], folder / "logs",
                                env=clean_environment(folder), cwd=npm_folder(package))
        self.port = self._process.wait_event("ready")["port"]
        self.pid = self._process.pid
        self.events, self.wait_event = self._process.events, self._process.wait_event

    def stop(self):
        self._process.kill()


def visitor_command(script, tunnel, folder, way, **given):
    """(argv, options) of a script that visits a tunnel with its certificate checked, and prints one JSON object."""
    told = {"way": way, "url": tunnel.url, **given}
    environment = clean_environment(folder, NODE_EXTRA_CA_CERTS=str(tunnel.edge.cacert), NODE_OPTIONS=f"--require {SUPPORT / 'npm' / 'loopback.cjs'}")
    return ["node", SUPPORT / "npm" / script, json.dumps(told)], {"env": environment, "cwd": npm_folder("ws")}


def node_visit(script, tunnel, folder, way, limit=60, **given):
    """Runs such a script to its end and returns what it found."""
    argv, options = visitor_command(script, tunnel, folder, way, **given)
    done = subprocess.run(argv, capture_output=True, text=True, encoding="utf-8", timeout=limit, check=False, **options)
    assert done.returncode == 0, f"{script} {way}: {done.stdout[-2000:]} {done.stderr[-4000:]}"
    return json.loads(done.stdout)
