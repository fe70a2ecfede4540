"""Calls of an API that its OpenAPI description allows, and calls that it does not: what a caller could get wrong, one thing at a time."""

import copy
import json
import secrets
import urllib.parse

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"]

HOSTILE = [
    "", " ", "\t", "\0", "a\0b", "\r\nSet-Cookie: a=b", "\u202e\u200b", "\ufeff", "é" * 60, "💥" * 40, "ﬁ", "K", "../../etc/passwd", "..", ".", "%", "%00", "%2e%2e%2f",
    "' OR 1=1 --", "\"; DROP TABLE keys; --", "<script>alert(1)</script>", "${jndi:ldap://x}", "$(id)", "`id`", "{{7*7}}", "%s%n%x", "null", "true", "0", "-1",
    "NaN", "1e999", "9" * 400, "a" * 254, "a" * 255, "a" * 256, "a" * 4096, "a" * 4097, "a@b", "@", "a@" + "b" * 250, "\"a b\"@example.com", "a@[127.0.0.1]",
    "xn--", "xn--a", "-a", "a-", "a.b", "A", "api", "2030-13-45T99:99:99Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:60Z", "2030-01-01T00:00:00+14:00", "9999-12-31T23:59:59-23:59",
    "*", "*:*", "tunnels:", ":read", "tunnels:*:*", "it_", "it_" + "a" * 16, "key_" + "a" * 16, "tun_" + "a" * 16,
]
WRONG_TYPES = [0, -1, 1.5, 1e308, 2 ** 63, -2 ** 63, 2 ** 64, 10 ** 30, True, False, [], {}, [[]], [None], [1], ["a", 1], {"a": {"b": []}}, "text"]

# Whole bodies that are no object as JSON knows it.
NO_OBJECTS = [
    b"", b" ", b"{", b"}", b"[]", b"null", b"true", b"42", b"\"text\"", b"{}{}", b"{} x", b"{'a': 1}", b"{\"a\": 1,}", b"{\"a\"}", b"{\"a\": NaN}", b"{\"a\": 1e999}",
    b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"{\"email\": \"\xff\xfe\"}", b"{\"\xc0\x80\": 1}", b"{\"name\": \"\\ud800\"}", b"{\"name\": \"\\u0000\"}",
    b"[" * 20, b"[" * 60000, b"{\"a\":" * 16 + b"1" + b"}" * 16, b"{\"a\":" * 17 + b"1" + b"}" * 17, b"{\"a\":" * 9000, b"{\"a\": \"" + b"x" * 65000 + b"\"}",
    b"{\"a\": \"" + b"x" * 70000 + b"\"}", b"{\"a\": \"" + b"x" * 300000 + b"\"}", b"{" + b",".join(b"\"m%d\":1" % n for n in range(5000)) + b"}",
    b"{\"name\": \"a\", \"name\": \"b\"}", b"email=a%40example.com&password=correct+horse", b"<a/>", b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n",
]
CONTENT_TYPES = [None, "", "application/json", "application/json; charset=utf-16", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/xml",
                 "text/plain", "application/octet-stream", "APPLICATION/JSON", "json", "a/b; c=\"d", "application/json, text/html", "*/*", "é"]
ACCEPTS = [None, "*/*", "application/json", "text/html", "text/html;q=0.9, application/json", "image/png", "application/json;q=0", ";;;,,,/", "a" * 4000]


# Stands for a key that may do everything, which is known when the call is made.
GOOD_KEY = "{the key}"


class Call:
    """One request. `expect`: "refusal" (4xx) or None (whatever is described)."""

    def __init__(self, method, target, fields=(), body=None, expect=None, why="", chunked=False):
        self.method, self.target, self.fields, self.body = method, target, list(fields), body
        self.expect, self.why, self.chunked = expect, why, chunked

    def has_good_key(self):
        return any(GOOD_KEY in value for _, value in self.fields)

    def bytes(self, host, key=GOOD_KEY):
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}"] + [f"{name}: {value.replace(GOOD_KEY, key)}" for name, value in self.fields]
        body = self.body or b""
        if self.chunked:
            lines.append("Transfer-Encoding: chunked")
            parts = [body[at:at + 1000] for at in range(0, len(body), 1000)]
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        elif self.body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8") + body

    def __repr__(self):
        return f"{self.why}: {self.bytes('HOST')[:1500]!r}"


