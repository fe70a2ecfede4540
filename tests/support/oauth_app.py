"""An OAuth client as an app of somebody else would be one: its registration, its requests and its tokens."""

import base64
import hashlib
import secrets
import urllib.parse

import secret_watch

CALLBACK = "https://yourapp.com/callback"
LOOPBACK = "http://127.0.0.1/cb"
_SECRET_FIELDS = ("client_secret", "code", "code_verifier", "refresh_token", "device_code", "token")


def query_of(address):
    """The parameters of an address, each once."""
    pairs = urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), address
    return dict(pairs)


class OAuthApp:
    """`secret` None: a public client. Every authorization request gets a PKCE verifier of its own."""

    def __init__(self, edge, client_id, secret, redirect_uri):
        self.edge, self.id, self.secret, self.redirect_uri = edge, client_id, secret, redirect_uri
        self.verifier = None

    @classmethod
    def confidential(cls, edge, key, redirect_uri=CALLBACK, **more):
        """Registered by an account."""
        made = edge.call("POST", "/v1/oauth/clients", {"name": "Your app", "redirect_uris": [redirect_uri], **more}, key)
        assert made.status == 201, made
        return cls(edge, made.json()["id"], made.json()["client_secret"], redirect_uri)

    @classmethod
    def public(cls, edge, redirect_uri=LOOPBACK, **more):
        """Registers itself, as a program on somebody's computer."""
        made = edge.call("POST", "/v1/oauth/register", {
            "client_name": "A program", "redirect_uris": [redirect_uri], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"], **more})
        assert made.status == 201, made
        return cls(edge, made.json()["client_id"], None, redirect_uri)

    def authorize_path(self, **changes):
        """Path and query of an authorization request; a change to None leaves the parameter out."""
        self.verifier = secrets.token_urlsafe(32)
        secret_watch.add(self.verifier)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {"response_type": "code", "client_id": self.id, "redirect_uri": self.redirect_uri, "scope": "tunnels:read tunnels:write",
                 "state": secrets.token_urlsafe(8), "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
                 "code_challenge_method": "S256"} | changes
        return "/v1/oauth/authorize?" + urllib.parse.urlencode({n: v for n, v in query.items() if v is not None})

    def ask(self, browser, decision="allow", **changes):
        """Sends the person in `browser` (signed in) to the consent page; returns the parameters that come back."""
        page = browser.open(self.authorize_path(**changes))
        if page.location is None:
            page = browser.submit(page, "/v1/oauth/authorize", decision)
        assert page.location is not None and page.location.startswith(self.redirect_uri + "?"), page
        return query_of(page.location)

    def post(self, endpoint, **fields):
        """A form with this client's name and secret in it; None leaves a field out."""
        pairs = {"client_id": self.id, "client_secret": self.secret} | fields
        secret_watch.add(*(pairs.get(n) for n in _SECRET_FIELDS))
        body = urllib.parse.urlencode({n: v for n, v in pairs.items() if v is not None})
        return self.edge.call("POST", f"/v1/oauth/{endpoint}", None, None, "--data-raw", body)

    def exchange(self, code, **changes):
        return self.post("token", **{"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri,
                                     "code_verifier": self.verifier} | changes)

    def refresh(self, token, **changes):
        return self.post("token", **{"grant_type": "refresh_token", "refresh_token": token} | changes)

    def tokens(self, browser, **changes):
        """The whole way: consent, code, tokens."""
        reply = self.exchange(self.ask(browser, **changes)["code"])
        assert reply.status == 200, reply
        return reply.json()
