"""The documents that OAuth apps publish about themselves (client ID metadata documents), on loopback."""

import http.server
import json
import ssl
import threading

from certificates import self_signed


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
