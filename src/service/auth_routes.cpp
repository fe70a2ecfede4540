#include "api.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/clock.hpp"
#include "json_body.hpp"
#include "plan_words.hpp"

namespace instatunnel::service {
namespace {

constexpr const char* default_label = "CLI login";

// What login and register both take. `error` is set when something of it cannot be used.
struct credentials {
    std::string email;
    secret password;
    std::string label;
    std::optional<api_error> error;
};

credentials read_credentials(const call& c, bool password_required) {
    json_body body(c.request.body.reveal());
    credentials given;
    const auto email = body.required_text("email");
    given.password = password_required ? body.required_secret("password") : body.optional_secret("password");
    given.label = body.text("name").value_or(default_label);
    given.error = body.error();
    if (given.error) return given;
    if (const auto address = auth::normalise_email(email))
        given.email = *address;
    else
        given.error = wrong_value("email", "That is not an email address");
    if (!auth::is_display_name(given.label))
        given.error = wrong_value("name", "\"name\" must have 1 to 120 bytes and no control characters");
    return given;
}

std::optional<api_error> check_new_password(const secret& password) {
    const auto length = password.reveal().size();
    if (length >= auth::min_password_length && length <= auth::max_password_length) return std::nullopt;
    return wrong_value("password", "The password must have " + std::to_string(auth::min_password_length) + " to " +
                                       std::to_string(auth::max_password_length) + " bytes");
}

}  // namespace

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
    auto given = read_credentials(*c, /*password_required=*/true);
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
    auto made = parts_.audit.together(
        [&] {
            return parts_.keys.issue(user.account_id, user.id, {label, auth::full_scope_set(), std::nullopt});
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

void api::register_account(const call_ptr& c) {
    if (!parts_.options.dev) {
        parts_.audit.note_seldom(event(c, "account.register_failed").refused("closed"), c->request.remote_address);
        return c->fail(
            failure(errc::forbidden,
                    "Sign-up is closed on this server: its owner adds users with: instatunnel admin user add"));
    }
    // Published clients call the unversioned path with an email alone; such an account gets a password later.
    auto given = read_credentials(*c, /*password_required=*/c->versioned);
    if (given.error) return c->fail(*given.error);
    if (!given.password.empty() || c->versioned)
        if (auto error = check_new_password(given.password)) return c->fail(*error);
    if (!take_sign_in(c, given.email)) return;
    auto known = parts_.data.find_user_by_email(given.email);
    if (!known) return c->fail(known.error());
    if (*known) return refuse_known_email(c, **known);

    store::user owner;
    owner.id = auth::make_id("user");
    owner.account_id = auth::make_id("acc");
    owner.email = given.email;
    owner.name = given.email.substr(0, given.email.find('@'));
    owner.plan = "pro";
    owner.created_at = parts_.settings.now();
    if (given.password.empty()) return finish_register(c, owner, given.label);
    auto hashed = [this, c, owner, label = given.label](outcome<std::string> hash) {
        parts_.queue.post_continuation([this, c, owner, label, hash]() mutable {
            if (!hash) return c->fail(hash.error());
            owner.password_hash = *hash;
            finish_register(c, owner, label);
        });
    };
    auto posted = parts_.passwords.hash(std::move(given.password), std::move(hashed));
    if (posted) return;
    parts_.limits.give_back_sign_in(owner.email, c->request.remote_address, parts_.settings.steady());
    c->fail(posted.error());
}

void api::refuse_known_email(const call_ptr& c, const store::user& known) {
    note_refused_sign_in(c, event(c, "account.register_failed").refused("already_exists"), known.email);
    c->fail(failure(errc::already_exists, "This email address has an account already"), "email");
}

void api::finish_register(const call_ptr& c, const store::user& owner, const std::string& label) {
    auto made = parts_.keys.make(owner.account_id, owner.id, {label, auth::full_scope_set(), std::nullopt});
    const auto stored = parts_.audit.together([&] { return parts_.data.add_user(owner, made.record); },
                                              [&] {
                                                  return event(c, "account.registered")
                                                      .by(actor_kind::user, owner.id)
                                                      .of(owner.account_id)
                                                      .about(owner.email)
                                                      .with("plan", owner.plan)
                                                      .with("key", made.record.id);
                                              });
    if (!stored) {
        if (stored.error().code != errc::already_exists) return c->fail(stored.error());
        return refuse_known_email(c, owner);
    }
    parts_.limits.give_back_sign_in(owner.email, c->request.remote_address, parts_.settings.steady());
    nlohmann::ordered_json body;
    body["api_key"] = made.key.reveal();
    body["email"] = owner.email;
    body["plan"] = owner.plan;
    c->reply(201, body);
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
    body["limits"] = describe_limits(*rules);
    body["usage"] = describe(*usage, c->key.account_id);
    body["permissions"] = c->key.scopes;
    body["key"]["id"] = c->key.id;
    body["key"]["name"] = c->key.name;
    body["key"]["expires_at"] = optional_time(c->key.expires_at);
    c->reply(200, body);
}

}  // namespace instatunnel::service
