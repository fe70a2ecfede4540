"""Streams: server-sent events, WebSocket, uploads and downloads that flow while they are made."""

import asyncio
import ssl
import subprocess
import threading
import time

import pytest
import websockets
from websockets.exceptions import ConnectionClosed

from local_apps import ByteApp
from visitor import curl_command
from websocket_app import WebSocketApp


def test_server_sent_events_are_never_buffered(tunnel, app):
    t = tunnel(app.port)
    count, gap = 8, 200
    command = curl_command(t.url + f"/events?n={count}&ms={gap}", t.edge.cacert, "-N", "--no-progress-meter")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
        delays = []
        for line in curl.stdout:
            if line.startswith("data: "):
                delays.append(time.time() - float(line[6:]))
        assert curl.wait() == 0
    assert len(delays) == count
    assert max(delays) < gap / 1000 / 2, f"events were held back: {delays}"


def test_the_head_of_a_stream_comes_before_its_first_byte(tunnel, new_app):
    go_on = threading.Event()

    def serve(connection, _):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        go_on.wait(20)
        connection.sendall(b"2\r\nhi\r\n0\r\n\r\n")

    t = tunnel(new_app(ByteApp, serve=serve).port)
    with t.raw() as visitor:
        visitor.send(f"GET / HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        assert visitor.head()[0] == 200
        go_on.set()
        assert visitor.chunk() == b"hi"


def test_each_chunk_arrives_when_it_is_sent(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"GET /chunks?n=5&ms=300 HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        visitor.head()
        start, arrivals, size = time.monotonic(), [], 0
        while size < 5000:
            size += len(visitor.chunk())
            arrivals.append(time.monotonic() - start)
    assert arrivals[0] < 0.2 and arrivals[-1] > 1.0, arrivals


def test_both_directions_of_one_request_flow_at_once(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"POST /duplex HTTP/1.1\r\nHost: {t.host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        assert visitor.head()[0] == 200
        for index in range(20):
            part = b"part %d" % index
            visitor.send(b"%x\r\n%s\r\n" % (len(part), part))
            echoed = b""
            while len(echoed) < len(part):
                echoed += visitor.chunk()
            assert echoed == part
        visitor.send(b"0\r\n\r\n")
        assert visitor.chunk() == b""


def test_a_reply_that_comes_before_the_end_of_an_upload_arrives_whole(tunnel, new_app, folder):
    def refuse(connection, _):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 200000\r\n\r\n" + b"y" * 200_000)
        while connection.recv(65536):
            pass

    (folder / "upload").write_bytes(b"x" * 3_000_000)
    t = tunnel(new_app(ByteApp, serve=refuse).port)
    for _ in range(5):
        reply = t.get("/", "-T", folder / "upload", "-H", "Expect:")
        assert (reply.status, len(reply.body), reply.exit_code) == (413, 200_000, 0), reply.error


def test_a_visitor_who_leaves_ends_the_apps_work(tunnel, new_app):
    ended = threading.Event()

    def serve(connection, _):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                connection.sendall(b"4\r\ntick\r\n")
                time.sleep(0.05)
        except OSError:
            ended.set()
            raise

    t = tunnel(new_app(ByteApp, serve=serve).port)
    with t.raw() as visitor:
        visitor.send(f"GET / HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        visitor.head()
        visitor.chunk()
    assert ended.wait(10), "the app still sends to nobody"


def test_a_visitor_who_does_not_read_holds_the_app_back_and_nobody_else(tunnel, new_app):
    sent = [0]

    def serve(connection, _):
        if b"/small" in connection.recv(65536):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsmall")
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            sent[0] += connection.send(b"x" * 65536)

    t = tunnel(new_app(ByteApp, serve=serve).port)
    t.edge.process.reset_peak_memory()
    with t.raw() as visitor:
        visitor.send(f"GET / HTTP/1.1\r\nHost: {t.host}\r\n\r\n".encode())
        visitor.head()
        time.sleep(3)
        before = sent[0]
        time.sleep(1)
        assert sent[0] == before, "the app is not held back"
        assert before < 64 << 20
        assert t.process.peak_memory() < 64 << 20 and t.edge.process.peak_memory() < 64 << 20
        assert t.get("/small", "--max-time", "5").body == b"small"


@pytest.fixture
def websocket_app():
    running = WebSocketApp()
    yield running
    running.stop()


def connect(t, path="/", **options):
    context = ssl.create_default_context(cafile=str(t.edge.cacert))
    return websockets.connect(f"wss://{t.host}:{t.edge.port}{path}", ssl=context, host="127.0.0.1", port=t.edge.port, server_hostname=t.host,
                              max_size=None, **options)


def test_websocket_text_binary_large_and_fragmented_messages_come_back(tunnel, websocket_app):
    t = tunnel(websocket_app.port)

    async def talk():
        async with connect(t, "/chat?room=1", subprotocols=["chat.v2"]) as socket:
            assert socket.subprotocol == "chat.v2"
            for message in ("hällo", b"\x00\xff binary", "", "x" * (1 << 20), bytes(range(256)) * 4096):
                await socket.send(message)
                assert await asyncio.wait_for(socket.recv(), 20) == message

            async def parts():
                for index in range(10):
                    yield f"part {index} "

            await socket.send(parts())
            assert (await asyncio.wait_for(socket.recv(), 10)).endswith("part 9 ")
            pong = await socket.ping()
            await asyncio.wait_for(pong, 10)

    asyncio.run(talk())
    path, headers = websocket_app.origins[0]
    assert path == "/chat?room=1"
    assert {k.lower() for k in headers} >= {"upgrade", "connection", "sec-websocket-key", "x-forwarded-proto"}


def test_websocket_close_codes_pass_in_both_directions(tunnel, websocket_app):
    t = tunnel(websocket_app.port)

    async def talk():
        async with connect(t, "/bye") as socket:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 10)
            assert (socket.close_code, socket.close_reason) == (4001, "because")
        socket = await connect(t)
        await asyncio.wait_for(socket.close(4002, "done"), 10)
        assert socket.close_code == 4002

    asyncio.run(talk())


def test_many_websockets_share_one_tunnel(tunnel, websocket_app):
    t = tunnel(websocket_app.port)

    async def one(index):
        async with connect(t) as socket:
            for turn in range(5):
                await socket.send(f"{index}/{turn}")
                assert await asyncio.wait_for(socket.recv(), 30) == f"{index}/{turn}"

    async def talk():
        await asyncio.gather(*(one(i) for i in range(100)))

    asyncio.run(talk())


def test_a_refused_upgrade_is_an_ordinary_answer(tunnel, app):
    t = tunnel(app.port)
    with t.raw() as visitor:
        visitor.send(f"GET /status/403 HTTP/1.1\r\nHost: {t.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        reply = visitor.reply()
    assert (reply.status, reply.body) == (403, b"status 403")


def test_a_dead_client_ends_open_websockets(tunnel, websocket_app):
    t = tunnel(websocket_app.port)

    async def talk():
        async with connect(t, ping_interval=None, close_timeout=1) as socket:
            await socket.send("before")
            await socket.recv()
            t.process.kill()
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 15)

    asyncio.run(talk())
