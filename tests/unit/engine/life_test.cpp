#include <catch2/catch.hpp>
#include <string>

#include "session_pair.hpp"

using namespace instatunnel;
using namespace instatunnel::test;
using namespace std::chrono_literals;

TEST_CASE("handshake texts pass through, in both directions") {
    session_pair pair;
    pair.client.session.send_hello("{\"v\":1}");
    pair.settle();
    CHECK(pair.edge.told == "hello {\"v\":1};");
    pair.edge.session.send_welcome("{\"w\":1}");
    pair.settle();
    CHECK(pair.client.told == "welcome {\"w\":1};");
}

TEST_CASE("PING is answered with the same bytes") {
    scripted_peer peer(engine::role::edge);
    peer.send(frame_type::ping, 0, 0, "\x01opaque\xff");
    const auto frames = peer.end.take_frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].is(frame_type::ping));
    CHECK(frames[0].flags == flag::ack);
    CHECK(frames[0].payload == "\x01opaque\xff");
}

TEST_CASE("a hundred PINGs a second are answered, more are an attack") {
    scripted_peer peer(engine::role::edge);
    for (int second = 0; second < 3; ++second) {
        for (int i = 0; i < 100; ++i)
            REQUIRE(peer.send(frame_type::ping, 0, 0, "12345678"));
        peer.now += 1s;
    }
    CHECK(count_of(peer.end.take_frames(), frame_type::ping) == 300);
    for (int i = 0; i < 100; ++i)
        REQUIRE(peer.send(frame_type::ping, 0, 0, "12345678"));
    CHECK_FALSE(peer.send(frame_type::ping, 0, 0, "12345678"));
    CHECK(peer.end.violation == code::protocol);
}

TEST_CASE("answers nobody asked for change nothing") {
    scripted_peer peer(engine::role::client);
    for (int i = 0; i < 1000; ++i)
        REQUIRE(peer.send(frame_type::ping, flag::ack, 0, "12345678"));
    CHECK(peer.end.session.round_trip() == 0us);
    CHECK(peer.end.take_frames().empty());
}

TEST_CASE("silence is asked about after 4 s and is death after 8.5 s") {
    scripted_peer peer(engine::role::edge);
    const auto start = peer.now;
    CHECK(peer.end.session.check_alive(start + 3999ms));
    CHECK(peer.end.take_frames().empty());
    CHECK(peer.end.session.check_alive(start + 4000ms));
    CHECK(count_of(peer.end.take_frames(), frame_type::ping) == 1);
    for (auto at = 4100ms; at < 8500ms; at += 100ms)
        CHECK(peer.end.session.check_alive(start + at));
    CHECK(peer.end.take_frames().empty());
    CHECK_FALSE(peer.end.session.check_alive(start + 8500ms));
}

TEST_CASE("any byte of the peer is a sign of life") {
    scripted_peer peer(engine::role::edge);
    const auto start = peer.now;
    peer.now = start + 8400ms;
    peer.send(std::string(1, '\0'));
    CHECK(peer.end.session.check_alive(start + 8500ms));
    CHECK(peer.end.session.check_alive(start + 16800ms));
    CHECK_FALSE(peer.end.session.check_alive(start + 16900ms));
}

TEST_CASE("a session that never heard anything is given its time from the first look") {
    session_end edge(engine::role::edge);
    const engine::time_point start{1h};
    CHECK(edge.session.check_alive(start));
    CHECK(edge.session.check_alive(start + 8499ms));
    CHECK_FALSE(edge.session.check_alive(start + 8500ms));
}

TEST_CASE("a busy session measures the round trip every 5 s, an idle one does not talk") {
    session_pair pair;
    pair.one_way = 30ms;
    pair.settle();
    auto pings = [&] { return count_of(frames_of(pair.edge.wire), frame_type::ping); };
    CHECK(pair.edge.session.check_alive(pair.now));
    pair.edge.flush();
    CHECK(pings() == 0);

    pair.edge.open(request("POST"));
    pair.settle();
    pair.edge.session.check_alive(pair.now);
    pair.edge.flush();
    CHECK(pings() == 1);
    pair.settle();
    CHECK(pair.edge.session.round_trip() == 60ms);
    const auto asked = pair.now - 60ms;
    // Keeps the session from being silent, so that it is the round trip that is asked for.
    pair.edge.session.receive(frame(frame_type::pad, 0, 0, {}), asked + 3000ms);
    pair.edge.session.check_alive(asked + 4900ms);
    pair.edge.flush();
    CHECK(pings() == 0);
    pair.edge.session.check_alive(asked + 5000ms);
    pair.edge.flush();
    CHECK(pings() == 1);
}

