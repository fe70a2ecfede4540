#!/usr/bin/env python3
"""What authentication costs: key-authenticated API calls, a storm of sign-ins beside a tunnel, the time of a wrong sign-in, a large store.

Figures that are compared come from one run and are taken in turns. Takes about two minutes with the defaults. Needs the packages of
cmake/packages-bench.txt.

  tests/bench/auth.py build/release/instatunnel --json auth.json
"""

import argparse
import json
import os
import pathlib
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from api_connection import ApiConnection  # noqa: E402
from edge import Cli, Edge, Tunnel  # noqa: E402
from process import Process  # noqa: E402
from store_rows import StoreRows, argon2id  # noqa: E402
from targets import Origin  # noqa: E402
from visitor import tls_connection  # noqa: E402
from wrk import Wrk  # noqa: E402

PASSWORD = "a password of the bench"
STORM_PEOPLE_A_SECOND = 4  # as many as login_storm.py lets try for each try a second
CHECKS = ("cached", "fresh", "unknown")


def note(text):
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def medians(rows):
    return {key: statistics.median([row[key] for row in rows]) for key in rows[0] if all(isinstance(row.get(key), (int, float)) for row in rows)}


def make_key():
    return "it_" + secrets.token_hex(8)


class Running:
    """An edge, and a tunnel if asked for, as something whose CPU time is measured."""

    def __init__(self, binary, folder):
        folder.mkdir()
        self.folder, self.edge, self.tunnel = folder, Edge(binary, folder).start(), None

    def open_tunnel(self, port):
        cli = Cli(self.edge.binary, self.folder / "client", self.edge)
        self.tunnel = Tunnel(cli, f"127.0.0.1:{port}", "--quiet", name="bench")

    def edge_pids(self):
        return [self.edge.process.pid]

    def client_pids(self):
        return [self.tunnel.process.pid] if self.tunnel else []

    def stop(self):
        if self.tunnel:
            self.tunnel.stop()
        self.edge.stop()


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.wrk = Wrk(folder, ["api.localhost", "bench.localhost"])
        self.running = []

    def start(self, name):
        self.running.append(Running(self.options.binary, self.folder / name))
        return self.running[-1]

    def stop(self):
        for one in reversed(self.running):
            one.stop()

    # -- API calls with a key

    def api_calls(self, target):
        edge, results = target.edge, {}
        key = [f"Authorization: Bearer {edge.owner.key}"]
        for path in ("/v1/auth/user", "/v1/tunnels"):
            for connections in (1, 16):
                rows = [self.wrk.run(target, edge.api + path, connections, self.options.seconds, key) for _ in range(self.options.rounds)]
                results[f"GET {path}, {connections}"] = {"rounds": rows, "median": medians(rows)}
                note(f"GET {path}, {connections} connections: {medians(rows)}")
        return results

    # -- a storm of sign-ins

    def add_people(self, target):
        hashed = argon2id(PASSWORD)
        with StoreRows(target.edge.data) as rows:
            for number in range(max(STORM_PEOPLE_A_SECOND * self.options.storm_rate, self.options.logins)):
                rows.account(f"person{number}", f"person{number}@example.com", "Person", 1, hashed)

    def storm(self, target):
        rate, edge = self.options.storm_rate, target.edge
        described = self.folder / "storm.json"
        described.write_text(json.dumps({"api": edge.api, "cacert": edge.cacert, "port": edge.port, "password": PASSWORD}), encoding="utf-8")
        rounds = {"quiet": [], "storm": []}
        for turn in range(self.options.rounds):
            for state in ("quiet", "storm") if turn % 2 == 0 else ("storm", "quiet"):
                attack = None
                if state == "storm":
                    attack = Process("storm", [sys.executable, pathlib.Path(__file__).parent / "login_storm.py", described, rate,
                                               2 * self.options.seconds + 1], self.folder)
                    attack.wait_text("begun", "stdout", 60)
                row = self._beside(target)
                if attack:
                    attack.wait(90)
                    row["sign_ins"] = json.loads(attack.stdout.splitlines()[-1])
                rounds[state].append(row)
                note(f"{state}: {row}")
        flat = {state: medians([{f"{what} {k}": v for what in ("tunnel", "api") for k, v in row[what].items()} for row in rows])
                for state, rows in rounds.items()}
        return {"rounds": rounds, "median": flat}

    def _beside(self, target):
        key = [f"Authorization: Bearer {target.edge.owner.key}"]
        return {"tunnel": self.wrk.run(target, target.tunnel.url + "/1k.bin", 16, self.options.seconds, pause_ms=10),
                "api": self.wrk.run(target, target.edge.api + "/v1/auth/user", 4, self.options.seconds, key, pause_ms=10)}

    # -- the time of a wrong sign-in

    def login_times(self, target):
        tries = [("known", f"person{n}@example.com") for n in range(self.options.logins)]
        tries += [("unknown", f"nobody{n}@example.com") for n in range(self.options.logins)]
        random.Random(1).shuffle(tries)
        times = {"known": [], "unknown": []}
        for number, (kind, email) in enumerate(tries):
            # Each from an address of its own, since wrong tries of one address are limited.
            with ApiConnection(target.edge, source=f"127.2.{number // 250}.{1 + number % 250}") as api:
                begin = time.perf_counter()
                status, body = api.call("POST", "/v1/auth/login", {"email": email, "password": "not the password"})
                times[kind].append(1000 * (time.perf_counter() - begin))
                if status != 401:
                    raise RuntimeError(f"login of {kind}: {status} {body}")
        parts = {kind: {"p10": percentile(v, 0.1), "p50": percentile(v, 0.5), "p90": percentile(v, 0.9), "p99": percentile(v, 0.99)}
                 for kind, v in times.items()}
        note(f"wrong sign-ins: {parts}")
        return {"percentiles": parts, "times_ms": times}

    # -- a large store

    def scale(self, empty, full):
        """p50 of GET /v1/tunnels over one connection. "fresh" keys are asked for once each, so each check reads the store."""
        calls, rounds = self.options.checks, self.options.rounds
        fresh = {"empty": self._fill(empty, 1, calls * rounds), "full": self._fill(full, self.options.accounts, self.options.keys)}
        results = {check: {"empty": [], "full": []} for check in CHECKS}
        for turn in range(rounds):
            for check in CHECKS:
                for name, target in (("empty", empty), ("full", full)) if turn % 2 == 0 else (("full", full), ("empty", empty)):
                    keys = {"cached": [target.edge.owner.key] * calls, "fresh": fresh[name][turn * calls:(turn + 1) * calls],
                            "unknown": [make_key() for _ in range(calls)]}[check]
                    times = self._call(target.edge, keys)
                    results[check][name].append({"p50_us": percentile(times, 0.5), "p99_us": percentile(times, 0.99)})
        for check, both in results.items():
            note(f"key check, {check}: {[medians(rows) for rows in both.values()]}")
        return {check: {name: {"rounds": rows, "median": medians(rows)} for name, rows in both.items()} for check, both in results.items()}

    def _fill(self, target, accounts, keys):
        """Keys in an order by chance, all of different accounts as far as there are enough."""
        made = []
        begin = time.monotonic()
        with StoreRows(target.edge.data) as rows:
            for number in range(accounts):
                rows.account(f"filled{number}", f"filled{number}@example.com", "Filled", 1)
            for number in range(keys):
                made.append(make_key())
                rows.key(f"key_filled{number}", f"filled{number % accounts}", "Filled", made[-1], ["tunnels:*"], 1)
        note(f"{accounts} accounts and {keys} keys stored in {time.monotonic() - begin:.1f} s")
        random.Random(2).shuffle(made)
        return made

    @staticmethod
    def _call(edge, keys):
        """Microseconds of each call, one after the other on one connection."""
        times = []
        requests = [f"GET /v1/tunnels HTTP/1.1\r\nHost: api.localhost:{edge.port}\r\nAuthorization: Bearer {key}\r\n\r\n".encode() for key in keys]
        with tls_connection(edge.port, "api.localhost", edge.cacert) as connection:
            for request in requests:
                begin = time.perf_counter()
                connection.sendall(request)
                data = connection.recv(65536)
                while not data.endswith(b"}"):
                    data += connection.recv(65536)
                times.append(1e6 * (time.perf_counter() - begin))
        return times


