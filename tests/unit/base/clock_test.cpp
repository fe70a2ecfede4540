#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <string>

#include "instatunnel/base/clock.hpp"

using namespace instatunnel;
using namespace std::chrono_literals;

TEST_CASE("times are written as RFC 3339 in UTC") {
    CHECK(to_rfc3339(wall_time{}) == "1970-01-01T00:00:00Z");
    CHECK(to_rfc3339(wall_time{1705314600s}) == "2024-01-15T10:30:00Z");
    CHECK(to_rfc3339(wall_time{1705314600s + 999999us}) == "2024-01-15T10:30:00Z");
    CHECK(to_rfc3339(wall_time{-1us}) == "1969-12-31T23:59:59Z");
    CHECK(to_rfc3339(wall_time{951782400s}) == "2000-02-29T00:00:00Z");
}

TEST_CASE("RFC 3339 times are read, with offset and fraction") {
    CHECK(parse_rfc3339("2024-01-15T10:30:00Z") == wall_time{1705314600s});
    CHECK(parse_rfc3339("2024-01-15t10:30:00z") == wall_time{1705314600s});
    CHECK(parse_rfc3339("2024-01-15T12:30:00+02:00") == wall_time{1705314600s});
    CHECK(parse_rfc3339("2024-01-15T05:00:00-05:30") == wall_time{1705314600s});
    CHECK(parse_rfc3339("2024-01-15T10:30:00.25Z") == wall_time{1705314600s + 250ms});
    CHECK(parse_rfc3339("2024-01-15T10:30:00.123456789Z") == wall_time{1705314600s + 123456us});
    CHECK(parse_rfc3339("2016-12-31T23:59:60Z") == wall_time{1483228800s});
}

TEST_CASE("anything else is no time") {
    for (const auto* text :
         {"", "2024-01-15", "2024-01-15T10:30:00", "2024-01-15 10:30:00Z", "2024-02-30T10:30:00Z",
          "2024-13-01T10:30:00Z", "2024-01-15T24:00:00Z", "2024-01-15T10:60:00Z", "2024-01-15T10:30:61Z",
          "2024-01-15T10:30:00Zx", "2024-01-15T10:30:00+0200", "2024-01-15T10:30:00+24:00", "2024-01-15T10:30:00.5",
          "2024-01-15T10:30:0aZ", "+024-01-15T10:30:00Z", "20240-01-15T10:30:00Z", "9999-12-31T23:59:60Z",
          "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01"}) {
        INFO(text);
        CHECK_FALSE(parse_rfc3339(text));
    }
}

TEST_CASE("what is written can be read") {
    const auto now = std::chrono::floor<std::chrono::seconds>(wall_now());
    CHECK(parse_rfc3339(to_rfc3339(now)) == wall_time{now});
    for (const auto* text : {"0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"})
        CHECK(to_rfc3339(parse_rfc3339(text).value_or(now)) == text);
}

TEST_CASE("durations are short for people") {
    CHECK(to_human(0ms) == "0ms");
    CHECK(to_human(999ms) == "999ms");
    CHECK(to_human(1000ms) == "1.0s");
    CHECK(to_human(4200ms) == "4.2s");
    CHECK(to_human(125s) == "2m 5s");
    CHECK(to_human(3h + 12min + 59s) == "3h 12m");
}

TEST_CASE("amounts of data are short for people") {
    CHECK(to_human_bytes(0) == "0 B");
    CHECK(to_human_bytes(512) == "512 B");
    CHECK(to_human_bytes(999) == "999 B");
    CHECK(to_human_bytes(1000) == "1.0 kB");
    CHECK(to_human_bytes(999'949) == "999.9 kB");
    CHECK(to_human_bytes(999'950) == "1.0 MB");
    CHECK(to_human_bytes(2'400'000'000) == "2.4 GB");
    CHECK(to_human_bytes(UINT64_MAX) == "18.4 EB");
}
