"""One GiB in each direction: equal bytes, little memory."""

import hashlib
import subprocess

import pytest

from big_file import big_file
from visitor import curl, curl_command

GIB = 1 << 30
MOST_MEMORY = 64 << 20


@pytest.fixture
def gibibyte(folder):
    """A file of 1 GiB that no compression or repetition makes easier, and its hash."""
    path = folder / "gibibyte"
    return path, big_file(path, GIB)


def watch_memory(t):
    t.edge.process.reset_peak_memory()
    t.process.reset_peak_memory()


def check_memory(t):
    assert t.edge.process.peak_memory() <= MOST_MEMORY, "edge"
    assert t.process.peak_memory() <= MOST_MEMORY, "client"


def test_one_gibibyte_down(tunnel, nginx, gibibyte):
    path, digest = gibibyte
    path.rename(nginx.root / "big.bin")
    (nginx.root / "big.bin").chmod(0o644)
    t = tunnel(nginx.port)
    watch_memory(t)
    with subprocess.Popen(curl_command(t.url + "/big.bin", t.edge.cacert), stdout=subprocess.PIPE) as download:
        received, size = hashlib.sha256(), 0
        while part := download.stdout.read(1 << 20):
            received.update(part)
            size += len(part)
    assert (download.returncode, size, received.hexdigest()) == (0, GIB, digest)
    check_memory(t)


@pytest.mark.parametrize("framing", ["Content-Length", "chunked"])
def test_one_gibibyte_up(tunnel, app, gibibyte, framing):
    path, digest = gibibyte
    t = tunnel(app.port)
    watch_memory(t)
    headers = ["-H", "Transfer-Encoding: chunked"] if framing == "chunked" else []
    seen = curl(t.url + "/upload", t.edge.cacert, "-T", path, *headers).json()
    assert (seen["size"], seen["sha256"]) == (GIB, digest)
    check_memory(t)


def test_a_slow_reader_and_a_slow_writer_cost_no_memory(tunnel, nginx, app, folder):
    (nginx.root / "some.bin").write_bytes(bytes(200 << 20))
    (nginx.root / "some.bin").chmod(0o644)
    down, up = tunnel(nginx.port), tunnel(app.port)
    watch_memory(down)
    watch_memory(up)
    slow = [
        subprocess.Popen(curl_command(down.url + "/some.bin", down.edge.cacert, "-o", "/dev/null", "--limit-rate", "20M", "--max-time", "4"))
        for _ in range(2)
    ]
    slow.append(subprocess.Popen(curl_command(up.url + "/", up.edge.cacert, "-o", "/dev/null", "-T", nginx.root / "some.bin",
                                              "--limit-rate", "20M", "--max-time", "4")))
    for process in slow:
        process.wait(20)
    check_memory(down)
    check_memory(up)
