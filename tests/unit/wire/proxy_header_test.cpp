#include "instatunnel/wire/proxy_header.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel::wire;

namespace {

itp::visitor_address v4(unsigned char last, std::uint16_t port) {
    return {4, {192, 0, 2, last}, port};
}

itp::visitor_address v6(unsigned char last, std::uint16_t port) {
    itp::visitor_address a{6, {0x20, 0x01, 0x0d, 0xb8}, port};
    a.bytes[15] = last;
    return a;
}

std::string header(proxy_version version, const proxy_ends& ends) {
    std::string out;
    append_proxy_header(out, version, ends);
    return out;
}

const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);

}  // namespace

TEST_CASE("headers are written as the specification has them") {
    CHECK(header(proxy_version::v1, {v4(1, 50000), v4(2, 443)}) == "PROXY TCP4 192.0.2.1 192.0.2.2 50000 443\r\n");
    CHECK(header(proxy_version::v1, {v6(1, 50000), v6(2, 443)}) == "PROXY TCP6 2001:db8::1 2001:db8::2 50000 443\r\n");
    CHECK(header(proxy_version::v1, {v4(1, 1), v6(2, 2)}) == "PROXY UNKNOWN\r\n");
    CHECK(header(proxy_version::v2, {v4(1, 0x0102), v4(2, 443)}) ==
          signature + std::string("\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x01\x02\x01\xbb", 16));
    CHECK(header(proxy_version::v2, {{}, {}}) == signature + std::string("\x21\0\0\0", 4));
}

TEST_CASE("what is written is read again, and no byte behind it") {
    const auto version = GENERATE(proxy_version::v1, proxy_version::v2);
    const bool is_v6 = GENERATE(false, true);
    const proxy_ends ends = is_v6 ? proxy_ends{v6(1, 50000), v6(2, 443)} : proxy_ends{v4(1, 50000), v4(2, 65535)};
    const auto whole = header(version, ends);
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK(parse_proxy_header(whole.substr(0, size)).status == proxy_status::incomplete);
    const auto read = parse_proxy_header(whole + "\x16\x03\x01");
    REQUIRE(read.status == proxy_status::complete);
    CHECK(read.size == whole.size());
    REQUIRE(read.ends);
    CHECK(header(version, *read.ends) == whole);
}

TEST_CASE("a relay that speaks for itself names nobody") {
    for (const auto& bytes : {std::string("PROXY UNKNOWN\r\n"), std::string("PROXY UNKNOWN ffff:f ffff 1 2\r\n"),
                              signature + std::string("\x20\x11\0\x0c", 4) + std::string(12, 'x'),
                              signature + std::string("\x21\x31\0\x02xx", 6)}) {
        const auto read = parse_proxy_header(bytes);
        CHECK(read.status == proxy_status::complete);
        CHECK(read.size == bytes.size());
        CHECK_FALSE(read.ends);
    }
}

TEST_CASE("additions behind the addresses are skipped, up to a bound") {
    const auto plain = header(proxy_version::v2, {v4(1, 1), v4(2, 2)});
    auto with = plain + "\x04" + std::string("\0\x02no", 4);
    with[15] = 12 + 5;
    CHECK(parse_proxy_header(with).size == with.size());
    CHECK(parse_proxy_header(with).ends);
    auto huge = plain;
    huge[14] = '\x7f';
    CHECK(parse_proxy_header(huge).status == proxy_status::malformed);
}

TEST_CASE("what is no header is refused at its first wrong byte") {
    for (const auto& bytes :
         {std::string("G"), std::string("PROXZ"), std::string("\x16\x03\x01"), std::string("\r\n\r\n\x01"),
          std::string("PROXY TCP4 1.1.1.1 1.1.1.1 1 2 3\r\n"), std::string("PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n"),
          std::string("PROXY TCP4 ::1 ::1 1 2\r\n"), std::string("PROXY TCP6 1.1.1.1 1.1.1.1 1 2\r\n"),
          std::string("PROXY TCP4 1.1.1.1 1.1.1.1 -1 2\r\n"), std::string("PROXY ") + std::string(101, 'x'),
          signature + std::string("\x22\x11\0\x0c", 4), signature + std::string("\x21\x11\0\x04", 4) + "abcd"})
        CHECK(parse_proxy_header(bytes).status == proxy_status::malformed);
}

TEST_CASE("versions have names") {
    CHECK(parse_proxy_version("v1") == proxy_version::v1);
    CHECK(parse_proxy_version("2") == proxy_version::v2);
    CHECK_FALSE(parse_proxy_version("v3"));
    CHECK_FALSE(parse_proxy_version(""));
}
