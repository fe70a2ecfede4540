"""Published clients (protocol v1) against our edge: a tunnel's life, what travels, and clients that break the protocol."""

import base64
import concurrent.futures
import json
import os
import threading

import pytest

from edge import Tunnel
from process import wait_until
from v1_client import V1Api, V1Client, answer, body_of, echo
from visitor import RawVisitor


@pytest.fixture
def owner(edge):
    return edge.register()


@pytest.fixture
def connect(edge):
    """connect(path, serve, key): a v1 client on the shared edge."""
    opened = []

    def start(path, serve=echo, key=None, on=None):
        opened.append(V1Client(on or edge, path, serve, key))
        return opened[-1]

    yield start
    for one in opened:
        one.stop()


@pytest.fixture
def open_v1(edge, owner, connect):
    """Creates a tunnel and connects to it; the client has `tunnel` and `get`."""
    def start(serve=echo, **members):
        made = V1Api(edge, owner.key).create(**members)
        client = connect(f"/tunnels/{made['id']}/connect", serve, owner.key).opened()
        client.tunnel = made
        client.get = lambda path="/", *arguments: edge.get(made["subdomain"], path, *arguments)
        return client

    return start


def test_a_tunnel_is_created_listed_and_deleted_in_the_published_shapes(edge, owner, connect):
    api = V1Api(edge, owner.key)
    made = api.create(3000, subdomain="pub-" + owner.key[-6:].lower())
    assert set(made) == {"id", "subdomain", "local_port", "status", "url"} and isinstance(made["id"], int)
    assert made["local_port"] == 3000 and made["status"] == "inactive" and made["url"] == edge.url(made["subdomain"], "")
    name = made["subdomain"]
    client = connect(f"/tunnels/{made['id']}/connect", echo, owner.key).opened()
    assert api.call("GET", "/tunnels").json() == [{**made, "status": "active"}]
    assert api.create(4000, subdomain=name)["id"] == made["id"], "the account's own tunnel is not taken"
    assert api.call("GET", f"/tunnels/subdomain/{name}/exists").json() == {"exists": True}
    assert api.call("GET", f"/tunnels/domain/{name}.{edge.domain}/exists").status == 200
    stopped = api.call("DELETE", f"/tunnels/subdomain/{name}")
    assert stopped.status == 200 and stopped.json()["status"] == "stopped"
    assert client.ended().close[0] > 4000
    assert api.call("GET", "/tunnels").json() == []
    assert api.call("GET", f"/tunnels/subdomain/{name}/exists").json() == {"exists": False}
    assert api.call("GET", f"/tunnels/domain/{name}.{edge.domain}/exists").status == 404
    assert connect(f"/tunnels/{made['id']}/connect", echo, owner.key).ended().refused == 404


def test_a_name_of_another_account_is_taken(edge, owner):
    name = V1Api(edge, owner.key).create(subdomain="taken-" + owner.key[-6:].lower())["subdomain"]
    reply = V1Api(edge, edge.register().key).call("POST", "/tunnels", {"local_port": 1, "subdomain": name})
    assert reply.status == 409 and "subdomain already taken" in reply.text


def test_requests_and_replies_travel_whole(open_v1):
    client = open_v1()
    assert client.messages[0]["type"] == "connected"
    reply = client.get("/a/b?q=%20x")
    assert (reply.status, reply.header("X-Method"), reply.header("X-Url")) == (200, "GET", "/a/b?q=%20x")
    seen = client.requests[0]
    assert "body" not in seen and seen["headers"]["Host"].startswith(client.tunnel["subdomain"])
    assert seen["headers"]["X-Forwarded-Proto"] == "https"
    head = client.get("/", "-I")
    assert head.status == 200 and head.header("X-Method") == "HEAD" and client.requests[-1]["method"] == "HEAD"


@pytest.mark.parametrize("size", [1, 3, 65_537, 5_000_001])
def test_bodies_arrive_unchanged_both_ways(open_v1, folder, size):
    client = open_v1()
    body = os.urandom(size)
    (folder / "body").write_bytes(body)
    reply = client.get("/", "--data-binary", f"@{folder / 'body'}", "-H", "Expect:")
    assert reply.status == 200 and reply.body == body and reply.header("X-Method") == "POST"
    assert body_of(client.requests[0]) == body
    chunked = client.get("/", "--http1.1", "--data-binary", f"@{folder / 'body'}", "-H", "Transfer-Encoding: chunked")
    assert chunked.body == body


def test_replies_come_in_any_order(open_v1):
    gate = {f"/{i}": threading.Event() for i in range(5)}

    def late(data):
        assert gate[data["url"]].wait(20)
        return answer(data["url"].encode())

    client = open_v1(late)
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        replies = {path: pool.submit(client.get, path) for path in gate}
        wait_until(lambda: len(client.requests) == 5, 20, "five requests at once")
        for path in reversed(gate):
            gate[path].set()
            assert replies[path].result(20).text == path


