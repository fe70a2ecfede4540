"""A directory as the target of a tunnel, seen by curl and by visitors who try to get out of it."""

import ctypes
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import threading

import pytest

from edge import Tunnel
from process import Process, clean_environment, wait_until

SECRET = "the file beside the directory"


@pytest.fixture
def site(folder):
    """A directory to share, beside a secret."""
    root = folder / "site"
    (root / "sub" / "deep").mkdir(parents=True)
    (folder / "secret.txt").write_text(SECRET)
    (root / "index.html").write_text("<h1>top</h1>")
    (root / "app.js").write_text("let x = 1;")
    (root / "data.bin").write_bytes(bytes(i * 7 % 256 for i in range(100_000)))
    (root / "sub" / "a b.txt").write_text("with a blank")
    (root / "sub" / "größe.txt").write_text("with an umlaut")
    (root / ".env").write_text("PASSWORD=x")
    return root


def strong_etag(t, path):
    """A file that was just written has a weak tag for two seconds."""

    def strong():
        etag = t.get(path).header("ETag")
        return etag if etag.startswith('"') else None

    return wait_until(strong, 10, "strong ETag")


def test_a_directory_prints_the_lines_of_every_tunnel(cli, site):
    site.rename(cli.folder / "site")
    process = cli.start("client", "./site", "--subdomain", "lines", *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)
    process.wait_text("Ready to receive", stream="stdout")
    assert cli.edge.get("lines", "/app.js?x=1").status == 200
    process.wait_text("GET /app.js", stream="stdout")
    process.send(signal.SIGINT)
    assert process.wait() == 0
    url = cli.edge.url("lines", "")
    lines = process.stdout.split("\n")
    assert lines[:4] == ["🚀 Starting tunnel for ./site...", f"🚀 Your app is now live at {url}", f"🔗 Forwarding {url} -> ./site",
                         "⚡ Ready to receive requests! Press Ctrl+C to stop"]
    assert re.fullmatch(r"GET /app.js 200 OK 10 B \d+ms", lines[4])
    assert lines[5].startswith("📊 Session Summary: 1 requests handled in ")


def test_json_events_name_the_directory(tunnel, site):
    t = tunnel(site)
    assert t.ready["target"] == str(site)
    t.get("/app.js")
    event = t.process.wait_event("request")
    assert (event["method"], event["path"], event["status"], event["bytes"]) == ("GET", "/app.js", 200, 10)
    assert t.stop() == 0


@pytest.mark.parametrize("word, shown", [(".", "."), ("site", "site"), ("site/", "site/"), ("../cli/site", "../cli/site")])
def test_a_directory_may_be_named_in_every_way(cli, site, word, shown):
    site.rename(cli.folder / "site")
    t = Tunnel(cli, word, name="word-" + str(abs(hash(word)))[:8])
    try:
        assert t.ready["target"] == shown
        assert t.get("/site/app.js" if word == "." else "/app.js").body == b"let x = 1;"
    finally:
        t.process.kill()


def test_files_come_with_type_length_and_validators(tunnel, site):
    t = tunnel(site)
    index = t.get("/")
    assert (index.status, index.body, index.header("Content-Type")) == (200, b"<h1>top</h1>", "text/html; charset=utf-8")
    script = t.get("/app.js")
    assert script.header("Content-Type") == "text/javascript; charset=utf-8" and script.header("Content-Length") == "10"
    assert script.header("ETag") and script.header("Last-Modified") and script.header("Accept-Ranges") == "bytes"
    assert t.get("/data.bin").body == (site / "data.bin").read_bytes()
    assert t.get("/data.bin").header("Content-Type") == "application/octet-stream"
    assert t.get("/sub/a%20b.txt").body == b"with a blank"
    assert t.get("/sub/gr%C3%B6%C3%9Fe.txt").body == b"with an umlaut"
    assert t.get("/none").status == 404


def test_head_is_get_without_the_body(tunnel, site):
    t = tunnel(site)
    for path in ("/", "/data.bin", "/sub/", "/none"):
        head, get = t.get(path, "-I"), t.get(path)
        assert head.status == get.status and head.header("Content-Length") == str(len(get.body))
    with t.raw() as v:
        v.send(b"HEAD /app.js HTTP/1.1\r\nHost: " + t.host.encode() + b"\r\n\r\nGET /app.js HTTP/1.1\r\nHost: " + t.host.encode() +
               b"\r\nConnection: close\r\n\r\n")
        first = v.reply(method="HEAD")
        second = v.reply()
    assert first.status == 200 and second.body == b"let x = 1;"


