#include <catch2/catch.hpp>

#include "instatunnel/auth/token_bucket.hpp"

using namespace instatunnel::auth;

TEST_CASE("addresses are limited by what one caller holds") {
    CHECK(address_group("203.0.113.7") == "203.0.113.7");
    CHECK(address_group("::ffff:203.0.113.7") == "203.0.113.7");
    CHECK(address_group("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64");
    CHECK(address_group("2001:db8:1:2::1") == address_group("2001:DB8:1:2:ffff::"));
    CHECK(address_group("2001:db8:1:3::1") != address_group("2001:db8:1:2::1"));
    CHECK(address_group("fe80::1%eth0") == "fe80::/64");
    CHECK(address_group("nonsense") == "nonsense");
    CHECK(address_group(std::string(1000, 'x')).size() == 64);
}

TEST_CASE("only addresses of the own machine are loopback") {
    for (const char* text : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"})
        CHECK(is_loopback(text));
    for (const char* text : {"128.0.0.1", "10.0.0.1", "0.0.0.0", "::", "::2", "::ffff:10.0.0.1", "localhost", ""})
        CHECK_FALSE(is_loopback(text));
}
