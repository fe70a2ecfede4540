"""Every field of every operation of the API gets every hostile value, through the running program: no 5xx, no crash, nothing odd stored.

The operations come from the description that the program itself gives."""

import http.client
import json
import re
import sqlite3
import unicodedata
import urllib.parse

import pytest

from visitor import tls_connection

TEXTS = {
    "nothing": "",
    "blanks": " \t ",
    "NUL": "a\0b",
    "line end": "a\r\nSet-Cookie: x=1\r\n\r\n<html>",
    "controls": "\x1b[2J\x1b]0;x\x07\x7f",
    "C1 controls": "a\x9bb\x85c",
    "long": "x" * 5000,
    "very long": "y" * 60000,
    "too long for any body": "z" * 70000,
    "right to left": "\u202egpj.exe",
    "isolates": "\u2066a\u2069",
    "zero width": "a\u200bb\ufeff",
    "line separator": "a\u2028b\u2029",
    "look-alike": "аdmin",
    "combining": "Z" + "\u0351" * 50,
    "not a character": "\ufdd0\uffff",
    "emoji": "👩‍👩‍👧‍👦",
    "SQL": "' OR 1=1;--",
    "more SQL": "'); DROP TABLE users;--",
    "LIKE": "%_%",
    "path": "../../../../etc/passwd",
    "encoded path": "..%2f..%2f%00",
    "format": "%s%n%x{}{0}",
    "template": "{{7*7}}${7*7}<%= 7*7 %>",
    "markup": "<script>alert(1)</script>",
    "formula": "=cmd|' /C calc'!A0",
    "shell": "$(id)`id`;id|id&",
    "number as text": "1e400",
    "null as text": "null",
    "key-like": "it_" + "A" * 16,
    "email-like": "a@b@c.example.com",
    "header in an email": "a@example.com\r\nBcc: b@example.com",
    "two emails": "a@example.com,b@example.com",
    "quoted email": "\"a b\"@example.com",
    "Turkish I": "İ@example.com",
    "time far away": "9999999-12-31T23:59:59Z",
    "time that is none": "2030-02-30T25:61:61+99:99",
    "time before all": "-0001-01-01T00:00:00Z",
    "domain": "a.b.c.localhost.",
    "punycode": "xn--80ak6aa92e",
    "hyphens": "-a-",
    "upper case": "API",
}
VALUES = {
    **TEXTS,
    "true": True, "zero": 0, "minus": -1, "large": 2**64, "small": -(2**63) - 1, "fraction": 1e308, "null": None, "list": [],
    "list in list": [[]], "object": {}, "list of wrong things": [None, 1, {}, "x"], "many": ["tunnels:read"] * 1000, "deep": [[[[[[[[]]]]]]]],
    "object with NUL": {"\0": "\0"},
}
# A body as bytes: what JSON does not allow.
BODIES = [
    b"", b"\0", b"\xff\xfe", b"{", b"[]", b"null", b"0", b'"text"', b'{"a":1}{"b":2}', b'{"email":"\xff"}', b'{"email":"\xed\xa0\x80"}', b'{"email":"\\ud800"}',
    b'{"email":"a\\u0000b"}', b'{"email":' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"a":' * 3000 + b"1" + b"}" * 3000, b'{"email":1e999}',
    b'{"email":"a","email":"b","email":{}}', b'\xef\xbb\xbf{"email":"a"}', b'{"__proto__":{"admin":true},"plan":"business","is_admin":true}', b"A" * 65536,
    b"A" * 65537,
]


class Caller:
    """One kept connection to the API; a new one when the edge has closed it."""

    def __init__(self, edge):
        self.edge = edge
        self.host = urllib.parse.urlsplit(edge.api).hostname
        self.connection = None

    def send(self, method, path, body=None, fields=()):
        for attempt in (1, 2):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, self.edge.port, timeout=20)
                self.connection.sock = tls_connection(self.edge.port, self.host, self.edge.cacert, alpn=["http/1.1"])
            try:
                self.connection.putrequest(method, path, skip_accept_encoding=True)
                for name, value in fields:
                    self.connection.putheader(name, value)
                if body is not None:
                    self.connection.putheader("Content-Length", str(len(body)))
                self.connection.endheaders(body)
                reply = self.connection.getresponse()
                content = reply.read()
                if reply.will_close:
                    self.close()
                return reply.status, content
            except (http.client.HTTPException, ConnectionError, BrokenPipeError):
                self.close()
                if attempt == 2:
                    raise

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


def resolved(document, part):
    while "$ref" in part:
        found = document
        for step in part["$ref"].lstrip("#/").split("/"):
            found = found[step]
        part = found
    return part


