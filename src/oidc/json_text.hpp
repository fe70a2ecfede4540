#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace instatunnel::oidc {

/// An object of the provider's; nullopt: not JSON, or another value.
std::optional<nlohmann::json> parse_object(std::string_view text);

/// A member that is text; empty if it is not there or something else.
std::string text_of(const nlohmann::json& object, const char* name);

/// A member that is a list of texts, or one text, as "aud" may be. nullopt: something else, or more than 64. Absent:
/// empty.
std::optional<std::vector<std::string>> texts_of(const nlohmann::json& object, const char* name);

}  // namespace instatunnel::oidc
