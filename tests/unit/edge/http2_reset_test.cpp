#include <nghttp2/nghttp2.h>

#include <catch2/catch.hpp>

#include "edge/greeting.hpp"
#include "edge/http2_exchange.hpp"

using namespace instatunnel;
using namespace instatunnel::edge;
using engine::code;

TEST_CASE("a reply that the tunnel cut is reset with what happened") {
    CHECK(http2_reset_code(code::origin_reset, false) == NGHTTP2_INTERNAL_ERROR);
    CHECK(http2_reset_code(code::session_lost, false) == NGHTTP2_INTERNAL_ERROR);
    CHECK(http2_reset_code(code::cancelled, false) == NGHTTP2_CANCEL);
    CHECK(http2_reset_code(code::origin_aborted, false) == NGHTTP2_INTERNAL_ERROR);
    CHECK(http2_reset_code(code::rate_limited, false) == NGHTTP2_ENHANCE_YOUR_CALM);
    // RFC 8441 §5: a broken connection behind a WebSocket.
    CHECK(http2_reset_code(code::origin_reset, true) == NGHTTP2_CANCEL);
    CHECK(http2_reset_code(code::origin_aborted, true) == NGHTTP2_CANCEL);
}

TEST_CASE("the edge prefers the tunnel's protocol, then HTTP/2, then HTTP/1.1") {
    using namespace std::string_view_literals;
    CHECK(choose_alpn("\x02h2\x08http/1.1"sv) == "h2");
    CHECK(choose_alpn("\x08http/1.1\x02h2"sv) == "h2");
    CHECK(choose_alpn("\x08http/1.1"sv) == "http/1.1");
    CHECK(choose_alpn("\x02h2\x05itp/1"sv) == "itp/1");
    CHECK(choose_alpn("\x02h3"sv).empty());
    CHECK(choose_alpn("\x09h2"sv).empty());
}
