"""The completion scripts in the shells they are for."""

import shutil
import subprocess

import pytest

CASES = [("instatunnel lo", "login"), ("instatunnel auth s", "set-key"), ("instatunnel auth login --pass", "--password-stdin"),
         ("instatunnel --server https://x auth st", "status"), ("instatunnel auth test --sc", "--scope"), ("instatunnel 3000 --subd", "--subdomain"),
         ("instatunnel admin user a", "add"), ("instatunnel config set --pro", "--profile")]


def script(cli, shell):
    done = cli.run("completion", shell)
    assert done.returncode == 0 and done.stderr == ""
    path = cli.folder / f"completion.{shell}"
    path.write_text(done.stdout)
    return path


def in_shell(shell, program, cli):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, *({"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]), "-c", program], capture_output=True,
                          encoding="utf-8", env=cli.environment(), timeout=30, cwd=cli.folder, check=False)
    assert done.stderr == "", done
    return done.stdout.split("\n")


@pytest.mark.parametrize("line,expected", CASES)
def test_bash(cli, line, expected):
    words = " ".join(f"'{w}'" for w in line.split(" "))
    found = in_shell("bash", f"source '{script(cli, 'bash')}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _instatunnel; "
                             'printf "%s\\n" "${COMPREPLY[@]}"', cli)
    assert expected in found, found


def test_bash_completes_files_where_a_path_is_meant(cli):
    (cli.folder / "authority.pem").write_text("x")
    found = in_shell("bash", f"source '{script(cli, 'bash')}'; COMP_WORDS=(instatunnel --cacert auth); COMP_CWORD=2; _instatunnel; "
                             'printf "%s\\n" "${COMPREPLY[@]}"', cli)
    assert found == ["authority.pem", ""], found


@pytest.mark.parametrize("line,expected", CASES)
def test_zsh(cli, line, expected):
    words = " ".join(f"'{w}'" for w in line.split(" "))
    found = in_shell("zsh", f"compdef() {{ }}; source '{script(cli, 'zsh')}'; _describe() {{ print -rl -- ${{(P)2}} }}; "
                            f"words=({words}); CURRENT=${{#words}}; _instatunnel", cli)
    prefix = line.split(" ")[-1]
    assert any(f.startswith(f"{expected}:") and f.startswith(prefix) for f in found), found


@pytest.mark.parametrize("line,expected", CASES)
def test_fish(cli, line, expected):
    found = in_shell("fish", f"source '{script(cli, 'fish')}'; complete -C '{line}'", cli)
    assert expected in [f.split("\t")[0] for f in found], found