def test_ranges(tunnel, site):
    t = tunnel(site)
    data = (site / "data.bin").read_bytes()
    for spec, expected in [("0-9", data[:10]), ("99990-", data[99990:]), ("-7", data[-7:]), ("0-0", data[:1]), ("99999-200000", data[-1:]),
                           ("0-", data), ("10-19,15-29", data[10:30])]:
        part = t.get("/data.bin", "-r", spec)
        assert (part.status, part.body) == (206, expected), spec
        first = len(data) - 7 if spec == "-7" else int(spec.split("-")[0])
        assert part.header("Content-Range") == f"bytes {first}-{first + len(expected) - 1}/{len(data)}"
    for spec in ("bytes=100000-", "bytes=-0"):
        refused = t.get("/data.bin", "-H", f"Range: {spec}")
        assert refused.status == 416 and refused.header("Content-Range") == "bytes */100000"
    for ignored in ("bytes=9-5", "bytes=x", "lines=1-2", "bytes=" + ",".join(f"{4 * i}-{4 * i}" for i in range(65))):
        assert t.get("/data.bin", "-H", f"Range: {ignored}").body == data, ignored


def test_several_ranges_are_one_multipart_reply(tunnel, site):
    t = tunnel(site)
    data = (site / "data.bin").read_bytes()
    reply = t.get("/data.bin", "-r", "500-599,0-4,-5")
    assert reply.status == 206
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\w+)", reply.header("Content-Type")).group(1).encode()
    parts = reply.body.split(b"--" + boundary)
    assert parts[0] == b"" and parts[-1] == b"--\r\n" and len(parts) == 5
    for part, (first, last) in zip(parts[1:-1], [(500, 599), (0, 4), (99995, 99999)]):
        head, body = part.split(b"\r\n\r\n", 1)
        assert f"Content-Range: bytes {first}-{last}/100000".encode() in head and b"Content-Type: application/octet-stream" in head
        assert body == data[first:last + 1] + b"\r\n"
    assert reply.header("Content-Length") == str(len(reply.body))


def test_an_interrupted_download_goes_on_where_it_stopped(tunnel, site, folder):
    t = tunnel(site)
    data = (site / "data.bin").read_bytes()
    etag = strong_etag(t, "/data.bin")
    rest = t.get("/data.bin", "-r", "40000-", "-H", f"If-Range: {etag}")
    assert (rest.status, rest.body) == (206, data[40000:])
    (site / "data.bin").write_bytes(b"another file")
    changed = t.get("/data.bin", "-r", "40000-", "-H", f"If-Range: {etag}")
    assert (changed.status, changed.body) == (200, b"another file")


def test_conditional_requests(tunnel, site):
    t = tunnel(site)
    etag = strong_etag(t, "/app.js")
    date = t.get("/app.js").header("Last-Modified")
    for field in (f"If-None-Match: {etag}", f'If-None-Match: "x", W/{etag}', "If-None-Match: *", f"If-Modified-Since: {date}"):
        reply = t.get("/app.js", "-H", field)
        assert (reply.status, reply.body, reply.header("ETag")) == (304, b"", etag), field
    for field in ('If-None-Match: "x"', "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", f"If-Match: {etag}"):
        assert t.get("/app.js", "-H", field).status == 200, field
    for field in ('If-Match: "x"', "If-Unmodified-Since: Sunday, 06-Nov-94 08:49:37 GMT"):
        assert t.get("/app.js", "-H", field).status == 412, field


def test_other_methods_are_refused(tunnel, site, folder):
    (folder / "upload").write_bytes(b"x" * 1_000_000)
    t = tunnel(site)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        reply = t.get("/app.js", "-X", method, "--data-binary", f"@{folder}/upload")
        assert reply.status == 405 and reply.header("Allow") == "GET, HEAD, OPTIONS", method
        assert reply.text == "Only GET, HEAD and OPTIONS work here.\n"
    options = t.get("/app.js", "-X", "OPTIONS")
    assert options.status == 204 and options.header("Allow") == "GET, HEAD, OPTIONS"
    assert (site / "app.js").read_text() == "let x = 1;"


