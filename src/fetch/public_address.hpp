#pragma once

#include <sys/socket.h>

#include <string_view>

namespace instatunnel::fetch {

/// Is this a unicast address that anybody on the internet can reach? Everything in IANA's special-purpose registries is
/// not (RFC 6890, 8190), nor is multicast, reserved space, or an IPv6 address that leads to such an IPv4 address
/// (IPv4-mapped, NAT64 of RFC 6052). Families other than IPv4 and IPv6 are not public.
bool is_public(const sockaddr& address) noexcept;
/// 127.0.0.0/8, ::1 and their IPv4-mapped forms.
bool is_loopback(const sockaddr& address) noexcept;

/// The same for an address in text form; text that is none is not public.
bool is_public(std::string_view address) noexcept;

}  // namespace instatunnel::fetch
