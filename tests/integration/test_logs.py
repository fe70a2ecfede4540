"""The edge's log of requests and its figures: the API, `logs`, `stats`, `ls`, and the modes that published clients spelled as flags."""

import concurrent.futures
import json
import re
import shutil
import subprocess
import time

import pytest

from edge import Tunnel
from process import wait_until
from visitor import curl


@pytest.fixture
def owner(edge):
    return edge.register()


@pytest.fixture
def demo(tunnel, app, owner):
    return tunnel(app.port, key=owner.key)


def logged(edge, key, query=""):
    reply = edge.call("GET", "/v1/logs" + query, None, key)
    assert reply.status == 200, reply
    return reply.json()


def run(demo, owner, *arguments, **options):
    return demo.cli.run(*arguments, *demo.cli.server(), "--api-key", owner.key, **options)


def lines_of(done):
    assert done.returncode == 0, done
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_visitors_asked_for_is_in_the_log_without_their_queries(edge, owner, demo, folder):
    (folder / "body").write_bytes(b"x" * 1234)
    demo.get("/echo?token=query-secret-91")
    demo.get("/status/404", "-I")
    demo.get("/echo", "--http2", "--data-binary", f"@{folder / 'body'}")
    demo.get("/" + "long/" * 60)
    page = wait_until(lambda: (p := logged(edge, owner.key)) and len(p["requests"]) == 4 and p, 10, "four requests")
    first, second, third, fourth = page["requests"]
    assert (first["method"], first["path"], first["status"], first["tunnel"], first["complete"]) == ("GET", "/echo", 200, demo.name, True)
    assert first["bytes_out"] > 10 and first["bytes_in"] == 0 and 0 < first["ms"] < 5000
    assert (second["method"], second["path"], second["status"], second["bytes_out"]) == ("HEAD", "/status/404", 404, 0)
    assert (third["method"], third["bytes_in"]) == ("POST", 1234)
    assert fourth["path_cut"] and len(fourth["path"]) == 129
    assert "query-secret" not in json.dumps(page)


def test_what_the_edge_answered_for_the_tunnel_and_what_was_broken_off_is_there_too(edge, owner, tunnel, app):
    demo = tunnel(app.port, "--password", "logged-word-5511", key=owner.key)
    assert demo.get("/echo").status == 401
    header = ("-H", "X-Tunnel-Password: logged-word-5511")
    assert demo.get("/slow?ms=3000", "--max-time", "0.5", *header).status == 0
    assert demo.get("/chunks?n=50&ms=50", "--max-time", "0.7", *header).exit_code != 0
    upgraded = demo.get("/echo", "-H", "Connection: Upgrade", "-H", "Upgrade: none", *header)
    assert upgraded.status == 200
    page = wait_until(lambda: (p := logged(edge, owner.key)) and len(p["requests"]) == 4 and p, 10, "four requests")
    by_path = {(r["path"], r["status"]): r for r in page["requests"]}
    assert by_path[("/echo", 401)]["complete"]
    left = by_path[("/slow", None)]
    assert not left["complete"] and left["ms"] >= 400
    cut = by_path[("/chunks", 200)]
    assert not cut["complete"] and cut["bytes_out"] >= 1000
    demo.process.kill()
    assert demo.get("/echo", *header).status == 503, "after it has waited for the client to come back"
    wait_until(lambda: any(r["status"] == 503 for r in logged(edge, owner.key)["requests"]), 10, "the 503")


def test_an_account_sees_its_own_requests_only(edge, owner, demo):
    other = edge.register()
    demo.get("/echo")
    wait_until(lambda: logged(edge, owner.key)["requests"], 10, "the request")
    assert logged(edge, other.key)["requests"] == []
    assert edge.call("GET", f"/v1/tunnels/{demo.name}/requests", None, other.key).status == 404
    mine = edge.call("GET", f"/v1/tunnels/{demo.name}/requests", None, owner.key)
    assert mine.status == 200 and len(mine.json()["requests"]) == 1
    weak = edge.call("POST", "/v1/auth/keys", {"name": "weak", "permissions": ["tunnels:stats"]}, owner.key).json()["key"]
    refused = edge.call("GET", "/v1/logs", None, weak)
    assert refused.status == 403 and refused.json()["required_scope"] == "logs:read"


