#include "instatunnel/mcp/replay_log.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel::mcp;

TEST_CASE("a stream goes on behind the event that came last") {
    replay_log log;
    const auto first = log.append(3, "a");
    log.append(4, "other");
    const auto second = log.append(3, "b");
    const auto rest = log.after(first);
    REQUIRE(rest);
    CHECK(rest->stream == 3);
    REQUIRE(rest->events.size() == 1);
    CHECK(rest->events[0].id == second);
    CHECK(rest->events[0].data == "b");
    CHECK(log.after(second)->events.empty());
}

TEST_CASE("what is forgotten or was never said cannot be replayed") {
    replay_log log;
    const auto first = log.append(1, "a");
    for (const char* id : {"", "1", "1.", ".1", "1.x", "1.2", "-1.1", "1.1.1"})
        CHECK_FALSE(log.after(id));
    for (std::size_t i = 0; i < replay_log::max_events; ++i)
        log.append(1, "b");
    CHECK(log.after(first)->events.size() == replay_log::max_events);
    log.append(1, "c");
    CHECK_FALSE(log.after(first));
}

TEST_CASE("a log is bounded in bytes") {
    replay_log log;
    for (int i = 0; i < 20; ++i)
        log.append(1, std::string(replay_log::max_bytes / 4, 'x'));
    CHECK(log.bytes() <= replay_log::max_bytes);
    log.append(1, std::string(2 * replay_log::max_bytes, 'x'));
    CHECK(log.bytes() == 0);
}
