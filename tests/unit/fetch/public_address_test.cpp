#include "fetch/public_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>

using namespace instatunnel;

namespace {

sockaddr_storage to_sockaddr(const std::string& text) {
    sockaddr_storage storage{};
    sockaddr_in four{};
    sockaddr_in6 six{};
    if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        std::memcpy(&storage, &four, sizeof four);
    } else {
        REQUIRE(::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1);
        six.sin6_family = AF_INET6;
        std::memcpy(&storage, &six, sizeof six);
    }
    return storage;
}

}  // namespace

TEST_CASE("addresses that anybody can reach are public, first and last of every gap", "[fetch]") {
    for (const std::string text : {"1.1.1.1",
                                   "8.8.8.8",
                                   "9.255.255.255",
                                   "11.0.0.0",
                                   "100.63.255.255",
                                   "100.128.0.0",
                                   "126.255.255.255",
                                   "128.0.0.0",
                                   "169.253.255.255",
                                   "169.255.0.0",
                                   "172.15.255.255",
                                   "172.32.0.0",
                                   "191.255.255.255",
                                   "192.0.1.0",
                                   "192.0.3.0",
                                   "192.88.98.255",
                                   "192.88.100.0",
                                   "192.167.255.255",
                                   "192.169.0.0",
                                   "198.17.255.255",
                                   "198.20.0.0",
                                   "198.51.99.255",
                                   "198.51.101.0",
                                   "203.0.112.255",
                                   "203.0.114.0",
                                   "223.255.255.255",
                                   "2000::1",
                                   "2001:200::1",
                                   "2001:4860:4860::8888",
                                   "2001:db7::1",
                                   "2001:db9::1",
                                   "2003::1",
                                   "2606:4700::1",
                                   "2620:4f:7fff::1",
                                   "2620:4f:8001::1",
                                   "3ffe::1",
                                   "3fff:1000::1",
                                   "::ffff:8.8.8.8",
                                   "64:ff9b::808:808"}) {
        INFO(text);
        CHECK(fetch::is_public(text));
        const auto address = to_sockaddr(text);
        CHECK(fetch::is_public(reinterpret_cast<const sockaddr&>(address)));
    }
}

TEST_CASE("special, private and reserved addresses are not public, nor what leads to them", "[fetch]") {
    for (const std::string text :
         {"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
          "127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.0",
          "192.0.0.170", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.0.0", "192.168.255.255",
          "192.175.48.1", "198.18.0.0", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
          "240.0.0.0", "255.255.255.255",
          // IPv6
          "::", "::1", "::2", "::127.0.0.1", "::8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b:1::1", "100::1", "100:0:0:1::1",
          "1fff::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:30::1", "2001:1ff::1", "2001:db8::1",
          "2002::1", "2002:808:808::1", "2620:4f:8000::1", "3fff::1", "3fff:fff::1", "4000::1", "5f00::1", "8000::1",
          "fc00::1", "fd12:3456::1", "fe00::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1",
          // IPv4 inside of IPv6
          "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::7f00:1",
          "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:7f00:1::1"}) {
        INFO(text);
        CHECK_FALSE(fetch::is_public(text));
        const auto address = to_sockaddr(text);
        CHECK_FALSE(fetch::is_public(reinterpret_cast<const sockaddr&>(address)));
    }
}

TEST_CASE("text that is no address is not public", "[fetch]") {
    for (const std::string text : {"", "localhost", "8.8.8", "8.8.8.8.8", "08.8.8.8", "0x8.8.8.8", "fe80::1%lo", "::g",
                                   "[2606:4700::1]", "8.8.8.8 ", "2606:4700:0000:0000:0000:0000:0000:0001:2"}) {
        INFO(text);
        CHECK_FALSE(fetch::is_public(text));
    }
    sockaddr unix_socket{};
    unix_socket.sa_family = AF_UNIX;
    CHECK_FALSE(fetch::is_public(unix_socket));
}

TEST_CASE("loopback is known in all its forms", "[fetch]") {
    for (const std::string text : {"127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"}) {
        const auto address = to_sockaddr(text);
        CHECK(fetch::is_loopback(reinterpret_cast<const sockaddr&>(address)));
    }
    for (const std::string text : {"128.0.0.1", "10.0.0.1", "::", "::2", "1::1", "::ffff:10.0.0.1", "0.0.0.0"}) {
        const auto address = to_sockaddr(text);
        CHECK_FALSE(fetch::is_loopback(reinterpret_cast<const sockaddr&>(address)));
    }
}
