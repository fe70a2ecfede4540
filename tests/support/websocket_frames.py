"""WebSocket frames (RFC 6455 §5) as a client sends and reads them, over whatever carries them."""

import os
import struct


def frame(payload, opcode, fin=True):
    """A masked frame."""
    size = len(payload)
    head = bytes([(0x80 if fin else 0) | opcode])
    head += bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size) if size < 1 << 16 else b"\xff" + struct.pack(">Q", size)
    mask = os.urandom(4)
    body = int.from_bytes(payload, "little") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    return head + mask + body.to_bytes(size, "little")


def close(code):
    return frame(struct.pack(">H", code), 8)


def _frame(data):
    """(fin, opcode, payload, rest) of the first unmasked frame; None if it is not whole."""
    if len(data) < 2:
        return None
    size, at = data[1] & 0x7F, 2
    if size == 126:
        size, at = struct.unpack(">H", data[2:4].ljust(2, b"\0"))[0], 4
    elif size == 127:
        size, at = struct.unpack(">Q", data[2:10].ljust(8, b"\0"))[0], 10
    if len(data) < at + size:
        return None
    return bool(data[0] & 0x80), data[0] & 0x0F, data[at:at + size], data[at + size:]


def message(data):
    """(opcode, payload, rest) of the first whole message; None if there is none yet."""
    payload, opcode = b"", None
    while part := _frame(data):
        fin, kind, piece, data = part
        opcode = opcode or kind
        payload += piece
        if fin:
            return opcode, payload, data
    return None


def close_code(data):
    """The code of the close frame at the start of `data`."""
    found = message(data)
    return struct.unpack(">H", found[1][:2])[0] if found and found[0] == 8 else None
