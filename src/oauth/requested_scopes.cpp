#include <algorithm>

#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/oauth/authorization.hpp"

namespace instatunnel::oauth {
namespace {

// Asked for without a word about scopes, by a client without a list of its own: what tells least.
constexpr const char* smallest_scope = "account:read";
constexpr std::string_view separators = ", ";

bool is_listed(const std::vector<std::string>& scopes, std::string_view scope) {
    return std::ranges::find(scopes, scope) != scopes.end();
}

}  // namespace

bool is_client_scope(std::string_view text) noexcept {
    return text == auth::mcp_scope || auth::is_scope_pattern(text);
}

std::optional<std::vector<std::string>> parse_client_scopes(std::string_view text) {
    bool has_mcp = false;
    std::string others;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(separators), text.size());
        const auto scope = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (scope == auth::mcp_scope)
            has_mcp = true;
        else
            others.append(scope).append(" ");
    }
    auto scopes = auth::parse_scopes(others);
    if (scopes && has_mcp) scopes->emplace_back(auth::mcp_scope);
    return scopes;
}

std::optional<std::vector<std::string>> requested_scopes(const store::oauth_client& client, std::string_view scope,
                                                         std::string_view resource) {
    auto asked = parse_client_scopes(scope);
    if (!asked) return std::nullopt;
    const std::string mcp(auth::mcp_scope);
    if (!resource.empty()) {
        if (!client.scopes.empty() && !is_listed(client.scopes, mcp)) return std::nullopt;
        return std::vector{mcp};
    }
    const bool named_none = asked->empty();
    if (named_none) asked = client.scopes.empty() ? std::vector<std::string>{smallest_scope} : client.scopes;
    std::erase(*asked, mcp);
    if (asked->empty()) return std::nullopt;
    for (const auto& one : *asked)
        if (!client.scopes.empty() && auth::first_missing(client.scopes, one)) return std::nullopt;
    return asked;
}

}  // namespace instatunnel::oauth
