"""A kept connection to an edge's API: thousands of calls where curl would start thousands of programs."""

import http.client
import json
import socket
import ssl
import urllib.parse


class ConnectionDied(Exception):
    """No whole answer came: whether the call took effect is open."""


class ApiConnection:
    """`source` is the loopback address the service sees: limits of wrong sign-ins count for each of them."""

    def __init__(self, edge, source="127.0.0.1", limit=20):
        name = urllib.parse.urlsplit(edge.api).hostname
        context = ssl.create_default_context(cafile=str(edge.cacert))
        self._http = http.client.HTTPSConnection(name, edge.port, timeout=limit, context=context)
        try:
            plain = socket.create_connection(("127.0.0.1", edge.port), limit, (source, 0))
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._http.sock = context.wrap_socket(plain, server_hostname=name)
        except OSError as error:
            raise ConnectionDied from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._http.close()

    def call(self, method, path, body=None, key=None):
        """(status, JSON or None). Raises ConnectionDied."""
        fields = {"Authorization": f"Bearer {key}"} if key else {}
        if body is not None:
            fields["Content-Type"] = "application/json"
        try:
            if self._http.sock is None:
                raise ConnectionDied
            self._http.request(method, path, None if body is None else json.dumps(body), fields)
            reply = self._http.getresponse()
            data = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionDied from error
        return reply.status, json.loads(data) if data else None
