#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "id_token.hpp"
#include "json_text.hpp"

namespace instatunnel::oidc {

/// 1 to 255 visible ASCII characters (OpenID Connect Core 1.0 §2).
inline bool is_subject(std::string_view text) {
    return !text.empty() && text.size() <= 255 &&
           std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

/// Email and name (§5.1) from an ID token or from userinfo.
inline void read_person(const nlohmann::json& claims, id_token_claims& into) {
    into.email = text_of(claims, "email");
    into.name = text_of(claims, "name");
    const auto verified = claims.find("email_verified");
    // Some providers write the boolean as text.
    into.email_verified = verified != claims.end() && (*verified == true || *verified == "true");
}

}  // namespace instatunnel::oidc
