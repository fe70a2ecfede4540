#include "edge/http2_guard.hpp"

#include <nghttp2/nghttp2.h>

#include <catch2/catch.hpp>
#include <chrono>

using namespace instatunnel;
using namespace instatunnel::edge;

namespace {

constexpr auth::steady_time start{std::chrono::hours(1)};

// How many frames of a kind are taken at once, at most 5,000.
unsigned burst(http2_guard& guard, std::uint8_t type, std::uint8_t flags, std::size_t length,
               auth::steady_time now = start) {
    unsigned taken = 0;
    while (taken < 5000 && guard.on_frame(type, flags, length, now))
        ++taken;
    return taken;
}

}  // namespace

TEST_CASE("a visitor may reset a thousand streams at once and a hundred a second") {
    const http2_limits limits;
    http2_guard guard(limits, start);
    CHECK(burst(guard, NGHTTP2_RST_STREAM, 0, 4) == 1000);
    CHECK(guard.rule() == "resets");
    CHECK(burst(guard, NGHTTP2_RST_STREAM, 0, 4, start + std::chrono::seconds(1)) == 100);
}

TEST_CASE("streams that a visitor makes us reset count like those it resets") {
    const http2_limits limits;
    http2_guard guard(limits, start);
    for (int i = 0; i < 500; ++i)
        REQUIRE(guard.on_reset_sent(NGHTTP2_PROTOCOL_ERROR, start));
    CHECK(burst(guard, NGHTTP2_RST_STREAM, 0, 4) == 500);
    CHECK_FALSE(guard.on_reset_sent(NGHTTP2_STREAM_CLOSED, start));
}

TEST_CASE("streams that fail on our side are not the visitor's fault") {
    const http2_limits limits;
    http2_guard guard(limits, start);
    for (int i = 0; i < 5000; ++i) {
        REQUIRE(guard.on_reset_sent(NGHTTP2_INTERNAL_ERROR, start));
        REQUIRE(guard.on_reset_sent(NGHTTP2_CANCEL, start));
        REQUIRE(guard.on_reset_sent(NGHTTP2_ENHANCE_YOUR_CALM, start));
        REQUIRE(guard.on_reset_sent(NGHTTP2_NO_ERROR, start));
    }
}

TEST_CASE("control frames of all kinds share one rate") {
    const http2_limits limits;
    for (const std::uint8_t type :
         {NGHTTP2_PING, NGHTTP2_SETTINGS, NGHTTP2_PRIORITY, NGHTTP2_PRIORITY_UPDATE, NGHTTP2_GOAWAY}) {
        http2_guard guard(limits, start);
        CHECK(burst(guard, type, 0, 8) == 1000);
        CHECK_FALSE(guard.on_frame(NGHTTP2_PING, 0, 8, start));
    }
}

TEST_CASE("DATA is free unless it is empty and ends nothing") {
    const http2_limits limits;
    http2_guard guard(limits, start);
    CHECK(burst(guard, NGHTTP2_DATA, 0, 1) == 5000);
    CHECK(burst(guard, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 0) == 5000);
    CHECK(burst(guard, NGHTTP2_DATA, 0, 0) == 1000);
    CHECK(guard.rule() == "empty DATA frames");
}

TEST_CASE("a field section has a bounded number of CONTINUATION frames, each section anew") {
    const http2_limits limits;
    http2_guard guard(limits, start);
    for (int section = 0; section < 100; ++section) {
        REQUIRE(guard.on_frame(NGHTTP2_HEADERS, 0, 100, start));
        for (unsigned i = 0; i < limits.continuations; ++i)
            REQUIRE(guard.on_frame(NGHTTP2_CONTINUATION, 0, 100, start));
    }
    CHECK_FALSE(guard.on_frame(NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 100, start));
}

TEST_CASE("a visitor who takes what is sent may answer it with window updates for ever") {
    const http2_limits limits;
    http2_guard guard(limits, start);
    for (int i = 0; i < 20'000; ++i) {
        guard.on_data_sent(start);
        REQUIRE(guard.on_frame(NGHTTP2_WINDOW_UPDATE, 0, 4, start));
        REQUIRE(guard.on_frame(NGHTTP2_WINDOW_UPDATE, 0, 4, start));
    }
    CHECK(burst(guard, NGHTTP2_WINDOW_UPDATE, 0, 4) == 998);  // the answers to the last one are spent
}
