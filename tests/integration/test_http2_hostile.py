"""Visitors that break HTTP/2 or wear it out: the error that RFC 9113 names, an app that sees nothing, bounded memory and CPU time, and
everybody else served on."""

import os
import struct
import threading

import pytest
from hyperframe.frame import (ContinuationFrame, DataFrame, GoAwayFrame, HeadersFrame, PingFrame, PriorityFrame, PushPromiseFrame,
                              RstStreamFrame, SettingsFrame, WindowUpdateFrame)

from hostile import Growth, HostileApp
from http2_visitor import FrameVisitor, Http2Visitor
from local_apps import ByteApp
from process import wait_until

PROTOCOL, INTERNAL, FLOW_CONTROL, STREAM_CLOSED, FRAME_SIZE, REFUSED, COMPRESSION, CALM = 1, 2, 3, 5, 6, 7, 9, 11
MOST_GROWTH = 24 << 20
MOST_CPU = 10  # seconds, for floods of which an honest machine handles all in one or two


def raw(kind, flags, stream, payload=b"", length=None):
    """A frame as bytes, with whatever length it claims."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def connection_error(*codes):
    return [("connection", code) for code in codes]


def stream_error(*codes):
    return [("stream", code) for code in codes]


def post(f, number=1, *extra):
    return HeadersFrame(number, f.head("/", "POST", extra), flags=["END_HEADERS"])


def request_of(*fields):
    """A whole request of exactly these fields."""
    return lambda f: [HeadersFrame(1, f.fields(*(tuple(f.host if part == "HOST" else part for part in field) for field in fields)),
                                   flags=["END_HEADERS", "END_STREAM"])]


def get_with(*extra):
    return lambda f: [f.get(1, extra=extra)]


GOOD = [(":method", "GET"), (":scheme", "https"), (":authority", "HOST"), (":path", "/")]


def without(name):
    return request_of(*(field for field in GOOD if field[0] != name))


BROKEN_CONNECTIONS = {
    "4.2 a frame longer than SETTINGS_MAX_FRAME_SIZE": (lambda f: [raw(0, 0, 1, length=16385)], [FRAME_SIZE]),
    "5.1 DATA on an idle stream": (lambda f: [DataFrame(1, b"x")], [PROTOCOL]),
    "5.1 RST_STREAM on an idle stream": (lambda f: [RstStreamFrame(1, error_code=8)], [PROTOCOL]),
    "5.1 WINDOW_UPDATE on an idle stream": (lambda f: [WindowUpdateFrame(1, window_increment=1)], [PROTOCOL]),
    "5.1.1 HEADERS on an even stream": (lambda f: [HeadersFrame(2, f.head(), flags=["END_HEADERS", "END_STREAM"])], [PROTOCOL]),
    "6.1 DATA on stream 0": (lambda f: [raw(0, 1, 0, b"x")], [PROTOCOL]),
    "6.1 DATA with more padding than payload": (lambda f: [post(f), raw(0, 8, 1, b"\x09abc")], [PROTOCOL]),
    "6.2 HEADERS on stream 0": (lambda f: [raw(1, 5, 0, f.head())], [PROTOCOL]),
    "6.2 HEADERS with more padding than payload": (lambda f: [raw(1, 0x0d, 1, b"\xff" + f.head())], [PROTOCOL]),
    "6.3 PRIORITY on stream 0": (lambda f: [raw(2, 0, 0, b"\0\0\0\1\0")], [PROTOCOL]),
    "6.3 PRIORITY of four bytes": (lambda f: [raw(2, 0, 1, b"\0\0\0\0")], [FRAME_SIZE]),
    "6.4 RST_STREAM on stream 0": (lambda f: [raw(3, 0, 0, b"\0\0\0\0")], [PROTOCOL]),
    "6.4 RST_STREAM of three bytes": (lambda f: [post(f), raw(3, 0, 1, b"\0\0\0")], [FRAME_SIZE]),
    "6.5 SETTINGS on a stream": (lambda f: [raw(4, 0, 1)], [PROTOCOL]),
    "6.5 SETTINGS acknowledged with a payload": (lambda f: [raw(4, 1, 0, b"\0\1\0\0\0\0")], [FRAME_SIZE]),
    "6.5 SETTINGS of five bytes": (lambda f: [raw(4, 0, 0, b"\0\1\0\0\0")], [FRAME_SIZE]),
    "6.5.2 ENABLE_PUSH of 2": (lambda f: [SettingsFrame(0, settings={2: 2})], [PROTOCOL]),
    "6.5.2 INITIAL_WINDOW_SIZE beyond 2^31-1": (lambda f: [SettingsFrame(0, settings={4: 1 << 31})], [FLOW_CONTROL]),
    "6.5.2 MAX_FRAME_SIZE below 16384": (lambda f: [SettingsFrame(0, settings={5: 100})], [PROTOCOL]),
    "6.6 PUSH_PROMISE": (lambda f: [post(f), PushPromiseFrame(1, promised_stream_id=2, data=f.head(), flags=["END_HEADERS"])], [PROTOCOL]),
    "6.7 PING on a stream": (lambda f: [raw(6, 0, 1, b"12345678")], [PROTOCOL]),
    "6.7 PING of seven bytes": (lambda f: [raw(6, 0, 0, b"1234567")], [FRAME_SIZE]),
    "6.8 GOAWAY on a stream": (lambda f: [raw(7, 0, 1, b"\0" * 8)], [PROTOCOL]),
    "6.9 WINDOW_UPDATE of zero on the connection": (lambda f: [WindowUpdateFrame(0, window_increment=0)], [PROTOCOL]),
    "6.9 WINDOW_UPDATE of three bytes": (lambda f: [raw(8, 0, 0, b"\0\0\1")], [FRAME_SIZE]),
    "6.9.1 a connection window beyond 2^31-1": (lambda f: [WindowUpdateFrame(0, window_increment=(1 << 31) - 1)], [FLOW_CONTROL]),
    "6.10 CONTINUATION without HEADERS": (lambda f: [ContinuationFrame(1, f.head(), flags=["END_HEADERS"])], [PROTOCOL]),
    "6.10 another frame inside a field section": (lambda f: [HeadersFrame(1, f.head()[:5], flags=["END_STREAM"]), PingFrame(0, b"12345678")], [PROTOCOL]),
    "6.10 CONTINUATION of another stream": (lambda f: [HeadersFrame(1, f.head()[:5], flags=["END_STREAM"]), ContinuationFrame(3, b"x", flags=["END_HEADERS"])], [PROTOCOL]),
    "4.3 a field section that cannot be decoded": (lambda f: [HeadersFrame(1, b"\xff\xff\xff\xff\xff\xff", flags=["END_HEADERS", "END_STREAM"])], [COMPRESSION]),
    "4.3 a table size beyond the one announced": (lambda f: [HeadersFrame(1, b"\x3f\xe1\xff\x03" + f.head(), flags=["END_HEADERS", "END_STREAM"])], [COMPRESSION]),
}

BROKEN_STREAMS = {
    "8.2.1 a field name in upper case": (request_of(*GOOD, ("X-Upper", "1")), [PROTOCOL]),
    "8.2.1 a line feed in a value": (get_with(("x-bad", "a\nb")), [PROTOCOL]),
    "8.2.1 a NUL in a value": (get_with(("x-bad", "a\0b")), [PROTOCOL]),
    "8.2.1 a blank before a value": (request_of(*GOOD, ("x-bad", " a")), [PROTOCOL]),
    "8.2.1 a colon in a name": (get_with(("x:bad", "a")), [PROTOCOL]),
    "8.2.1 a blank in a name": (get_with(("x bad", "a")), [PROTOCOL]),
    "8.2.2 Connection": (get_with(("connection", "close")), [PROTOCOL]),
    "8.2.2 Keep-Alive": (get_with(("keep-alive", "timeout=5")), [PROTOCOL]),
    "8.2.2 Proxy-Connection": (get_with(("proxy-connection", "keep-alive")), [PROTOCOL]),
    "8.2.2 Transfer-Encoding": (get_with(("transfer-encoding", "chunked")), [PROTOCOL]),
    "8.2.2 Upgrade": (get_with(("upgrade", "websocket")), [PROTOCOL]),
    "8.2.2 TE other than trailers": (get_with(("te", "gzip")), [PROTOCOL]),
    "8.3 an unknown pseudo-header field": (request_of(*GOOD, (":test", "1")), [PROTOCOL]),
    "8.3 a pseudo-header field of answers": (request_of(*GOOD, (":status", "200")), [PROTOCOL]),
    "8.3 a pseudo-header field behind a field": (request_of(*GOOD[:3], ("x-early", "1"), GOOD[3]), [PROTOCOL]),
    "8.3.1 no :method": (without(":method"), [PROTOCOL]),
    "8.3.1 no :scheme": (without(":scheme"), [PROTOCOL]),
    "8.3.1 no :path": (without(":path"), [PROTOCOL]),
    "8.3.1 neither :authority nor Host": (without(":authority"), [PROTOCOL]),
    "8.3.1 two :path": (request_of(*GOOD, (":path", "/b")), [PROTOCOL]),
    "8.3.1 an empty :path": (request_of(*GOOD[:3], (":path", "")), [PROTOCOL]),
    "8.3.1 a :path that is no path": (request_of(*GOOD[:3], (":path", "index.html")), [PROTOCOL]),
    "8.3.1 two Host fields": (get_with(("host", "a"), ("host", "b")), [PROTOCOL]),
    "8.1.1 Content-Length with END_STREAM and no body": (get_with(("content-length", "5")), [PROTOCOL]),
    "8.1.1 two Content-Length": (get_with(("content-length", "0"), ("content-length", "0")), [PROTOCOL]),
    "8.1.1 a Content-Length that is no number": (lambda f: [post(f, 1, ("content-length", "+5")), DataFrame(1, b"12345", flags=["END_STREAM"])], [PROTOCOL]),
    "8.5 CONNECT with a path": (request_of((":method", "CONNECT"), *GOOD[1:]), [PROTOCOL]),
    "RFC 8441 4 :protocol without CONNECT": (request_of((":protocol", "websocket"), *GOOD), [PROTOCOL]),
}

# The app may have seen the head of these: they break behind it.
BROKEN_BODIES = {
    "8.1.1 less body than Content-Length": (lambda f: [post(f, 1, ("content-length", "5")), DataFrame(1, b"1234", flags=["END_STREAM"])], stream_error(PROTOCOL)),
    "8.1.1 more body than Content-Length": (lambda f: [post(f, 1, ("content-length", "5")), DataFrame(1, b"123456")], stream_error(PROTOCOL)),
    "8.1 a second field section without END_STREAM": (
        lambda f: [post(f), HeadersFrame(1, f.fields(("x-more", "1")), flags=["END_HEADERS"])], stream_error(PROTOCOL)),
    "8.1 trailers with a pseudo-header field": (
        lambda f: [post(f), HeadersFrame(1, f.fields((":path", "/b")), flags=["END_HEADERS", "END_STREAM"])], stream_error(PROTOCOL)),
    "6.9.1 a stream window beyond 2^31-1": (lambda f: [post(f), WindowUpdateFrame(1, window_increment=(1 << 31) - 1)], stream_error(FLOW_CONTROL)),
    "6.9 WINDOW_UPDATE of zero on a stream": (lambda f: [post(f), WindowUpdateFrame(1, window_increment=0)], stream_error(PROTOCOL) + connection_error(PROTOCOL)),
    "5.1 DATA behind the end of the stream": (
        lambda f: [post(f), DataFrame(1, b"x", flags=["END_STREAM"]), DataFrame(1, b"y")], stream_error(STREAM_CLOSED) + connection_error(STREAM_CLOSED)),
}

REFUSED_REQUESTS = {
    "Host that differs from :authority": (get_with(("host", "other.localhost")), 400),
    "a user in the authority": (request_of(*GOOD[:2], (":authority", "user@HOSTNAME"), GOOD[3]), 400),
    "an authority with a path": (request_of(*GOOD[:2], (":authority", "a/b"), GOOD[3]), None),
    "a scheme that is not HTTP": (request_of(GOOD[0], (":scheme", "ftp"), *GOOD[2:]), 400),
    "a fragment in the path": (request_of(*GOOD[:3], (":path", "/a#b")), 400),
    "a blank in the path": (request_of(*GOOD[:3], (":path", "/a b")), None),
    "bytes beyond ASCII in the path": (request_of(*GOOD[:3], (":path", b"/\xc3\xa9")), 400),
    "plain CONNECT": (request_of((":method", "CONNECT"), GOOD[2]), 501),
    "more than 100 fields": (get_with(*((f"x-{n}", "v") for n in range(101))), 431),
    "a field of 17 KiB": (get_with(("x-large", "v" * 17_000)), 431),
    "a path of 17 KiB": (request_of(*GOOD[:3], (":path", "/" + "p" * 17_000)), 414),
    "fields of 70 KiB": (get_with(*((f"x-{n}", "v" * 7000) for n in range(10))), 431),
    "a field name of 300 bytes": (get_with(("x" * 300, "v")), 431),
    "a host that is no tunnel of this certificate": (request_of(*GOOD[:2], (":authority", "example.com"), GOOD[3]), 421),
}


def split(frames):
    """Field sections too long for a frame go on in CONTINUATION frames."""
    out = []
    for frame in frames:
        if isinstance(frame, HeadersFrame) and len(frame.data) > 16384:
            data, flags = frame.data, frame.flags
            out.append(HeadersFrame(frame.stream_id, data[:16384], flags=[f for f in flags if f != "END_HEADERS"]))
            for at in range(16384, len(data), 16384):
                out.append(ContinuationFrame(frame.stream_id, data[at:at + 16384], flags=["END_HEADERS"] if at + 16384 >= len(data) else []))
        else:
            out.append(frame)
    return out


@pytest.fixture
def break_in(edge):
    """Opens visitors that send any frame: break_in(tunnel)."""
    made = []

    def connect(t, **options):
        made.append(FrameVisitor(t.edge.port, t.host, t.edge.cacert, **options))
        return made[-1]

    yield connect
    for one in made:
        one.socket.close()


def serves_on(t):
    with Http2Visitor(t.edge.port, t.host, t.edge.cacert) as other:
        return other.request("/").status == 200


@pytest.mark.parametrize("case", BROKEN_CONNECTIONS)
def test_a_broken_connection_ends_with_the_right_error(tunnel, recorder, break_in, case):
    frames, codes = BROKEN_CONNECTIONS[case]
    t = tunnel(recorder.port)
    f = break_in(t)
    f.until(lambda: f.acknowledged)
    f.send(*split(frames(f)))
    assert f.end() in codes
    recorder_saw = [r for r in recorder.received if b"POST" not in r]
    assert recorder_saw == []
    assert serves_on(t)


@pytest.mark.parametrize("case", BROKEN_STREAMS)
def test_a_malformed_request_is_reset_and_the_connection_goes_on(tunnel, recorder, break_in, case):
    frames, codes = BROKEN_STREAMS[case]
    t = tunnel(recorder.port)
    f = break_in(t)
    f.send(*split(frames(f)))
    assert f.outcome(1) in stream_error(*codes)
    assert recorder.received == []
    f.send(f.get(3))
    assert f.outcome(3) == ("status", 200)


@pytest.mark.parametrize("case", BROKEN_BODIES)
def test_a_request_that_breaks_behind_its_head_is_reset_and_never_whole_for_the_app(tunnel, recorder, break_in, case):
    frames, outcomes = BROKEN_BODIES[case]
    t = tunnel(recorder.port)
    recorder.reply = b""  # it would answer a head alone
    f = break_in(t)
    f.send(*frames(f))
    assert f.outcome(1) in outcomes
    recorder.reply = recorder.OK
    assert serves_on(t)


@pytest.mark.parametrize("case", REFUSED_REQUESTS)
def test_what_http1_refuses_is_refused_over_http2_with_the_same_status(tunnel, recorder, break_in, case):
    frames, status = REFUSED_REQUESTS[case]
    t = tunnel(recorder.port)
    f = break_in(t)
    f.send(*split(frames(f)))
    assert f.outcome(1) == (("status", status) if status else ("stream", PROTOCOL))
    assert recorder.received == []
    f.send(f.get(3))
    assert f.outcome(3) == ("status", 200)


@pytest.mark.parametrize("preface", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", os.urandom(64)])
def test_a_wrong_preface_ends_the_connection(tunnel, recorder, break_in, preface):
    t = tunnel(recorder.port)
    f = break_in(t, preface=preface, settings=False)
    assert f.end() == PROTOCOL
    assert recorder.received == [] and serves_on(t)


def test_a_preface_without_settings_ends_the_connection(tunnel, recorder, break_in):
    f = break_in(tunnel(recorder.port), settings=False)
    f.send(PingFrame(0, b"12345678"))
    assert f.end() == PROTOCOL


def test_more_than_the_window_of_a_stream_is_a_flow_control_error(tunnel, new_app, break_in):
    def serve(connection, _):
        if b"POST" not in connection.recv(200):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        ended.wait(30)  # reads nothing of a body: nothing gives the window back

    ended = threading.Event()
    t = tunnel(new_app(ByteApp, serve=serve).port)
    f = break_in(t)
    f.send(post(f, 1, ("content-length", "90000000")))
    for _ in range(5000):
        f.send(DataFrame(1, b"x" * 16384))
        if f.closed:
            break
    assert f.outcome(1) in [("connection", FLOW_CONTROL), ("stream", FLOW_CONTROL)]
    assert t.get("/").status == 200
    ended.set()


def test_streams_beyond_the_limit_are_refused_and_may_be_tried_again(tunnel, app, break_in):
    t = tunnel(app.port)
    f = break_in(t)
    f.until(lambda: f.acknowledged)
    f.send(*(post(f, 2 * n + 1) for n in range(130)))
    assert f.outcome(2 * 128 + 1) == ("stream", REFUSED)
    f.send(DataFrame(1, b"", flags=["END_STREAM"]))
    f.until(lambda: 1 in f.statuses)
    f.send(f.get(2 * 130 + 1))
    assert f.outcome(2 * 130 + 1) == ("status", 200)


# --- Floods -------------------------------------------------------------------------------------------------------------


class Cost:
    """Memory and CPU time that a process took since this was made."""

    def __init__(self, process):
        self._process, self._growth, self._before = process, Growth(process), self._seconds(process)

    @staticmethod
    def _seconds(process):
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
            user, system = file.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def check(self):
        growth, seconds = self._growth.now(), self._seconds(self._process) - self._before
        assert growth < MOST_GROWTH, f"grew by {growth} bytes"
        assert seconds < MOST_CPU, f"took {seconds} s of CPU time"


def flood(f, batches):
    """Sends batches until the edge closes; the error code of its GOAWAY."""
    for batch in batches:
        if f.closed:
            break
        f.send(*batch)
    return f.end()


def rapid_reset(f):
    for start in range(1, 60_000, 200):
        yield [part for n in range(start, start + 200, 2) for part in (f.get(n, "/status/200"), RstStreamFrame(n, error_code=8))]


def made_you_reset(f):
    for start in range(1, 60_000, 200):
        yield [part for n in range(start, start + 200, 2) for part in (post(f, n), WindowUpdateFrame(n, window_increment=(1 << 31) - 1))]


def malformed_requests(f):
    for start in range(1, 60_000, 200):
        yield [f.get(n, extra=[("connection", "close")]) for n in range(start, start + 200, 2)]


def continuations(f):
    yield [HeadersFrame(1, f.head(), flags=["END_STREAM"])]
    for _ in range(1000):
        yield [ContinuationFrame(1, f.fields(("x-more", "v" * 100))) for _ in range(10)]


def empty_continuations(f):
    yield [HeadersFrame(1, f.head(), flags=["END_STREAM"])]
    for _ in range(1000):
        yield [ContinuationFrame(1, b"")] * 100


def on_one_post(make):
    def batches(f):
        yield [HeadersFrame(1, f.head("/begun", "POST"), flags=["END_HEADERS"])]
        for _ in range(1000):
            yield [make(f)] * 100
    return batches


def repeated(*frames):
    def batches(_):
        for _ in range(1000):
            yield frames * 100
    return batches


def bomb(f):
    """A field of 4,000 bytes, and a byte for each of the 12,000 times that it is told to be there again."""
    for n in range(1, 400, 2):
        yield [HeadersFrame(n, f.head(extra=[("x-bomb", "b" * 4000)]) + b"\xbe" * 12_000, flags=["END_HEADERS", "END_STREAM"])]


FLOODS = {
    "requests that are reset at once": rapid_reset,
    "requests that make the edge reset them": made_you_reset,
    "malformed requests": malformed_requests,
    "CONTINUATION without an end": continuations,
    "empty CONTINUATION without an end": empty_continuations,
    "SETTINGS": repeated(SettingsFrame(0, settings={4: 65535})),
    "empty SETTINGS": repeated(SettingsFrame(0)),
    "PING": repeated(PingFrame(0, b"12345678")),
    "PRIORITY": repeated(PriorityFrame(1, depends_on=0, stream_weight=1)),
    "GOAWAY": on_one_post(lambda f: GoAwayFrame(0)),
    "WINDOW_UPDATE": repeated(WindowUpdateFrame(0, window_increment=1)),
    "empty DATA": on_one_post(lambda f: DataFrame(1, b"")),
    "DATA of padding": on_one_post(lambda f: DataFrame(1, b"", pad_length=200, flags=["PADDED"])),
    "a field section that unpacks to megabytes": bomb,
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_is_ended_with_enhance_your_calm(tunnel, new_app, break_in, edge, kind):
    app = new_app(HostileApp)
    t = tunnel(app.port)
    f = break_in(t)
    cost = Cost(edge.process)
    assert flood(f, FLOODS[kind](f)) == CALM
    cost.check()
    assert len(app.seen) < 2500
    assert t.get("/status/200", "--http2").status == 200


def test_frames_that_nobody_knows_are_skipped_for_next_to_nothing(tunnel, new_app, break_in, edge):
    f = break_in(tunnel(new_app(HostileApp).port))
    cost = Cost(edge.process)
    for _ in range(1000):
        f.send(raw(0x7f, 0xff, 0, b"x") * 100)
    f.send(f.get(1, "/status/200"))
    assert f.outcome(1) == ("status", 200)
    cost.check()


def test_a_visitor_with_closed_windows_costs_no_more_than_what_its_streams_may_hold(tunnel, new_app, break_in, edge):
    app = new_app(HostileApp)
    t = tunnel(app.port)
    cost = Cost(edge.process)
    f = break_in(t, settings=False)
    f.send(SettingsFrame(0, settings={4: 0}))
    f.send(*(f.get(n, "/big/10000000") for n in range(1, 201, 2)))
    f.until(lambda: len(f.statuses) == 100)
    for _ in range(3):
        assert t.get("/big/3000000", "--http2").status == 200
    cost.check()
    assert not any(isinstance(frame, DataFrame) for frame in f.frames)


def test_a_visitor_who_never_reads_costs_little(tunnel, new_app, break_in, edge):
    app = new_app(HostileApp)
    t = tunnel(app.port)
    cost = Cost(edge.process)
    f = break_in(t, settings=False)
    f.send(SettingsFrame(0, settings={4: (1 << 31) - 1}), WindowUpdateFrame(0, window_increment=(1 << 31) - 1 - 65535))
    f.send(*(f.get(n, "/big/10000000") for n in range(1, 201, 2)))
    wait_until(lambda: len(app.seen) >= 50, 20, lambda: f"{len(app.seen)} requests")
    f.socket.settimeout(2)
    try:
        for n in range(201, 6001, 2):
            f.send(f.get(n, "/hints_forever" if n % 4 == 1 else "/nothing"))
    except TimeoutError:
        pass
    for _ in range(3):
        assert t.get("/big/3000000", "--http2").status == 200
    cost.check()


def test_interim_answers_without_an_end_cost_a_reader_of_http2_no_memory(tunnel, new_app, break_in, edge):
    app = new_app(HostileApp)
    t = tunnel(app.port)
    cost = Cost(edge.process)
    f = break_in(t)
    f.send(f.get(1, "/hints_forever"))
    wait_until(lambda: app.sent > 8 << 20, 20, lambda: f"{app.sent} bytes")
    assert t.get("/status/200", "--http2").status == 200
    cost.check()


def test_idle_connections_cost_little(tunnel, new_app, edge):
    t = tunnel(new_app(HostileApp).port)
    assert t.get("/status/200", "--http2").status == 200
    growth, idle = Growth(edge.process), []
    for _ in range(200):
        idle.append(Http2Visitor(edge.port, t.host, edge.cacert))
        assert idle[-1].request("/status/200").status == 200
    assert growth.now() / len(idle) < 64 << 10, "nghttp2 takes about 20 KiB a connection, TLS and ours 15"
    for visitor in idle:
        visitor.socket.close()
