#include "instatunnel/net/address_range.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>
#include <string>

namespace instatunnel::net {
namespace {

failure malformed(std::string_view text) {
    return {errc::usage, "'" + std::string(text.substr(0, 80)) + "' is no range of addresses",
            "Write it like 10.0.0.0/8, fd00::/8 or 192.0.2.1"};
}

}  // namespace

outcome<address_range> parse_address_range(std::string_view text) {
    const auto slash = text.find('/');
    const std::string address(text.substr(0, slash));
    address_range range;
    if (::inet_pton(AF_INET, address.c_str(), range.bytes.data()) == 1)
        range.family = 4;
    else if (::inet_pton(AF_INET6, address.c_str(), range.bytes.data()) == 1)
        range.family = 6;
    else
        return malformed(text);
    const unsigned width = range.family == 4 ? 32 : 128;
    range.prefix = width;
    if (slash == std::string_view::npos) return range;
    const auto bits = text.substr(slash + 1);
    const auto [end, ec] = std::from_chars(bits.data(), bits.data() + bits.size(), range.prefix);
    if (ec != std::errc() || end != bits.data() + bits.size() || range.prefix > width) return malformed(text);
    return range;
}

bool address_range::holds(const peer_name& peer) const noexcept {
    if (peer.family != family) return false;
    const auto whole = prefix / 8;
    if (std::memcmp(peer.bytes, bytes.data(), whole) != 0) return false;
    const unsigned rest = prefix % 8;
    if (rest == 0) return true;
    const auto mask = static_cast<unsigned char>(0xFF << (8 - rest));
    return ((peer.bytes[whole] ^ bytes[whole]) & mask) == 0;
}

}  // namespace instatunnel::net
