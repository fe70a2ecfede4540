"""Flags of the published client's root command beside those that look after tunnels: --qr, --copy, --share, --port, the frameworks' ports, and `it`."""

import os
import pathlib
import re
import signal
import stat

import pexpect
import pytest

from process import wait_until
from qr_reader import drawn_codes, read_qr


@pytest.fixture
def start(edge, new_cli):
    started = []

    def go(*arguments, binary=None, **environment):
        cli = new_cli(edge)
        if binary:
            cli.binary = str(binary)
        started.append(cli.start("client", *map(str, arguments), *cli.server(), INSTATUNNEL_API_KEY=edge.owner.key, **environment))
        return started[-1]

    yield go
    for one in started:
        one.kill()


def address_in(process, limit=15):
    found = wait_until(lambda: re.search(r"Your app is now live at (https://\S+)", process.stdout), limit, "the address")
    return found.group(1)


def test_the_qr_code_of_the_address_scans(start, app):
    client = start(app.port, "--qr")
    url = address_in(client)
    codes = wait_until(lambda: drawn_codes(client.stdout), 10, "a QR code")
    assert read_qr(codes[0]) == url
    assert "\x1b" not in client.stdout


def test_on_a_terminal_the_qr_code_is_white_on_black_and_scans(edge, new_cli, app):
    cli = new_cli(edge)
    environment = cli.environment(INSTATUNNEL_API_KEY=edge.owner.key, LANG="C.UTF-8", TERM="xterm-256color")
    del environment["NO_COLOR"]
    child = pexpect.spawn(cli.binary, [str(app.port), "--qr", *cli.server()], env=environment,
                          encoding="utf-8", timeout=20, dimensions=(60, 120), cwd=str(cli.folder))
    child.expect(r"now live at (https://\S+?)[\x1b\r]")
    url = child.match.group(1)
    child.expect(r"\x1b\[38;5;231;48;5;16m[^\n]*\n(?:\x1b\[38;5;231;48;5;16m[^\n]*\n)+")
    drawing = child.after
    child.kill(signal.SIGTERM)  # Ctrl+C would drop what the terminal has not shown yet
    child.expect(pexpect.EOF)
    rest = drawing + child.before
    assert read_qr(drawn_codes(rest)[0]) == url


def test_no_qr_code_comes_between_the_events(start, app):
    client = start(app.port, "--qr", "--share", "--json")
    client.wait_event("tunnel.ready")
    assert client.stop() == 0
    assert {e["event"] for e in client.events()} == {"tunnel.starting", "tunnel.ready", "tunnel.closed"}


def test_the_address_is_copied(start, app, folder):
    tools = folder / "bin"
    tools.mkdir()
    (tools / "wl-copy").write_text(f"#!/bin/sh\ncat > {folder}/clipboard\n")
    (tools / "wl-copy").chmod(stat.S_IRWXU)
    client = start(app.port, "--copy", PATH=f"{tools}:{os.environ['PATH']}")
    url = address_in(client)
    wait_until(lambda: "URL copied to clipboard!" in client.stdout, 10, "the line")
    assert (folder / "clipboard").read_text() == url


def test_a_clipboard_that_cannot_be_reached_or_hangs_ends_nothing(start, app, folder, edge):
    client = start(app.port, "--copy", PATH="/nonexistent")
    url = address_in(client)
    wait_until(lambda: "not in the clipboard" in client.stderr, 10, "the notice")
    from visitor import curl  # pylint: disable=import-outside-toplevel
    assert curl(url + "/echo", edge.cacert).status == 200
    (folder / "wl-copy").write_text("#!/bin/sh\nsleep 2\n")
    (folder / "wl-copy").chmod(stat.S_IRWXU)
    slow = start(app.port, "--copy", PATH=f"{folder}:{os.environ['PATH']}")
    assert curl(address_in(slow) + "/echo", edge.cacert).status == 200


def test_share_prints_texts_with_the_address(start, app, edge, new_cli):
    client = start(app.port, "--share")
    url = address_in(client)
    wait_until(lambda: client.stdout.count(url) >= 5, 10, "the texts")
    nobody = new_cli(edge)
    done = nobody.run("--share", "--server", edge.api, "--cacert", edge.cacert, "--api-key", edge.register().key)
    assert done.returncode == 0 and done.stdout.count("[TUNNEL_URL]") == 3


def test_port_is_another_word_for_the_target(start, app):
    client = start("--port", app.port, "--subdomain", "named-by-port")
    assert address_in(client).startswith("https://named-by-port.")
    assert f"-> localhost:{app.port}" in client.stdout


def test_it_is_the_same_program(start, app, binary):
    client = start(app.port, binary=pathlib.Path(binary).parent / "it")
    address_in(client)
    lines = client.stdout.splitlines()
    assert lines[0] == f"🚀 Starting tunnel for localhost:{app.port}..."
    assert lines[2].startswith("🔗 Forwarding https://") and lines[3] == "⚡ Ready to receive requests! Press Ctrl+C to stop"
    assert client.stop() == 0 and "📊 Session Summary: 0 requests handled in " in client.stdout


@pytest.mark.parametrize("flag,port", [("--react", 3000), ("--next", 3000), ("--laravel", 8000)])
def test_the_ports_of_frameworks_are_taken_without_looking(start, flag, port):
    client = start(flag)
    address_in(client)
    assert f"Starting tunnel for localhost:{port}..." in client.stdout
