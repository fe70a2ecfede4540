#include <catch2/catch.hpp>
#include <string>

#include "session_pair.hpp"

using namespace instatunnel;
using namespace instatunnel::test;

namespace {

// A small request with a body and its reply with trailers, as both ends saw them.
std::string run_exchange(session_pair& pair) {
    std::string seen;
    auto& visitor = pair.edge.open(request("POST", "/form"));
    visitor.stream->write("name=");
    visitor.stream->write("value");
    visitor.stream->finish();
    pair.client.on_each_open = [&](engine::stream& s, const wire::itp::open_head& head, std::uint8_t) {
        seen += std::string(head.method) + " " + std::string(head.authority) + std::string(head.path) + ";";
        s.accept();
        pair.client.last().on_the_end = [](stream_owner& app) {
            app.stream->send_reply(reply(103), flag::interim);
            app.stream->send_reply(reply(201), 0);
            app.stream->write("made");
            app.stream->send_trailers({{"x-sum", "4"}});
            app.release();
        };
    };
    visitor.on_the_end = [](stream_owner& o) { o.release(); };
    pair.settle();
    return seen + pair.client.last().told + pair.client.last().body + "|" + visitor.told + visitor.body;
}

const std::string whole_exchange =
    "POST demo.example.com/form;data;end;name=value|accepted;head 103;head 201;data;trailers;end;made";

}  // namespace

TEST_CASE("a request travels to the client and its reply back") {
    session_pair pair;
    CHECK(run_exchange(pair) == whole_exchange);
    CHECK(pair.is_empty());
    CHECK(pair.edge.told.empty());
    CHECK(pair.client.told.empty());
}

TEST_CASE("an exchange is the same in pieces of any size") {
    for (std::size_t piece = 1; piece <= 80; ++piece) {
        INFO("piece " << piece);
        session_pair pair;
        pair.piece = piece;
        CHECK(run_exchange(pair) == whole_exchange);
        CHECK(pair.is_empty());
    }
}

TEST_CASE("what the edge sends means the same to the client wherever the network cuts it") {
    session_end edge(engine::role::edge);
    auto& visitor = edge.open(request("POST", "/cut"));
    visitor.stream->write("body");
    visitor.stream->send_trailers({{"x-sum", "4"}});
    edge.open(request("GET", "/second"), flag::end);
    const auto bytes = edge.take();

    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        INFO("cut at " << cut);
        session_end client(engine::role::client);
        const engine::time_point now{std::chrono::hours(1)};
        REQUIRE(client.session.receive(std::string_view(bytes).substr(0, cut), now));
        REQUIRE(client.session.receive(std::string_view(bytes).substr(cut), now));
        REQUIRE(client.opened == std::vector<std::string>{"POST /cut", "GET /second"});
        CHECK(client.owners[0]->told == "data;trailers;end;");
        CHECK(client.owners[0]->body == "body");
        CHECK(client.owners[1]->last_flags == flag::end);
    }
}

TEST_CASE("a lane that dies at any byte tells every open stream once and keeps none") {
    session_end edge(engine::role::edge);
    auto& visitor = edge.open(request("POST", "/cut"));
    visitor.stream->write("body");
    visitor.stream->finish();
    edge.open(request("GET", "/second"), flag::end);
    const auto bytes = edge.take();

    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        INFO("cut at " << cut);
        session_end client(engine::role::client);
        REQUIRE(client.session.receive(std::string_view(bytes).substr(0, cut), {}));
        const auto before = client.session.open_streams();
        client.session.lose_all_streams("the lane is gone");
        client.session.lose_all_streams("again");
        CHECK(client.owners.size() == before);
        CHECK(client.session.open_streams() == 0);
        for (const auto& owner : client.owners)
            CHECK_THAT(owner->told, Catch::Matchers::EndsWith("reset session_lost the lane is gone;"));
    }
}

TEST_CASE("fields arrive as they were sent, in order, with their spelling") {
    session_pair pair;
    auto head = request();
    head.fields = {{"Cookie", "a=1"}, {"cookie", "b=2"}, {"COOKIE", ""}, {"x-Odd_Name", "  inner  blank"}};
    pair.edge.open(head, flag::end);
    pair.settle();
    CHECK(pair.client.last().fields ==
          std::vector<std::pair<std::string, std::string>>{
              {"Cookie", "a=1"}, {"cookie", "b=2"}, {"COOKIE", ""}, {"x-Odd_Name", "  inner  blank"}});
}