def test_a_listing_is_a_page_that_needs_no_script(tunnel, site):
    (site / "sub" / '"><script>alert(1)').write_text("x")
    t = tunnel(site)
    page = t.get("/sub/")
    assert page.status == 200 and page.header("Content-Type") == "text/html; charset=utf-8"
    assert "<script" not in page.text and "unsafe" not in page.header("Content-Security-Policy")
    assert '<html lang="en">' in page.text and "<h1>" in page.text and '<th scope="col">' in page.text and "prefers-color-scheme" in page.text
    hrefs = re.findall(r'href="(\./[^"]*)"', page.text)
    assert hrefs[0] == "./deep/" and "./a%20b.txt" in hrefs and "./gr%C3%B6%C3%9Fe.txt" in hrefs
    for href in hrefs:
        assert t.get("/sub/" + href[2:]).status == 200, href
    listing = t.get("/sub/", "-H", "Accept: application/json").json()
    assert listing["path"] == "/sub/" and listing["truncated"] is False
    assert [e["name"] for e in listing["entries"]] == ["deep", '"><script>alert(1)', "a b.txt", "größe.txt"]
    assert listing["entries"][2]["size"] == 12 and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", listing["entries"][2]["modified"])


def test_flags_of_a_directory(tunnel, site):
    (site / ".well-known").mkdir()
    (site / ".well-known" / "security.txt").write_text("Contact: x")
    plain = tunnel(site)
    assert plain.get("/.env").status == 404 and plain.get("/users/7").status == 404
    assert plain.get("/.well-known/security.txt").status == 200
    strict = tunnel(site, "--no-listing")
    assert strict.get("/sub/").status == 404 and strict.get("/sub/a%20b.txt").status == 200
    open_ = tunnel(site, "--dot-files")
    assert open_.get("/.env").body == b"PASSWORD=x"
    app = tunnel(site, "--spa")
    assert app.get("/users/7").body == b"<h1>top</h1>" and app.get("/missing.js").status == 404 and app.get("/.env").status == 404


def test_a_directory_is_redirected_to_its_slash_and_nowhere_else(tunnel, site):
    (site / "evil.example").mkdir()
    t = tunnel(site)
    moved = t.get("/sub?x=1")
    assert (moved.status, moved.header("Location")) == (302, "./sub/?x=1")
    followed = t.get("/sub", "-L")
    assert followed.status == 200 and "a%20b.txt" in followed.text
    for path in ("//evil.example", "///evil.example", "/%5Cevil.example", "/\\evil.example", "/%09/evil.example"):
        reply = t.get(path, "--path-as-is")
        if reply.header("Location"):
            assert reply.header("Location") == "./evil.example/", path


ESCAPES = [
    b"/../secret.txt", b"/sub/../../secret.txt", b"/..", b"/%2e%2e/secret.txt", b"/%2E%2E%2Fsecret.txt", b"/..%2fsecret.txt", b"/.%2e/secret.txt",
    b"/%252e%252e/secret.txt", b"/%252e%252e%252fsecret.txt", b"/..%c0%afsecret.txt", b"/%c0%ae%c0%ae/secret.txt", b"/..%00/secret.txt",
    b"/%00/../secret.txt", b"/..\\secret.txt", b"/..%5csecret.txt", b"/sub/..%5c..%5csecret.txt", b"/....//secret.txt", b"/..;/secret.txt",
    b"/./../secret.txt", b"//../secret.txt", b"/sub//..//..//secret.txt", b"/.../secret.txt", b"/%u002e%u002e/secret.txt", b"/app.js/../../secret.txt",
    b"/app.js%00.txt", b"/sub/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", b"//etc/passwd", b"/%2fetc%2fpasswd", b"/proc/self/environ", b"/link-out",
    b"/link-up/secret.txt", b"/link-etc/passwd", b"/link-proc/environ", b"/link-chain", b"/sub/link-far/secret.txt", b"/file:///etc/passwd",
    b"/\xff\xfe../secret.txt", b"/..\xc0\xafsecret.txt", b"/~root/", b"/.env", b"/%2eenv", b"/sub/../.env",
]


