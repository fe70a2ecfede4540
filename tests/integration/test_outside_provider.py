"""Sign-in through an outside OpenID provider, with the npm package oidc-provider in its place."""

import http.cookiejar
import re
import secrets
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

from form_browser import FormBrowser
from npm_tools import SUPPORT, npm_folder
from ports import free_port
from process import Process, clean_environment
import secret_watch


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows redirects of the provider, and stops at the one that leads back to the edge."""

    def redirect_request(self, request, *arguments):
        target = arguments[-1]
        return None if target.startswith("https://") else super().redirect_request(request, *arguments)


class Provider:
    def __init__(self, edge):
        self.port = free_port()
        self.secret = secrets.token_urlsafe(16)
        secret_watch.add(self.secret)
        script = npm_folder("oidc-provider") / "oidc_provider.mjs"  # packages are found from where a script lies
        script.write_bytes((SUPPORT / "npm" / "oidc_provider.mjs").read_bytes())
        self._process = Process(
            "provider", ["node", script, self.port, f"https://api.localhost:{edge.port}/sign-in/callback"],
            edge.folder / "logs", env=clean_environment(edge.folder, PROVIDER_SECRET=self.secret))
        self.issuer = self._process.wait_event("provider.ready", 60)["issuer"]

    def sign_in(self, location, name, answer="consent"):
        """Goes through the provider's own pages as `name`; returns the address that leads back to the edge."""
        browser = urllib.request.build_opener(_Stay(), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

        def go(address, fields=None):
            data = urllib.parse.urlencode(fields).encode() if fields else None
            try:
                with browser.open(address, data, timeout=30) as page:
                    return page.geturl(), page.read().decode()
            except urllib.error.HTTPError as error:
                if error.headers.get("Location", "").startswith("https://"):
                    return error.headers["Location"], None
                raise

        address, page = go(location)
        for fields in ({"prompt": "login", "login": name, "password": "any"}, {"prompt": "consent"}):
            if page is None:
                break
            if fields["prompt"] == "consent" and answer == "abort":
                address, page = go(urllib.parse.urljoin(address, re.search(r'href="([^"]+abort)"', page).group(1)))
                break
            action = urllib.parse.urljoin(address, re.search(r'action="([^"]+)"', page).group(1))
            address, page = go(action, fields)
        assert page is None and address.startswith("https://"), (address, page)
        return address

    def stop(self):
        self._process.kill()


@pytest.fixture
def made(new_edge):
    """Starts an edge with a provider beside it; stops the provider at the end."""
    providers = []

    def make(*arguments, settings=""):
        edge = new_edge(["--dev", *arguments])
        provider = Provider(edge)
        providers.append(provider)
        edge.arguments += ["--oidc", f"issuer={provider.issuer},client_id=edge,name=Example{settings}"]
        edge.environment = {"INSTATUNNEL_OIDC_SECRET": provider.secret}
        edge.start()
        return edge, provider

    yield make
    for provider in providers:
        provider.stop()


def back_from(provider, browser, name, answer="consent"):
    """The person `name` in `browser` goes to the provider; returns where it sends them back to."""
    page = browser.open("/sign-in")
    assert any(link.startswith("/sign-in/provider?") for link in page.links) and "Sign in with Example" in page.reply.text
    away = browser.request("GET", "/sign-in/provider?next=%2Faccount")
    assert away.status == 303, away
    return path_of(provider.sign_in(away.header("Location"), name, answer))


def path_of(address):
    parts = urllib.parse.urlsplit(address)
    return f"{parts.path}?{parts.query}"


def test_a_person_of_the_provider_gets_an_account_and_finds_it_again(made):
    edge, provider = made()
    for _ in range(2):
        browser = FormBrowser(edge)
        page = browser.open(back_from(provider, browser, "ann@example.org"))
        assert page.status == 200 and "ann@example.org" in page.reply.text, page
    events = browser.open("/account/events").reply.text
    assert events.count("account.registered") == 1 and "session.started" in events


def test_an_address_that_the_provider_has_not_verified_opens_nothing(made):
    edge, provider = made()
    browser = FormBrowser(edge)
    page = browser.open(back_from(provider, browser, "unverified@example.org"))
    assert page.status == 403 and "has not verified" in page.reply.text


def test_an_account_that_a_stranger_made_with_somebodys_address_is_not_taken_for_theirs(made):
    edge, provider = made("--sign-up", "open")
    edge.register("victim@example.org")
    browser = FormBrowser(edge)
    page = browser.open(back_from(provider, browser, "victim@example.org"))
    assert page.status == 403 and "nobody has confirmed" in page.reply.text


def test_only_welcome_domains_sign_in_and_they_may_join_where_sign_up_is_closed(made):
    edge, provider = made("--sign-up", "closed", settings=",domains=example.org")
    browser = FormBrowser(edge)
    page = browser.open(back_from(provider, browser, "bob@elsewhere.example"))
    assert page.status == 403 and "domain" in page.reply.text
    browser = FormBrowser(edge)
    assert browser.open(back_from(provider, browser, "bob@example.org")).status == 200


def test_an_account_of_the_owner_is_linked_where_nobody_else_makes_accounts(made):
    edge, provider = made("--sign-up", "closed")
    browser = FormBrowser(edge)
    page = browser.open(back_from(provider, browser, "stranger@example.org"))
    assert page.status == 403 and "sign-up is closed" in page.reply.text
    added = subprocess.run([edge.binary, "admin", "user", "add", "carl@example.org", "--data", edge.data, "--json"], check=True,
                           capture_output=True, text=True, stdin=subprocess.DEVNULL, env=clean_environment(edge.home))
    secret_watch.add_from_text(added.stdout)
    browser = FormBrowser(edge)
    assert "carl@example.org" in browser.open(back_from(provider, browser, "carl@example.org")).reply.text


def test_an_answer_works_once_and_in_the_browser_that_asked(made):
    edge, provider = made()
    browser = FormBrowser(edge)
    answer = back_from(provider, browser, "ann@example.org")
    thief = FormBrowser(edge)
    assert thief.request("GET", answer).status == 400
    assert browser.open(answer).status == 200
    again = FormBrowser(edge)
    again.request("GET", "/sign-in/provider?next=%2Faccount")
    refused = again.request("GET", answer)
    assert refused.status == 502 and "/account" not in (refused.header("Location") or "")


def test_an_answer_of_another_issuer_or_with_another_state_is_refused(made):
    edge, provider = made()
    for old, new in (("iss=http", "iss=https"), ("state=", "state=x")):
        browser = FormBrowser(edge)
        answer = back_from(provider, browser, "ann@example.org")
        assert old in answer
        assert browser.request("GET", answer.replace(old, new)).status == 502


def test_a_no_at_the_provider_is_told(made):
    edge, provider = made()
    browser = FormBrowser(edge)
    page = browser.open(back_from(provider, browser, "ann@example.org", answer="abort"))
    assert page.status == 502 and "Example" in page.reply.text
