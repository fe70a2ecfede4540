#include <array>
#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "session_pair.hpp"

using namespace instatunnel;
using namespace instatunnel::test;

namespace {

std::uint64_t hash_of(std::string_view bytes) {
    std::uint64_t hash = 14695981039346656037ull;
    for (const char c : bytes)
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    return hash;
}

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
    std::string bytes(size, '\0');
    for (auto& c : bytes)
        c = static_cast<char>(random());
    return bytes;
}

// Writes a body in random ways whenever the stream takes more.
struct producer {
    std::string body;
    std::size_t at = 0;
    bool done = false;

    void step(std::mt19937_64& random, engine::stream& s) {
        while (!done && !s.is_congested()) {
            const auto left = body.size() - at;
            if (left == 0) {
                s.finish();
                done = true;
                return;
            }
            const std::array<std::size_t, 4> bounds{100, 3000, 20'000, 70'000};
            auto n = std::min<std::size_t>(left, 1 + random() % bounds[random() % bounds.size()]);
            if (random() % 2 == 0) {
                s.write(std::string_view(body).substr(at, n), random() % 8 == 0);
            } else {
                const auto room = s.reserve();
                n = random() % 16 == 0 ? 0 : std::min(n, room.size());
                std::copy_n(body.data() + at, n, room.data());
                s.commit(n);
            }
            at += n;
            if (random() % 4 == 0) return;
        }
    }
};

}  // namespace