def test_no_path_leads_out_of_the_directory(tunnel, site):
    for name, target in [("link-out", "../secret.txt"), ("link-up", ".."), ("link-etc", "/etc"), ("link-proc", "/proc/self"),
                         ("link-chain", "link-out"), ("sub/link-far", "../../")]:
        (site / name).symlink_to(target)
    (site / "link-in").symlink_to("sub/../app.js")
    for flags in ([], ["--spa"]):
        t = tunnel(site, *flags)
        for path in ESCAPES:
            with t.raw() as v:
                v.send(b"GET " + path + b" HTTP/1.1\r\nHost: " + t.host.encode() + b"\r\nConnection: close\r\n\r\n")
                reply = v.reply()
            assert SECRET.encode() not in reply.body and b"root:" not in reply.body and b"PASSWORD" not in reply.body, path
            assert b"HOME=" not in reply.body, path
            # A single-page app answers what may be one of its routes with its page.
            assert reply.status in (400, 404) or (flags and reply.body == b"<h1>top</h1>"), (path, reply)
        assert t.get("/link-in").body == b"let x = 1;"
        listing = t.get("/sub/", "-H", "Accept: application/json").text
        assert "link-far" not in listing


def test_a_link_that_turns_while_it_is_read_never_leads_out(tunnel, site):
    (site / "x").mkdir()
    (site / "x" / "secret.txt").write_text("inside")
    t = tunnel(site)
    stop = threading.Event()

    def turn():
        inside = True
        while not stop.is_set():
            (site / "fresh").symlink_to("x" if inside else "..")
            (site / "fresh").rename(site / "turns")
            inside = not inside

    turner = threading.Thread(target=turn)
    turner.start()
    try:
        seen = {200: 0, 404: 0}
        with t.raw() as v:
            while min(seen.values()) < 50:
                v.send(b"GET /turns/secret.txt HTTP/1.1\r\nHost: " + t.host.encode() + b"\r\n\r\n")
                reply = v.reply()
                assert SECRET.encode() not in reply.body
                if reply.status == 200:
                    assert reply.body == b"inside"
                if reply.status in seen:
                    seen[reply.status] += 1
    finally:
        stop.set()
        turner.join()


def test_pipes_devices_and_sockets_are_not_there_and_hold_nobody_up(tunnel, site):
    import socket
    os.mkfifo(site / "pipe")
    (site / "null").symlink_to("/dev/null")
    server = socket.socket(socket.AF_UNIX)
    os.chdir(site)
    server.bind("socket")
    try:
        if os.geteuid() == 0:
            os.mknod(site / "device", 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero
        t = tunnel(site)
        for name in ("pipe", "null", "socket", "device"):
            assert t.get("/" + name, "--max-time", "5").status == 404, name
        (site / "index.html").unlink()
        os.mkfifo(site / "index.html")
        names = [e["name"] for e in t.get("/", "-H", "Accept: application/json").json()["entries"]]
        assert not {"pipe", "null", "socket", "device", "index.html"} & set(names) and "app.js" in names
    finally:
        server.close()
        os.chdir("/")


def test_what_the_client_may_not_read_is_a_403(binary, edge, site, folder):
    (site / "private.txt").write_text("private")
    (site / "private.txt").chmod(0)
    (site / "closed").mkdir()
    (site / "closed").chmod(0)
    home = folder / "nobody"
    home.mkdir()
    shutil.copy(edge.cacert, home / "ca.pem")
    argv = [binary, site, "--subdomain", "private", "--json", "--server", edge.api, "--cacert", home / "ca.pem"]
    if os.geteuid() == 0:
        for path in (home, home / "ca.pem", site, folder):
            os.chown(path, 65534, 65534)
        argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *argv]
    process = Process("client", argv, folder / "logs", env=clean_environment(home, INSTATUNNEL_API_KEY=edge.owner.key))
    try:
        process.wait_event("tunnel.ready")
        assert edge.get("private", "/private.txt").status == 403
        assert edge.get("private", "/closed/").status == 403
        assert edge.get("private", "/app.js").status == 200
    finally:
        process.kill()


def test_a_large_file_arrives_whole_in_constant_memory(tunnel, site):
    digest = hashlib.sha256()
    with open(site / "large.bin", "wb") as large:
        for i in range(200):
            block = hashlib.sha256(str(i).encode()).digest() * 32768
            digest.update(block)
            large.write(block)
    t = tunnel(site)
    assert t.get("/app.js").status == 200
    t.process.reset_peak_memory()
    before = t.process.peak_memory()
    command = f"curl -sS --cacert {t.edge.cacert} --resolve {t.host}:{t.edge.port}:127.0.0.1 {t.url}/large.bin | sha256sum"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split()[0] == digest.hexdigest()
    assert t.process.peak_memory() - before < 16 * 1024 * 1024


