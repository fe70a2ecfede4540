"""Fixtures of the integration tests: they drive the built program over real sockets with real programs."""

import os
import pathlib
import secrets
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from certificates import self_signed  # noqa: E402
from chromium import Chromium  # noqa: E402
from edge import Cli, Edge, Tunnel  # noqa: E402
from local_apps import HttpApp, Nginx, RecordingApp  # noqa: E402
from process import Process  # noqa: E402
import secret_watch  # noqa: E402


@pytest.fixture(scope="session")
def binary():
    path = os.environ.get("INSTATUNNEL_BINARY")
    assert path and os.access(path, os.X_OK), "INSTATUNNEL_BINARY must name the built program"
    return os.path.abspath(path)


def _short_folder():
    # Short, since the path of a unix socket has room for 107 bytes; nginx run by root reads its files as another user.
    path = pathlib.Path(tempfile.mkdtemp(prefix="it-"))
    path.chmod(0o711)
    return path


def _remove(path):
    secret_watch.check_folder(path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def folder():
    path = _short_folder()
    yield path
    _remove(path)


@pytest.fixture(scope="module")
def edge(binary):
    """A dev edge that the tests of one file share."""
    path = _short_folder()
    running = Edge(binary, path).start()
    yield running
    running.stop(limit=5)
    _remove(path)


@pytest.fixture
def new_edge(binary, folder):
    """Makes edges of a test's own; not started."""
    made = []

    def make(*arguments, **options):
        made.append(Edge(binary, folder / f"edge{len(made)}", *arguments, **options))
        return made[-1]

    yield make
    for one in made:
        if one.process and one.process.running():
            one.process.kill()


@pytest.fixture
def edge_with(binary, folder):
    """edge_with(flag, …, name=value, …): a running dev edge with these flags and limits."""
    running = []

    def start(*flags, **limits):
        limits = [part for name, value in limits.items() for part in ("--limit", f"{name.replace('_', '-')}={value}")]
        running.append(Edge(binary, folder / f"limited{len(running)}", ("--dev", *flags, *limits)).start())
        return running[-1]

    yield start
    for one in running:
        if one.process.running():
            one.stop(5)


@pytest.fixture
def cli(binary, folder, edge):
    """The program with an empty home, beside the shared edge."""
    return Cli(binary, folder / "cli", edge)


@pytest.fixture
def new_cli(binary, folder):
    """Makes homes: each is another person's or machine's."""
    count = 0

    def make(edge=None):
        nonlocal count
        count += 1
        return Cli(binary, folder / f"cli{count}", edge)

    return make


@pytest.fixture
def tunnel(new_cli, edge):
    """Opens tunnels: tunnel(target, *flags, name=…, key=…, cli=…)."""
    opened = []

    def open_tunnel(target, *flags, name=None, key=None, cli=None):
        name = name or "t-" + secrets.token_hex(4)
        opened.append(Tunnel(cli or new_cli(edge), str(target), *flags, name=name, key=key))
        return opened[-1]

    yield open_tunnel
    for one in opened:
        one.process.kill()


@pytest.fixture
def new_app():
    """Starts local apps: new_app(HttpApp, host=…)."""
    running = []

    def start(kind=HttpApp, **options):
        running.append(kind(**options))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def app(new_app):
    return new_app()


@pytest.fixture
def recorder(new_app):
    return new_app(RecordingApp)


@pytest.fixture
def nginx(folder):
    """nginx with a few files; nginx.root takes more."""
    running = Nginx(folder / "nginx", {"index.html": b"<h1>nginx</h1>\n", "text.txt": b"text " * 200})
    yield running
    running.stop()


@pytest.fixture(scope="module")
def chromium():
    """One browser for a file of tests."""
    home = _short_folder()
    try:
        running = Chromium(home)
        yield running
        running.stop()
    finally:
        _remove(home)


@pytest.fixture
def window(chromium):
    """Opens windows that share nothing."""
    opened = []

    def open_window(**options):
        opened.append(chromium.open(**options))
        return opened[-1]

    yield open_window
    for one in opened:
        one.close()


@pytest.fixture
def certificate(folder):
    """(certificate, key) for localhost that nobody trusts."""
    return self_signed(folder / "certificates")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """No log, output or data file of the whole run holds a secret of it: otherwise the run has failed."""
    if secret_watch.violations and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if secret_watch.violations:
        terminalreporter.section("secrets where none may be", red=True)
        for violation in secret_watch.violations:
            terminalreporter.line(violation)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    item.started_before = len(Process.started)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the output of every process that still runs, or that the test started, to a failure's report."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.when != "teardown":
        for index, process in enumerate(Process.started):
            if process.out_path.exists() and (process.running() or index >= item.started_before):
                report.sections.append((f"output of {process.name}", process.report()))
