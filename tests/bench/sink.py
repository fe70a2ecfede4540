"""Takes uploads on a unix socket and answers with the number of bytes once all of them have come.

The answer at the end makes an upload's time the real one even where a program on the way buffers.
usage: sink.py PATH
"""

import re
import socket
import sys
import threading


def serve(connection):
    scratch = bytearray(1 << 20)
    data = b""
    with connection:
        while True:
            while b"\r\n\r\n" not in data:
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            head, _, rest = data.partition(b"\r\n\r\n")
            data = b""
            received = len(rest)
            length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
            if length:
                while received < int(length.group(1)):
                    count = connection.recv_into(scratch, min(len(scratch), int(length.group(1)) - received))
                    if not count:
                        return
                    received += count
            elif re.search(rb"(?i)\ntransfer-encoding: *chunked", head):
                tail = rest[-5:]
                while not tail.endswith(b"0\r\n\r\n"):
                    more = connection.recv(1 << 20)
                    if not more:
                        return
                    received += len(more)
                    tail = (tail + more)[-5:]
            body = b"%d\n" % received
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def main():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(64)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    main()
