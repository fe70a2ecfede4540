"""Libraries that apps are built on, against the authorization server: they discover it, register, and check every answer."""

import pytest
from form_browser import FormBrowser
from npm_tools import Conversation
from oauth_app import CALLBACK, LOOPBACK, OAuthApp

LIBRARIES = {"openid-client": "openid_client.mjs", "oauth4webapi": "oauth4webapi.mjs"}


@pytest.fixture
def person(edge):
    return edge.register()


@pytest.fixture
def browser(edge, person):
    opened = FormBrowser(edge)
    opened.sign_in(person)
    return opened


@pytest.fixture(params=LIBRARIES)
def run(request, edge, folder, browser):
    """Runs one way of a library's script; the person in the browser agrees to everything."""

    def answer(question):
        if "approve" in question:
            page = browser.open(question["approve"])
            assert page.form("/device").value("user_code") == question["code"]
            page = browser.submit(browser.submit(page, "/device"), "/device", "Allow")
            assert page.heading == "Done", page
            return {}
        page = browser.open(question["visit"])
        if page.location is None:
            page = browser.submit(page, "/v1/oauth/authorize", "Allow")
        return {"came": page.location}

    def start(way, **given):
        return Conversation(LIBRARIES[request.param], request.param, edge, folder).run(way, answer, issuer=edge.api, **given)

    return start


def test_a_public_client_registers_gets_tokens_refreshes_and_revokes_them(run):
    seen = run("public", redirect=LOOPBACK)
    assert seen == {"first": 200, "second": 200, "scope": "tunnels:read tunnels:write", "type": "bearer", "afterwards": 401}


@pytest.mark.parametrize("auth", ["basic", "post"])
def test_a_client_with_a_secret_gets_tokens_and_asks_about_them(run, edge, person, auth):
    app = OAuthApp.confidential(edge, person.key)
    seen = run("confidential", id=app.id, secret=app.secret, auth=auth, redirect=CALLBACK)
    assert (seen["first"], seen["second"], seen["afterwards"]) == (200, 200, 401)
    assert seen["active"] == [True, False]
    assert seen["about"] == [app.id, "tunnels:read tunnels:write", edge.api]


def test_a_device_is_signed_in(run):
    seen = run("device", redirect=LOOPBACK)
    assert (seen["first"], seen["scope"]) == (200, "tunnels:read")
    assert seen.get("pending") in (None, "authorization_pending")


def test_a_client_acts_for_its_account(run, edge, person):
    app = OAuthApp.confidential(edge, person.key, grants=["client_credentials"], scopes=["tunnels:read"], redirect_uris=[])
    seen = run("itself", id=app.id, secret=app.secret, auth="basic")
    assert seen == {"first": 200, "scope": "tunnels:read", "refresh": None}


def test_an_answer_of_another_issuer_or_of_none_is_noticed(run):
    assert run("mixedUp", redirect=LOOPBACK) == ["OAUTH_INVALID_RESPONSE"] * 2
