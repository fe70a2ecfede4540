#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"

namespace instatunnel::client {

/// What a tunnel forwards to: a local program, or a directory that the client itself serves.
struct target {
    bool is_unix = false;
    bool is_tls = false;
    bool is_directory = false;
    std::string host = "localhost";  ///< name or address without brackets; unused for unix sockets
    std::uint16_t port = 0;
    std::string unix_path;
    std::string directory;  ///< absolute
    std::string display;    ///< "localhost:3000", "https://10.0.0.5:8443", "unix:/run/app.sock", "./dist"
};

/// PORT, HOST:PORT, [IPv6]:PORT, http://HOST[:PORT], https://HOST[:PORT] (no path), unix:/absolute/path.
/// Errors: malformed_target, with what is wrong and an example.
outcome<target> parse_target(std::string_view text);

/// A directory, relative to where the process stands. Whether it can be served is files::check_directory's to say.
target directory_target(std::string_view path);

/// True if something accepts a TCP connection on localhost:port (IPv4 or IPv6) within 200 ms.
bool port_accepts(std::uint16_t port);

/// The first of 3000, 8000, 3001, 8080, 4000, 5000 that accepts. Errors: no_target_found.
outcome<target> detect_target();

}  // namespace instatunnel::client