class Cases:
    """Makes calls of one operation. `world` knows keys and what exists: account, key, other_key, key_without(scope), find(example)."""

    def __init__(self, description, world, dice):
        self._description, self._world, self._dice = description, world, dice

    # --- parts ---

    def body_of(self, operation, known=None):
        """An example of the request, None if no body is read. Names and addresses are new ones; with `known`, email and password are the account's."""
        if "requestBody" not in operation:
            return None
        body = self._fresh(copy.deepcopy(operation["requestBody"]["content"]["application/json"]["example"]))
        account = self._world.account
        if known or (known is None and self._dice.random() < 0.3):
            body.update({name: value for name, value in (("email", account.email), ("password", account.password)) if name in body})
        return body

    def _fresh(self, value, name=None):
        if isinstance(value, dict):
            return {key: self._fresh(item, key) for key, item in value.items()}
        if isinstance(value, str) and "@" in value:
            return f"g-{secrets.token_hex(8)}@example.com"
        if name in ("name", "subdomain"):
            return "g-" + secrets.token_hex(6)
        return value

    def target(self, path, operation, values=None, query=None):
        """The path with its parameters: `values` by name as they are, else of something that exists."""
        for given in operation.get("parameters", []):
            parameter = self._description.resolve(given)
            if parameter["in"] == "path":
                value = (values or {}).get(parameter["name"])
                if value is None:
                    value = urllib.parse.quote(self._world.find(parameter["example"]), safe="")
                path = path.replace("{" + parameter["name"] + "}", value)
        return self._dice.choice(["/v1", "/v1", ""]) + path + (("?" + query) if query is not None else "")

    def key_fields(self, key):
        return [self._dice.choice([("Authorization", f"Bearer {key}"), ("X-API-Key", key), ("authorization", f"bearer  {key}")])]

    def good_fields(self, operation):
        return self.key_fields(GOOD_KEY) if operation["security"] else []

    def _call(self, method, path, operation, why, **parts):
        body = parts.pop("body", self.body_of(operation))
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=self._dice.random() < 0.5).encode("utf-8", "surrogatepass")
        fields = parts.pop("fields", self.good_fields(operation))
        target = parts.pop("target", None) or self.target(path, operation)
        typed = parts.pop("typed", True)
        if body is not None and typed:
            fields = fields + [("Content-Type", "application/json")]
        return Call(method, target, fields, body, why=why, chunked=self._dice.random() < 0.1 and body is not None, **parts)

    # --- calls ---

    def plain(self, method, path, operation, known=None):
        """As the description shows it."""
        return self._call(method, path, operation, "as described", body=self.body_of(operation, known))

    def all(self, method, path, operation):
        """Every kind of call of this operation."""
        yield self.plain(method, path, operation)
        yield from self._with_other_keys(method, path, operation)
        yield from self._with_other_heads(method, path, operation)
        yield from self._with_other_targets(method, path, operation)
        yield from self._with_other_bodies(method, path, operation)

    def _with_other_keys(self, method, path, operation):
        world, needs_key = self._world, bool(operation["security"])
        refusal = "refusal" if needs_key else None
        strangers = ["it_" + "x" * 16, "it_", "nonsense", "", "it_" + "a" * 5000, "it_\x7f", "it_é", "Bearer", world.key[:-1], world.key + "x", world.key.upper()]
        for key in [None, *strangers]:
            fields = [] if key is None else self.key_fields(key)
            may_lack = not key and {} in operation["security"]
            yield self._call(method, path, operation, f"key {str(key)[:30]!r}", fields=fields, expect=None if may_lack else refusal)
        for scheme in ("Basic", "Digest", "Token", "Bearer:", "bearer\t"):
            yield self._call(method, path, operation, f"scheme {scheme}", fields=[("Authorization", f"{scheme} {GOOD_KEY}")])
        both = [("Authorization", f"Bearer {GOOD_KEY}"), ("X-API-Key", GOOD_KEY)]
        yield self._call(method, path, operation, "both fields", fields=both)
        yield self._call(method, path, operation, "two keys", fields=[both[0], ("X-API-Key", world.other_key)])
        yield self._call(method, path, operation, "a good and a bad key", fields=[both[0], ("X-API-Key", "it_" + "x" * 16)])
        yield self._call(method, path, operation, "the same field twice", fields=[both[0], both[0]])
        scope = operation.get("x-required-scope")
        if scope:
            yield self._call(method, path, operation, "a key without the scope", fields=self.key_fields(world.key_without(scope)), expect="refusal")

    def _with_other_heads(self, method, path, operation):
        described = {m.lower() for m in METHODS if self._description.find(m, self.target(path, operation))}
        for other in METHODS:
            fits = other.lower() in described and other != "get"
            if other != method and not (other == "HEAD" and fits):
                yield self._call(other, path, operation, "another method", expect=None if fits or other == "OPTIONS" else "refusal")
        for kind in CONTENT_TYPES:
            fields = self.good_fields(operation) + ([] if kind is None else [("Content-Type", kind)])
            yield self._call(method, path, operation, f"content type {kind!r}", fields=fields, typed=False)
        for accept in ACCEPTS:
            fields = self.good_fields(operation) + ([] if accept is None else [("Accept", accept)])
            yield self._call(method, path, operation, "accept", fields=fields)
        for name, value in [("X-Forwarded-For", "1.2.3.4"), ("Origin", "https://evil.example"), ("Origin", "null"), ("Expect", "200-maybe"), ("Range", "bytes=0-1"),
                            ("If-None-Match", "*"), ("Content-Encoding", "gzip"), ("X-HTTP-Method-Override", "DELETE"), ("Cookie", "a=b"), ("X" * 300, "y"),
                            ("Upgrade", "websocket"), ("X-Long", "y" * 15000), ("X-Longer", "y" * 70000)]:
            yield self._call(method, path, operation, f"field {name[:30]}", fields=self.good_fields(operation) + [(name, value)])

    def _with_other_targets(self, method, path, operation):
        names = [p["name"] for p in map(self._description.resolve, operation.get("parameters", [])) if p["in"] == "path"]
        for value in HOSTILE:
            for name in names:
                target = self.target(path, operation, {name: urllib.parse.quote(value, safe="", errors="surrogatepass")})
                # An empty value makes it the path of another operation.
                yield self._call(method, path, operation, "hostile parameter", target=target)
            yield self._call(method, path, operation, "hostile query", target=self.target(path, operation, query=urllib.parse.quote(value, safe="=&")))
        for given in map(self._description.resolve, operation.get("parameters", [])):
            for value in HOSTILE if given["in"] == "query" else []:
                query = f"{given['name']}={urllib.parse.quote(value, safe='')}"
                yield self._call(method, path, operation, f"hostile {given['name']}", target=self.target(path, operation, query=query))
        for raw in ("%ff", "%", "%zz", "a%2fb", "..%2f", "%00", "a;b", "a,b", "~", "a" * 300, "a" * 17000):
            for name in names:
                yield self._call(method, path, operation, "raw parameter", target=self.target(path, operation, {name: raw}))
        known = self.target(path, operation)
        for target in (known + "/", "/" + known, known.replace("/", "//"), known.upper(), "/v1" + known, known + "/x", known + "%20", known + "#a", known + "?", known + "??a=b&&=",
                       "/v2" + known, known.replace("/", "/./", 1), "/x/.." + known, known + "?" + "a=b&" * 3000):
            yield self._call(method, path, operation, "path in another form", target=target)

    def _with_other_bodies(self, method, path, operation):
        for body in NO_OBJECTS:
            yield self._call(method, path, operation, "no object", body=body)
        example = self.body_of(operation)
        if example is None:
            return
        schema = self._description.resolve(operation["requestBody"]["content"]["application/json"]["schema"])
        required = schema.get("required", [])
        yield self._call(method, path, operation, "no body", body=b"", expect="refusal" if required else None)
        for member in schema["properties"]:
            yield self._call(method, path, operation, f"without {member}", body={k: v for k, v in self.body_of(operation).items() if k != member})
            yield self._call(method, path, operation, f"null for {member}", body={**self.body_of(operation), member: None})
            kinds = self._description.resolve(schema["properties"][member]).get("type", [])
            for value in WRONG_TYPES:
                wrong = not isinstance(value, str) and kinds in ("string", ["string", "null"])
                yield self._call(method, path, operation, f"another type for {member}", body={**self.body_of(operation), member: value},
                                 expect="refusal" if wrong else None)
            for value in HOSTILE + [HOSTILE[:3], HOSTILE, ["tunnels:read"] * 65, ["a" * 5000]]:
                yield self._call(method, path, operation, f"hostile {member}", body={**self.body_of(operation), member: value})
        yield self._call(method, path, operation, "members nobody knows", body={**self.body_of(operation), **{f"x{n}": n for n in range(500)}, "__proto__": {}})
