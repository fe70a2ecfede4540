"""Load and transfer tools over both versions of HTTP: every answer counted, every byte compared."""

import hashlib
import random
import re
import subprocess

import pytest

from visitor import curl_command


def run(argv, **options):
    done = subprocess.run([str(a) for a in argv], capture_output=True, timeout=120, check=False, **options)
    assert done.returncode == 0, done
    return done.stdout


def publish(nginx, name, content):
    (nginx.root / name).write_bytes(content)
    (nginx.root / name).chmod(0o644)


both_versions = pytest.mark.parametrize("version", ["--http1.1", "--http2"])


# --- h2load, nghttp


@pytest.mark.parametrize("kind", ["http2", "http1", "upload"])
def test_h2load_counts_2000_good_answers(tunnel, nginx, app, edge, folder, kind):
    (folder / "body").write_bytes(b"u" * 20_000)
    how = {"http2": ["-m", 50], "http1": ["--h1", "-m", 1], "upload": ["-m", 50, "-d", folder / "body"]}[kind]
    t = tunnel(app.port if kind == "upload" else nginx.port)
    out = run(["h2load", "-n", 2000, "-c", 10, *how, "--connect-to", f"127.0.0.1:{edge.port}", f"{t.url}/index.html"]).decode()
    assert "2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout" in out, out
    assert "2000 2xx, 0 3xx, 0 4xx, 0 5xx" in out, out
    if kind == "upload":
        assert len(app.seen) == 2000
    else:
        assert re.search(r"\((\d+)\) data$", out, re.M).group(1) == str(2000 * len(b"<h1>nginx</h1>\n")), out


def test_nghttp_gets_16_files_side_by_side_and_every_byte_of_them(tunnel, nginx, edge):
    # nghttp writes all bodies to one output as they come. The upper half of a byte tells the file, so that each can be put together.
    noise = random.Random(1)
    files = [noise.randbytes(300_000 + n).translate(bytes(16 * n + byte % 16 for byte in range(256))) for n in range(16)]
    for n, content in enumerate(files):
        publish(nginx, f"file{n}.bin", content)
    t = tunnel(nginx.port)
    out = run(["nghttp", "--no-verify-peer", f"-H:authority: {t.host}", *(f"https://127.0.0.1:{edge.port}/file{n}.bin" for n in range(16))])
    order = out.translate(bytes(byte >> 4 for byte in range(256)))
    got = [out.translate(None, bytes(byte for byte in range(256) if byte >> 4 != n)) for n in range(16)]
    assert [hashlib.sha256(g).hexdigest() for g in got] == [hashlib.sha256(f).hexdigest() for f in files]
    assert any(order.find(n + 1) < order.rfind(n) for n in range(15)), "the streams came one after the other"


def test_nghttp_uploads_with_a_trailer(tunnel, app, edge, folder):
    # Without a length: an HTTP/1.1 message that has one has no place for trailers.
    body = random.Random(2).randbytes(700_000)
    (folder / "body").write_bytes(body)
    t = tunnel(app.port)
    run(["nghttp", "-n", "--no-verify-peer", f"-H:authority: {t.host}", "-d", folder / "body", "--no-content-length", "--trailer", "x-sum: 42",
         f"https://127.0.0.1:{edge.port}/status/200"])
    seen, = app.seen
    assert (seen.method, seen.trailers) == ("POST", [("x-sum", "42")])


# --- curl


@both_versions
def test_curl_gets_60_files_in_parallel(tunnel, nginx, edge, folder, version):
    noise = random.Random(3)
    files = {f"part{n}.bin": noise.randbytes(n * 4001) for n in range(60)}
    for name, content in files.items():
        publish(nginx, name, content)
    t = tunnel(nginx.port)
    argv = curl_command(f"{t.url}/part[0-59].bin", edge.cacert, version, "-Z", "--parallel-max", "30", "-o", f"{folder}/got#1.bin")
    run(argv)
    for n in range(60):
        assert (folder / f"got{n}.bin").read_bytes() == files[f"part{n}.bin"], n


@both_versions
def test_curl_uploads_what_it_reads_from_a_pipe(tunnel, app, version):
    content = random.Random(4).randbytes(6_000_000)
    t = tunnel(app.port)
    out = run(curl_command(t.url + "/echo", t.edge.cacert, version, "-T", "-"), input=content)
    assert hashlib.sha256(content).hexdigest().encode() in out
    seen, = app.seen
    assert seen.header("Transfer-Encoding") == "chunked" and seen.header("Content-Length") is None


@both_versions
def test_curl_sends_a_form_of_files(tunnel, app, folder, version):
    (folder / "a.bin").write_bytes(random.Random(5).randbytes(2_000_000))
    t = tunnel(app.port)
    reply = t.get("/echo", version, "-F", "name=Jörg", "-F", f"file=@{folder / 'a.bin'};type=image/png", "-F", f"file=@{folder / 'a.bin'};filename=b.bin")
    assert reply.json()["size"] > 4_000_000 and reply.json()["size"] == int(app.seen[0].header("Content-Length"))
    assert app.seen[0].header("Content-Type").startswith("multipart/form-data; boundary=")


@both_versions
def test_curl_resumes_a_download_and_unpacks_it(tunnel, nginx, folder, version):
    content = random.Random(6).randbytes(500_000)
    publish(nginx, "half.bin", content)
    t = tunnel(nginx.port)
    (folder / "half").write_bytes(content[:200_001])
    run(curl_command(t.url + "/half.bin", t.edge.cacert, version, "-C", "-", "-o", folder / "half"))
    assert (folder / "half").read_bytes() == content
    assert t.get("/text.txt", version, "--compressed").body == b"text " * 200
