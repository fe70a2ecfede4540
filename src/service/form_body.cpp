#include "form_body.hpp"

#include <algorithm>

namespace instatunnel::service {
namespace {

constexpr std::size_t max_bytes = 16384;
constexpr std::size_t max_members = 16;

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string decoded(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool triple =
            text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
        if (triple) {
            out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

}  // namespace

form_body::form_body(std::string_view text) {
    if (text.size() > max_bytes) return;
    while (!text.empty() && members_.size() < max_members) {
        const auto end = std::min(text.find('&'), text.size());
        const auto member = text.substr(0, end);
        const auto equals = std::min(member.find('='), member.size());
        const auto value = equals < member.size() ? member.substr(equals + 1) : std::string_view();
        members_.emplace_back(decoded(member.substr(0, equals)), secret(decoded(value)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

const secret& form_body::value(std::string_view name) const noexcept {
    static const secret nothing;
    const auto found =
        std::ranges::find(members_, name, [](const auto& member) { return std::string_view(member.first); });
    return found == members_.end() ? nothing : found->second;
}

}  // namespace instatunnel::service
