"""The program's OpenAPI description of its API, and whether an answer is one that it describes."""

import copy
import functools
import json
import re
import subprocess

from jsonschema import Draft202012Validator, RefResolver

# What the edge may answer by itself has the fields of the edge, not those of an answer of the API.
PREFLIGHT = {"OPTIONS"}


class Undescribed(AssertionError):
    """An answer that the description does not allow."""


def _close(schema):
    """Members that are not described count as wrong from here on: clients may ignore them, we may not add them in silence."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            _close(part)
    elif isinstance(schema, list):
        for part in schema:
            _close(part)


class ApiDescription:
    """`document` is what GET /v1/openapi.json answers."""

    def __init__(self, document):
        self.document = document
        self._strict = copy.deepcopy(document)
        for name, schema in self._strict["components"]["schemas"].items():
            if name != "Description":
                _close(schema)
        self._resolver = RefResolver.from_schema(self._strict)
        self._paths = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", re.escape(path).replace(r"\{", "{").replace(r"\}", "}"))), path)
                       for path in document["paths"]]

    def resolve(self, part):
        """What `part` stands for, if it is a reference."""
        return self._resolver.resolve(part["$ref"])[1] if "$ref" in part else part

    def operations(self):
        """(method, path, operation) of all."""
        for path, methods in self._strict["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def schema_errors(self, schema, value):
        return [f"{'.'.join(map(str, e.absolute_path)) or 'the whole'}: {e.message}"
                for e in Draft202012Validator(schema, resolver=self._resolver).iter_errors(value)]

    def find(self, method, target):
        """The operation that `target` (path and query) calls, or None."""
        path = target.partition("?")[0]
        path = path[3:] if path.startswith("/v1/") else path
        methods = next((self._strict["paths"][known] for pattern, known in self._paths if known == path),
                       None) or next((self._strict["paths"][known] for pattern, known in self._paths if pattern.fullmatch(path)), {})
        return methods.get("get" if method == "HEAD" else method.lower() if method.isupper() else None)

    def _answers_to(self, method, target):
        operation = self.find(method, target)
        if operation:
            return operation["responses"]
        # What is no operation is refused, and never in a way of its own.
        known = self._strict["components"]["responses"]
        return {status: known[status] for status in ("400", "404", "405", "408", "413", "414", "421", "429", "431", "500", "501", "503", "505")}

    def problems(self, method, target, reply):
        """What is wrong with an answer, as texts; `reply` has status, headers, body."""
        if method in PREFLIGHT and reply.status == 204:
            return []
        answers = self._answers_to(method, target)
        if str(reply.status) not in answers:
            return [f"status {reply.status} is not described"]
        answer = self.resolve(answers[str(reply.status)])
        from_edge = reply.header("X-Instatunnel-Error") is not None
        found = [] if from_edge else self._header_problems(answer, reply)
        if method == "HEAD" or "content" not in answer:
            return found + ([f"a body where none may be: {reply.body[:80]!r}"] if reply.body else [])
        media = (reply.header("Content-Type") or "").split(";")[0].strip()
        if media not in answer["content"]:
            return found + [f"the type {media!r} is not described"]
        if media != "application/json":
            return found
        try:
            value = json.loads(reply.body)
        except ValueError as error:
            return found + [f"no JSON: {error}"]
        return found + self.schema_errors(answer["content"][media]["schema"], value)

    def _header_problems(self, answer, reply):
        found = []
        for name, given in answer.get("headers", {}).items():
            header = self.resolve(given)
            value = reply.header(name)
            if value is None:
                if header.get("required"):
                    found.append(f"the field {name} is missing")
                continue
            if header["schema"].get("type") == "integer" and re.fullmatch(r"-?\d+", value):
                value = int(value)
            found += [f"{name}: {text}" for text in self.schema_errors(header["schema"], value)]
        return found

    def check(self, method, target, reply):
        """Raises Undescribed."""
        found = self.problems(method, target, reply)
        if found:
            raise Undescribed(f"{method} {target} answers what the description does not say: {'; '.join(found)}\n{reply}")


@functools.lru_cache
def description_of(binary):
    """As the program prints it: no edge need run."""
    printed = subprocess.run([binary, "help", "--api-json"], capture_output=True, check=True, timeout=20).stdout
    return ApiDescription(json.loads(printed))
