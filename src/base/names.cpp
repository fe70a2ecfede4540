#include "instatunnel/base/names.hpp"

#include <algorithm>

namespace instatunnel {
namespace {

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
constexpr bool is_lower(char c) noexcept {
    return c >= 'a' && c <= 'z';
}
constexpr bool is_key_character(char c) noexcept {
    return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}

}  // namespace

bool is_dns_label(std::string_view label) noexcept {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (label.size() >= 4 && label.substr(2, 2) == "--") return false;
    return std::ranges::all_of(label, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

std::string to_lower(std::string_view text) {
    std::string folded(text);
    std::ranges::transform(folded, folded.begin(), lower);
    return folded;
}

std::string_view trim(std::string_view text) noexcept {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool is_api_key(std::string_view text) noexcept {
    if (!text.starts_with("it_") || text.size() < 3 + 16 || text.size() > 3 + 128) return false;
    return std::ranges::all_of(text.substr(3), is_key_character);
}

// Codes, tokens and secrets of the authorization server (ita_, itc_, itd_, itr_, its_) count as well.
bool holds_api_key(std::string_view text) noexcept {
    for (auto at = text.find("it"); at != std::string_view::npos; at = text.find("it", at + 2)) {
        auto rest = text.substr(at + 2);
        if (!rest.empty() && std::string_view("acdrs").find(rest.front()) != std::string_view::npos)
            rest.remove_prefix(1);
        if (!rest.starts_with('_')) continue;
        rest.remove_prefix(1);
        if (rest.size() >= 16 && std::ranges::all_of(rest.substr(0, 16), is_key_character)) return true;
    }
    return false;
}

}  // namespace instatunnel