def test_a_file_that_shrinks_while_it_is_sent_is_cut_and_does_not_hang(tunnel, site):
    with open(site / "large.bin", "wb") as large:
        large.truncate(64 * 1024 * 1024)
    t = tunnel(site)
    with t.raw() as v:
        v.send(b"GET /large.bin HTTP/1.1\r\nHost: " + t.host.encode() + b"\r\n\r\n")
        status, _ = v.head()
        assert status == 200
        os.truncate(site / "large.bin", 1000)
        assert len(v.rest()) < 64 * 1024 * 1024
    assert t.get("/large.bin").header("Content-Length") == "1000"
    wait_until(lambda: [e for e in t.process.events("request") if e["path"] == "/large.bin" and e["bytes"] > 1000], 10, "report of the cut reply")


def test_a_directory_that_is_built_anew_is_served_anew(tunnel, site):
    t = tunnel(site)
    shutil.rmtree(site)
    gone = t.get("/", "-H", "Accept: application/json")
    assert gone.status == 503 and str(site) not in gone.text
    notice = t.process.wait_event("notice")
    assert notice["code"] == "target_unreachable" and str(site) in notice["message"]
    site.mkdir()
    (site / "index.html").write_text("built anew")
    assert t.get("/").body == b"built anew"


def test_websocket_upgrades_and_many_requests_at_once_do_no_harm(tunnel, site):
    t = tunnel(site)
    upgrade = t.get("/app.js", "--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13",
                    "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    assert upgrade.status == 200 and upgrade.body == b"let x = 1;"
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(t.get("/data.bin").body)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == [(site / "data.bin").read_bytes()] * 16


def test_what_is_no_directory_says_so_with_its_exit_code(cli, site):
    site.rename(cli.folder / "site")

    def run(*arguments):
        return cli.run(*arguments, *cli.server(), INSTATUNNEL_API_KEY=cli.edge.owner.key)

    none = run("./none")
    assert none.returncode == 8 and "There is no directory ./none" in none.stderr
    gone = run("none/sub", "--json")
    assert gone.returncode == 8
    word = run("none")
    assert word.returncode == 2 and "not a command and not a target" in word.stderr
    file = run("./site/app.js")
    assert file.returncode == 2 and "is a file, not a directory" in file.stderr
    port = run("3000", "--spa")
    assert port.returncode == 2 and "--spa" in port.stderr
    host = run("./site", "--host-header", "rewrite")
    assert host.returncode == 2 and "--host-header" in host.stderr


def _without_openat2():
    """A filter that makes openat2 fail as on an old kernel."""
    libc = ctypes.CDLL(None, use_errno=True)
    instruction = lambda code, jt, jf, k: struct.pack("HBBI", code, jt, jf, k)  # noqa: E731
    program = instruction(0x20, 0, 0, 0) + instruction(0x15, 0, 1, 437) + instruction(0x06, 0, 0, 0x00050000 | 38) + \
        instruction(0x06, 0, 0, 0x7FFF0000)
    buffer = ctypes.create_string_buffer(program, len(program))

    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_void_p)]

    filter_ = Filter(len(program) // 8, ctypes.addressof(buffer))
    assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(filter_), 0, 0) == 0


def test_a_kernel_that_cannot_keep_visitors_inside_is_refused_at_the_start(cli, site):
    done = subprocess.run([cli.binary, site, *cli.server()], capture_output=True, text=True, timeout=20, check=False,
                          env=cli.environment(INSTATUNNEL_API_KEY=cli.edge.owner.key), preexec_fn=_without_openat2)
    assert done.returncode == 8 and "openat2" in done.stderr and done.stdout == ""


def test_demo_serves_a_directory(cli, site):
    done = cli.run("demo", site, "--once", "--json", limit=60)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert next(e for e in events if e["event"] == "tunnel.ready")["target"] == str(site)
    assert next(e for e in events if e["event"] == "demo.checked")["status"] == 200
    refused = cli.run("demo", "--spa")
    assert refused.returncode == 2
