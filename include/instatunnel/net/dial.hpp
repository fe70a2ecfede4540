#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/net/resolver.hpp"

namespace instatunnel::net {

struct endpoint_name {
    std::string host;  ///< name or address without brackets
    std::uint16_t port = 0;
};

/// Connects TCP, blocking, within `limit` for everything (name lookup included): all addresses of the host, IPv6 and
/// IPv4 alternating, a new attempt every 250 ms while earlier ones go on (RFC 8305). `localhost` and names below it
/// are loopback without asking a resolver (RFC 6761 §6.3): 127.0.0.1 and ::1. The descriptor is non-blocking, NODELAY,
/// CLOEXEC. Call on a helper thread, never on a worker. Errors: name_not_resolved, connect_timeout, server_unreachable
/// (all refused), each naming host, port and reason.
outcome<unique_fd> dial(const endpoint_name& to, std::chrono::milliseconds limit);

/// Connects to one address, as dial() does. Errors: connect_timeout, or the system's own (ECONNREFUSED, …).
result<unique_fd> dial_address(const socket_address& to, std::chrono::milliseconds limit);

struct url_parts {
    bool is_https = true;
    std::string host;  ///< lower case, without brackets
    std::uint16_t port = 443;
    std::string path;            ///< without a trailing slash; may be empty
    std::string origin() const;  ///< "https://host[:port]"
};
/// Absolute http(s) URL without user info, query or fragment. Errors: malformed_url.
outcome<url_parts> parse_url(std::string_view text);

}  // namespace instatunnel::net
