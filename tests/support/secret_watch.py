"""Collects every key, token and password that the suite uses, and looks for them where none may be.

Logs, outputs and data files are read when a test's folder is removed, with all secrets known by then. What looks like a
whole key is one, known or not."""

import json
import os
import pathlib
import re

# A challenge or state of OAuth (base64url) holds "it_" by chance now and then, inside a word. Keys that were handed out are known
# and found wherever they stand.
# (Its first characters come first: what is searched may be a gigabyte.)
KEY = re.compile(rb"it_(?<![A-Za-z0-9_-]it_)[A-Za-z0-9]{16,128}(?![A-Za-z0-9])")
# Of OAuth: access and refresh tokens, codes of both kinds, secrets of clients. Of MCP tunnels: their tokens.
TOKEN = re.compile(rb"it[acdmrs]_[A-Za-z0-9]{40}(?![A-Za-z0-9])")
_PASSWORD_BYTES = 10  # shorter ones stand in other text by chance

# Where secrets are by contract: a dev edge's first user, what a person stored or copied, and a legacy file that we only
# read. The examples of the API's description have the form of keys.
_FILES_WITH_SECRETS = re.compile(r"openapi\d*\.json|dev\.json|config\.json|mcp-tokens\.json|\.instatunnel\.yaml|password[\w.-]*\.txt|key[\w.-]*\.txt|^(taken|key)$")
# Commands that print a new or stored secret on standard output; nothing ever may on standard error.
_PRINTING = [["login"], ["auth", "login"], ["auth", "show-key"], ["auth", "keys", "create"], ["auth", "keys", "rotate"],
             ["admin", "user"], ["admin", "key"], ["serve"], ["demo"], ["register"], ["auth", "register"]]
_LINES_WITH_SECRETS = re.compile(rb'"event":"(serve|demo)\.ready"|"mcp_token":"|MCP token: |"event":"mcp\.ready"|^claude mcp add |^ +"(MCP_)?A(uthorization|UTHORIZATION)": "Bearer itm_', re.MULTILINE)

_named_by_config = set()  # files that a person chose with --config
secrets = set()
violations = []
searched = {"files": 0, "bytes": 0}


def add(*values):
    """Remembers secrets; None and what is too short to be told apart are passed over."""
    for value in values:
        text = value.encode() if isinstance(value, str) else bytes(value or b"")
        if KEY.fullmatch(text):
            secrets.add(text[3:])
        elif TOKEN.fullmatch(text):
            secrets.add(text[4:])
        elif len(text) >= _PASSWORD_BYTES:
            secrets.add(text)


def add_from_text(text):
    """Remembers everything in a text that looks like a key or token."""
    data = text.encode(errors="replace") if isinstance(text, str) else bytes(text or b"")
    add(*KEY.findall(data), *TOKEN.findall(data))


def add_from_arguments(arguments):
    """Remembers the keys of a command line, and the file that --config names as one that may hold keys."""
    words = [str(a) for a in arguments]
    add_from_text(" ".join(words))
    _named_by_config.update(pathlib.Path(value).name for flag, value in zip(words, words[1:]) if flag == "--config")


def add_from_json(text):
    """Remembers keys and the passwords of a request's or answer's body."""
    add_from_text(text)
    try:
        body = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return
    if isinstance(body, dict):
        add(*(v for n, v in body.items() if "password" in n and isinstance(v, str)))


def find(data):
    """The secrets in these bytes, without repeating them: their first characters."""
    found = [match[:6] for match in KEY.findall(data) + TOKEN.findall(data)]
    return found + [s[:3] for s in secrets if s in data]


def check_run(arguments, done):
    """Looks through the outputs of a command that ran to its end."""
    add_from_arguments(arguments)
    words = [str(a) for a in arguments]
    prints = any(words[i:i + len(p)] == p for p in _PRINTING for i in range(len(words))) or "--reveal" in words
    _report(f"standard error of {' '.join(words[:3])}", (done.stderr or "").encode())
    if not prints:
        _report(f"standard output of {' '.join(words[:3])}", (done.stdout or "").encode())
    add_from_text(done.stdout)


def check_folder(folder):
    """Looks through all files below a folder, which is about to go."""
    for base, _, names in os.walk(folder):
        for name in names:
            path = pathlib.Path(base) / name
            if not _FILES_WITH_SECRETS.search(name) and name not in _named_by_config and path.is_file() and not path.is_symlink():
                _check_file(path)


def _check_file(path):
    try:
        data = path.read_bytes()
    except OSError:
        return
    if path.suffix == ".out":
        data = b"\n".join(line for line in data.split(b"\n") if not _LINES_WITH_SECRETS.search(line))
        if path.name.startswith("prints-"):
            return
    searched["files"] += 1
    searched["bytes"] += len(data)
    _report(str(path), data)


def _report(where, data):
    found = find(data)
    if found:
        test = os.environ.get("PYTEST_CURRENT_TEST", "a module's end")
        starts = ", ".join(sorted({f.decode("latin-1") + "…" for f in found}))
        violations.append(f"{where}: holds {len(found)} secret(s) ({starts}), seen in {test}")
