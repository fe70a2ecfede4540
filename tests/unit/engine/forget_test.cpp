// Every way an exchange can end must leave no stream behind at either side, or a tunnel fills up after its limit of
// streams and answers nothing more.

#include <catch2/catch.hpp>
#include <string>

#include "session_pair.hpp"

using namespace instatunnel;
using namespace instatunnel::test;

namespace {

enum class way { fast, chunks };

// A body through the path that copies into the batch, or the one that fills chunks.
void send_body(engine::stream& s, std::size_t size, way how) {
    if (how == way::fast && size <= wire::itp::max_data_payload) {
        if (size != 0) s.write(std::string(size, 'x'));
        return;
    }
    while (size != 0) {
        const auto room = s.reserve();
        const auto n = std::min(size, room.size());
        std::fill_n(room.data(), n, 'x');
        s.commit(n);
        size -= n;
    }
}

}  // namespace

TEST_CASE("an exchange that is over is forgotten on both sides") {
    const auto how = GENERATE(way::fast, way::chunks);
    const std::size_t size =
        GENERATE(as<std::size_t>(), 0, 1, 4000, wire::itp::max_data_payload - 1, wire::itp::max_data_payload,
                 wire::itp::max_data_payload + 1, 2 * wire::itp::max_data_payload, wire::itp::initial_window - 1,
                 wire::itp::initial_window, wire::itp::initial_window + 1, 300'000);
    const bool end_later = GENERATE(false, true);
    const bool trailers = GENERATE(false, true);
    const bool release_at_once = GENERATE(false, true);
    INFO((how == way::fast ? "fast " : "chunks ")
         << size << (end_later ? " end later" : "") << (trailers ? " trailers" : "")
         << (release_at_once ? " released at once" : ""));
    session_pair pair;
    auto& visitor = pair.edge.open(request("POST"));
    pair.settle();
    auto& app = pair.client.last();
    const auto end = [&](engine::stream& s) {
        if (trailers)
            s.send_trailers({{"x-sum", "1"}});
        else
            s.finish();
    };
    send_body(*visitor.stream, size, how);
    if (end_later) pair.settle();
    end(*visitor.stream);
    pair.settle();
    CHECK(app.body.size() == size);
    CHECK(app.stream->receive_finished());

    app.stream->send_reply(reply(), 0);
    send_body(*app.stream, size, how);
    if (end_later) pair.settle();
    end(*app.stream);
    // The client lets go as soon as it has handed over the end, with the body still on its way.
    if (release_at_once) app.release();
    visitor.on_the_end = [](stream_owner& o) { o.release(); };
    pair.settle();
    CHECK(visitor.body.size() == size);
    app.release();
    pair.settle();
    CHECK(pair.edge.session.open_streams() == 0);
    CHECK(pair.client.session.open_streams() == 0);
    CHECK_FALSE(pair.edge.session.has_output());
    CHECK_FALSE(pair.client.session.has_output());
}

TEST_CASE("heads that end their exchange leave nothing behind") {
    session_pair pair;
    auto& visitor = pair.edge.open(request(), flag::end);
    pair.settle();
    pair.client.last().stream->send_reply(reply(204), flag::end);

    SECTION("the client lets go first") {
        pair.client.last().release();
        pair.settle();
        visitor.release();
    }
    SECTION("the visitor lets go inside the call") {
        visitor.on_the_end = [](stream_owner& o) { o.release(); };
        pair.settle();
        pair.client.last().release();
    }
    SECTION("the visitor lets go at the head, before the end") {
        visitor.on_each_head = [](stream_owner& o) { o.release(); };
        pair.settle();
        CHECK(visitor.told == "head 204;");
        pair.client.last().release();
    }
    pair.settle();
    CHECK(pair.is_empty());
}

TEST_CASE("a stream released before it is finished is reset at the peer") {
    const auto by_edge = GENERATE(true, false);
    const std::size_t queued = GENERATE(as<std::size_t>(), 0, 10, 500'000);
    INFO((by_edge ? "edge " : "client ") << queued);
    session_pair pair;
    auto& visitor = pair.edge.open(request("POST"));
    pair.settle();
    auto& app = pair.client.last();
    app.consumes = visitor.consumes = false;
    auto& leaving = by_edge ? visitor : app;
    auto& staying = by_edge ? app : visitor;
    app.stream->send_reply(reply(), 0);
    send_body(*leaving.stream, queued, way::chunks);
    pair.settle();
    leaving.release();
    pair.settle();
    CHECK_THAT(staying.told, Catch::Matchers::EndsWith("reset cancelled;"));
    CHECK(pair.is_empty());
}

TEST_CASE("an owner may let go inside any call") {
    session_pair pair;
    auto& visitor = pair.edge.open(request("POST"));
    pair.settle();
    auto& app = pair.client.last();

    SECTION("inside on_data, with END on the same frame") {
        app.on_each_data = [](stream_owner& o) { o.release(); };
        visitor.stream->write(std::string(30'000, 'b'));
        visitor.stream->finish();
    }
    SECTION("inside on_reset of the peer's reset") {
        visitor.stream->reset(code::cancelled, {});
    }
    SECTION("inside on_drained") {
        visitor.on_each_drained = [](stream_owner& o) { o.release(); };
        while (!visitor.stream->is_congested())
            visitor.stream->write(std::string(16'000, 'b'));
    }
    pair.settle();
    visitor.release();
    pair.settle();
    CHECK(pair.is_empty());
}

TEST_CASE("losing the session tells every stream once, and an owner may take others with it") {
    session_pair pair;
    auto& a = pair.edge.open(request("GET", "/a"), flag::end);
    auto& b = pair.edge.open(request("GET", "/b"), flag::end);
    auto& c = pair.edge.open(request("POST", "/c"));
    a.on_the_reset = [&](stream_owner&) {
        b.release();
        c.release();
    };
    b.on_the_reset = [&](stream_owner&) {
        a.release();
        c.release();
    };
    c.on_the_reset = [&](stream_owner&) {
        a.release();
        b.release();
    };
    pair.settle();
    pair.edge.session.lose_all_streams("gone");
    const auto told = a.told + b.told + c.told;
    CHECK(told == "reset session_lost gone;");
    CHECK(pair.edge.session.open_streams() == 0);
    CHECK(pair.edge.open(request()).stream == nullptr);
}

TEST_CASE("the end of a session tells its streams") {
    auto edge = std::make_unique<session_end>(engine::role::edge);
    auto& owner = edge->open(request());
    std::string told;
    owner.on_the_reset = [&](stream_owner& o) { told = o.told; };
    owner.stream->write(std::string(300'000, 'b'));
    edge.reset();
    CHECK(told == "reset session_lost;");
}

TEST_CASE("ten thousand exchanges leave nothing behind") {
    session_pair pair;
    for (int i = 0; i < 10'000; ++i) {
        auto& visitor = pair.edge.open(request(), flag::end);
        visitor.on_the_end = [](stream_owner& o) { o.release(); };
        pair.settle();
        pair.client.last().stream->send_reply(reply(), 0);
        pair.client.last().stream->write("hello");
        pair.client.last().stream->finish();
        pair.client.last().release();
        pair.settle();
        pair.edge.owners.clear();
        pair.client.owners.clear();
    }
    CHECK(pair.is_empty());
}

TEST_CASE("a reply that is finished before the request leaves whole, and the request is cancelled behind it") {
    const std::size_t size = GENERATE(as<std::size_t>(), 0, 1, 20'000, 300'000);
    const bool trailers = GENERATE(false, true);
    INFO(size << (trailers ? " trailers" : ""));
    session_pair pair;
    auto& visitor = pair.edge.open(request("POST"));
    send_body(*visitor.stream, 5000, way::fast);
    pair.settle();
    auto& app = pair.client.last();
    app.stream->send_reply(reply(413), 0);
    send_body(*app.stream, size, way::chunks);
    if (trailers)
        app.stream->send_trailers({{"x-sum", "1"}});
    else
        app.stream->finish();
    app.release();
    pair.settle();
    CHECK(visitor.body.size() == size);
    CHECK(visitor.told.find(trailers ? "trailers;" : "end;") != std::string::npos);
    CHECK(visitor.reset_code == code::cancelled);
    CHECK(visitor.stream == nullptr);
    CHECK(pair.is_empty());
}

TEST_CASE("an edge that lets go of a request cancels it at once, whatever of it is still queued") {
    session_pair pair;
    auto& visitor = pair.edge.open(request("POST"));
    pair.settle();
    auto& app = pair.client.last();
    app.consumes = false;
    send_body(*visitor.stream, 300'000, way::chunks);
    visitor.stream->finish();
    visitor.release();
    pair.settle();
    CHECK(app.reset_code == code::cancelled);
    CHECK(pair.is_empty());
}

TEST_CASE("a finished reply that nobody takes is forgotten with the session") {
    session_pair pair;
    auto& visitor = pair.edge.open(request("POST"));
    visitor.consumes = false;
    pair.settle();
    auto& app = pair.client.last();
    app.stream->send_reply(reply(413), 0);
    send_body(*app.stream, 300'000, way::chunks);
    app.stream->finish();
    app.release();
    pair.settle();
    CHECK(pair.client.session.open_streams() == 1);
    pair.client.session.lose_all_streams("gone");
    CHECK(pair.client.session.open_streams() == 0);
}
