"""The HTTP API, called with curl."""

import email.utils
import re
import statistics
import threading
import time

import pytest

RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


def check_error(reply, status, code=None, field=None):
    """Every error has the promised three keys and fits its status."""
    assert reply.status == status, reply
    body = reply.json()
    expected = code or (5000 + status % 100 if status >= 500 else 4000 + status % 100)
    assert isinstance(body["error"], str) and body["message"] and body["code"] == expected, body
    assert reply.header("Content-Type").startswith("application/json")
    if field:
        assert body["field"] == field, body


def test_health_and_meta_need_no_key(edge):
    assert edge.call("GET", "/v1/health").status == 200
    meta = edge.call("GET", "/v1/meta")
    assert meta.status == 200
    assert re.match(r"\d+\.\d+\.\d+", meta.json()["version"]) and meta.json()["domain"] == "localhost" and "v2" in meta.json()["transports"]


def test_paths_without_the_version_work_too(edge):
    assert edge.call("GET", "/health").status == 200
    assert edge.call("GET", "/auth/user", key=edge.owner.key).json()["email"] == edge.owner.email


def test_register_gives_a_key_that_works(edge):
    reply = edge.call("POST", "/v1/auth/register", {"email": "Fresh@Example.com", "password": "a long enough password"})
    assert reply.status == 201
    body = reply.json()
    assert re.fullmatch(r"it_[A-Za-z0-9]{16}", body["api_key"]) and body["email"].lower() == "fresh@example.com" and body["plan"]
    assert edge.call("GET", "/v1/auth/user", key=body["api_key"]).status == 200
    again = edge.call("POST", "/v1/auth/register", {"email": "fresh@example.com", "password": "another password 1"})
    check_error(again, 409)


@pytest.mark.parametrize("body, field", [
    ({"password": "long enough password"}, "email"), ({"email": "no-at-sign", "password": "long enough password"}, "email"),
    ({"email": "a@example.com"}, "password"), ({"email": "a@example.com", "password": "x"}, "password"),
    ({"email": 7, "password": "long enough password"}, "email"), ({"email": "a" * 300 + "@example.com", "password": "long enough password"}, "email"),
])
def test_register_names_the_field_that_is_wrong(edge, body, field):
    reply = edge.call("POST", "/v1/auth/register", body)
    assert reply.status in (400, 422)
    check_error(reply, reply.status, field=field)


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "\"text\"", "{\"email\": \"a@example.com\",}", "[" * 5000, "{\"email\": \"\\ud800\"}"])
def test_a_body_that_is_no_object_is_a_400(edge, body):
    reply = edge.call("POST", "/v1/auth/login", body)
    assert reply.status in (400, 422), reply
    check_error(reply, reply.status)


def test_login_answers_as_documented(edge):
    reply = edge.call("POST", "/v1/auth/login", {"email": edge.owner.email, "password": edge.owner.password})
    assert reply.status == 200
    body = reply.json()
    assert re.fullmatch(r"it_[A-Za-z0-9]{16}", body["api_key"])
    assert body["user"]["id"].startswith("user_") and body["user"]["email"] == edge.owner.email and "name" in body["user"]


def test_a_wrong_login_is_the_documented_401(edge):
    for email in (edge.owner.email, "nobody@example.com"):
        reply = edge.call("POST", "/v1/auth/login", {"email": email, "password": "wrong password"})
        check_error(reply, 401, 4001)
        assert reply.json()["message"] == "Wrong email or password"


def test_without_a_key_the_answer_is_as_documented(edge):
    for key in (None, "it_doesnotexist00xyz", "nonsense"):
        reply = edge.call("GET", "/v1/auth/user", key=key)
        assert reply.status == 401
        assert reply.json().items() >= {"error": "unauthorized", "message": "Invalid or missing API key", "code": 4001}.items()


def test_a_missing_scope_is_as_documented(edge):
    made = edge.call("POST", "/v1/auth/keys", {"name": "reader", "permissions": ["tunnels:read"]}, edge.owner.key).json()
    reply = edge.call("POST", "/v1/tunnels", {"subdomain": "nope"}, made["key"])
    assert reply.status == 403
    assert reply.json().items() >= {"error": "forbidden", "message": "Insufficient permissions for this operation",
                                    "required_scope": "tunnels:write", "code": 4003}.items()


def test_the_key_may_come_in_x_api_key(edge):
    reply = edge.call("GET", "/v1/auth/user", None, None, "-H", f"X-API-Key: {edge.owner.key}")
    assert reply.status == 200


def test_user_has_the_documented_fields(edge):
    body = edge.call("GET", "/v1/auth/user", key=edge.owner.key).json()
    assert body["id"].startswith("user_") and body["email"] == edge.owner.email and "name" in body and body["plan"]
    assert re.fullmatch(RFC3339, body["created_at"])
    usage = body["usage"]
    assert list(usage)[:3] == ["tunnels_created", "data_transferred", "requests_served"]
    assert usage["bytes_transferred"] == usage["bytes_in"] + usage["bytes_out"] and usage["tunnels_online"] >= 0
    assert isinstance(body["usage"]["requests_served"], int) and re.fullmatch(r"[\d.]+ [KMGT]?B", body["usage"]["data_transferred"])
    assert body["permissions"] and body["key"]["id"].startswith("key_") and "expires_at" in body["key"]
    assert edge.owner.key not in str(body)


