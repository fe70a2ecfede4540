"""Free loopback ports."""

import random
import socket


def free_port(host="127.0.0.1"):
    """A port that nothing listened on a moment ago."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((host, 0))
        return s.getsockname()[1]


def accepts(port, host="127.0.0.1"):
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), 1):
            return True
    except OSError:
        return False


def free_range(size, host="127.0.0.1"):
    """The first of `size` ports in a row that nothing listened on a moment ago; below those that systems hand out."""
    for _ in range(100):
        first = random.randrange(10_000, 30_000 - size)
        if not any(_is_taken(port, host) for port in range(first, first + size)):
            return first
    raise AssertionError("no free ports")


def _is_taken(port, host):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((host, port))
        except OSError:
            return True
    return False
