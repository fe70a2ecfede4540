"""Many visitors who are slow on purpose: they are cut after short limits, cost little, and everybody else is served meanwhile."""

import contextlib
import os
import socket
import ssl
import subprocess
import threading
import time

import pytest

import slow_http
from edge import Cli, Edge, Tunnel
from hostile import Growth, HostileApp
from process import wait_until

LIMITS = ("handshake=2s", "first-byte=2s", "whole-head=2s", "body-window=2s", "keep-alive=2s", "reply-idle=2s", "reply-head=5s")
ATTACKERS = 200


@pytest.fixture(scope="module")
def t(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow")
    edge = Edge(binary, folder / "edge", ("--dev", *[part for limit in LIMITS for part in ("--limit", limit)])).start()
    app = HostileApp()
    opened = Tunnel(Cli(binary, folder / "cli", edge), app.port, name="slow")
    yield opened
    opened.process.kill()
    app.stop()
    edge.stop(limit=5)


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


@pytest.mark.skipif(os.geteuid() != 0, reason="a hosts file of its own takes root")
@pytest.mark.parametrize("mode, path, most", [("slow heads", "/", 48), ("slow bodies", "/", 48), ("slow readers", "/big/300000", 128)])
def test_slow_visitors_are_cut_while_others_are_served(t, folder, mode, path, most):
    assert t.get("/status/200").status == 200
    before, growth = descriptors(t.edge.process), Growth(t.edge.process)
    attack = slow_http.start(folder, t, mode, path, ATTACKERS)
    try:
        wait_until(lambda: descriptors(t.edge.process) >= before + ATTACKERS * 9 // 10, 10, lambda: f"attackers inside\n{attack.report()}")
        served = 0
        while descriptors(t.edge.process) > before + 5:
            reply = t.get("/status/200", "--max-time", "3")
            assert reply.status == 200, reply
            served += 1
            assert time.monotonic() - attack.started < 20, attack.report()
        assert served >= 3
        assert growth.now() < most << 20, growth.now()
        if mode != "slow readers":  # these still read what the kernel holds for them
            attack.wait_text("No open connections left", "stdout", 10)
    finally:
        attack.kill()


def test_connections_that_never_begin_a_handshake_are_cut_while_others_are_served(t):
    before, growth = descriptors(t.edge.process), Growth(t.edge.process)
    with contextlib.ExitStack() as stack:
        for number in range(ATTACKERS):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", t.edge.port), 5))
            plain.sendall(b"" if number % 3 == 0 else b"\x16\x03\x01" if number % 3 == 1 else b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(number))
        wait_until(lambda: descriptors(t.edge.process) >= before + ATTACKERS, 5, "connections inside")
        assert t.get("/status/200").status == 200
        wait_until(lambda: descriptors(t.edge.process) <= before + 2, 10, "end of all")
    assert growth.now() < 24 << 20


def test_a_flood_of_connections_leaves_nothing_behind(t):
    before, growth = descriptors(t.edge.process), Growth(t.edge.process)
    stop = threading.Event()

    def flood():
        while not stop.is_set():
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", t.edge.port), 2).close()

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            assert t.get("/status/200", "--max-time", "5").status == 200
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    wait_until(lambda: descriptors(t.edge.process) <= before + 2, 10, "end of all")
    assert growth.now() < 24 << 20


@pytest.mark.parametrize("name", ["\xff\xfe".encode("latin-1"), b"a" * 255, b"..", b"*.localhost", b"slow.localhost\\x00.evil", b"-"], ids=repr)
def test_a_server_name_that_is_none_is_no_way_in_and_harms_nobody(t, name):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{t.edge.port}", "-servername", name, "-quiet", "-verify_quiet"], capture_output=True, timeout=10, check=False,
                          input=b"GET / HTTP/1.1\r\nHost: " + t.host.encode() + b"\r\nConnection: close\r\n\r\n")
    assert b"HTTP/1.1 200" not in done.stdout, done
    assert t.get("/status/200").status == 200


def test_a_slow_reader_who_sips_a_whole_reply_is_cut(t):
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.settimeout(10)
    plain.connect(("127.0.0.1", t.edge.port))
    context = ssl.create_default_context(cafile=str(t.edge.cacert))
    with context.wrap_socket(plain, server_hostname=t.host) as visitor:
        before = descriptors(t.edge.process)
        visitor.sendall(f"GET /big/200000 HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())

        def is_cut():
            with contextlib.suppress(OSError):
                visitor.recv(64)
            return descriptors(t.edge.process) < before

        wait_until(is_cut, 15, "end of the connection", every=0.05)


