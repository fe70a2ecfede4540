"""Local apps to put behind a tunnel: one that records every byte, one that answers HTTP in known ways, and nginx."""

import hashlib
import json
import pathlib
import socket
import ssl
import threading
import time
import urllib.parse

from ports import accepts, free_port
from process import Process, wait_until


class ByteApp:
    """Listens on loopback and calls `serve(connection, app)` in a thread for each connection.

    `host`: an address, or a path for a unix socket. `certificate`: (certificate, key) for TLS. `backlog`: as of listen()."""

    def __init__(self, serve, host="127.0.0.1", port=0, certificate=None, backlog=1024):
        self._serve = serve
        self._context = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*map(str, certificate))
        if str(host).startswith("/"):
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(host))
            self.port = None
        else:
            self._listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if ":" in host:
                self._listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._listener.bind((host, port))
            self.port = self._listener.getsockname()[1]
        self._listener.listen(backlog)
        self._open = []
        self._lock = threading.Lock()
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.append(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            else:
                try:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                except OSError:
                    pass
            with connection:
                self._serve(connection, self)
        except (OSError, EOFError):
            pass

    def stop(self):
        """Stops listening and cuts every connection, like a program that is killed."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                connection.close()
            self._open = []


class CollectingApp(ByteApp):
    """Reads each connection to its end, keeps that in `heard`, and says `done`."""

    def __init__(self, **arguments):
        self.heard = []
        super().__init__(self._collect, **arguments)

    def _collect(self, connection, _):
        data = b""
        while part := connection.recv(65536):
            data += part
        self.heard.append(data)
        connection.sendall(b"done")


class RecordingApp(ByteApp):
    """Keeps the exact bytes of every connection and answers each head with `reply`. For requests without a body."""

    OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def __init__(self, reply=OK, close=False, **arguments):
        self._records = []
        self.reply = reply
        self.close = close
        super().__init__(self._record, **arguments)

    @property
    def received(self):
        """What came on each connection since forget(); connections without a byte are left out."""
        return [bytes(record) for record in self._records if record]

    def forget(self):
        """Drops what was received so far; open connections stay open."""
        for record in self._records:
            record.clear()

    def _record(self, connection, _):
        record = bytearray()
        self._records.append(record)
        pending = b""
        while True:
            data = connection.recv(65536)
            if not data:
                return
            record += data
            pending += data
            while b"\r\n\r\n" in pending:
                pending = pending.partition(b"\r\n\r\n")[2]
                connection.sendall(self.reply)
                if self.close:
                    return

    def heads(self):
        """Every request head so far, as lists of lines without CRLF."""
        return [head.split(b"\r\n") for data in self.received for head in data.split(b"\r\n\r\n") if head]


class _Reader:
    """Buffered reads of one connection."""

    def __init__(self, connection):
        self._connection = connection
        self._data = b""

    def line(self):
        while b"\r\n" not in self._data:
            self._fill()
        line, _, self._data = self._data.partition(b"\r\n")
        return line

    def some(self, limit):
        if not self._data:
            self._fill()
        part, self._data = self._data[:limit], self._data[limit:]
        return part

    def _fill(self):
        data = self._connection.recv(1 << 18)
        if not data:
            raise EOFError
        self._data += data


class Request:
    """One request as the app saw it: `body` is read by the handler, part by part."""

    def __init__(self, reader):
        self._reader = reader
        words = reader.line().decode("latin-1").split(" ")
        if len(words) != 3:  # HTTP/2, say: hang up, as servers do
            raise EOFError
        self.method, self.target, self.version = words
        self.headers, self.trailers = self._fields(), []
        url = urllib.parse.urlsplit(self.target)
        self.path, self.query = url.path, dict(urllib.parse.parse_qsl(url.query))

    def _fields(self):
        fields = []
        while True:
            line = self._reader.line()
            if not line:
                return fields
            name, _, value = line.decode("latin-1").partition(":")
            fields.append((name, value.strip()))

    def header(self, name):
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        return values[0] if values else None

    def parts(self):
        """The body's bytes as they come; sets `trailers` at its end."""
        length = self.header("Content-Length")
        if (self.header("Transfer-Encoding") or "").lower() == "chunked":
            while True:
                size = int(self._reader.line().split(b";")[0], 16)
                if size == 0:
                    self.trailers = self._fields()
                    return
                while size:
                    part = self._reader.some(size)
                    size -= len(part)
                    yield part
                self._reader.line()
        elif length:
            left = int(length)
            while left:
                part = self._reader.some(left)
                left -= len(part)
                yield part


class HttpApp(ByteApp):
    """An HTTP/1.1 app whose paths each show one behaviour; see the methods. `seen` lists all requests."""

    def __init__(self, **arguments):
        self.seen = []
        self.in_flight = 0
        self.most_in_flight = 0
        super().__init__(self._loop, **arguments)

    def _loop(self, connection, _):
        reader = _Reader(connection)
        while True:
            request = Request(reader)
            with self._lock:
                self.seen.append(request)
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
            try:
                if request.header("Expect") == "100-continue":
                    if request.path == "/refuse":
                        self._send(connection, 413, b"too much", close=True)
                        return
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                name = request.path.strip("/").split("/")[0] or "echo"
                getattr(self, "on_" + name, self.on_echo)(connection, request)
            finally:
                with self._lock:
                    self.in_flight -= 1
            if (request.header("Connection") or "").lower() == "close":
                return

    @staticmethod
    def _send(connection, status, body=b"", headers=(), close=False):
        lines = [f"HTTP/1.1 {status} Reply", f"Content-Length: {len(body)}"] + [f"{n}: {v}" for n, v in headers]
        if close:
            lines.append("Connection: close")
        connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def on_echo(self, connection, request):
        """JSON of what came: method, target, headers, trailers, length and hash of the body."""
        digest, size = hashlib.sha256(), 0
        for part in request.parts():
            digest.update(part)
            size += len(part)
        body = json.dumps({
            "method": request.method, "target": request.target, "headers": request.headers, "trailers": request.trailers, "size": size,
            "sha256": digest.hexdigest()}).encode()
        if request.method == "HEAD":
            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        else:
            self._send(connection, 200, body, [("Content-Type", "application/json")])

    def on_status(self, connection, request):
        """/status/CODE: that status; 204 and 304 without any body field."""
        code = int(request.path.split("/")[2])
        for _ in request.parts():
            pass
        if code in (204, 304):
            connection.sendall(f"HTTP/1.1 {code} Reply\r\nETag: \"v1\"\r\n\r\n".encode())
        else:
            self._send(connection, code, f"status {code}".encode(), [("Location", "/elsewhere?a=b#c")] if 300 <= code < 400 else [])

    def on_slow(self, connection, request):
        """/slow?ms=N: answers after N ms."""
        time.sleep(int(request.query["ms"]) / 1000)
        self._send(connection, 200, b"slow answer")

    def on_chunks(self, connection, request):
        """/chunks?n=N&ms=M: N chunks of 1,000 bytes, M ms apart, then a trailer."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n\r\n")
        digest = hashlib.sha256()
        for index in range(int(request.query["n"])):
            part = bytes([65 + index % 26]) * 1000
            digest.update(part)
            connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
            time.sleep(int(request.query.get("ms", "0")) / 1000)
        connection.sendall(f"0\r\nX-Checksum: {digest.hexdigest()}\r\n\r\n".encode())

    def on_events(self, connection, request):
        """/events?n=N&ms=M: N (3) server-sent events that carry the time of sending, then the end of the connection."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n")
        for index in range(int(request.query.get("n", "3"))):
            connection.sendall(f"id: {index}\ndata: {time.time()}\n\n".encode())
            time.sleep(int(request.query.get("ms", "0")) / 1000)
        raise EOFError

    def on_cookies(self, connection, _):
        self._send(connection, 200, b"cookies", [("Set-Cookie", "a=1; Path=/; HttpOnly"), ("Set-Cookie", "b=2, with a comma"),
                                                   ("Set-Cookie", "c=3; Expires=Wed, 21 Oct 2037 07:28:00 GMT")])

    def on_hints(self, connection, _):
        """An interim 103 before the final answer."""
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        self._send(connection, 200, b"after hints")

    def on_duplex(self, connection, request):
        """Answers each part of a chunked upload at once, before the upload is over."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in request.parts():
            connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        connection.sendall(b"0\r\n\r\n")

    def on_cut(self, connection, _):
        """Promises 1,000 bytes, sends 100, closes."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 100)
        raise EOFError

    def on_old(self, connection, _):
        """An HTTP/1.0 answer without a length: its end is the end of the connection."""
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold style")
        raise EOFError


