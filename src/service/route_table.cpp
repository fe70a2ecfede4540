#include "route_table.hpp"

#include <optional>

namespace instatunnel::service {
namespace {

using enum route_access;

constexpr route table[] = {
    {"POST", "/auth/register", open, "", "Create an account", &api::register_account},
    {"POST", "/auth/login", open, "", "Exchange email and password for a new API key", &api::log_in},
    {"POST", "/auth/logout", key, "", "Invalidate the API key that is used", &api::log_out},
    {"GET", "/auth/user", key, "", "The account, its usage and the API key that is used", &api::show_user},
    {"GET", "/auth/keys", key, "keys:manage", "List the account's API keys", &api::list_keys},
    {"POST", "/auth/keys", key, "keys:manage", "Create an API key", &api::create_key},
    {"DELETE", "/auth/keys/:id", key, "keys:manage", "Revoke an API key", &api::revoke_key},
    {"POST", "/tunnels", key, "tunnels:write", "Create a tunnel to connect to later", &api::create_tunnel},
    {"GET", "/tunnels", key, "tunnels:read", "List the account's tunnels", &api::list_tunnels},
    {"GET", "/tunnels/:id", key, "tunnels:read", "One tunnel, by id, name or host", &api::show_tunnel},
    {"DELETE", "/tunnels/:id", key, "tunnels:delete", "Close a tunnel and remove it", &api::remove_tunnel},
    {"GET", "/health", open, "", "Whether the service is alive", &api::show_health},
    {"GET", "/meta", open, "", "Version, domain, transports and limits", &api::show_meta},
};

// The parameter if `path` has the pattern's form; empty text for a pattern without one.
std::optional<std::string> match_path(std::string_view pattern, std::string_view path) {
    constexpr std::string_view placeholder = ":id";
    if (!pattern.ends_with(placeholder)) return pattern == path ? std::optional<std::string>("") : std::nullopt;
    const auto prefix = pattern.substr(0, pattern.size() - placeholder.size());
    if (!path.starts_with(prefix)) return std::nullopt;
    const auto rest = path.substr(prefix.size());
    if (rest.empty() || rest.size() > 255 || rest.find('/') != std::string_view::npos) return std::nullopt;
    return std::string(rest);
}

}  // namespace

std::span<const route> routes() noexcept {
    return table;
}

route_match find_route(std::string_view method, std::string_view path) {
    const auto wanted = method == "HEAD" ? std::string_view("GET") : method;
    route_match match;
    for (const auto& r : table) {
        auto parameter = match_path(r.pattern, path);
        if (!parameter) continue;
        if (r.method == wanted) return {&r, std::move(*parameter), {}};
        if (!match.allow.empty()) match.allow += ", ";
        match.allow += r.method;
        if (r.method == "GET") match.allow += ", HEAD";
    }
    return match;
}

}  // namespace instatunnel::service
