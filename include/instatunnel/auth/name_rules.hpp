#pragma once

#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"

namespace instatunnel::auth {

/// Whether the service keeps this label for itself (api, www, …) or because visitors would trust it (login, paypal-…
/// is not here: only words that name a function of a service).
bool is_reserved_name(std::string_view label) noexcept;

/// Whether an account may ask for this subdomain. `label` is lower case.
/// Errors: malformed_name, name_reserved, each with the name.
outcome<void> check_name(std::string_view label);

/// Whether the owner of a service may block this: a label in which `*` stands for any run of characters, none too. At
/// least one letter or digit, so that nobody blocks every name by accident. Errors: malformed_name.
outcome<void> check_name_pattern(std::string_view pattern);

/// Whether `label` has the form of `pattern` (see check_name_pattern).
bool matches_name_pattern(std::string_view pattern, std::string_view label) noexcept;

/// A name nobody asked for: three pronounceable groups such as "tikan-velos-munar", 46 random bits, never reserved.
std::string make_random_name();

}  // namespace instatunnel::auth
