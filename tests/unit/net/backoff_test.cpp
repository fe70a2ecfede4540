#include "instatunnel/net/backoff.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel::net;
using namespace std::chrono_literals;

TEST_CASE("the first attempt comes within 50 ms, later ones double to 1 s", "[backoff]") {
    const std::pair<std::chrono::milliseconds, std::chrono::milliseconds> bounds[] = {
        {0ms, 50ms}, {50ms, 100ms}, {100ms, 200ms}, {200ms, 400ms}, {400ms, 800ms}, {500ms, 1000ms}, {500ms, 1000ms}};
    for (const std::uint64_t random :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{50}, std::uint64_t{12345}, UINT64_MAX}) {
        backoff b;
        for (const auto& [least, most] : bounds) {
            const auto wait = b.next(10s, random);
            INFO("attempt " << b.attempt() << ", random " << random);
            CHECK(wait >= least);
            CHECK(wait <= most);
        }
    }
}

TEST_CASE("after a minute the pause grows to 15 s and stays there", "[backoff]") {
    backoff b;
    for (int i = 0; i < 10; ++i)
        b.next(1s, 0);
    for (int i = 0; i < 1000; ++i) {
        const auto wait = b.next(60s, static_cast<std::uint64_t>(i) * 7919);
        CHECK(wait >= 7500ms);
        CHECK(wait <= 15s);
    }
}

TEST_CASE("the whole range is used", "[backoff]") {
    backoff b;
    b.next(0s, 0);
    CHECK(b.next(0s, 0) == 50ms);
    b.reset();
    CHECK(b.attempt() == 0);
    CHECK(b.next(0s, 50) == 50ms);
    CHECK(b.next(0s, 50) == 100ms);
    CHECK(b.attempt() == 2);
}
