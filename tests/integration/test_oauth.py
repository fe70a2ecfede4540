"""Apps that use accounts: the documents' flows as they are printed, what tokens open, and how they end."""

import time
import urllib.parse

import pytest
from form_browser import FormBrowser
from oauth_app import CALLBACK, OAuthApp, query_of
from visitor import curl

CUT = 2  # seconds within which a dead token's tunnels end


@pytest.fixture
def person(edge):
    return edge.register()


@pytest.fixture
def browser(edge, person):
    """The person's browser, signed in."""
    opened = FormBrowser(edge)
    opened.sign_in(person)
    return opened


@pytest.fixture
def app_with_secret(edge, person):
    return OAuthApp.confidential(edge, person.key)


def as_printed(client_id):
    """The authorization URL of the documents: commas between scopes, nothing encoded, no response_type."""
    return (f"/v1/oauth/authorize?client_id={client_id}&redirect_uri={CALLBACK}&scope=tunnels:read,tunnels:write"
            "&state=random_state_string")


# --- the documents' flows


def test_the_documents_flow_as_printed(edge, person, app_with_secret):
    client = app_with_secret
    away = curl(edge.api + as_printed(client.id), edge.cacert)
    assert away.status == 303 and away.header("Location").startswith("/sign-in?next=")

    browser = FormBrowser(edge)
    consent = browser.sign_in(person, as_printed(client.id))
    assert consent.heading == "Allow Your app?"
    for words in ("See your tunnels and names", "Open tunnels", person.email, "yourapp.com"):
        assert words in consent.reply.text
    assert "Close your tunnels" not in consent.reply.text
    back = browser.submit(consent, "/v1/oauth/authorize", "Allow")
    assert back.location.startswith(CALLBACK + "?")
    answer = query_of(back.location)
    assert sorted(answer) == ["code", "iss", "state"]
    assert answer["state"] == "random_state_string" and answer["iss"] == edge.api

    reply = edge.call("POST", "/v1/oauth/token", {"client_id": client.id, "client_secret": client.secret, "code": answer["code"],
                                                  "grant_type": "authorization_code"})
    assert reply.status == 200, reply
    assert reply.header("Cache-Control") == "no-store"
    first = reply.json()
    assert (first["token_type"], first["expires_in"], first["scope"]) == ("Bearer", 3600, "tunnels:read tunnels:write")
    assert edge.call("GET", "/v1/tunnels", key=first["access_token"]).status == 200
    narrow = edge.call("GET", "/v1/auth/keys", key=first["access_token"])
    assert narrow.status == 403 and narrow.json()["required_scope"] == "keys:manage"

    reply = edge.call("POST", "/v1/oauth/token", {"client_id": client.id, "client_secret": client.secret,
                                                  "refresh_token": first["refresh_token"], "grant_type": "refresh_token"})
    assert reply.status == 200, reply
    second = reply.json()
    assert second["access_token"] != first["access_token"] and second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == first["scope"]
    assert edge.call("GET", "/v1/tunnels", key=second["access_token"]).status == 200


def test_the_same_as_forms_with_the_secret_in_the_header(edge, browser, app_with_secret):
    client = app_with_secret
    answer = client.ask(browser)
    basic = ("-u", f"{client.id}:{client.secret}")

    def post(**fields):
        return edge.call("POST", "/v1/oauth/token", None, None, *basic, "--data-raw", urllib.parse.urlencode(fields))

    first = post(grant_type="authorization_code", code=answer["code"], redirect_uri=CALLBACK, code_verifier=client.verifier)
    assert first.status == 200, first
    second = post(grant_type="refresh_token", refresh_token=first.json()["refresh_token"], scope="tunnels:read")
    assert second.status == 200 and second.json()["scope"] == "tunnels:read"
    assert edge.call("GET", "/v1/tunnels", key=second.json()["access_token"]).status == 200
    opening = edge.call("POST", "/v1/tunnels", {"subdomain": "narrowed"}, second.json()["access_token"])
    assert opening.status == 403 and opening.json()["required_scope"] == "tunnels:write"


def test_a_person_says_no_and_the_app_hears_it(edge, browser, app_with_secret):
    answer = app_with_secret.ask(browser, "deny")
    assert answer["error"] == "access_denied" and "code" not in answer
    assert edge.call("GET", "/v1/oauth/grants", key=edge.owner.key).json() == {"grants": []}


def test_a_client_with_the_wrong_secret_gets_nothing(edge, browser, app_with_secret):
    code = app_with_secret.ask(browser)["code"]
    for secret in ("its_" + "x" * 40, None):
        reply = app_with_secret.exchange(code, client_secret=secret)
        assert (reply.status, reply.json()["error"]) == (401, "invalid_client"), reply
        assert reply.header("WWW-Authenticate").startswith("Basic ")
    assert app_with_secret.exchange(code).status == 200, "a stranger's tries do not use up the code"


def test_a_client_acts_for_its_account_without_a_person(edge, person):
    client = OAuthApp.confidential(edge, person.key, grants=["client_credentials"], scopes=["tunnels:read"], redirect_uris=[])
    reply = client.post("token", grant_type="client_credentials")
    assert reply.status == 200 and "refresh_token" not in reply.json()
    assert edge.call("GET", "/v1/tunnels", key=reply.json()["access_token"]).status == 200
    more = client.post("token", grant_type="client_credentials", scope="tunnels:write")
    assert more.json()["error"] == "invalid_scope"


