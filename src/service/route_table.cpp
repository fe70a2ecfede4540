#include "route_table.hpp"

#include <algorithm>
#include <optional>

namespace instatunnel::service {
namespace {

using enum route_access;

// A new operation is a row here and a handler. Its last part says what it takes and answers:
//   with("KeyId Limit")         names of parameters of the path and the query
//   takes("NewKey")             schema of the body
//   answers(201, "CreatedKey")  status and schema when all went well; answers(204); answers(200, "text/html")
//   may_fail("403 409")         statuses of its own (see route_shape)
// Schemas (with an example) and parameters stand in openapi.json beside this file. A name that is missing there fails
// a unit test; an answer of another shape or status fails the integration tests. Then write docs/api.md anew:
//   instatunnel help --api-markdown > docs/api.md
constexpr route table[] = {
    {"POST", "/auth/register", registration, "", "Create an account", &api::register_account,
     takes("NewAccount")
         .answers(201, "Registered")
         .may_fail("403 409")
         .note("Closed (403) unless the edge is a dev edge.")},
    {"POST", "/auth/login", open, "", "Exchange email and password for a new API key", &api::log_in,
     takes("Credentials").answers(200, "SignedIn").may_fail("401")},
    {"POST", "/auth/logout", key, "", "Invalidate the API key that is used", &api::log_out,
     answers(204).may_fail("404").note("The key is dead at once, and tunnels that were opened with it end.")},
    {"GET", "/auth/user", key, "", "The account, its usage and the API key that is used", &api::show_user,
     answers(200, "Account")},
    {"GET", "/auth/keys", key, "keys:manage", "List the account's API keys", &api::list_keys, answers(200, "Keys")},
    {"POST", "/auth/keys", key, "keys:manage", "Create an API key", &api::create_key,
     takes("NewKey").answers(201, "CreatedKey")},
    {"GET", "/auth/keys/:id", key, "keys:manage", "One API key", &api::show_key, with("KeyId").answers(200, "Key")},
    {"PATCH", "/auth/keys/:id", key, "keys:manage", "Rename an API key", &api::rename_key,
     with("KeyId").takes("KeyName").answers(200, "Key")},
    {"DELETE", "/auth/keys/:id", key, "keys:manage", "Revoke an API key", &api::revoke_key,
     with("KeyId").answers(204).note(
         "Effective at once, for open tunnels too. 404 also for a key of another account or revoked before.")},
    {"POST", "/auth/keys/:id/rotate", key, "keys:manage", "Replace an API key by a new one", &api::rotate_key,
     with("KeyId")
         .takes("Rotation")
         .answers(201, "RotatedKey")
         .may_fail("409")
         .note(
             "The new key has the name, permissions and end of the old one. It goes to whoever asks, so they must hold "
             "every permission of the old key. 409: the key was rotated before, was revoked, or has ended.")},
    {"GET", "/account/audit", key, "account:read", "What happened to the account, newest first", &api::list_audit,
     with("AuditBefore AuditLimit AuditAction").answers(200, "AuditEvents").may_fail("422")},
    {"POST", "/tunnels", key, "tunnels:write", "Create a tunnel to connect to later", &api::create_tunnel,
     takes("NewTunnel")
         .answers(201, "Tunnel")
         .may_fail("409")
         .note(
             "`instatunnel connect PORT -s NAME` attaches to it. 403 also beyond what the account's plan allows. 409: "
             "the name is taken, reserved or blocked, or a tunnel of this account has it already.")},
    {"GET", "/tunnels", key, "tunnels:read", "List the account's tunnels", &api::list_tunnels, answers(200, "Tunnels")},
    {"GET", "/tunnels/:id", key, "tunnels:read", "One tunnel, by id, name or host", &api::show_tunnel,
     with("TunnelId").answers(200, "Tunnel")},
    {"DELETE", "/tunnels/:id", key, "tunnels:delete", "Close a tunnel and remove it", &api::remove_tunnel,
     with("TunnelId").answers(204).note("A connected client ends with exit code 6. The name stays with the account.")},
    {"GET", "/tunnels/:id/stats", key, "tunnels:stats", "What was counted and measured of a tunnel",
     &api::show_tunnel_stats, with("TunnelId").answers(200, "TunnelStats")},
    {"GET", "/names", key, "tunnels:read", "The names that the account holds", &api::list_names, answers(200, "Names")},
    {"DELETE", "/names/:id", key, "tunnels:delete", "Give a name back", &api::release_name,
     with("Name").answers(204).note("Its tunnel ends. From then on every account may ask for the name.")},
    {"GET", "/account/plan", key, "billing:read", "The plan, what it allows and what is in use", &api::show_plan,
     answers(200, "Plan")},
    {"GET", "/account/usage", key, "analytics:read", "What the account's tunnels carried in total", &api::show_usage,
     answers(200, "UsageTotals")},
    {"GET", "/health", open, "", "Whether the service is alive", &api::show_health, answers(200, "Health")},
    {"GET", "/meta", open, "", "Version, domain, transports and limits", &api::show_meta, answers(200, "Meta")},
    {"GET", "/openapi.json", open, "", "This description of the API, OpenAPI 3.1", &api::show_description,
     answers(200, "Description")},
};

static_assert(std::ranges::all_of(table, [](const route& r) { return r.shape.status != 0; }),
              "a route says what it answers: answers(200, \"NAME of a schema in openapi.json\")");
static_assert(std::ranges::all_of(table,
                                  [](const route& r) { return (r.shape.status == 204) == r.shape.reply.empty(); }),
              "204 is the answer without a reply");

constexpr std::string_view placeholder = ":id";
constexpr std::size_t max_parameter = 255;

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
