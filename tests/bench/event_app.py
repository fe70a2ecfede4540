"""Events that carry the time of their sending, over server-sent events or WebSocket; beside them a download that does not end.

  GET /events?at=NS&n=N     WebSocket if asked for; the event k leaves at NS + k * 20 ms of the monotonic clock: `@k NS;`
  GET /big                  bytes until the visitor goes

usage: event_app.py; prints its port.
"""

import base64
import hashlib
import os
import re
import socket
import tempfile
import threading
import time

GAP_NS = 20_000_000
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


def events(connection, head):
    at, count = (int(re.search(rb"[?&]" + name + rb"=(\d+)", head).group(1)) for name in (b"at", b"n"))
    key = re.search(rb"(?i)\nsec-websocket-key: *(\S+)", head)
    if key:
        accept = base64.b64encode(hashlib.sha1(key.group(1) + MAGIC).digest())
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    else:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for number in range(count):
        time.sleep(max(0, at + number * GAP_NS - time.monotonic_ns()) / 1e9)
        event = b"data: @%05d %020d;%s\n\n" % (number, time.monotonic_ns(), b"." * 60)
        connection.sendall(b"\x81" + bytes([len(event)]) + event if key else b"%x\r\n%s\r\n" % (len(event), event))
    if not key:
        connection.sendall(b"0\r\n\r\n")
    connection.recv(65536)


def big(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 50))
    with tempfile.TemporaryFile() as content:
        content.write(os.urandom(1 << 20) * 64)
        content.flush()
        while True:
            connection.sendfile(content, 0)


def serve(connection):
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(65536)
            if not more:
                return
            head += more
        try:
            (events if head.startswith(b"GET /events") else big)(connection, head)
        except OSError:
            pass  # the visitor has left


def main():
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    main()
