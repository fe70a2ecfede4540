#include "mcp_access.hpp"

#include <algorithm>

#include "instatunnel/auth/email.hpp"
#include "instatunnel/config/mcp_tokens.hpp"
#include "instatunnel/net/dial.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::size_t most_users = 100;
constexpr const char* everybody = "*";

outcome<client::mcp_guard> read_guard(const std::string& word) {
    if (word == "none") return client::mcp_guard::none;
    if (word == "bearer") return client::mcp_guard::bearer;
    if (word == "oauth") return client::mcp_guard::oauth;
    return failure(errc::usage, "--mcp-auth is none, bearer or oauth", "For a token of its own: --mcp-auth bearer");
}

outcome<std::vector<std::string>> read_users(const std::vector<std::string>& given) {
    if (given.size() > most_users)
        return failure(errc::usage, "--mcp-allow-user names more than 100 accounts",
                       "For every account of the server: --mcp-allow-user '*'");
    std::vector<std::string> users;
    for (const auto& one : given) {
        if (one == everybody) return std::vector<std::string>{everybody};
        auto address = auth::normalise_email(one);
        if (!address)
            return failure(errc::usage, "--mcp-allow-user is not an email address",
                           "Write it like --mcp-allow-user ann@example.com, or '*' for every account of the server");
        users.push_back(std::move(*address));
    }
    return users;
}

outcome<void> check_companions(const open_options& o, client::mcp_guard guard) {
    const bool any = guard != client::mcp_guard::none || o.mcp_rotate_token || !o.mcp_allowed_users.empty();
    if (any && !o.mcp)
        return failure(errc::usage, "--mcp-auth and what belongs to it are for MCP servers", "Add --mcp");
    if (o.mcp_rotate_token && guard != client::mcp_guard::bearer)
        return failure(errc::usage, "--mcp-rotate-token is for --mcp-auth bearer", "Add --mcp-auth bearer");
    if (!o.mcp_allowed_users.empty() && guard != client::mcp_guard::oauth)
        return failure(errc::usage, "--mcp-allow-user is for --mcp-auth oauth", "Add --mcp-auth oauth");
    return {};
}

// "demo" and "demo.t.example.com" of the server api.t.example.com are one tunnel.
std::string token_name(const tunnel_plan& plan, const std::string& server) {
    if (plan.existing_host.empty()) return plan.name;
    const auto url = net::parse_url(server);
    const std::string api = "api";
    if (!url || !url->host.starts_with(api + ".")) return plan.existing_host;
    const auto domain = url->host.substr(api.size());
    const auto& host = plan.existing_host;
    return host.size() > domain.size() && host.ends_with(domain) ? host.substr(0, host.size() - domain.size()) : host;
}

}  // namespace

outcome<mcp_access> read_mcp_access(const open_options& o) {
    mcp_access access;
    const auto guard = read_guard(o.mcp_auth);
    if (!guard) return guard.error();
    access.guard = *guard;
    if (auto fits = check_companions(o, *guard); !fits) return fits.error();
    auto users = read_users(o.mcp_allowed_users);
    if (!users) return users.error();
    access.users = std::move(*users);
    return access;
}

outcome<secret> take_mcp_token(const open_options& o, const tunnel_plan& plan, const credentials& in_use, context& c) {
    const auto name = token_name(plan, in_use.server);
    if (name.empty()) return config::make_mcp_token();
    auto kept = config::mcp_token_store(c.store.home()).take(in_use.server, name, o.mcp_rotate_token);
    if (!kept) return kept.error();
    return std::move(kept->token);
}

}  // namespace instatunnel::cli
