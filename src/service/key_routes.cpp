#include "api.hpp"
#include "caller.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/clock.hpp"
#include "json_body.hpp"
#include "word_list.hpp"

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

constexpr std::uint64_t max_grace_seconds = 30 * 24 * 60 * 60;

// Never the key itself.
nlohmann::ordered_json describe_key(const store::api_key& key) {
    nlohmann::ordered_json row;
    row["id"] = key.id;
    row["name"] = key.name;
    row["key"] = "it_***..." + key.tail;
    row["created_at"] = to_rfc3339(key.created_at);
    row["last_used"] = optional_time(key.last_used_at);
    row["permissions"] = key.scopes;
    row["expires_at"] = optional_time(key.expires_at);
    if (key.replaced_by) row["replaced_by"] = *key.replaced_by;
    return row;
}

// The one time that a key is shown whole.
nlohmann::ordered_json describe_new(const made_key& made) {
    nlohmann::ordered_json body;
    body["id"] = made.record.id;
    body["name"] = made.record.name;
    body["key"] = made.key.reveal();
    body["permissions"] = made.record.scopes;
    body["created_at"] = to_rfc3339(made.record.created_at);
    body["expires_at"] = optional_time(made.record.expires_at);
    body["last_used"] = nullptr;
    return body;
}

api_error wrong_name() {
    return wrong_value("name", "\"name\" must have 1 to 120 bytes and no control characters");
}

// A key that ended has no successor to make: the answer says which way it ended.
std::optional<failure> why_not_rotated(const store::api_key& old, wall_time now) {
    if (old.replaced_by)
        return failure(errc::already_exists, "This key was rotated before: " + *old.replaced_by + " took its place");
    if (old.revoked_at) return failure(errc::already_exists, "This key was revoked: create a new one instead");
    if (end_of(old, now)) return failure(errc::already_exists, "This key has ended: create a new one instead");
    return std::nullopt;
}

}  // namespace

void api::list_keys(const call_ptr& c) {
    if (auto flushed = parts_.keys.flush_uses(); !flushed) return c->fail(flushed.error());
    auto keys = parts_.data.list_keys(c->key.account_id);
    if (!keys) return c->fail(keys.error());
    nlohmann::ordered_json body;
    body["keys"] = nlohmann::ordered_json::array();
    for (const auto& key : *keys)
        body["keys"].push_back(describe_key(key));
    c->reply(200, body);
}

void api::create_key(const call_ptr& c) {
    json_body given(c->request.body.reveal());
    key_spec spec;
    spec.name = given.required_text("name");
    spec.scopes = given.required_texts("permissions");
    const auto expires = given.text("expires_at");
    if (given.error()) return c->fail(*given.error());
    if (!auth::is_display_name(spec.name)) return c->fail(wrong_name());
    if (auto error = check_permissions(spec.scopes, c->key.scopes)) return c->fail(*error);
    // Our own command line signs in through the browser and keeps a key, not the token.
    spec.by_sign_in = is_token_caller(c->key) && c->key.by_sign_in;
    if (expires) {
        spec.expires_at = parse_rfc3339(*expires);
        if (!spec.expires_at || *spec.expires_at <= parts_.settings.now())
            return c->fail(
                wrong_value("expires_at", "\"expires_at\" must be a time to come, like 2030-01-31T00:00:00Z"));
    }

    auto made = parts_.audit.together([&] { return parts_.keys.issue(c->key.account_id, c->key.user_id, spec); },
                                      [&](const made_key& key) {
                                          return guard_.event(c, "key.created")
                                              .about(key.record.id)
                                              .with("name", spec.name)
                                              .with("permissions", word_list(spec.scopes))
                                              .with("expires_at", expires.value_or("never"));
                                      });
    if (!made) return c->fail(made.error());
    c->reply(201, describe_new(*made));
}

void api::show_key(const call_ptr& c) {
    const auto key = parts_.keys.find(c->key.account_id, c->parameter);
    if (!key) return c->fail(key.error());
    c->reply(200, describe_key(*key));
}

void api::rename_key(const call_ptr& c) {
    json_body given(c->request.body.reveal());
    const auto name = given.required_text("name");
    if (given.error()) return c->fail(*given.error());
    if (!auth::is_display_name(name)) return c->fail(wrong_name());
    const auto renamed =
        parts_.audit.together([&] { return parts_.keys.rename(c->key.account_id, c->parameter, name); },
                              [&] { return guard_.event(c, "key.renamed").about(c->parameter).with("name", name); });
    if (!renamed) return c->fail(renamed.error());
    show_key(c);
}

void api::rotate_key(const call_ptr& c) {
    json_body given(c->request.body.reveal());
    const auto grace = given.number("grace_seconds").value_or(0);
    if (given.error()) return c->fail(*given.error());
    if (grace > max_grace_seconds)
        return c->fail(
            wrong_value("grace_seconds", "\"grace_seconds\" must be at most " + std::to_string(max_grace_seconds)));
    auto old = parts_.data.find_key_by_id(c->key.account_id, c->parameter);
    if (!old) return c->fail(old.error());
    if (!*old) return c->fail(failure(errc::not_found, "There is no such key in this account"));
    // The new key goes to whoever asks: it must not be able to do more than they can.
    if (auto error = check_permissions((*old)->scopes, c->key.scopes)) {
        error->field.clear();
        return c->fail(*error);
    }
    if (const auto ended = why_not_rotated(**old, parts_.settings.now())) return c->fail(*ended);

    const auto made = parts_.audit.together([&] { return parts_.keys.rotate(**old, std::chrono::seconds(grace)); },
                                            [&](const rotated_key& rotated) {
                                                return guard_.event(c, "key.rotated")
                                                    .about((*old)->id)
                                                    .with("replaced_by", rotated.next.record.id)
                                                    .with("old_ends_at", to_rfc3339(rotated.old_ends_at));
                                            });
    if (!made) return c->fail(made.error());
    if (grace == 0)
        end_caller(parts_, (*old)->id);
    else
        parts_.watch.end_sooner((*old)->id, made->old_ends_at);
    auto body = describe_new(made->next);
    body["replaces"] = (*old)->id;
    body["old_expires_at"] = to_rfc3339(made->old_ends_at);
    c->reply(201, body);
}

void api::revoke_key(const call_ptr& c) {
    drop_key(c, c->parameter, "key.revoked");
}

void api::drop_key(const call_ptr& c, const std::string& key_id, std::string_view action) {
    const auto revoked = parts_.audit.together([&] { return parts_.keys.revoke(c->key.account_id, key_id); },
                                               [&] { return guard_.event(c, action).about(key_id); });
    if (!revoked) return c->fail(revoked.error());
    end_caller(parts_, key_id);
    c->reply_empty();
}

}  // namespace instatunnel::service
