"""Local apps for exact bytes: one that keeps every request as it came, one that answers with bytes of the test's choice."""

import re

from local_apps import ByteApp, Request, _Reader


class _RecordingReader(_Reader):
    """Remembers what was taken since `begin()`."""

    def __init__(self, connection):
        super().__init__(connection)
        self.taken = None

    def begin(self):
        self.taken = bytearray()
        return self.taken

    def line(self):
        line = super().line()
        self.taken += line + b"\r\n"
        return line

    def some(self, limit):
        part = super().some(limit)
        self.taken += part
        return part

    def rest(self):
        """What came and was not taken."""
        return self._data


class ExactApp(ByteApp):
    """Answers every request with `ok`; `received` holds each one byte for byte, in the order in which they began. One that was cut ends where it was cut."""

    def __init__(self, **arguments):
        self.forget()
        super().__init__(self._loop, **arguments)

    def _loop(self, connection, _):
        reader = _RecordingReader(connection)
        while True:
            taken = reader.begin()
            index = None
            try:
                if not reader.rest():
                    reader._fill()
                with self._lock:
                    index = len(self.received)
                    self.received.append(b"")
                    self._open_messages.append(taken)
                request = Request(reader)
                for _ in request.parts():
                    pass
                self.received[index] = bytes(taken)
                if request.header("Connection") == "Upgrade":
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
                    return
            except (EOFError, OSError):
                if index is not None:
                    self.received[index] = bytes(taken) + reader.rest()
                return
            body = b"" if request.method == "HEAD" else b"ok"
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + body)

    def forget(self):
        self.received, self._open_messages = [], []

    def parts(self):
        """What has come so far of the messages that are under way."""
        return b"".join(map(bytes, self._open_messages))


class ScriptedApp(ByteApp):
    """Answers `/NUMBER` with the bytes `answers[NUMBER]` and then closes; everything else with `ok` on a kept connection."""

    OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def __init__(self, answers, **arguments):
        self.answers = answers
        super().__init__(self._loop, **arguments)

    def _loop(self, connection, _):
        reader = _Reader(connection)
        while True:
            request = Request(reader)
            for _ in request.parts():
                pass
            number = re.fullmatch(r"/(\d+)", request.path)
            connection.sendall(self.answers[int(number[1])] if number else self.OK)
            if number:
                return