NGINX = """
daemon off; pid {dir}/nginx.pid; error_log stderr error; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log {dir}/access.log; sendfile on; client_max_body_size 0; default_type application/octet-stream;
  types {{ text/html html; text/plain txt; application/json json; text/css css; text/javascript js mjs; image/png png; }}
  gzip on; gzip_types text/plain; gzip_min_length 100;
  client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  keepalive_requests 100000;
  server {{
    listen 127.0.0.1:{port} backlog=4096; root {dir}/www;
    location /moved {{ return 301 /index.html; }}
    location /forbidden {{ deny all; }}
  }}
  {extra}
}}
"""


class Nginx:
    """nginx on a free port with `files` (path -> bytes) below its root; `extra`: more server blocks."""

    def __init__(self, folder, files, extra=""):
        folder = pathlib.Path(folder)
        (folder / "www").mkdir(parents=True)
        for name, content in files.items():
            (folder / "www" / name).write_bytes(content)
        for path in [folder, folder / "www", *(folder / "www").iterdir()]:
            path.chmod(0o755)
        self.root = folder / "www"
        self.port = free_port()
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(dir=folder, port=self.port, extra=extra), encoding="ascii")
        self._process = Process("nginx", ["nginx", "-c", config], folder)
        wait_until(lambda: accepts(self.port), 10, lambda: self._process.report())

    def stop(self):
        self._process.stop()
