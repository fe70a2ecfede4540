#include "instatunnel/base/latency_histogram.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using instatunnel::latency_histogram;
using std::chrono::microseconds;

TEST_CASE("a histogram without times knows no percentile") {
    const latency_histogram h;
    CHECK(h.percentile(50) == microseconds(0));
    CHECK(h.total() == 0);
}

TEST_CASE("one time is every percentile, to six percent") {
    for (double us = 130; us < 120e6; us *= 1.07) {
        latency_histogram h;
        h.add(microseconds(static_cast<std::int64_t>(us)));
        for (const unsigned percent : {1u, 50u, 99u, 100u}) {
            INFO(us << " at " << percent);
            CHECK(std::abs(static_cast<double>(h.percentile(percent).count()) - us) <= us * 0.0625 + 1);
        }
    }
}

TEST_CASE("percentiles part the fast from the slow") {
    latency_histogram h;
    for (int i = 0; i < 98; ++i)
        h.add(microseconds(1'000));
    h.add(microseconds(500'000));
    h.add(microseconds(500'000));
    CHECK(h.total() == 100);
    CHECK(std::abs(h.percentile(50).count() - 1'000) <= 63);
    CHECK(std::abs(h.percentile(98).count() - 1'000) <= 63);
    CHECK(std::abs(h.percentile(99).count() - 500'000) <= 31'250);
}

TEST_CASE("times beyond both ends are counted at the ends") {
    latency_histogram h;
    h.add(microseconds(-5));
    CHECK(h.percentile(100) <= microseconds(128));
    h.add(std::chrono::hours(30));
    CHECK(h.percentile(100) >= std::chrono::minutes(2));
    CHECK(h.total() == 2);
}