def table(header, lines):
    return "\n".join(["| " + " | ".join(header) + " |", "|" + "---|" * len(header)] + ["| " + " | ".join(line) + " |" for line in lines]) + "\n"


def report(results):
    parts = []
    if "api" in results:
        parts += ["### API calls with a key\n", table(["call, connections", "calls/s", "p50 ms", "p99 ms", "CPU µs/call"], [
            [name, f"{m['rps']:,.0f}", f"{m['p50_ms']:.2f}", f"{m['p99_ms']:.2f}", f"{m['us']:.0f}"]
            for name, m in ((name, r["median"]) for name, r in results["api"].items())])]
    if "storm" in results:
        quiet, storm = results["storm"]["median"]["quiet"], results["storm"]["median"]["storm"]
        parts += ["### Beside a storm of sign-ins\n", table(["what", "quiet", "storm", "ratio"], [
            [f"{what}, {figure.replace('_', ' ')}", f"{quiet[key]:,.2f}", f"{storm[key]:,.2f}", f"{storm[key] / quiet[key]:.2f}"]
            for what in ("tunnel", "api") for figure in ("rps", "p50_ms", "p99_ms") for key in [f"{what} {figure}"]])]
        for row in results["storm"]["rounds"]["storm"]:
            parts.append(f"Sign-ins of a round: {json.dumps(row['sign_ins'])}\n")
    if "logins" in results:
        known, unknown = results["logins"]["percentiles"]["known"], results["logins"]["percentiles"]["unknown"]
        parts += ["### Time of a wrong sign-in, ms\n", table(["percentile", "known address", "unknown address", "ratio"], [
            [p, f"{known[p]:.1f}", f"{unknown[p]:.1f}", f"{known[p] / unknown[p]:.3f}"] for p in known])]
    if "scale" in results:
        parts += ["### A key check in a large store, µs\n", table(["key", "p50 empty", "p50 full", "ratio", "p99 empty", "p99 full"], [
            [check, f"{e['p50_us']:.0f}", f"{f['p50_us']:.0f}", f"{f['p50_us'] / e['p50_us']:.2f}", f"{e['p99_us']:.0f}", f"{f['p99_us']:.0f}"]
            for check, e, f in ((c, r["empty"]["median"], r["full"]["median"]) for c, r in results["scale"].items())])]
    return "\n".join(parts)


