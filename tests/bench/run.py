#!/usr/bin/env python3
"""Puts tunnels and proxies under the same load, interleaved in one run, and prints a table with ratios.

Compare ratios inside one run, never absolute figures of two runs: the machine drifts, and it drifts for all alike here.
Takes about four minutes with the defaults. Needs the packages of cmake/packages-bench.txt.

  tests/bench/run.py build/release/instatunnel --json bench.json
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

import meters  # noqa: E402
import targets as ways  # noqa: E402
from process import StillWaiting  # noqa: E402
from report import goals, table  # noqa: E402
from wrk import Wrk  # noqa: E402

IDLE_CONNECTIONS = 1000
IDLE_SECONDS = 3
FRESH = ("c64",)  # measured with processes that are started for each round


def note(text):
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


class Bench:
    """The measurements; each takes a target and returns a flat dictionary of figures."""

    def __init__(self, options, folder):
        self.seconds = options.seconds
        self.big_bytes = options.bulk_mib << 20
        self._wrk = Wrk(folder, [ways.NAME])

    def c1(self, target):
        return self._wrk.run(target, target.url + "/1k.bin", 1, self.seconds)

    def c64(self, target):
        return self._wrk.run(target, target.url + "/1k.bin", 64, self.seconds)

    def _curl(self, target, arguments, field):
        with meters.Interval(target) as used:
            text = subprocess.run(
                ["curl", "-sk", "--http1.1", "-o", "/dev/null", "-w", "%{http_code} %{" + field + "} %{time_total}", "--max-time", "120",
                 "--resolve", f"{target.host}:{target.port}:127.0.0.1"] + arguments,
                capture_output=True, text=True, check=False).stdout.split()
        if text[0] != "200" or int(text[1]) != self.big_bytes:
            return {"error": f"status {text[0]}, {text[1]} bytes"}
        gib = self.big_bytes / 2**30
        return {"mb_s": self.big_bytes / 1e6 / float(text[2]), "s_gib_edge": used.edge / gib, "s_gib_client": used.client / gib,
                "s_gib": (used.edge + used.client) / gib,
                "peak_mib_edge": meters.peak_memory(target.edge_pids()) / 2**20,
                "peak_mib_client": meters.peak_memory(target.client_pids()) / 2**20}

    def down(self, target):
        return self._curl(target, [target.url + "/big.bin"], "size_download")

    def up(self, target):
        return self._curl(target, ["-H", "Expect:", "-T", str(target.origin.big), target.url + "/upload"], "size_upload")

    def idle(self, target):
        """Memory before and with 1,000 connections that made one request each, then nothing; fresh processes, one measurement."""
        before = meters.memory(target.edge_pids()), meters.memory(target.client_pids())
        connections = []
        try:
            for _ in range(IDLE_CONNECTIONS):
                connections.append(target.connect())
                if target.get(connections[-1]) != 200:
                    return {"error": "a connection was refused"}
            time.sleep(IDLE_SECONDS)
            after = meters.memory(target.edge_pids()), meters.memory(target.client_pids())
            alive = sum(target.get(c) == 200 for c in connections[::50])
        finally:
            for connection in connections:
                connection.close()
        return {"mib_edge": before[0] / 2**20, "mib_client": before[1] / 2**20,
                "kib_each_edge": (after[0] - before[0]) / 1024 / IDLE_CONNECTIONS,
                "kib_each_client": (after[1] - before[1]) / 1024 / IDLE_CONNECTIONS, "alive": alive / len(connections[::50])}

    def start(self, target):
        """Seconds from the start of the client to its URL, and to the first answer through it."""
        if not target.has_client():
            return {}
        target.stop_client()
        time.sleep(0.5)
        begin = time.monotonic()
        ready = target.start_client()
        target.wait_ok()
        figures = {"first_answer_s": time.monotonic() - begin}
        if ready is not None:
            figures["url_s"] = ready
        return figures


def median(rows):
    """Medians of the figures of all rounds; an error of any round is kept."""
    merged = {}
    for key in {k for row in rows for k in row}:
        values = [row[key] for row in rows if key in row]
        merged[key] = values[-1] if isinstance(values[-1], str) else statistics.median(values)
    return merged


@contextlib.contextmanager
def fresh(target, place):
    """The same way with processes of its own. What one start of a program costs a request differs from the next start
    by several per cent (where its memory came to lie, which core it got), so rounds on one start repeat one sample."""
    place.mkdir()
    again = type(target)(place, target.origin)
    try:
        again.start()
        yield again
    finally:
        again.stop()


def measure(bench, chosen, rounds):
    """All rounds of all measurements; the order of the targets turns round each time."""
    results = {t.name: {} for t in chosen}
    for measurement, count in rounds.items():
        rows = {t.name: [] for t in chosen}
        for turn in range(count):
            for target in chosen if turn % 2 == 0 else chosen[::-1]:
                try:
                    if measurement in FRESH:
                        with fresh(target, target.folder / f"{measurement}-{turn}") as again:
                            row = getattr(bench, measurement)(again)
                    else:
                        row = getattr(bench, measurement)(target)
                except (OSError, StillWaiting, subprocess.SubprocessError) as problem:
                    row = {"error": str(problem)[:300]}
                rows[target.name].append(row)
                note(f"{measurement} {turn + 1}/{count} {target.name}: "
                     + ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()))
        for target in chosen:
            results[target.name][measurement] = {"median": median(rows[target.name]), "rounds": rows[target.name]}
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", nargs="?", help="the instatunnel program; left out: only the others are measured")
    parser.add_argument("--json", help="write every figure to this file")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the start and of one connection (3)")
    parser.add_argument("--fresh-rounds", type=int, default=7, help="rounds of 64 connections, each with new processes (7)")
    parser.add_argument("--bulk-rounds", type=int, default=1, help="rounds of the bulk measurements (1)")
    parser.add_argument("--seconds", type=int, default=3, help="length of one small-request measurement (3)")
    parser.add_argument("--bulk-mib", type=int, default=1024, help="size of a bulk transfer (1024)")
    parser.add_argument("--only", default="", help="names of targets, comma separated")
    options = parser.parse_args()

    ways.Ours.binary = os.path.abspath(options.binary) if options.binary else ""
    kinds = [ways.Direct, ways.NginxHop, ways.HaproxyPair, ways.SshReverse] + ([ways.Ours] if options.binary else [])
    kinds = [k for k in kinds if not options.only or k.name in options.only.split(",")]
    rounds = {"idle": 1, "start": options.rounds, "c1": options.rounds, "c64": options.fresh_rounds, "down": options.bulk_rounds,
              "up": options.bulk_rounds}
    # On tmpfs where there is one, so that no disk is measured.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="instatunnel-bench-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    folder.chmod(0o755)
    running = []
    try:
        bench = Bench(options, folder)
        origin = ways.Origin(folder / "origin", options.bulk_mib << 20)
        running.append(origin)
        chosen = []
        for kind in kinds:
            place = folder / kind.__name__
            place.mkdir()
            target = kind(place, origin)
            running.append(target)
            note(f"starting {target.name}")
            target.start()
            chosen.append(target)
        results = measure(bench, chosen, rounds)
    finally:
        for started in reversed(running):
            started.stop()
        shutil.rmtree(folder, ignore_errors=True)

    print(table(chosen, results))
    print(goals(results))
    if options.json:
        document = {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": " ".join(os.uname()), "cpus": os.cpu_count(),
                    "options": vars(options), "targets": {t.name: {"note": t.note, **results[t.name]} for t in chosen}}
        pathlib.Path(options.json).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
