#include "api.hpp"
#include "credentials_body.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/clock.hpp"
#include "json_body.hpp"
#include "plan_words.hpp"

namespace instatunnel::service {

bool api::take_sign_in(const call_ptr& c, const std::string& email) {
    return refuse_if(c, parts_.limits.take_sign_in(email, c->request.remote_address, parts_.settings.steady()));
}

// Written at once when somebody seems to guess: a restart must not give them new tries. The others wait for the next
// flush, so that a few wrong passwords do not cost a sync each.
void api::note_refused_sign_in(const call_ptr& c, audit_event event, const std::string& email) {
    parts_.audit.note(event.about(email));
    if (parts_.limits.is_guessing(email, c->request.remote_address, parts_.settings.steady()))
        (void)parts_.audit.flush();
}

void api::log_in(const call_ptr& c) {
    auto given = read_credentials(*c, needs_password::yes);
    if (given.error) return c->fail(*given.error);
    if (!take_sign_in(c, given.email)) return;
    auto known = parts_.data.find_user_by_email(given.email);
    if (!known) return c->fail(known.error());

    // An unknown account goes the same way with an empty hash: the pool computes as long for it.
    const auto user = known->value_or(store::user());
    auto checked = [this, c, user, email = given.email, label = given.label](bool right) {
        parts_.queue.post_continuation([this, c, user, email, label, right] {
            if (!right) {
                note_refused_sign_in(c, event(c, "login.failed").of(user.account_id).refused("wrong_password"), email);
                return c->fail(failure(errc::wrong_password));
            }
            parts_.limits.give_back_sign_in(email, c->request.remote_address, parts_.settings.steady());
            finish_log_in(c, user, label);
        });
    };
    auto posted = parts_.passwords.verify(std::move(given.password), user.password_hash, std::move(checked));
    if (posted) return;
    parts_.limits.give_back_sign_in(given.email, c->request.remote_address, parts_.settings.steady());
    c->fail(posted.error());
}

void api::finish_log_in(const call_ptr& c, const store::user& user, const std::string& label) {
    // A password that was changed while it was being checked is not the password any more.
    auto current = parts_.data.find_user(user.id);
    if (!current) return c->fail(current.error());
    if (!*current || (*current)->password_hash != user.password_hash) return c->fail(failure(errc::wrong_password));
    if ((*current)->disabled) {
        parts_.audit.note(event(c, "login.failed").of(user.account_id).about(user.email).refused("account_disabled"));
        return c->fail(failure(errc::account_disabled));
    }
    auto made = parts_.audit.together(
        [&] {
            return parts_.keys.issue(user.account_id, user.id,
                                     {label, auth::full_scope_set(), std::nullopt, /*by_sign_in=*/true});
        },
        [&](const made_key& key) {
            return event(c, "login.succeeded").by(actor_kind::user, user.id).of(user.account_id).about(key.record.id);
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
    drop_key(c, c->key.id, "logout");
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
