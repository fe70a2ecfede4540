"""Rate limits, the fields that tell them, CORS, and the log of refusals."""

import re

import pytest

RATE_FIELDS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy")
PAGE = "https://app.example.com"


@pytest.fixture(scope="module")
def strict(binary, tmp_path_factory):
    """An edge whose limits hold for this machine too."""
    from edge import Edge  # pylint: disable=import-outside-toplevel

    limits = {"calls-per-key": 5, "calls-per-account": 8, "calls-without-key": 30, "registrations": 12, "sign-ins": 3}
    flags = [part for name, value in limits.items() for part in ("--limit", f"{name}={value}")]
    running = Edge(binary, tmp_path_factory.mktemp("strict"), ("--dev", *flags, "--cors-origin", PAGE)).start()
    yield running
    running.stop(limit=5)


def test_every_answer_tells_the_tightest_limit(edge):
    for path, key in (("/v1/health", None), ("/v1/auth/user", edge.owner.key), ("/v1/auth/user", None), ("/nowhere", None)):
        reply = edge.call("GET", path, None, key)
        assert all(reply.header(name) is not None for name in RATE_FIELDS), reply
    assert edge.call("GET", "/v1/auth/user", None, edge.owner.key).header("RateLimit-Limit") == "600"


def test_a_key_is_refused_beyond_its_limit_and_told_when_to_come_again(strict):
    key = strict.register().key
    left = []
    for _ in range(5):
        reply = strict.call("GET", "/v1/auth/user", key=key)
        assert reply.status == 200
        left.append(int(reply.header("RateLimit-Remaining")))
    assert left == sorted(left, reverse=True) and left[-1] <= 1
    reply = strict.call("GET", "/v1/auth/user", key=key)
    assert reply.status == 429
    body = reply.json()
    assert (body["error"], body["message"], body["code"]) == ("rate_limited", "API rate limit exceeded", 4029)
    assert 1 <= body["retry_after"] <= 12 and reply.header("Retry-After") == str(body["retry_after"])
    assert reply.header("RateLimit-Policy") == '5;w=60;name="calls-per-key"' and reply.header("RateLimit-Remaining") == "0"


def test_the_keys_of_an_account_share_its_limit(strict):
    owner = strict.register()
    made = [strict.call("POST", "/v1/auth/keys", {"name": str(i), "permissions": ["tunnels:read"]}, owner.key).json()["key"] for i in range(3)]
    statuses = [strict.call("GET", "/v1/tunnels", key=key) for key in made * 2]
    refused = [r for r in statuses if r.status == 429]
    assert refused and refused[0].header("RateLimit-Policy") == '8;w=60;name="calls-per-account"'


def test_a_tunnel_client_counts_and_is_told(strict, new_cli, app):
    owner = strict.register()
    for _ in range(5):
        strict.call("GET", "/v1/auth/user", key=owner.key)
    cli = new_cli(strict)
    done = cli.run(app.port, "--json", "--no-wait", *cli.server(), INSTATUNNEL_API_KEY=owner.key)
    assert done.returncode == 7, done


@pytest.mark.parametrize("known", [True, False])
def test_wrong_sign_ins_are_limited_whether_the_account_exists_or_not(binary, folder, known):
    from edge import Edge  # pylint: disable=import-outside-toplevel

    running = Edge(binary, folder / "guess", ("--dev", "--limit", "sign-ins=3")).start()
    try:
        email = running.register().email if known else "nobody@example.com"
        tries = [running.call("POST", "/v1/auth/login", {"email": email, "password": "wrong password"}) for _ in range(5)]
        assert [t.status for t in tries] == [401, 401, 401, 429, 429]
        assert tries[3].header("RateLimit-Policy") == '3;w=60;name="sign-ins"'
    finally:
        running.stop(limit=5)


def test_meta_tells_the_limits_as_they_are_set(strict, edge):
    limits = strict.call("GET", "/v1/meta").json()["limits"]
    assert (limits["requests_per_minute_per_key"], limits["requests_per_minute_per_account"], limits["registrations_per_minute"]) == (5, 8, 12)
    assert edge.call("GET", "/v1/meta").json()["limits"]["requests_per_minute_per_key"] == 600


@pytest.mark.parametrize("flags", [("--limit", "calls=5"), ("--limit", "sign-ins=0"), ("--limit", "sign-ins"), ("--cors-origin", "*"),
                                   ("--cors-origin", "https://a.example/x")])
def test_a_limit_or_origin_that_cannot_be_used_is_wrong_usage(cli, folder, flags):
    done = cli.run("serve", "--dev", "--listen", "127.0.0.1:0", "--data", folder / "data", *flags)
    assert done.returncode == 2 and flags[0] in done.stderr or "limit" in done.stderr, done
    assert not (folder / "data").exists()


def test_two_different_keys_in_one_request_are_refused(edge):
    other = edge.register().key
    reply = edge.call("GET", "/v1/auth/user", None, edge.owner.key, "-H", f"X-API-Key: {other}")
    assert reply.status == 400 and "different API keys" in reply.json()["message"]
    assert edge.call("GET", "/v1/auth/user", None, None, "-H", f"X-API-Key: {other}").status == 200


def test_only_named_origins_may_call_and_never_with_credentials(strict, edge):
    allowed = strict.call("GET", "/v1/meta", None, None, "-H", f"Origin: {PAGE}")
    assert allowed.header("Access-Control-Allow-Origin") == PAGE and "Origin" in allowed.header("Vary")
    assert "RateLimit-Remaining" in allowed.header("Access-Control-Expose-Headers")
    preflight = strict.call("OPTIONS", "/v1/auth/keys", None, None, "-H", f"Origin: {PAGE}", "-H", "Access-Control-Request-Method: POST")
    assert preflight.status == 204 and preflight.header("Access-Control-Allow-Methods") == "GET, HEAD, POST"
    for target, origin in ((strict, "https://evil.example"), (edge, PAGE), (strict, "null")):
        for method in ("GET", "OPTIONS"):
            reply = target.call(method, "/v1/meta", None, None, "-H", f"Origin: {origin}", "-H", "Access-Control-Request-Method: GET")
            assert reply.header("Access-Control-Allow-Origin") is None, reply
    for reply in (allowed, preflight):
        assert reply.header("Access-Control-Allow-Credentials") is None and "*" not in str(reply.header("Access-Control-Allow-Origin"))


def test_every_refusal_is_in_the_log_with_the_id_of_its_answer_and_without_a_secret(edge):
    secret = "it_0123456789secret"
    replies = [
        edge.call("GET", "/v1/auth/user", key=secret),
        edge.call("DELETE", "/v1/auth/keys/" + secret, key=edge.owner.key),
        edge.call("GET", "/v1/" + secret + "/x", key=secret),
        edge.call("POST", "/v1/auth/login", {"email": "nobody@example.com", "password": "secret password 1"}),
        edge.call("POST", "/v1/tunnels?token=" + secret, "{", edge.owner.key),
    ]
    for reply in replies:
        assert reply.status >= 400
        request_id = reply.json()["request_id"]
        assert reply.header("X-Request-Id") == request_id
        line = next(text for text in edge.process.stderr.splitlines() if request_id in text)
        assert re.search(rf"api\.answered .*method=\w+ path=\S+ status={reply.status}", line), line
    own = edge.call("GET", "/v1/auth/user", key=edge.owner.key).json()["key"]["id"]
    assert f"key_id={own}" in next(t for t in edge.process.stderr.splitlines() if replies[1].json()["request_id"] in t)
    for word in (secret, "secret password 1", edge.owner.key):
        assert word not in edge.process.stderr
