"""One run of wrk and what it printed."""

import glob
import os
import re
import subprocess

import meters


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


class Wrk:
    """`names` are those that the URLs use, all on loopback."""

    def __init__(self, folder, names):
        self._folder = folder
        self._hosts = folder / "hosts"
        self._hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in names), encoding="ascii")

    def _environment(self):
        # wrk resolves names through libc, which does not know that *.localhost is loopback.
        library = (glob.glob("/usr/lib/*/libnss_wrapper.so") + [""])[0]
        return dict(os.environ, LD_PRELOAD=library, NSS_WRAPPER_HOSTS=str(self._hosts))

    def run(self, target, url, connections, seconds, fields=(), pause_ms=0):
        """Figures of one run; CPU is that of the target's processes. `pause_ms` on each connection before each request keeps the rate
        below what the machine can do."""
        arguments = [argument for field in fields for argument in ("-H", field)]
        if pause_ms:
            script = self._folder / f"pause-{pause_ms}.lua"
            script.write_text(f"function delay() return {pause_ms} end\n", encoding="ascii")
            arguments += ["-s", str(script)]
        with meters.Interval(target) as used:
            text = subprocess.run(
                ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *arguments, url],
                capture_output=True, text=True, timeout=seconds + 60, env=self._environment(), check=False).stdout
        count = re.search(r"(\d+) requests in", text)
        if not count or not int(count.group(1)):
            return {"error": "no requests: " + text[-200:]}
        requests = int(count.group(1))
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        return {
            "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
            "p50_ms": milliseconds(re.search(r"\n\s+50%\s+(\S+)", text).group(1)),
            "p99_ms": milliseconds(re.search(r"\n\s+99%\s+(\S+)", text).group(1)),
            "us_edge": 1e6 * used.edge / requests,
            "us_client": 1e6 * used.client / requests,
            "us": 1e6 * (used.edge + used.client) / requests,
            "failed": (int(refused.group(1)) if refused else 0) + (sum(map(int, broken.groups())) if broken else 0),
        }
