"""Processes that a test starts: their output in files, waits with a limit, and an end that touches nobody else's."""

import ctypes
import json
import os
import pathlib
import re
import signal
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class StillWaiting(AssertionError):
    """A condition did not come true in time; the text names what was missing and shows the last output."""


def wait_until(condition, limit, what, every=0.01):
    """Polls `condition` until it returns something true and returns that; after `limit` seconds raises StillWaiting."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise StillWaiting(f"after {limit} s still no {what() if callable(what) else what}")
        time.sleep(every)


def _die_with_parent():
    # A test run that is killed must not leave servers behind.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """One program under test. stdout and stderr go to files, so that nothing is lost and nothing ever blocks."""

    started = []  # all of them, for the report of a test that fails

    def __init__(self, name, argv, log_dir, env=None, cwd=None, stdin=subprocess.DEVNULL):
        log_dir = pathlib.Path(log_dir)
        log_dir.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in log_dir.glob(f"{name}-*.out"))
        self.name = name
        self.argv = [str(a) for a in argv]
        self.out_path = log_dir / f"{name}-{number}.out"
        self.err_path = log_dir / f"{name}-{number}.err"
        self.started = time.monotonic()
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self._popen = subprocess.Popen(
                self.argv, stdin=stdin, stdout=out, stderr=err, env=env, cwd=cwd, preexec_fn=_die_with_parent
            )
        self.pid = self._popen.pid
        Process.started.append(self)

    @property
    def stdout(self):
        return self.out_path.read_text(encoding="utf-8", errors="replace")

    @property
    def stderr(self):
        return self.err_path.read_text(encoding="utf-8", errors="replace")

    def report(self):
        """Everything a person needs to see when a test with this process fails."""
        return (
            f"--- {self.name} (pid {self.pid}, exit {self._popen.poll()}): {' '.join(self.argv)}\n"
            f"--- stdout\n{self.stdout[-4000:]}\n--- stderr\n{self.stderr[-4000:]}\n"
        )

    def events(self, name=None):
        """The JSON lines of stdout so far, all or those whose `event` is `name`. A line that is no JSON fails the test."""
        found = []
        for line in self.stdout.split("\n")[:-1]:
            event = json.loads(line)
            if name is None or event.get("event") == name:
                found.append(event)
        return found

    def wait_event(self, name, limit=15, count=1, match=None):
        """The `count`-th event called `name` (for which `match` holds)."""

        def found():
            events = [e for e in self.events(name) if match is None or match(e)]
            if len(events) >= count:
                return events[count - 1]
            if self._popen.poll() is not None:
                raise StillWaiting(f"{self.name} ended before event {name!r}\n{self.report()}")
            return None

        return wait_until(found, limit, lambda: f"event {name!r} (number {count})\n{self.report()}")

    def wait_text(self, pattern, stream="stderr", limit=15):
        """The match of a regular expression in the output so far."""
        return wait_until(
            lambda: re.search(pattern, getattr(self, stream)), limit, lambda: f"{pattern!r} on {stream}\n{self.report()}"
        )

    def running(self):
        return self._popen.poll() is None

    def send(self, number):
        if self._popen.poll() is None:
            self._popen.send_signal(number)

    def wait(self, limit=15):
        """Exit code."""
        try:
            return self._popen.wait(limit)
        except subprocess.TimeoutExpired:
            raise StillWaiting(f"{self.name} did not end within {limit} s\n{self.report()}") from None

    def kill(self):
        """kill -9, of this process alone."""
        self.send(signal.SIGKILL)
        return self._popen.wait()

    def stop(self, limit=10):
        """Asks politely, then ends the process; returns the exit code."""
        self.send(signal.SIGTERM)
        try:
            return self._popen.wait(limit)
        except subprocess.TimeoutExpired:
            return self.kill()

    def reset_peak_memory(self):
        """Starts peak_memory() anew from what is resident now: hashing a password takes its own memory, by design."""
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")

    def peak_memory(self):
        """Highest resident set so far, or since reset_peak_memory(), in bytes (VmHWM)."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024


def clean_environment(home, **extra):
    """An environment with nothing of the person's who runs the tests: no key, no colour, no locale, an own home."""
    env = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(home),
        "INSTATUNNEL_HOME": str(pathlib.Path(home) / ".instatunnel"),
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    env.update({k: str(v) for k, v in extra.items()})
    return env
