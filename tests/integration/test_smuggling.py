"""What two programs could understand differently: each rule of tests/support/message_rules.py, through the running program, byte for byte."""

import pathlib
import re
import shutil
import tempfile

import pytest

from edge import Cli, Tunnel
from exact_app import ExactApp, ScriptedApp
from message_rules import HALF, REPLIES, REQUESTS, get, seen
from process import wait_until

AFTER = get(b"Connection: close", start=b"GET /after HTTP/1.1")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def tunnel_to(binary, edge, app, name):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="it-"))
    t = Tunnel(Cli(binary, folder, edge), app.port, name=name)
    yield t, app
    t.process.kill()
    app.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def victim(binary, edge):
    """A tunnel to an app that keeps every byte; all rows share it."""
    yield from tunnel_to(binary, edge, ExactApp(), "victim")


@pytest.fixture(scope="module")
def scripted(binary, edge):
    """A tunnel to an app that sends what the rows say."""
    yield from tunnel_to(binary, edge, ScriptedApp([row.sent for row in REPLIES]), "scripted")


def filled(t, text):
    return text.replace(b"{host}", t.host.encode()).replace(b"{port}", str(t.edge.port).encode())


def answers(visitor, *parts):
    """The statuses of everything that comes for these bytes until the edge closes."""
    for part in parts:
        try:
            visitor.send(part)
        except OSError:
            break
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d\d\d) ", visitor.rest())]


@pytest.mark.parametrize("row", [row for row in REQUESTS if row.app is None or row.visitor == 200], ids=str)
def test_a_request_is_refused_unseen_or_reaches_the_app_as_one_message(victim, row):
    t, app = victim
    app.forget()
    with t.raw() as visitor:
        statuses = answers(visitor, filled(t, row.sent + AFTER))
    assert statuses == [row.visitor] + [200] * row.goes_on
    with t.raw() as visitor:
        assert answers(visitor, filled(t, get(b"Connection: close", start=b"GET /last HTTP/1.1"))) == [200]
    expected = [row.app] * (row.app is not None) + [seen(b"GET /after")] * row.goes_on + [seen(b"GET /last")]
    wait_until(lambda: len(app.received) == len(expected) and all(app.received), 5, lambda: f"{expected} at the app: {app.received}")
    assert app.received == [filled(t, message) for message in expected]


@pytest.mark.parametrize("row", [row for row in REQUESTS if row.app is not None and row.visitor != 200], ids=str)
def test_a_bad_body_is_never_a_whole_message_for_the_app_and_nothing_follows_it(victim, row):
    t, app = victim
    app.forget()
    head, _, body = filled(t, row.sent + AFTER).partition(b"\r\n\r\n")
    with t.raw() as visitor:
        visitor.send(head + b"\r\n\r\n")
        wait_until(lambda: app.received, 5, "head at the app")
        visitor.send(body)
        if row.visitor:
            assert answers(visitor) == [row.visitor]
        else:
            wait_until(lambda: b"/after" in app.parts(), 5, "all bytes at the app")
            visitor.socket.settimeout(0.1)
            with pytest.raises(TimeoutError):
                visitor.socket.recv(1)
    wait_until(lambda: all(app.received), 5, "end of the message at the app")
    (got,) = app.received
    assert got.startswith(filled(t, HALF))
    assert not row.visitor or filled(t, row.app).startswith(got), got


@pytest.mark.parametrize("number, row", list(enumerate(REPLIES)), ids=str)
def test_a_reply_is_refused_cut_or_reaches_the_visitor_as_one_message(scripted, number, row):
    t, _ = scripted
    with t.raw() as visitor:
        visitor.send(f"{row.method} /{number} HTTP/{row.version}\r\nHost: {t.host}\r\n\r\n".encode() + filled(t, AFTER))
        got = visitor.rest()
    before, own = (b"", row.visitor) if isinstance(row.visitor, int) else row.visitor if isinstance(row.visitor, tuple) and len(row.visitor) == 2 else (None, None)
    if own:
        assert got.startswith(before + b"HTTP/1.1 %d " % own) and got.endswith(ANSWER), got
    elif isinstance(row.visitor, tuple):
        assert row.visitor[0].startswith(got), got
    else:
        assert got == row.visitor + (ANSWER if row.version == "1.1" else b""), got
