#include "instatunnel/service/rate_limits.hpp"

#include "catch_outcome.hpp"

using namespace instatunnel;
using namespace instatunnel::service;

TEST_CASE("a limit is set by its name, and then holds for loopback") {
    rate_limits limits;
    CHECK_FALSE(limits.calls_per_key.on_loopback);
    REQUIRE(set_rate_limit(limits, "calls-per-key=7"));
    CHECK(limits.calls_per_key.per_minute == 7);
    CHECK(limits.calls_per_key.on_loopback);
    CHECK(limits.calls_per_account.per_minute == rate_limits().calls_per_account.per_minute);
    for (const char* name :
         {"calls-per-account", "calls-per-address", "calls-without-key", "sign-ins", "registrations", "wrong-keys"})
        CHECK(set_rate_limit(limits, std::string(name) + "=1000000"));
}

TEST_CASE("a limit that cannot be used is refused, with the names or the form") {
    rate_limits limits;
    for (const char* text : {"", "=5", "calls", "calls_per_key=5", "CALLS-PER-KEY=5"}) {
        const auto refused = set_rate_limit(limits, text);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::usage);
        CHECK(std::string(refused.error().what_next()).find("calls-per-address") != std::string::npos);
    }
    for (const char* value : {"", "=", "=0", "=-1", "=1000001", "=1.5", "=5 ", "= 5", "=0x5", "=99999999999"})
        CHECK_FALSE(set_rate_limit(limits, std::string("sign-ins") + value));
    CHECK(limits.sign_ins.per_minute == 10);
}
