#include "mcp_guard.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "error_page.hpp"
#include "instatunnel/auth/access_token.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/wire/accept.hpp"

namespace instatunnel::edge {
namespace {

using verdict_of = service::visitor_verdict;

constexpr std::string_view metadata_path = "/.well-known/oauth-protected-resource";
constexpr std::size_t sha256_base64url_size = 43;
constexpr std::size_t longest_resource_path = 1024;
constexpr const char* preflight_seconds = "600";

std::string_view field_of(const wire::request_head& head, std::string_view name) {
    for (const auto& f : head.fields)
        if (iequals(f.name, name)) return f.value;
    return {};
}

// RFC 6750 §2.1. More than one Authorization field: two readers could take different ones.
std::string_view bearer_token(const wire::request_head& head) {
    std::string_view value;
    for (const auto& f : head.fields) {
        if (!iequals(f.name, "Authorization")) continue;
        if (!value.empty()) return {};
        value = f.value;
    }
    if (value.size() < 7 || !iequals(value.substr(0, 7), "Bearer ")) return {};
    return trim(value.substr(7));
}

bool is_preflight_request(const wire::request_head& head) {
    return head.method == "OPTIONS" && !field_of(head, "Origin").empty() &&
           !field_of(head, "Access-Control-Request-Method").empty();
}

bool is_url_path(std::string_view path) {
    static constexpr std::string_view marks = "-._~!$&'()*+,;=:@%/";
    const auto usable = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               marks.find(c) != std::string_view::npos;
    };
    return path.size() <= longest_resource_path && std::ranges::all_of(path, usable);
}

// A page of another origin may read what this edge itself says; what the app answers is the app's to allow.
void let_pages_read(const wire::request_head& head, service::api_response& response) {
    if (field_of(head, "Origin").empty()) return;
    response.fields.emplace_back("Access-Control-Allow-Origin", "*");
    response.fields.emplace_back("Access-Control-Expose-Headers", "WWW-Authenticate, X-Instatunnel-Error");
}

// The app knows of no Authorization field, so it would tell browsers not to send one. That they may is no harm: a page
// that does not have the token is refused here all the same, and the app's answer to the request itself still decides
// which page may read it.
service::api_response allow_preflight(const wire::request_head& head) {
    service::api_response response;
    response.status = 204;
    response.fields = {{"Access-Control-Allow-Origin", std::string(field_of(head, "Origin"))},
                       {"Access-Control-Allow-Methods", std::string(field_of(head, "Access-Control-Request-Method"))},
                       {"Access-Control-Allow-Headers", std::string(field_of(head, "Access-Control-Request-Headers"))},
                       {"Access-Control-Max-Age", preflight_seconds},
                       {"Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}};
    return response;
}

}  // namespace

bool mcp_wish::is_known() const noexcept {
    if (mode == "oauth") return true;
    return mode == "bearer" && token_sha256.size() == sha256_base64url_size && from_base64url(token_sha256).has_value();
}

mcp_guard::mcp_guard(const mcp_wish& wish, std::string url, std::string issuer)
    : oauth_(wish.mode == "oauth"),
      url_(std::move(url)),
      issuer_(std::move(issuer)),
      digest_(wish.token_sha256),
      users_(std::make_shared<const std::vector<std::string>>(wish.users)) {}

bool mcp_guard::is_token(std::string_view text) const {
    return constant_time_equal(to_base64url(sha256(text)), digest_);
}

mcp_guard::verdict mcp_guard::check(const wire::request_head& head, auth::token_bucket& tries,
                                    std::chrono::steady_clock::time_point now) const {
    using kind = verdict::kind;
    const auto path = head.path.substr(0, head.path.find('?'));
    if (oauth_ && path.starts_with(metadata_path)) return {kind::answer, describe(head, path), {}};
    if (is_preflight_request(head)) {
        if (wire::list_has_token(field_of(head, "Access-Control-Request-Headers"), "authorization"))
            return {kind::answer, allow_preflight(head), {}};
        return {kind::pass, {}, {}};
    }
    const auto token = bearer_token(head);
    if (token.empty())
        return {kind::answer,
                challenge(head, 401, "unauthorized", "This MCP server asks for authorization",
                          oauth_ ? "Sign in with the authorization server that WWW-Authenticate leads to."
                                 : "Send the tunnel's token: Authorization: Bearer itm_…",
                          {}),
                {}};
    // Counted before it is told, so that guesses at the same moment do not pass the limit; right ones do not count.
    if (!tries.take(now)) {
        auto response = challenge(head, 429, "rate_limited", "Too many wrong tokens: wait a minute", {}, {});
        response.fields.emplace_back("Retry-After", "60");
        return {kind::answer, std::move(response), {}};
    }
    if (oauth_ && auth::is_access_token(token)) {
        tries.give_back(now);  // taken again when the service knows no such token
        return {kind::ask, {}, token};
    }
    if (!oauth_ && is_token(token)) {
        tries.give_back(now);
        return {kind::pass, {}, {}};
    }
    return {kind::answer, refuse(head, verdict_of::unknown), {}};
}

service::api_response mcp_guard::refuse(const wire::request_head& head, verdict_of why) const {
    static constexpr const char* sign_in_again = "Sign in again with the authorization server.";
    switch (why) {
        case verdict_of::ended:
            return challenge(head, 401, "unauthorized", "The access token has ended", sign_in_again, "invalid_token");
        case verdict_of::other_audience:
            return challenge(head, 401, "unauthorized", "The access token was made for another address", sign_in_again,
                             "invalid_token");
        case verdict_of::missing_scope:
            return challenge(head, 403, "forbidden", "The access token does not allow to call MCP servers",
                             "Ask for the scope " + std::string(auth::mcp_scope) + ".", "insufficient_scope");
        case verdict_of::not_invited:
            return challenge(head, 403, "forbidden", "This account may not use this MCP server",
                             "Ask its owner, who can name you with --mcp-allow-user.", {});
        default:
            return challenge(head, 401, "unauthorized", "That is not a token of this MCP server",
                             oauth_ ? sign_in_again : "Ask its owner for the token.", "invalid_token");
    }
}

// RFC 9728 §3.1: the well-known path stands before the path of the resource.
service::api_response mcp_guard::describe(const wire::request_head& head, std::string_view path) const {
    const auto of = path.substr(metadata_path.size());
    const bool is_read = head.method == "GET" || head.method == "HEAD" || is_preflight_request(head);
    service::api_response response;
    if (is_preflight_request(head)) {
        response = allow_preflight(head);
    } else if (!is_read || (!of.empty() && of.front() != '/') || !is_url_path(of)) {
        response.status = is_read ? 404 : 405;
        response.fields = {{"Content-Type", "text/plain; charset=utf-8"}};
        if (!is_read) response.fields.emplace_back("Allow", "GET, HEAD");
        response.body = is_read ? "There is no such resource\n" : "Only GET and HEAD work here\n";
    } else {
        nlohmann::ordered_json body;
        body["resource"] = url_ + std::string(of == "/" ? std::string_view() : of);
        body["authorization_servers"] = {issuer_};
        body["scopes_supported"] = {auth::mcp_scope};
        body["bearer_methods_supported"] = {"header"};
        response.fields = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
        response.body = body.dump() + "\n";
    }
    if (!is_preflight_request(head)) let_pages_read(head, response);
    return response;
}

service::api_response mcp_guard::challenge(const wire::request_head& head, int status, std::string_view code,
                                           std::string_view message, std::string_view hint,
                                           std::string_view error) const {
    auto page = render({status, code, message, hint, {}}, field_of(head, "Accept"));
    service::api_response response;
    response.status = status;
    response.fields = {{"Content-Type", std::string(page.content_type)},
                       {"Cache-Control", "no-store"},
                       {"X-Instatunnel-Error", std::string(code)}};
    response.body = std::move(page.body);
    let_pages_read(head, response);
    if (status != 401 && error.empty()) return response;
    std::string parameters;
    const auto add = [&](std::string_view name, std::string_view value) {
        parameters.append(parameters.empty() ? " " : ", ").append(name).append("=\"").append(value).append("\"");
    };
    if (!oauth_) add("realm", url_);
    if (!error.empty()) add("error", error);
    if (!error.empty()) add("error_description", message);
    if (oauth_) {
        // An address with a query is one of a session (older transports), not the one that the client was given: the
        // description of the whole tunnel fits any.
        const bool is_own = head.path.find('?') == std::string_view::npos && is_url_path(head.path);
        const auto path = is_own && head.path != "/" ? head.path : std::string_view();
        add("resource_metadata", url_ + std::string(metadata_path) + std::string(path));
        add("scope", auth::mcp_scope);
    }
    response.fields.emplace_back("WWW-Authenticate", "Bearer" + parameters);
    return response;
}

void mcp_guard::hide(std::vector<wire::field>& fields) {
    std::erase_if(fields, [](const wire::field& f) { return iequals(f.name, "Authorization"); });
}

}  // namespace instatunnel::edge
