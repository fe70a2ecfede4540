#include "instatunnel/v1/web_socket.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "instatunnel/v1/message.hpp"

using namespace instatunnel::v1;

namespace {

class text_source final : public message_source {
public:
    explicit text_source(std::string text) : text_(std::move(text)) {}
    std::size_t read(std::span<char> into, bool& ended) override {
        const auto got = text_.copy(into.data(), into.size(), sent_);
        sent_ += got;
        ended = sent_ == text_.size();
        return got;
    }

private:
    std::string text_;
    std::size_t sent_ = 0;
};

struct peer final : socket_events {
    explicit peer(side who) : socket(who, *this) {}
    void write(std::string_view bytes) override { out.append(bytes); }
    bool is_congested() const override { return out.size() >= room; }
    void on_text(std::string_view part) override { text.append(part); }
    void on_text_end() override { messages.push_back(std::exchange(text, {})); }
    void on_pong() override { ++pongs; }
    void on_closed(close_code code, std::string_view why) override {
        closed = code;
        reason = why;
    }
    void send(std::string message) { socket.send(std::make_unique<text_source>(std::move(message))); }

    std::string out, text, reason;
    std::vector<std::string> messages;
    std::size_t room = 1 << 24;
    int pongs = 0;
    close_code closed = close_code::internal;
    web_socket socket;
};

void carry(peer& from, peer& to, std::size_t piece = 1 << 20) {
    const auto bytes = std::exchange(from.out, {});
    for (std::size_t at = 0; at < bytes.size(); at += piece)
        if (!to.socket.receive(std::string_view(bytes).substr(at, piece))) return;
}

std::string frame(unsigned char first, std::string_view payload) {
    std::string text(1, static_cast<char>(first));
    text += static_cast<char>(0x80 | payload.size());
    return text.append(4, '\0').append(payload);
}

}  // namespace

TEST_CASE("messages that cannot leave are counted, and what they hold goes with them") {
    peer server(side::server);
    server.room = 0;
    auto held = std::make_shared<int>(1);
    const std::weak_ptr<int> mark = held;
    server.send("the first one waits inside");
    server.socket.send(plain_message("pong", std::move(held)));
    server.send("more");
    CHECK(server.socket.waiting() == 2);
    CHECK_FALSE(mark.expired());
    server.room = 1 << 20;
    server.socket.flush();
    CHECK(server.socket.waiting() == 0);
    CHECK(mark.expired());
}

TEST_CASE("messages of any length arrive whole and in order, in pieces of any size") {
    for (std::size_t piece : {1U, 5U, 4096U}) {
        peer client(side::client), server(side::server);
        const std::vector<std::string> sent{"a", std::string(125, 'b'), std::string(70'000, 'c'), "d"};
        for (const auto& text : sent)
            client.send(text);
        carry(client, server, piece);
        CHECK(server.messages == sent);
        server.send(sent[2]);
        carry(server, client, piece);
        CHECK(client.messages.back() == sent[2]);
    }
}

TEST_CASE("a message waits for room and takes no more than it") {
    peer client(side::client), server(side::server);
    server.room = 10'000;
    server.send(std::string(1'000'000, 'x'));
    CHECK(server.out.size() < 20'000);
    while (client.messages.empty()) {
        carry(server, client);
        server.socket.flush();
    }
    CHECK(client.messages[0].size() == 1'000'000);
    CHECK_FALSE(server.socket.has_output());
}

TEST_CASE("a ping is answered, also in the middle of a message") {
    peer client(side::client), server(side::server);
    client.socket.ping();
    carry(client, server);
    carry(server, client);
    CHECK(client.pongs == 1);
    server.socket.receive(frame(0x01, "he") + frame(0x89, "p") + frame(0x80, "llo"));
    CHECK(server.messages == std::vector<std::string>{"hello"});
    CHECK(server.out == std::string("\x8A\x01p"));
}

TEST_CASE("whoever breaks the rules is told so and read no further") {
    struct violation {
        std::string bytes;
        close_code why;
    };
    for (const auto& [bytes, why] : {
             violation{frame(0x82, "binary"), close_code::unsupported},
             {frame(0x81, "\xFF"), close_code::invalid},
             {frame(0xC1, "x"), close_code::protocol},
             {frame(0x83, "x"), close_code::protocol},
             {frame(0x80, "x"), close_code::protocol},
             {frame(0x09, "x"), close_code::protocol},
             {std::string("\x81\x01x"), close_code::protocol},
         }) {
        peer server(side::server);
        CHECK_FALSE(server.socket.receive(bytes));
        CHECK(server.closed == why);
        REQUIRE(server.out.size() >= 2);
        CHECK(server.out[0] == '\x88');
        CHECK_FALSE(server.socket.receive(frame(0x81, "more")));
        CHECK(server.messages.empty());
    }
}

TEST_CASE("a close comes with its code and reason") {
    peer client(side::client), server(side::server);
    server.socket.close(close_code_of(22), std::string(200, 'x'));
    carry(server, client);
    CHECK(itp_code_of(client.closed) == 22);
    CHECK(client.reason == std::string(120, 'x'));
    CHECK(itp_code_of(close_code::normal) == 0);
}

TEST_CASE("pings by the hundred, with no one reading the answers, are cut; with someone reading they are not") {
    std::string flood;
    for (int i = 0; i < 600; ++i)
        flood += frame(0x89, "x");
    peer reading(side::server);
    CHECK(reading.socket.receive(flood));
    CHECK(reading.socket.receive(flood));
    peer stuck(side::server);
    stuck.room = 0;
    CHECK_FALSE(stuck.socket.receive(flood));
    CHECK(stuck.closed == close_code::policy);
}

TEST_CASE("the key of RFC 6455 has the answer that stands there") {
    CHECK(accept_for("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK(is_socket_key("dGhlIHNhbXBsZSBub25jZQ=="));
    CHECK(is_socket_key(make_socket_key()));
    for (const char* wrong :
         {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhl\r\nHNhbXBsZSBub25jZQ=="})
        CHECK_FALSE(is_socket_key(wrong));
}
