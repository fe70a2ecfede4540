#include "instatunnel/wire/itp_head.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "instatunnel/wire/itp_frame.hpp"
#include "wire/itp_names.hpp"

using namespace instatunnel::wire;
using namespace instatunnel::wire::itp;

namespace {

open_head sample() {
    open_head head;
    head.tunnel = 0x01020304;
    head.request_id = 0x1112131415161718;
    head.visitor.family = 4;
    head.visitor.bytes = {203, 0, 113, 7};
    head.visitor.port = 50123;
    head.method = "POST";
    head.authority = "demo.example.com";
    head.path = "/a?b=c";
    head.content_length = 12;
    head.fields = {{"Accept", "*/*"}, {"x-own-name", "value"}, {"cookie", ""}};
    return head;
}

std::string encoded(const open_head& head) {
    std::string out;
    encode_open(out, head);
    return out;
}

std::string encoded(const reply_head& head) {
    std::string out;
    encode_reply(out, head);
    return out;
}

std::string describe(const std::vector<field>& fields) {
    std::string text;
    for (const auto& f : fields)
        text.append(f.name).append("=").append(f.value).append(";");
    return text;
}

std::string describe(const open_head& h) {
    std::string text = std::to_string(static_cast<int>(h.kind)) + " " + std::to_string(h.tunnel) + " " +
                       std::to_string(h.request_id) + " " + std::to_string(h.visitor.family) + " ";
    const std::size_t address = h.visitor.family == 4 ? 4 : h.visitor.family == 6 ? 16 : 0;
    for (std::size_t i = 0; i < address; ++i)
        text += std::to_string(h.visitor.bytes[i]) + ".";
    return text + std::to_string(h.visitor.port) + " " + std::to_string(h.https) + std::to_string(h.http_version) +
           " " + std::string(h.method) + " " + std::string(h.authority) + " " + std::string(h.path) + " [" +
           std::string(h.protocol) + "] " + std::to_string(h.content_length) + " " + describe(h.fields);
}

// Whether a header block of one raw field is taken.
bool takes(std::string_view name, std::string_view value) {
    std::string payload("\0\1\0", 3);
    payload += static_cast<char>(name.size());
    payload += name;
    char size[2];
    put_u16(size, static_cast<std::uint16_t>(value.size()));
    payload.append(size, 2).append(value);
    std::vector<field> out;
    return decode_fields(payload, out);
}

}  // namespace

TEST_CASE("an OPEN head arrives as it was sent") {
    const auto check = [](const open_head& head) {
        open_head out;
        const auto payload = encoded(head);
        REQUIRE(decode_open(payload, out));
        CHECK(describe(out) == describe(head));
    };
    check(sample());
    for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND",
                               "CONNECT", "get", "M-SEARCH", "x"}) {
        auto head = sample();
        head.method = method;
        check(head);
    }
    for (const auto family : {std::uint8_t{0}, std::uint8_t{4}, std::uint8_t{6}}) {
        auto head = sample();
        head.visitor.family = family;
        for (std::size_t i = 0; i < 16; ++i)
            head.visitor.bytes[i] = static_cast<unsigned char>(0xF0 + i);
        check(head);
    }
    for (const std::int64_t length : {std::int64_t{-1}, std::int64_t{0}, INT64_MAX}) {
        auto head = sample();
        head.content_length = length;
        check(head);
    }
    auto head = sample();
    head.https = false;
    head.http_version = 10;
    head.protocol = "websocket";
    head.path = "*";
    head.authority = "";
    head.fields.clear();
    check(head);
}

