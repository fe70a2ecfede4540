#include "password_check.hpp"

namespace instatunnel::service {
namespace {

// A password that was changed while it was being checked is not the password any more.
outcome<store::user> still_right(const api_parts& parts, const store::user& user) {
    auto current = parts.data.find_user(user.id);
    if (!current) return current.error();
    if (!*current || (*current)->password_hash != user.password_hash) return failure(errc::wrong_password);
    if ((*current)->disabled) return failure(errc::account_disabled);
    return std::move(**current);
}

}  // namespace

void check_password(const api_parts& parts, call_guard& guard, const call_ptr& c, const std::string& email,
                    secret password, std::function<void(outcome<store::user>)> done) {
    if (!guard.take_sign_in(c, email)) return;
    auto known = parts.data.find_user_by_email(email);
    if (!known) return done(known.error());

    // An unknown account goes the same way with an empty hash: the pool computes as long for it.
    const auto user = known->value_or(store::user());
    auto checked = [&parts, &guard, c, user, email, done](bool right) {
        parts.queue.post_continuation([&parts, &guard, c, user, email, done, right] {
            if (!right) {
                guard.note_refused_sign_in(
                    c, guard.event(c, "login.failed").of(user.account_id).refused("wrong_password"), email);
                return done(failure(errc::wrong_password));
            }
            guard.give_back_sign_in(c, email);
            auto current = still_right(parts, user);
            if (!current && current.error().code == errc::account_disabled)
                parts.audit.note(
                    guard.event(c, "login.failed").of(user.account_id).about(user.email).refused("account_disabled"));
            done(std::move(current));
        });
    };
    auto posted = parts.passwords.verify(std::move(password), user.password_hash, std::move(checked));
    if (posted) return;
    guard.give_back_sign_in(c, email);
    done(posted.error());
}

}  // namespace instatunnel::service
