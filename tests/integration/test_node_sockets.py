"""WebSocket and socket.io as node programs speak them: npm `ws` and `socket.io` on both sides of a tunnel."""

import pytest

from node import NodeApp, node_visit, visitor_command
from process import Process


@pytest.fixture(scope="module")
def ws_app(tmp_path_factory):
    running = NodeApp("web_app.mjs", "ws", tmp_path_factory.mktemp("web-app"), [tmp_path_factory.mktemp("site")])
    yield running
    running.stop()


@pytest.fixture(scope="module")
def io_app(tmp_path_factory):
    running = NodeApp("socket_io_app.mjs", "socket.io", tmp_path_factory.mktemp("io-app"))
    yield running
    running.stop()


@pytest.fixture
def ws(tunnel, ws_app, folder):
    """ws(way, …): visits a tunnel to our app over WebSocket."""
    t = tunnel(ws_app.port)
    return lambda way, **given: node_visit("websocket_visitor.mjs", t, folder, way, **given)


# --- ws


def test_messages_of_every_kind_and_size_come_back(ws):
    assert ws("messages") == {"wrong": [], "protocol": "second", "end": [4000, "until then"]}


def test_a_fragmented_message_stays_whole_around_a_ping(ws):
    assert ws("fragments") == {"same": True, "pong": "between"}


def test_both_sides_ping_and_get_their_own_bytes_back(ws):
    assert ws("pings") == {"long": 125, "answer": "pong are you there?"}


def test_close_codes_and_reasons_pass_both_ways(ws, ws_app):
    seen = ws("codes")
    assert seen["fromApp"] == [[code, "reason of the app"] for code in (1000, 1001, 1008, 1011, 3000, 4999)]
    assert seen["fromUs"] == [[code, f"reason {code}"] for code in (1000, 1001, 3001, 4998)]
    assert seen["cut"] == 1006
    for code in (1000, 1001, 3001, 4998):
        told = ws_app.wait_event("closed", match=lambda e: e["path"] == f"/socket?code={code}")  # pylint: disable=cell-var-from-loop
        assert (told["code"], told["reason"]) == (code, f"reason {code}")


def test_permessage_deflate_is_agreed_between_visitor_and_app(ws):
    seen = ws("deflate")
    assert "permessage-deflate" in seen["packed"] and seen["plain"] == ""
    assert seen["sizes"]["plain"] > seen["bytes"] and seen["sizes"]["packed"] < seen["bytes"] * 0.6


@pytest.mark.parametrize("deflate", [False, True])
def test_64_mib_of_messages_arrive_in_order(ws, deflate):
    size = (64 if not deflate else 16) << 20
    seen = ws("bulk", bytes=size, deflate=deflate)
    assert seen["same"] and seen["got"] == seen["messages"] and seen["back"] == seen["total"] >= size


def test_200_sockets_at_once(ws):
    assert ws("many", count=200) == {"open": 200, "same": True, "ends": True}


# --- socket.io


def test_socket_io_begins_with_polling_and_goes_on_over_websocket(tunnel, io_app, folder):
    seen = node_visit("socket_io_visitor.mjs", tunnel(io_app.port), folder, "upgrade")
    assert seen == {"first": "polling", "then": "websocket", "wrong": []}


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_socket_io_over_one_transport_alone(tunnel, io_app, folder, transport):
    seen = node_visit("socket_io_visitor.mjs", tunnel(io_app.port), folder, "only", transport=transport)
    assert seen == {"first": transport, "then": transport, "wrong": []}


def test_the_members_of_a_room_hear_everything_in_order_and_nothing_else(tunnel, io_app, folder):
    assert node_visit("socket_io_visitor.mjs", tunnel(io_app.port), folder, "rooms") == [True] * 10


def test_socket_io_comes_back_after_the_tunnels_client_was_started_anew(tunnel, io_app, folder):
    t = tunnel(io_app.port)
    argv, options = visitor_command("socket_io_visitor.mjs", t, folder, "traveller")
    visitor = Process("traveller", argv, folder / "logs", **options)
    try:
        visitor.wait_event("there", 20)
        t.process.kill()
        visitor.wait_event("away", 20)
        io_app.wait_event("disconnected", match=lambda e: e.get("name") == "traveller")
        tunnel(io_app.port, name=t.name)
        seen = visitor.wait_event("back", 30)
    finally:
        visitor.kill()
    assert seen["reason"] in ("transport close", "transport error")
    assert seen["recovered"] and seen["answers"] == list(range(20)), "what was said while away is answered"
    assert seen["heard"] == list(range(15)), "what was missed is heard once, in order"