TEST_CASE("heads and trailers longer than a frame travel in parts") {
    const std::string value(15000, 'v');
    std::vector<wire::field> fields;
    for (const char* name : {"x-a", "x-b", "x-c", "x-d"})
        fields.push_back({name, value});
    for (const std::size_t piece : {std::size_t{7}, std::size_t{16391}, std::string::npos}) {
        INFO("piece " << piece);
        session_pair pair;
        pair.piece = piece;
        auto head = request();
        head.fields = fields;
        auto& visitor = pair.edge.open(head);
        pair.settle();
        auto& app = pair.client.last();
        REQUIRE(app.fields.size() == 4);
        CHECK(app.fields[3].second == value);

        auto answer = reply();
        answer.fields = fields;
        app.stream->send_reply(answer, 0);
        pair.settle();
        CHECK(visitor.fields.size() == 4);
        app.stream->send_trailers(fields);
        visitor.stream->send_trailers(fields);
        pair.settle();
        CHECK(visitor.told == "head 200;trailers;end;");
        CHECK(app.told == "trailers;end;");
        CHECK(app.fields[0].second == value);
    }
}

TEST_CASE("a long head stays readable while its handler answers with another one") {
    session_pair pair;
    const std::string value(15000, 'v');
    auto head = request("GET", "/long");
    head.fields = {{"x-a", value}, {"x-b", value}};
    std::string seen;
    pair.client.on_each_open = [&](engine::stream& s, const wire::itp::open_head& open, std::uint8_t) {
        auto answer = reply();
        const std::string other(16000, 'o');
        answer.fields = {{"x-o", other}, {"x-p", other}};
        s.send_reply(answer, flag::end);
        seen = std::string(open.path) + " " + std::string(open.fields.at(1).value);
    };
    pair.edge.open(head, flag::end);
    pair.settle();
    CHECK(seen == "/long " + value);
}

TEST_CASE("a head too long for the tunnel is refused where it starts and harms nobody else") {
    const std::string value(16000, 'v');
    std::vector<wire::field> fields(5, {"x-long", value});
    session_pair pair;
    auto& other = pair.edge.open(request("GET", "/other"), flag::end);
    pair.settle();
    auto head = request();
    head.fields = fields;
    CHECK(pair.edge.open(head).stream == nullptr);
    CHECK(pair.edge.session.open_streams() == 1);

    auto& first = pair.edge.open(request(), flag::end);
    auto& second = pair.edge.open(request(), flag::end);
    pair.settle();
    auto answer = reply();
    answer.fields = fields;
    pair.client.owners[1]->stream->send_reply(answer, 0);
    pair.client.owners[1]->release();
    pair.client.owners[2]->stream->send_reply(reply(), 0);
    pair.client.owners[2]->stream->send_trailers(fields);
    pair.client.owners[2]->release();
    pair.client.owners[0]->stream->send_reply(reply(), flag::end);
    pair.settle();
    CHECK(first.told == "reset head_too_large a reply head over 64 KiB;");
    CHECK(second.told == "head 200;reset head_too_large trailers over 64 KiB;");
    CHECK(other.told == "head 200;end;");
    CHECK(pair.edge.told.empty());
    CHECK(pair.client.told.empty());
}

TEST_CASE("the longest head that fits travels") {
    session_pair pair;
    auto head = request();
    std::string encoded;
    head.fields.assign(5, {"x-long", {}});
    wire::itp::encode_open(encoded, head);
    const std::string value((wire::itp::max_head_size - encoded.size()) / 5, 'v');
    for (auto& f : head.fields)
        f.value = value;
    pair.edge.open(head, flag::end);
    pair.settle();
    CHECK(pair.client.opened.size() == 1);
    CHECK(pair.client.told.empty());
}

TEST_CASE("either direction may end first") {
    session_pair pair;
    auto& visitor = pair.edge.open(request("POST"));
    pair.settle();
    auto& app = pair.client.last();

    SECTION("the request first") {
        visitor.stream->write("all of it");
        visitor.stream->finish();
        pair.settle();
        CHECK(app.told == "data;end;");
        app.stream->send_reply(reply(), 0);
        app.stream->write("late");
        pair.settle();
        app.stream->write("r");
        app.stream->finish();
        pair.settle();
        CHECK(visitor.told == "head 200;data;end;");
        CHECK(visitor.body == "later");
    }
    SECTION("the reply first") {
        app.stream->send_reply(reply(), 0);
        app.stream->write("early");
        app.stream->finish();
        pair.settle();
        CHECK(visitor.told == "head 200;data;end;");
        CHECK_FALSE(visitor.stream->is_dead());
        visitor.stream->write("still sending");
        visitor.stream->finish();
        pair.settle();
        CHECK(app.told == "data;end;");
        CHECK(app.body == "still sending");
    }
    visitor.release();
    app.release();
    CHECK(pair.is_empty());
}

