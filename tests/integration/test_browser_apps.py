"""Apps behind a tunnel in a real browser: every file of a page, WebSocket, event streams, uploads, streams, cookies, redirects, CORS."""

import hashlib
import os
import re
import secrets

import pytest

from big_file import big_file
from local_apps import Nginx
from node import NodeApp
from process import wait_until
from web_site import EACH, web_site

MOST_GROWTH = 64 << 20

# What the scripts of the tests have in common, inside the page.
TOOLS = """
const hex = (bytes) => [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, "0")).join("");
const sha256 = async (bytes) => hex(await crypto.subtle.digest("SHA-256", bytes));
const say = (key, n) => fetch(`/said?key=${key}&n=${n}`);
const connect = (path, protocols = []) => new Promise((resolve, reject) => {
  const socket = new WebSocket(location.origin.replace("https", "wss") + path, protocols);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => resolve(socket);
  socket.onerror = () => reject(new Error("no connection"));
});
const message = (socket) => new Promise((resolve) => { socket.onmessage = (event) => resolve(event.data); });
const closed = (socket) => new Promise((resolve) => { socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean }); });
"""


def run(page, script, given=None, limit=60):
    """Runs statements in the page; `given` is what they are given, what they return is the result."""
    return page.evaluate(f"async (given) => {{ {TOOLS} {script} }}", given, limit)


@pytest.fixture(scope="module")
def site():
    return web_site()


@pytest.fixture(scope="module")
def web_app(site, tmp_path_factory):
    """Our app on node, with the site's files."""
    www = tmp_path_factory.mktemp("site")
    for name, content in site.items():
        (www / name).write_bytes(content)
    running = NodeApp("web_app.mjs", "ws", tmp_path_factory.mktemp("web-app"), [www])
    yield running
    running.stop()


@pytest.fixture
def page(window, tunnel, web_app):
    """A window at our app behind a tunnel; `page.tunnel` is the tunnel."""
    t = tunnel(web_app.port)
    opened = window(scripts=True)
    assert opened.goto(t.url + "/empty") == 200
    opened.tunnel = t
    return opened


# --- A page with many files


@pytest.fixture(params=["node", "nginx"])
def site_port(request, folder, site, new_app):
    if request.param == "node":
        yield request.getfixturevalue("web_app").port
        return
    running = Nginx(folder / "nginx", site)
    yield running.port
    running.stop()


def test_a_page_with_sixty_files_loads_whole_over_http2(window, tunnel, site, site_port):
    t = tunnel(site_port)
    page = window(scripts=True)
    assert page.goto(t.url + "/index.html") == 200
    seen = run(page, """
      const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
      const style = getComputedStyle(document.documentElement);
      return {
        protocols: [...new Set(entries.map((e) => e.nextHopProtocol))], secure: isSecureContext,
        names: entries.map((e) => new URL(e.name).pathname.slice(1)).sort(), ran: window.ran, sum: window.sum,
        styles: given.map((n) => style.getPropertyValue(`--style${n}`).trim()), widths: [...document.images].map((i) => i.naturalWidth),
      };""", list(range(EACH)))
    assert seen["protocols"] == ["h2"] and seen["secure"]
    assert seen["names"] == sorted(site)
    assert seen["ran"] == [f"script{n}" for n in range(EACH)] and seen["sum"] == sum(range(EACH))
    assert seen["styles"] == [str(n) for n in range(EACH)] and seen["widths"] == [16 + 8 * n for n in range(EACH)]
    hashes = run(page, """
      return Object.fromEntries(await Promise.all(given.map(async (name) =>
        [name, await sha256(await (await fetch(name, { cache: "no-store" })).arrayBuffer())])));""", sorted(site))
    assert hashes == {name: hashlib.sha256(content).hexdigest() for name, content in site.items()}
    assert page.do("complaints") == []


# --- WebSocket


def test_websocket_messages_of_every_kind_and_size_come_back(page):
    seen = run(page, """
      const socket = await connect("/socket?room=1", ["chat.v1", "chat.v2"]);
      const random = (size) => { const all = new Uint8Array(size); for (let at = 0; at < size; at += 65536) crypto.getRandomValues(all.subarray(at, at + 65536)); return all; };
      const wrong = [];
      for (const text of ["", "hällo \\u{1F600}", "x".repeat(125), "y".repeat(126), "z".repeat(70000), "ß".repeat(1 << 20)]) {
        const back = message(socket);
        socket.send(text);
        if ((await back) !== text) wrong.push(["text", text.length]);
      }
      for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20, 8 << 20]) {
        const bytes = random(size), back = message(socket);
        socket.send(bytes);
        if ((await sha256(await back)) !== (await sha256(bytes))) wrong.push(["binary", size]);
      }
      // Many at once: order is kept.
      const got = [];
      const all = new Promise((resolve) => { socket.onmessage = (event) => { got.push(event.data); if (got.length === 500) resolve(); }; });
      for (let n = 0; n < 500; ++n) socket.send(n + "/" + "m".repeat(n * 7));
      await all;
      const order = got.every((text, n) => text === n + "/" + "m".repeat(n * 7));
      const end = closed(socket);
      socket.close(4321, "done here");
      return { wrong, order, protocol: socket.protocol, extensions: socket.extensions, end: await end };""")
    assert seen["wrong"] == [] and seen["order"]
    assert seen["protocol"] == "chat.v2" and "permessage-deflate" in seen["extensions"]
    assert seen["end"] == {"code": 4321, "reason": "done here", "wasClean": True}


