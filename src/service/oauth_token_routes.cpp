#include <algorithm>

#include "caller.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/names.hpp"
#include "json_body.hpp"
#include "oauth_routes.hpp"
#include "word_list.hpp"

namespace instatunnel::service {
namespace {

// Of all endpoints that take JSON as well as a form.
constexpr const char* parameters[] = {"grant_type",   "client_id",     "client_secret", "code",
                                      "redirect_uri", "code_verifier", "refresh_token", "device_code",
                                      "scope",        "resource",      "token",         "token_type_hint"};

nlohmann::ordered_json token_body(const oauth::token_answer& made) {
    nlohmann::ordered_json body;
    body["access_token"] = made.access_token.reveal();
    body["token_type"] = "Bearer";
    body["expires_in"] = made.expires_in.count();
    if (!made.refresh_token.empty()) body["refresh_token"] = made.refresh_token.reveal();
    body["scope"] = scope_text(made.scopes);
    return body;
}

}  // namespace

std::string scope_text(const std::vector<std::string>& scopes) {
    return word_list(scopes);
}

void refuse(const call_ptr& c, const oauth::refusal& why) {
    nlohmann::ordered_json body;
    body["error"] = why.error;
    body["error_description"] = why.description;
    body["message"] = why.description;
    body["code"] = code_for(why.status);
    body["request_id"] = c->id();
    if (why.status == 401) c->added.emplace_back("WWW-Authenticate", "Basic realm=\"InstaTunnel\", charset=\"UTF-8\"");
    if (why.status == 503) c->added.emplace_back("Retry-After", "5");
    c->reply(why.status, body);
}

std::optional<form> read_oauth_body(const call_ptr& c) {
    const auto text = trim(c->request.body.reveal());
    if (text.starts_with('{')) {
        json_body body(text);
        auto fields = body.texts_as_form(parameters);
        if (!body.error()) return fields;
        refuse(c, {"invalid_request", body.error()->message, body.error()->status});
        return std::nullopt;
    }
    auto fields = form::parse(text);
    if (!fields) refuse(c, {"invalid_request", "The body is neither a form nor a JSON object"});
    return fields;
}

void oauth_routes::give_token(const call_ptr& c) {
    const auto body = read_oauth_body(c);
    if (!body) return;
    if (body->has_repeated_name()) return refuse(c, {"invalid_request", "A parameter was sent twice"});
    const auto client = parts_.oauth.clients.authenticate(c->field("Authorization"), *body);
    if (!client) {
        if (client.error().status == 401)
            parts_.audit.note_seldom(
                guard_.event(c, "oauth.client_refused").about(body->value("client_id")).refused("invalid_client"),
                c->request.remote_address);
        return refuse(c, client.error());
    }
    exchange(c, *client, *body);
}

void oauth_routes::exchange(const call_ptr& c, const store::oauth_client& client, const form& body) {
    const auto grant = body.value("grant_type");
    oauth::exchange_outcome done{
        oauth::refusal{"unsupported_grant_type", "grant_type is missing or not known"}, {}, {}, {}};
    const auto stored = parts_.data.atomically([&]() -> outcome<void> {
        if (grant == oauth::grant_code) done = parts_.oauth.tokens.exchange_code(client, body);
        if (grant == oauth::grant_refresh) done = parts_.oauth.tokens.refresh(client, body);
        if (grant == oauth::grant_client) done = parts_.oauth.tokens.client_credentials(client, body);
        if (grant == oauth::grant_device) done = parts_.oauth.devices.poll(client, body);
        const bool changed = done.result.has_value() || !done.family_id.empty();
        if (!changed) return {};
        auto event = guard_.event(c, done.result ? "oauth.token_issued" : "oauth.replayed");
        note(c, client, grant, done, event);
        return parts_.audit.append(event);
    });
    if (!stored) return refuse(c, oauth::unavailable());
    for (const auto& id : done.ended_access_tokens)
        end_caller(parts_, id);
    if (!done.result) return refuse(c, done.result.error());
    c->reply(200, token_body(*done.result));
}

void oauth_routes::note(const call_ptr&, const store::oauth_client& client, std::string_view grant,
                        const oauth::exchange_outcome& done, audit_event& event) {
    event.by(actor_kind::client, client.id).with("grant", grant.substr(grant.rfind(':') + 1));
    if (done.result) {
        event.of(done.result->account_id).about(done.result->token_id);
        event.with("user", done.result->user_id).with("scope", scope_text(done.result->scopes));
    } else {
        event.of(done.account_id).about(done.family_id).refused("invalid_grant");
        event.with("ended_tokens", done.ended_access_tokens.size());
    }
}

void oauth_routes::begin_device(const call_ptr& c) {
    const auto body = read_oauth_body(c);
    if (!body) return;
    const auto client = parts_.oauth.clients.authenticate(c->field("Authorization"), *body);
    if (!client) return refuse(c, client.error());
    auto made = parts_.oauth.devices.begin(*client, *body, c->request.remote_address);
    if (!made) return refuse(c, made.error());
    const auto page = parts_.oauth.settings.issuer + "/device";
    nlohmann::ordered_json answer;
    answer["device_code"] = made->device_code.reveal();
    answer["user_code"] = made->user_code;
    answer["verification_uri"] = page;
    answer["verification_uri_complete"] = page + "?user_code=" + made->user_code;
    answer["expires_in"] = made->expires_in.count();
    answer["interval"] = made->interval.count();
    c->reply(200, answer);
}

// RFC 7662. A client hears about its own tokens only: what others hold is not its business.
void oauth_routes::introspect(const call_ptr& c) {
    const auto body = read_oauth_body(c);
    if (!body) return;
    const auto client = parts_.oauth.clients.authenticate(c->field("Authorization"), *body);
    if (!client) return refuse(c, client.error());
    if (oauth::is_public(*client))
        return refuse(c, {"unauthorized_client", "Only a client with a secret may ask about tokens", 403});
    if (body->value("token").empty()) return refuse(c, {"invalid_request", "token is missing"});
    auto token = parts_.oauth.book.find_any_live(body->value("token"));
    if (!token) return refuse(c, oauth::unavailable());
    nlohmann::ordered_json answer;
    answer["active"] = *token && (*token)->client_id == client->id;
    if (answer["active"] == true) {
        const auto& known = **token;
        answer["scope"] = scope_text(known.scopes);
        answer["client_id"] = known.client_id;
        answer["sub"] = known.user_id;
        answer["token_type"] = known.kind == store::oauth_token_kind::access ? "Bearer" : "refresh_token";
        answer["iat"] = unix_seconds(known.created_at);
        answer["exp"] = unix_seconds(known.expires_at);
        answer["iss"] = parts_.oauth.settings.issuer;
        answer["aud"] = known.resource.empty() ? parts_.oauth.settings.issuer : known.resource;
    }
    c->reply(200, answer);
}

// RFC 7009: 200 whatever became of it.
void oauth_routes::revoke(const call_ptr& c) {
    const auto body = read_oauth_body(c);
    if (!body) return;
    const auto client = parts_.oauth.clients.authenticate(c->field("Authorization"), *body);
    if (!client) return refuse(c, client.error());
    if (body->value("token").empty()) return refuse(c, {"invalid_request", "token is missing"});
    auto known = parts_.oauth.book.find_any_live(body->value("token"));
    if (!known) return refuse(c, oauth::unavailable());
    const bool own = *known && (*known)->client_id == client->id;
    if (!own) return c->reply(200, nlohmann::ordered_json::object());
    const auto ended = parts_.audit.together(
        [&] { return parts_.oauth.book.revoke(*client, body->value("token")); },
        [&](const auto&) {
            auto event = guard_.event(c, "oauth.token_revoked").by(actor_kind::client, client->id);
            return event.of((*known)->account_id).about((*known)->id);
        });
    if (!ended) return refuse(c, oauth::unavailable());
    for (const auto& id : *ended)
        end_caller(parts_, id);
    c->reply(200, nlohmann::ordered_json::object());
}

}  // namespace instatunnel::service
