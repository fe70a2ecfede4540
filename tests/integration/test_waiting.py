"""What the program does when the server says "not now": a scripted server counts and dates the requests."""

import http.server
import json
import re
import ssl
import threading
import time

import pytest

KEY = "it_0123456789abcdef"
USER = {"id": "user_1", "email": "john@example.com", "name": "John", "plan": "pro", "usage": {}, "permissions": ["tunnels:*"],
        "key": {"id": "key_1", "name": "k", "expires_at": None}}


class ScriptedServer:
    """Answers each request with the next of `replies`: (status, fields, body); the last one for ever."""

    def __init__(self, certificate):
        self.replies = [(200, {}, USER)]
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.requests.append((self.command, self.path))
                status, fields, body = outer.replies.pop(0) if len(outer.replies) > 1 else outer.replies[0]
                data = json.dumps(body).encode()
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.flags = ["--server", f"https://localhost:{self.server.server_port}", "--cacert", certificate[0], "--api-key", KEY]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def refusal(wait=None, status=429):
    body = {"error": "rate_limited", "message": "API rate limit exceeded", "code": 4029}
    if wait is not None:
        body["retry_after"] = wait
    return (status, {} if wait is None else {"Retry-After": str(wait)}, body)


@pytest.fixture
def scripted(certificate):
    server = ScriptedServer(certificate)
    yield server
    server.stop()


def test_a_refused_question_is_asked_again_after_the_time_the_server_names(new_cli, scripted):
    scripted.replies = [refusal(1), (200, {}, USER)]
    start = time.monotonic()
    done = new_cli().run("auth", "test", *scripted.flags)
    assert done.returncode == 0 and done.stdout.startswith("✅ API key is valid\n"), done
    assert time.monotonic() - start >= 1
    assert re.fullmatch(r"The server asks to wait: trying again in [12] seconds? \(Ctrl\+C stops; --no-wait gives up at once\)\n", done.stderr)
    assert len(scripted.requests) == 2


def test_json_stays_one_object_while_it_waits(new_cli, scripted):
    scripted.replies = [refusal(), refusal(status=503), (200, {}, USER)]
    done = new_cli().run("auth", "status", "--json", *scripted.flags)
    assert done.returncode == 0 and json.loads(done.stdout)["status"] == "valid"
    assert done.stderr.count("The server asks to wait") == 2 and len(scripted.requests) == 3


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_no_wait_is_exit_7_at_once_with_the_time_to_wait(new_cli, scripted, flags):
    scripted.replies = [refusal(37)]
    done = new_cli().run("whoami", "--no-wait", *flags, *scripted.flags)
    assert done.returncode == 7 and "Wait 37 seconds, then try again" in done.stdout + done.stderr, done
    assert len(scripted.requests) == 1


def test_a_wait_beyond_the_limit_is_not_begun(new_cli, scripted):
    scripted.replies = [refusal(3600)]
    done = new_cli().run("ls", *scripted.flags)
    assert done.returncode == 7 and done.stderr == "Error: API rate limit exceeded. Wait 3600 seconds, then try again\n", done
    assert len(scripted.requests) == 1


def test_signing_in_is_never_repeated(new_cli, scripted):
    scripted.replies = [refusal(1), (200, {}, {})]
    done = new_cli().run("login", "-e", "a@example.com", "--password-stdin", *scripted.flags, input="correct horse\n")
    assert done.returncode == 7 and "Wait 1 second," in done.stderr, done
    assert scripted.requests == [("POST", "/v1/auth/login")]


def test_kill_is_repeated(new_cli, scripted):
    scripted.replies = [refusal(1), (200, {}, {})]
    done = new_cli().run("kill", "demo", *scripted.flags)
    assert done.returncode == 0 and scripted.requests == [("DELETE", "/v1/tunnels/demo")] * 2, done
