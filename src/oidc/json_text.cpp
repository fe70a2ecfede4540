#include "json_text.hpp"

#include <algorithm>

namespace instatunnel::oidc {

using nlohmann::json;

std::optional<json> parse_object(std::string_view text) {
    auto object = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object()) return std::nullopt;
    return object;
}

std::string text_of(const json& object, const char* name) {
    const auto member = object.find(name);
    return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

std::optional<std::vector<std::string>> texts_of(const json& object, const char* name) {
    constexpr std::size_t max_values = 64;
    const auto member = object.find(name);
    if (member == object.end()) return std::vector<std::string>();
    if (member->is_string()) return std::vector<std::string>{member->get<std::string>()};
    if (!member->is_array() || member->size() > max_values) return std::nullopt;
    std::vector<std::string> texts;
    for (const auto& one : *member) {
        if (!one.is_string()) return std::nullopt;
        texts.push_back(one.get<std::string>());
    }
    return texts;
}

}  // namespace instatunnel::oidc