def test_headers_keep_what_one_value_a_name_can_say(open_v1):
    def serve(_):
        return {"status_code": 302, "headers": {"Location": "/next", "Set-Cookie": "a=1", "set-cookie": "b=2", "Connection": "X-Hop", "X-Hop": "1",
                                                "Transfer-Encoding": "chunked", "Content-Length": "99"}, "body": base64.b64encode(b"moved").decode()}
    client = open_v1(serve)
    reply = client.get("/", "-H", "Accept: a", "-H", "X-Twice: 1", "-H", "X-Twice: 2")
    assert (reply.status, reply.header("Location"), reply.body) == (302, "/next", b"moved")
    assert sorted(reply.all("Set-Cookie")) == ["a=1", "b=2"] and not reply.header("X-Hop")
    assert client.requests[0]["headers"]["X-Twice"] == "1, 2"


def test_visitors_that_v1_cannot_serve_are_told_so(open_v1):
    client = open_v1()
    reply = client.get("/", "--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket")
    assert reply.status == 501 and "too old" in reply.text
    assert client.requests == []


def test_bodies_beyond_the_limits_are_refused_and_the_rest_goes_on(new_edge, folder, connect):
    edge = new_edge(("--dev", "--limit", "v1-body=100k")).start()
    made = V1Api(edge, edge.owner.key).create()

    def serve(data):
        return answer(b"x" * 102_401) if data["url"] == "/big" else echo(data)

    connect(f"/tunnels/{made['id']}/connect", serve, edge.owner.key, on=edge).opened()
    get = lambda *a: edge.get(made["subdomain"], *a)  # noqa: E731
    (folder / "big").write_bytes(b"x" * 102_401)
    (folder / "fits").write_bytes(b"x" * 102_400)
    assert get("/", "--data-binary", f"@{folder / 'big'}").status == 413
    assert get("/", "--http1.1", "--data-binary", f"@{folder / 'big'}", "-H", "Transfer-Encoding: chunked").status == 413
    assert get("/", "--data-binary", f"@{folder / 'fits'}").body == b"x" * 102_400
    big = get("/big")
    assert big.status == 502 and "longer than" in big.text
    assert get("/").status == 200


def test_a_connection_ends_and_the_next_one_goes_on(edge, owner, open_v1, connect):
    client = open_v1(lambda _: None)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, "/")
        wait_until(lambda: client.requests, 20, "the request")
        client.cut()
        assert waiting.result(20).status == 502
    assert client.get().status == 503
    again = connect(f"/tunnels/{client.tunnel['id']}/connect", echo, owner.key).opened()
    assert client.get().status == 200
    newest = connect(f"/tunnels/subdomain/{client.tunnel['subdomain']}/connect", echo, owner.key).opened()
    assert again.ended().close[0] > 4000
    assert client.get().status == 200
    by_host = connect(f"/tunnels/domain/{client.tunnel['subdomain']}.{edge.domain}/connect", echo, owner.key).opened()
    assert newest.ended().close[0] > 4000
    by_host.stop()
    wait_until(lambda: client.get().status == 404, 20, "that the tunnel is gone at once after a clean end")


