#pragma once

#include <string_view>

#include "instatunnel/base/error.hpp"

/// Where an authorization answer may be sent to (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1).
namespace instatunnel::auth {

/// May a client register this? https with a host; http with a loopback address (127.0.0.1, [::1]) or localhost; or a
/// private-use scheme with a dot ("com.example.app:/cb"). No fragment, no user part, no control characters, blanks or
/// wildcards, at most 2,048 bytes. Errors: usage, with the reason.
outcome<void> check_redirect_uri(std::string_view uri);

/// Is `given` the registered one? Byte by byte, except that a loopback address may come with any port (RFC 8252 §7.3).
bool is_same_redirect(std::string_view registered, std::string_view given) noexcept;

}  // namespace instatunnel::auth
