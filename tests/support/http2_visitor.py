"""Visitors over HTTP/2: one that keeps the rules (python3-h2), and one that sends any frame it likes (python3-hyperframe)."""

import ssl

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import hpack
from hyperframe.frame import Frame, GoAwayFrame, HeadersFrame, RstStreamFrame, SettingsFrame, WindowUpdateFrame

from visitor import Reply, tls_connection

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GONE = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError, BrokenPipeError)


class Answer(Reply):
    """A reply on one stream; `reset` is the error code it was reset with, `ended` whether it is whole."""

    def __init__(self):
        super().__init__(0, [], b"")
        self.reset, self.ended = None, False


class Http2Visitor:
    """Keeps the protocol. Windows are returned as bytes come, unless `greedy` is false: then only by give()."""

    def __init__(self, port, host, cacert=None, greedy=True, window=65535, limit=20):
        self.host, self.greedy = host, greedy
        self.socket = tls_connection(port, host, cacert, ["h2"], limit)
        assert self.socket.selected_alpn_protocol() == "h2"
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False))
        self.h2.initiate_connection()
        self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window, h2.settings.SettingCodes.ENABLE_PUSH: 0})
        self.answers, self.goaways, self.gone = {}, [], False
        self._settled = False
        self.flush()
        self.until(lambda: self._settled)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.socket.sendall(data)

    def start(self, path="/", method="GET", headers=(), end=True, authority=None, protocol=None):
        """Sends a request's head; the number of its stream."""
        number = self.h2.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", "https"), (":authority", authority or self.host), (":path", path)]
        if protocol:
            pseudo.insert(1, (":protocol", protocol))
        self.answers[number] = Answer()
        self.h2.send_headers(number, [*pseudo, *headers], end_stream=end)
        self.flush()
        return number

    def send(self, number, data, end=False):
        """Sends all of `data` as the edge's windows allow. Stops when the stream has ended."""
        rest = memoryview(data)
        while rest:
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size, len(rest))
            if room <= 0:
                self.step()
                if self.answers[number].ended or self.answers[number].reset is not None:
                    return
                continue
            self.h2.send_data(number, bytes(rest[:room]))
            rest = rest[room:]
            self.flush()
        if end:
            self.h2.end_stream(number)
            self.flush()

    def request(self, path="/", method="GET", headers=(), body=None, trailers=None, **options):
        number = self.start(path, method, headers, end=body is None and trailers is None, **options)
        if body is not None:
            self.send(number, body, end=trailers is None)
        if trailers is not None:
            self.h2.send_headers(number, trailers, end_stream=True)
            self.flush()
        return self.answer(number)

    def answer(self, number):
        """Waits for the whole answer, or its reset."""
        self.until(lambda: self.answers[number].ended or self.answers[number].reset is not None)
        return self.answers[number]

    def give(self, number, size):
        """Window for `size` more bytes, of the stream and the connection."""
        self.h2.increment_flow_control_window(size, number)
        self.h2.increment_flow_control_window(size)
        self.flush()

    def reset(self, number, code=h2.errors.ErrorCodes.CANCEL):
        self.h2.reset_stream(number, code)
        self.flush()

    def until(self, condition):
        while not condition():
            assert not self.gone, "the edge closed the connection"
            self.step()

    def step(self):
        """Handles what the edge sends next."""
        try:
            data = self.socket.recv(65536)
        except GONE:
            data = b""
        if not data:
            self.gone = True
            raise EOFError("the edge closed the connection")
        for event in self.h2.receive_data(data):
            self._note(event)
        self.flush()

    def _note(self, event):
        answer = self.answers.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.SettingsAcknowledged):
            self._settled = self._settled or bool(event.changed_settings)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaways.append((event.error_code, event.last_stream_id))
        elif answer is None:
            return
        elif isinstance(event, h2.events.InformationalResponseReceived):
            answer.interim.append((int(dict(event.headers)[":status"]), [h for h in event.headers if h[0] != ":status"]))
        elif isinstance(event, h2.events.ResponseReceived):
            answer.status = int(dict(event.headers)[":status"])
            answer.headers = [h for h in event.headers if h[0] != ":status"]
        elif isinstance(event, h2.events.DataReceived):
            answer.body += event.data
            if self.greedy and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            answer.trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            answer.ended = True
        elif isinstance(event, h2.events.StreamReset):
            answer.reset = event.error_code


