#pragma once

#include <string>
#include <string_view>

#include "instatunnel/base/secret.hpp"

namespace instatunnel::auth {

/// What a link in a mail carries: 43 characters of [A-Za-z0-9], 256 random bits.
secret make_one_time_token();
/// Whether the text has the form of one.
bool is_one_time_token(std::string_view text) noexcept;

/// A new invitation code: `inv_` and 16 characters of [A-Za-z0-9] (95 bits), short enough to be typed.
secret make_invitation_code();

/// What the store keeps of either: SHA-256. Nothing that random can be guessed from its digest.
std::string one_time_digest(std::string_view token);

}  // namespace instatunnel::auth