TEST_CASE("a reply head arrives as it was sent") {
    for (const auto status : std::initializer_list<std::uint16_t>{100, 101, 200, 304, 599, 999}) {
        for (const std::int64_t length : {std::int64_t{-1}, std::int64_t{0}, INT64_MAX}) {
            reply_head out, head{status, length, {{"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}, {"x-y", "\t\x80\xff"}}};
            const auto payload = encoded(head);
            REQUIRE(decode_reply(payload, out));
            CHECK(out.status == status);
            CHECK(out.content_length == length);
            CHECK(describe(out.fields) == describe(head.fields));
        }
    }
}

TEST_CASE("encoding appends, decoding replaces what the head held") {
    std::string out = "before";
    encode_fields(out, {{"x", "1"}});
    CHECK(out.starts_with("before"));
    std::vector<field> fields = {{"old", "old"}};
    REQUIRE(decode_fields(std::string_view(out).substr(6), fields));
    CHECK(describe(fields) == "x=1;");
}

TEST_CASE("every known name travels as one byte, in both spellings") {
    int known = 0;
    for (unsigned code = 1; code < 256; ++code) {
        const auto name = name_of_code(static_cast<std::uint8_t>(code));
        if (name.empty()) continue;
        ++known;
        CHECK(code_of_name(name) == code);
        CHECK_FALSE(is_hop_by_hop(name));
        CHECK(is_token(name));
        std::string payload;
        encode_fields(payload, {{name, "v"}});
        CHECK(payload.size() == 2 + 1 + 2 + 1);
        std::vector<field> out;
        REQUIRE(decode_fields(payload, out));
        CHECK(out.at(0).name == name);
    }
    CHECK(known > 150);
    CHECK(known % 2 == 0);
    // The numbers are the protocol: these must never change.
    CHECK(code_of_name("Accept") == 1);
    CHECK(code_of_name("accept") == 0x81);
    CHECK(code_of_name("Content-Type") == 27);
    CHECK(code_of_name("Set-Cookie") == 77);
}

TEST_CASE("other spellings and names are sent in full and keep their bytes") {
    for (const std::string name : {"ACCEPT", "aCCEPT", "x", "X-Custom", "content-typE", "Acceptx"}) {
        CHECK(code_of_name(name) == 0);
        std::string payload;
        encode_fields(payload, {{name, "v"}});
        std::vector<field> out;
        REQUIRE(decode_fields(payload, out));
        CHECK(out.at(0).name == name);
    }
    CHECK(code_of_name("") == 0);
    CHECK(code_of_name(std::string(1000, 'a')) == 0);
}

TEST_CASE("numbers of names that nobody gave are refused") {
    for (unsigned code = 1; code < 256; ++code) {
        if (!name_of_code(static_cast<std::uint8_t>(code)).empty()) continue;
        std::string payload("\0\1\0\0\1v", 6);
        payload[2] = static_cast<char>(code);
        std::vector<field> out;
        CHECK_FALSE(decode_fields(payload, out));
    }
}

TEST_CASE("heads cut at any byte are refused, and so is one byte too many") {
    auto v6 = sample();
    v6.visitor.family = 6;
    v6.method = "M-SEARCH";
    v6.protocol = "websocket";
    for (const auto& head : {sample(), v6}) {
        const auto payload = encoded(head);
        open_head out;
        for (std::size_t size = 0; size < payload.size(); ++size)
            CHECK_FALSE(decode_open(payload.substr(0, size), out));
        CHECK_FALSE(decode_open(payload + '\0', out));
    }
    const auto payload = encoded(reply_head{200, 5, {{"Server", "s"}, {"x-y", "z"}}});
    reply_head out;
    for (std::size_t size = 0; size < payload.size(); ++size)
        CHECK_FALSE(decode_reply(payload.substr(0, size), out));
    CHECK_FALSE(decode_reply(payload + '\0', out));
    std::vector<field> fields;
    for (std::size_t size = 10; size < payload.size(); ++size)
        CHECK_FALSE(decode_fields(payload.substr(10, size - 10), fields));
    CHECK_FALSE(decode_fields(payload.substr(10) + '\0', fields));
}

TEST_CASE("fields that belong to one connection are refused") {
    for (const char* name : {"Connection", "connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
                             "Transfer-Encoding", "TRANSFER-encoding", "Upgrade", "HTTP2-Settings"}) {
        INFO(name);
        CHECK_FALSE(takes(name, "x"));
    }
    CHECK(takes("TE2", "x"));
}

TEST_CASE("names that are no tokens and values with control bytes are refused") {
    for (const std::string name : {"", "a b", "a:", "a\r", "\x80", "(", "a\n"})
        CHECK_FALSE(takes(name, "x"));
    for (unsigned c = 0; c < 256; ++c) {
        const std::string value = std::string("a") + static_cast<char>(c) + "b";
        INFO(c);
        CHECK(takes("x", value) == (c == '\t' || (c >= ' ' && c != 127)));
    }
}

TEST_CASE("a request line that could be read in two ways is refused") {
    const auto refused = [](auto change) {
        auto head = sample();
        change(head);
        open_head out;
        return !decode_open(encoded(head), out);
    };
    for (const std::string text : {"", " ", "/a b", "/\t", "/\r\n", "/\x7f"}) {
        INFO(text);
        CHECK(refused([&](open_head& h) { h.path = text; }));
    }
    CHECK(refused([](open_head& h) { h.path = std::string_view("/\0", 2); }));
    for (const std::string text : {"", "GET ", "G\r\n", "G/T"}) {
        INFO(text);
        CHECK(refused([&](open_head& h) { h.method = text; }));
    }
    CHECK(refused([](open_head& h) { h.authority = "a\r\nX: y"; }));
    CHECK(refused([](open_head& h) { h.protocol = "web\nsocket"; }));
    CHECK(refused([](open_head& h) { h.content_length = -2; }));
    CHECK(refused([](open_head& h) { h.visitor.family = 5; }));
    CHECK_FALSE(refused([](open_head& h) { h.path = "/\xc3\xa4%20?#"; }));
}

TEST_CASE("statuses are three digits, lengths are not negative") {
    for (const auto& [status, length] : std::initializer_list<std::pair<std::uint16_t, std::int64_t>>{
             {0, -1}, {99, -1}, {1000, -1}, {65535, -1}, {200, -2}, {200, INT64_MIN}}) {
        reply_head out;
        CHECK_FALSE(decode_reply(encoded(reply_head{status, length, {}}), out));
    }
}

TEST_CASE("a thousand fields are taken, one more is refused") {
    std::vector<field> out;
    for (const std::size_t count : {1000u, 1001u}) {
        std::string payload;
        encode_fields(payload, std::vector<field>(count, {"x", "1"}));
        CHECK(decode_fields(payload, out) == (count == 1000));
    }
    // A count without the fields allocates nothing.
    CHECK_FALSE(decode_fields("\xff\xff", out));
    CHECK(out.empty());
}

TEST_CASE("raw streams have a preamble and nothing behind it") {
    for (const auto kind : {stream_kind::tcp, stream_kind::tls}) {
        auto head = sample();
        head.kind = kind;
        const auto payload = encoded(head);
        open_head out = sample();
        REQUIRE(decode_open(payload, out));
        CHECK(out.kind == kind);
        CHECK(out.visitor.port == 50123);
        // Nothing stays of the head that was decoded before; its bytes may be gone.
        CHECK(out.method.empty());
        CHECK(out.path.empty());
        CHECK(out.fields.empty());
        CHECK_FALSE(decode_open(payload + "x", out));
    }
    for (const unsigned kind : {0u, 4u, 255u}) {
        auto payload = encoded(sample());
        payload[0] = static_cast<char>(kind);
        open_head out;
        CHECK_FALSE(decode_open(payload, out));
    }
}
