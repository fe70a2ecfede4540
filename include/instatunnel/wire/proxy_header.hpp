#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "instatunnel/wire/itp_head.hpp"

/// The PROXY protocol, by which a relay tells the next hop who has connected to it (HAProxy's proxy-protocol.txt,
/// versions 1 and 2).
namespace instatunnel::wire {

enum class proxy_version : std::uint8_t { v1 = 1, v2 = 2 };

/// "v1" or "1", "v2" or "2".
std::optional<proxy_version> parse_proxy_version(std::string_view text) noexcept;

struct proxy_ends {
    itp::visitor_address source;
    itp::visitor_address destination;
};

/// Appends the header that stands before the first byte of a connection. Ends of unknown or different families are
/// told as unknown: the receiver then knows only that a relay has connected.
void append_proxy_header(std::string& out, proxy_version version, const proxy_ends& ends);

enum class proxy_status : std::uint8_t { incomplete, complete, malformed };

struct proxy_header {
    proxy_status status = proxy_status::incomplete;
    std::size_t size = 0;            ///< of the whole header, when complete
    std::optional<proxy_ends> ends;  ///< none: the relay speaks for itself (a health check), or does not know
};

/// A header is never longer than this here: the longest address block, and room for the additions that relays make.
inline constexpr std::size_t max_proxy_header = 2048;

/// Reads the header at the beginning of `bytes`, either version. Additions (TLV) are skipped.
proxy_header parse_proxy_header(std::string_view bytes) noexcept;

}  // namespace instatunnel::wire
