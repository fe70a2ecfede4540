"""Free loopback ports."""

import random
import socket

_DEV_PORTS = range(20_000, 20_100)  # of `tcp` tunnels


def free_port(host="127.0.0.1"):
    """A port that nothing listened on a moment ago; below those that systems hand out, so that it stays free while whoever
    listens on it starts anew."""
    return free_range(1, host)


def accepts(port, host="127.0.0.1"):
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), 1):
            return True
    except OSError:
        return False


def free_range(size, host="127.0.0.1"):
    """The first of `size` ports in a row that nothing listened on a moment ago; below those that systems hand out, beside
    those of dev edges."""
    for _ in range(100):
        first = random.randrange(10_000, 32_000 - size)
        ports = range(first, first + size)
        if not any(port in _DEV_PORTS or _is_taken(port, host) for port in ports):
            return first
    raise AssertionError("no free ports")


def _is_taken(port, host):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((host, port))
        except OSError:
            return True
    return False
