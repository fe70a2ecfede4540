"""gRPC through a tunnel: @grpc/grpc-js on both sides."""

import hashlib

import pytest

from edge import Tunnel
from grpc_app import GrpcApp, call
from http2_visitor import Http2Visitor
from local_apps import HttpApp
from ports import free_port
from process import wait_until

OK, CANCELLED, DEADLINE_EXCEEDED, FAILED_PRECONDITION, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 0, 1, 4, 9, 13, 14, 16
MIB = 1 << 20


@pytest.fixture
def server(new_app, folder):
    return new_app(GrpcApp, folder=folder)


@pytest.fixture
def t(tunnel, server):
    return tunnel(server.port)


def memory(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024


def test_a_unary_call_carries_messages_metadata_and_status_both_ways(t, server, folder):
    seen = call(t, folder, "unary", message={"text": "hi", "number": 1, "data": "00ff"}, fields={"x-word": "plain", "x-raw-bin": "0001feff"})
    assert seen["status"]["code"] == OK and seen["reply"]["text"] == "hi" and seen["reply"]["number"] == 2
    assert seen["reply"]["hash"] == hashlib.sha256(b"\0\xff").hexdigest()
    assert (seen["first"]["first"], seen["first"]["first-bin"]) == ("head", "000102ff")
    assert (seen["status"]["metadata"]["last"], seen["status"]["metadata"]["last-bin"]) == ("trailer", "fe00")
    at_server = server.calls()[0]
    assert at_server["metadata"]["x-word"] == "plain" and at_server["metadata"]["x-raw-bin"] == {"type": "Buffer", "data": [0, 1, 254, 255]}
    assert at_server["metadata"]["x-forwarded-proto"] == "https" and at_server["metadata"]["x-forwarded-host"] == f"{t.host}:{t.edge.port}"
    assert at_server["left"] is None


def test_a_failure_keeps_its_code_message_and_details(t, folder):
    status = call(t, folder, "unary", message={"text": "fail"})["status"]
    assert (status["code"], status["details"]) == (FAILED_PRECONDITION, "für 100 % verboten\n")
    assert status["metadata"]["reason"] == "told so" and status["metadata"]["grpc-status-details-bin"] == "0809120300ff0a"


def test_a_method_that_does_not_exist_is_told_by_the_server(t, folder):
    with Http2Visitor(t.edge.port, t.host, t.edge.cacert) as visitor:
        reply = visitor.request("/tunneltest.Echo/None", "POST", [("content-type", "application/grpc"), ("te", "trailers")], b"\0\0\0\0\0")
    assert reply.status == 200 and reply.header("grpc-status") == "12" and reply.header("X-Instatunnel-Error") is None


def test_replies_stream(t, folder):
    seen = call(t, folder, "count", message={"text": "n", "number": 50})
    assert seen["messages"] == [["n", i] for i in range(50)] and seen["status"]["code"] == OK
    failed = call(t, folder, "count", message={"text": "fail", "number": 3})
    assert len(failed["messages"]) == 3 and failed["status"]["code"] == FAILED_PRECONDITION and failed["status"]["metadata"]["reason"] == "told so"


def test_requests_stream_and_each_message_leaves_at_once(t, server, folder):
    def when_seen(said):
        server.seen("got", number=said["wrote"])
        return {"go": True}

    seen = call(t, folder, "sum", when_seen, numbers=[1, 2, 3, 40])
    assert seen["reply"] == {"text": "4", "number": 46} and seen["status"]["code"] == OK


def test_an_answer_may_come_before_the_requests_end(t, server, folder):
    seen = call(t, folder, "sum", lambda said: {"go": True}, numbers=[5], text="enough")
    assert seen["reply"] == {"text": "early", "number": 5} and seen["status"]["code"] == OK


def test_both_sides_stream_in_turns(t, folder):
    seen = call(t, folder, "chat", texts=["a", "b", "c"])
    assert seen["answers"] == [["a", 1], ["b", 2], ["c", 3]] and seen["status"]["code"] == OK
    failed = call(t, folder, "chat", texts=["a", "fail"])
    assert failed["answers"] == [["a", 1]] and failed["status"]["details"] == "in the middle"


def test_a_deadline_reaches_the_server_and_ends_the_call_on_both_sides(t, server, folder):
    seen = call(t, folder, "unary", message={"text": "never"}, limit=700)
    assert seen["status"]["code"] == DEADLINE_EXCEEDED
    assert 0 < server.seen("call")["left"] <= 700
    server.seen("cancelled", method="Say")


@pytest.mark.parametrize("method, message", [("Say", {"text": "never"}), ("Count", {"text": "wait", "number": 1}), ("Chat", None)])
def test_a_caller_who_gives_up_is_heard_at_the_server(t, server, folder, method, message):
    def answer(said):
        if "opened" in said:
            server.seen("call", method=method)
        else:
            server.seen("cancelled", method=method)
        return {}

    assert call(t, folder, "cancel", answer, method=method, message=message)["code"] == CANCELLED


def test_a_server_that_dies_in_a_call_ends_it(t, folder):
    assert call(t, folder, "unary", message={"text": "abort"})["status"]["code"] == UNAVAILABLE


def test_messages_of_four_mebibytes_pass_both_ways(t, folder):
    seen = call(t, folder, "large", size=4 * MIB)
    assert seen["up"]["reply"]["text"] == seen["sent"] == seen["both"]["reply"]["hash"]
    assert seen["down"]["reply"]["size"] == seen["both"]["reply"]["size"] == 4 * MIB
    assert seen["down"]["reply"]["hash"] == hashlib.sha256(b"x" * 4 * MIB).hexdigest()


def test_a_slow_reader_holds_the_server_back(t, server, folder):
    before = memory(t.process), memory(t.edge.process)
    held = {}

    def when_full(_):
        held["sent"] = server.seen("full")["sent"]
        # Full again and again would mean that somebody still reads.
        wait_until(lambda: len(server.process.events("full")) == held.setdefault("count", len(server.process.events("full"))), 5, "a server at rest")
        held["memory"] = memory(t.process), memory(t.edge.process)
        assert not server.process.events("flooded")
        return {}

    seen = call(t, folder, "slow", when_full, message={"text": "flood", "number": 1600})
    assert seen["bytes"] == 1600 * 65536 and seen["status"]["code"] == OK
    assert all(now - then < 24 for now, then in zip(held["memory"], before)), (before, held)


def test_a_hundred_calls_at_once_share_one_connection(t, server, folder):
    seen = call(t, folder, "many", count=100)
    assert seen == [[OK, f"call {i}", i + 1] for i in range(100)]
    assert len({c["peer"] for c in server.calls()}) == 1


def test_calls_beyond_what_the_app_allows_wait_or_take_another_connection(tunnel, new_app, folder):
    server = new_app(GrpcApp, folder=folder, **{"grpc.max_concurrent_streams": 5})
    seen = call(tunnel(server.port), folder, "many", count=100)
    assert seen == [[OK, f"call {i}", i + 1] for i in range(100)]
    assert 1 < len({c["peer"] for c in server.calls()}) <= 8


def test_a_stream_may_be_silent_however_short_the_edges_limits_are(new_edge, new_cli, server, folder):
    limits = [part for name in ("body-window", "reply-head", "reply-idle") for part in ("--limit", f"{name}=1s")]
    edge = new_edge(("--dev", *limits)).start()
    t = Tunnel(new_cli(edge), server.port, name="quiet")

    def when_seen(_):
        server.seen("call", method="Chat")
        return {}

    try:
        seen = call(t, folder, "quiet", when_seen, rest=2500)
        assert seen["messages"] == [["after all", 1], ["and again", 1]] and seen["status"]["code"] == OK
    finally:
        t.process.kill()


def test_a_server_that_goes_down_and_comes_back(t, server, folder):
    def answer(said):
        if "stop" in said:
            server.stop()
        else:
            server.start()
        return {}

    seen = call(t, folder, "outage", answer)
    assert seen["before"]["status"]["code"] == OK and seen["after"]["status"]["code"] == OK
    during = seen["during"]["status"]
    assert during["code"] == UNAVAILABLE and f"Failed to reach local server localhost:{server.port}" in during["details"]
    assert during["metadata"]["x-instatunnel-error"] == "origin_unreachable"


def test_a_server_that_never_was_there(tunnel, folder):
    t = tunnel(free_port())
    assert call(t, folder, "unary", message={"text": "hi"})["status"]["code"] == UNAVAILABLE
    assert t.process.wait_event("notice")["code"] == "target_unreachable"


def test_an_app_that_speaks_http_1_alone_is_named(tunnel, new_app, folder):
    t = tunnel(new_app(HttpApp).port)
    status = call(t, folder, "unary", message={"text": "hi"})["status"]
    assert status["code"] == UNAVAILABLE and "does not speak HTTP/2 without TLS" in status["details"]
    assert t.get("/").status == 200


def test_no_tunnel_is_an_unavailable_server(t, folder):
    t.host = "nobody." + t.edge.domain
    status = call(t, folder, "unary", message={"text": "hi"})["status"]
    assert status["code"] == UNAVAILABLE and status["metadata"]["x-instatunnel-error"] == "tunnel_not_found"


def test_a_tunnels_password_is_asked_for_as_grpc_asks(tunnel, server, folder):
    t = tunnel(server.port, "--password", "four words are good")
    assert call(t, folder, "unary", message={"text": "hi"})["status"]["code"] == UNAUTHENTICATED
    assert call(t, folder, "unary", message={"text": "hi"}, fields={"x-tunnel-password": "four words are good"})["status"]["code"] == OK
    assert "x-tunnel-password" not in server.calls()[0]["metadata"]


def test_a_server_with_tls_is_spoken_to_by_alpn(tunnel, new_app, certificate, folder):
    server = new_app(GrpcApp, folder=folder, certificate=certificate)
    seen = call(tunnel(f"https://localhost:{server.port}"), folder, "unary", message={"text": "hi"})
    assert seen["status"]["code"] == OK and seen["reply"]["text"] == "hi"


def test_a_tls_app_without_http_2_is_named(tunnel, new_app, certificate, folder):
    app = new_app(HttpApp, certificate=certificate)
    status = call(tunnel(f"https://localhost:{app.port}"), folder, "unary", message={"text": "hi"})["status"]
    assert status["code"] == UNAVAILABLE and "ALPN" in status["details"]


def test_a_server_behind_a_unix_socket(tunnel, new_app, folder):
    server = new_app(GrpcApp, folder=folder, address=f"unix:{folder}/g.sock")
    assert call(tunnel(server.address), folder, "unary", message={"text": "hi"})["status"]["code"] == OK
