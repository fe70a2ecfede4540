"""A running `instatunnel serve`, its accounts, and clients that belong to it."""

import json
import pathlib
import secrets
import subprocess
import urllib.parse

from api_description import description_of
import secret_watch
from ports import free_port
from process import Process, clean_environment
from visitor import RawVisitor, curl


class Account:
    def __init__(self, email, password, key):
        self.email, self.password, self.key = email, password, key
        secret_watch.add(password, key)


class Edge:
    """`serve` on loopback with its own home, data folder and port, which stay the same over restarts.

    By default a dev edge on IPv4; `arguments` replaces `--dev`, `host` is another address, or empty for all."""

    def __init__(self, binary, folder, arguments=("--dev",), home=None, host="127.0.0.1"):
        self.binary = binary
        self.folder = pathlib.Path(folder)
        self.home = pathlib.Path(home) if home else self.folder / "edge-home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "edge-data"
        self.port = free_port()
        self.host = host
        self.arguments = list(arguments)
        self.environment = {}
        self.process = None
        self.ready = {}

    def start(self):
        self.process = Process(
            "edge", [self.binary, "serve", *self.arguments, "--listen", f"{self.host}:{self.port}", "--data", self.data, "--json"],
            self.folder / "logs", env=clean_environment(self.home, **self.environment))
        self.ready = self.process.wait_event("serve.ready")
        secret_watch.add(self.ready.get("password"), self.ready.get("api_key"))
        return self

    def stop(self, limit=40):
        return self.process.stop(limit)

    @property
    def api(self):
        return self.ready["api"]

    @property
    def cacert(self):
        return self.ready.get("cacert") or None

    @property
    def domain(self):
        return self.ready["domain"]

    @property
    def owner(self):
        """The first user of a dev edge."""
        return Account(self.ready["email"], self.ready["password"], self.ready["api_key"])

    def url(self, name, path="/"):
        return f"https://{name}.{self.domain}:{self.port}{path}"

    def get(self, name, path="/", *arguments):
        return curl(self.url(name, path), self.cacert, *arguments)

    def raw(self, name):
        return RawVisitor(self.port, f"{name}.{self.domain}", self.cacert)

    def call(self, method, path, body=None, key=None, *arguments):
        """An API call through curl; `body` is sent as JSON unless it is bytes. The answer must be one of those described."""
        options = ["-X", method]
        if body is not None:
            secret_watch.add_from_json(body if isinstance(body, str) else json.dumps(body))
            options += ["-H", "Content-Type: application/json", "--data-binary", body if isinstance(body, str) else json.dumps(body)]
        if key:
            options += ["-H", f"Authorization: Bearer {key}"]
        reply = curl(self.api + path, self.cacert, *options, *arguments)
        secret_watch.add_from_json(reply.text)
        if reply.status:
            description_of(self.binary).check(method, path, reply)
        return reply

    def register(self, email=None, password=None):
        email = email or f"user-{secrets.token_hex(6)}@example.com"
        password = password or "correct horse " + secrets.token_hex(6)
        reply = self.call("POST", "/v1/auth/register", {"email": email, "password": password})
        assert reply.status == 201, reply
        return Account(email, password, reply.json()["api_key"])


class Cli:
    """Runs the program as a person or script would: own home, clean environment, nothing on standard input."""

    def __init__(self, binary, folder, edge=None):
        self.binary = str(binary)
        self.folder = pathlib.Path(folder)
        self.home = self.folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.edge = edge

    @property
    def config_folder(self):
        return self.home / ".instatunnel"

    @property
    def config_file(self):
        return self.config_folder / "config.json"

    def environment(self, **extra):
        return clean_environment(self.home, **extra)

    def server(self):
        """The flags that name the edge."""
        return ["--server", self.edge.api, "--cacert", self.edge.cacert]

    def run(self, *arguments, input=None, limit=20, **environment):  # pylint: disable=redefined-builtin
        """Runs to the end; result has returncode, stdout, stderr. Never waits longer than `limit`."""
        secret_watch.add_from_text(" ".join(environment.values()))
        done = subprocess.run(
            [self.binary, *map(str, arguments)], input=input, stdin=subprocess.DEVNULL if input is None else None, capture_output=True,
            encoding="utf-8", timeout=limit, env=self.environment(**environment), cwd=self.folder, check=False)
        secret_watch.check_run(arguments, done)
        return done

    def start(self, name, *arguments, **environment):
        """Starts the program and returns at once."""
        secret_watch.add_from_arguments([*arguments, *environment.values()])
        return Process(name, [self.binary, *arguments], self.folder / "logs", env=self.environment(**environment), cwd=self.folder)


class Tunnel:
    """A client with `--json` whose tunnel is open."""

    def __init__(self, cli, target, *arguments, name=None, key=None):
        self.cli, self.edge = cli, cli.edge
        flags = ["--subdomain", name] if name else []
        self.process = cli.start("client", target, *flags, "--json", *arguments, *cli.server(),
                                 INSTATUNNEL_API_KEY=key or self.edge.owner.key)
        self.ready = self.process.wait_event("tunnel.ready")
        self.url = self.ready["url"]
        self.host = urllib.parse.urlsplit(self.url).hostname
        self.name = self.host.split(".")[0]

    def get(self, path="/", *arguments):
        return curl(self.url + path, self.edge.cacert, *arguments)

    def raw(self):
        return RawVisitor(self.edge.port, self.host, self.edge.cacert)

    def answers(self, path="/", status=200):
        return self.get(path, "--max-time", "3").status == status

    def stop(self, limit=10):
        return self.process.stop(limit)
