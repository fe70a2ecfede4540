#include <algorithm>

#include "caller.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/oauth/authorization.hpp"
#include "json_body.hpp"
#include "oauth_routes.hpp"

namespace instatunnel::service {
namespace {

using json = nlohmann::ordered_json;

struct metadata {
    oauth::new_client asked;
    std::string method;  // of authentication at the token endpoint
};

// RFC 7591 §2: what a client says of itself.
metadata read_metadata(json_body& body) {
    metadata given;
    auto& asked = given.asked;
    asked.name = body.text("client_name").value_or("An app without a name");
    asked.uri = body.text("client_uri").value_or(std::string());
    asked.redirect_uris = body.texts("redirect_uris");
    asked.grants = body.texts("grant_types");
    given.method = body.text("token_endpoint_auth_method").value_or("client_secret_basic");
    asked.confidential = given.method != "none";
    if (auto scopes = oauth::parse_client_scopes(body.text("scope").value_or(std::string())))
        asked.scopes = std::move(*scopes);
    else
        asked.scopes = {"?"};  // refused by the registry, in its words
    return given;
}

bool is_known_method(const std::string& method) {
    return method == "none" || method == "client_secret_basic" || method == "client_secret_post";
}

json describe_registered(const oauth::made_client& made, const std::string& method) {
    const auto& record = made.record;
    json body;
    body["client_id"] = record.id;
    if (!made.client_secret.empty()) {
        body["client_secret"] = made.client_secret.reveal();
        body["client_secret_expires_at"] = 0;
    }
    body["client_id_issued_at"] =
        std::chrono::duration_cast<std::chrono::seconds>(record.created_at.time_since_epoch()).count();
    body["client_name"] = record.name;
    if (!record.uri.empty()) body["client_uri"] = record.uri;
    body["redirect_uris"] = record.redirect_uris;
    body["grant_types"] = record.grants;
    body["response_types"] = json::array();
    if (oauth::may_use(record, oauth::grant_code)) body["response_types"].push_back("code");
    body["token_endpoint_auth_method"] = method;
    body["scope"] = scope_text(record.scopes);
    return body;
}

json describe_client(const store::oauth_client& client) {
    json row;
    row["id"] = client.id;
    row["name"] = client.name;
    row["uri"] = client.uri.empty() ? json() : json(client.uri);
    row["redirect_uris"] = client.redirect_uris;
    row["grants"] = client.grants;
    row["scopes"] = client.scopes;
    row["public"] = oauth::is_public(client);
    row["created_at"] = to_rfc3339(client.created_at);
    return row;
}

api_error to_api_error(const oauth::refusal& why) {
    api_error error;
    error.status = why.status == 400 ? 422 : why.status;
    error.message = why.description;
    return error;
}

// A client that acts for the account must not be a way to more than the key that makes it has.
std::optional<api_error> check_own_reach(const oauth::new_client& asked, const std::vector<std::string>& held) {
    if (std::ranges::find(asked.grants, oauth::grant_client) == asked.grants.end()) return std::nullopt;
    if (asked.scopes.empty())
        return wrong_value("scopes", "A client with client_credentials needs \"scopes\": the most it may ask for");
    for (const auto& scope : asked.scopes) {
        // Whoever may open a tunnel says who may call what is behind it.
        const std::string_view needed = scope == auth::mcp_scope ? std::string_view("tunnels:write") : scope;
        const auto missing = auth::is_scope_pattern(needed) ? auth::first_missing(held, needed) : std::nullopt;
        if (!missing) continue;
        api_error error;
        error.status = 403;
        error.message = message(errc::forbidden);
        error.required_scope = *missing;
        error.field = "scopes";
        return error;
    }
    return std::nullopt;
}

}  // namespace

void oauth_routes::register_client(const call_ptr& c) {
    if (!parts_.oauth.settings.dynamic_registration)
        return refuse(c, {"access_denied", "Clients cannot register themselves on this server", 403});
    json_body body(c->request.body.reveal());
    const auto given = read_metadata(body);
    if (body.error()) return refuse(c, {"invalid_client_metadata", body.error()->message});
    if (!is_known_method(given.method))
        return refuse(c, {"invalid_client_metadata",
                          "token_endpoint_auth_method must be none, client_secret_basic or client_secret_post"});
    oauth::answer<oauth::made_client> made = oauth::unavailable();
    const auto stored = parts_.data.atomically([&]() -> outcome<void> {
        made = parts_.oauth.clients.add(given.asked, store::client_origin::dynamic, std::nullopt);
        if (!made) return {};
        return parts_.audit.append(
            guard_.event(c, "oauth.client_registered").about(made->record.id).with("name", made->record.name));
    });
    if (!stored) return refuse(c, oauth::unavailable());
    if (!made) return refuse(c, made.error());
    c->reply(201, describe_registered(*made, given.method));
}

void oauth_routes::list_clients(const call_ptr& c) {
    const auto clients = parts_.data.list_clients(c->key.account_id);
    if (!clients) return c->fail(clients.error());
    json body;
    body["clients"] = json::array();
    for (const auto& client : *clients)
        body["clients"].push_back(describe_client(client));
    c->reply(200, body);
}

void oauth_routes::create_client(const call_ptr& c) {
    json_body body(c->request.body.reveal());
    oauth::new_client asked;
    asked.name = body.required_text("name");
    asked.uri = body.text("uri").value_or(std::string());
    asked.redirect_uris = body.texts("redirect_uris");
    asked.grants = body.texts("grants");
    asked.scopes = body.texts("scopes");
    asked.confidential = !body.flag("public").value_or(false);
    if (body.error()) return c->fail(*body.error());
    if (auto error = check_own_reach(asked, c->key.scopes)) return c->fail(*error);
    const auto owner = parts_.data.find_user(c->key.user_id);
    if (!owner) return c->fail(owner.error());
    if (!*owner) return c->fail(failure(errc::invalid_key));
    oauth::answer<oauth::made_client> made = oauth::unavailable();
    const auto stored = parts_.data.atomically([&]() -> outcome<void> {
        made = parts_.oauth.clients.add(asked, store::client_origin::registered, **owner);
        if (!made) return {};
        return parts_.audit.append(
            guard_.event(c, "oauth.client_created").about(made->record.id).with("name", made->record.name));
    });
    if (!stored) return c->fail(stored.error());
    if (!made) return c->fail(to_api_error(made.error()));
    auto answer = describe_client(made->record);
    answer["client_secret"] = made->client_secret.empty() ? json() : json(made->client_secret.reveal());
    c->reply(201, answer);
}

void oauth_routes::remove_client(const call_ptr& c) {
    const auto removed = parts_.audit.together(
        [&] { return parts_.data.remove_client(c->key.account_id, c->parameter, parts_.settings.now()); },
        [&](const auto& ended) {
            return guard_.event(c, "oauth.client_removed").about(c->parameter).with("ended_tokens", ended.size());
        });
    if (!removed) return c->fail(removed.error());
    for (const auto& id : *removed)
        end_caller(parts_, id);
    c->reply_empty();
}

}  // namespace instatunnel::service
