"""A PostgreSQL server of a test's own, on loopback."""

import glob
import os
import pathlib
import pwd
import shutil
import subprocess

from ports import accepts, free_port
from process import Process, wait_until


def _program(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return found[-1] if found else shutil.which(name)


class Postgres:
    """Reached by TCP as user `postgres` without a password."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True)
        self.port = free_port()
        # It refuses to run as root.
        runner = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            runner = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        data = folder / "data"
        subprocess.run([*runner, _program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8"],
                       check=True, capture_output=True, cwd="/")
        self._process = Process("postgres", [*runner, _program("postgres"), "-D", data, "-h", "127.0.0.1", "-p", str(self.port), "-k", "", "-F"],
                                folder / "logs")
        wait_until(lambda: accepts(self.port), 30, self._process.report)

    def stop(self):
        self._process.stop()
