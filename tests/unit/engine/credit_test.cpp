#include "instatunnel/engine/credit.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel;
using namespace instatunnel::engine;
using namespace std::chrono_literals;

namespace {
const time_point dawn{1h};
constexpr std::uint32_t initial = wire::itp::initial_window;
}  // namespace

TEST_CASE("credit is used, added, and never passes 2^31-1") {
    send_credit credit(100);
    credit.use(40);
    CHECK(credit.available() == 60);
    credit.use(100);
    CHECK(credit.available() == 0);
    CHECK(credit.add(0x7FFFFFFF));
    CHECK_FALSE(credit.add(1));
    CHECK_FALSE(credit.add(0xFFFFFFFF));
    CHECK(credit.available() == 0x7FFFFFFF);
    credit.use(1);
    CHECK(credit.add(1));
}

TEST_CASE("a window takes what was granted and not a byte more") {
    receive_window w;
    CHECK(w.on_received(initial));
    CHECK(w.held() == initial);
    CHECK(w.on_received(0));
    CHECK_FALSE(w.on_received(1));
}

TEST_CASE("consumption is granted back in quarters of the window, all of it in the end") {
    receive_window w;
    REQUIRE(w.on_received(initial));
    std::uint32_t granted = 0;
    for (std::uint32_t consumed = 0; consumed < initial; consumed += 1024) {
        // Slow enough that the window is not what limits.
        const auto grant = w.on_consumed(1024, dawn + consumed * 1ms, 10ms, true);
        CHECK((grant == 0 || grant == initial / 4));
        granted += grant;
    }
    CHECK(granted == initial);
    CHECK(w.window() == initial);
    CHECK(w.held() == 0);
    CHECK(w.on_received(initial));
}

TEST_CASE("more than half a window in a round trip doubles it, up to 4 MiB") {
    receive_window w;
    auto now = dawn;
    w.on_consumed(0, now, 100ms, true);
    std::uint32_t open = initial, last = initial;
    for (int i = 0; i < 8000; ++i) {
        const auto part = std::min<std::uint32_t>(open, 16 * 1024);
        REQUIRE(w.on_received(part));
        open -= part;
        open += w.on_consumed(part, now, 100ms, true);
        now += 100us;
        CHECK((w.window() == last || w.window() == 2 * last));
        last = w.window();
    }
    CHECK(w.window() == wire::itp::max_window);
    // Everything that is not held may be sent.
    CHECK(open + 64 * 1024 >= wire::itp::max_window);
}

TEST_CASE("what is read at once after a pause does not make a window grow") {
    receive_window w;
    auto now = dawn;
    w.on_consumed(0, now, 1ms, true);
    for (int i = 0; i < 200; ++i) {
        REQUIRE(w.on_received(60'000));
        w.on_consumed(60'000, now += 20ms, 1ms, true);
    }
    CHECK(w.window() == initial);
}

TEST_CASE("a window does not grow beyond the budget, nor for a slow consumer") {
    receive_window fast, slow;
    auto now = dawn;
    for (int i = 0; i < 400; ++i) {
        REQUIRE(fast.on_received(16'000));
        REQUIRE(slow.on_received(16'000));
        fast.on_consumed(16'000, dawn + i * 10us, 100ms, /*may_grow=*/false);
        slow.on_consumed(16'000, now += 60ms, 100ms, /*may_grow=*/true);
    }
    CHECK(fast.window() == initial);
    CHECK(slow.window() == initial);
}

TEST_CASE("the path's round trip is the shortest of the last minute, not the queue's") {
    path_round_trip path;
    const auto began = time_point(std::chrono::hours(5));
    CHECK(path.shortest().count() == 0);
    path.note(std::chrono::microseconds(900), began);
    CHECK(path.shortest().count() == 900);
    path.note(std::chrono::microseconds(18'000), began + std::chrono::seconds(5));
    path.note(std::chrono::microseconds(20'000), began + std::chrono::seconds(31));
    CHECK(path.shortest().count() == 900);
    // A path that has become longer is believed after a while.
    path.note(std::chrono::microseconds(20'000), began + std::chrono::seconds(62));
    CHECK(path.shortest().count() == 20'000);
    path.note(std::chrono::microseconds(5'000), began + std::chrono::seconds(600));
    CHECK(path.shortest().count() == 5'000);
}
