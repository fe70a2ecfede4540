"""Peers that misbehave: an app that breaks HTTP, a visitor that hardly reads, a link that hardly carries, a server that is no edge."""

import pathlib
import socket
import ssl
import struct
import threading
import time

from local_apps import HttpApp
from ports import accepts, free_port
from process import Process, wait_until
from visitor import RawVisitor


class Growth:
    """How much more memory a process took at its worst since this was made."""

    def __init__(self, process):
        process.reset_peak_memory()
        self._process, self._before = process, process.peak_memory()

    def now(self):
        return self._process.peak_memory() - self._before


class HostileApp(HttpApp):
    """An HTTP app whose paths each show one kind of bad behaviour; `sent` counts what the endless ones got rid of."""

    POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Poison: yes\r\n\r\nPWNED!"

    def __init__(self, **arguments):
        self.sent = 0
        self.go_on = threading.Event()
        super().__init__(**arguments)

    def on_numbered(self, connection, request):
        """/numbered?n=N: a 204 that carries N and padding."""
        connection.sendall(f"HTTP/1.1 204 No Content\r\nX-Number: {request.query['n']}\r\nX-Pad: {'p' * 2000}\r\n\r\n".encode())

    def on_big(self, connection, request):
        """/big/N: N bytes with their length."""
        self._send(connection, 200, b"b" * int(request.path.split("/")[2]))

    def on_surplus(self, connection, _):
        """200,000 bytes as promised, and another whole reply behind them."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"s" * 200_000 + self.POISON)

    def on_bodiless(self, connection, request):
        """/bodiless/CODE: that status and its length, then a body of whole replies where none may be (HEAD, 304)."""
        code, body = request.path.split("/")[2], self.POISON * 2000
        connection.sendall(f"HTTP/1.1 {code} Reply\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    def on_begun(self, connection, _):
        """The head and ten bytes of 100,000, then silence until the connection ends."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 10)
        while connection.recv(65536):
            pass
        raise EOFError

    def on_reset(self, connection, _):
        """An answer that ends with its connection, which is reset once `go_on` is set."""
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + b"u" * 1000)
        self.go_on.wait(10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise EOFError

    def on_hints_forever(self, connection, _):
        """Interim answers without an end."""
        hints = 64 * (b"HTTP/1.1 103 Early Hints\r\nLink: " + b"p" * 4000 + b"\r\n\r\n")
        while True:
            connection.sendall(hints)
            self.sent += len(hints)

    def on_wide_head(self, connection, _):
        """A reply head of 80 KiB."""
        self._send(connection, 200, b"wide", [(f"X-{number}", "w" * 5000) for number in range(16)])

    def on_switch(self, connection, _):
        """Chooses the protocol foo and sets a cookie for everybody's domain and one of its own."""
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n"
                           b"Set-Cookie: all=1; Domain=localhost\r\nSet-Cookie: own=1; Path=/\r\n\r\n")
        while connection.recv(65536):
            pass
        raise EOFError


class SlowVisitor(RawVisitor):
    """A visitor with little room for what comes, who decides when to take it."""

    def __init__(self, edge, host):  # pylint: disable=super-init-not-called
        context = ssl.create_default_context(cafile=str(edge.cacert))
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(20)
        plain.connect(("127.0.0.1", edge.port))
        self.socket = context.wrap_socket(plain, server_hostname=host)
        self._data = b""

    def send_what_fits(self, batches, full):
        """Sends until nobody takes any more for a while or `full()`; how many batches left whole."""
        sent = 0
        self.socket.settimeout(1.5)
        try:
            for batch in batches:
                if full():
                    break
                self.socket.sendall(batch)
                sent += 1
        except TimeoutError:
            pass
        self.socket.settimeout(20)
        return sent

    def rest_at(self, bytes_per_second):
        """Everything until the edge closes, taken in small sips."""
        data = bytearray()
        while part := self.socket.recv(4096):
            data += part
            time.sleep(len(part) / bytes_per_second)
        return bytes(data)


def half_close(connection):
    """Says on a TLS connection that nothing more follows; it still receives."""
    limit = connection.gettimeout()
    connection.settimeout(0)
    try:
        connection.unwrap()
    except ssl.SSLWantReadError:
        pass
    except ssl.SSLError as error:
        # The answer was quick: it is there to be read, and ours has been sent (SSL_shutdown(3)).
        assert error.reason == "APPLICATION_DATA_AFTER_CLOSE_NOTIFY", error
    connection.settimeout(limit)


class SlowLink:
    """A TCP proxy on loopback in front of `port`: upstream bytes pass at `bytes_per_second`, answers at once."""

    def __init__(self, port, bytes_per_second):
        self._listener = socket.socket()
        # A small window keeps what waits on the sender's side, as behind a slow line.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(16)
        self._target, self._rate = port, bytes_per_second
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            threading.Thread(target=self._pump, args=(near, far, self._rate), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, None), daemon=True).start()

    @staticmethod
    def _pump(source, sink, rate):
        try:
            while data := source.recv(4096):
                sink.sendall(data)
                if rate:
                    time.sleep(len(data) / rate)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


TLS_NGINX = """
daemon off; pid {dir}/nginx.pid; error_log stderr error; worker_processes 1;
events {{ }}
http {{
  access_log off; client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4;
  scgi_temp_path {dir}/t5;
  server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3; }}
}}
"""


class TlsNginx:
    """nginx with `pair` (certificate, key) on a free port: a server of the web and no edge."""

    def __init__(self, folder, pair):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True)
        self.port = free_port()
        config = folder / "nginx.conf"
        config.write_text(TLS_NGINX.format(dir=folder, port=self.port, certificate=pair[0], key=pair[1]), encoding="ascii")
        self._process = Process("nginx", ["nginx", "-c", config], folder)
        wait_until(lambda: accepts(self.port), 10, self._process.report)

    def stop(self):
        self._process.stop()