def test_keys_are_made_listed_and_revoked(edge):
    owner = edge.register()
    made = edge.call("POST", "/v1/auth/keys", {"name": "ci", "permissions": ["tunnels:*", "analytics:read"]}, owner.key)
    assert made.status == 201
    body = made.json()
    assert re.fullmatch(r"it_[A-Za-z0-9]{16}", body["key"]) and body["id"].startswith("key_") and body["permissions"] == ["tunnels:*", "analytics:read"]
    assert re.fullmatch(RFC3339, body["created_at"]) and body["expires_at"] is None and body["name"] == "ci"
    listing = edge.call("GET", "/v1/auth/keys", key=owner.key)
    row = [k for k in listing.json()["keys"] if k["id"] == body["id"]][0]
    assert row["key"] == "it_***..." + body["key"][-3:] and row["last_used"] is None and body["key"] not in listing.text
    assert edge.call("GET", "/v1/auth/user", key=body["key"]).status == 200
    assert edge.call("DELETE", f"/v1/auth/keys/{body['id']}", key=owner.key).status == 204
    assert edge.call("GET", "/v1/auth/user", key=body["key"]).status == 401
    check_error(edge.call("DELETE", f"/v1/auth/keys/{body['id']}", key=owner.key), 404)


def test_last_used_is_set_by_use(edge):
    owner = edge.register()
    made = edge.call("POST", "/v1/auth/keys", {"name": "u", "permissions": ["tunnels:read"]}, owner.key).json()
    edge.call("GET", "/v1/auth/user", key=made["key"])
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        row = [k for k in edge.call("GET", "/v1/auth/keys", key=owner.key).json()["keys"] if k["id"] == made["id"]][0]
        if row["last_used"]:
            break
        time.sleep(0.2)
    assert re.fullmatch(RFC3339, row["last_used"] or "")


def test_a_key_cannot_give_more_than_it_has(edge):
    owner = edge.register()
    manager = edge.call("POST", "/v1/auth/keys", {"name": "m", "permissions": ["keys:manage"]}, owner.key).json()
    reply = edge.call("POST", "/v1/auth/keys", {"name": "more", "permissions": ["tunnels:write"]}, manager["key"])
    assert reply.status == 403, reply


