"""The pages for people in a real browser without scripts: every walk with its pictures, the keyboard alone, and no barrier
that axe-core calls serious or critical on any page, light or dark."""

import re

import pytest
from local_apps import RecordingApp
from mail_server import MailServer
from oauth_app import OAuthApp, query_of
from totp import totp
import secret_watch


@pytest.fixture
def person(edge):
    return edge.register()


@pytest.fixture
def program(edge, new_app):
    """An app on this machine that waits for the answer to its authorization request."""
    waiting = new_app(RecordingApp, reply=b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nThank you")
    client = OAuthApp.public(edge, client_name="Photo editor")
    client.redirect_uri = f"http://127.0.0.1:{waiting.port}/cb"
    client.waiting = waiting
    return client


def fill_in_sign_in(page, email, password):
    page.fill("#email", email)
    page.fill("#password", password)
    page.button("Sign in")


def sign_in(page, edge, account, address="/account"):
    assert page.goto(edge.api + address) == 200
    assert page.heading == "Sign in"
    fill_in_sign_in(page, account.email, account.password)


def answered(program):
    """What the app on this machine got, as parameters."""
    lines = [r.split(b"\r\n")[0].decode() for r in program.waiting.received]
    line, = (text for text in lines if text.startswith("GET /cb?"))
    return query_of(line.split(" ")[1])


# --- walks


def test_a_wrong_and_a_right_password(edge, window, person):
    page = window()
    assert page.goto(edge.api + "/account/devices") == 200
    page.look("sign-in")
    fill_in_sign_in(page, person.email, "not the password")
    page.wait_for("[role=alert]")
    assert page.text("[role=alert]") == "Wrong email or password."
    assert page.focus["name"] == "password", "the email is still there, so the password is next"
    page.look("sign-in-wrong")
    page.fill("#password", person.password)
    page.button("Sign in")
    page.wait_for("#browsers")
    assert page.url == edge.api + "/account/devices" and page.heading == "Devices"
    page.look("devices")
    page.button("Sign out")
    page.wait_for("#password")
    page.goto(edge.api + "/account")
    assert page.heading == "Sign in", "the session has ended"


def test_an_app_is_allowed_and_gets_a_code_that_works(edge, window, person, program):
    page = window()
    sign_in(page, edge, person, program.authorize_path())
    page.wait_for("button[value=allow]")
    assert page.heading == "Allow Photo editor?" and "a program on this computer" in page.text()
    page.look("consent")
    page.button("Allow")
    page.arrive(program.redirect_uri + "?")
    answer = answered(program)
    assert answer["iss"] == edge.api
    tokens = program.exchange(answer["code"])
    assert tokens.status == 200, tokens

    page.goto(edge.api + "/account/apps")
    assert page.texts("h2") == ["Photo editor"]
    page.look("apps")
    page.button("Take back Photo editor")
    page.wait_for("text=You have not allowed any app")
    page.look("apps-none")
    assert edge.call("GET", "/v1/tunnels", key=tokens.json()["access_token"]).status == 401


def test_an_app_is_refused_and_hears_so(edge, window, person, program):
    page = window()
    sign_in(page, edge, person)
    page.wait_for("main#main")
    everything = edge.call("GET", "/.well-known/oauth-authorization-server").json()["scopes_supported"]
    assert page.goto(edge.api + program.authorize_path(scope=" ".join(everything))) == 200
    assert len(page.texts("main li")) > 10
    page.look("consent-everything")
    page.button("No")
    page.arrive(program.redirect_uri + "?")
    answer = answered(program)
    assert answer["error"] == "access_denied" and "code" not in answer


def test_another_account_answers_the_same_question(edge, window, person, program):
    page, other = window(), edge.register()
    sign_in(page, edge, person, program.authorize_path())
    page.wait_for("button[value=allow]")
    page.button("Use another account")
    page.wait_for("#password")
    fill_in_sign_in(page, other.email, other.password)
    page.wait_for("button[value=allow]")
    assert page.heading == "Allow Photo editor?" and other.email in page.text()
    page.button("Allow")
    page.arrive(program.redirect_uri + "?")
    assert program.exchange(answered(program)["code"]).status == 200


def test_a_request_that_is_wrong_ends_on_a_page(edge, window):
    page = window()
    assert page.goto(edge.api + "/v1/oauth/authorize?client_id=nobody") == 400
    assert page.heading == "That did not work"
    page.look("error")


def test_a_device_is_signed_in(edge, window, person):
    client = OAuthApp.public(edge, client_name="Television")
    asked = client.post("device_authorization", scope="tunnels:read tunnels:write").json()
    page = window()
    sign_in(page, edge, person, "/device")
    page.wait_for("#code")
    assert page.focus["name"] == "user_code"
    page.look("device")
    page.fill("#code", "BBBB-BBBB")
    page.button("Go on")
    page.wait_for("[role=alert]")
    page.look("device-unknown")
    page.fill("#code", asked["user_code"].lower())
    page.button("Go on")
    page.wait_for("button[value=allow]")
    assert page.heading == "Is this your device?" and "Television" in page.text()
    page.look("device-question")
    page.button("Allow")
    page.wait_for("text=signing in now")
    page.look("device-done")
    tokens = client.post("token", grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code=asked["device_code"])
    assert tokens.status == 200, tokens


def test_a_device_is_refused(edge, window, person):
    client = OAuthApp.public(edge, client_name="Television")
    asked = client.post("device_authorization").json()
    page = window()
    sign_in(page, edge, person, "/device?user_code=" + asked["user_code"])
    page.wait_for("#code")
    page.button("Go on")
    page.wait_for("button[value=deny]")
    page.button("No, that is not mine")
    page.wait_for("text=The device was refused")
    reply = client.post("token", grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code=asked["device_code"])
    assert reply.json()["error"] == "access_denied"


def test_keys_are_made_copied_replaced_and_revoked(edge, window, person):
    page = window()
    sign_in(page, edge, person, "/account/keys")
    page.wait_for("#name")
    page.look("keys")
    page.fill("#name", "CI of the shop")
    page.do("select", on="#life", text="90")
    page.do("check", on="input[value='analytics:read']")
    page.button("Make the key")
    page.wait_for(".secret")
    page.look("key-new")
    first = page.text(".secret")
    assert re.fullmatch(r"it_[A-Za-z0-9]{16}", first)
    mine = edge.call("GET", "/v1/auth/user", key=first).json()
    assert mine["permissions"] == ["tunnels:read", "tunnels:write", "analytics:read"]

    page.link("I have copied it")
    page.wait_for("#name")
    page.button("Replace CI of the shop")
    page.wait_for(".secret")
    second = page.text(".secret")
    assert second != first and edge.call("GET", "/v1/auth/user", key=first).status == 401
    page.link("I have copied it")
    page.wait_for("#name")
    assert "CI of the shop" in page.text() and second not in page.text()
    page.look("keys-made")
    page.do("click", on=f"tr:has-text('it_***...{second[-3:]}') button:has-text('Revoke')")
    page.wait_for("#name")
    assert edge.call("GET", "/v1/auth/user", key=second).status == 401

    page.goto(edge.api + "/account/events")
    assert {"key.created", "key.rotated", "key.revoked"} <= set(page.texts("td:nth-child(2)"))
    page.look("events")


def test_a_browser_signs_out_the_others(edge, window, person):
    lost, here = window(), window()
    for page in (lost, here):
        sign_in(page, edge, person, "/account/devices")
        page.wait_for("#browsers")
    assert len(here.texts("[aria-labelledby=browsers] tbody tr")) == 2
    here.look("devices-two")
    here.button("Sign out all other browsers")
    here.wait_for("#browsers")
    lost.goto(edge.api + "/account")
    assert lost.heading == "Sign in"
    here.goto(edge.api + "/account")
    assert here.heading == "Your account"
    here.look("account")


def test_two_factor_sign_in_from_setting_it_up_to_turning_it_off(edge, window, person):
    page = window()
    sign_in(page, edge, person, "/account/security")
    page.wait_for("main#main")
    page.look("security-off")
    page.button("Set up two-factor sign-in")
    page.wait_for(".qr")
    page.look("two-factor-setup")
    shown = page.text(".secret")
    secret_watch.add(shown, shown.replace(" ", ""))
    page.fill("#code", "000000")
    page.button("Turn it on")
    page.wait_for("[role=alert]")
    page.look("two-factor-wrong")
    page.fill("#code", totp(shown))
    page.button("Turn it on")
    page.wait_for("text=Keep these codes")
    page.look("recovery-codes")
    recovery = page.texts("main code")
    secret_watch.add(*recovery)
    assert len(set(recovery)) == 10
    page.link("I have kept them")
    page.wait_for("text=Recovery codes left: 10")
    page.look("security-on")
    page.button("Sign out")
    page.wait_for("#password")

    fill_in_sign_in(page, person.email, person.password)
    page.wait_for("#code")
    page.look("sign-in-code")
    page.goto(edge.api + "/account")
    assert page.heading == "Sign in", "the password alone opens nothing"
    fill_in_sign_in(page, person.email, person.password)
    page.wait_for("#code")
    page.fill("#code", "123")
    page.button("Go on")
    page.wait_for("[role=alert]")
    page.look("sign-in-code-wrong")
    page.fill("#code", totp(shown, steps_ahead=1))
    page.button("Go on")
    page.wait_for("main#main")
    assert page.heading == "Your account"
    page.button("Sign out")
    page.wait_for("#password")

    for code, wrong in ((recovery[0], False), (recovery[0], True)):
        other = window()
        sign_in(other, edge, person)
        other.wait_for("#code")
        other.fill("#code", code)
        other.button("Go on")
        other.wait_for("[role=alert]" if wrong else "main#main")
    sign_in(page, edge, person, "/account/security")
    page.wait_for("#code")
    page.fill("#code", recovery[1])
    page.button("Go on")
    page.wait_for("text=Recovery codes left: 8")
    page.fill("#code", recovery[2])
    page.button("Turn off")
    page.wait_for("text=With two-factor sign-in")
    page.button("Sign out")
    page.wait_for("#password")
    fill_in_sign_in(page, person.email, person.password)
    page.wait_for("main#main")


# --- without a mouse, and with others' pages around


def tab_to(page, what, most=40):
    """Presses Tab until `what` holds for the focused element; everything on the way shows that it has the focus."""
    for _ in range(most):
        page.press("Tab")
        focus = page.focus
        assert focus["outlined"] or focus["tag"] == "body", focus
        if what(focus):
            return focus
    raise AssertionError("not reached with Tab")


def test_sign_in_and_consent_with_the_keyboard_alone(edge, window, person, program):
    page = window()
    page.goto(edge.api + program.authorize_path())
    assert page.focus["name"] == "email", "ready to type"
    page.type(person.email)
    tab_to(page, lambda f: f["name"] == "password", most=1)
    page.type(person.password)
    page.press("Enter")
    page.wait_for("button[value=allow]")
    tab_to(page, lambda f: f["value"] == "allow", most=1)
    page.press("Enter")
    page.arrive(program.redirect_uri + "?")
    assert program.exchange(answered(program)["code"]).status == 200


def test_the_account_with_the_keyboard_alone(edge, window, person):
    page = window()
    sign_in(page, edge, person)
    page.wait_for("main#main")
    page.goto(edge.api + "/account")
    tab_to(page, lambda f: f["text"] == "To the content", most=1)
    page.look("skip-link")
    tab_to(page, lambda f: f["text"] == "API keys", most=3)
    page.press("Enter")
    page.wait_for("#name")
    tab_to(page, lambda f: f["name"] == "name")
    page.type("By keyboard")
    tab_to(page, lambda f: f["text"] == "Make the key")
    page.press("Enter")
    page.wait_for(".secret")
    assert edge.call("GET", "/v1/auth/user", key=page.text(".secret")).status == 200


def page_that_posts(action):
    """What an attacker has behind a tunnel: the form of our page, under another origin."""
    html = (f"<form method=post action='{action}'><input name=name value=evil><input name=scope value=keys:manage>"
            "<button>Win a prize</button></form>").encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: " + str(len(html)).encode() + b"\r\n\r\n" + html


def test_a_page_behind_a_tunnel_changes_nothing_in_the_account(edge, window, person, tunnel, new_app):
    opened = tunnel(new_app(RecordingApp, reply=page_that_posts(edge.api + "/account/keys")).port)
    page = window()
    sign_in(page, edge, person)
    page.wait_for("main#main")
    before = edge.call("GET", "/v1/auth/keys", key=person.key).json()["keys"]
    page.goto(opened.url)
    page.button("Win a prize")
    page.arrive(edge.api)
    assert page.texts(".secret") == [], "a key of the attacker's choice"
    assert len(edge.call("GET", "/v1/auth/keys", key=person.key).json()["keys"]) == len(before)
    page.goto(edge.api + "/account")
    assert page.heading == "Your account"


def test_our_pages_are_not_shown_in_a_frame_behind_a_tunnel(edge, window, person, tunnel, new_app):
    html = f"<title>bait</title><iframe src='{edge.api}/account/keys' width=600 height=600></iframe>".encode()
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: " + str(len(html)).encode() + b"\r\n\r\n" + html
    opened = tunnel(new_app(RecordingApp, reply=reply).port)
    page = window()
    sign_in(page, edge, person)
    page.wait_for("main#main")
    page.goto(opened.url)
    frames = page.do("frames")
    assert len(frames) == 2 and all("API keys" not in f and person.email not in f for f in frames), "the browser keeps it out"


def test_nothing_on_our_pages_is_blocked_or_missing_with_scripts_on(edge, window, person):
    page = window(scripts=True)
    sign_in(page, edge, person, "/account/keys")
    page.wait_for("#name")
    for path in ("/account", "/account/keys", "/account/devices", "/account/apps", "/account/security", "/account/events", "/device"):
        page.goto(edge.api + path)
    assert page.do("complaints") == []


# --- behind the links of mails


@pytest.fixture
def mailing(new_edge):
    """An edge that sends mails, and their server."""
    server = MailServer()
    yield new_edge(["--dev", "--sign-up", "open", "--smtp-url", f"smtp://127.0.0.1:{server.port}",
                    "--mail-from", "The Edge <edge@t.example.com>"]).start(), server
    server.stop()


def test_an_address_is_confirmed_and_a_password_chosen_behind_the_links(mailing, window):
    edge, server = mailing
    account, page = edge.register(), window()
    page.goto(server.newest(account.email).link)
    page.look("link-verify")
    page.button("Yes, it is mine")
    page.wait_for("text=You may close this page")
    page.look("link-verified")
    assert edge.call("GET", "/v1/auth/user", key=account.key).json()["email_verified"] is True

    assert edge.call("POST", "/v1/auth/password/reset-request", {"email": account.email}).status == 202
    page.goto(server.newest(account.email, count=2).link)
    page.look("link-reset")
    page.fill("#password", "password1")
    page.button("Save the password")
    page.wait_for("[role=alert]")
    page.look("link-reset-weak")
    page.fill("#password", "gravity & falls = up")
    page.button("Save the password")
    page.wait_for("text=sign in")
    page.look("link-reset-done")
    page.link("sign in")
    page.wait_for("#password")
    fill_in_sign_in(page, account.email, "gravity & falls = up")
    page.wait_for("main#main")
    assert page.heading == "Your account"
