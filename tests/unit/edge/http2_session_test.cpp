#include "edge/http2_session.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

using namespace instatunnel;
using namespace instatunnel::edge;

namespace {

class noted_stream final : public http2_stream {
public:
    std::string body;
    std::size_t taken = 0;
    std::size_t taken_late = 0;
    bool body_ended = false;
    bool reply_left = false;
    std::vector<std::uint32_t> closed;

private:
    void on_body(std::string_view bytes) override { body += bytes; }
    void on_body_end(std::vector<wire::field>&) override { body_ended = true; }
    void on_taken(std::size_t bytes, bool waited) override { (waited ? taken_late : taken) += bytes; }
    void on_reply_left() override { reply_left = true; }
    void on_closed(std::uint32_t code) override { closed.push_back(code); }
};

// The edge's side, whose output goes to a client of the library.
class server final : public http2_owner {
public:
    server() : session(*this, limits, head_limits) {}
    void write(std::string_view bytes) override { out += bytes; }
    bool is_congested() const override { return congested; }
    auth::steady_time now() const override { return auth::steady_time(std::chrono::hours(1)); }
    http2_stream* on_request() override {
        streams.push_back(std::make_unique<noted_stream>());
        return streams.back().get();
    }
    void on_head(http2_stream&, http2_head& section, bool ended) override {
        REQUIRE(section.finish(ended, head_limits, head) == http2_head::verdict::good);
        path = head.path;
    }
    void request_flush() override {}

    http2_limits limits;
    wire::http1_limits head_limits;
    wire::request_head head;
    std::string path;
    std::string out;
    bool congested = false;
    std::vector<std::unique_ptr<noted_stream>> streams;
    http2_session session;
};

class client {
public:
    explicit client(std::uint32_t window = 65535) {
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
            callbacks,
            [](nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t size, void* user) {
                static_cast<client*>(user)->body.append(reinterpret_cast<const char*>(data), size);
                return 0;
            });
        nghttp2_session_callbacks_set_on_frame_recv_callback(
            callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
                auto& self = *static_cast<client*>(user);
                if (frame->hd.type == NGHTTP2_GOAWAY) self.goaways.push_back(frame->goaway.last_stream_id);
                if (frame->hd.type == NGHTTP2_GOAWAY) self.last_word = frame->goaway.error_code;
                return 0;
            });
        nghttp2_session_client_new(&session, callbacks, this);
        nghttp2_session_callbacks_del(callbacks);
        const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
        nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &entry, 1);
    }
    ~client() { nghttp2_session_del(session); }

    std::int32_t request(std::string* upload) {
        const std::vector<nghttp2_nv> head{http2_field(":method", upload != nullptr ? "POST" : "GET"),
                                           http2_field(":scheme", "https"), http2_field(":authority", "demo.localhost"),
                                           http2_field(":path", "/a")};
        nghttp2_data_provider source{};
        source.source.ptr = upload;
        source.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t length,
                                  std::uint32_t* flags, nghttp2_data_source* from, void*) -> ssize_t {
            auto& text = *static_cast<std::string*>(from->ptr);
            const auto size = text.copy(reinterpret_cast<char*>(buffer), length);
            text.erase(0, size);
            if (text.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
            return static_cast<ssize_t>(size);
        };
        return nghttp2_submit_request(session, nullptr, head.data(), head.size(), upload != nullptr ? &source : nullptr,
                                      nullptr);
    }
    // Carries bytes both ways until nobody has any left.
    void talk(server& edge) {
        for (;;) {
            const std::uint8_t* data = nullptr;
            const auto size = nghttp2_session_mem_send(session, &data);
            if (size > 0) edge.session.receive({reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)});
            edge.session.flush();
            const auto reply = std::exchange(edge.out, {});
            if (!reply.empty())
                nghttp2_session_mem_recv(session, reinterpret_cast<const std::uint8_t*>(reply.data()), reply.size());
            if (size <= 0 && reply.empty()) return;
        }
    }

    nghttp2_session* session = nullptr;
    std::string body;
    std::vector<std::int32_t> goaways;
    std::uint32_t last_word = 0;
};

