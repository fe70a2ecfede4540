"""~/.instatunnel under fire: writers side by side, writers that are killed, files that are cut, and the system keyring."""

import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import stat
import subprocess
import time

import pytest

from process import clean_environment, wait_until

KEYS = [f"it_key{n:02d}00000000abc" for n in range(20)]


def stored(cli, *flags):
    done = cli.run("auth", "show-key", "--reveal", *flags)
    assert done.returncode == 0, done
    return done.stdout.strip()


def leftovers(cli):
    return [p.name for p in cli.config_folder.iterdir() if p.name not in ("config.json", "config.json.lock")]


def test_writers_side_by_side_lose_nothing(cli):
    """Twelve processes at once, three rounds: each profile's key and the settings beside them are all there in the end."""
    for round_number in range(3):
        running = []
        for n in range(10):
            running.append(subprocess.Popen([cli.binary, "auth", "set-key", "--profile", f"p{n}", KEYS[(n + round_number) % 20]],
                                            env=cli.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        running.append(subprocess.Popen([cli.binary, "config", "set", "default_profile", f"p{round_number}"], env=cli.environment(),
                                        stderr=subprocess.DEVNULL))
        running.append(subprocess.Popen([cli.binary, "config", "set", "server", "https://api.localhost:1", "--profile", "p3"],
                                        env=cli.environment(), stderr=subprocess.DEVNULL))
        assert [p.wait(30) for p in running] == [0] * 12
        for n in range(10):
            assert stored(cli, "--profile", f"p{n}") == KEYS[(n + round_number) % 20]
        assert cli.run("config", "get", "default_profile").stdout == f"p{round_number}\n"
    assert leftovers(cli) == []


def test_a_writer_killed_at_any_instant_loses_nothing(cli):
    """kill -9 at a random moment, forty times: the file is always the old or the new one, and whole."""
    cli.run("auth", "set-key", KEYS[0])
    config = json.loads(cli.config_file.read_text())
    config["future"] = {"kept": [1, 2.5, "ü"]}
    cli.config_file.write_text(json.dumps(config))
    now, killed = KEYS[0], 0
    moments = random.Random(7)
    for n in range(40):
        new = KEYS[1 + n % 19]
        writer = subprocess.Popen([cli.binary, "auth", "set-key", new], env=cli.environment(), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0, 0.012))
        writer.send_signal(signal.SIGKILL)
        code = writer.wait()
        killed += code == -signal.SIGKILL
        found = stored(cli)
        assert found == new if code == 0 else found in (now, new)
        now = found
        assert json.loads(cli.config_file.read_text())["future"] == {"kept": [1, 2.5, "ü"]}
        assert stat.S_IMODE(cli.config_file.stat().st_mode) == 0o600
    assert killed > 5, f"only {killed} of 40 writers were killed in time: this test would prove little"
    assert cli.run("auth", "set-key", KEYS[0]).returncode == 0
    assert leftovers(cli) == [], "a later writer tidies up"


@pytest.mark.parametrize("content,said", [(b"", "is empty"), (b'{"profiles": {"default": {"key": "it_0123', "ends in the middle, line 1"),
                                          (b"\x00" * 512, "is not valid JSON, line 1"), (b"[]\n", "not a JSON object")])
def test_a_cut_or_garbled_file_is_never_overwritten_and_the_way_out_works(cli, content, said):
    cli.run("auth", "set-key", KEYS[0])
    cli.config_file.write_bytes(content)
    for words in (["auth", "show-key"], ["auth", "set-key", KEYS[1]], ["config", "set", "default_profile", "x"], ["logout"], ["whoami"]):
        done = cli.run(*words)
        assert done.returncode == 1 and said in done.stderr and str(cli.config_file) in done.stderr, done
        assert "it_0123" not in done.stderr and cli.config_file.read_bytes() == content
    command = re.search(r"(?:sign in again: |Remove it: )(.*?)(?: && instatunnel login)?\n", done.stderr).group(1)
    subprocess.run(command, shell=True, check=True)
    assert cli.run("auth", "set-key", KEYS[1]).returncode == 0 and stored(cli) == KEYS[1]


def test_the_chmod_that_is_offered_mends_it(cli):
    cli.run("auth", "set-key", KEYS[0])
    for mode in (0o644, 0o640, 0o602):
        cli.config_file.chmod(mode)
        done = cli.run("auth", "show-key", "--reveal")
        assert done.returncode == 1 and KEYS[0] not in done.stdout + done.stderr
        subprocess.run(re.search(r"chmod 600 .*", done.stderr).group(), shell=True, check=True)
        assert stored(cli) == KEYS[0]


def test_a_full_disk_keeps_the_old_file(cli):
    cli.run("auth", "set-key", KEYS[0])

    def no_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))

    done = subprocess.run([cli.binary, "auth", "set-key", KEYS[1]], env=cli.environment(), capture_output=True, encoding="utf-8",
                          preexec_fn=no_room, check=False)
    assert done.returncode == 1 and re.match(r"Notice: .*\nError: Cannot write", done.stderr), done
    assert stored(cli) == KEYS[0] and leftovers(cli) == []


