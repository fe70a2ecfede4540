#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace instatunnel::auth {

/// The code that a person types to sign a device in: eight consonants as "WDJB-MJHT" (RFC 8628 §6.1: no vowels, so no
/// words, and nothing that looks like something else). 34.6 bits.
std::string make_user_code();

/// As it was typed: any case, blanks and hyphens anywhere. nullopt: it cannot be one.
std::optional<std::string> normalise_user_code(std::string_view typed);

}  // namespace instatunnel::auth
