"""CPU time and memory of process trees, from /proc."""

import os
import re
import time


def _children():
    table = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as f:
                    parent = int(f.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            table.setdefault(parent, []).append(int(entry))
    return table


def tree(roots):
    """The processes and all their living descendants."""
    children, found, todo = _children(), [], list(roots)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.append(pid)
            todo += children.get(pid, [])
    return found


def cpu_seconds(roots):
    """CPU time so far, to the nanosecond: /proc/PID/stat counts in ticks of 10 ms, schedstat of each thread does not."""
    total = 0
    for pid in tree(roots):
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as f:
                    total += int(f.read().split()[0])
        except OSError:
            continue
    return total / 1e9


def memory(roots):
    """Proportional set size in bytes: pages that several processes share count once."""
    total = 0
    for pid in tree(roots):
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                total += int(re.search(r"^Pss:\s+(\d+) kB", f.read(), re.M).group(1)) * 1024
        except OSError:
            continue
    return total


def peak_memory(roots):
    """Largest VmHWM of the processes, in bytes."""
    peak = 0
    for pid in tree(roots):
        try:
            with open(f"/proc/{pid}/status", encoding="ascii") as f:
                peak = max(peak, int(re.search(r"VmHWM:\s+(\d+) kB", f.read()).group(1)) * 1024)
        except (OSError, AttributeError):
            continue
    return peak


class Interval:
    """CPU seconds that `edge` and `client` process trees used inside a with-block."""

    def __init__(self, target):
        self._target = target
        self.edge = self.client = self.wall = 0.0

    def __enter__(self):
        self._before = (cpu_seconds(self._target.edge_pids()), cpu_seconds(self._target.client_pids()), time.monotonic())
        return self

    def __exit__(self, *_):
        edge, client, start = self._before
        self.edge = cpu_seconds(self._target.edge_pids()) - edge
        self.client = cpu_seconds(self._target.client_pids()) - client
        self.wall = time.monotonic() - start
