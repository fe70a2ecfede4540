#include "instatunnel/auth/email.hpp"

#include <algorithm>

#include "instatunnel/base/names.hpp"

namespace instatunnel::auth {
namespace {

bool is_local_part(std::string_view text) {
    const auto allowed = [](char c) {
        return c > ' ' && c < 0x7f && std::string_view("()<>[]:;@\\,\"").find(c) == std::string_view::npos;
    };
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, allowed) && text.front() != '.' &&
           text.back() != '.' && text.find("..") == std::string_view::npos;
}

bool is_host_label(std::string_view label) {
    // Unlike for subdomains, encoded international names ("xn--…") are welcome here.
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !label.empty() && label.size() <= 63 && std::ranges::all_of(label, allowed) && label.front() != '-' &&
           label.back() != '-';
}

bool is_host(std::string_view text) {
    for (;;) {
        const auto dot = text.find('.');
        if (!is_host_label(text.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

// Length of the UTF-8 sequence at the front of `text`, 0 if there is none (RFC 3629 §4).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                               : lead >= 0xe0 && lead < 0xf0 ? 3
                               : lead >= 0xf0 && lead < 0xf5 ? 4
                                                             : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
    const bool outside = (lead == 0xed && byte(1) > 0x9f) || (lead == 0xf4 && byte(1) > 0x8f);
    return overlong || outside ? 0 : length;
}

// Of a valid sequence.
char32_t code_point(std::string_view sequence) {
    const auto byte = [sequence](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
    if (sequence.size() == 1) return byte(0);
    char32_t point = byte(0) & (0x7fU >> sequence.size());
    for (std::size_t i = 1; i < sequence.size(); ++i)
        point = (point << 6) | (byte(i) & 0x3fU);
    return point;
}

// Controls, and what is not seen but turns text around or breaks lines: one name could pass for another. The joiners
// U+200C and U+200D belong to scripts and emoji.
bool is_control(char32_t p) {
    return p < 0x20 || (p >= 0x7f && p < 0xa0) || p == 0x200b || p == 0x200e || p == 0x200f ||
           (p >= 0x2028 && p <= 0x202e) || (p >= 0x2060 && p <= 0x206f) || p == 0xfeff || (p >= 0xfff9 && p <= 0xfffb);
}

}  // namespace

std::optional<std::string> normalise_email(std::string_view text) {
    auto address = to_lower(trim(text));
    if (address.size() > 254) return std::nullopt;
    const auto at = address.find('@');
    if (at == std::string::npos) return std::nullopt;
    const std::string_view whole(address);
    if (!is_local_part(whole.substr(0, at)) || !is_host(whole.substr(at + 1))) return std::nullopt;
    return address;
}

std::string mask_email(std::string_view email) {
    if (email.empty()) return {};
    const auto at = std::min(email.find('@'), email.size());
    return std::string(email.substr(0, 1)) + "***" + std::string(email.substr(at));
}

bool is_display_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > 120 || holds_api_key(text)) return false;
    while (!text.empty()) {
        const auto length = utf8_length(text);
        if (length == 0 || is_control(code_point(text.substr(0, length)))) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace instatunnel::auth
