#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/client/target.hpp"

namespace instatunnel::client {

/// What a local program answered to one GET. Nothing in it has been made fit for a terminal.
struct local_answer {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;  ///< its first 64 KiB

    /// First field of that name (case-insensitive), empty if absent.
    std::string_view field(std::string_view name) const noexcept;
};

/// Asks a local program for `path`. `fields` are sent beside `Host: host`, and frame nothing. Blocking, at most
/// `limit`. Errors: target_unreachable, target_timeout, tls_failed, protocol_error (what answers speaks no HTTP/1.1).
outcome<local_answer> ask_local(const target& to, const std::string& host, const std::string& path,
                                const std::vector<std::pair<std::string, std::string>>& fields,
                                std::chrono::milliseconds limit);

/// Which loopback addresses accept connections on a port.
struct loopback_doors {
    bool v4 = false;
    bool v6 = false;
};
/// At most `limit`; whoever neither accepts nor refuses by then counts as refusing.
loopback_doors find_loopback_doors(std::uint16_t port, std::chrono::milliseconds limit);

}  // namespace instatunnel::client