def test_a_call_that_waits_is_answered_when_a_request_comes(edge, owner, demo):
    position = logged(edge, owner.key)["next"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        waiting = pool.submit(logged, edge, owner.key, f"?wait=20&after={position}")
        time.sleep(0.5)
        assert not waiting.done()
        demo.get("/echo")
        assert [r["path"] for r in waiting.result(10)["requests"]] == ["/echo"]
        assert time.monotonic() - began < 4


def test_an_edge_that_stops_does_not_wait_for_those_who_follow(new_edge):
    edge = new_edge().start()
    key = edge.owner.key
    position = logged(edge, key)["next"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(logged, edge, key, f"?wait=25&after={position}")
        time.sleep(0.5)
        began = time.monotonic()
        assert edge.stop() == 0
        assert time.monotonic() - began < 3
        assert waiting.result(5)["requests"] == []


@pytest.mark.skipif(not shutil.which("h2load"), reason="no h2load")
def test_the_oldest_are_forgotten_first(edge, owner, tunnel, app):
    demo = tunnel(app.port, "--password", "logged-word-5512", key=owner.key)
    assert demo.get("/status/418", "-H", "X-Tunnel-Password: logged-word-5512").status == 418
    wait_until(lambda: logged(edge, owner.key, "?status=418")["requests"], 10, "the request")
    # The edge's own answers fill the log as well, and faster.
    subprocess.run(["h2load", "-n", "66000", "-c", "4", "-m", "50", "--connect-to", f"127.0.0.1:{edge.port}", demo.url + "/echo"],
                   capture_output=True, timeout=240, check=True)
    assert logged(edge, owner.key, "?status=418")["requests"] == []
    newest = logged(edge, owner.key, "?limit=1000")["requests"]
    assert len(newest) == 1000 and {entry["status"] for entry in newest} == {401}


def test_logs_shows_filters_and_counts(owner, demo):
    for path in ("/echo?a=1", "/status/404", "/status/503", "/cookies"):
        demo.get(path)
    wait_until(lambda: len(lines_of(run(demo, owner, "logs", "--json"))) == 4, 10, "four requests")
    plain = run(demo, owner, "logs")
    lines = plain.stdout.splitlines()
    assert len(lines) == 4
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ {demo.name} GET /echo 200 OK \S+ k?B \S+", lines[0]), lines[0]
    assert [e["status"] for e in lines_of(run(demo, owner, "logs", demo.name, "--status", "4xx,5xx", "--json"))] == [404, 503]
    assert [e["path"] for e in lines_of(run(demo, owner, "logs", "--path", "/status/*3", "--json"))] == ["/status/503"]
    assert [e["path"] for e in lines_of(run(demo, owner, "logs", "-n", "1", "--json"))] == ["/cookies"]
    assert len(lines_of(run(demo, owner, "logs", "--since", "1h", "--json"))) == 4
    assert lines_of(run(demo, owner, "logs", "--since", "2999-01-01T00:00:00Z", "--json")) == []
    assert run(demo, owner, "logs", "none-such").returncode == 6
    assert run(demo, owner, "logs", "--status", "fine").returncode == 2
    assert run(demo, owner, "--logs").stdout == plain.stdout
    assert len(lines_of(run(demo, owner, "--json", "--logs", demo.name))) == 4


def test_logs_follows_over_a_restart_of_the_edge(new_edge, new_cli, app):
    edge = new_edge().start()
    cli = new_cli(edge)
    demo = Tunnel(cli, app.port, name="followed")
    demo.get("/echo")
    follower = cli.start("follower", "logs", "--follow", "--json", *cli.server(), INSTATUNNEL_API_KEY=edge.owner.key)
    follower.wait_event("request", match=lambda e: e["path"] == "/echo")
    began = time.monotonic()
    demo.get("/status/201")
    follower.wait_event("request", match=lambda e: e["path"] == "/status/201")
    assert time.monotonic() - began < 3
    edge.stop()
    edge.start()
    demo.process.wait_event("tunnel.ready", count=2, limit=40)
    wait_until(lambda: demo.answers("/status/202", 202), 20, "the tunnel")
    follower.wait_event("request", match=lambda e: e["path"] == "/status/202", limit=30)
    assert follower.events("log.gap"), "after a restart some may be missing"
    assert len(follower.events("request")) == len({e["at"] for e in follower.events("request")}), "nothing comes twice"
    began = time.monotonic()
    assert follower.stop() == 0 and time.monotonic() - began < 2, "Ctrl+C is how one stops to follow"
    demo.process.kill()


def test_figures_are_real(edge, owner, demo):
    for _ in range(20):
        demo.get("/slow?ms=30")
    demo.get("/slow?ms=400")
    stats = wait_until(lambda: (s := lines_of(run(demo, owner, "stats", "--json"))[0]) and s["requests_served"] == 21 and s, 10, "21 requests")
    one = stats["tunnels"][0]
    assert stats["event"] == "stats" and stats["plan"] and stats["requests_served"] == 21 and one["name"] == demo.name
    assert 28 < one["latency_p50_ms"] < 200 and 370 < one["latency_p99_ms"] < 1500
    assert one["bytes_out"] == 21 * len("slow answer") and one["uptime_seconds"] >= 0
    text = run(demo, owner, "stats").stdout
    assert "Plan: " in text and "  Requests: 21\n" in text and "█" not in text
    assert run(demo, owner, "--stats").stdout.splitlines()[0] == text.splitlines()[0]
    assert "  Requests: 21\n" in run(demo, owner, "stats", demo.name).stdout
    assert run(demo, owner, "stats", "none-such").returncode == 6
    by_api = edge.call("GET", f"/v1/tunnels/{demo.name}/stats", None, owner.key).json()
    assert by_api["latency_p50_ms"] == one["latency_p50_ms"]
    listed = run(demo, owner, "--list").stdout
    assert listed.startswith("Active Tunnels (1)\n" + f"{demo.ready['url']} -> {demo.ready['target']}\n")
    assert f"  Subdomain: {demo.name}  Status: online  Requests: 21  " in listed and "Latency: p50 " in listed
    table = run(demo, owner, "status").stdout.splitlines()
    assert re.match(r"ID +SUBDOMAIN +PORT +URL +STATUS +", table[0]) and demo.name in table[1]
    killed = run(demo, owner, "--kill", demo.name)
    assert killed.stdout == f"Tunnel '{demo.name}' has been stopped\n"
    assert run(demo, owner, "--list").stdout == "No active tunnels\n"
    assert curl(demo.url, edge.cacert).status == 404
