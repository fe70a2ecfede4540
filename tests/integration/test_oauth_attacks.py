"""Attacks on sign-in and consent, each replayed against the running edge: RFC 9700 and what browsers make possible."""

import json
import secrets
import urllib.parse

import pytest
from form_browser import FormBrowser
from local_apps import RecordingApp
from oauth_app import LOOPBACK, OAuthApp, query_of
from process import wait_until


@pytest.fixture
def person(edge):
    return edge.register()


@pytest.fixture
def browser(edge, person):
    opened = FormBrowser(edge)
    opened.sign_in(person)
    return opened


@pytest.fixture
def confidential(edge, person):
    return OAuthApp.confidential(edge, person.key)


@pytest.fixture
def public(edge):
    return OAuthApp.public(edge)


def works(edge, tokens):
    return edge.call("GET", "/v1/tunnels", key=tokens["access_token"]).status == 200


def error_of(reply):
    return reply.status, reply.json()["error"]


# --- codes, challenges and tokens


def test_a_code_that_comes_twice_ends_what_it_gave(edge, browser, public):
    code = public.ask(browser)["code"]
    tokens = public.exchange(code).json()
    assert works(edge, tokens)
    assert error_of(public.exchange(code)) == (400, "invalid_grant")
    assert not works(edge, tokens)
    assert error_of(public.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def test_a_code_is_of_no_use_to_another_client(edge, browser, public, confidential):
    code = public.ask(browser)["code"]
    thief = OAuthApp.public(edge)
    assert error_of(thief.exchange(code, code_verifier=public.verifier)) == (400, "invalid_grant")
    code = public.ask(browser)["code"]
    assert error_of(confidential.exchange(code, code_verifier=public.verifier, redirect_uri=LOOPBACK)) == (400, "invalid_grant")


def test_a_stolen_code_is_worth_nothing_without_the_verifier(edge, browser, public):
    for verifier in (None, secrets.token_urlsafe(32), "short"):
        code = public.ask(browser)["code"]
        assert error_of(public.exchange(code, code_verifier=verifier)) == (400, "invalid_grant")


def test_a_challenge_that_was_taken_out_on_the_way_is_noticed(edge, browser, confidential):
    code = confidential.ask(browser, code_challenge=None, code_challenge_method=None)["code"]
    assert error_of(confidential.exchange(code)) == (400, "invalid_grant"), "it sends the verifier of the challenge that got lost"


@pytest.mark.parametrize("changes", [{"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": "plain"},
                                     {"code_challenge_method": None}, {"code_challenge": "short"}], ids=str)
def test_pkce_cannot_be_weakened(browser, public, changes):
    answer = public.ask(browser, **changes)
    assert answer["error"] == "invalid_request" and "code" not in answer


def test_every_answer_to_an_app_names_its_issuer(edge, browser, public):
    about = edge.call("GET", "/.well-known/oauth-authorization-server").json()
    assert about["issuer"] == edge.api and about["authorization_response_iss_parameter_supported"] is True
    answers = [public.ask(browser), public.ask(browser, "deny"), public.ask(browser, scope="no:such"),
               public.ask(browser, response_type="token"), public.ask(browser, code_challenge_method="plain")]
    assert [a["iss"] for a in answers] == [about["issuer"]] * 5
    assert [a.get("error") for a in answers] == [None, "access_denied", "invalid_scope", "unsupported_response_type", "invalid_request"]


def test_a_refresh_token_that_comes_twice_ends_its_family(edge, browser, public):
    first = public.tokens(browser)
    second = public.refresh(first["refresh_token"]).json()
    assert works(edge, second)
    assert error_of(public.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert not works(edge, first) and not works(edge, second)
    assert error_of(public.refresh(second["refresh_token"])) == (400, "invalid_grant")


def test_a_refresh_token_is_of_no_use_to_another_client_and_asks_for_no_more(edge, browser, public):
    tokens = public.tokens(browser, scope="tunnels:read")
    assert error_of(OAuthApp.public(edge).refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert error_of(public.refresh(tokens["refresh_token"], scope="tunnels:read keys:manage")) == (400, "invalid_scope")
    assert public.refresh(tokens["refresh_token"]).status == 200


def test_a_client_cannot_end_or_see_tokens_of_others(edge, browser, public, confidential):
    tokens = public.tokens(browser)
    assert confidential.post("introspect", token=tokens["access_token"]).json() == {"active": False}
    assert confidential.post("revoke", token=tokens["access_token"]).status == 200
    assert works(edge, tokens)


# --- where answers go


@pytest.mark.parametrize("address", [
    "https://evil.example/callback", "https://yourapp.com/callback/", "https://yourapp.com/callback?x=1", "https://yourapp.com/callbac",
    "https://yourapp.com/callback/../evil", "https://yourapp.com.evil.example/callback", "https://yourapp.com@evil.example/callback",
    "https://evil.example/https://yourapp.com/callback", "http://yourapp.com/callback", "https://YOURAPP.com/callback",
    "https://yourapp.com:444/callback", "https://yourapp.com/callback#x", "//yourapp.com/callback", "https://yourapp.com\\@evil.example",
    "javascript:alert(1)//https://yourapp.com/callback", "https://yourapp.com/callback\r\nSet-Cookie: x=y", ""])
def test_nothing_is_sent_to_an_address_that_is_not_registered(edge, browser, confidential, address):
    for visitor in (browser, FormBrowser(edge)):
        page = visitor.open(confidential.authorize_path(redirect_uri=address))
        assert page.status == 400 and page.location is None and page.path == "/v1/oauth/authorize", page
        assert page.forms == [] and page.problem.startswith("The app that sent you here made a mistake")


@pytest.mark.parametrize("address", ["http://127.0.0.1:5000/other", "http://127.0.0.2:5000/cb", "http://localhost:5000/cb",
                                     "https://127.0.0.1:5000/cb", "http://127.0.0.1.evil.example/cb", "http://127.0.0.1:5000@evil.example/cb"])
def test_a_loopback_address_is_free_in_its_port_alone(browser, public, address):
    public.redirect_uri = "http://127.0.0.1:5000/cb"
    assert "code" in public.ask(browser)
    page = browser.open(public.authorize_path(redirect_uri=address))
    assert page.status == 400 and page.location is None, page


@pytest.mark.parametrize("address", ["http://evil.example/cb", "https://a.example/cb#x", "https://*.example/cb", "javascript:alert(1)",
                                     "data:text/html,x", "https://u:p@a.example/cb", "evil:/cb", "https://a.example/c\nb", "cb", ""])
def test_no_client_registers_a_dangerous_address(edge, person, address):
    made = edge.call("POST", "/v1/oauth/register", {"client_name": "x", "redirect_uris": [address]})
    assert made.status == 400 and made.json()["error"] == "invalid_redirect_uri", made
    assert edge.call("POST", "/v1/oauth/clients", {"name": "x", "redirect_uris": [address]}, person.key).status == 422


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "scope", "response_type", "code_challenge"])
def test_a_parameter_that_comes_twice_is_refused(browser, public, name):
    path = public.authorize_path()
    page = browser.open(f"{path}&{name}={urllib.parse.quote(query_of(path)[name], safe='')}")
    assert page.status == 400 and page.location is None, page


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "https:evil.example", "/account/../v1/auth/keys",
                                       "/account@evil.example", "javascript:alert(1)", "/account\r\nLocation: https://evil.example", "evil", ""])
