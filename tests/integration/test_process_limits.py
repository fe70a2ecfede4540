"""What a process uses up: descriptors, disk, ports. Whoever comes then is refused with a reason, everybody else is served on."""

import contextlib
import json
import os
import pathlib
import resource
import subprocess
import sys

import pytest

from edge import Cli, Edge, Tunnel
from hostile import HostileApp
from ports import free_port
from process import wait_until
from visitor import RawVisitor

REQUEST = "GET /status/200 HTTP/1.1\r\nHost: {}\r\n\r\n"


def wrapped(folder, command, binary):
    """A program that runs `binary` as the last words of a command."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "wrapped"
    path.write_text(f'#!/bin/sh\nexec {command} "{binary}" "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def leave_descriptors(process, number):
    """From now on the process can open `number` more."""
    most = descriptors(process) + number
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (most, most))


@pytest.fixture
def start(new_app, folder):
    """start(binary): an edge run by `binary`, with a tunnel named `held` to an app."""
    running = []

    def begin(binary, real=None):
        edge, app = Edge(binary, folder / "edge").start(), new_app(HostileApp)
        running.append(edge)
        # Its file system may be its own.
        edge.ready["cacert"] = f"/proc/{edge.process.pid}/root{edge.cacert}"
        running.append(Tunnel(Cli(real or binary, folder / "cli", edge), app.port, name="held"))
        return running[-1]

    yield begin
    for one in reversed(running):
        one.stop(5)


def is_served(t, visitor):
    visitor.send(REQUEST.format(t.host).encode())
    return visitor.reply().status == 200


def come_in(t, stack, most):
    """Visitors until one is turned away; those who are inside."""
    inside = []
    for _ in range(most):
        try:
            inside.append(stack.enter_context(RawVisitor(t.edge.port, t.host, t.edge.cacert)))
        except OSError:
            return inside
    raise AssertionError(f"{most} visitors came in")


def test_without_descriptors_visitors_are_turned_away_at_once_and_those_inside_are_served(start, binary):
    t = start(binary)
    with contextlib.ExitStack() as stack:
        early = stack.enter_context(t.raw())
        assert is_served(t, early)
        leave_descriptors(t.edge.process, 20)
        inside = come_in(t, stack, 30)
        assert len(inside) >= 15
        assert all(is_served(t, visitor) for visitor in [early, *inside])
        t.edge.process.wait_text("listener.exhausted .*Too many open files")
    wait_until(lambda: t.answers("/status/200"), 5, "service once they have gone")
    assert t.edge.process.stderr.count("listener.exhausted") < 5


def test_an_edge_with_few_descriptors_takes_fewer_visitors(start, binary, folder):
    t = start(wrapped(folder, "prlimit --nofile=120:120", binary), real=binary)
    with contextlib.ExitStack() as stack:
        inside = come_in(t, stack, 130)
        assert 60 < len(inside) <= 90
        t.edge.process.wait_text(r"visitor\.refused .*limit=visitors\b")
        assert all(is_served(t, visitor) for visitor in inside)
    wait_until(lambda: t.answers("/status/200"), 5, "service once they have gone")


def test_a_client_without_descriptors_tells_the_visitor_and_goes_on(start, binary):
    t = start(binary)
    assert t.answers("/status/200")
    with contextlib.ExitStack() as stack:
        visitors = [stack.enter_context(t.raw()) for _ in range(20)]
        leave_descriptors(t.process, 6)
        for visitor in visitors:
            visitor.send(f"GET /slow?ms=1000 HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        replies = [visitor.reply() for visitor in visitors]
    told = [reply for reply in replies if reply.status != 200]
    assert 1 <= len(told) < 20
    assert {reply.status for reply in told} <= {502, 503} and all(reply.header("X-Instatunnel-Error") for reply in told), told
    assert t.answers("/status/200")
    assert t.process.events("tunnel.reconnecting") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")
def test_a_full_disk_refuses_what_must_be_kept_and_visitors_are_served(start, binary, folder):
    disk = folder / "edge" / "edge-data"
    disk.mkdir(parents=True)
    mount = f"unshare -m sh -c 'mount -t tmpfs -o size=4m,mode=700 none \"$0\" && exec \"$@\"' {disk}"
    t = start(wrapped(folder, mount, binary), real=binary)
    fill = pathlib.Path(f"/proc/{t.edge.process.pid}/root{disk}/fill")
    with t.raw() as early:
        assert is_served(t, early)
        with contextlib.suppress(OSError), open(fill, "wb", buffering=0) as out:
            while out.write(b"x" * 4096):
                pass
        refused = t.edge.call("POST", "/v1/auth/register", {"email": "late@example.com", "password": "correct horse battery"})
        assert refused.status in (500, 503) and refused.json()["message"], refused
        assert is_served(t, early)
        assert t.answers("/status/200")
    assert t.edge.process.running()
    fill.unlink()
    wait_until(lambda: t.edge.call("POST", "/v1/auth/register", {"email": "later@example.com", "password": "correct horse battery"}).status == 201, 10, "room again")
    assert t.process.events("tunnel.reconnecting") == []


def test_files_that_may_not_grow_end_no_process(start, binary):
    t = start(binary)
    resource.prlimit(t.edge.process.pid, resource.RLIMIT_FSIZE, (1000, 1000))
    refused = t.edge.call("POST", "/v1/auth/register", {"email": "late@example.com", "password": "correct horse battery"})
    assert refused.status in (500, 503) and refused.json()["message"], refused
    assert t.answers("/status/200")
    assert t.edge.process.running()


ALONE = """
import json, pathlib, socket, ssl, subprocess, sys, time
sys.path.insert(0, {support!r})
from edge import Cli, Edge, Tunnel
from hostile import HostileApp
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
folder = pathlib.Path({folder!r})
edge, app = Edge({binary!r}, folder / "edge"), HostileApp(port={app_port})
edge.port = {edge_port}
edge.start()
t = Tunnel(Cli({binary!r}, folder / "cli", edge), app.port, name="alone")
pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("61000 61007")
context = ssl.create_default_context(cafile=str(edge.cacert))
visitors = []
for port in range(20000, 20020):
    plain = socket.create_connection(("127.0.0.1", edge.port), 10, ("127.0.0.1", port))
    visitors.append(context.wrap_socket(plain, server_hostname=t.host))