void answer(server& edge, noted_stream& s) {
    auto& fields = edge.session.fresh_fields();
    fields.push_back(http2_field(":status", "200"));
    edge.session.send_head(s, fields, /*ended=*/false);
}

}  // namespace

TEST_CASE("a visitor's window comes back only for what was consumed") {
    server edge;
    client visitor;
    std::string upload(300'000, 'u');
    visitor.talk(edge);
    visitor.request(&upload);
    visitor.talk(edge);
    auto& s = *edge.streams.at(0);
    CHECK(edge.path == "/a");
    CHECK(s.body.size() == edge.limits.stream_window);
    edge.session.consume(s.id(), s.body.size());
    visitor.talk(edge);
    CHECK(s.body.size() == 2 * edge.limits.stream_window);
    edge.session.grow_window(s.id(), edge.limits.stream_window_max);
    visitor.talk(edge);
    CHECK(s.body.size() == 300'000);
    CHECK(s.body_ended);
}

TEST_CASE("reply bytes that pass leave from where they lie, and only what has no window is held") {
    server edge;
    client visitor(1000);
    visitor.request(nullptr);
    visitor.talk(edge);
    auto& s = *edge.streams.at(0);
    answer(edge, s);
    edge.session.send(s, std::string(1500, 'r'), /*now=*/true);
    CHECK(s.taken == 1000);
    CHECK(s.held() == 500);
    visitor.talk(edge);  // the library returns its window
    CHECK(s.taken_late == 500);
    CHECK(s.held() == 0);
    edge.session.finish(s);
    visitor.talk(edge);
    CHECK(visitor.body == std::string(1500, 'r'));
    CHECK(s.closed == std::vector<std::uint32_t>{NGHTTP2_NO_ERROR});
}

TEST_CASE("nothing is written while the connection is congested") {
    server edge;
    client visitor;
    visitor.request(nullptr);
    visitor.talk(edge);
    auto& s = *edge.streams.at(0);
    edge.congested = true;
    answer(edge, s);
    edge.session.send(s, "later", /*now=*/true);
    edge.session.flush();
    CHECK(edge.out.empty());
    CHECK(s.held() == 5);
    edge.congested = false;
    visitor.talk(edge);
    CHECK(visitor.body == "later");
}

TEST_CASE("a reply that ends before its request is told of, and the stream stays until somebody ends it") {
    server edge;
    client visitor;
    std::string upload(100'000, 'u');
    visitor.request(&upload);
    visitor.talk(edge);
    auto& s = *edge.streams.at(0);
    answer(edge, s);
    edge.session.finish(s);
    visitor.talk(edge);
    CHECK(s.reply_left);
    CHECK(s.closed.empty());
    edge.session.reset(s, NGHTTP2_NO_ERROR);
    visitor.talk(edge);
    CHECK(s.closed.size() == 1);
}

TEST_CASE("a drain names the highest id first and the last request then") {
    server edge;
    client visitor;
    visitor.request(nullptr);
    visitor.talk(edge);
    edge.session.announce_goaway();
    visitor.talk(edge);
    edge.session.goaway();
    visitor.talk(edge);
    CHECK(visitor.goaways == std::vector<std::int32_t>{INT32_MAX, 1});
    CHECK_FALSE(edge.session.is_over());
    answer(edge, *edge.streams.at(0));
    edge.session.finish(*edge.streams.at(0));
    visitor.talk(edge);
    CHECK(edge.session.is_over());
}

TEST_CASE("whoever floods is told to calm down, also by a congested connection") {
    server edge;
    client visitor;
    visitor.talk(edge);
    edge.congested = true;
    const std::string ping("\0\0\x08\6\0\0\0\0\0abcdefgh", 17);
    bool alive = true;
    for (int i = 0; alive && i < 5000; ++i)
        alive = edge.session.receive(ping);
    CHECK_FALSE(alive);
    CHECK(edge.session.rule() == "control frames");
    const auto reply = edge.out;
    nghttp2_session_mem_recv(visitor.session, reinterpret_cast<const std::uint8_t*>(reply.data()), reply.size());
    CHECK(visitor.last_word == NGHTTP2_ENHANCE_YOUR_CALM);
    CHECK_FALSE(edge.session.receive(ping));
}
