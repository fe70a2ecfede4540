#!/usr/bin/env python3
"""What a tunnel adds to the delay of events: server-sent events and WebSocket messages every 20 ms, direct and through a tunnel
in turns of a few milliseconds, with nothing else and beside a download at full speed through the same tunnel.

Takes about a minute with the defaults.

  tests/bench/events.py build/release/instatunnel --json events.json
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from edge import Cli, Edge, Tunnel  # noqa: E402
from event_app import GAP_NS  # noqa: E402
from http2_visitor import Http2Visitor  # noqa: E402
from process import Process  # noqa: E402
from visitor import curl_command, tls_connection  # noqa: E402

GOAL_MS = 5
EVENT = re.compile(rb"@(\d{5}) (\d{20});")
# Each way has its own moment inside the 20 ms, so that no event waits for another one's visitor.
WAYS = ("SSE direct", "SSE", "SSE, HTTP/2", "WebSocket direct", "WebSocket")
PAIRS = (("SSE", "SSE direct"), ("SSE, HTTP/2", "SSE direct"), ("WebSocket", "WebSocket direct"))
LEAD_NS = 700_000_000  # from asking to the first event


def note(text):
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


class Listener(threading.Thread):
    """One visitor. `delays`: milliseconds from sending to arrival, by the event's number."""

    def __init__(self, way, app_port, tunnel, at, count):
        super().__init__(daemon=True)
        self.way, self.count, self.delays = way, count, {}
        self._path = f"/events?at={at}&n={count}"
        host = f"{tunnel.host}:{tunnel.edge.port}"
        if way == "SSE, HTTP/2":
            self._http2 = Http2Visitor(tunnel.edge.port, tunnel.host, tunnel.edge.cacert)
            return
        self._http2 = None
        self._socket = (socket.create_connection(("127.0.0.1", app_port), 20) if "direct" in way
                        else tls_connection(tunnel.edge.port, tunnel.host, tunnel.edge.cacert))
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        self._head = f"GET {self._path} HTTP/1.1\r\nHost: {host}\r\n{upgrade if 'WebSocket' in way else ''}\r\n".encode()

    def run(self):
        with self._http2 or self._socket:
            if self._http2:
                answer = self._http2.answers[self._http2.start(self._path)]
                while len(self.delays) < self.count:
                    self._http2.step()
                    answer.body = self._take(answer.body)
                return
            self._socket.sendall(self._head)
            data = b""
            while len(self.delays) < self.count:
                more = self._socket.recv(65536)
                if not more:
                    return
                data = self._take(data + more)

    def _take(self, data):
        """Notes the events of `data`; what is left of it."""
        now, end = time.monotonic_ns(), 0
        for event in EVENT.finditer(data):
            self.delays[int(event.group(1))] = (now - int(event.group(2))) / 1e6
            end = event.end()
        return data[end:]


def listen(app_port, tunnel, seconds):
    """Delays of all ways in the same seconds."""
    count = int(seconds * 1e9) // GAP_NS
    start = time.monotonic_ns() + LEAD_NS
    listeners = [Listener(way, app_port, tunnel, start + n * GAP_NS // len(WAYS), count) for n, way in enumerate(WAYS)]
    for one in listeners:
        one.start()
    for one in listeners:
        one.join(seconds + 30)
        if len(one.delays) != count:
            raise RuntimeError(f"{one.way}: {len(one.delays)} of {count} events came")
    return {one.way: [one.delays[n] for n in range(count)] for one in listeners}


def beside_a_download(app_port, tunnel, seconds):
    """The same while one visitor downloads through the tunnel; also the megabytes a second of that."""
    command = curl_command(tunnel.url + "/big", tunnel.edge.cacert, "-o", "/dev/null", "-w", "%{speed_download}", "--max-time", seconds + 1.5)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as curl:
        time.sleep(0.3)
        delays = listen(app_port, tunnel, seconds)
        return delays, float(curl.communicate(timeout=60)[0]) / 1e6


def summary(rounds):
    """Percentiles over all rounds, and of the differences between an event through the tunnel and the direct one beside it."""
    delays = {way: [delay for one in rounds for delay in one[way]] for way in WAYS}
    found = {}
    for way, direct in PAIRS:
        added = [a - b for a, b in zip(delays[way], delays[direct])]
        found[way] = {"direct_p50": percentile(delays[direct], 0.5), "direct_p99": percentile(delays[direct], 0.99), "p50": percentile(delays[way], 0.5),
                      "p99": percentile(delays[way], 0.99), "added_p50": percentile(added, 0.5), "added_p99": percentile(added, 0.99), "events": len(added)}
    return found


def report(results):
    lines = ["### Delay of events, ms\n", "| events | beside | direct p50 / p99 | tunnel p50 / p99 | added p50 | added p99 | goal for both |", "|---|---|---|---|---|---|---|"]
    for load, found in results["summary"].items():
        for way, f in found.items():
            lines.append(f"| {way} | {load} | {f['direct_p50']:.2f} / {f['direct_p99']:.2f} | {f['p50']:.2f} / {f['p99']:.2f} | {f['added_p50']:.2f} | {f['added_p99']:.2f} "
                         f"| < {GOAL_MS}: {'yes' if f['added_p99'] < GOAL_MS else 'p50 alone' if f['added_p50'] < GOAL_MS else 'no'} |")
    speeds = ", ".join(f"{speed:.0f}" for speed in results["download_mb_s"])
    return "\n".join(lines) + f"\n\nThe downloads ran at {speeds} MB/s.\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", help="the instatunnel program")
    parser.add_argument("--json", help="write every delay to this file")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each, quiet and beside a download (3)")
    parser.add_argument("--seconds", type=int, default=6, help="length of a round (6)")
    parser.add_argument("--serve", default="", help="more flags for the edge, e.g. \"--limit window-growth=0\"")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="instatunnel-bench-"))
    edge, running = Edge(os.path.abspath(options.binary), folder, ["--dev", *options.serve.split()]), []
    rounds, speeds = {"nothing": [], "a download": []}, []
    try:
        app = Process("events", [sys.executable, pathlib.Path(__file__).parent / "event_app.py"], folder)
        running.append(app)
        port = int(app.wait_text(r"^(\d+)\n", "stdout").group(1))
        running.append(edge.start())
        tunnel = Tunnel(Cli(edge.binary, folder / "client", edge), f"127.0.0.1:{port}", "--quiet", name="bench")
        running.append(tunnel)
        for turn in range(options.rounds):
            rounds["nothing"].append(listen(port, tunnel, options.seconds))
            delays, speed = beside_a_download(port, tunnel, options.seconds)
            rounds["a download"].append(delays)
            speeds.append(speed)
            note(f"round {turn + 1}/{options.rounds}: load of the machine {os.getloadavg()[0]:.1f}, download {speed:.0f} MB/s")
    finally:
        for one in reversed(running):
            one.stop()
        shutil.rmtree(folder, ignore_errors=True)
    results = {"summary": {load: summary(found) for load, found in rounds.items()}, "download_mb_s": speeds}
    print(report(results))
    if options.json:
        document = {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": " ".join(os.uname()), "cpus": os.cpu_count(),
                    "options": vars(options), **results, "delays_ms": rounds}
        pathlib.Path(options.json).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
