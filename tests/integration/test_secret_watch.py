"""The check that no secret of the suite stands in a log, an output or a file can fail."""

import os
import pathlib
import subprocess
import sys

import pytest

import secret_watch

LEAKING = pathlib.Path(__file__).parent / "leaks_a_key.py"


def run(leak):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(LEAKING)], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "LEAK": leak})


@pytest.mark.parametrize("leak", ["key", "password", "data"])
def test_a_run_that_leaves_a_secret_fails_though_its_tests_pass(leak):
    done = run(leak)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1, done.stdout
    assert "secrets where none may be" in done.stdout
    assert "Q7Q7" not in done.stdout and "battery" not in done.stdout, "the report repeats the secret"


def test_a_run_that_leaves_none_succeeds():
    done = run("nothing")
    assert done.returncode == 0, done.stdout + done.stderr


def test_secrets_are_collected_from_requests_answers_and_commands(new_cli, edge):
    account = edge.register(password="collected password 1")
    made = edge.call("POST", "/v1/auth/keys", {"name": "n", "permissions": ["tunnels:read"]}, account.key).json()
    new_cli(edge).run("auth", "status", INSTATUNNEL_API_KEY="it_" + "e" * 16)
    for secret in [account.key[3:], made["key"][3:], "collected password 1", "e" * 16, edge.owner.password]:
        assert secret.encode() in secret_watch.secrets
    assert secret_watch.find(b"x" + made["key"].encode() + b"y") or secret_watch.find(made["key"].encode())
