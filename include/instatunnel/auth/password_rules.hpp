#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/secret.hpp"

namespace instatunnel::auth {

/// Why a new password is refused, as a sentence without its full stop; nullopt: it may be used. The rules are those of
/// NIST SP 800-63B §5.1.1.2: at least 8 characters (code points; a byte that is no UTF-8 counts as one), at most 1,024
/// bytes, no demands on what they are made of, and none that attackers try first: passwords that leaked often, words,
/// runs on the keyboard, repetitions, dates, and the words of `context`, such as the email and the service's domain,
/// also when two of these are put together or letters are swapped for digits.
std::optional<std::string> why_not_usable(const secret& password, std::span<const std::string> context);

/// The words of an email and a domain that a password must not be made of.
std::vector<std::string> password_context(std::string_view email, std::string_view domain);

}  // namespace instatunnel::auth