def test_clients_of_an_account_are_made_listed_and_removed(edge, person, app_with_secret):
    listed = edge.call("GET", "/v1/oauth/clients", key=person.key)
    assert [c["id"] for c in listed.json()["clients"]] == [app_with_secret.id]
    assert app_with_secret.secret not in listed.text
    stranger = edge.register()
    assert edge.call("GET", "/v1/oauth/clients", key=stranger.key).json() == {"clients": []}
    assert edge.call("DELETE", f"/v1/oauth/clients/{app_with_secret.id}", key=stranger.key).status == 404
    assert edge.call("DELETE", f"/v1/oauth/clients/{app_with_secret.id}", key=person.key).status == 204
    assert edge.call("GET", "/v1/oauth/clients", key=person.key).json() == {"clients": []}
    gone = edge.call("GET", as_printed(app_with_secret.id))
    assert gone.status == 400 and gone.header("Location") is None


# --- what a token opens, and its end


def revoke_access_token(_, client, tokens, __):
    assert client.post("revoke", token=tokens["access_token"]).status == 200


def revoke_refresh_token(_, client, tokens, __):
    assert client.post("revoke", token=tokens["refresh_token"]).status == 200


def use_refresh_token_twice(_, client, tokens, __):
    assert client.refresh(tokens["refresh_token"]).status == 200
    assert client.refresh(tokens["refresh_token"]).status == 400


def remove_grant(edge, _, __, browser):
    grant, = edge.call("GET", "/v1/oauth/grants", key=browser.person.key).json()["grants"]
    assert edge.call("DELETE", f"/v1/oauth/grants/{grant['id']}", key=browser.person.key).status == 204


def take_back_on_the_page(_, __, ___, browser):
    page = browser.submit(browser.open("/account/apps"), "/account/apps/revoke")
    assert "not allowed any app" in page.reply.text


def remove_client(edge, client, _, browser):
    assert edge.call("DELETE", f"/v1/oauth/clients/{client.id}", key=browser.person.key).status == 204


@pytest.mark.parametrize("end", [revoke_access_token, revoke_refresh_token, use_refresh_token_twice, remove_grant,
                                 take_back_on_the_page, remove_client])
def test_an_access_token_opens_a_tunnel_that_ends_with_it(edge, person, browser, app_with_secret, tunnel, app, end):
    browser.person = person
    tokens = app_with_secret.tokens(browser)
    opened = tunnel(app.port, key=tokens["access_token"])
    assert opened.answers()
    started = time.monotonic()
    end(edge, app_with_secret, tokens, browser)
    assert opened.process.wait(CUT + 5) == 3, opened.process.report()
    assert time.monotonic() - started < CUT + 1
    assert opened.process.events("error")[-1]["code"] == "revoked_key"
    assert edge.call("GET", "/v1/tunnels", key=tokens["access_token"]).status == 401


def test_a_token_without_the_permission_opens_no_tunnel(edge, browser, app_with_secret, new_cli, app):
    tokens = app_with_secret.tokens(browser, scope="tunnels:read")
    cli = new_cli(edge)
    done = cli.run(app.port, *cli.server(), "--api-key", tokens["access_token"])
    assert done.returncode == 4 and "tunnels:write" in done.stderr, done


def test_a_refresh_token_is_no_key(edge, browser, app_with_secret):
    tokens = app_with_secret.tokens(browser)
    assert edge.call("GET", "/v1/tunnels", key=tokens["refresh_token"]).status == 401


def test_a_device_signs_in_with_the_code_that_a_person_types(edge, browser):
    client = OAuthApp.public(edge)
    asked = client.post("device_authorization", scope="tunnels:read").json()
    assert asked["verification_uri"] == edge.api + "/device"
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": asked["device_code"]}
    assert client.post("token", **grant).json()["error"] == "authorization_pending"
    assert client.post("token", **grant).json()["error"] == "slow_down"

    page = browser.open(asked["verification_uri_complete"])
    assert page.form("/device").value("user_code") == asked["user_code"], "a link fills in, it decides nothing"
    typed = asked["user_code"].lower().replace("-", " ")
    question = browser.submit(page, "/device", user_code=typed)
    assert question.heading == "Is this your device?" and "A program" in question.reply.text
    assert browser.submit(question, "/device", "Allow").heading == "Done"
    tokens = client.post("token", **grant).json()
    assert edge.call("GET", "/v1/tunnels", key=tokens["access_token"]).status == 200
    assert client.post("token", **grant).json()["error"] == "invalid_grant", "a device code works once"


def test_codes_and_tokens_survive_kill_9(new_edge):
    edge = new_edge().start()
    person = edge.owner
    client = OAuthApp.confidential(edge, person.key)
    browser = FormBrowser(edge)
    browser.sign_in(person)
    code = client.ask(browser)["code"]
    exchanged = client.exchange(code)
    edge.process.kill()
    assert exchanged.status == 200, exchanged
    edge.start()

    tokens = exchanged.json()
    assert edge.call("GET", "/v1/tunnels", key=tokens["access_token"]).status == 200
    assert browser.open("/account").heading == "Your account", "the browser is still signed in"
    again = client.exchange(code)
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")
    assert edge.call("GET", "/v1/tunnels", key=tokens["access_token"]).status == 401, "the code was known as used"
