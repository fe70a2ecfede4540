#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/wire/http1.hpp"

using namespace instatunnel::wire;
using namespace std::string_literals;
using event = chunked_decoder::event;

namespace {

struct outcome {
    event last = event::need_more;
    std::string body;
    std::string trailers;
    std::string reason;
    std::size_t consumed = 0;

    bool operator==(const outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const outcome& o) {
    return out << "event " << static_cast<int>(o.last) << " body '" << o.body << "' trailers '" << o.trailers
               << "' reason '" << o.reason << "' consumed " << o.consumed;
}

/// Decodes pieces of the given sizes; the last one holds the rest.
outcome decode(std::string_view input, const std::vector<std::size_t>& sizes, bool lenient) {
    chunked_decoder decoder(lenient);
    outcome o;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= sizes.size(); ++i) {
        const auto size = i < sizes.size() ? sizes[i] : input.size() - begin;
        auto piece = input.substr(begin, size);
        begin += piece.size();
        for (;;) {
            const auto step = decoder.next(piece);
            o.last = step.what;
            o.body += step.data;
            o.consumed += step.consumed;
            piece.remove_prefix(step.consumed);
            if (step.what != event::data) break;
        }
        if (o.last != event::need_more) break;
    }
    if (o.last == event::done) o.trailers = decoder.trailers();
    o.reason = decoder.reason();
    return o;
}

struct row {
    const char* rule;
    std::string input;
    std::string body;
    std::string trailers;
};

const std::vector<row> accept_table = {
    {"RFC 9112 §7.1: empty body", "0\r\n\r\n", "", ""},
    {"RFC 9112 §7.1: one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello", ""},
    {"RFC 9112 §7.1: several chunks, upper and lower case", "a\r\n0123456789\r\nB\r\nabcdefghijk\r\n0\r\n\r\n",
     "0123456789abcdefghijk", ""},
    {"RFC 9112 §7.1: leading zeros", "0000000000000003\r\nabc\r\n000\r\n\r\n", "abc", ""},
    {"RFC 9112 §7.1: chunk data may look like framing", "7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n\r\n", ""},
    {"RFC 9112 §7.1.1: extensions are dropped", "3;a;b=c;d=\"e; \\\"\";f=\"\"\r\nabc\r\n0;last\r\n\r\n", "abc", ""},
    {"RFC 9112 §7.1.2: trailers", "0\r\nA: b\r\nC:d \r\n\r\n", "", "A: b\r\nC:d \r\n"},
};

struct refused_row {
    const char* rule;
    std::string input;
    std::string reason;
    bool fine_when_lenient = false;
};

const std::vector<refused_row> refuse_table = {
    {"RFC 9112 §7.1: no size", "\r\n\r\n", "chunk without a size"},
    {"RFC 9112 §7.1: blank before the size", " 5\r\nhello\r\n0\r\n\r\n", "chunk without a size"},
    {"RFC 9112 §7.1: plus sign", "+5\r\nhello\r\n0\r\n\r\n", "chunk without a size"},
    {"RFC 9112 §7.1: minus sign", "-5\r\nhello\r\n0\r\n\r\n", "chunk without a size"},
    {"RFC 9112 §7.1: extension without a size", ";a\r\nhello\r\n0\r\n\r\n", "chunk without a size"},
    {"RFC 9112 §7.1: hex prefix", "0x5\r\nhello\r\n0\r\n\r\n", "byte that is not allowed in a chunk size"},
    {"RFC 9112 §7.1: underscore", "1_0\r\nhello\r\n0\r\n\r\n", "byte that is not allowed in a chunk size"},
    {"RFC 9112 §7.1: blank behind the size", "5 \r\nhello\r\n0\r\n\r\n", "byte that is not allowed in a chunk size"},
    {"RFC 9112 §7.1: not a digit", "5g\r\nhello\r\n0\r\n\r\n", "byte that is not allowed in a chunk size"},
    {"RFC 9112 §7.1: NUL", "5\0\r\nhello\r\n0\r\n\r\n"s, "byte that is not allowed in a chunk size"},
    {"RFC 9112 §7.1: beyond 2^60", "1000000000000001\r\n", "chunk size too large"},
    {"RFC 9112 §7.1: overflow of 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n", "chunk size too large"},
    {"RFC 9112 §7.1: zeros without end", "00000000000000000\r\n\r\n", "chunk size too large"},
    {"RFC 9112 §2.2: bare LF behind the size", "5\nhello\r\n0\r\n\r\n", "bare LF behind a chunk size", true},
    {"RFC 9112 §2.2: bare CR behind the size", "5\rhello\r\n0\r\n\r\n", "bare CR behind a chunk size"},
    {"RFC 9112 §7.1: chunk longer than its size", "5\r\nhelloo\r\n0\r\n\r\n", "chunk that is longer than its size"},
    {"RFC 9112 §7.1: no line end behind a chunk", "5\r\nhello0\r\n\r\n", "chunk that is longer than its size"},
    {"RFC 9112 §2.2: bare LF behind a chunk", "5\r\nhello\n0\r\n\r\n", "chunk that is longer than its size", true},
    {"RFC 9112 §2.2: bare CR behind a chunk", "5\r\nhello\r0\r\n\r\n", "bare CR behind a chunk"},
    {"RFC 9112 §7.1.1: bare semicolon", "5;\r\nhello\r\n0\r\n\r\n", "malformed chunk extension"},
    {"RFC 9112 §7.1.1: name that is not a token", "5;a(b\r\nhello\r\n0\r\n\r\n", "malformed chunk extension"},
    {"RFC 9112 §7.1.1: blank in an extension", "5; a\r\nhello\r\n0\r\n\r\n", "malformed chunk extension"},
    {"RFC 9112 §7.1.1: no value", "5;a=\r\nhello\r\n0\r\n\r\n", "malformed chunk extension"},
    {"RFC 9112 §7.1.1: text behind a quoted value", "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n", "malformed chunk extension"},
    {"RFC 9112 §7.1.1: control byte in a quoted value", "5;a=\"\x01\"\r\nhello\r\n0\r\n\r\n",
     "malformed chunk extension"},
    {"RFC 9112 §7.1.1: line end in a quoted value", "5;a=\"b\r\nhello\r\n0\r\n\r\n", "malformed chunk extension"},
    {"RFC 9112 §7.1.1: escaped line end", "5;a=\"\\\r\nhello\r\n0\r\n\r\n", "malformed chunk extension"},
    {"RFC 9112 §2.2: bare LF behind an extension", "5;a\nhello\r\n0\r\n\r\n", "bare LF behind a chunk size", true},
    {"RFC 9112 §2.2: bare CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n", "bare CR behind a chunk size"},
    {"RFC 9112 §7.1.1: extension of more than 1 KiB", "5;" + std::string(1025, 'a') + "\r\n",
     "chunk extension too long"},
    {"RFC 9112 §2.2: bare LF at the end", "0\r\n\n", "bare LF in a trailer", true},
    {"RFC 9112 §2.2: bare CR at the end", "0\r\n\rX", "bare CR behind the trailers"},
    {"RFC 9112 §2.2: bare LF behind a trailer", "0\r\nA: b\n\r\n", "bare LF in a trailer", true},
    {"RFC 9112 §2.2: bare CR in a trailer", "0\r\nA: b\rc\r\n\r\n", "bare CR in a trailer"},
    {"RFC 9110 §5.5: NUL in a trailer", "0\r\nA: \0b\r\n\r\n"s, "control byte in a trailer"},
    {"RFC 9112 §5: trailer without a colon", "0\r\nA\r\n\r\n", "malformed trailer"},
    {"RFC 9112 §5.1: blank before the colon of a trailer", "0\r\nA : b\r\n\r\n", "malformed trailer"},
    {"RFC 9112 §5.2: folded trailer", "0\r\nA: b\r\n c: d\r\n\r\n", "malformed trailer"},
    {"RFC 9110 §5.1: trailer without a name", "0\r\n: b\r\n\r\n", "malformed trailer"},
    {"RFC 9112 §7.1.2: trailers of more than 8 KiB", "0\r\nA: " + std::string(8192, 'b') + "\r\n\r\n",
     "trailers too long"},
};

std::vector<std::size_t> single_bytes(std::size_t count) {
    return std::vector<std::size_t>(count, 1);
}

}  // namespace

