#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "instatunnel/base/error.hpp"

namespace instatunnel::net {

struct socket_address {
    sockaddr_storage storage{};
    socklen_t size = 0;

    int family() const noexcept { return storage.ss_family; }
};

/// "192.0.2.7", "2001:db8::7": an IPv4 or IPv6 address as text, without port; empty for another family.
std::string address_text(const socket_address& address);

/// Looks a host name up, blocking for as long as it likes; returns 0 or an EAI_ code of getaddrinfo.
using lookup_function = std::function<int(const std::string& host, std::uint16_t port, std::vector<socket_address>&)>;
int system_lookup(const std::string& host, std::uint16_t port, std::vector<socket_address>& out);

/// The addresses of a host in the order in which to try them: families alternate, the resolver's first choice first
/// (RFC 8305 §4). Addresses and names of RFC 6761 §6.3 are answered without `lookup`. libc offers no limit for a
/// lookup, so it runs on a thread of its own, which is abandoned at `deadline`; at most 16 of those exist at a time.
/// Errors: name_not_resolved, with host and reason.
outcome<std::vector<socket_address>> resolve(const std::string& host, std::uint16_t port,
                                             std::chrono::steady_clock::time_point deadline,
                                             const lookup_function& lookup = system_lookup);

}  // namespace instatunnel::net
