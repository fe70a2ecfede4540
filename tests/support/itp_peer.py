"""Both ends of ITP/1 in a few lines, as docs/design/protocol.md has it, to send what the real ends would not."""

import json
import random
import socket
import ssl
import struct
import threading

from certificates import self_signed
from visitor import tls_connection

PREFACE = b"INSTUN\x00\x01" + struct.pack(">HHI", 1, 1, 0)
PAD, HELLO, WELCOME, ERROR, OPEN, HEAD, DATA, TRAILERS, CREDIT, RESET, STOP, PING, GOAWAY, MOVE, CTRL, ACCEPT, DGRAM = range(17)
END, INTERIM, UPGRADED, MORE = 1, 0x10, 0x20, 0x80


def frame(kind, payload=b"", stream=0, flags=0):
    return struct.pack(">HBBI", len(payload), kind, flags, stream) + payload


def fields(*pairs):
    block = struct.pack(">H", len(pairs))
    for name, value in pairs:
        block += b"\0" + bytes([len(name)]) + name + struct.pack(">H", len(value)) + value
    return block


def reply(stream, status=200, length=-1, flags=0, *pairs):
    return frame(HEAD, struct.pack(">Hq", status, length) + fields(*pairs), stream, flags)


def request(stream, tunnel=1, path=b"/", length=-1, flags=END, method=b"GET", protocol=b""):
    head = struct.pack(">BIQB4sH", 1, tunnel, stream, 4, b"\x7f\0\0\1", 4711) + struct.pack(">BBBB", 1, 11, 0, len(method)) + method
    head += struct.pack(">H", 9) + b"localhost" + struct.pack(">H", len(path)) + path + bytes([len(protocol)]) + protocol + struct.pack(">q", length)
    return frame(OPEN, head + fields((b"X-A", b"1")), stream, flags)


def hello(key, name, instance="i", proto="http"):
    return frame(HELLO, json.dumps({"v": 1, "client": {"name": "peer", "ver": "0"}, "auth": {"type": "key", "key": key}, "instance_id": instance, "lane": 0,
                                    "window_init": 65536, "tunnels": [{"ref": "web", "proto": proto, "sub": name, "target": "localhost:1"}]}).encode())


def welcome(name="peer"):
    return frame(WELCOME, json.dumps({"v": 1, "session": "s", "lane": 0, "lanes_max": 1, "window_init": 65536, "tunnels": [
        {"ref": "web", "id": 1, "tunnel": "tun_x", "name": name, "url": f"https://{name}.localhost"}]}).encode())


def split(data):
    """The frames in bytes without a preface: [(type, flags, stream, payload)], and what is left."""
    found = []
    while len(data) >= 8:
        size, kind, flags, stream = struct.unpack(">HBBI", data[:8])
        if len(data) < 8 + size:
            break
        found.append((kind, flags, stream, data[8:8 + size]))
        data = data[8 + size:]
    return found, data


def mutated(frames, seed):
    """These frames with some bits, lengths, types, streams, orders and ends wrong; the same for the same seed."""
    dice = random.Random(seed)
    parts = [bytearray(f) for f in frames]
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(parts))
        part = parts[at]
        what = dice.randrange(10)
        if what == 0 and part:
            part[dice.randrange(len(part))] ^= 1 << dice.randrange(8)
        elif what == 1 and len(part) > 8:
            part[dice.randrange(8, len(part))] = dice.choice((0, 0x7f, 0x80, 0xff))
        elif what == 2:
            part[0:2] = struct.pack(">H", dice.choice((0, 1, 16_384, 16_385, 65_535, dice.randrange(65_536))))
        elif what == 3 and len(part) > 2:
            part[2] = dice.randrange(256)
        elif what == 4 and len(part) > 3:
            part[3] = dice.randrange(256)
        elif what == 5 and len(part) >= 8:
            part[4:8] = struct.pack(">I", dice.choice((0, 1, 2, 3, 5, 7, 0x7fffffff, 0xffffffff, dice.randrange(1 << 32))))
        elif what == 6:
            parts.insert(at, bytearray(part))
        elif what == 7:
            parts.insert(dice.randrange(len(parts)), parts.pop(at))
        elif what == 8 and len(part) > 8:
            del part[dice.randrange(8, len(part)):]
        elif what == 9:
            parts[at:at] = [bytearray(part)] * dice.randrange(200)
    return b"".join(map(bytes, parts))


class ClientPeer:
    """A tunnel client; `frames()` gives what the edge has sent since."""

    def __init__(self, edge, name=None, key=None, limit=5, proto="http"):
        self.lane = tls_connection(edge.port, f"api.{edge.domain}", edge.cacert, alpn=["itp/1"], limit=limit)
        self._data = b""
        if name:
            self.lane.sendall(PREFACE + hello(key or edge.owner.key, name, name, proto))
            self._fill(16)
            self._data = self._data[16:]
            kind, _, _, payload = self.next()
            assert kind == WELCOME, payload

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lane.close()

    def _fill(self, size):
        while len(self._data) < size:
            data = self.lane.recv(65536)
            if not data:
                raise EOFError("the edge closed the lane")
            self._data += data

    def next(self):
        self._fill(8)
        self._fill(8 + struct.unpack(">H", self._data[:2])[0])
        (found,), self._data = split(self._data[:8 + struct.unpack(">H", self._data[:2])[0]])[0], self._data[8 + struct.unpack(">H", self._data[:2])[0]:]
        return found

    def rest(self):
        """Everything until the edge closes, or says nothing for the connection's limit (then None is the last element)."""
        try:
            while data := self.lane.recv(65536):
                self._data += data
        except TimeoutError:
            return split(self._data)[0] + [None]
        except OSError:
            pass
        return split(self._data)[0]


class EdgePeer:
    """An edge on a free port: `serve(lane)` is called once a client has sent its HELLO, in a thread for each lane."""

    def __init__(self, folder, serve):
        pair = self_signed(folder, "localhost")
        self.cacert = pair[0]
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*map(str, pair))
        self._context.set_alpn_protocols(["itp/1"])
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._serve = serve
        self.port = self._listener.getsockname()[1]
        self.lanes = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(plain,), daemon=True).start()

    def _run(self, plain):
        try:
            plain.settimeout(10)
            with self._context.wrap_socket(plain, server_side=True) as lane:
                lane.sendall(PREFACE)
                data = b""
                while len(data) < 24 or len(data) < 24 + struct.unpack(">H", data[16:18])[0]:
                    part = lane.recv(65536)
                    if not part:
                        return
                    data += part
                self.lanes += 1
                self._serve(lane)
        except OSError:
            pass

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
