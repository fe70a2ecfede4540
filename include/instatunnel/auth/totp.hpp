#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/secret.hpp"

/// Time-based one-time codes as authenticator apps make them: RFC 6238 with SHA-1, 30 s, 6 digits.
namespace instatunnel::auth {

/// 20 random bytes (RFC 4226 §4).
secret make_totp_secret();

/// What an app reads from a QR code: otpauth://totp/ISSUER:ACCOUNT?secret=…
secret totp_uri(const secret& key, std::string_view issuer, std::string_view account);

std::int64_t totp_step(wall_time now);
std::string totp_code(const secret& key, std::int64_t step);

/// The step of a right code; one step early or late is still right (§5.2). Takes the same time whatever the code.
std::optional<std::int64_t> match_totp(const secret& key, std::string_view code, wall_time now);

}  // namespace instatunnel::auth
