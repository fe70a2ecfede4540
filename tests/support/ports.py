"""Free loopback ports."""

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