TEST_CASE("after GOAWAY no stream begins and those that are open end well") {
    const auto by_edge = GENERATE(true, false);
    session_pair pair;
    auto& visitor = pair.edge.open(request(), flag::end);
    pair.settle();
    (by_edge ? pair.edge : pair.client).session.send_goaway(code::draining, "bye");
    pair.settle();
    CHECK((by_edge ? pair.client : pair.edge).told == "goaway draining: bye;");
    CHECK(pair.edge.session.is_going_away());
    CHECK(pair.client.session.is_going_away());
    CHECK(pair.edge.open(request()).stream == nullptr);
    pair.client.last().stream->send_reply(reply(), flag::end);
    pair.settle();
    CHECK(visitor.told == "head 200;end;");
}

TEST_CASE("an ERROR of the peer ends the session with its reason and says nothing back") {
    session_pair pair;
    auto& visitor = pair.edge.open(request("POST"));
    pair.settle();
    visitor.stream->write("more");
    pair.client.session.send_error(code::tunnel_closed, "closed by its owner");
    pair.client.session.send_error(code::internal, "twice");
    pair.deliver(pair.client, pair.edge);
    CHECK(pair.edge.told == "error tunnel_closed: closed by its owner;");
    pair.edge.session.lose_all_streams("closed");
    CHECK(visitor.told == "reset session_lost closed;");
    CHECK(count_of(pair.edge.take_frames(), frame_type::error) == 0);
    CHECK_FALSE(pair.edge.session.receive(frame(frame_type::pad, 0, 0, {}), pair.now));
}

TEST_CASE("an ERROR without text or of a newer peer is understood as far as it goes") {
    for (const auto& [payload, told] : std::vector<std::pair<std::string, std::string>>{
             {"", "error protocol: ;"}, {std::string("\x03\xe7\0\0new", 7), "error unknown: new;"}}) {
        scripted_peer peer(engine::role::client);
        CHECK_FALSE(peer.send(frame_type::error, 0, 0, payload));
        CHECK(peer.end.told == told);
    }
}

TEST_CASE("streams that the peer has not begun with are counted until any sign of life or their end") {
    engine::session_limits limits;
    limits.max_unaccepted = 3;
    session_pair pair(limits);
    auto& edge = pair.edge;
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(edge.session.opens_wait());
        edge.open(request(), flag::end);
    }
    CHECK(edge.session.opens_wait());
    CHECK(edge.open(request(), flag::end).stream != nullptr);
    pair.settle();
    CHECK(edge.session.opens_wait());

    SECTION("ACCEPT, more than one for a stream counts once") {
        pair.client.owners[0]->stream->accept();
        pair.client.owners[0]->stream->accept();
        pair.settle();
        CHECK(edge.session.opens_wait());
        pair.client.owners[1]->stream->accept();
        pair.settle();
        CHECK_FALSE(edge.session.opens_wait());
    }
    SECTION("a head, interim ones too") {
        pair.client.owners[0]->stream->send_reply(reply(103), flag::interim);
        pair.client.owners[1]->stream->send_reply(reply(), flag::end);
        pair.settle();
        CHECK_FALSE(edge.session.opens_wait());
        CHECK(edge.owners[1]->told == "head 200;end;");
    }
    SECTION("a reset by either side") {
        pair.client.owners[0]->stream->reset(code::origin_unreachable, {});
        pair.settle();
        CHECK(edge.session.opens_wait());
        edge.owners[1]->release();
        CHECK_FALSE(edge.session.opens_wait());
    }
    for (auto& owner : edge.owners)
        owner->release();
    CHECK_FALSE(edge.session.opens_wait());
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(edge.session.opens_wait());
        edge.open(request(), flag::end);
    }
    CHECK(edge.session.opens_wait());
}

TEST_CASE("the owner of a session gets a turn once opens need not wait any more") {
    engine::session_limits limits;
    limits.max_unaccepted = 1;
    session_pair pair(limits);
    auto& stream = pair.edge.open(request(), flag::end);
    pair.settle();
    pair.edge.flush_wanted = false;
    pair.client.last().stream->accept();
    const auto bytes = pair.client.take();
    REQUIRE(pair.edge.session.receive(bytes, pair.now));
    CHECK(stream.told == "accepted;");
    CHECK(pair.edge.flush_wanted);
}