@pytest.mark.parametrize("body, field", [
    ({"permissions": ["tunnels:read"]}, "name"), ({"name": "n"}, "permissions"), ({"name": "n", "permissions": []}, "permissions"),
    ({"name": "n", "permissions": ["no:such"]}, "permissions"), ({"name": "n", "permissions": "tunnels:read"}, "permissions"),
    ({"name": "n", "permissions": ["tunnels:read"], "expires_at": "yesterday"}, "expires_at"),
    ({"name": "n", "permissions": ["tunnels:read"], "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
])
def test_bad_key_requests_name_the_field(edge, body, field):
    reply = edge.call("POST", "/v1/auth/keys", body, edge.owner.key)
    assert reply.status in (400, 422), reply
    check_error(reply, reply.status, field=field)


def test_an_expired_key_is_refused(edge):
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    made = edge.call("POST", "/v1/auth/keys", {"name": "soon", "permissions": ["tunnels:read"], "expires_at": soon}, edge.owner.key)
    assert made.status == 201, made
    assert edge.call("GET", "/v1/auth/user", key=made.json()["key"]).status == 200
    time.sleep(3.2)
    assert edge.call("GET", "/v1/auth/user", key=made.json()["key"]).status == 401


def test_keys_of_others_are_out_of_reach(edge):
    one, two = edge.register(), edge.register()
    made = edge.call("POST", "/v1/auth/keys", {"name": "x", "permissions": ["tunnels:read"]}, one.key).json()
    check_error(edge.call("DELETE", f"/v1/auth/keys/{made['id']}", key=two.key), 404)
    assert edge.call("GET", "/v1/auth/user", key=made["key"]).status == 200


def test_logout_ends_the_key_that_was_used(edge):
    owner = edge.register()
    assert edge.call("POST", "/v1/auth/logout", key=owner.key).status in (200, 204)
    assert edge.call("GET", "/v1/auth/user", key=owner.key).status == 401


def test_tunnels_are_made_listed_shown_and_deleted(edge):
    owner = edge.register()
    made = edge.call("POST", "/v1/tunnels", {"subdomain": "by-api"}, owner.key)
    assert made.status == 201, made
    tunnel = made.json()
    assert tunnel["id"].startswith("tun_") and tunnel["url"] == edge.url("by-api", "") and tunnel["subdomain"] == "by-api"
    assert [t["id"] for t in edge.call("GET", "/v1/tunnels", key=owner.key).json()["tunnels"]] == [tunnel["id"]]
    assert edge.call("GET", f"/v1/tunnels/{tunnel['id']}", key=owner.key).json()["subdomain"] == "by-api"
    other = edge.register()
    check_error(edge.call("GET", f"/v1/tunnels/{tunnel['id']}", key=other.key), 404)
    check_error(edge.call("DELETE", f"/v1/tunnels/{tunnel['id']}", key=other.key), 404)
    taken = edge.call("POST", "/v1/tunnels", {"subdomain": "by-api"}, other.key)
    check_error(taken, 409)
    assert "subdomain already taken" in taken.json()["message"]
    assert edge.call("DELETE", f"/v1/tunnels/{tunnel['id']}", key=owner.key).status == 204
    check_error(edge.call("GET", f"/v1/tunnels/{tunnel['id']}", key=owner.key), 404)


@pytest.mark.parametrize("name", ["api", "www", "admin", "-a", "a_b", "a.b", "x" * 64, "", 7])
def test_bad_tunnel_names_are_refused(edge, name):
    reply = edge.call("POST", "/v1/tunnels", {"subdomain": name}, edge.owner.key)
    assert reply.status in (400, 409, 422), reply
    check_error(reply, reply.status)
    if reply.status != 409:
        assert reply.json()["field"] == "subdomain"


@pytest.mark.parametrize("method, path", [("GET", "/v1/no-such-route"), ("GET", "/"), ("GET", "/v1/tunnels/tun_nothing"), ("GET", "/v2/auth/user"),
                                          ("GET", "/v1/../v1/auth/keyz"), ("DELETE", "/v1/auth/keys/' OR 1=1")])
def test_what_does_not_exist_is_a_404(edge, method, path):
    check_error(edge.call(method, path.replace(" ", "%20"), None, edge.owner.key, "--path-as-is"), 404)


def test_a_method_that_a_route_does_not_have_is_a_405(edge):
    reply = edge.call("PUT", "/v1/auth/keys", {}, edge.owner.key)
    assert reply.status in (404, 405)
    check_error(reply, reply.status)


def test_a_body_beyond_the_limit_is_a_413(edge, folder):
    (folder / "big").write_bytes(b"{\"email\": \"" + b"a" * 5_000_000 + b"\"}")
    reply = edge.call("POST", "/v1/auth/login", None, None, "-H", "Content-Type: application/json", "--data-binary", f"@{folder}/big")
    check_error(reply, 413)


def test_api_answers_are_never_cached_and_carry_no_cors(edge):
    reply = edge.call("GET", "/v1/auth/user", key=edge.owner.key)
    assert "no-store" in (reply.header("Cache-Control") or "")
    assert reply.header("Access-Control-Allow-Origin") is None


def test_api_answers_say_what_time_it_is(edge):
    for reply in (edge.call("GET", "/v1/health"), edge.call("GET", "/v1/auth/user"), edge.call("GET", "/v1/nothing")):
        date = reply.header("Date")
        # The form that RFC 9110 asks for, and the same moment read and written again.
        assert email.utils.formatdate(email.utils.parsedate_to_datetime(date).timestamp(), usegmt=True) == date


def test_guessing_passwords_is_limited(new_edge):
    edge = new_edge().start()
    replies = [edge.call("POST", "/v1/auth/login", {"email": edge.owner.email, "password": f"guess {n}"}) for n in range(30)]
    limited = [r for r in replies if r.status == 429]
    assert limited, [r.status for r in replies]
    body = limited[0].json()
    assert body["error"] == "rate_limited" and body["code"] == 4029 and body["retry_after"] >= 1
    assert limited[0].header("Retry-After") == str(body["retry_after"])
    assert body["message"] == "API rate limit exceeded"
    assert edge.call("GET", "/v1/auth/user", key=edge.owner.key).status == 200, "a guesser locks nobody out of their keys"


def test_a_wrong_login_takes_the_same_time_whether_the_account_exists(new_edge):
    known, unknown = [], []
    for _ in range(2):
        edge = new_edge().start()
        for turn in range(4):
            for email, times in ((edge.owner.email, known), (f"nobody{turn}@example.com", unknown)):
                start = time.monotonic()
                reply = edge.call("POST", "/v1/auth/login", {"email": email, "password": "wrong password"})
                if reply.status == 401:
                    times.append(time.monotonic() - start)
        edge.process.kill()
    assert len(known) >= 3 and len(unknown) >= 3
    ratio = statistics.median(known) / statistics.median(unknown)
    assert 0.6 < ratio < 1.7, (known, unknown)


def test_the_api_answers_while_passwords_are_hashed(new_edge):
    edge = new_edge().start()
    threads = [threading.Thread(target=edge.register) for _ in range(4)]
    for thread in threads:
        thread.start()
    slowest = 0.0
    for _ in range(10):
        start = time.monotonic()
        assert edge.call("GET", "/v1/health").status == 200
        slowest = max(slowest, time.monotonic() - start)
    for thread in threads:
        thread.join()
    assert slowest < 1.0, slowest
