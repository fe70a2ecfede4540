#include "instatunnel/base/form.hpp"

#include <algorithm>

namespace instatunnel {
namespace {

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> decode(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i] == '+' ? ' ' : text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) return std::nullopt;
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return decoded;
}

}  // namespace

std::optional<form> form::parse(std::string_view text, std::size_t max_fields) {
    form parsed;
    while (!text.empty()) {
        const auto end = std::min(text.find('&'), text.size());
        const auto field = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (field.empty()) continue;
        const auto equals = std::min(field.find('='), field.size());
        auto name = decode(field.substr(0, equals));
        auto value = decode(field.substr(std::min(equals + 1, field.size())));
        if (!name || !value || parsed.fields_.size() >= max_fields) return std::nullopt;
        parsed.fields_.emplace_back(std::move(*name), secret(std::move(*value)));
    }
    return parsed;
}

std::optional<std::string_view> form::find(std::string_view name) const noexcept {
    const auto found =
        std::ranges::find(fields_, name, [](const auto& field) { return std::string_view(field.first); });
    if (found == fields_.end()) return std::nullopt;
    return found->second.reveal();
}

std::vector<std::string_view> form::all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const auto& [key, value] : fields_)
        if (key == name) values.push_back(value.reveal());
    return values;
}

std::size_t form::count(std::string_view name) const noexcept {
    return static_cast<std::size_t>(
        std::ranges::count(fields_, name, [](const auto& field) { return std::string_view(field.first); }));
}

form& form::add(std::string name, std::string value) & {
    fields_.emplace_back(std::move(name), secret(std::move(value)));
    return *this;
}

form form::clone() const {
    form copy;
    for (const auto& [name, value] : fields_)
        copy.fields_.emplace_back(name, value.clone());
    return copy;
}

bool form::has_repeated_name() const noexcept {
    return std::ranges::any_of(fields_, [this](const auto& field) { return count(field.first) > 1; });
}

std::string form::text() const {
    std::string text;
    for (const auto& [name, value] : fields_) {
        if (!text.empty()) text += '&';
        text += percent_encode(name) + "=" + percent_encode(value.reveal());
    }
    return text;
}

std::string percent_encode(std::string_view text) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(text.size());
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        if (plain) {
            encoded += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        encoded += '%';
        encoded += digits[byte >> 4];
        encoded += digits[byte & 15];
    }
    return encoded;
}

}  // namespace instatunnel