def test_a_sign_in_leads_to_our_own_pages_only(edge, person, elsewhere):
    visitor = FormBrowser(edge)
    page = visitor.open("/sign-in?next=" + urllib.parse.quote(elsewhere, safe=""))
    arrived = visitor.submit(page, "/sign-in", email=person.email, password=person.password)
    assert arrived.location is None and arrived.path == "/account", arrived
    again = visitor.open("/sign-in?next=" + urllib.parse.quote(elsewhere, safe=""))
    assert again.location is None and again.path == "/account", "also for those who are signed in"
    out = visitor.send("/sign-out", [("csrf", again.form("/sign-out").value("csrf")), ("next", elsewhere)])
    assert out.location is None and out.path == "/sign-in" and "evil" not in out.reply.text, out


# --- forms of others


def count_keys(edge, person):
    return len(edge.call("GET", "/v1/auth/keys", key=person.key).json()["keys"])


def foreign_token(edge, _):
    stranger = FormBrowser(edge)
    return stranger.open("/sign-in").form("/sign-in").value("csrf")


CSRF = {
    "no token": (lambda edge, own: None, {}),
    "an empty token": (lambda edge, own: "", {}),
    "the token of another browser": (foreign_token, {}),
    "another site": (lambda edge, own: own, {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}),
    "another site in an old browser": (lambda edge, own: own, {"Origin": "https://evil.example", "Sec-Fetch-Site": None}),
    "a tunnel beside us": (lambda edge, own: own, {"Origin": "https://evil.localhost", "Sec-Fetch-Site": "same-site"}),
    "the same host on another port": (lambda edge, own: own, {"Origin": "https://api.localhost:1", "Sec-Fetch-Site": "same-site"}),
    "a page without an origin": (lambda edge, own: own, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}),
    "same-site alone": (lambda edge, own: own, {"Origin": None, "Sec-Fetch-Site": "same-site"}),
}


