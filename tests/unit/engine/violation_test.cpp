#include <catch2/catch.hpp>
#include <string>

#include "session_pair.hpp"

using namespace instatunnel;
using namespace instatunnel::test;

namespace {

std::string raw(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
    return frame(static_cast<frame_type>(type), flags, stream, payload);
}

std::string open_payload() {
    std::string payload;
    wire::itp::encode_open(payload, request());
    return payload;
}

std::string head_payload(std::uint16_t status = 200) {
    std::string payload;
    wire::itp::encode_reply(payload, reply(status));
    return payload;
}

std::string fields_payload() {
    std::string payload;
    wire::itp::encode_fields(payload, {{"x-sum", "1"}});
    return payload;
}

struct breach {
    const char* name;
    engine::role tested;
    std::string bytes;
    code expected;
};

// Sent to a session with stream 1 open (and its reply head seen, at the edge).
std::vector<breach> breaches() {
    using enum engine::role;
    const auto too_long = [] {
        std::string header(8, '\0');
        wire::itp::encode_frame_header(header.data(), {16385, 0x06, 0, 1});
        return header;
    };
    const std::string part(16'384, 'p');
    std::string endless_open, endless_head;
    for (int i = 0; i < 5; ++i)
        endless_open += frame(frame_type::open, flag::more, 3, part);
    for (int i = 0; i < 5; ++i)
        endless_head += frame(frame_type::head, flag::more, 3, part);
    return {
        {"OPEN with an even id", client, frame(frame_type::open, 0, 2, open_payload()), code::protocol},
        {"OPEN with id 0", client, frame(frame_type::open, 0, 0, open_payload()), code::protocol},
        {"OPEN with a used id", client, frame(frame_type::open, 0, 1, open_payload()), code::protocol},
        {"OPEN to the edge", edge, frame(frame_type::open, 0, 2, open_payload()), code::protocol},
        {"malformed OPEN", client, frame(frame_type::open, 0, 3, open_payload() + "x"), code::protocol},
        {"HEAD to the client", client, frame(frame_type::head, 0, 1, head_payload()), code::protocol},
        {"HEAD after the final one", edge, frame(frame_type::head, 0, 1, head_payload()), code::protocol},
        {"malformed HEAD", edge, frame(frame_type::head, 0, 3, head_payload() + "x"), code::protocol},
        {"HEAD of a stream nobody opened", edge, frame(frame_type::head, 0, 5, head_payload()), code::protocol},
        {"interim HEAD with END", edge, frame(frame_type::head, flag::interim | flag::end, 3, head_payload(103)),
         code::protocol},
        {"DATA before HEAD", edge, frame(frame_type::data, 0, 3, "x"), code::protocol},
        {"DATA of a stream nobody opened", edge, frame(frame_type::data, 0, 5, "x"), code::protocol},
        {"DATA of a stream nobody opened", client, frame(frame_type::data, 0, 3, "x"), code::protocol},
        {"DATA with an even id", edge, frame(frame_type::data, 0, 2, "x"), code::protocol},
        {"DATA on stream 0", client, frame(frame_type::data, 0, 0, "x"), code::protocol},
        {"DATA after the end", client, frame(frame_type::data, flag::end, 1, "") + frame(frame_type::data, 0, 1, "x"),
         code::protocol},
        {"a second END", edge, frame(frame_type::data, flag::end, 1, "") + frame(frame_type::data, flag::end, 1, ""),
         code::protocol},
        {"TRAILERS before HEAD", edge, frame(frame_type::trailers, 0, 3, fields_payload()), code::protocol},
        {"TRAILERS after the end", client,
         frame(frame_type::data, flag::end, 1, "") + frame(frame_type::trailers, 0, 1, fields_payload()),
         code::protocol},
        {"malformed TRAILERS", client, frame(frame_type::trailers, 0, 1, "x"), code::protocol},
        {"TRAILERS of a stream nobody opened", client, frame(frame_type::trailers, 0, 9, fields_payload()),
         code::protocol},
        {"CREDIT that is no list", edge, frame(frame_type::credit, 0, 0, "1234567"), code::protocol},
        {"CREDIT beyond 2^31-1", edge, frame(frame_type::credit, 0, 0, credit_entry(1, 0x7FFFFFFF)),
         code::flow_control},
        {"CREDIT beyond 2^31-1 in steps", client,
         frame(frame_type::credit, 0, 0, credit_entry(1, 0x7FFF0000 - 65'536) + credit_entry(1, 0x10000)),
         code::flow_control},
        {"PING of a wrong size", edge, frame(frame_type::ping, 0, 0, "1234567"), code::protocol},
        {"HELLO to the client", client, frame(frame_type::hello, 0, 0, "{}"), code::protocol},
        {"WELCOME to the edge", edge, frame(frame_type::welcome, 0, 0, "{}"), code::protocol},
        {"MOVE", edge, frame(frame_type::move, 0, 0, "1"), code::protocol},
        {"DATAGRAM", client, frame(frame_type::datagram, 0, 1, "1"), code::protocol},
        {"type 0x11", client, raw(0x11, 0, 0, ""), code::protocol},
        {"type 0x3f", edge, raw(0x3F, 0xFF, 7, "abc"), code::protocol},
        {"a second preface", client, preface() + preface(), code::frame_size},
        {"a frame of 16385", edge, too_long(), code::frame_size},
        {"a head longer than 64 KiB", client, endless_open, code::head_too_large},
        {"a reply head longer than 64 KiB", edge, endless_head, code::head_too_large},
        {"a frame between the parts of a head", client,
         frame(frame_type::open, flag::more, 3, open_payload()) + frame(frame_type::ping, 0, 0, "12345678"),
         code::protocol},
        {"another stream between the parts of a head", client,
         frame(frame_type::open, flag::more, 3, open_payload().substr(0, 9)) +
             frame(frame_type::open, 0, 5, open_payload()),
         code::protocol},
    };
}

}  // namespace

TEST_CASE("whoever breaks the protocol is told which rule, and that is the last frame") {
    for (const auto& b : breaches()) {
        for (const std::size_t piece : {std::string::npos, std::size_t{1}}) {
            INFO(b.name << (b.tested == engine::role::edge ? " at the edge" : " at the client") << ", piece " << piece);
            scripted_peer peer(b.tested);
            if (b.tested == engine::role::edge) {
                peer.end.open(request("POST"));
                peer.end.open(request("POST"));
                peer.send_head(1);
            } else {
                peer.send_open(1);
            }
            auto& bystander = *peer.end.owners[0];
            peer.end.take();
            const auto told_before = bystander.told;
            bool alive = true;
            for (std::size_t at = 0; alive && at < b.bytes.size(); at += std::min(piece, b.bytes.size() - at))
                alive = peer.send(std::string_view(b.bytes).substr(at, piece));
            CHECK_FALSE(alive);
            CHECK(peer.end.violation == b.expected);
            // Streams are not touched but for an end that came before the breach.
            CHECK((bystander.told == told_before || bystander.told == told_before + "end;"));

            if (bystander.stream != nullptr) bystander.stream->write(std::string(40'000, 'b'));
            bystander.release();
            peer.end.session.check_alive(peer.now + std::chrono::seconds(5));
            const auto frames = peer.end.take_frames();
            REQUIRE(frames.size() == 1);
            CHECK(frames[0].is(frame_type::error));
            const auto error = wire::itp::decode_error(frames[0].payload);
            CHECK(error.what == b.expected);
            CHECK_THAT(peer.end.told, Catch::Matchers::EndsWith(": " + std::string(error.text) + ";"));

            CHECK_FALSE(peer.send(frame_type::ping, 0, 0, "12345678"));
            CHECK(peer.end.take_frames().empty());
        }
    }
}

TEST_CASE("DATA that was queued when the peer broke the rules does not follow the ERROR") {
    scripted_peer peer(engine::role::edge);
    auto& visitor = peer.end.open(request("POST"));
    visitor.stream->write(std::string(300'000, 'b'));
    peer.send(frame_type::move, 0, 0, "");
    const auto frames = peer.end.take_frames();
    CHECK(frames.back().is(frame_type::error));
    CHECK(count_of(frames, frame_type::data) == 0);
}

TEST_CASE("bytes that are no preface of ours are refused as a version") {
    for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), std::string(16, '\0'), [] {
                                         const auto p = wire::itp::encode_preface(2, 9);
                                         return std::string(p.data(), p.size());
                                     }()}) {
        session_end edge(engine::role::edge);
        edge.take();
        CHECK_FALSE(edge.session.receive(bytes, {}));
        CHECK(edge.violation == code::version);
        CHECK(edge.take_frames().size() == 1);
    }
}

TEST_CASE("the window is a promise: one byte more ends the session") {
    for (const std::uint32_t surplus : {0u, 1u}) {
        scripted_peer peer(engine::role::client);
        peer.send_open(1);
        peer.end.last().consumes = false;
        for (int i = 0; i < 3; ++i)
            REQUIRE(peer.send(frame_type::data, 0, 1, std::string(16'384, 'b')));
        CHECK(peer.send(frame_type::data, 0, 1, std::string(16'384 - 1, 'b')));
        CHECK(peer.send(frame_type::data, 0, 1, std::string(1 + surplus, 'b')) == (surplus == 0));
        CHECK(peer.end.violation == (surplus == 0 ? code::ok : code::flow_control));
        CHECK(peer.end.last().body.size() == 65'535 + (surplus == 0 ? 1 : 0));
    }
}

TEST_CASE("types that a newer peer may add are skipped, whatever they hold") {
    scripted_peer peer(engine::role::client);
    for (const auto type : {std::uint8_t{0x40}, std::uint8_t{0x7F}, std::uint8_t{0xFF}, std::uint8_t{0x00}})
        CHECK(peer.send(raw(type, 0xFF, 0xFFFFFFFF, std::string(16'384, 'x'))));
    CHECK(peer.send_open(1));
    CHECK(peer.end.opened.size() == 1);
    CHECK(peer.end.told.empty());
}

TEST_CASE("frames for a stream that is over are dropped without a word") {
    scripted_peer peer(engine::role::edge);
    auto& visitor = peer.end.open(request("POST"));
    visitor.release();
    CHECK(peer.end.session.open_streams() == 0);
    peer.end.take();
    CHECK(peer.send_head(1));
    CHECK(peer.send(frame_type::data, 0, 1, std::string(16'384, 'x')));
    CHECK(peer.send(frame_type::trailers, 0, 1, fields_payload()));
    CHECK(peer.send(frame_type::credit, 0, 0, credit_entry(1, 0x7FFFFFFF)));
    CHECK(peer.send(frame_type::reset, 0, 1, wire::itp::encode_reset(code::cancelled, {})));
    CHECK(peer.send(frame_type::stop, 0, 1, std::string(2, '\0')));
    CHECK(peer.send(frame_type::accept, 0, 1, {}));
    CHECK(visitor.told.empty());
    CHECK(peer.end.take_frames().empty());
}

TEST_CASE("a stream that we reset hears nothing more, even before its owner lets go") {
    scripted_peer peer(engine::role::edge);
    auto& visitor = peer.end.open(request("POST"));
    visitor.stream->reset(code::cancelled, {});
    peer.send(frame_type::accept, 0, 1, {});
    peer.send_head(1);
    peer.send(frame_type::data, flag::end, 1, "x");
    peer.send(frame_type::reset, 0, 1, wire::itp::encode_reset(code::cancelled, {}));
    CHECK(visitor.told.empty());
    CHECK(peer.end.told.empty());
}

TEST_CASE("a stream beyond the limit is refused, the others go on, and room counts again") {
    engine::session_limits limits;
    limits.max_streams = 2;
    SECTION("at the client") {
        scripted_peer peer(engine::role::client, limits);
        for (const std::uint32_t id : {1u, 3u, 5u})
            CHECK(peer.send_open(id, flag::end));
        CHECK(peer.end.opened.size() == 2);
        const auto frames = peer.end.take_frames();
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].is(frame_type::reset));
        CHECK(frames[0].stream == 5);
        CHECK(wire::itp::decode_reset(frames[0].payload).what == code::refused);
        peer.end.owners[0]->release();
        CHECK(peer.send_open(7, flag::end));
        CHECK(peer.end.opened.size() == 3);
    }
    SECTION("at the edge") {
        session_pair pair(limits);
        auto& first = pair.edge.open(request());
        pair.edge.open(request());
        CHECK(pair.edge.open(request()).stream == nullptr);
        first.release();
        CHECK(pair.edge.open(request()).stream != nullptr);
    }
}

TEST_CASE("a stream without an owner, and one that its owner refuses, do no harm") {
    scripted_peer peer(engine::role::client);
    peer.end.on_each_open = [&](engine::stream& s, const wire::itp::open_head&, std::uint8_t) {
        peer.end.last().stream = nullptr;
        s.reset(code::refused, "no");
        s.release();
    };
    CHECK(peer.send_open(1));
    CHECK(peer.send(frame_type::data, flag::end, 1, "late"));
    const auto frames = peer.end.take_frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].is(frame_type::reset));
    CHECK(peer.end.session.open_streams() == 0);
}
