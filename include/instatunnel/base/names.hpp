#pragma once

#include <string>
#include <string_view>

namespace instatunnel {

/// DNS label of RFC 1123 §2.1 / RFC 5890: 1 to 63 of [a-z0-9-], no hyphen at either end, no "--" at the third and
/// fourth place (that would be an encoded international name). Lower case only: fold before asking.
bool is_dns_label(std::string_view label) noexcept;

/// ASCII lower case; other bytes are left alone.
std::string to_lower(std::string_view text);
/// ASCII case-insensitive compare (HTTP field names, hosts). Inline: it is asked several times for every field of a
/// request.
constexpr bool iequals(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto x = static_cast<unsigned char>(a[i]), y = static_cast<unsigned char>(b[i]);
        if (x == y) continue;
        // Letters differ in one bit between their cases; other bytes that differ there are different.
        const auto folded = static_cast<unsigned char>(x | 0x20);
        if ((x ^ y) != 0x20 || folded < 'a' || folded > 'z') return false;
    }
    return true;
}
/// Blanks, tabs and line ends taken off both sides.
std::string_view trim(std::string_view text) noexcept;

/// `it_` and at least 16, at most 128, of [A-Za-z0-9].
bool is_api_key(std::string_view text) noexcept;
/// Whether a key stands anywhere in it: such text must not be stored or shown.
bool holds_api_key(std::string_view text) noexcept;

}  // namespace instatunnel