@pytest.mark.parametrize("how", CSRF)
def test_forms_of_other_sites_change_nothing(edge, person, browser, public, how):
    make, headers = CSRF[how]
    forged = make(edge, browser.open("/account/keys").form("/account/keys").value("csrf"))
    asked = public.post("device_authorization").json()
    before = count_keys(edge, person)
    consent = public.authorize_path()
    for action, fields in {
            "/account/keys": {"name": "evil", "scope": "keys:manage"}, consent: {"decision": "allow"},
            "/device": {"user_code": asked["user_code"], "decision": "allow"}, "/account/security/two-factor": {},
            "/account/devices/end": {"session": "others"}, "/account/apps/revoke": {"grant": "x"}, "/sign-out": {}}.items():
        fields = fields | ({} if forged is None else {"csrf": forged})
        page = browser.send(action, fields.items(), headers)
        assert page.status == 403 and page.location is None and "did not come from this site" in page.problem, page
    assert count_keys(edge, person) == before
    assert edge.call("GET", "/v1/oauth/grants", key=person.key).json() == {"grants": []}
    pending = public.post("token", grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code=asked["device_code"])
    assert error_of(pending) == (400, "authorization_pending")
    assert browser.open("/account").heading == "Your account", "still signed in"


@pytest.mark.parametrize("how", CSRF)
def test_nobody_is_signed_in_by_the_form_of_another_site(edge, how):
    make, headers = CSRF[how]
    victim, attacker = FormBrowser(edge), edge.register()
    own = victim.open("/sign-in").form("/sign-in").value("csrf")
    forged = make(edge, own)
    fields = {"email": attacker.email, "password": attacker.password} | ({} if forged is None else {"csrf": forged})
    assert victim.send("/sign-in", fields.items(), headers).status == 403
    assert victim.open("/account").path == "/sign-in"


def test_our_pages_answer_no_cross_origin_request_with_cookies(edge, browser):
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "https://evil.localhost"}):
        reply = browser.request("GET", "/account", headers=headers)
        assert reply.header("Access-Control-Allow-Credentials") is None
        assert reply.header("Access-Control-Allow-Origin") is None, reply
        assert reply.header("Cross-Origin-Resource-Policy") == "same-origin"


def test_a_page_behind_a_tunnel_plants_no_cookie_of_ours(edge, tunnel, new_app):
    # The prefix makes browsers refuse a Domain; the edge drops a cookie for the shared domain before they see it.
    lines = "".join(f"Set-Cookie: {name}={'A' * 43}; Domain={edge.domain}; Path=/; Secure\r\n"
                    for name in ("__Host-it_session", "__Host-it_browser", "it_session"))
    planting = new_app(RecordingApp, reply=b"HTTP/1.1 200 OK\r\n" + lines.encode() + b"Content-Length: 2\r\n\r\nok")
    reply = tunnel(planting.port).get()
    assert reply.status == 200 and reply.all("Set-Cookie") == []


# --- sessions


def test_a_sign_in_makes_a_new_session_whatever_the_browser_carried(edge, person):
    attacker, victim = FormBrowser(edge), FormBrowser(edge)
    attacker.open("/sign-in")
    victim.cookies = dict(attacker.cookies) | {"__Host-it_session": "A" * 43}
    planted = dict(victim.cookies)
    assert victim.sign_in(person).heading == "Your account"
    assert victim.cookies["__Host-it_session"] not in planted.values()
    attacker.cookies = planted
    assert attacker.open("/account").path == "/sign-in"


def test_signing_in_again_does_not_take_the_old_session_over(edge, person, browser):
    old = dict(browser.cookies)
    browser.submit(browser.open("/account"), "/sign-out")
    assert "__Host-it_session" not in browser.cookies
    browser.cookies = old
    assert browser.open("/account").path == "/sign-in", "the session has ended on our side"


def test_a_session_that_was_stolen_is_ended_from_another_browser(edge, person, browser):
    other = FormBrowser(edge)
    other.sign_in(person)
    other.submit(other.open("/account/devices"), "/account/devices/end", session="others")
    assert browser.open("/account").path == "/sign-in"
    assert other.open("/account").heading == "Your account"


def test_a_new_password_ends_the_browsers_that_are_signed_in(edge, person, browser):
    changed = edge.call("POST", "/v1/auth/password", {"current": person.password, "new": "gravity & falls = up"}, person.key)
    assert changed.status == 200, changed
    assert browser.open("/account").path == "/sign-in", "whoever stole the session has lost it"


