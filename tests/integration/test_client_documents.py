"""OAuth apps whose id is the address of a document that describes them."""

import http.server
import json
import ssl
import threading

import pytest

from certificates import self_signed
from form_browser import FormBrowser
from oauth_app import OAuthApp


class Documents:
    """An https server with documents; counts what was asked for."""

    def __init__(self, folder):
        self.certificate, key = self_signed(folder / "documents")
        self.pages, self.asked = {}, []
        documents = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                documents.asked.append(self.path)
                status, content_type, body = documents.pages.get(self.path, (404, "text/plain", b""))
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                if status == 302:
                    self.send_header("Location", "/app.json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"https://localhost:{self._server.server_port}{path}"

    def put(self, path, status=200, content_type="application/json", **changes):
        document = {"client_id": self.url(path), "client_name": "Editor", "redirect_uris": ["http://127.0.0.1/cb"],
                    "token_endpoint_auth_method": "none"} | changes
        self.pages[path] = (status, content_type, json.dumps(document).encode())
        return self.url(path)

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


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
