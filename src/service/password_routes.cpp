#include "api.hpp"
#include "caller.hpp"
#include "credentials_body.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/one_time_token.hpp"
#include "json_body.hpp"
#include "password_reset.hpp"

namespace instatunnel::service {
namespace {

nlohmann::ordered_json revoked_body(std::size_t revoked) {
    nlohmann::ordered_json body;
    body["revoked_keys"] = revoked;
    return body;
}

// Whoever had the old password may have signed in with it: browsers always end, and tokens of apps together with keys.
outcome<std::vector<std::string>> end_sign_ins(store::store& data, const std::string& user_id, store::key_group revoke,
                                               wall_time now) {
    if (auto ended = data.remove_web_sessions(user_id, {}); !ended) return ended.error();
    if (revoke == store::key_group::none) return std::vector<std::string>();
    return data.revoke_tokens_of(user_id, now);
}

}  // namespace

std::optional<store::key_group> to_key_group(std::string_view word) {
    if (word == "none") return store::key_group::none;
    if (word == "sign_in") return store::key_group::by_sign_in;
    if (word == "all") return store::key_group::all;
    return std::nullopt;
}

api_error link_is_dead() {
    return wrong_value("token",
                       "This link does not work any more: it was used, replaced by a newer one, or is too "
                       "old. Ask for a new one");
}

void api::request_reset(const call_ptr& c) {
    json_body body(c->request.body.reveal());
    const auto text = body.required_text("email");
    if (body.error()) return c->fail(*body.error());
    const auto email = auth::normalise_email(text);
    if (!email) return c->fail(wrong_value("email", "That is not an email address"));
    const auto& address = c->request.remote_address;
    if (!guard_.refuse_if(c, parts_.account_rates.take_mail(*email, address, parts_.settings.steady()))) return;
    nlohmann::ordered_json answer;
    answer["message"] = parts_.links.can_deliver()
                            ? "If this address has an account, a mail with a link is on its way"
                            : "This server sends no mail: its owner can make a link with: instatunnel admin user "
                              "reset-link";
    // First the answer, then the work: the time it takes tells nothing. The work, too, is the same for both.
    c->reply(202, answer);
    send_reset_link(c, *email);
}

void api::send_reset_link(const call_ptr& c, const std::string& email) {
    auto known = parts_.data.find_user_by_email(email);
    if (!known) return;
    auto asked = guard_.event(c, "password.reset_requested").about(email);
    if (*known) asked.of((*known)->account_id);
    parts_.audit.note_seldom(asked, email);
    if (!*known || (*known)->disabled) {
        (void)parts_.links.pretend(link_purpose::reset_password);
        return;
    }
    if (auto link = parts_.links.make(link_purpose::reset_password, **known)) parts_.links.deliver(std::move(*link));
}

void api::reset_password(const call_ptr& c) {
    json_body body(c->request.body.reveal());
    reset_wish wish;
    wish.token = body.required_secret("token");
    wish.password = body.required_secret("password");
    const auto revoke = to_key_group(body.text("revoke_keys").value_or("sign_in"));
    if (body.error()) return c->fail(*body.error());
    if (!revoke) return c->fail(wrong_value("revoke_keys", "\"revoke_keys\" must be none, sign_in or all"));
    wish.revoke = *revoke;
    reset_with(c, std::move(wish), [c](const reset_result& result) {
        if (result.error) return c->fail(*result.error);
        c->reply(200, revoked_body(result.revoked));
    });
}

std::optional<store::user> api::owner_of_link(store::token_kind kind, std::string_view token,
                                              std::optional<api_error>& error) {
    error = link_is_dead();
    if (!auth::is_one_time_token(token)) return std::nullopt;
    auto found = parts_.data.find_token(kind, auth::one_time_digest(token));
    if (!found) {
        error = error_for(found.error());
        return std::nullopt;
    }
    if (!*found || (*found)->expires_at <= parts_.settings.now()) return std::nullopt;
    auto user = parts_.data.find_user((*found)->user_id);
    if (!user) {
        error = error_for(user.error());
        return std::nullopt;
    }
    if (!*user || (*user)->disabled) return std::nullopt;
    error.reset();
    return std::move(*user);
}

void api::reset_with(const call_ptr& c, reset_wish wish, reset_done done) {
    std::optional<api_error> error;
    const auto user = owner_of_link(store::token_kind::password_reset, wish.token.reveal(), error);
    if (!error) error = check_new_password(wish.password, user->email, parts_.options.domain);
    if (error) return done({*error, 0});
    const auto digest = auth::one_time_digest(wish.token.reveal());
    auto hashed = [this, c, user = *user, digest, revoke = wish.revoke, done](outcome<std::string> hash) {
        parts_.queue.post_continuation([this, c, user, digest, revoke, done, hash] {
            if (!hash) return done({error_for(hash.error()), 0});
            done(finish_reset(c->request.remote_address, user, digest, *hash, revoke));
        });
    };
    if (auto posted = parts_.passwords.hash(std::move(wish.password), std::move(hashed)); !posted)
        done({error_for(posted.error()), 0});
}

reset_result api::finish_reset(const std::string& address, const store::user& user, const std::string& digest,
                               const std::string& hash, store::key_group revoke) {
    const auto now = parts_.settings.now();
    std::vector<std::string> revoked, tokens;
    const auto stored = parts_.data.atomically([&]() -> outcome<void> {
        auto token = parts_.data.find_token(store::token_kind::password_reset, digest);
        if (!token) return token.error();
        auto taken = parts_.data.take_token(store::token_kind::password_reset, digest, now);
        if (!taken) return taken;
        if (auto changed = parts_.data.change_password(user.id, hash, now); !changed) return changed;
        // Who has a link from the mailbox reads the mailbox.
        if (*token && (*token)->proves_email)
            if (auto noted = parts_.data.verify_email(user.id, now); !noted) return noted;
        auto ended = parts_.data.revoke_keys(user.account_id, revoke, {}, now);
        if (!ended) return ended.error();
        revoked = std::move(*ended);
        auto signed_out = end_sign_ins(parts_.data, user.id, revoke, now);
        if (!signed_out) return signed_out.error();
        tokens = std::move(*signed_out);
        auto event = audit_event("password.reset").by(actor_kind::user, user.id).of(user.account_id);
        return parts_.audit.append(event.about(user.email).from(address).with("revoked_keys", revoked.size()));
    });
    if (!stored) return {stored.error().code == errc::not_found ? link_is_dead() : error_for(stored.error()), 0};
    end_keys(user.account_id, revoked);
    end_keys(user.account_id, tokens);
    return {std::nullopt, revoked.size()};
}

void api::end_keys(const std::string& account_id, const std::vector<std::string>& revoked) {
    parts_.keys.forget_account(account_id);
    for (const auto& id : revoked)
        end_caller(parts_, id);
}

void api::change_password(const call_ptr& c) {
    json_body body(c->request.body.reveal());
    auto current = body.required_secret("current");
    auto next = std::make_shared<secret>(body.required_secret("new"));
    const auto revoke = to_key_group(body.text("revoke_keys").value_or("none"));
    if (body.error()) return c->fail(*body.error());
    if (!revoke) return c->fail(wrong_value("revoke_keys", "\"revoke_keys\" must be none, sign_in or all"));
    auto user = parts_.data.find_user(c->key.user_id);
    if (!user) return c->fail(user.error());
    if (!*user) return c->fail(failure(errc::invalid_key));
    if (auto error = check_new_password(*next, (*user)->email, parts_.options.domain, "new")) return c->fail(*error);
    // A stolen key must not be a way to try passwords faster than login is.
    if (!guard_.take_sign_in(c, (*user)->email)) return;
    auto checked = [this, c, user = **user, next, revoke = *revoke](bool right) {
        parts_.queue.post_continuation([this, c, user, next, revoke, right] {
            if (!right) {
                guard_.note_refused_sign_in(c, guard_.event(c, "password.change_failed").refused("wrong_password"),
                                            user.email);
                return c->fail(wrong_value("current", "That is not the current password"));
            }
            guard_.give_back_sign_in(c, user.email);
            hash_and_change(c, user, std::move(*next), revoke);
        });
    };
    auto posted = parts_.passwords.verify(std::move(current), (*user)->password_hash, std::move(checked));
    if (posted) return;
    guard_.give_back_sign_in(c, (*user)->email);
    c->fail(posted.error());
}

void api::hash_and_change(const call_ptr& c, const store::user& user, secret next, store::key_group revoke) {
    auto hashed = [this, c, user, revoke](outcome<std::string> hash) {
        parts_.queue.post_continuation([this, c, user, revoke, hash] {
            if (!hash) return c->fail(hash.error());
            std::vector<std::string> revoked, tokens;
            const auto now = parts_.settings.now();
            const auto stored = parts_.data.atomically([&]() -> outcome<void> {
                if (auto changed = parts_.data.change_password(user.id, *hash, now); !changed) return changed;
                auto ended = parts_.data.revoke_keys(user.account_id, revoke, c->key.id, now);
                if (!ended) return ended.error();
                revoked = std::move(*ended);
                auto signed_out = end_sign_ins(parts_.data, user.id, revoke, now);
                if (!signed_out) return signed_out.error();
                tokens = std::move(*signed_out);
                auto event = guard_.event(c, "password.changed").about(user.email);
                return parts_.audit.append(event.with("revoked_keys", revoked.size()));
            });
            if (!stored) return c->fail(stored.error());
            end_keys(user.account_id, revoked);
            end_keys(user.account_id, tokens);
            c->reply(200, revoked_body(revoked.size()));
        });
    };
    if (auto posted = parts_.passwords.hash(std::move(next), std::move(hashed)); !posted) c->fail(posted.error());
}

}  // namespace instatunnel::service
