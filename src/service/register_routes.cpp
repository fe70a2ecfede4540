#include "api.hpp"
#include "credentials_body.hpp"
#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/one_time_token.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "invitation_rules.hpp"
#include "json_body.hpp"
#include "new_account.hpp"

namespace instatunnel::service {
namespace {

new_account to_account(const credentials& given, wall_time now) {
    new_account wanted;
    wanted.owner.id = auth::make_id("user");
    wanted.owner.account_id = auth::make_id("acc");
    wanted.owner.email = given.email;
    wanted.owner.name = given.email.substr(0, given.email.find('@'));
    wanted.owner.plan = "pro";
    wanted.owner.created_at = now;
    wanted.label = given.label;
    return wanted;
}

// The same words for every reason: they must not tell a code that was used from one that never was.
api_error wrong_invite() {
    return wrong_value("invite",
                       "This invitation does not work: it is wrong, used up, revoked or expired. Ask who invited you "
                       "for another one");
}

}  // namespace

void api::register_account(const call_ptr& c) {
    if (parts_.options.sign_up == sign_up_policy::closed) {
        parts_.audit.note_seldom(guard_.event(c, "account.register_failed").refused("closed"),
                                 c->request.remote_address);
        return c->fail(
            failure(errc::forbidden,
                    "Sign-up is closed on this server: its owner adds users with: instatunnel admin user add"));
    }
    // Published clients call the unversioned path with an email alone; such an account gets a password later.
    auto given = read_credentials(*c, c->versioned ? needs_password::yes : needs_password::no);
    if (given.error) return c->fail(*given.error);
    if (!given.password.empty() || c->versioned)
        if (auto error = check_new_password(given.password, given.email, parts_.options.domain)) return c->fail(*error);
    if (!guard_.take_sign_in(c, given.email)) return;
    auto wanted = to_account(given, parts_.settings.now());
    // Before the address is looked at: on an edge by invitation, only who holds a code learns which ones are known.
    if (!check_invite(c, wanted, given.invite)) return;
    auto known = parts_.data.find_user_by_email(given.email);
    if (!known) return c->fail(known.error());
    if (*known) return refuse_known_email(c, given.email);
    const auto& address = c->request.remote_address;
    if (!guard_.refuse_if(c, parts_.account_rates.take_sign_up(address, parts_.settings.steady()))) return;
    if (given.password.empty()) return finish_register(c, wanted);
    hash_and_register(c, wanted, std::move(given.password));
}

bool api::check_invite(const call_ptr& c, new_account& wanted, const std::optional<std::string>& code) {
    if (!code) {
        if (parts_.options.sign_up == sign_up_policy::open) return true;
        c->fail(wrong_value("invite", "New accounts need an invitation here: give its code as \"invite\""));
        return false;
    }
    wanted.invite_digest = auth::one_time_digest(*code);
    auto found = parts_.data.find_invitation(wanted.invite_digest);
    if (!found) {
        c->fail(found.error());
        return false;
    }
    if (!*found || !is_usable(**found, wanted.owner.email, wanted.owner.created_at)) {
        guard_.note_refused_sign_in(c, guard_.event(c, "account.register_failed").refused("wrong_invite"),
                                    wanted.owner.email);
        c->fail(wrong_invite());
        return false;
    }
    wanted.invitation_id = (*found)->id;
    if (!(*found)->plan.empty()) wanted.owner.plan = (*found)->plan;
    return true;
}

void api::hash_and_register(const call_ptr& c, const new_account& wanted, secret password) {
    auto hashed = [this, c, wanted = wanted](outcome<std::string> hash) {
        parts_.queue.post_continuation([this, c, wanted = wanted, hash]() mutable {
            if (!hash) return c->fail(hash.error());
            wanted.owner.password_hash = *hash;
            finish_register(c, wanted);
        });
    };
    auto posted = parts_.passwords.hash(std::move(password), std::move(hashed));
    if (posted) return;
    guard_.give_back_sign_in(c, wanted.owner.email);
    c->fail(posted.error());
}

void api::refuse_known_email(const call_ptr& c, const std::string& email) {
    guard_.note_refused_sign_in(c, guard_.event(c, "account.register_failed").refused("already_exists"), email);
    c->fail(failure(errc::already_exists, "This email address has an account already"), "email");
}

void api::finish_register(const call_ptr& c, const new_account& wanted) {
    const auto& owner = wanted.owner;
    auto made = parts_.keys.make(owner.account_id, owner.id,
                                 {wanted.label, auth::full_scope_set(), std::nullopt, /*by_sign_in=*/true});
    const auto purpose = owner.password_hash.empty() ? link_purpose::first_password : link_purpose::verify_email;
    std::optional<account_link> link;
    const auto stored = parts_.data.atomically([&]() -> outcome<void> {
        if (auto added = parts_.data.add_user(owner, made.record); !added) return added;
        if (!wanted.invite_digest.empty()) {
            auto used = parts_.data.use_invitation(wanted.invite_digest, owner.account_id, owner.created_at);
            if (!used) return used;
        }
        if (parts_.links.can_deliver()) {
            auto written = parts_.links.make(purpose, owner);
            if (!written) return written.error();
            link = std::move(*written);
        }
        auto event = guard_.event(c, "account.registered").by(actor_kind::user, owner.id).of(owner.account_id);
        event.about(owner.email).with("plan", owner.plan).with("key", made.record.id);
        if (!wanted.invitation_id.empty()) event.with("invitation", wanted.invitation_id);
        return parts_.audit.append(event);
    });
    if (!stored && stored.error().code == errc::already_exists) return refuse_known_email(c, owner.email);
    // Somebody else took the last use while the password was computed.
    if (!stored && stored.error().code == errc::not_found) return c->fail(wrong_invite());
    if (!stored) return c->fail(stored.error());
    // An invitation may have given its maker another plan.
    if (!wanted.invite_digest.empty()) parts_.plans.forget();
    if (link) parts_.links.deliver(std::move(*link));
    guard_.give_back_sign_in(c, owner.email);
    nlohmann::ordered_json body;
    body["api_key"] = made.key.reveal();
    body["email"] = owner.email;
    body["plan"] = owner.plan;
    c->reply(201, body);
}

}  // namespace instatunnel::service
