"""No log, no output and no file of the service ever holds a secret in plain form."""

import os
import re
import signal

from edge import Cli, Edge, Tunnel
from local_apps import RecordingApp

VISITOR_SECRETS = {
    "authorization": "visitor-bearer-7f3a9c", "cookie": "visitor-cookie-51d2be", "api key": "visitor-api-key-c0ffee", "query": "visitor-token-9e8d7c",
    "set-cookie": "app-session-44aa55bb", "body": "visitor-body-deadbeef",
}


def test_no_secret_in_any_log_output_or_file(binary, folder, new_cli, new_app):
    app = new_app(RecordingApp, reply=(
        f"HTTP/1.1 200 OK\r\nSet-Cookie: session={VISITOR_SECRETS['set-cookie']}\r\nContent-Length: 0\r\n\r\n").encode())
    edge = Edge(binary, folder / "edge", ["--dev", "--log-level", "trace"]).start()
    try:
        account = edge.register(password="planted-password-123456")
        made = edge.call("POST", "/v1/auth/keys", {"name": "planted", "permissions": ["tunnels:*"]}, account.key).json()
        edge.call("POST", "/v1/auth/login", {"email": account.email, "password": "planted-wrong-password"})
        login = edge.call("POST", "/v1/auth/login", {"email": account.email, "password": account.password}).json()
        edge.call("GET", "/v1/auth/user", key="it_plantedwrongkey0")
        cli = new_cli(edge)
        outputs = []
        for arguments in (["auth", "status"], ["auth", "test"], ["whoami"], ["ls"], ["config", "show"]):
            for level in ([], ["--json"], ["--log-level", "trace"]):
                done = cli.run(*arguments, *level, *cli.server(), INSTATUNNEL_API_KEY=made["key"])
                outputs.append(done.stdout + done.stderr)
        t = Tunnel(cli, str(app.port), "--log-level", "trace", "--log-file", str(folder / "client.log"), key=made["key"])
        reply = t.get(f"/path?token={VISITOR_SECRETS['query']}", "-H", f"Authorization: Bearer {VISITOR_SECRETS['authorization']}", "-H",
                      f"Cookie: c={VISITOR_SECRETS['cookie']}", "-H", f"X-API-Key: {VISITOR_SECRETS['api key']}", "-d", VISITOR_SECRETS["body"])
        assert reply.status == 200
        t.process.wait_event("request")
        edge.process.kill()
        t.process.wait_event("tunnel.reconnecting")
        t.process.send(signal.SIGINT)
        t.process.wait()
        edge.start()
        edge.stop()
        outputs += [t.process.stdout, t.process.stderr, (folder / "client.log").read_text()]
        for path in edge.folder.glob("logs/*.err"):
            outputs.append(path.read_text())

        secrets = {"account key": account.key, "made key": made["key"], "login key": login["api_key"], "password": account.password,
                   "wrong password": "planted-wrong-password", "wrong key": "it_plantedwrongkey0", "first key": edge.owner.key,
                   "first password": edge.owner.password, **VISITOR_SECRETS}
        for name, secret in secrets.items():
            for output in outputs:
                assert secret not in output, f"{name} is in an output or log:\n{output[-3000:]}"
        for base, _, files in os.walk(edge.data):
            for file in files:
                if file == "dev.json":
                    continue  # the one place where a dev edge keeps its first user in plain form
                content = open(os.path.join(base, file), "rb").read()
                for name, secret in secrets.items():
                    assert secret.encode() not in content, f"{name} lies in {file}"
        assert (folder / "client.log").stat().st_size > 200, "the trace log is empty: this test would prove nothing"
        assert sum(p.stat().st_size for p in edge.folder.glob("logs/*.err")) > 200
    finally:
        if edge.process.running():
            edge.process.kill()


def test_the_database_says_so_when_it_is_not_ours(binary, folder):
    edge = Edge(binary, folder / "edge")
    edge.data.mkdir(parents=True, mode=0o700)
    edge.start()
    edge.stop()
    stores = [p for p in edge.data.rglob("*") if p.is_file() and p.read_bytes()[:15] == b"SQLite format 3"]
    assert stores, "no SQLite file in the data folder"
    for store in stores:
        store.write_bytes(b"this is not a database" * 100)
    for leftover in list(edge.data.glob("*-wal")) + list(edge.data.glob("*-shm")):
        leftover.unlink()
    done = Cli(binary, folder / "cli").run("serve", "--dev", "--listen", f"127.0.0.1:{edge.port}", "--data", edge.data)
    assert done.returncode == 1 and re.search(f"^Error: .*{re.escape(str(edge.data))}", done.stderr, re.M), done
