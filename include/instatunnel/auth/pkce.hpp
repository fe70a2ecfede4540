#pragma once

#include <string>
#include <string_view>

#include "instatunnel/base/secret.hpp"

/// Proof Key for Code Exchange (RFC 7636), method S256 only: `plain` protects nobody.
namespace instatunnel::auth {

/// 43 to 128 of [A-Za-z0-9-._~] (§4.1).
bool is_code_verifier(std::string_view text) noexcept;
/// The base64url form of a SHA-256 digest: 43 characters.
bool is_code_challenge(std::string_view text);
/// The challenge that belongs to a verifier (§4.2).
std::string code_challenge(std::string_view verifier);
/// 43 random characters, 256 bits.
secret make_code_verifier();

}  // namespace instatunnel::auth
