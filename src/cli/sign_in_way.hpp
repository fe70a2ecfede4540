#pragma once

#include <cstdint>

#include "context.hpp"
#include "login.hpp"

namespace instatunnel::cli {

enum class sign_in_way : std::uint8_t { password, browser, device };

/// What `login` does with these flags, here. A person at a terminal of a graphical session who names nothing signs in
/// with the browser. Errors: usage (flags that contradict each other).
outcome<sign_in_way> choose_sign_in_way(const login_options& options, const context& c);

}  // namespace instatunnel::cli