TEST_CASE("an early reply whose owner lets go resets the rest of the request") {
    session_pair pair;
    auto& visitor = pair.edge.open(request("POST"));
    visitor.stream->write(std::string(200'000, 'b'));
    pair.deliver(pair.edge, pair.client);
    auto& app = pair.client.last();
    app.stream->send_reply(reply(413), flag::end);
    app.release();
    pair.settle();
    CHECK(visitor.told == "head 413;end;reset cancelled;");
    CHECK(pair.is_empty());
    CHECK(pair.client.told.empty());
}

TEST_CASE("a reset kills both directions at the other end, with its reason") {
    session_pair pair;
    auto& visitor = pair.edge.open(request("POST"));
    visitor.stream->write("begun");
    pair.settle();
    auto& app = pair.client.last();

    SECTION("by the client") {
        app.stream->reset(code::origin_reset, "localhost:3000");
        app.stream->write("nothing");
        app.stream->finish();
        app.release();
        pair.settle();
        CHECK(visitor.told == "reset origin_reset localhost:3000;");
    }
    SECTION("by the edge") {
        visitor.stream->reset(code::cancelled, {});
        visitor.release();
        pair.settle();
        CHECK(app.told == "data;reset cancelled;");
    }
    SECTION("by both at once") {
        visitor.stream->reset(code::cancelled, {});
        app.stream->reset(code::origin_reset, {});
        pair.settle();
        CHECK(visitor.told.empty());
        CHECK(app.told == "data;");
        visitor.release();
        app.release();
    }
    CHECK(pair.is_empty());
}

TEST_CASE("STOP drops what is queued, ends what was ended, and leaves the other direction alone") {
    scripted_peer peer(engine::role::edge);
    auto& visitor = peer.end.open(request("POST"));
    visitor.stream->write(std::string(100'000, 'b'));
    peer.end.take();

    SECTION("before the end") {
        peer.send(frame_type::stop, 0, 1, std::string(2, '\0'));
        CHECK(visitor.told == "stop;");
        CHECK(visitor.stream->queued() == 0);
        CHECK(visitor.stream->reserve().empty());
        visitor.stream->write("no more");
        CHECK(peer.end.take_frames().empty());
        visitor.stream->finish();
        const auto frames = peer.end.take_frames();
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].is(frame_type::data));
        CHECK(frames[0].flags == flag::end);
        CHECK(frames[0].payload.empty());
    }
    SECTION("with the end behind the queue") {
        visitor.stream->finish();
        CHECK(peer.end.take_frames().empty());
        peer.send(frame_type::stop, 0, 1, std::string(2, '\0'));
        const auto frames = peer.end.take_frames();
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].flags == flag::end);
    }
    peer.send_head(1);
    peer.send(frame_type::data, flag::end, 1, "the other direction");
    CHECK(visitor.told == "stop;head 200;data;end;");
    visitor.release();
    CHECK(peer.end.session.open_streams() == 0);
}

TEST_CASE("an upgraded stream carries messages both ways and closes like a socket") {
    session_pair pair;
    auto head = request();
    head.protocol = "websocket";
    auto& visitor = pair.edge.open(head);
    pair.settle();
    auto& app = pair.client.last();
    app.stream->send_reply(reply(101), flag::upgraded);
    app.stream->write("hello", /*push=*/true);
    visitor.stream->write("hi", /*push=*/true);
    pair.edge.flush();
    CHECK((frames_of(pair.edge.wire).back().flags & flag::push) != 0);
    pair.settle();
    CHECK(visitor.last_flags == flag::upgraded);
    CHECK(visitor.body == "hello");
    CHECK(app.body == "hi");
    app.stream->finish();
    visitor.stream->finish();
    pair.settle();
    CHECK(visitor.told == "head 101;data;end;");
    visitor.release();
    app.release();
    CHECK(pair.is_empty());
}

TEST_CASE("flags of OPEN reach the client, more interim heads than one reach the visitor") {
    session_pair pair;
    auto& visitor = pair.edge.open(request(), flag::end | flag::idempotent);
    pair.settle();
    CHECK(pair.client.last().last_flags == (flag::end | flag::idempotent));
    for (int i = 0; i < 3; ++i)
        pair.client.last().stream->send_reply(reply(103), flag::interim);
    pair.client.last().stream->send_reply(reply(204), flag::end);
    pair.settle();
    CHECK(visitor.told == "head 103;head 103;head 103;head 204;end;");
}
