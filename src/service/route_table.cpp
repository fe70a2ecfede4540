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
         .note(
             "Obeys the sign-up policy of the edge, see `/meta`: closed answers 403; by invitation, `invite` must be a "
             "code that works (422). Without `/v1` an email alone is enough: such an account gets its password by a "
             "link.")},
    {"POST", "/auth/login", open, "", "Exchange email and password for a new API key", &api::log_in,
     takes("Credentials").answers(200, "SignedIn").may_fail("401 403")},
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
    {"PATCH", "/auth/user", key, "account:write", "Change the name of the user", &api::rename_user,
     takes("UserName").answers(200, "Account")},
    {"POST", "/auth/password", key, "account:write", "Change the password", &api::change_password,
     takes("PasswordChange")
         .answers(200, "RevokedKeys")
         .note("`revoke_keys` says which other keys end with the old password; by default none.")},
    {"POST", "/auth/password/reset-request", open, "", "Ask for a link to choose a new password", &api::request_reset,
     takes("ResetRequest")
         .answers(202, "Notice")
         .note("The same answer whether the address has an account or not. 3 mails to an address at once, then one in "
               "10 minutes.")},
    {"POST", "/auth/password/reset", open, "", "Choose a new password with a link", &api::reset_password,
     takes("PasswordReset")
         .answers(200, "RevokedKeys")
         .note("The link works once, for an hour. Keys that signing in made end with the old password unless "
               "`revoke_keys` says otherwise.")},
    {"POST", "/auth/verify-email", open, "", "Confirm an email address with a link", &api::verify_email,
     takes("EmailVerification").answers(200, "EmailVerified")},
    {"POST", "/auth/verify-email/resend", key, "", "Send the link that confirms the email address again",
     &api::resend_verification, answers(202, "Notice").may_fail("403 409")},
    {"GET", "/auth/reset", open, "", "Page behind the link to choose a password", &api::show_reset_page,
     with("LinkToken").answers(200, "text/html").note("Opening it changes nothing.")},
    {"POST", "/auth/reset", open, "", "What the form of that page sends", &api::submit_reset_page,
     answers(200, "text/html")},
    {"GET", "/auth/verify", open, "", "Page behind the link that confirms an address", &api::show_verify_page,
     with("LinkToken").answers(200, "text/html").note("Opening it changes nothing.")},
    {"POST", "/auth/verify", open, "", "What the button of that page sends", &api::submit_verify_page,
     answers(200, "text/html")},
    {"POST", "/auth/invites", key, "users:manage", "Invite people", &api::create_invite,
     takes("NewInvite")
         .answers(201, "CreatedInvite")
         .note("403 when the server's owner does not let accounts invite, or this one has invited as many as it may. "
               "The code "
               "is shown this once.")},
    {"GET", "/auth/invites", key, "users:manage", "Invitations of the account, and who came by them",
     &api::list_invites, answers(200, "Invites")},
    {"DELETE", "/auth/invites/:id", key, "users:manage", "Revoke an invitation", &api::revoke_invite,
     with("InviteId").answers(204).note("Who came by it stays.")},
    {"GET", "/oauth/authorize", page, "", "Page that asks a person what an app may do", &site::show_consent,
     answers(200, "text/html")},
    {"POST", "/oauth/authorize", page, "", "What the buttons of that page send", &site::submit_consent,
     answers(200, "text/html")},
    {"POST", "/oauth/token", open, "", "Exchange a code, refresh token or device code for an access token",
     &oauth_routes::give_token,
     takes("TokenRequest")
         .answers(200, "TokenAnswer")
         .may_fail("401")
         .as_oauth()
         .note("Access tokens stand wherever an API key stands, within their scopes. A refresh token works once: the "
               "answer "
               "holds the next one, and a second use of an old one ends all tokens of that consent.")},
    {"POST", "/oauth/device_authorization", open, "", "Begin to sign in a device without a browser",
     &oauth_routes::begin_device,
     takes("DeviceRequest")
         .answers(200, "DeviceAnswer")
         .may_fail("401")
         .as_oauth()
         .note("RFC 8628. Then ask `/oauth/token` every `interval` seconds.")},
    {"POST", "/oauth/introspect", open, "", "Whether a token of this client works", &oauth_routes::introspect,
     takes("TokenQuestion").answers(200, "TokenState").may_fail("401 403").as_oauth().note("RFC 7662.")},
    {"POST", "/oauth/revoke", open, "", "End a token of this client", &oauth_routes::revoke,
     takes("TokenQuestion")
         .answers(200, "Nothing")
         .may_fail("401")
         .as_oauth()
         .note("RFC 7009. A refresh token takes all tokens of its consent with it; tunnels that were opened with them "
               "end.")},
    {"POST", "/oauth/register", registration, "", "Register a client without an account",
     &oauth_routes::register_client,
     takes("ClientMetadata")
         .answers(201, "RegisteredClient")
         .may_fail("403")
         .as_oauth()
         .note("RFC 7591. 403 where the server's owner switched it off, see the metadata document.")},
    {"GET", "/oauth/clients", key, "keys:manage", "The account's OAuth clients", &oauth_routes::list_clients,
     answers(200, "Clients")},
    {"POST", "/oauth/clients", key, "keys:manage", "Register an OAuth client", &oauth_routes::create_client,
     takes("NewClient").answers(201, "CreatedClient").note("The secret is shown this once.")},
    {"DELETE", "/oauth/clients/:id", key, "keys:manage", "Remove an OAuth client", &oauth_routes::remove_client,
     with("ClientId").answers(204).note("With everything that people allowed it; its tokens end at once.")},
    {"GET", "/oauth/grants", key, "account:read", "Apps that the user has allowed something",
     &oauth_routes::list_grants, answers(200, "Grants")},
    {"DELETE", "/oauth/grants/:id", key, "account:write", "Take back what an app was allowed",
     &oauth_routes::revoke_grant, with("GrantId").answers(204).note("Its tokens end at once.")},
    {"GET", "/.well-known/oauth-authorization-server", open, "", "What the authorization server can do, RFC 8414",
     &oauth_routes::show_metadata, answers(200, "AuthorizationServer")},
    {"GET", "/.well-known/jwks.json", open, "", "Keys with which the edge signs X-Instatunnel-Identity, RFC 7517",
     &oauth_routes::show_identity_keys,
     answers(200, "IdentityKeys")
         .note(
             "Apps behind tunnels with `--mcp-auth oauth` check with it who calls. Fetch it again when a `kid` is not "
             "in it.")},
    {"GET", "/account/audit", key, "account:read", "What happened to the account, newest first", &api::list_audit,
     with("AuditBefore AuditLimit AuditAction").answers(200, "AuditEvents").may_fail("422")},
    {"POST", "/tunnels", key_or_none, "tunnels:write", "Create a tunnel to connect to later", &api::create_tunnel,
     takes("NewTunnel")
         .answers(201, "CreatedTunnel")
         .may_fail("409")
         .note("`instatunnel connect PORT -s NAME` attaches to it. Without `/v1` it takes and answers what published "
               "clients know (`PublishedTunnel`), keeps a tunnel that the account has already, and needs no key where "
               "the edge allows tunnels without an account. 403 also beyond what the account's plan allows. 409: "
               "the name is taken, reserved or blocked, or a tunnel of this account has it already.")},
    {"GET", "/tunnels", key_or_none, "tunnels:read", "List the account's tunnels", &api::list_tunnels,
     answers(200, "TunnelList").note("Without `/v1`: a bare array of `PublishedTunnel`.")},
    {"DELETE", "/tunnels/subdomain/:id", key, "tunnels:delete", "Close a tunnel and remove it, for published clients",
     &api::remove_published_tunnel, with("TunnelName").answers(200, "StoppedTunnel")},
    {"GET", "/tunnels/subdomain/:id/exists", open, "", "Whether there is a tunnel with this name",
     &api::show_name_exists, with("TunnelName").answers(200, "Existence")},
    {"GET", "/tunnels/domain/:id/exists", open, "", "Whether there is a tunnel with this host", &api::show_host_exists,
     with("TunnelHost").answers(200, "Existence").note("404: there is none.")},
    {"GET", "/tunnels/:id", key, "tunnels:read", "One tunnel, by id, name or host", &api::show_tunnel,
     with("TunnelId").answers(200, "Tunnel")},
    {"DELETE", "/tunnels/:id", key, "tunnels:delete", "Close a tunnel and remove it", &api::remove_tunnel,
     with("TunnelId").answers(204).note("A connected client ends with exit code 6. The name stays with the account.")},
    {"GET", "/tunnels/:id/stats", key, "tunnels:stats", "What was counted and measured of a tunnel",
     &api::show_tunnel_stats, with("TunnelId").answers(200, "TunnelStats")},
    {"GET", "/tunnels/:id/requests", key, "logs:read", "Requests of a tunnel's visitors", &api::list_tunnel_requests,
     with("TunnelId LogAfter LogWait LogLimit LogSince LogStatus LogPath")
         .answers(200, "RequestLog")
         .may_fail("422")
         .note("As `/logs`, of one tunnel.")},
    {"GET", "/logs", key, "logs:read", "Requests of the visitors of all tunnels of the account", &api::list_requests,
     with("LogAfter LogWait LogLimit LogSince LogStatus LogPath")
         .answers(200, "RequestLog")
         .may_fail("422")
         .note("The edge remembers the last 65,536 requests of all its tunnels, until it is restarted: no queries, "
               "header fields, bodies or addresses. Without `after` the newest; with the `next` of the answer before "
               "what came "
               "since. `wait` holds the answer back until there is something.")},
    {"GET", "/names", key, "tunnels:read", "The names that the account holds", &api::list_names, answers(200, "Names")},
    {"DELETE", "/names/:id", key, "tunnels:delete", "Give a name back", &api::release_name,
     with("Name").answers(204).note("Its tunnel ends. From then on every account may ask for the name.")},
    {"GET", "/account/plan", key, "billing:read", "The plan, what it allows and what is in use", &api::show_plan,
     answers(200, "Plan")},
    {"GET", "/account/usage", key, "analytics:read", "What the account's tunnels carried in total", &api::show_usage,
     answers(200, "UsageTotals")},
    {"GET", "/sign-in", page, "", "Sign-in", &site::show_sign_in, answers(200, "text/html")},
    {"POST", "/sign-in", page, "", "Email and password", &site::submit_sign_in, answers(200, "text/html")},
    {"GET", "/sign-in/provider", page, "", "Sends the browser to the outside provider", &site::begin_provider,
     answers(303, "text/html")},
    {"GET", "/sign-in/callback", page, "", "Where the provider sends it back", &site::finish_provider,
     answers(303, "text/html")},
    {"POST", "/sign-in/code", page, "", "Code of the second factor", &site::submit_code, answers(200, "text/html")},
    {"POST", "/sign-out", page, "", "Ends the session", &site::sign_out, answers(200, "text/html")},
    {"GET", "/device", page, "", "Asks for the code of a device", &site::show_device, answers(200, "text/html")},
    {"POST", "/device", page, "", "The code, then the decision", &site::submit_device, answers(200, "text/html")},
    {"GET", "/account", page, "", "Overview", &site::show_account, answers(200, "text/html")},
    {"GET", "/account/keys", page, "", "API keys", &site::show_keys, answers(200, "text/html")},
    {"POST", "/account/keys", page, "", "Makes a key", &site::create_key, answers(200, "text/html")},
    {"POST", "/account/keys/rotate", page, "", "Replaces a key", &site::rotate_key, answers(200, "text/html")},
    {"POST", "/account/keys/revoke", page, "", "Revokes a key", &site::revoke_key, answers(200, "text/html")},
    {"GET", "/account/devices", page, "", "Browsers and command lines", &site::show_devices, answers(200, "text/html")},
    {"POST", "/account/devices/end", page, "", "Ends a session", &site::end_session, answers(200, "text/html")},
    {"GET", "/account/apps", page, "", "What apps were allowed", &site::show_apps, answers(200, "text/html")},
    {"POST", "/account/apps/revoke", page, "", "Takes it back", &site::revoke_app, answers(200, "text/html")},
    {"GET", "/account/security", page, "", "Second factor", &site::show_security, answers(200, "text/html")},
    {"POST", "/account/security/two-factor", page, "", "Begins with a new secret", &site::begin_two_factor,
     answers(200, "text/html")},
    {"POST", "/account/security/two-factor/confirm", page, "", "Turns it on", &site::confirm_two_factor,
     answers(200, "text/html")},
    {"POST", "/account/security/two-factor/off", page, "", "Turns it off", &site::end_two_factor,
     answers(200, "text/html")},
    {"POST", "/account/security/recovery-codes", page, "", "Makes new recovery codes", &site::renew_recovery_codes,
     answers(200, "text/html")},
    {"GET", "/account/events", page, "", "Audit log of the account", &site::show_events, answers(200, "text/html")},
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
    const auto at = pattern.find(placeholder);
    if (at == std::string_view::npos) return pattern == path ? std::optional<std::string>("") : std::nullopt;
    const auto before = pattern.substr(0, at);
    const auto after = pattern.substr(at + placeholder.size());
    if (path.size() <= before.size() + after.size()) return std::nullopt;
    if (!path.starts_with(before) || !path.ends_with(after)) return std::nullopt;
    const auto parameter = path.substr(before.size(), path.size() - before.size() - after.size());
    if (parameter.size() > max_parameter || parameter.find('/') != std::string_view::npos) return std::nullopt;
    return std::string(parameter);
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
