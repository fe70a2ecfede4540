"""A client of protocol v1 as it was published, and a server of it: JSON over WebSocket, whole bodies in base64. docs/v1.md."""

import asyncio
import base64
import http
import json
import ssl
import threading

import websockets.client
import websockets.exceptions
import websockets.server

from visitor import curl


def trusting(cacert):
    return ssl.create_default_context(cafile=cacert)


class V1Api:
    """The unversioned routes, as a published client calls them."""

    def __init__(self, edge, key=None):
        self.edge, self.key = edge, key

    def call(self, method, path, body=None):
        return self.edge.call(method, path, body, self.key)

    def create(self, port=3000, **members):
        reply = self.call("POST", "/tunnels", {"local_port": port, **members})
        assert reply.status == 201, reply
        return reply.json()


class V1Client:
    """One tunnel's connection, served by `serve(request)`: a function of the request's data that gives the response's, or None for no answer.

    Runs on a thread of its own. `answer_late`: holds answers back until release()."""

    def __init__(self, edge, path, serve, key=None):
        self.edge, self.path, self.serve, self.key = edge, path, serve, key
        self.requests, self.messages, self.close = [], [], None
        self.refused = None
        self.socket = None
        self.ready = threading.Event()
        self.over = threading.Event()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._hold())
        self.over.set()
        self.ready.set()

    async def _hold(self):
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        url = self.edge.api.replace("https://", "wss://") + self.path
        try:
            self.socket = await websockets.client.connect(
                url, ssl=trusting(self.edge.cacert), extra_headers=headers, max_size=None, compression=None, host="127.0.0.1",
                port=self.edge.port, server_hostname=f"api.{self.edge.domain}")
        except websockets.exceptions.InvalidStatusCode as refused:
            self.refused = refused.status_code
            return
        except websockets.exceptions.InvalidHandshake as refused:
            self.refused = refused
            return
        try:
            async for text in self.socket:
                self._take(json.loads(text))
        except websockets.exceptions.ConnectionClosed:
            pass
        self.close = (self.socket.close_code, self.socket.close_reason)

    def _take(self, message):
        self.messages.append(message)
        if message["type"] == "connected":
            self.ready.set()
        if message["type"] == "ping":
            asyncio.ensure_future(self.socket.send('{"type":"pong"}'))
        if message["type"] == "request":
            self.requests.append(message["data"])
            asyncio.ensure_future(self._answer(message["data"]))

    async def _answer(self, data):
        reply = await self.loop.run_in_executor(None, self.serve, data)
        if reply is not None:
            await self.socket.send(json.dumps({"type": "response", "data": {"id": data["id"], **reply}}))

    def send(self, text):
        """Sends any text (or bytes, as a binary message)."""
        return asyncio.run_coroutine_threadsafe(self.socket.send(text), self.loop).result(30)

    def respond(self, data, **members):
        self.send(json.dumps({"type": "response", "data": {"id": data["id"], **members}}))

    def stop(self, code=1000):
        if self.socket is not None and not self.over.is_set():
            asyncio.run_coroutine_threadsafe(self.socket.close(code), self.loop).result(30)
        self.over.wait(30)

    def cut(self):
        """The connection is lost without a word."""
        self.loop.call_soon_threadsafe(self.socket.transport.abort)
        self.over.wait(30)

    def opened(self):
        assert self.ready.wait(20) and self.refused is None, self.refused
        return self

    def ended(self):
        assert self.over.wait(20)
        return self


def body_of(data):
    return base64.b64decode(data.get("body", ""))


def answer(body=b"", status=200, **headers):
    reply = {"status_code": status, "headers": {name.replace("_", "-"): value for name, value in headers.items()}}
    if body:
        reply["body"] = base64.b64encode(body).decode()
    return reply


def echo(data):
    """Tells what came, the body itself behind it."""
    return answer(body_of(data), X_Method=data["method"], X_Url=data["url"], Content_Type="application/octet-stream")