TEST_CASE("a chunked body is decoded, whole, cut at every byte, and byte by byte") {
    for (const auto& r : accept_table) {
        INFO(r.rule);
        const outcome expected{event::done, r.body, r.trailers, "", r.input.size()};
        for (const bool lenient : {false, true}) {
            CHECK(decode(r.input, {}, lenient) == expected);
            CHECK(decode(r.input + "GET /", {}, lenient) == expected);
            CHECK(decode(r.input, single_bytes(r.input.size()), lenient) == expected);
            for (std::size_t cut = 0; cut < r.input.size(); ++cut) {
                INFO("cut at " << cut);
                REQUIRE(decode(r.input, {cut}, lenient) == expected);
                REQUIRE(decode(r.input.substr(0, cut), {}, lenient).last == event::need_more);
            }
        }
    }
}

TEST_CASE("a malformed chunked body is refused with its rule, whole, cut at every byte, and byte by byte") {
    for (const auto& r : refuse_table) {
        INFO(r.rule);
        const auto expected = decode(r.input, {}, false);
        REQUIRE(expected.last == event::invalid);
        CHECK(expected.reason == r.reason);
        CHECK(decode(r.input, single_bytes(r.input.size()), false) == expected);
        // The long rows only repeat one byte: a sample of their cuts says as much.
        const std::size_t step = r.input.size() / 200 + 1;
        for (std::size_t cut = 0; cut < r.input.size(); cut += step) {
            INFO("cut at " << cut);
            REQUIRE(decode(r.input, {cut}, false) == expected);
        }
        CHECK((decode(r.input, {}, true).last == event::done) == r.fine_when_lenient);
    }
}

