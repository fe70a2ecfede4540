#pragma once

#include <cstdint>
#include <string_view>

namespace instatunnel::wire::itp {

/// Code of a field name: 1 to 127 for a name of the static list in its usual spelling, that plus 128 for all lower
/// case, 0 for anything else (other spellings too, since names arrive as they were sent).
std::uint8_t code_of_name(std::string_view name) noexcept;
/// The name of a code; empty for a code without one.
std::string_view name_of_code(std::uint8_t code) noexcept;

}  // namespace instatunnel::wire::itp
