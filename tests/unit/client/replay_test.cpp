#include "instatunnel/client/replay.hpp"

#include <catch2/catch.hpp>

#include "catch_outcome.hpp"
#include "recording_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::test;
using client::make_replay;
using client::replay_changes;

namespace {

std::string fault_of(const outcome<client::replay_request>& made) {
    return made ? "" : std::string(made.error().what());
}

}  // namespace

TEST_CASE("a replay has what the original had, secrets too, and names it") {
    recorded_session s;
    auto head = request("POST", "/hook?token=planted");
    head.content_length = 4;
    head.fields.push_back({"Authorization", "Bearer planted"});
    head.fields.push_back({client::replay_field, "req_99"});
    auto& visitor = s.pair.edge.open(head);
    visitor.stream->write("body");
    visitor.stream->finish();
    s.pair.settle();
    const auto made = make_replay(s.record, 1, {});
    REQUIRE(made);
    CHECK(made->original == 1);
    CHECK(made->tunnel == "demo");
    CHECK(made->path == "/hook?token=planted");
    CHECK(made->body == "body");
    CHECK(shown(made->fields) == "Accept: */*; x-own: 1; Authorization: Bearer planted; X-Instatunnel-Replay: req_1; ");
    CHECK(made->head().content_length == 4);
    CHECK(made->head().authority == "demo.example.com");
    CHECK(s.record.announce(*made) == 2);
    CHECK(s.record.find(2)->replay_of == 1);
    s.record.give_up(2, "tunnel_closed", {});
    CHECK(s.record.find(2)->fault == "tunnel_closed");
}

TEST_CASE("changes take the place of what was there") {
    recorded_session s;
    auto head = request("POST", "/");
    head.fields.push_back({"Content-Encoding", "gzip"});
    auto& visitor = s.pair.edge.open(head);
    visitor.stream->write("zipped");
    visitor.stream->finish();
    s.pair.settle();
    replay_changes c;
    c.method = "PUT";
    c.path = "/other?x=1";
    c.set = {{"X-Own", "2"}, {"Host", "other.example:81"}, {"x-new", "3"}};
    c.remove = {"accept"};
    c.body = "plain";
    const auto made = make_replay(s.record, 1, c);
    REQUIRE(made);
    CHECK(made->method == "PUT");
    CHECK(made->path == "/other?x=1");
    CHECK(made->authority == "other.example:81");
    CHECK(made->body == "plain");
    CHECK(shown(made->fields) == "X-Own: 2; x-new: 3; X-Instatunnel-Replay: req_1; ");
    c = {};
    c.method = "GET";
    CHECK(make_replay(s.record, 1, c)->body.empty());
    c.method = "DELETE";
    CHECK(make_replay(s.record, 1, c)->body == "zipped");
}

TEST_CASE("changes that are no HTTP are refused") {
    recorded_session s;
    s.ask();
    const auto fault = [&](const auto& change) {
        replay_changes c;
        change(c);
        const auto made = make_replay(s.record, 1, c);
        return !made && made.error().code == errc::usage;
    };
    CHECK(fault([](auto& c) { c.method = "A B"; }));
    CHECK(fault([](auto& c) { c.method = "CONNECT"; }));
    CHECK(fault([](auto& c) { c.method = ""; }));
    CHECK(fault([](auto& c) { c.path = "other"; }));
    CHECK(fault([](auto& c) { c.path = "/a b"; }));
    CHECK(fault([](auto& c) { c.path = "/a\r\nX: y"; }));
    for (const auto* name :
         {"", "a b", "x:y", "Content-Length", "transfer-encoding", "Connection", "X-Instatunnel-Replay"})
        CHECK(fault([name](auto& c) { c.set = {{name, "1"}}; }));
    CHECK(fault([](auto& c) { c.set = {{"x", "a\r\nb"}}; }));
    CHECK(fault([](auto& c) { c.set = {{"Host", "a b"}}; }));
}

TEST_CASE("what cannot be repeated says why") {
    recorded_session s({4, 1000, 8000});
    CHECK(make_replay(s.record, 1, {}).error().code == errc::not_found);
    replay_changes with_body;
    with_body.body = "other";

    s.ask("POST", "/", std::string(1001, 'x'));
    s.answer();
    CHECK(fault_of(make_replay(s.record, 1, {})).find("only the first 1000 of its 1001 bytes") != std::string::npos);
    CHECK(make_replay(s.record, 1, with_body));

    auto head = request("GET", "/socket");
    head.protocol = "websocket";
    s.pair.edge.open(head);
    s.pair.settle();
    CHECK(fault_of(make_replay(s.record, 2, {})).find("upgrade to websocket") != std::string::npos);
    CHECK_FALSE(make_replay(s.record, 2, with_body));

    s.pair.edge.open(request("POST", "/slow"));
    s.pair.settle();
    CHECK(fault_of(make_replay(s.record, 3, {})).find("not come whole") != std::string::npos);

    s.ask("POST", "/", std::string(1000, 'x'));
    s.answer(200, std::string(1000, 'y'));
    for (int i = 0; i < 3; ++i) {
        s.ask("POST", "/", std::string(1000, 'z'));
        s.answer(200, std::string(1000, 'z'));
    }
    CHECK(s.record.find(4)->body.is_dropped);
    CHECK(fault_of(make_replay(s.record, 4, {})).find("give way") != std::string::npos);
    CHECK(make_replay(s.record, 1, {}).error().code == errc::not_found);
}
