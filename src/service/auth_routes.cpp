#include "api.hpp"
#include "caller.hpp"
#include "credentials_body.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/clock.hpp"
#include "json_body.hpp"
#include "password_check.hpp"
#include "plan_words.hpp"

namespace instatunnel::service {
namespace {

api_error wrong_code(const char* reason, const char* text) {
    api_error error;
    error.status = 401;
    error.message = text;
    error.field = "otp";
    error.reason = reason;
    return error;
}

}  // namespace

void api::log_in(const call_ptr& c) {
    auto given = read_credentials(*c, needs_password::yes);
    if (given.error) return c->fail(*given.error);
    auto code = std::make_shared<secret>(std::move(given.code));
    check_password(parts_, guard_, c, given.email, std::move(given.password),
                   [this, c, label = given.label, code](outcome<store::user> user) {
                       if (!user) return c->fail(user.error());
                       if (check_second_factor(c, *user, *code)) finish_log_in(c, *user, label);
                   });
}

bool api::check_second_factor(const call_ptr& c, const store::user& user, const secret& code) {
    const auto on = parts_.factors.is_on(user.id);
    if (!on) c->fail(on.error());
    if (!on || !*on) return on.has_value();
    if (code.empty()) {
        c->fail(
            wrong_code("otp_required", "This account asks for a code of its authenticator app beside the password"));
        return false;
    }
    // Right passwords are not counted, so that the tries of codes must be.
    if (!guard_.take_sign_in(c, user.email)) return false;
    const auto accepted = parts_.factors.accept(user.id, code.reveal());
    if (!accepted) c->fail(accepted.error());
    if (accepted && *accepted) {
        guard_.give_back_sign_in(c, user.email);
        return true;
    }
    if (accepted) {
        guard_.note_refused_sign_in(c, guard_.event(c, "login.failed").of(user.account_id).refused("wrong_code"),
                                    user.email);
        c->fail(wrong_code("otp_wrong", "That code is wrong or was used before"));
    }
    return false;
}

void api::finish_log_in(const call_ptr& c, const store::user& user, const std::string& label) {
    auto made = parts_.audit.together(
        [&] {
            return parts_.keys.issue(user.account_id, user.id,
                                     {label, auth::full_scope_set(), std::nullopt, /*by_sign_in=*/true});
        },
        [&](const made_key& key) {
            return guard_.event(c, "login.succeeded")
                .by(actor_kind::user, user.id)
                .of(user.account_id)
                .about(key.record.id);
        });
    if (!made) return c->fail(made.error());
    nlohmann::ordered_json body;
    body["api_key"] = made->key.reveal();
    body["user"]["id"] = user.id;
    body["user"]["email"] = user.email;
    body["user"]["name"] = user.name;
    c->reply(200, body);
}

void api::log_out(const call_ptr& c) {
    if (is_token_caller(c->key)) return drop_token(c);
    drop_key(c, c->key.id, "logout");
}

// Whatever came from the same consent at the same time ends with it.
void api::drop_token(const call_ptr& c) {
    const auto ended = parts_.audit.together(
        [&]() -> outcome<std::vector<std::string>> {
            auto token = parts_.data.find_oauth_token_by_id(c->key.id);
            if (!token) return token.error();
            if (!*token) return failure(errc::not_found);
            return parts_.data.revoke_family((*token)->family_id, parts_.settings.now());
        },
        [&](const auto&) { return guard_.event(c, "logout").about(c->key.id); });
    if (!ended) return c->fail(ended.error());
    for (const auto& id : *ended)
        end_caller(parts_, id);
    c->reply_empty();
}

void api::show_user(const call_ptr& c) {
    // What the edge reported a moment ago belongs to the answer.
    if (auto flushed = parts_.usage.flush(parts_.data); !flushed) return c->fail(flushed.error());
    auto user = parts_.data.find_user(c->key.user_id);
    if (!user) return c->fail(user.error());
    auto usage = parts_.data.find_usage(c->key.account_id);
    if (!usage) return c->fail(usage.error());
    if (!*user) return c->fail(failure(errc::invalid_key));
    auto rules = parts_.plans.rules_for(c->key.account_id);
    if (!rules) return c->fail(rules.error());

    nlohmann::ordered_json body;
    body["id"] = (*user)->id;
    body["email"] = (*user)->email;
    body["name"] = (*user)->name;
    body["plan"] = (*user)->plan;
    body["created_at"] = to_rfc3339((*user)->created_at);
    body["email_verified"] = (*user)->verified_at.has_value();
    body["credit"] = (*user)->credit;
    body["limits"] = describe_limits(*rules);
    body["usage"] = describe(*usage, c->key.account_id);
    body["permissions"] = c->key.scopes;
    body["key"]["id"] = c->key.id;
    body["key"]["name"] = c->key.name;
    body["key"]["expires_at"] = optional_time(c->key.expires_at);
    c->reply(200, body);
}

}  // namespace instatunnel::service
