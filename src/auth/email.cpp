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

bool is_display_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > 120) return false;
    while (!text.empty()) {
        const auto lead = static_cast<unsigned char>(text[0]);
        const auto length = utf8_length(text);
        // C1 controls are U+0080 to U+009F: 0xc2 0x80 to 0xc2 0x9f.
        const bool control =
            lead < 0x20 || lead == 0x7f || (lead == 0xc2 && length == 2 && static_cast<unsigned char>(text[1]) < 0xa0);
        if (length == 0 || control) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace instatunnel::auth