def measure(bench, only):
    results, options = {}, bench.options
    origin = Origin(bench.folder / "origin", 1 << 20)
    try:
        if only & {"api", "storm", "logins"}:
            target = bench.start("service")
            target.open_tunnel(origin.port)
            if "api" in only:
                results["api"] = bench.api_calls(target)
            bench.add_people(target)
            if "storm" in only:
                results["storm"] = bench.storm(target)
            if "logins" in only:
                results["logins"] = bench.login_times(target)
        if "scale" in only:
            note(f"filling a store with {options.accounts:,} accounts and {options.keys:,} keys")
            results["scale"] = bench.scale(bench.start("empty"), bench.start("full"))
    finally:
        bench.stop()
        origin.stop()
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", help="the instatunnel program")
    parser.add_argument("--json", help="write every figure to this file")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each measurement (3)")
    parser.add_argument("--seconds", type=int, default=3, help="length of one measurement under load (3)")
    parser.add_argument("--storm-rate", type=int, default=50, help="sign-ins tried a second (50)")
    parser.add_argument("--logins", type=int, default=100, help="wrong sign-ins of either kind (100)")
    parser.add_argument("--checks", type=int, default=1000, help="key checks of a kind, a round and a store (1000)")
    parser.add_argument("--accounts", type=int, default=10_000, help="accounts in the large store (10,000)")
    parser.add_argument("--keys", type=int, default=100_000, help="keys in the large store (100,000)")
    parser.add_argument("--only", default="api,storm,logins,scale", help="parts, comma separated (api,storm,logins,scale)")
    options = parser.parse_args()
    options.binary = os.path.abspath(options.binary)
    # On tmpfs where there is one, so that no disk is measured.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="instatunnel-bench-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    folder.chmod(0o755)
    try:
        results = measure(Bench(options, folder), set(options.only.split(",")))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(report(results))
    if options.json:
        document = {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": " ".join(os.uname()), "cpus": os.cpu_count(),
                    "options": vars(options), **results}
        pathlib.Path(options.json).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
