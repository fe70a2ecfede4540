"""Visitors: curl, and a TLS socket for what curl would not send."""

import json
import pathlib
import socket
import ssl
import subprocess
import tempfile
import urllib.parse


class Reply:
    """What came back: `status` (0: nothing), `headers` of the final answer as (name, value) in order, `body`."""

    def __init__(self, status, headers, body, interim=(), trailers=(), exit_code=0, error=""):
        self.status, self.headers, self.body = status, headers, body
        self.interim, self.trailers = list(interim), list(trailers)
        self.exit_code, self.error = exit_code, error

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"Reply({self.status}, {self.headers}, {self.body[:500]!r}, exit {self.exit_code} {self.error})"


def _fields(lines):
    fields = []
    for line in lines:
        name, _, value = line.partition(":")
        fields.append((name, value.strip()))
    return fields


def curl_command(url, cacert, *arguments):
    """Over HTTP/1.1, unless an argument names another version."""
    parts = urllib.parse.urlsplit(url)
    resolve = f"{parts.hostname}:{parts.port or 443}:127.0.0.1"
    version = [] if any(str(a).startswith("--http") for a in arguments) else ["--http1.1"]
    return ["curl", "-sS", *version, "--max-time", "120", "--resolve", resolve] + (["--cacert", str(cacert)] if cacert else []) + [
        *map(str, arguments), url]


def curl(url, cacert, *arguments, limit=130):
    """Runs curl with its certificate checks on and returns the final answer; a failing curl gives status 0."""
    with tempfile.TemporaryDirectory() as folder:
        heads, body = pathlib.Path(folder) / "heads", pathlib.Path(folder) / "body"
        done = subprocess.run(
            curl_command(url, cacert, "-D", heads, "-o", body, *arguments), capture_output=True, text=True, timeout=limit, check=False)
        blocks = heads.read_bytes().decode("latin-1").split("\r\n\r\n") if heads.exists() else []
        content = body.read_bytes() if body.exists() else b""
    status, headers, interim, trailers = 0, [], [], []
    for block in filter(None, blocks):
        lines = block.strip("\r\n").split("\r\n")
        if not lines[0].startswith("HTTP/"):
            trailers += _fields(lines)
            continue
        if status:
            interim.append((status, headers))
        status, headers = int(lines[0].split(" ")[1]), _fields(lines[1:])
    return Reply(status, headers, content, interim, trailers, done.returncode, done.stderr)


def tls_connection(port, name, cacert=None, alpn=None, limit=20, source=None):
    """A TLS connection to the edge on loopback with `name` as SNI; checked against `cacert` if given. From the address `source` if given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if cacert:
        context.load_verify_locations(str(cacert))
    else:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(alpn)
    plain = socket.create_connection(("127.0.0.1", port), limit, (source, 0) if source else None)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        return context.wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise


class RawVisitor:
    """Sends exact bytes over TLS and reads answers one by one."""

    def __init__(self, port, host, cacert=None):
        self.socket = tls_connection(port, host, cacert)
        self._data = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def _fill(self):
        try:
            data = self.socket.recv(65536)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError):
            data = b""
        if not data:
            raise EOFError("the edge closed the connection")
        self._data += data

    def line(self):
        while b"\r\n" not in self._data:
            self._fill()
        line, _, self._data = self._data.partition(b"\r\n")
        return line.decode("latin-1")

    def exactly(self, size):
        while len(self._data) < size:
            self._fill()
        part, self._data = self._data[:size], self._data[size:]
        return part

    def head(self):
        """(status, headers) of the next head, interim ones too."""
        status = int(self.line().split(" ")[1])
        lines = []
        while True:
            line = self.line()
            if not line:
                return status, _fields(lines)
            lines.append(line)

    def chunk(self):
        """The next chunk's bytes; empty at the end (trailers are left unread)."""
        size = int(self.line().split(";")[0], 16)
        if size == 0:
            return b""
        part = self.exactly(size)
        assert self.line() == ""
        return part

    def reply(self, method="GET"):
        """The next final answer with its body and trailers."""
        interim = []
        status, headers = self.head()
        while status < 200:
            interim.append((status, headers))
            status, headers = self.head()
        reply = Reply(status, headers, b"", interim)
        if method == "HEAD" or status in (204, 304):
            return reply
        if (reply.header("Transfer-Encoding") or "").lower() == "chunked":
            while True:
                part = self.chunk()
                if not part:
                    break
                reply.body += part
            lines = []
            while True:
                line = self.line()
                if not line:
                    break
                lines.append(line)
            reply.trailers = _fields(lines)
        elif reply.header("Content-Length") is not None:
            reply.body = self.exactly(int(reply.header("Content-Length")))
        else:
            reply.body = self.rest()
        return reply

    def rest(self):
        """Everything until the edge closes."""
        try:
            while True:
                self._fill()
        except EOFError:
            data, self._data = self._data, b""
            return data

    def closed(self):
        """Whether the edge ends the connection without another byte."""
        return self.rest() == b""
