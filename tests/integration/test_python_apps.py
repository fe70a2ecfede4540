"""A Python app behind a tunnel: starlette, served by uvicorn as its users start it."""

import asyncio
import hashlib
import os
import secrets
import ssl
import subprocess

import pytest
import websockets
from websockets.exceptions import ConnectionClosed

from npm_tools import SUPPORT
from ports import accepts, free_port
from process import Process, clean_environment, wait_until
from visitor import curl_command


class Uvicorn:
    """The app of tests/support/asgi_app.py."""

    def __init__(self, folder):
        self.port = free_port()
        self._process = Process("uvicorn", ["/usr/bin/python3", "-m", "uvicorn", "--app-dir", SUPPORT, "--port", self.port, "asgi_app:app"],
                                folder / "logs", env=clean_environment(folder, PYTHONDONTWRITEBYTECODE=1))
        wait_until(lambda: accepts(self.port), 20, self._process.report)

    def stop(self):
        self._process.kill()


@pytest.fixture(scope="module")
def uvicorn(tmp_path_factory):
    running = Uvicorn(tmp_path_factory.mktemp("uvicorn"))
    yield running
    running.stop()


@pytest.fixture
def t(tunnel, uvicorn):
    return tunnel(uvicorn.port)


def both_versions(test):
    return pytest.mark.parametrize("version", ["--http1.1", "--http2"])(test)


@both_versions
def test_the_app_knows_its_public_address_and_its_visitor(t, version):
    # uvicorn believes the forwarding fields of this machine.
    seen = t.get("/seen?a=b%20c", version).json()
    assert seen["url"] == f"{t.url}/seen?a=b%20c" and seen["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert t.get("/forward", version).header("location") == f"{t.url}/seen"


@both_versions
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_upload_arrives_whole(t, folder, version, framing):
    body = os.urandom(8_000_000)
    (folder / "body").write_bytes(body)
    how = ["-T", folder / "body"] if framing == "length" else ["-T", folder / "body", "-H", "Transfer-Encoding: chunked", "-H", "Content-Length:"]
    seen = t.get("/seen", version, *how).json()
    assert (seen["method"], seen["size"], seen["sha256"]) == ("PUT", len(body), hashlib.sha256(body).hexdigest())


@both_versions
def test_no_event_waits_for_a_later_one(t, version):
    key = secrets.token_hex(4)
    with subprocess.Popen(curl_command(f"{t.url}/events?key={key}", t.edge.cacert, version, "-N"), stdout=subprocess.PIPE, text=True) as curl:
        got = []
        for line in curl.stdout:
            if line.startswith("data: "):
                got.append(line.strip())
                assert t.get(f"/said?key={key}&n={len(got) - 1}").status == 200
        assert curl.wait() == 0
    assert got == [f"data: event {n}" for n in range(10)]


def test_websocket_messages_come_back_and_the_close_code_too(t):
    async def talk():
        context = ssl.create_default_context(cafile=str(t.edge.cacert))
        async with websockets.connect(f"wss://{t.host}:{t.edge.port}/echo", ssl=context, host="127.0.0.1", port=t.edge.port, server_hostname=t.host,
                                      subprotocols=["first", "second"]) as socket:
            assert socket.subprotocol == "second"
            assert f'://{t.host}:{t.edge.port}/echo"' in await asyncio.wait_for(socket.recv(), 10)
            for message in ("hällo", b"\x00\xff", "x" * 200_000, os.urandom(900_000)):
                await socket.send(message)
                assert await asyncio.wait_for(socket.recv(), 10) == message
            await socket.send("close")
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 10)
            assert socket.close_code == 4000

    asyncio.run(talk())
