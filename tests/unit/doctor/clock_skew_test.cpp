#include "doctor/clock_skew.hpp"

#include <catch2/catch.hpp>

#include "instatunnel/wire/http_date.hpp"

using namespace instatunnel;
using namespace std::chrono_literals;
using doctor::check_state;
using doctor::judge_clock;

namespace {

const auto noon = std::chrono::sys_seconds(1'700'000'000s);

doctor::check judged(std::chrono::seconds ahead, std::chrono::milliseconds took = 10ms) {
    return judge_clock(wire::to_http_date(noon), noon + ahead, took);
}

}  // namespace

TEST_CASE("a difference that the answer's way explains is none") {
    for (const auto ahead : {0s, 2s, -2s}) {
        const auto c = judged(ahead);
        CHECK(c.state == check_state::ok);
        CHECK(c.found == "in step with the server's");
    }
    CHECK(judged(4s, 3'000ms).found == "in step with the server's");
}

TEST_CASE("up to a minute is told, more is a warning") {
    CHECK(judged(30s).state == check_state::ok);
    CHECK(judged(30s).found == "30.0s ahead of the server's");
    CHECK(judged(-60s).state == check_state::ok);
    const auto behind = judged(-61s);
    CHECK(behind.state == check_state::warning);
    CHECK(behind.found == "1m 1s behind the server's");
    CHECK_FALSE(behind.mend.empty());
    CHECK(judged(std::chrono::hours(24 * 400)).state == check_state::warning);
}

TEST_CASE("without a date nothing is judged") {
    for (const auto* date : {"", "yesterday", "Sun, 32 Nov 1994 08:49:37 GMT"})
        CHECK(judge_clock(date, noon, 0ms).state == check_state::skipped);
}
