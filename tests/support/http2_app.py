"""A local app that speaks HTTP/2 without TLS and nothing else (python3-h2), and one that sends any bytes it likes."""

import hashlib
import json
import threading
import urllib.parse

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from local_apps import ByteApp

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
BLOCK = bytes(range(256)) * 64


class _Stream:
    def __init__(self, headers):
        self.headers = headers
        self.first = {name: value for name, value in reversed(headers)}
        self.path, _, query = self.first.get(":path", "").partition("?")
        self.query = dict(urllib.parse.parse_qsl(query))
        self.digest, self.received = hashlib.sha256(), 0
        self.trailers, self.left, self.after, self.held = [], 0, None, b""


class _Connection:
    """One connection from the tunnel, in its own thread."""

    def __init__(self, app, socket):
        self.app, self.socket = app, socket
        self.streams, self.over = {}, False
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8", validate_outbound_headers=False))
        if app.settings:
            self.h2.local_settings = h2.settings.Settings(client=False, initial_values={**_defaults(), **app.settings})
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.socket.sendall(data)

    def run(self):
        while True:
            data = self.socket.recv(65536)
            if not data:
                return
            if self.over:
                continue  # a goodbye that is cut off by a reset would not be read
            for event in self.h2.receive_data(data):
                if not self.over:
                    self.handle(event)
            self.flush()

    def handle(self, event):
        number = getattr(event, "stream_id", None)
        if isinstance(event, h2.events.RequestReceived):
            self.streams[number] = _Stream(event.headers)
            self.app.note("request", dict(event.headers))
            self.begin(number, self.streams[number])
        elif number and number not in self.streams:
            return  # reset by us before it had ended
        elif isinstance(event, h2.events.DataReceived):
            stream = self.streams[number]
            stream.digest.update(event.data)
            stream.received += len(event.data)
            if self.app.reads and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, number)
            if stream.path == "/echo":
                stream.held += event.data
                self.pump(number)
        elif isinstance(event, h2.events.TrailersReceived):
            self.streams[number].trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            self.end(number, self.streams[number])
        elif isinstance(event, h2.events.StreamReset):
            self.app.note("reset", {"path": self.streams[number].path, "code": int(event.error_code)})
            self.streams.pop(number, None)
        elif isinstance(event, h2.events.WindowUpdated):
            for each in list(self.streams) if not number else [number]:
                self.pump(each)

    def head(self, number, status, *fields, end=False):
        self.h2.send_headers(number, [(":status", str(status)), *fields], end_stream=end)

    def answer(self, number, body, *fields, status=200):
        self.head(number, status, ("content-length", str(len(body))), *fields)
        self.h2.send_data(number, body, end_stream=True)

    def begin(self, number, stream):
        """What is answered as soon as the head has come."""
        path = stream.path
        if stream.first.get(":protocol"):
            if path == "/no":
                return self.answer(number, b"no WebSocket here", status=403)
            self.head(number, 200)
            stream.path = "/echo"
        elif path == "/echo":
            self.head(number, 200, ("content-type", "application/octet-stream"))
        elif path == "/early":
            self.answer(number, b"enough")
            self.flush()
            if "reset" in stream.query:
                self.h2.reset_stream(number, h2.errors.ErrorCodes.NO_ERROR)
                self.streams.pop(number)
        elif path == "/reset":
            self.h2.reset_stream(number, int(stream.query["code"]))
        elif path == "/cut":
            self.head(number, 200, ("content-length", "1000"))
            self.h2.send_data(number, b"some")
            self.flush()
            self.h2.reset_stream(number, int(stream.query["code"]))
        elif path == "/refuse-once" and self.app.count("refused") == 0:
            self.app.note("refused", {})
            self.h2.reset_stream(number, h2.errors.ErrorCodes.REFUSED_STREAM)
            self.streams.pop(number)
        elif path == "/goaway-once" and self.app.count("left") == 0:
            self.app.note("left", {})
            self.h2.close_connection(last_stream_id=max(0, number - 2))
            self.over = True
        elif path == "/big":
            self.head(number, 200, *([("content-length", stream.query["size"])] if "length" in stream.query else []))
            stream.left = int(stream.query["size"])
            self.pump(number)
        return None

    def end(self, number, stream):
        """What is answered when the request is whole."""
        path, method = stream.path, stream.first[":method"]
        if stream.first.get(":protocol") or path == "/echo":
            stream.after = []
            self.pump(number)
        elif path == "/hello":
            body = b"hello over HTTP/2"
            if method == "HEAD":
                self.head(number, 200, ("content-length", str(len(body))), ("x-method", method), end=True)
            else:
                self.answer(number, body, ("x-method", method))
        elif path == "/head":
            self.answer(number, json.dumps({"headers": stream.headers, "trailers": stream.trailers}).encode(), ("content-type", "application/json"))
        elif path == "/hash":
            self.head(number, 200, ("x-length", str(stream.received)))
            self.h2.send_data(number, stream.digest.hexdigest().encode())
            self.h2.send_headers(number, [("x-sum", stream.digest.hexdigest()), ("x-got", json.dumps(stream.trailers))], end_stream=True)
        elif path == "/hints":
            for link in ("</a.css>; rel=preload", "</b.js>; rel=preload"):
                self.head(number, 103, ("link", link))
            self.answer(number, b"after hints")
        elif path == "/304":
            self.head(number, 304, ("etag", '"1"'), ("content-length", "17"), end=True)
        elif path == "/204":
            self.head(number, 204, end=True)
        elif path == "/trailers-only":
            self.head(number, 200, ("content-type", "application/grpc"), ("grpc-status", "12"), end=True)
        elif path in ("/refuse-once", "/goaway-once"):
            self.answer(number, b"at last")
        elif path == "/fields":
            self.head(number, 200, *[(f"x-{i}", "v" * int(stream.query["size"])) for i in range(int(stream.query["count"]))], end=True)

    def pump(self, number):
        """Sends what waits as windows allow."""
        stream = self.streams.get(number)
        if stream is None:
            return
        while stream.left or stream.held:
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            if room <= 0:
                return
            if stream.held:
                part, stream.held = stream.held[:room], stream.held[room:]
            else:
                part = BLOCK[: min(room, stream.left)]
                stream.left -= len(part)
                self.app.sent += len(part)
            self.h2.send_data(number, part, end_stream=stream.path == "/big" and not stream.left)
            self.flush()
        if stream.after is not None:
            stream.after = None
            self.h2.end_stream(number)


