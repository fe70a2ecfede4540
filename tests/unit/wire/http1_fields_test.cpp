#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/wire/http1.hpp"

using namespace instatunnel::wire;
using namespace std::string_view_literals;

namespace {

// Written from the RFC, apart from the parser's table.
bool is_tchar(int c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != 0 && c < 128 && "!#$%&'*+-.^_`|~"sv.find(static_cast<char>(c)) != std::string_view::npos);
}

}  // namespace

TEST_CASE("a token holds token characters only (RFC 9110 §5.6.2)") {
    CHECK_FALSE(is_token(""));
    for (int c = 0; c < 256; ++c) {
        INFO("byte " << c);
        CHECK(is_token(std::string("ab") + static_cast<char>(c) + "cd") == is_tchar(c));
        // 40 bytes: two whole blocks of 16 and a rest.
        for (const std::size_t place : {0U, 15U, 16U, 31U, 32U, 39U}) {
            std::string text(40, 'n');
            text[place] = static_cast<char>(c);
            CHECK(is_token(text) == is_tchar(c));
        }
    }
}

TEST_CASE("a field value holds no control byte but HTAB, wherever it stands (RFC 9110 §5.5)") {
    CHECK(is_field_value(""));
    for (int c = 0; c < 256; ++c) {
        INFO("byte " << c);
        const bool allowed = c == '\t' || (c >= 0x20 && c != 0x7f);
        // 40 bytes: two whole blocks of 16 and a rest.
        for (const std::size_t place : {0U, 15U, 16U, 31U, 32U, 39U}) {
            std::string text(40, 'v');
            text[place] = static_cast<char>(c);
            CHECK(is_field_value(text) == allowed);
        }
    }
}

TEST_CASE("a list names a token whatever its case and blanks (RFC 9110 §5.6.1)") {
    CHECK(list_has_token("close", "close"));
    CHECK(list_has_token("keep-alive, \tUpgrade ,x", "upgrade"));
    CHECK(list_has_token(",, ,Close", "close"));
    CHECK_FALSE(list_has_token("", "close"));
    CHECK_FALSE(list_has_token("closed", "close"));
    CHECK_FALSE(list_has_token("not close", "close"));
    CHECK_FALSE(list_has_token("\"close\"", "close"));
}

TEST_CASE("hop-by-hop fields are known by name (RFC 9110 §7.6.1)") {
    for (const auto name : {"Connection", "keep-alive", "PROXY-CONNECTION", "Proxy-Authenticate", "Proxy-Authorization",
                            "TE", "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings"}) {
        INFO(name);
        CHECK(is_hop_by_hop(name));
        for (std::size_t i = 0; name[i] != '\0'; ++i) {
            std::string other(name);
            other[i] = other[i] == 'z' ? 'y' : 'z';
            CHECK_FALSE(is_hop_by_hop(other));
        }
    }
    for (const auto name : {"", "Host", "Content-Length", "Date", "Trailers", "Connections", "Set-Cookie", "Accept"}) {
        INFO(name);
        CHECK_FALSE(is_hop_by_hop(name));
    }
}

TEST_CASE("field lines are split into views") {
    std::vector<field> fields;
    REQUIRE(parse_field_lines("A: b\r\nC:\t d e \r\nF:\r\n", fields));
    REQUIRE(fields.size() == 3);
    CHECK(fields[0].name == "A");
    CHECK(fields[0].value == "b");
    CHECK(fields[1].value == "d e");
    CHECK(fields[2].value.empty());
    CHECK(parse_field_lines("", fields));
    CHECK(fields.empty());
}

TEST_CASE("a field line that is not valid ends the split") {
    std::vector<field> fields;
    for (const auto lines : {"A: b\r\nC"sv, "A: b\r\nC\r\n"sv, "A: b\r\n: d\r\n"sv, "A: b\r\nC : d\r\n"sv,
                             "A: b\r\nC: \0\r\n"sv, "A: b\r\nC: d\n"sv, "A: b\r\n\r\n"sv, "A: b\r\n C: d\r\n"sv}) {
        INFO(lines);
        CHECK_FALSE(parse_field_lines(lines, fields));
        REQUIRE(fields.size() == 1);
        CHECK(fields[0].name == "A");
    }
}

TEST_CASE("a chunk header is its size in hex") {
    std::string out = "x";
    append_chunk_header(out, 0);
    append_chunk_header(out, 16384);
    append_chunk_header(out, SIZE_MAX);
    CHECK(out == "x0\r\n4000\r\nffffffffffffffff\r\n");
}

TEST_CASE("registered statuses have their phrase (RFC 9110 §15)") {
    CHECK(reason_phrase(100) == "Continue");
    CHECK(reason_phrase(200) == "OK");
    CHECK(reason_phrase(404) == "Not Found");
    CHECK(reason_phrase(413) == "Content Too Large");
    CHECK(reason_phrase(502) == "Bad Gateway");
    CHECK(reason_phrase(511) == "Network Authentication Required");
    for (const int status : {-1, 0, 99, 299, 306, 418, 512, 999}) {
        INFO(status);
        CHECK(reason_phrase(status) == "Unknown");
    }
}
