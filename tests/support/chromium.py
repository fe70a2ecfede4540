"""Chromium without a window, driven through playwright-core (npm): what a person sees, and what helps those who do not see it."""

import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from npm_tools import SUPPORT, npm_folder
from process import clean_environment
import secret_watch

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
LOOKS = [("light", "desktop", DESKTOP), ("dark", "phone", PHONE)]


class Chromium:
    """One browser for a file of tests. Skips them where it is not installed and says why."""

    def __init__(self, home):
        program = shutil.which("chromium")
        folder = npm_folder("playwright-core")
        if not program:
            reason = folder.parent / "browser" / "why-not"
            pytest.skip(reason.read_text(encoding="utf-8").strip() if reason.exists() else "chromium is not installed: cmake/install-browser.sh does that")
        self.shots = pathlib.Path(os.environ.get("INSTATUNNEL_SCREENSHOTS", SUPPORT.parent.parent / "build" / "screenshots"))
        self.shots.mkdir(parents=True, exist_ok=True)
        self._count = itertools.count(1)
        # In a group of its own: ending it ends all of its processes, whatever state they are in.
        self._node = subprocess.Popen(
            ["node", SUPPORT / "npm" / "chromium.mjs"], cwd=folder, env=clean_environment(home, INSTATUNNEL_CHROMIUM=program), text=True,
            encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)

    def do(self, command, **arguments):
        self._node.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        self._node.stdin.flush()
        line = self._node.stdout.readline()
        assert line, f"Chromium ended at {command}"
        answer = json.loads(line)
        assert "error" not in answer, f"{command} {arguments}: {answer['error']}"
        return answer["value"]

    def open(self, scripts=False):
        """A window with cookies of its own."""
        return Window(self, next(self._count), scripts)

    def stop(self):
        self._node.stdin.close()
        try:
            self._node.wait(10)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self._node.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._node.wait()


class Window:
    def __init__(self, chromium, number, scripts):
        self._chromium, self._number = chromium, number
        self.do("open", scripts=scripts)

    def do(self, command, **arguments):
        return self._chromium.do(command, page=self._number, **arguments)

    def close(self):
        self.do("close")

    def goto(self, url):
        """The status of the answer."""
        return self.do("goto", url=url)

    @property
    def url(self):
        return self.do("url")

    @property
    def heading(self):
        return self.do("texts", on="h1")[0]

    def texts(self, selector):
        return self.do("texts", on=selector)

    def text(self, selector="body"):
        only, = self.texts(selector)
        secret_watch.add_from_text(only)
        return only

    def fill(self, selector, text):
        self.do("fill", on=selector, text=text)

    def button(self, name):
        """Presses the button with this accessible name."""
        self.do("button", name=name)

    def link(self, name):
        self.do("link", name=name)

    def wait_for(self, selector):
        self.do("waitFor", on=selector)

    def arrive(self, start):
        """Waits for an address that begins with `start`, and returns the whole."""
        self.do("waitForUrl", start=start)
        return self.url

    def press(self, *keys):
        for key in keys:
            self.do("press", key=key)

    def type(self, text):
        self.do("type", text=text)

    def evaluate(self, script, given=None, limit=60):
        """Calls a function, written in JavaScript, inside the page; what it returns or promises within `limit` seconds."""
        return self.do("evaluate", script=script, given=given, limit=limit)

    def choose(self, selector, *paths):
        """Picks files for an input."""
        self.do("choose", on=selector, files=[str(p) for p in paths])

    @property
    def focus(self):
        return self.do("focus")

    def look(self, name):
        """Keeps pictures of the page, and fails if it has a barrier for people, or is wider than a phone."""
        for scheme, size, viewport in LOOKS:
            wider = self.do("shoot", scheme=scheme, viewport=viewport, path=str(self._chromium.shots / f"{name}-{scheme}-{size}.png"))
            assert wider <= 0, f"{name} is {wider} pixels wider than a {size}"
            found = self.do("audit", scheme=scheme, viewport=viewport)
            severe = [f"{v['id']} ({v['impact']}): {v['help']}, at {v['where']}" for v in found if v["impact"] in ("serious", "critical")]
            assert not severe, f"{name} in {scheme}: {severe}"
