"""OAuth apps whose id is the address of a document that describes them."""

import pytest

from client_documents import Documents
from form_browser import FormBrowser
from oauth_app import OAuthApp


@pytest.fixture
def documents(folder):
    server = Documents(folder)
    yield server
    server.stop()


@pytest.fixture
def edge(new_edge, documents):
    return new_edge(["--dev", "--fetch-cacert", documents.certificate]).start()


def signed_in(edge):
    browser = FormBrowser(edge)
    assert browser.sign_in(edge.owner).status == 200
    return browser


def test_an_app_is_known_by_its_address(edge, documents):
    app = OAuthApp(edge, documents.put("/app.json"), None, "http://127.0.0.1/cb")
    browser = signed_in(edge)
    page = browser.open(app.authorize_path())
    assert page.status == 200 and "Editor" in page.heading and "localhost" in page.reply.text, page
    answer = app.ask(browser)
    tokens = app.exchange(answer["code"])
    assert tokens.status == 200, tokens
    assert edge.call("GET", "/v1/tunnels", key=tokens.json()["access_token"]).status == 200
    assert documents.asked == ["/app.json"], "a fresh document is not fetched again"


def test_nobody_who_is_not_signed_in_makes_the_edge_fetch_anything(edge, documents):
    app = OAuthApp(edge, documents.put("/app.json"), None, "http://127.0.0.1/cb")
    browser = FormBrowser(edge)
    assert browser.open(app.authorize_path()).path == "/sign-in"
    asked = edge.call("POST", "/v1/oauth/device_authorization", {"client_id": app.id})
    assert asked.status == 401 and documents.asked == []


@pytest.mark.parametrize("path,change", [
    ("/other.json", {"client_id": "https://evil.example/app.json"}),
    ("/secret.json", {"client_secret": "its_" + "a" * 40, "token_endpoint_auth_method": "client_secret_post"}),
    ("/redirect.json", {"redirect_uris": ["http://evil.example/cb"]}),
    ("/moved.json", {"status": 302}),
    ("/page.json", {"content_type": "text/html"}),
    ("/large.json", {"client_name": "x" * 6000}),
    ("/gone.json", {"status": 410}),
])
def test_a_document_that_cannot_be_trusted_is_a_page_and_no_redirect(edge, documents, path, change):
    app = OAuthApp(edge, documents.put(path, **change), None, "http://127.0.0.1/cb")
    page = signed_in(edge).open(app.authorize_path())
    assert page.status == 400 and page.location is None and "made a mistake" in page.problem, page


def test_an_owner_can_do_without(new_edge, documents):
    edge = new_edge(["--dev", "--no-client-documents"]).start()
    app = OAuthApp(edge, documents.put("/app.json"), None, "http://127.0.0.1/cb")
    page = signed_in(edge).open(app.authorize_path())
    assert page.status == 400 and "not accepted" in page.problem and documents.asked == []
    assert edge.call("GET", "/.well-known/oauth-authorization-server").json()["client_id_metadata_document_supported"] is False


def test_a_document_on_a_private_address_is_not_fetched_by_a_real_edge(edge, documents):
    for address in ("https://10.0.0.1/app.json", "https://169.254.169.254/latest/app.json", "https://[fd00::1]/app.json"):
        page = signed_in(edge).open(OAuthApp(edge, address, None, "http://127.0.0.1/cb").authorize_path())
        assert page.status == 400 and page.location is None, page
