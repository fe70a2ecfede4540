#include "instatunnel/auth/scopes.hpp"

#include <algorithm>

namespace instatunnel::auth {
namespace {

constexpr std::string_view scope_table[] = {
    "tunnels:read", "tunnels:write", "tunnels:delete", "tunnels:stats", "analytics:read", "logs:read",
    "alerts:read",  "alerts:write",  "account:read",   "account:write", "billing:read",   "keys:manage",
    "admin:read",   "admin:write",   "users:manage",   "org:manage",
};

}  // namespace

std::span<const std::string_view> all_scopes() noexcept {
    return scope_table;
}

std::vector<std::string> full_scope_set() {
    return {std::begin(scope_table), std::end(scope_table)};
}

bool covers(std::string_view pattern, std::string_view scope) noexcept {
    if (pattern == "*" || pattern == scope) return true;
    // "tunnels:*" stands for every scope that begins with "tunnels:".
    return pattern.ends_with(":*") && scope.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool is_scope_pattern(std::string_view text) noexcept {
    return std::ranges::any_of(scope_table, [text](std::string_view scope) { return covers(text, scope); });
}

bool grants(std::span<const std::string> held, std::string_view scope) noexcept {
    return std::ranges::any_of(held, [scope](const std::string& pattern) { return covers(pattern, scope); });
}

std::optional<std::string_view> first_missing(std::span<const std::string> held, std::string_view wanted) noexcept {
    for (const auto scope : scope_table)
        if (covers(wanted, scope) && !grants(held, scope)) return scope;
    return std::nullopt;
}

std::optional<std::vector<std::string>> parse_scopes(std::string_view text) {
    constexpr std::size_t max_scopes = 32;
    constexpr std::string_view separators = ", ";
    std::vector<std::string> scopes;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(separators), text.size());
        const auto scope = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (scope.empty() || std::ranges::find(scopes, scope) != scopes.end()) continue;
        if (!is_scope_pattern(scope) || scopes.size() >= max_scopes) return std::nullopt;
        scopes.emplace_back(scope);
    }
    return scopes;
}

}  // namespace instatunnel::auth
