#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace instatunnel::auth {

/// The form in which addresses are stored and compared: trimmed, lower case. nullopt if the text is not an address of
/// at most 254 printable ASCII characters, LOCAL@HOST with a host of DNS labels (RFC 5321 §4.5.3.1; quoted local parts
/// and address literals are refused).
std::optional<std::string> normalise_email(std::string_view text);

/// "a***@example.com": enough to recognise somebody one knows.
std::string mask_email(std::string_view email);

/// A name for people and keys: 1 to 120 bytes of UTF-8 without control characters, also those of Unicode that nobody
/// sees (direction, line and paragraph separators, zero width), and without an API key: names are stored as they are.
bool is_display_name(std::string_view text) noexcept;

}  // namespace instatunnel::auth
