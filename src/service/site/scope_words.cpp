#include "scope_words.hpp"

#include <algorithm>

#include "instatunnel/auth/scopes.hpp"

namespace instatunnel::service {
namespace {

struct row {
    std::string_view scope;
    std::string_view words;
};

constexpr row rows[] = {
    {"tunnels:read", "See your tunnels and names"},
    {"tunnels:write", "Open tunnels: put programs online under your names"},
    {"tunnels:delete", "Close your tunnels and give names back"},
    {"tunnels:stats", "See how much your tunnels are used"},
    {"analytics:read", "See what your account used in total"},
    {"logs:read", "Read the requests that went through your tunnels"},
    {"alerts:read", "See your alerts"},
    {"alerts:write", "Change your alerts"},
    {"account:read", "See your account, its events and the apps you allowed"},
    {"account:write", "Change your name and password, and what apps are allowed"},
    {"billing:read", "See your plan and its limits"},
    {"keys:manage", "Make, change and revoke your API keys and apps"},
    {"admin:read", "See how the account is administered"},
    {"admin:write", "Change how the account is administered"},
    {"users:manage", "Invite people"},
    {"org:manage", "Change the organisation"},
    {auth::mcp_scope, "Call the MCP server behind the tunnel in your name: its tools, data and prompts"},
};

}  // namespace

std::string_view words_for_scope(std::string_view scope) noexcept {
    for (const auto& r : rows)
        if (r.scope == scope) return r.words;
    return scope;
}

std::vector<std::string_view> expand_scopes(const std::vector<std::string>& patterns) {
    std::vector<std::string_view> scopes;
    for (const auto scope : auth::all_scopes())
        if (auth::grants(patterns, scope)) scopes.push_back(scope);
    if (std::ranges::find(patterns, auth::mcp_scope) != patterns.end()) scopes.push_back(auth::mcp_scope);
    return scopes;
}

}  // namespace instatunnel::service
