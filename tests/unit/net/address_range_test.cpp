#include "instatunnel/net/address_range.hpp"

#include <arpa/inet.h>

#include <catch2/catch.hpp>
#include <string>

#include "catch_outcome.hpp"

using namespace instatunnel;
using namespace instatunnel::net;

namespace {

peer_name peer(const std::string& address) {
    unsigned char bytes[16] = {};
    const bool is_v6 = address.find(':') != std::string::npos;
    REQUIRE(::inet_pton(is_v6 ? AF_INET6 : AF_INET, address.c_str(), bytes) == 1);
    return make_peer_name(is_v6 ? 6 : 4, bytes, 1);
}

bool holds(const char* range, const char* address) {
    const auto parsed = parse_address_range(range);
    REQUIRE(parsed);
    return parsed->holds(peer(address));
}

}  // namespace

TEST_CASE("a range holds the addresses that begin like it") {
    CHECK(holds("10.0.0.0/8", "10.255.1.2"));
    CHECK_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
    CHECK(holds("192.0.2.128/25", "192.0.2.200"));
    CHECK_FALSE(holds("192.0.2.128/25", "192.0.2.127"));
    CHECK(holds("192.0.2.1", "192.0.2.1"));
    CHECK_FALSE(holds("192.0.2.1", "192.0.2.2"));
    CHECK(holds("0.0.0.0/0", "203.0.113.9"));
    CHECK(holds("fd00::/8", "fdff::1"));
    CHECK_FALSE(holds("fd00::/8", "fe80::1"));
    CHECK(holds("::1", "::1"));
}

TEST_CASE("the families do not mix, except that a mapped address is IPv4") {
    CHECK_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
    CHECK_FALSE(holds("::/0", "192.0.2.1"));
    CHECK(holds("192.0.2.0/24", "::ffff:192.0.2.7"));
}

TEST_CASE("what is no range is refused with an example") {
    for (const char* text :
         {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/-1", "fd00::/129", "example.com", "10/8"}) {
        const auto parsed = parse_address_range(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().code == errc::usage);
    }
}
