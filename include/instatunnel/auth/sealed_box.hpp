#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "instatunnel/base/secret.hpp"

namespace instatunnel::auth {

/// Encrypts what the store has to give back in the clear (AES-256-GCM, a fresh nonce each time) with a key that is
/// derived from the pepper, which is not in the database. `purpose` ("totp of user_…") binds the text to its place:
/// moved to another row it does not open.
std::string seal(const secret& pepper, std::string_view purpose, const secret& plain);

/// nullopt: another pepper or purpose, or the text was changed.
std::optional<secret> unseal(const secret& pepper, std::string_view purpose, std::string_view sealed);

}  // namespace instatunnel::auth