def _defaults():
    codes = h2.settings.SettingCodes
    return {codes.MAX_CONCURRENT_STREAMS: 100, codes.MAX_HEADER_LIST_SIZE: 65536}


class Http2App(ByteApp):
    """`settings`: of RFC 9113 §6.5.2 by number; `reads`: whether it gives windows for request bodies."""

    def __init__(self, settings=None, reads=True, **options):
        self.settings, self.reads, self.sent = settings, reads, 0
        self._notes, self._guard = [], threading.Lock()
        super().__init__(self._serve_http2, **options)

    def _serve_http2(self, connection, _):
        try:
            _Connection(self, connection).run()
        except (OSError, h2.exceptions.ProtocolError) as error:
            self.note("broken", {"error": repr(error)})

    def note(self, what, more):
        with self._guard:
            self._notes.append((what, more))

    def notes(self, what):
        with self._guard:
            return [more for name, more in self._notes if name == what]

    def count(self, what):
        return len(self.notes(what))


def _read(connection, size):
    got = b""
    while len(got) < size:
        part = connection.recv(size - len(got))
        if not part:
            raise EOFError("the tunnel closed the connection")
        got += part
    return got


class BrokenApp(ByteApp):
    """Greets as HTTP/2 does, and answers the first request with `junk`: bytes, or a function of the stream's number."""

    SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])

    def __init__(self, junk, greeting=SETTINGS, **options):
        def serve(connection, _):
            _read(connection, len(PREFACE))
            connection.sendall(greeting)
            while True:
                header = _read(connection, 9)
                _read(connection, int.from_bytes(header[:3], "big"))
                if header[3] == 1:
                    break
            number = int.from_bytes(header[5:], "big")
            connection.sendall(junk(number) if callable(junk) else junk)
            while connection.recv(4096):
                pass

        super().__init__(serve, **options)
