#include "instatunnel/auth/token_bucket.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace instatunnel::auth;
using namespace std::chrono_literals;

namespace {

constexpr auto ten_per_minute = bucket_rule::per_minute(10);
const steady_time start{};

int take_all(token_bucket& bucket, steady_time now) {
    int taken = 0;
    while (bucket.take(now))
        ++taken;
    return taken;
}

}  // namespace

TEST_CASE("a bucket gives its capacity at once and then one an interval") {
    token_bucket bucket(ten_per_minute, start);
    CHECK(take_all(bucket, start) == 10);
    CHECK(bucket.wait(start) == 6s);
    CHECK(bucket.wait(start + 5s) == 1s);
    CHECK_FALSE(bucket.take(start + 5999ms));
    CHECK(bucket.take(start + 6s));
    CHECK_FALSE(bucket.take(start + 6s));
    CHECK(take_all(bucket, start + 36s) == 5);
}

TEST_CASE("a bucket tells what is left, and until when all of it is back") {
    token_bucket bucket(ten_per_minute, start);
    CHECK(bucket.left(start) == 10);
    CHECK(bucket.until_full(start) == 0s);
    bucket.take(start);
    bucket.take(start);
    CHECK(bucket.left(start) == 8);
    CHECK(bucket.until_full(start) == 12s);
    CHECK(bucket.left(start + 6s) == 9);
    CHECK(bucket.until_full(start + 13s) == 0s);
}

TEST_CASE("a bucket never holds more than its capacity") {
    token_bucket bucket(ten_per_minute, start);
    CHECK(take_all(bucket, start + 24h) == 10);
    bucket.give_back(start + 24h);
    CHECK(take_all(bucket, start + 24h) == 1);
    token_bucket full(ten_per_minute, start);
    full.give_back(start);
    CHECK(take_all(full, start) == 10);
}

TEST_CASE("time that goes backwards gives and takes nothing") {
    token_bucket bucket(ten_per_minute, start + 1h);
    CHECK(take_all(bucket, start + 1h) == 10);
    CHECK_FALSE(bucket.take(start));
    CHECK_FALSE(bucket.take(start + 1h));
    CHECK(bucket.take(start + 1h + 6s));
}

TEST_CASE("in any minute at most capacity plus refill pass, whatever the pattern") {
    for (const auto step : {1ms, 7ms, 250ms, 999ms, 6000ms, 13000ms}) {
        token_bucket bucket(ten_per_minute, start);
        int taken = 0;
        for (auto now = start; now < start + 60s; now += step)
            taken += bucket.take(now);
        CHECK(taken <= 20);
    }
}

TEST_CASE("a strict bucket lets no more than its capacity pass in any minute, whatever the pattern") {
    for (const auto step : {1ms, 7ms, 250ms, 999ms, 3100ms, 5900ms, 6000ms, 13000ms}) {
        token_bucket bucket(bucket_rule::in_any_minute(10), start);
        std::vector<steady_time> taken;
        for (auto now = start; now < start + 200s; now += step)
            if (bucket.take(now)) taken.push_back(now);
        CHECK(taken.size() >= 15);
        for (std::size_t i = 10; i < taken.size(); ++i)
            CHECK(taken[i] - taken[i - 10] >= 60s);
    }
}

TEST_CASE("a strict bucket tells what is left, how long to wait, and takes tries back") {
    token_bucket bucket(bucket_rule::in_any_minute(3), start);
    CHECK(bucket.until_full(start) == 0s);
    CHECK(bucket.take(start));
    CHECK(bucket.take(start + 10s));
    CHECK(bucket.left(start + 10s) == 1);
    CHECK(bucket.until_full(start + 10s) == 60s);
    bucket.give_back(start + 10s);
    CHECK(bucket.left(start + 10s) == 2);
    CHECK(bucket.until_full(start + 10s) == 50s);
    CHECK(take_all(bucket, start + 20s) == 2);
    CHECK(bucket.wait(start + 20s) == 40s);
    CHECK_FALSE(bucket.take(start + 59999ms));
    CHECK_FALSE(bucket.take(start));
    CHECK(take_all(bucket, start + 60s) == 1);
    CHECK(take_all(bucket, start + 80s) == 2);
    bucket.give_back(start + 24h);
    CHECK(take_all(bucket, start + 24h) == 3);
}

TEST_CASE("a table keeps buckets apart and forgets the one asked for longest ago") {
    bucket_table table(ten_per_minute, 3);
    CHECK(take_all(table.at("a", start), start) == 10);
    CHECK(take_all(table.at("b", start), start) == 10);
    CHECK_FALSE(table.at("a", start).take(start));
    table.at("c", start);
    table.at("a", start);
    table.at("d", start);
    CHECK(table.size() == 3);
    CHECK_FALSE(table.at("a", start).take(start));
    CHECK(table.at("b", start).take(start));
    for (int i = 0; i < 1000; ++i)
        table.at(std::to_string(i), start);
    CHECK(table.size() == 3);
}