def test_only_the_owner_connects(edge, owner, connect):
    made = V1Api(edge, owner.key).create()
    path = f"/tunnels/{made['id']}/connect"
    assert connect(path, echo, edge.register().key).ended().refused == 404
    assert connect(path, echo, "it_" + "x" * 16).ended().refused == 401
    assert connect(path, echo).ended().refused == 404
    assert connect(f"/tunnels/subdomain/{made['subdomain']}/connect", echo).ended().refused == 401
    assert edge.get("api", path).status == 426
    raw = edge.get("api", path, "--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 8",
                   "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    assert raw.status == 426


def test_a_password_given_at_creation_guards_the_tunnel_over_restarts(new_edge, connect):
    edge = new_edge().start()
    key = edge.owner.key
    made = V1Api(edge, key).create(password="open-sesame-v1-77aa")
    basic = V1Api(edge, key).create(basic_auth="ann:word-v1-5511")
    for _ in range(2):
        clients = [connect(f"/tunnels/{t['id']}/connect", echo, key, on=edge).opened() for t in (made, basic)]
        assert edge.get(made["subdomain"]).status == 401 and edge.get(basic["subdomain"]).status == 401
        assert edge.get(made["subdomain"], "/", "-H", "X-Tunnel-Password: open-sesame-v1-77aa").status == 200
        assert edge.get(basic["subdomain"], "/", "-u", "ann:word-v1-5511").status == 200
        assert edge.get(basic["subdomain"], "/", "-u", "ann:wrong").status == 401
        assert all("open-sesame" not in json.dumps(c.messages) for c in clients)
        edge.stop()
        for c in clients:
            c.ended()
        edge.start()


def test_a_tunnel_without_an_account_belongs_to_whoever_has_its_number(new_edge, connect):
    edge = new_edge().start()
    api = V1Api(edge)
    made = api.create(8000, password="guest-word-v1-0099")
    assert made["expires_at"].endswith("Z")
    client = connect(f"/tunnels/{made['id']}/connect", echo, on=edge).opened()
    assert edge.get(made["subdomain"], "/", "-H", "X-Tunnel-Password: guest-word-v1-0099").status == 200
    assert connect(f"/tunnels/{made['id'] + 1}/connect", echo, on=edge).ended().refused == 404
    assert connect(f"/tunnels/subdomain/{made['subdomain']}/connect", echo, on=edge).ended().refused == 401
    assert api.call("GET", "/tunnels").json() == []
    assert api.call("POST", "/tunnels", {"local_port": 1, "subdomain": "mine-alone"}).status == 403
    assert api.call("DELETE", f"/tunnels/subdomain/{made['subdomain']}").status == 401
    api.create()
    api.create()
    assert api.call("POST", "/tunnels", {"local_port": 1}).status == 403, "three an address"
    client.stop()


def test_tunnels_without_an_account_are_off_unless_asked_for(new_edge, certificate):
    arguments = ("--domain", "localhost", "--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]))
    edge = new_edge(arguments).start()
    edge.ready["cacert"] = str(certificate[0])
    assert edge.call("POST", "/tunnels", {"local_port": 1}, None, "-k").status == 401


def test_silent_clients_are_dropped_and_living_ones_are_not(new_edge, connect):
    edge = new_edge(("--dev", "--limit", "v1-silence=600ms")).start()
    key = edge.owner.key
    living = connect(f"/tunnels/{V1Api(edge, key).create()['id']}/connect", echo, key, on=edge).opened()
    made = V1Api(edge, key).create()
    with RawVisitor(edge.port, f"api.{edge.domain}", edge.cacert) as silent:
        silent.send(f"GET /tunnels/{made['id']}/connect HTTP/1.1\r\nHost: api.{edge.domain}:{edge.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        assert "101" in silent.line()
        assert b"nothing was heard" in silent.rest()
    wait_until(lambda: sum(m["type"] == "ping" for m in living.messages) > 3, 20, "pings")
    assert not living.over.is_set()


GOOD = {"type": "response", "data": {"id": "x", "status_code": 200}}
HOSTILE = {
    "no JSON": "{",
    "no object": "[1]",
    "deep": "[" * 100_000,
    "empty": "",
    "no id": '{"type":"response","data":{"status_code":200}}',
    "id is a number": '{"type":"response","data":{"id":1,"status_code":200}}',
    "binary": b'{"type":"pong"}',
    "two documents": '{"type":"pong"}{"type":"pong"}',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_client_that_breaks_the_protocol_is_cut_and_nobody_else_is_harmed(tunnel, app, open_v1, text):
    other = tunnel(app.port)
    client = open_v1(lambda _: None)
    client.send(text)
    assert client.ended().close[0] in (1003, 1007)
    assert other.answers()


def test_messages_without_a_meaning_change_nothing(open_v1):
    client = open_v1()
    for text in ('{"type":"later","data":[{}]}', "{}", json.dumps(GOOD), '{"type":"pong","data":7}', '{"type":"request","data":{"id":"q"}}'):
        client.send(text)
    client.send('{"type":"ping"}')
    wait_until(lambda: any(m["type"] == "pong" for m in client.messages), 20, "a pong")
    assert client.get().status == 200


WRONG_REPLIES = {
    "no status": {}, "status 99": {"status_code": 99}, "status 101": {"status_code": 101}, "text for a status": {"status_code": "200"},
    "list of headers": {"status_code": 200, "headers": ["a"]}, "no base64": {"status_code": 200, "body": "?"},
    "number as a header": {"status_code": 200, "headers": {"a": 1}}, "line end in a header": {"status_code": 200, "headers": {"a": "1\r\nSet-Cookie: x"}},
    "blank in a name": {"status_code": 200, "headers": {"a b": "1"}},
    "huge headers": {"status_code": 200, "headers": {"a": "x" * 70_000}},
}


@pytest.mark.parametrize("members", WRONG_REPLIES.values(), ids=WRONG_REPLIES.keys())
def test_a_reply_that_is_no_http_is_a_502_for_its_visitor_alone(open_v1, members):
    client = open_v1(lambda data: members if data["url"] == "/bad" else echo(data))
    bad = client.get("/bad")
    assert bad.status == 502 and not bad.header("Set-Cookie")
    assert client.get("/").status == 200


def test_a_v2_client_takes_a_published_tunnel_over(edge, owner, open_v1, new_cli, app):
    client = open_v1()
    taken = Tunnel(new_cli(edge), str(app.port), name=client.tunnel["subdomain"], key=owner.key)
    assert client.ended().close[0] > 4000 and taken.answers()
    taken.process.kill()
