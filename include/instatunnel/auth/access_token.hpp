#pragma once

#include <string_view>

namespace instatunnel::auth {

/// `ita_` and 40 of [A-Za-z0-9]: what the token endpoint gives to apps, good wherever a key is.
bool is_access_token(std::string_view text) noexcept;

}  // namespace instatunnel::auth