def good_value(document, name, schema):
    """Something that the operation accepts for a member, so that the others are looked at as well."""
    schema = resolved(document, schema)
    for source in (schema.get("examples"), schema.get("enum")):
        if source:
            return source[0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if name == "email":
        return "hostile@example.com"
    if "password" in name:
        return "correct horse battery"
    if kind == "array":
        return ["tunnels:read"]
    return {"string": "abc", "integer": 1, "number": 1, "boolean": False, "object": {}}.get(kind, "abc")


def operations(edge):
    document = edge.call("GET", "/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in ("parameters", "summary", "description"):
                continue
            parameters = [resolved(document, p) for p in operation.get("parameters", []) + methods.get("parameters", [])]
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            schema = resolved(document, content.get("schema", {}))
            example = dict(content.get("example") or {})
            for name, member in schema.get("properties", {}).items():
                example.setdefault(name, good_value(document, name, member))
            yield method.upper(), path, parameters, example


def judged(what, status, content):
    assert 200 <= status < 500 or status in (501, 505), (what, status, content[:300])
    assert b"/tmp/" not in content and b"sqlite" not in content.lower() and b"nlohmann" not in content, (what, content[:300])
    if content.startswith(b"{"):
        json.loads(content.decode("utf-8"))


def is_odd(text):
    return any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in "\u200b\u202e\u2066\ufeff" for c in text)


def check_what_is_stored(database, sizes):
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        db.text_factory = bytes
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == b"ok"
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        tables = [name.decode() for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        assert {"users", "api_keys", "audit"} <= set(tables)
        for table in tables:
            columns = [row[1].decode() for row in db.execute(f"PRAGMA table_info({table})") if row[2] == b"TEXT"]
            for column in columns:
                for (value,) in db.execute(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"):
                    text = value.decode("utf-8")
                    assert not is_odd(text), (table, column, text)
                    assert len(value) <= sizes.get(table, 1100), (table, column, len(value))
    db.close()


@pytest.fixture(scope="module")
def hostile_edge(edge):
    """An edge after the whole list was sent to it; how many answers of which kind."""
    caller = Caller(edge)
    account = edge.register()
    counts = {}
    sent = [0]

    def send(what, method, path, body=None, fields=(), key=account.key):
        if sent[0] % 500 == 0 and edge.call("GET", "/v1/auth/user", key=account.key).status != 200:
            raise AssertionError(f"the key does not work any more before {what}")
        sent[0] += 1
        auth = [("Authorization", f"Bearer {key}")] if key else []
        status, content = caller.send(method, path, body, [*auth, *fields])
        judged(what, status, content)
        counts[status] = counts.get(status, 0) + 1
        return status

    listed = list(operations(edge))
    for method, path, parameters, example in listed:
        if path.endswith("/auth/logout"):
            continue  # would end the key; it takes nothing
        target = "/v1" + re.sub(r"\{\w+\}", "none", path)
        for name in example:
            for what, value in VALUES.items():
                body = json.dumps({**example, name: value}).encode()
                send((method, path, name, what), method, target, body)
        if example:
            for body in BODIES:
                send((method, path, "body", body[:30]), method, target, body)
        for parameter in parameters:
            for what, value in TEXTS.items():
                if len(value) > 8000:
                    continue
                quoted = urllib.parse.quote(value, safe="")
                if parameter["in"] == "path":
                    send((method, path, parameter["name"], what), method, "/v1" + re.sub(r"\{\w+\}", quoted or "%00", path))
                elif parameter["in"] == "query":
                    send((method, path, parameter["name"], what), method, f"{target}?{parameter['name']}={quoted}")
    for name in ("Authorization", "X-API-Key", "Content-Type", "Accept", "Origin", "Forwarded", "X-Forwarded-For", "X-Request-Id"):
        for what, value in TEXTS.items():
            raw = ("Bearer " if name == "Authorization" else "").encode() + value.encode("utf-8").replace(b"\r", b"").replace(b"\n", b"")
            if len(raw) < 6000 and b"\0" not in raw:
                send((name, what), "GET", "/v1/auth/user", None, [(name, raw)], key=None if name in ("Authorization", "X-API-Key") else account.key)
    caller.close()
    return edge, counts, account, listed


def test_hostile_values_are_refused_and_never_break_anything(hostile_edge):
    edge, counts, account, listed = hostile_edge
    assert edge.process.running()
    assert sum(counts.values()) > 500, counts
    assert counts.get(400, 0) > 100 and counts.get(422, 0) > 50, counts
    assert edge.call("GET", "/v1/auth/user", key=account.key).status == 200
    assert len(listed) >= 13


def test_nothing_odd_is_stored_by_hostile_values(hostile_edge, new_cli):
    edge = hostile_edge[0]
    check_what_is_stored(edge.data / "instatunnel.db", {"schema_migrations": 200, "audit": 4000})
    done = new_cli().run("admin", "audit", "verify", "--data", edge.data)
    assert done.returncode == 0, done


def test_no_log_line_is_forged_by_hostile_values(hostile_edge):
    edge = hostile_edge[0]
    for line in edge.process.stderr.splitlines():
        assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z \w+ [\w.]+", line), line
        assert not is_odd(line), repr(line)