def test_a_disabled_account_is_out_in_browsers_and_apps_alike(edge, new_cli, person, browser, public):
    tokens = public.tokens(browser)
    assert new_cli(edge).run("admin", "user", "disable", person.email, "--data", edge.data).returncode == 0
    assert browser.open("/account").path == "/sign-in"
    wait_until(lambda: edge.call("GET", "/v1/tunnels", key=tokens["access_token"]).status == 403, 10, "refusal of the token")
    refreshed = public.refresh(tokens["refresh_token"])
    if refreshed.status == 200:
        assert edge.call("GET", "/v1/tunnels", key=refreshed.json()["access_token"]).status == 403
    again = FormBrowser(edge)
    again.sign_in(person)
    assert again.open("/account").path == "/sign-in"


def test_cookies_are_out_of_reach_of_scripts_and_of_other_hosts(browser):
    assert len(browser.set_cookies) >= 2
    for line in browser.set_cookies:
        words = [w.strip().lower() for w in line.split(";")]
        assert words[0].startswith("__host-") and {"path=/", "secure", "httponly", "samesite=lax"} <= set(words), line
        assert not any(w.startswith("domain") for w in words)


def test_no_page_can_be_framed_scripted_or_kept(edge, browser, public):
    pages = ["/account", "/account/keys", "/account/devices", "/account/apps", "/account/security", "/account/events", "/device",
             public.authorize_path(), "/v1/oauth/authorize?client_id=nobody"]
    replies = [browser.request("GET", p) for p in pages] + [FormBrowser(edge).request("GET", "/sign-in")]
    replies.append(browser.request("POST", "/account/keys", "name=x"))
    for reply in replies:
        policy = dict(p.strip().partition(" ")[::2] for p in reply.header("Content-Security-Policy").split(";"))
        assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'" and policy["base-uri"] == "'none'"
        assert "script-src" not in policy and "unsafe" not in str(policy) and policy["form-action"].startswith("'self'")
        assert reply.header("X-Frame-Options") == "DENY" and reply.header("X-Content-Type-Options") == "nosniff"
        assert reply.header("Cache-Control") == "no-store" and reply.header("Referrer-Policy") == "same-origin"
        assert "<script" not in reply.text and "onclick" not in reply.text


# --- guessing, and texts of others


def test_codes_of_devices_cannot_be_guessed(edge, person, browser):
    asked = OAuthApp.public(edge).post("device_authorization").json()
    token = browser.open("/device").form("/device").value("csrf")

    def type_code(visitor, csrf, code):
        return visitor.send("/device", [("csrf", csrf), ("user_code", code)])

    tried = 0
    while (page := type_code(browser, token, "BBBB-BBBB")).status == 422:
        tried += 1
        assert tried < 20
    assert page.status == 429 and tried == 10 and int(page.reply.header("Retry-After")) > 0
    assert type_code(browser, token, asked["user_code"]).status == 429, "not even the right one"
    other = FormBrowser(edge)
    other.sign_in(edge.register())
    assert type_code(other, other.open("/device").form("/device").value("csrf"), asked["user_code"]).heading == "Is this your device?"


def test_passwords_cannot_be_guessed_on_the_page_either(new_edge):
    edge = new_edge().start()  # the whole address is shut out afterwards
    person, visitor = edge.register(), FormBrowser(edge)
    page = visitor.open("/sign-in")
    statuses = [visitor.submit(page, "/sign-in", email=person.email, password=f"wrong {i}").status for i in range(11)]
    assert statuses == [401] * 10 + [429]
    assert visitor.submit(page, "/sign-in", email=person.email, password=person.password).status == 429
    api = edge.call("POST", "/v1/auth/login", {"email": person.email, "password": person.password})
    assert api.status == 429, "page and API count together"


def test_markup_in_the_name_of_an_app_stays_text(edge, browser):
    hostile = "<script>alert(1)</script><img src=x onerror=1>\"'&"
    public = OAuthApp.public(edge, client_name=hostile)
    page = browser.open(public.authorize_path(state="\"><script>alert(2)</script>"))
    assert hostile in page.heading and "<script" not in page.reply.text and "<img" not in page.reply.text
    assert public.ask(browser)["iss"] == edge.api
    apps = browser.open("/account/apps")
    assert "<script" not in apps.reply.text and "&lt;script&gt;" in apps.reply.text


def test_a_foreign_page_cannot_ask_for_a_token_with_a_persons_cookies(edge, browser, public):
    reply = browser.request("POST", "/v1/oauth/token", urllib.parse.urlencode({"grant_type": "authorization_code", "client_id": public.id}),
                            {"Origin": "https://evil.example"})
    assert reply.status == 400 and json.loads(reply.body)["error"] == "invalid_request"
    assert reply.header("Access-Control-Allow-Credentials") is None
