#include "api.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/clock.hpp"
#include "json_body.hpp"

namespace instatunnel::service {
namespace {

// Every permission must exist, and the caller must hold it: a key never hands out more than it has.
std::optional<api_error> check_permissions(const std::vector<std::string>& wanted,
                                           const std::vector<std::string>& held) {
    for (const auto& scope : wanted) {
        if (!auth::is_scope_pattern(scope))
            return wrong_value("permissions", "There is no permission \"" + scope.substr(0, 80) + "\"");
        if (const auto missing = auth::first_missing(held, scope)) {
            api_error error;
            error.status = 403;
            error.message = message(errc::forbidden);
            error.required_scope = *missing;
            error.field = "permissions";
            return error;
        }
    }
    return std::nullopt;
}

}  // namespace

void api::list_keys(const call_ptr& c) {
    if (auto flushed = parts_.keys.flush_uses(); !flushed) return c->fail(flushed.error());
    auto keys = parts_.data.list_keys(c->key.account_id);
    if (!keys) return c->fail(keys.error());
    nlohmann::ordered_json body;
    body["keys"] = nlohmann::ordered_json::array();
    for (const auto& key : *keys) {
        nlohmann::ordered_json row;
        row["id"] = key.id;
        row["name"] = key.name;
        row["key"] = "it_***..." + key.tail;
        row["created_at"] = to_rfc3339(key.created_at);
        row["last_used"] = optional_time(key.last_used_at);
        row["permissions"] = key.scopes;
        body["keys"].push_back(std::move(row));
    }
    c->reply(200, body);
}

void api::create_key(const call_ptr& c) {
    json_body given(c->request.body.reveal());
    key_spec spec;
    spec.name = given.required_text("name");
    spec.scopes = given.required_texts("permissions");
    const auto expires = given.text("expires_at");
    if (given.error()) return c->fail(*given.error());
    if (!auth::is_display_name(spec.name))
        return c->fail(wrong_value("name", "\"name\" must have 1 to 120 bytes and no control characters"));
    if (auto error = check_permissions(spec.scopes, c->key.scopes)) return c->fail(*error);
    if (expires) {
        spec.expires_at = parse_rfc3339(*expires);
        if (!spec.expires_at || *spec.expires_at <= parts_.settings.now())
            return c->fail(
                wrong_value("expires_at", "\"expires_at\" must be a time to come, like 2030-01-31T00:00:00Z"));
    }

    auto made = parts_.keys.issue(c->key.account_id, c->key.user_id, spec);
    if (!made) return c->fail(made.error());
    nlohmann::ordered_json body;
    body["id"] = made->record.id;
    body["name"] = made->record.name;
    body["key"] = made->key.reveal();
    body["permissions"] = made->record.scopes;
    body["created_at"] = to_rfc3339(made->record.created_at);
    body["expires_at"] = optional_time(made->record.expires_at);
    body["last_used"] = nullptr;
    c->reply(201, body);
}

void api::revoke_key(const call_ptr& c) {
    drop_key(c, c->parameter);
}

void api::drop_key(const call_ptr& c, const std::string& key_id) {
    if (auto revoked = parts_.keys.revoke(c->key.account_id, key_id); !revoked) return c->fail(revoked.error());
    if (parts_.edge != nullptr) parts_.edge->close_key(key_id, errc::revoked_key);
    c->reply_empty();
}

}  // namespace instatunnel::service