TEST_CASE("an origin may end lines with a bare LF; its trailers are written with CRLF") {
    const std::string input = "3\nabc\n2;x=y\nde\r\n0\nA: b\nC: d\r\n\n";
    const outcome expected{event::done, "abcde", "A: b\r\nC: d\r\n", "", input.size()};
    CHECK(decode(input, {}, true) == expected);
    CHECK(decode(input, single_bytes(input.size()), true) == expected);
}

TEST_CASE("the bytes of a chunk are views into the input, handed out as they come") {
    chunked_decoder decoder;
    const std::string_view input = "1000000000000000\r\nabc";
    const auto step = decoder.next(input);
    CHECK(step.what == event::data);
    CHECK(step.consumed == input.size());
    CHECK(step.data.data() == input.data() + 18);
    CHECK(step.data == "abc");
    CHECK(decoder.next("d").data == "d");
}

TEST_CASE("extensions of 1 KiB and trailers within 8 KiB are read") {
    // The terminator of the line counts as part of the extension.
    CHECK(decode("1;" + std::string(1023, 'a') + "\r\nx\r\n0\r\n\r\n", {}, false).last == event::done);
    const auto fits = decode("0\r\nA:" + std::string(8188, 'b') + "\r\n\r\n", {}, false);
    CHECK(fits.last == event::done);
    CHECK(fits.trailers.size() == 8192);
    CHECK(decode("0\r\nA:" + std::string(8189, 'b') + "\r\n\r\n", {}, false).last == event::invalid);
}

TEST_CASE("a decoder that is done or failed takes nothing more until it is reset") {
    chunked_decoder decoder;
    REQUIRE(decoder.next("1\r\na").what == event::data);
    REQUIRE(decoder.next("\r\n0\r\nA: b\r\n\r\n").what == event::done);
    CHECK(decoder.next("more").what == event::done);
    CHECK(decoder.next("more").consumed == 0);
    decoder.reset();
    CHECK(decoder.trailers().empty());
    REQUIRE(decoder.next("z").what == event::invalid);
    CHECK(decoder.next("0\r\n\r\n").what == event::invalid);
    decoder.reset();
    CHECK(decoder.reason().empty());
    CHECK(decoder.next("0\r\n\r\n").what == event::done);
}
