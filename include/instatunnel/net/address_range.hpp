#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "instatunnel/base/error.hpp"
#include "instatunnel/net/listener.hpp"

namespace instatunnel::net {

/// Addresses with a common beginning (RFC 4632): "10.0.0.0/8", "fd00::/8", or one address.
struct address_range {
    std::uint8_t family = 4;  ///< 4 or 6
    std::array<unsigned char, 16> bytes{};
    unsigned prefix = 32;  ///< bits that count

    bool holds(const peer_name& peer) const noexcept;
};

/// Errors: usage, naming the text and saying how one is written.
outcome<address_range> parse_address_range(std::string_view text);

}  // namespace instatunnel::net
