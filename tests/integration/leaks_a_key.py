"""Not part of the suite: a test that passes and leaves secrets where none may be. test_secret_watch.py runs it and expects that the
run fails all the same."""

import os
import sys

import secret_watch
from process import Process


def test_that_passes(folder):
    kind = os.environ.get("LEAK")
    if kind == "key":
        code = "import sys; sys.stderr.write('key is it_' + 'Q7' * 8)"
    elif kind == "password":
        secret_watch.add("correct horse battery")
        code = "print('signing in with correct horse battery')"
    elif kind == "data":
        secret_watch.add("it_" + "Zx" * 8)
        (folder / "data.db").write_bytes(b"\0\1" + b"Zx" * 8 + b"\2")
        code = ""
    else:
        code = "print('nothing to see')"
    assert Process("leak", [sys.executable, "-c", code], folder / "logs").wait() == 0
