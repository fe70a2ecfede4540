"""The API's description: valid, true of what the edge answers, with examples that fit; npm's prism agrees."""

import json
import subprocess
import urllib.error
import urllib.request

import pytest
from api_description import ApiDescription, Undescribed, description_of
from jsonschema import Draft202012Validator
from npm_tools import Prism, npm_program
from visitor import Reply


@pytest.fixture(scope="module")
def document(edge):
    return edge.call("GET", "/v1/openapi.json").json()


def test_the_edge_describes_itself_to_anybody(edge, document):
    assert document["openapi"].startswith("3.1.") and document["info"]["version"] == edge.call("GET", "/v1/meta").json()["version"]
    assert document["servers"][0]["url"] == edge.api + "/v1"
    assert edge.call("GET", "/openapi.json").json() == document
    printed = description_of(edge.binary).document
    assert {**printed, "servers": []} == {**document, "servers": []}


def test_the_description_is_valid_openapi(document, folder):
    (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    done = subprocess.run([npm_program("validate-api"), folder / "openapi.json"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and json.loads(done.stdout)["valid"], done.stdout + done.stderr


def test_every_schema_is_one_and_every_example_fits_its_schema(document):
    description = ApiDescription(document)
    checked = 0

    def look(value):
        nonlocal checked
        if isinstance(value, dict):
            examples = value.get("examples", []) if "type" in value else []
            for example in examples:
                assert not description.schema_errors(value, example), (value, example)
            if "schema" in value and "example" in value:
                assert not description.schema_errors(value["schema"], value["example"]), value
            checked += len(examples) + ("schema" in value and "example" in value)
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            look(part)

    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    look(document)
    assert checked > len(document["paths"])


def test_scopes_and_keys_are_described_as_they_are_enforced(edge, document):
    for method, path, operation in ApiDescription(document).operations():
        target = "/v1" + path.replace("{id}", "nothing")
        if operation["security"]:
            assert edge.call(method, target).status == 401
        scope = operation.get("x-required-scope")
        if scope:
            others = [s for s in document["components"]["schemas"]["Permission"]["enum"] if "*" not in s and s != scope]
            narrow = edge.call("POST", "/v1/auth/keys", {"name": "narrow", "permissions": others}, edge.owner.key).json()["key"]
            refused = edge.call(method, target, None, narrow)
            assert refused.status == 403 and refused.json()["required_scope"] == scope


@pytest.mark.parametrize("status, body, fields, problem", [
    (200, {"status": "ok"}, {}, None),
    (200, {"status": "ok", "more": 1}, {}, "more"),
    (200, {}, {}, "status"),
    (200, {"status": 7}, {}, "status"),
    (202, {"status": "ok"}, {}, "202"),
    (200, {"status": "ok"}, {"Content-Type": "text/plain"}, "text/plain"),
    (200, {"status": "ok"}, {"X-Request-Id": None}, "X-Request-Id"),
    (200, {"status": "ok"}, {"Cache-Control": "public"}, "Cache-Control"),
    (429, {"error": "rate_limited", "message": "m", "code": 4029, "request_id": "r", "retry_after": 1}, {}, "Retry-After"),
    (503, {"error": "internal", "message": "m", "code": 5003, "request_id": "r"}, {}, "internal"),
])
def test_answers_that_are_not_described_are_noticed(edge, status, body, fields, problem):
    good = edge.call("GET", "/v1/health")
    given = {**dict(good.headers), **fields}
    reply = Reply(status, [(n, v) for n, v in given.items() if v is not None], json.dumps(body).encode())
    if problem is None:
        description_of(edge.binary).check("GET", "/v1/health", reply)
    else:
        with pytest.raises(Undescribed, match=problem):
            description_of(edge.binary).check("GET", "/v1/health", reply)


@pytest.fixture
def new_prism(edge, folder):
    """Starts prism in front of the edge, with a description."""
    started = []

    def start(described):
        path = folder / f"openapi{len(started)}.json"
        path.write_text(json.dumps(described), encoding="utf-8")
        started.append(Prism(edge, path, folder))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def through(prism, method, path, key=None, body=None):
    """(status, body) of a call that prism passes on."""
    request = urllib.request.Request(f"http://127.0.0.1:{prism.port}{path}", method=method, data=None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_prism_finds_no_answer_that_is_not_described(edge, document, new_prism):
    account, prism = edge.register(), new_prism(document)
    made = 0
    for method, path, operation in ApiDescription(document).operations():
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        # Prism itself refuses calls without a key where the description asks for one.
        for key in ("it_" + "x" * 16, account.key):
            for sent in (body, None if body is None else {**body, next(iter(body)): 7}):
                if "logout" in path and key == account.key:
                    key = edge.register().key
                status, answer = through(prism, method, path.replace("{id}", "tun_aaaaaaaaaaaaaaaa"), key, sent)
                assert status < 500 and "stoplight.io" not in answer, (method, path, status, answer)
                made += 1
    assert made >= 4 * len(document["paths"])


def test_prism_would_find_one(document, new_prism):
    document = json.loads(json.dumps(document))
    document["components"]["schemas"]["Health"]["required"] = ["heartbeat"]
    status, answer = through(new_prism(document), "GET", "/health")
    assert status == 500 and "stoplight.io/prism/errors#VIOLATIONS" in answer