class FrameVisitor:
    """Sends exact frames and notes what comes back: `resets` and `statuses` by stream, `goaway`, `closed`."""

    def __init__(self, port, host, cacert=None, preface=PREFACE, settings=True, limit=20):
        self.host = host
        self.socket = tls_connection(port, host, cacert, ["h2"], limit)
        self.encoder, self._decoder = hpack.Encoder(), hpack.Decoder()
        self._data = b""
        self.resets, self.statuses, self.frames, self.acknowledged = {}, {}, [], 0
        self.goaway, self.closed = None, False
        self.sent = 0
        self.send(preface)
        if settings:
            self.send(SettingsFrame(0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def head(self, path="/", method="GET", extra=(), authority=None, scheme="https"):
        """The encoded field section of a request."""
        return self.encoder.encode([(":method", method), (":scheme", scheme), (":authority", authority or self.host), (":path", path), *extra])

    def fields(self, *fields):
        return self.encoder.encode(list(fields))

    def get(self, number, path="/", extra=(), **options):
        """A whole GET as one frame."""
        return HeadersFrame(number, self.head(path, extra=extra, **options), flags=["END_HEADERS", "END_STREAM"])

    def send(self, *frames):
        """Sends frames or raw bytes; the edge may have closed meanwhile."""
        data = b"".join(f if isinstance(f, bytes) else f.serialize() for f in frames)
        try:
            self.socket.sendall(data)
            self.sent += len(data)
        except (*GONE, ssl.SSLError):
            self.closed = True
        return self

    def step(self):
        """Takes in the next frame. False: the edge has closed."""
        while True:
            if len(self._data) >= 9:
                frame, length = Frame.parse_frame_header(memoryview(self._data[:9]))
                if len(self._data) >= 9 + length:
                    frame.parse_body(memoryview(self._data[9:9 + length]))
                    self._data = self._data[9 + length:]
                    self._note(frame)
                    return True
            try:
                data = self.socket.recv(65536)
            except GONE:
                data = b""
            if not data:
                self.closed = True
                return False
            self._data += data

    def _note(self, frame):
        self.frames.append(frame)
        if isinstance(frame, GoAwayFrame):
            self.goaway = frame.error_code
        elif isinstance(frame, RstStreamFrame):
            self.resets[frame.stream_id] = frame.error_code
        elif isinstance(frame, HeadersFrame):
            fields = dict(self._decoder.decode(frame.data))
            if ":status" in fields:
                self.statuses[frame.stream_id] = int(fields[":status"])
        elif isinstance(frame, SettingsFrame) and "ACK" in frame.flags:
            self.acknowledged += 1

    def until(self, condition):
        while not condition():
            if not self.step():
                raise EOFError("the edge closed the connection")

    def end(self):
        """Everything until the edge closes; the error code of its GOAWAY."""
        while self.step():
            pass
        return self.goaway

    def outcome(self, number):
        """How stream `number` ends: ("connection", code), ("stream", code) or ("status", n)."""
        while self.goaway is None and number not in self.resets and number not in self.statuses:
            if not self.step():
                break
        if number in self.statuses:
            return "status", self.statuses[number]
        if number in self.resets:
            return "stream", self.resets[number]
        return "connection", self.goaway


__all__ = ["Answer", "FrameVisitor", "Http2Visitor", "PREFACE", "WindowUpdateFrame"]
