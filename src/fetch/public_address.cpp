#include "public_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>

namespace instatunnel::fetch {
namespace {

using v6_bytes = std::array<std::uint8_t, 16>;

struct v4_block {
    std::uint32_t prefix;
    int bits;
};

constexpr std::uint32_t v4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    return a << 24 | b << 16 | c << 8 | d;
}

// https://www.iana.org/assignments/iana-ipv4-special-registry, and what RFC 1112 and RFC 5771 set apart. The few blocks
// in it that are globally reachable are anycast services (AS112, AMT, PCP), none of which serves documents.
constexpr v4_block v4_special[] = {
    {v4(0, 0, 0, 0), 8},        // this network
    {v4(10, 0, 0, 0), 8},       // private
    {v4(100, 64, 0, 0), 10},    // shared with carriers' NAT
    {v4(127, 0, 0, 0), 8},      // loopback
    {v4(169, 254, 0, 0), 16},   // link-local; clouds answer with credentials here
    {v4(172, 16, 0, 0), 12},    // private
    {v4(192, 0, 0, 0), 24},     // protocol assignments
    {v4(192, 0, 2, 0), 24},     // documentation
    {v4(192, 31, 196, 0), 24},  // AS112
    {v4(192, 52, 193, 0), 24},  // AMT
    {v4(192, 88, 99, 0), 24},   // 6to4 relays
    {v4(192, 168, 0, 0), 16},   // private
    {v4(192, 175, 48, 0), 24},  // AS112
    {v4(198, 18, 0, 0), 15},    // benchmarks
    {v4(198, 51, 100, 0), 24},  // documentation
    {v4(203, 0, 113, 0), 24},   // documentation
    {v4(224, 0, 0, 0), 4},      // multicast
    {v4(240, 0, 0, 0), 4},      // reserved, broadcast
};

struct v6_block {
    v6_bytes prefix;
    int bits;
};

// Inside of 2000::/3, the only space that is given out as global unicast
// (https://www.iana.org/assignments/iana-ipv6-special-registry); all the rest is refused as a whole.
constexpr v6_block v6_special[] = {
    {{0x20, 0x01}, 23},                          // protocol assignments: Teredo, benchmarks, ORCHID, anycast
    {{0x20, 0x01, 0x0d, 0xb8}, 32},              // documentation
    {{0x20, 0x02}, 16},                          // 6to4
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48},  // AS112
    {{0x3f, 0xff}, 20},                          // documentation
};
constexpr v6_block v6_global{{0x20}, 3};
constexpr v6_block v6_mapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
constexpr v6_block v6_nat64{{0, 0x64, 0xff, 0x9b}, 96};

constexpr bool lies_in(std::uint32_t address, const v4_block& block) {
    return (address ^ block.prefix) >> (32 - block.bits) == 0;
}

bool lies_in(const v6_bytes& address, const v6_block& block) noexcept {
    const auto whole = static_cast<std::size_t>(block.bits / 8);
    if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole), block.prefix.begin()))
        return false;
    const int rest = block.bits % 8;
    return rest == 0 || (address[whole] ^ block.prefix[whole]) >> (8 - rest) == 0;
}

bool is_public_v4(std::uint32_t address) noexcept {
    return std::ranges::none_of(v4_special, [&](const v4_block& block) { return lies_in(address, block); });
}

std::uint32_t last_32_bits(const v6_bytes& a) noexcept {
    return v4(a[12], a[13], a[14], a[15]);
}

bool is_public_v6(const v6_bytes& address) noexcept {
    if (lies_in(address, v6_mapped) || lies_in(address, v6_nat64)) return is_public_v4(last_32_bits(address));
    return lies_in(address, v6_global) &&
           std::ranges::none_of(v6_special, [&](const v6_block& block) { return lies_in(address, block); });
}

std::uint32_t v4_of(const sockaddr& address) noexcept {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    return ntohl(in.sin_addr.s_addr);
}

v6_bytes v6_of(const sockaddr& address) noexcept {
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof in);
    v6_bytes bytes{};
    std::memcpy(bytes.data(), in.sin6_addr.s6_addr, bytes.size());
    return bytes;
}

}  // namespace

bool is_public(const sockaddr& address) noexcept {
    if (address.sa_family == AF_INET) return is_public_v4(v4_of(address));
    return address.sa_family == AF_INET6 && is_public_v6(v6_of(address));
}

bool is_loopback(const sockaddr& address) noexcept {
    if (address.sa_family == AF_INET) return v4_of(address) >> 24 == 127;
    if (address.sa_family != AF_INET6) return false;
    const auto v6 = v6_of(address);
    if (lies_in(v6, v6_mapped)) return v6[12] == 127;
    return std::all_of(v6.begin(), v6.end() - 1, [](std::uint8_t b) { return b == 0; }) && v6.back() == 1;
}

bool is_public(std::string_view address) noexcept {
    char text[INET6_ADDRSTRLEN] = {};
    if (address.size() >= sizeof text) return false;
    address.copy(text, address.size());
    in_addr four{};
    if (::inet_pton(AF_INET, text, &four) == 1) return is_public_v4(ntohl(four.s_addr));
    v6_bytes six{};
    return ::inet_pton(AF_INET6, text, six.data()) == 1 && is_public_v6(six);
}

}  // namespace instatunnel::fetch
