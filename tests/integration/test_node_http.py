"""HTTP as node programs speak it: npm `undici` and node's own clients in front, a node server behind."""

import signal

import pytest

from node import NodeApp, node_visit, visitor_command
from process import Process


@pytest.fixture(scope="module")
def web_app(tmp_path_factory):
    running = NodeApp("web_app.mjs", "ws", tmp_path_factory.mktemp("web-app"), [tmp_path_factory.mktemp("site")])
    yield running
    running.stop()


@pytest.fixture
def t(tunnel, web_app):
    return tunnel(web_app.port)


def test_pipelined_requests_are_answered_in_order_on_one_connection(t, folder):
    assert node_visit("http_visitor.mjs", t, folder, "pipelining") == {"connections": 1, "ordered": True, "right": True, "deepest": 10}


@pytest.fixture(params=[False, True], ids=["http1", "http2"])
def visit(request, t, folder):
    """visit(way, …): undici over one version of HTTP."""
    return lambda way, **given: node_visit("http_visitor.mjs", t, folder, way, h2=request.param, **given)


def test_a_hundred_requests_at_once_each_get_their_own_answer(visit):
    assert visit("hundred") == 100


def test_a_body_that_is_made_while_it_is_sent_arrives_whole(visit):
    assert visit("upload", bytes=32 << 20) == {"same": True, "length": None, "coding": "chunked"}


def test_a_form_arrives(visit):
    assert visit("form") == [True, "multipart/form-data"]


def test_trailers_of_an_answer_come_after_its_body(t, folder):
    assert node_visit("http_visitor.mjs", t, folder, "trailers") == {"size": sum(1000 + n for n in range(50)), "same": True, "end": "yes"}


@pytest.mark.parametrize("h2", [False, True], ids=["http1", "http2"])
def test_a_request_given_up_ends_at_the_app_and_others_go_on(t, folder, web_app, h2):
    argv, options = visitor_command("http_visitor.mjs", t, folder, "abort", h2=h2)
    word = "true" if h2 else "false"
    visitor = Process("visitor", argv, folder / "logs", **options)
    try:
        visitor.wait_event("waiting")
        web_app.wait_event("begun", match=lambda e: e["url"] == f"/endless?silent&h2={word}")
        visitor.send(signal.SIGUSR2)
        done = visitor.wait_event("done")
    finally:
        visitor.kill()
    assert done["told"] == ["AbortError", "AbortError"] and done["next"]
    for way in ("silent&", ""):
        web_app.wait_event("left", match=lambda e: e["url"] == f"/endless?{way}h2={word}")  # pylint: disable=cell-var-from-loop


def test_trailers_of_a_request_reach_the_app(t, folder):
    seen = node_visit("http_visitor.mjs", t, folder, "request trailers")
    assert seen["trailers"] == {"x-sum": "42"} and seen["size"] == 60


def test_many_streams_of_one_http2_session_run_side_by_side(t, folder):
    assert node_visit("http_visitor.mjs", t, folder, "session") == {"right": 60, "trailers": True}