TEST_CASE("bodies both ways arrive intact for random sizes of writes, deliveries and consumption") {
    const auto seed = GENERATE(1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u);
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    session_pair pair;
    pair.one_way = std::chrono::milliseconds(seed % 3 * 10);

    struct lane_pair {
        stream_owner* visitor;
        stream_owner* app;
        producer up, down;
        std::size_t visitor_consumed = 0, app_consumed = 0;
    };
    std::vector<lane_pair> exchanges;
    for (int i = 0; i < 4; ++i) {
        auto& visitor = pair.edge.open(request("POST"));
        pair.settle();
        auto& app = pair.client.last();
        visitor.consumes = app.consumes = false;
        app.stream->send_reply(reply(), 0);
        exchanges.push_back(
            {&visitor, &app, {random_bytes(random, random() % 700'000)}, {random_bytes(random, random() % 700'000)}});
    }
    const auto consume = [&](stream_owner& owner, std::size_t& consumed) {
        const auto n = std::min<std::size_t>(owner.body.size() - consumed, random() % 60'000);
        if (n == 0) return;
        owner.stream->consumed(n);
        consumed += n;
    };
    const auto finished = [](const lane_pair& e) {
        return e.visitor->stream->receive_finished() && e.app->stream->receive_finished();
    };
    for (int turn = 0; turn < 20'000 && !std::ranges::all_of(exchanges, finished); ++turn) {
        for (auto& e : exchanges) {
            e.up.step(random, *e.visitor->stream);
            e.down.step(random, *e.app->stream);
            consume(*e.visitor, e.visitor_consumed);
            consume(*e.app, e.app_consumed);
        }
        pair.piece = 1 + random() % 40'000;
        if (random() % 2 == 0) pair.deliver(pair.edge, pair.client);
        if (random() % 2 == 0) pair.deliver(pair.client, pair.edge);
    }
    for (auto& e : exchanges) {
        REQUIRE(finished(e));
        CHECK(e.app->body.size() == e.up.body.size());
        CHECK(hash_of(e.app->body) == hash_of(e.up.body));
        CHECK(hash_of(e.visitor->body) == hash_of(e.down.body));
        e.visitor->release();
        e.app->release();
    }
    pair.settle();
    CHECK(pair.is_empty());
    CHECK(pair.edge.told.empty());
    CHECK(pair.client.told.empty());
}

TEST_CASE("nothing beyond the window is sent until the receiver consumes") {
    session_pair pair;
    auto& visitor = pair.edge.open(request("POST"));
    pair.settle();
    auto& app = pair.client.last();
    app.consumes = false;
    visitor.stream->write(std::string(300'000, 'b'));
    visitor.stream->finish();
    pair.settle();
    CHECK(app.body.size() == wire::itp::initial_window);
    CHECK(visitor.stream->queued() == 300'000 - wire::itp::initial_window);

    SECTION("a little is not worth a grant") {
        app.stream->consumed(1000);
        pair.settle();
        CHECK(app.body.size() == wire::itp::initial_window);
    }
    SECTION("a quarter of the window is") {
        app.stream->consumed(wire::itp::initial_window / 4);
        pair.settle();
        CHECK(app.body.size() == wire::itp::initial_window + wire::itp::initial_window / 4);
    }
    SECTION("and all of it comes in the end") {
        for (std::size_t consumed = 0; consumed < app.body.size();) {
            app.stream->consumed(app.body.size() - consumed);
            consumed = app.body.size();
            pair.settle();
        }
        CHECK(app.body.size() == 300'000);
        CHECK(app.told == "data;end;");
    }
}

TEST_CASE("a stalled stream does not hold up another one") {
    session_pair pair;
    auto& stalled = pair.edge.open(request("POST"));
    auto& lively = pair.edge.open(request("POST"));
    pair.settle();
    pair.client.owners[0]->consumes = false;
    stalled.stream->write(std::string(500'000, 's'));
    lively.stream->write(std::string(500'000, 'l'));
    pair.settle();
    CHECK(pair.client.owners[0]->body.size() == wire::itp::initial_window);
    CHECK(pair.client.owners[1]->body.size() == 500'000);
}

TEST_CASE("END rides on the last DATA frame") {
    scripted_peer peer(engine::role::edge);
    auto& visitor = peer.end.open(request("POST"));
    peer.end.take();

    SECTION("of a body that was queued") {
        visitor.stream->write(std::string(40'000, 'b'));
        visitor.stream->finish();
        const auto frames = peer.end.take_frames();
        REQUIRE(frames.size() == 3);
        CHECK(frames[0].payload.size() == wire::itp::max_data_payload);
        CHECK((frames[1].flags & flag::end) == 0);
        CHECK((frames[2].flags & flag::end) != 0);
    }
    SECTION("also when a reserved chunk stayed empty") {
        visitor.stream->write(std::string(40'000, 'b'));
        visitor.stream->reserve();
        visitor.stream->commit(0);
        visitor.stream->finish();
        CHECK((peer.end.take_frames().back().flags & flag::end) != 0);
    }
    SECTION("when the last credit came late") {
        visitor.stream->write(std::string(70'000, 'b'));
        visitor.stream->finish();
        CHECK((peer.end.take_frames().back().flags & flag::end) == 0);
        peer.send(frame_type::credit, 0, 0, credit_entry(1, 70'000));
        const auto frames = peer.end.take_frames();
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].payload.size() == 70'000 - 65'536);
        CHECK((frames[0].flags & flag::end) != 0);
    }
}

TEST_CASE("END behind a body that used up its credit needs none itself") {
    scripted_peer peer(engine::role::edge);
    auto& visitor = peer.end.open(request("POST"));
    visitor.stream->write(std::string(wire::itp::initial_window, 'b'));
    peer.end.take();
    CHECK(visitor.stream->queued() == 0);
    visitor.stream->finish();
    const auto frames = peer.end.take_frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].flags == flag::end);
    CHECK(frames[0].payload.empty());
}

TEST_CASE("small reads into reserved memory are gathered into full frames") {
    scripted_peer peer(engine::role::edge);
    auto& visitor = peer.end.open(request("POST"));
    peer.end.take();
    for (int i = 0; i < 16; ++i) {
        const auto room = visitor.stream->reserve();
        REQUIRE(room.size() >= 1000);
        std::fill_n(room.data(), 1000, static_cast<char>('a' + i));
        visitor.stream->commit(1000);
    }
    const auto frames = peer.end.take_frames();
    CHECK(frames.size() == 2);
    std::string all;
    for (const auto& f : frames)
        all += f.payload;
    REQUIRE(all.size() == 16'000);
    for (int i = 0; i < 16; ++i)
        CHECK(all.substr(static_cast<std::size_t>(i) * 1000, 1000) == std::string(1000, static_cast<char>('a' + i)));
}

TEST_CASE("an owner who watches progress hears of every frame that the lane takes, nobody else does") {
    scripted_peer peer(engine::role::edge);
    auto& watched = peer.end.open(request("POST"));
    auto& other = peer.end.open(request("POST"));
    watched.stream->watch_progress();
    for (auto* owner : {&watched, &other})
        owner->stream->write(std::string(100'000, 'b'));
    peer.end.take();
    REQUIRE(watched.seen_sent.size() >= 4);
    CHECK(watched.seen_sent.back() == wire::itp::initial_window);
    CHECK(watched.stream->queued() == 100'000 - wire::itp::initial_window);
    peer.send(frame_type::credit, 0, 0, credit_entry(1, 100'000));
    peer.end.take();
    CHECK(watched.seen_sent.back() == 100'000);
    CHECK(other.seen_sent.empty());
}

TEST_CASE("a producer that stops when told is bounded and told once when it may go on") {
    scripted_peer peer(engine::role::edge);
    auto& visitor = peer.end.open(request("POST"));
    std::size_t written = 0;
    while (!visitor.stream->is_congested()) {
        visitor.stream->write(std::string(16'000, 'b'));
        written += 16'000;
    }
    CHECK(visitor.stream->queued() <= engine::stream::high_water + 16'000);
    peer.end.take();
    CHECK(visitor.stream->queued() == written - wire::itp::initial_window);
    CHECK(visitor.told.empty());
    const auto above_low = visitor.stream->queued() - engine::stream::low_water;
    peer.send(frame_type::credit, 0, 0, credit_entry(1, static_cast<std::uint32_t>(above_low - 1)));
    peer.end.take();
    CHECK(visitor.told.empty());
    peer.send(frame_type::credit, 0, 0, credit_entry(1, 1));
    peer.end.take();
    CHECK(visitor.told == "drained;");
    peer.send(frame_type::credit, 0, 0, credit_entry(1, 100'000));
    peer.end.take();
    CHECK(visitor.told == "drained;");
}

TEST_CASE("a lane that takes nothing holds little more than its high mark, whatever streams write") {
    session_end edge(engine::role::edge);
    std::vector<stream_owner*> visitors;
    for (int i = 0; i < 20; ++i)
        visitors.push_back(&edge.open(request("POST")));
    for (auto* v : visitors)
        for (int n = 0; n < 100 && !v->stream->is_congested(); ++n)
            v->stream->write(std::string(10'000, 'b'));
    edge.flush();
    CHECK(edge.wire.size() >= engine::session::lane_high_water);
    CHECK(edge.wire.size() < engine::session::lane_high_water + 2 * wire::itp::default_max_frame);
    for (auto* v : visitors)
        CHECK(v->stream->queued() <= engine::stream::high_water + 10'000);
}

TEST_CASE("what an owner writes when it is told of room never overtakes what came before it") {
    // The second stream is opened, and gets small and large bodies, inside the callback of the first one.
    session_pair pair;
    auto& first = pair.edge.open(request("POST", "/first"));
    pair.settle();
    std::string expected;
    first.on_each_drained = [&](stream_owner&) {
        auto& second = pair.edge.open(request("POST", "/second"));
        for (const std::size_t size : {10u, 40'000u, 20u}) {
            const std::string part(size, static_cast<char>('a' + expected.size() % 26));
            second.stream->write(part);
            expected += part;
        }
        second.stream->finish();
    };
    while (!first.stream->is_congested())
        first.stream->write(std::string(16'000, 'b'));
    pair.settle();
    CHECK(pair.client.told.empty());
    CHECK(pair.client.opened == std::vector<std::string>{"POST /first", "POST /second"});
    CHECK(pair.client.last().body == expected);
    CHECK(pair.client.last().told == "data;end;");
}

TEST_CASE("credits of a turn leave in one frame") {
    scripted_peer peer(engine::role::client);
    for (std::uint32_t id = 1; id <= 41; id += 2) {
        peer.send_open(id);
        for (int i = 0; i < 2; ++i)
            peer.send(frame_type::data, 0, id, std::string(16'384, 'b'));
    }
    const auto frames = peer.end.take_frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].is(frame_type::credit));
    CHECK(frames[0].stream == 0);
    CHECK(frames[0].payload.size() % 8 == 0);
    CHECK(wire::itp::get_u32(frames[0].payload.data()) == 1);
    CHECK(wire::itp::get_u32(frames[0].payload.data() + 4) == 16'384);
}

TEST_CASE("a finished direction is granted nothing more") {
    scripted_peer peer(engine::role::client);
    peer.send_open(1);
    peer.end.last().consumes = false;
    peer.send(frame_type::data, flag::end, 1, std::string(16'384, 'b'));
    peer.end.last().stream->consumed(16'384);
    CHECK(peer.end.take_frames().empty());
}

TEST_CASE("a long path gets a window that grows, within the session's budget") {
    engine::session_limits limits;
    limits.growth_budget = 256 * 1024;
    session_pair pair(limits);
    pair.one_way = std::chrono::milliseconds(50);
    auto& visitor = pair.edge.open(request("POST"));
    pair.settle();
    // The first PING tells the round trip.
    pair.client.session.check_alive(pair.now);
    pair.settle();
    REQUIRE(pair.client.session.round_trip() >= std::chrono::milliseconds(50));

    std::size_t largest = 0;
    for (int turn = 0; turn < 200; ++turn) {
        while (!visitor.stream->is_congested())
            visitor.stream->write(std::string(16'000, 'b'));
        const auto before = pair.client.last().body.size();
        pair.deliver(pair.edge, pair.client);
        largest = std::max(largest, pair.client.last().body.size() - before);
        pair.deliver(pair.client, pair.edge);
    }
    CHECK(largest > wire::itp::initial_window);
    CHECK(largest <= limits.growth_budget + 2 * wire::itp::initial_window);
}
