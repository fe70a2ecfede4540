#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"

namespace instatunnel::client {

/// The local program a tunnel forwards to.
struct target {
    bool is_unix = false;
    bool is_tls = false;
    std::string host = "localhost";  ///< name or address without brackets; unused for unix sockets
    std::uint16_t port = 0;
    std::string unix_path;
    std::string display;  ///< "localhost:3000", "https://10.0.0.5:8443", "unix:/run/app.sock"
};

/// PORT, HOST:PORT, [IPv6]:PORT, http://HOST[:PORT], https://HOST[:PORT] (no path), unix:/absolute/path.
/// Errors: malformed_target, with what is wrong and an example.
outcome<target> parse_target(std::string_view text);

/// True if something accepts a TCP connection on localhost:port (IPv4 or IPv6) within 200 ms.
bool port_accepts(std::uint16_t port);

/// The first of 3000, 8000, 3001, 8080, 4000, 5000 that accepts. Errors: no_target_found.
outcome<target> detect_target();

}  // namespace instatunnel::client