for visitor in visitors:
    visitor.sendall(b"GET /slow?ms=1000 HTTP/1.1\\r\\nHost: " + t.host.encode() + b"\\r\\nConnection: close\\r\\n\\r\\n")
answers = []
for visitor in visitors:
    data = b""
    while part := visitor.recv(65536):
        data += part
    answers.append(data.decode("latin-1"))
visitors[0].close()
plain = socket.create_connection(("127.0.0.1", edge.port), 10, ("127.0.0.1", 20021))
late = context.wrap_socket(plain, server_hostname=t.host)
late.sendall(b"GET /status/200 HTTP/1.1\\r\\nHost: " + t.host.encode() + b"\\r\\nConnection: close\\r\\n\\r\\n")
print(json.dumps([answers, late.recv(65536).decode("latin-1"), len(t.process.events("tunnel.reconnecting"))]))
t.process.kill(); edge.process.kill()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="a network of its own takes root")
def test_without_ports_to_the_app_visitors_are_told_and_the_others_are_served(folder, binary):
    support = pathlib.Path(__file__).resolve().parent.parent / "support"
    script = ALONE.format(support=str(support), folder=str(folder), binary=binary, app_port=free_port(), edge_port=free_port())
    done = subprocess.run(["unshare", "-n", sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done
    answers, late, reconnects = json.loads(done.stdout.splitlines()[-1])
    served = [answer for answer in answers if answer.startswith("HTTP/1.1 200")]
    told = [answer for answer in answers if answer.startswith("HTTP/1.1 502") and "X-Instatunnel-Error:" in answer]
    assert len(served) >= 5 and told and len(served) + len(told) == len(answers), answers
    assert late.startswith("HTTP/1.1 200") and reconnects == 0


def resident(process):
    return int(pathlib.Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def test_beyond_its_memory_budget_an_edge_turns_newcomers_away_until_there_is_room_again(binary, folder, new_app):
    budget = 40 << 20
    probe = Edge(binary, folder / "probe").start()
    budget += resident(probe.process)
    probe.stop(5)
    edge, app = Edge(binary, folder / "edge", ("--dev", "--limit", f"memory={budget >> 20}m")).start(), new_app(HostileApp)
    t = Tunnel(Cli(binary, folder / "cli", edge), app.port, name="held")
    with contextlib.ExitStack() as stack:
        early = stack.enter_context(t.raw())
        assert is_served(t, early)
        with contextlib.ExitStack() as greedy:
            for _ in range(250):
                try:
                    visitor = greedy.enter_context(t.raw())
                except OSError:
                    break
                # Asks for much and reads nothing of it.
                visitor.send(f"GET /big/{4 << 20} HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
            wait_until(lambda: "memory.full" in edge.process.stderr, 10, "the budget used up")
            with pytest.raises(OSError):
                t.raw()
            assert is_served(t, early)
            again = Tunnel(Cli(binary, folder / "cli2", edge), app.port, name="again")
            again.process.kill()
        wait_until(lambda: "memory.freed" in edge.process.stderr, 20, "room again")
        assert is_served(t, stack.enter_context(t.raw()))
    t.process.kill()
    edge.stop(5)