# The system keyring: gnome-keyring on a session bus of the test's own.

needs_keyring = pytest.mark.skipif(not shutil.which("gnome-keyring-daemon") or not shutil.which("dbus-daemon"),
                                   reason="gnome-keyring and dbus-daemon are not installed")


class Session:
    """A session bus, and a GNOME keyring on it that is unlocked."""

    def __init__(self, folder):
        self.folder = folder
        runtime = folder / "run"
        runtime.mkdir(mode=0o700)
        self.environment = {**clean_environment(folder), "XDG_RUNTIME_DIR": str(runtime), "XDG_DATA_HOME": str(folder / "data")}
        # A quiet configuration: the bus of the machine's packages would start services by itself.
        config = folder / "bus.conf"
        config.write_text(f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
            "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
            <busconfig><type>session</type><listen>unix:path={runtime}/bus</listen><auth>EXTERNAL</auth>
            <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
            </busconfig>""")
        self.bus = subprocess.Popen(["dbus-daemon", f"--config-file={config}", "--nofork"], env=self.environment)
        wait_until((runtime / "bus").exists, 10, "session bus")
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={runtime}/bus"
        self.variables = {name: self.environment[name] for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")}
        self.keyring = None
        self.unlock()

    def unlock(self):
        self.keyring = subprocess.Popen(["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"], env=self.environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")
        self.keyring.stdin.write("password of the keyring")
        self.keyring.stdin.close()
        wait_until(self.answers, 20, "keyring on the bus")

    def answers(self):
        done = subprocess.run(["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner",
                               "string:org.freedesktop.secrets"], env=self.environment, capture_output=True, encoding="utf-8", check=False)
        return "boolean true" in done.stdout

    def lock(self):
        """The keyring goes away, as when the session ends."""
        self.keyring.kill()
        self.keyring.wait()

    def stop(self):
        self.lock()
        self.bus.kill()
        self.bus.wait()


@pytest.fixture
def session(folder):
    path = folder / "session"
    path.mkdir()
    running = Session(path)
    yield running
    running.stop()


@needs_keyring
def test_keys_move_to_the_system_keyring_and_back(cli, session):
    run = lambda *words, **more: cli.run(*words, **session.variables, **more)  # noqa: E731
    key = cli.edge.owner.key
    run("auth", "set-key", key, *cli.server())
    run("auth", "set-key", KEYS[1], "--profile", "work")
    done = run("config", "set", "keystore", "keyring")
    assert done.returncode == 0 and done.stderr == "Keys are kept in the system keyring now. Moved: default, work\n", done
    assert key not in cli.config_file.read_text() and KEYS[1] not in cli.config_file.read_text()
    assert run("auth", "show-key", "--reveal").stdout == key + "\n"
    assert run("auth", "show-key", "--reveal", "--profile", "work").stdout == KEYS[1] + "\n"

    status = run("auth", "status")
    assert status.returncode == 0 and status.stdout == f"Current API Key: it_***...{key[-3:]}\nStatus: Valid\nExpires: Never\n", status
    assert "Key from: profile default, system keyring\n" in status.stderr
    assert json.loads(run("auth", "status", "--json").stdout)["key_source"] == "keyring"
    assert run("config", "get", "keystore").stdout == "keyring\n"
    assert "Keystore: keyring" in run("config", "show").stdout

    assert run("auth", "set-key", KEYS[2], "--profile", "work").returncode == 0
    assert run("auth", "show-key", "--reveal", "--profile", "work").stdout == KEYS[2] + "\n"
    assert run("logout", "--profile", "work").returncode == 0
    assert run("auth", "show-key", "--profile", "work").returncode == 3

    assert run("config", "set", "keystore", "file").returncode == 0
    assert stored(cli) == key, "the file alone is enough again"
    assert "keyring" not in cli.config_file.read_text()


@needs_keyring
def test_the_entry_has_attributes_that_other_programs_find(cli, session):
    cli.run("auth", "set-key", KEYS[1], "--server", "https://api.localhost:1", "--profile", "work", **session.variables)
    cli.run("config", "set", "keystore", "keyring", **session.variables)
    found = subprocess.run(["secret-tool", "search", "service", "instatunnel", "profile", "work", "server", "https://api.localhost:1"],
                           env=session.environment, capture_output=True, encoding="utf-8", check=False)
    assert f"secret = {KEYS[1]}" in found.stdout, found


@needs_keyring
def test_a_keyring_that_is_gone_is_named_and_can_be_given_up(cli, session):
    cli.run("auth", "set-key", KEYS[1], **session.variables)
    cli.run("config", "set", "keystore", "keyring", **session.variables)
    session.lock()
    for words in (["auth", "show-key"], ["auth", "status"], ["config", "set", "keystore", "file"], ["logout"]):
        done = cli.run(*words, **session.variables, limit=90)
        assert done.returncode == 1 and "keyring" in done.stderr and "config unset keystore" in done.stderr, done
    assert "it_***" in cli.run("config", "show", **session.variables).stdout
    assert cli.run("config", "unset", "keystore", **session.variables).returncode == 0
    assert cli.run("auth", "set-key", KEYS[2], **session.variables).returncode == 0
    assert stored(cli) == KEYS[2]


@needs_keyring
def test_a_move_killed_at_any_instant_loses_no_key(cli, session):
    profiles = {f"p{n}": KEYS[n] for n in range(5)}
    for name, key in profiles.items():
        cli.run("auth", "set-key", key, "--profile", name, **session.variables)
    moments = random.Random(11)
    killed = 0
    for n in range(16):
        mover = subprocess.Popen([cli.binary, "config", "set", "keystore", "file" if n % 4 >= 2 else "keyring"],
                                 env=cli.environment(**session.variables), stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0, 0.12))
        mover.send_signal(signal.SIGKILL)
        killed += mover.wait() == -signal.SIGKILL
        for name, key in profiles.items():
            done = cli.run("auth", "show-key", "--reveal", "--profile", name, **session.variables)
            assert done.stdout == key + "\n", (n, done)
    assert killed > 3, f"only {killed} of 16 moves were killed in time: this test would prove little"
    assert cli.run("config", "set", "keystore", "file", **session.variables).returncode == 0
    for name, key in profiles.items():
        assert stored(cli, "--profile", name) == key
    found = subprocess.run(["secret-tool", "search", "--all", "service", "instatunnel"], env=session.environment, capture_output=True,
                           encoding="utf-8", check=False)
    assert "it_key" not in found.stdout, "nothing stays behind in the keyring"


def test_without_a_session_bus_the_file_stays(cli):
    cli.run("auth", "set-key", KEYS[0])
    before = cli.config_file.read_bytes()
    done = cli.run("config", "set", "keystore", "keyring")
    assert done.returncode == 1 and re.match(r"Error: The system keyring cannot be used: .*(session bus|libsecret)", done.stderr), done
    assert cli.config_file.read_bytes() == before
    assert cli.run("config", "set", "keystore", "file").returncode == 0
    assert cli.run("config", "set", "keystore", "cloud").returncode == 2


def test_a_bus_without_a_keyring_is_exit_1_and_the_file_stays(cli, folder):
    cli.run("auth", "set-key", KEYS[0])
    before = cli.config_file.read_bytes()
    done = cli.run("config", "set", "keystore", "keyring", DBUS_SESSION_BUS_ADDRESS=f"unix:path={folder}/no-bus")
    assert done.returncode == 1 and "keyring" in done.stderr and str(pathlib.Path(folder)) not in done.stderr, done
    assert cli.config_file.read_bytes() == before


def test_the_program_does_not_need_libsecret(binary):
    linked = subprocess.run(["ldd", binary], capture_output=True, encoding="utf-8", check=True).stdout
    assert "libsecret" not in linked and "libglib" not in linked
    assert os.access(binary, os.X_OK)