def test_websocket_close_codes_reach_the_page_and_the_app(page, web_app):
    ends = run(page, """
      return Promise.all(given.map(async (path) => {
        const socket = await connect(path);
        return closed(socket);
      }));""", ["/close?code=1000", "/close?code=1011", "/close?code=4999", "/cut"])
    told = [{"code": code, "reason": "reason of the app", "wasClean": True} for code in (1000, 1011, 4999)]
    assert ends == [*told, {"code": 1006, "reason": "", "wasClean": False}]
    run(page, "const socket = await connect('/socket?mine'); const end = closed(socket); socket.close(3000, 'from the page'); return end;")
    seen = web_app.wait_event("closed", match=lambda e: "mine" in e["path"])
    assert (seen["code"], seen["reason"]) == (3000, "from the page")


def connections_to(port):
    """How many TCP connections visitors and clients have to a port of this machine."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def test_websockets_share_the_http2_connection_of_their_page(page, edge):
    before = connections_to(edge.port)
    seen = run(page, """
      window.sockets = await Promise.all([...Array(10).keys()].map(() => connect("/socket")));
      return Promise.all(sockets.map(async (socket, n) => { const back = message(socket); socket.send("number " + n); return back; }));""")
    assert seen == [f"number {n}" for n in range(10)]
    assert connections_to(edge.port) - before < 5, "each WebSocket has a connection of its own"


# --- Streams


def test_no_event_waits_for_a_later_one_and_the_browser_comes_back_with_the_last_id(page):
    # The app sends the next event only after the page has said that it has this one.
    events = run(page, """
      const source = new EventSource("/events?key=" + given);
      const events = [];
      await new Promise((resolve) => source.addEventListener("step", (event) => {
        const { n, since } = JSON.parse(event.data);
        events.push([n, since, event.lastEventId]);
        if (n === 23) resolve();
        else say(given, n);
      }));
      source.close();
      return events;""", secrets.token_hex(4))
    # Five a connection: the app began each time where Last-Event-ID said.
    assert events == [[n, (n - 1) // 5 * 5 + 1, str(n)] for n in range(1, 24)]


def test_a_fetched_stream_is_read_piece_by_piece(page):
    pieces = run(page, """
      const reader = (await fetch("/stream?key=" + given)).body.getReader();
      const pieces = [];
      for (let n = 0; n < 20; ++n) {
        let piece = [];
        while (piece.length < 1 + n * 997) piece.push(...(await reader.read()).value);
        pieces.push(piece.length === 1 + n * 997 && piece.every((byte) => byte === n));
        await say(given, n);
      }
      return [...pieces, (await reader.read()).done];""", secrets.token_hex(4))
    assert pieces == [True] * 21


def test_a_request_is_streamed_while_its_answer_comes_back(page):
    # Chromium streams the body of a request over HTTP/2 alone. The page gets the answer when the body is over; on the wire both flow.
    seen = run(page, """
      const parts = given.map((n) => new Uint8Array(n).fill(n % 251));
      let next = 0;
      const body = new ReadableStream({ pull(out) { if (next < parts.length) out.enqueue(parts[next++]); else out.close(); } });
      const answer = await fetch("/conversation", { method: "POST", body, duplex: "half", headers: { "content-type": "application/x-parts" } });
      const whole = new Uint8Array(await new Blob(parts).arrayBuffer());
      return [answer.status, (await sha256(await answer.arrayBuffer())) === (await sha256(whole))];""", [1, 100, 16384, 70000, 1 << 20, 3])
    assert seen == [200, True]


def test_a_request_that_the_page_gives_up_ends_and_others_go_on(page):
    seen = run(page, """
      const stop = new AbortController();
      const answer = await fetch("/stream?key=" + given, { signal: stop.signal });
      const reader = answer.body.getReader();
      await reader.read();
      stop.abort();
      const error = await reader.read().then(() => "none", (e) => e.name);
      return [error, (await (await fetch("/echo")).json()).method];""", secrets.token_hex(4))
    assert seen == ["AbortError", "GET"]


# --- Upload


def resident(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024


def test_a_large_file_is_uploaded_whole_and_memory_does_not_grow(page, edge, folder):
    size = int(os.environ.get("INSTATUNNEL_UPLOAD_MIB", "256")) << 20
    digest = big_file(folder / "upload.bin", size)
    run(page, "document.body.innerHTML = '<input type=file id=file>';")
    page.choose("#file", folder / "upload.bin")
    processes = {"edge": edge.process, "client": page.tunnel.process}
    before = {name: resident(process) for name, process in processes.items()}
    for process in processes.values():
        process.reset_peak_memory()
    seen = run(page, """
      const [file] = document.querySelector("#file").files;
      const answer = await fetch("/echo", { method: "PUT", body: file });
      return answer.json();""", limit=240)
    assert (seen["method"], seen["size"], seen["sha256"]) == ("PUT", size, digest)
    assert seen["headers"]["content-length"] == str(size)
    growth = {name: process.peak_memory() - before[name] for name, process in processes.items()}
    (folder / "upload.bin").unlink()
    assert max(growth.values()) <= MOST_GROWTH, growth


def test_a_form_with_files_arrives_as_it_was_filled_in(page):
    seen = run(page, """
      const form = new FormData();
      form.append("name", "Jörg");
      form.append("file", new Blob([new Uint8Array(300000).fill(7)]), "a.bin");
      form.append("file", new Blob(["text"]), "b.txt");
      const whole = new Request("/echo", { method: "POST", body: form });
      const copy = await whole.clone().arrayBuffer();
      const answer = await (await fetch(whole)).json();
      return [answer.sha256 === (await sha256(copy)), answer.size === copy.byteLength, answer.headers["content-type"].split(";")[0]];""")
    assert seen == [True, True, "multipart/form-data"]


# --- Cookies, redirects, other origins


def test_cookies_are_kept_sent_and_hidden_as_the_app_said(page):
    seen = run(page, """
      await fetch("/set-cookies");
      document.cookie = "own=5; path=/; secure";
      const sent = (await (await fetch("/echo")).json()).headers.cookie;
      return [document.cookie.split("; ").sort(), sent.split("; ").sort()];""")
    assert seen[0] == ["__Host-mine=3", "own=5", "plain=1", "quoted=a=b"]
    assert seen[1] == sorted(seen[0] + ["hidden=2"])


def test_redirects_are_followed_with_the_right_method(page):
    seen = run(page, """
      const found = {};
      for (const status of [301, 302, 303, 307, 308]) {
        const answer = await fetch("/redirect?status=" + status, { method: "POST", body: "x".repeat(1000) });
        const { method, size } = await answer.json();
        found[status] = [answer.redirected, new URL(answer.url).search, method, size];
      }
      return found;""")
    assert seen == {str(status): [True, f"?after={status}", *(["POST", 1000] if status > 303 else ["GET", 0])] for status in (301, 302, 303, 307, 308)}
    assert page.goto(page.tunnel.url + "/redirect?status=302") == 200
    assert page.url == page.tunnel.url + "/echo?after=302"


def test_a_page_of_one_tunnel_asks_another_tunnel_first(page, tunnel, web_app):
    other = tunnel(web_app.port)
    seen = run(page, """
      const answer = await fetch(given + "/cors", { method: "PUT", body: "across", credentials: "include", headers: { "x-mine": "yes" } });
      const refused = await fetch(given + "/no-cors", { method: "PUT", headers: { "x-mine": "no" } }).then(() => "answered", (e) => e.name);
      return { ...(await answer.json()), shown: answer.headers.get("x-shown"), refused };""", other.url)
    assert (seen["method"], seen["mine"], seen["size"], seen["shown"]) == ("PUT", "yes", len("across"), "yes")
    assert seen["refused"] == "TypeError"
    asked = web_app.wait_event("preflight")
    assert (asked["method"], asked["origin"], asked["headers"]) == ("PUT", page.tunnel.url, "x-mine")


# --- The client comes back


def test_the_page_works_again_after_its_client_was_started_anew(page, tunnel, web_app):
    run(page, "window.socket = await connect('/socket'); window.end = closed(window.socket);")
    name = page.tunnel.name
    page.tunnel.process.kill()
    assert run(page, "return window.end;")["wasClean"] is False
    tunnel(web_app.port, name=name)
    wait_until(lambda: run(page, "return (await fetch('/echo')).ok;"), 10, "answer")
    assert run(page, "const s = await connect('/socket'); const back = message(s); s.send('again'); return back;") == "again"
