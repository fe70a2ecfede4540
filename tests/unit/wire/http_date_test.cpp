#include "instatunnel/wire/http_date.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel::wire;
using namespace std::chrono;

namespace {

constexpr sys_seconds noon_2026 = sys_days(year(2026) / 11 / 29) + hours(12);
constexpr sys_seconds rfc_example = sys_days(year(1994) / 11 / 6) + hours(8) + minutes(49) + seconds(37);

}  // namespace

TEST_CASE("a time is written as HTTP's fixed form") {
    CHECK(to_http_date(rfc_example) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(to_http_date(sys_seconds{}) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(to_http_date(sys_days(year(2024) / 2 / 29)) == "Thu, 29 Feb 2024 00:00:00 GMT");
    CHECK(to_http_date(sys_days(year(-5) / 1 / 1)) == "Sat, 01 Jan 0000 00:00:00 GMT");
    CHECK(to_http_date(sys_days(year(12000) / 1 / 1)) == "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST_CASE("all three forms of an HTTP date are read") {
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", noon_2026) == rfc_example);
    CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", noon_2026) == rfc_example);
    CHECK(parse_http_date("Sun Nov  6 08:49:37 1994", noon_2026) == rfc_example);
    CHECK(parse_http_date("Sun Nov 16 08:49:37 1994", noon_2026) == rfc_example + days(10));
}

TEST_CASE("a year of two digits is the one nearest to now, at most 50 years ahead") {
    const auto year_of = [](std::string_view text, sys_seconds now) {
        return static_cast<int>(year_month_day(floor<days>(*parse_http_date(text, now))).year());
    };
    CHECK(year_of("Sunday, 06-Nov-76 08:49:37 GMT", noon_2026) == 2076);
    CHECK(year_of("Sunday, 06-Nov-77 08:49:37 GMT", noon_2026) == 1977);
    CHECK(year_of("Sunday, 06-Nov-26 08:49:37 GMT", noon_2026) == 2026);
    CHECK(year_of("Sunday, 06-Nov-01 08:49:37 GMT", sys_days(year(2098) / 1 / 1)) == 2101);
}

TEST_CASE("what is not an HTTP date is none") {
    for (const std::string_view text :
         {"", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 6 Nov 1994 08:49:37 GMT",
          "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
          "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
          "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Now 1994 08:49:37 GMT", "Sun Nov 06 08:49:37 94",
          "-un, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"})
        CHECK_FALSE(parse_http_date(text, noon_2026).has_value());
    CHECK(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", noon_2026) ==
          sys_days(year(2016) / 12 / 31) + hours(24) - seconds(1));
}

TEST_CASE("whatever is written can be read again") {
    for (std::int64_t s = -2'000'000'000; s < 8'000'000'000; s += 123'456'789) {
        const sys_seconds t{seconds(s)};
        CHECK(parse_http_date(to_http_date(t), noon_2026) == t);
    }
}