class V1Server:
    """A server that knows nothing but v1: the HTTP routes and the WebSocket, over TLS with `certificate` (pair of files).

    `ask` sends a request to the client that is connected and waits for its response."""

    def __init__(self, certificate, status=201, cut=0):
        self.orders, self.paths, self.keys, self.answers = [], [], [], {}
        self.status = status
        self.certificate = certificate
        self.sockets = []
        self.connected = threading.Semaphore(0)
        self.closed = []
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        assert started.wait(10)

    def _run(self, started):
        asyncio.set_event_loop(self.loop)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, self.certificate))
        self.server = self.loop.run_until_complete(asyncio.start_server(self._plain, "127.0.0.1", 0, ssl=context))
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        started.set()
        self.loop.run_forever()

    async def _plain(self, reader, writer):
        """HTTP by hand: the library's server answers GET alone."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except (asyncio.IncompleteReadError, ConnectionError):  # somebody who looked for another protocol
            return writer.close()
        method, path, _ = head.split("\r\n", 1)[0].split(" ")
        fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in head.split("\r\n")[1:] if ":" in line}
        self.paths.append((method, path))
        self.keys.append(fields.get("authorization"))
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        if fields.get("upgrade") == "websocket":
            return await self._socket(reader, writer, fields)
        status, reply = self._answer(method, path, body)
        text = json.dumps(reply).encode()
        writer.write(f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
                     f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode() + text)
        await writer.drain()
        writer.close()

    def _answer(self, method, path, body):
        if (method, path) == ("POST", "/tunnels"):
            order = json.loads(body)
            self.orders.append(order)
            if self.status != 201:
                return self.status, {"error": "pq: duplicate key value violates unique constraint"}
            name = order.get("subdomain") or "made-up"
            return 201, {"id": 40 + len(self.orders), "subdomain": name, "local_port": order["local_port"], "status": "active",
                         "url": f"https://{name}.v1.example"}
        return 404, {"error": "not found"}

    async def _socket(self, reader, writer, fields):
        from websockets.frames import Close, Frame, Opcode  # pylint: disable=import-outside-toplevel
        from websockets.utils import accept_key  # pylint: disable=import-outside-toplevel
        writer.write((f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      f"Sec-WebSocket-Accept: {accept_key(fields['sec-websocket-key'])}\r\n\r\n").encode())

        def send(text):
            writer.write(Frame(Opcode.TEXT, text.encode()).serialize(mask=False))
        self.sockets.append((send, writer))
        send('{"type":"connected"}')
        self.connected.release()
        parts = []
        try:
            while True:
                opcode, fin, payload = await self._frame(reader)
                if opcode == 8:
                    self.closed.append(Close.parse(payload).code if payload else None)
                    break
                if opcode == 9:
                    writer.write(Frame(Opcode.PONG, payload).serialize(mask=False))
                elif opcode in (0, 1):
                    parts.append(payload)
                    if fin:
                        self._take(json.loads(b"".join(parts)))
                        parts = []
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.append(None)
        writer.close()

    @staticmethod
    async def _frame(reader):
        first, second = await reader.readexactly(2)
        assert second & 0x80, "a client masks its frames"
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
        mask = await reader.readexactly(4)
        payload = await reader.readexactly(size)
        key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        return first & 15, bool(first & 0x80), (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")

    def _take(self, message):
        if message["type"] == "response":
            waiting = self.answers.get(message["data"]["id"])
            if waiting:
                waiting[1] = message["data"]
                waiting[0].set()
        else:
            self.answers.setdefault(message["type"], []).append(message)

    def begin(self, ident, method="GET", url="/", headers=None, body=None):
        """Sends a request; returns what finish() takes."""
        data = {"id": ident, "method": method, "url": url, "headers": headers or {}}
        if body:
            data["body"] = base64.b64encode(body).decode()
        self.answers[ident] = [threading.Event(), None]
        self.say({"type": "request", "data": data})
        return ident

    def finish(self, ident):
        assert self.answers[ident][0].wait(30), "no response came"
        return self.answers[ident][1]

    def ask(self, ident, **request):
        return self.finish(self.begin(ident, **request))

    def say(self, message):
        self.loop.call_soon_threadsafe(self.sockets[-1][0], message if isinstance(message, str) else json.dumps(message))

    def cut(self):
        self.loop.call_soon_threadsafe(self.sockets[-1][1].transport.abort)

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)


__all__ = ["V1Api", "V1Client", "V1Server", "answer", "body_of", "curl", "echo"]
