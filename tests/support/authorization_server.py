"""A small authorization server over TLS whose every answer a test can replace: what our own edge would never do."""

import base64
import hashlib
import http.server
import json
import secrets
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request

import secret_watch
from ports import free_port

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def make_key():
    key = "it_" + secrets.token_hex(8)
    secret_watch.add(key)
    return key


def make_token(prefix):
    token = prefix + secrets.token_urlsafe(24)
    secret_watch.add(token)
    return token


class Request:
    def __init__(self, handler, body):
        self.method = handler.command
        parts = urllib.parse.urlsplit(handler.path)
        self.path, self.query = parts.path, dict(urllib.parse.parse_qsl(parts.query))
        self.authorization = handler.headers.get("Authorization", "")
        self.type = handler.headers.get("Content-Type", "")
        self.form = dict(urllib.parse.parse_qsl(body)) if self.type == "application/x-www-form-urlencoded" else {}
        self.json = json.loads(body) if self.type == "application/json" else None


class AuthorizationServer:
    """`answers[path]`: a function of the request that gives (status, body); None of it closes the connection without an answer.
    The defaults are a correct server: it checks PKCE, gives each code and device code once, and knows its tokens."""

    email = "me@example.com"

    def __init__(self, certificate):
        self.port = free_port()
        self.issuer = f"https://localhost:{self.port}"
        self.cacert = certificate[0]
        self.requests, self.codes, self.tokens, self.keys, self.revoked = [], {}, {}, {}, []
        self.device_code, self.interval, self.expires_in = make_token("dc_"), 1, 600
        self.answers = {
            "/.well-known/oauth-authorization-server": lambda r: (200, self.description()),
            "/oauth/authorize": self.authorize,
            "/oauth/token": self.exchange,
            "/oauth/device_authorization": lambda r: (200, self.device_grant()),
            "/oauth/revoke": self.revoke,
            "/v1/auth/user": self.show_user,
            "/v1/auth/keys": self.create_key,
            "/v1/auth/logout": self.log_out,
        }
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, certificate))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                request = Request(self, body)
                owner.requests.append(request)
                answer = owner.answers.get(request.path, lambda r: (404, {"error": "not_found", "message": "There is nothing here", "code": 4004}))
                given = answer(request)
                if given is None:
                    self.close_connection = True
                    return
                status, content = given
                data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", content)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        return Handler

    def asked(self, path):
        return [r for r in self.requests if r.path == path]

    # --- the defaults --------------------------------------------------------------------------------------------

    def description(self):
        return {"issuer": self.issuer, "authorization_endpoint": self.issuer + "/oauth/authorize", "token_endpoint": self.issuer + "/oauth/token",
                "device_authorization_endpoint": self.issuer + "/oauth/device_authorization",
                "revocation_endpoint": self.issuer + "/oauth/revoke", "code_challenge_methods_supported": ["S256"]}

    def authorize(self, r):
        """Somebody who is signed in and says yes."""
        q = r.query
        redirect = urllib.parse.urlsplit(q["redirect_uri"])
        right = (q["response_type"], q["client_id"], q["code_challenge_method"], redirect.hostname, redirect.path) == (
            "code", "instatunnel-cli", "S256", "127.0.0.1", "/cb")
        if not right or not q["state"] or "device_name" in q:
            return 400, "wrong request"
        code = make_token("co_")
        self.codes[code] = q
        return 302, self.redirect(q, code=code)

    def redirect(self, query, **answer):
        answer = {"state": query["state"], "iss": self.issuer, **answer}
        return query["redirect_uri"] + "?" + urllib.parse.urlencode({k: v for k, v in answer.items() if v is not None})

    def issue(self):
        access, refresh = make_token("ita_"), make_token("itr_")
        self.tokens[access] = refresh
        return 200, {"access_token": access, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh, "scope": "*"}

    def exchange(self, r):
        if r.form.get("client_id") != "instatunnel-cli":
            return 401, {"error": "invalid_client"}
        if r.form.get("grant_type") == DEVICE_GRANT:
            return self.issue() if r.form.get("device_code") == self.device_code else (400, {"error": "invalid_grant"})
        asked = self.codes.pop(r.form.get("code"), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(r.form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if not asked or asked["code_challenge"] != challenge or asked["redirect_uri"] != r.form.get("redirect_uri"):
            return 400, {"error": "invalid_grant", "error_description": "The code does not work"}
        return self.issue()

    def device_grant(self):
        return {"device_code": self.device_code, "user_code": "WDJB-MJHT", "verification_uri": self.issuer + "/device",
                "verification_uri_complete": self.issuer + "/device?user_code=WDJB-MJHT", "expires_in": self.expires_in, "interval": self.interval}

    def revoke(self, r):
        self.revoked.append(r.form["token"])
        self.tokens = {a: b for a, b in self.tokens.items() if r.form["token"] not in (a, b)}
        return 200, ""

    def may(self, r):
        bearer = r.authorization.removeprefix("Bearer ")
        return bearer in self.tokens or bearer in self.keys

    def show_user(self, r):
        if not self.may(r):
            return 401, {"error": "unauthorized", "message": "Invalid or missing API key", "code": 4001}
        return 200, {"id": "user_1", "email": self.email, "plan": "pro", "usage": {}, "permissions": ["*"], "key": {"id": "key_0", "expires_at": None}}

    def create_key(self, r):
        if r.authorization.removeprefix("Bearer ") not in self.tokens:
            return 401, {"error": "unauthorized", "message": "Invalid or missing API key", "code": 4001}
        key, identity = make_key(), f"key_{len(self.keys) + 1}"
        self.keys[key] = r.json
        return 201, {"id": identity, "name": r.json["name"], "key": key, "permissions": r.json["permissions"], "created_at": "2026-01-01T00:00:00Z",
                     "expires_at": None, "last_used": None}

    def log_out(self, r):
        return (204, "") if self.keys.pop(r.authorization.removeprefix("Bearer "), None) else (401, {"error": "unauthorized", "code": 4001})


class Page:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.text = status, headers, body.decode()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):  # pylint: disable=arguments-differ
        return None


def visit(url, cacert, follow=True, limit=20, **headers):
    """What a browser gets there, after redirects unless told otherwise."""
    context = ssl.create_default_context(cafile=str(cacert))
    handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)] + ([] if follow else [_Stay()])
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=limit) as reply:
            return Page(reply.status, reply.headers, reply.read())
    except urllib.error.HTTPError as refused:
        return Page(refused.code, refused.headers, refused.read())
