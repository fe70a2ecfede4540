#include "instatunnel/service/admin.hpp"

#include "admin_input.hpp"
#include "admin_session.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/password.hpp"
#include "instatunnel/auth/password_rules.hpp"
#include "instatunnel/service/plans.hpp"

namespace instatunnel::service {
namespace {

// Everything but the password, checked before the slow part.
outcome<store::user> describe(const std::string& email, const std::string& name, const std::string& plan) {
    const auto address = auth::normalise_email(email);
    if (!address)
        return failure(errc::usage, "\"" + email.substr(0, 80) + "\" is not an email address",
                       "Write it like: instatunnel admin user add user@example.com");
    store::user owner;
    owner.email = *address;
    owner.name = name.empty() ? address->substr(0, address->find('@')) : name;
    owner.plan = plan.empty() ? "pro" : plan;
    if (auto usable = check_display_name(owner.name); !usable) return usable.error();
    if (auto usable = check_plan(owner.plan); !usable) return usable.error();
    return owner;
}

outcome<void> check_password(const secret& password, const std::string& email) {
    auto reason = auth::why_not_usable(password, auth::password_context(email, {}));
    if (!reason) return {};
    return failure(errc::usage, std::move(*reason), "Or leave it out and one is generated");
}

}  // namespace

outcome<added_user> add_user(const std::filesystem::path& folder, const std::string& email,
                             std::optional<secret> password, const std::string& name, const std::string& plan) {
    auto owner = describe(email, name, plan);
    if (!owner) return owner.error();
    const bool made = !password;
    if (made) password = auth::make_password();
    if (auto usable = check_password(*password, owner->email); !usable) return usable.error();

    auto session = admin_session::open(folder);
    if (!session) return session.error();
    auto hash = auth::hash_password(*password, {});
    if (!hash) return hash.error();
    owner->id = auth::make_id("user");
    owner->account_id = auth::make_id("acc");
    owner->password_hash = std::move(*hash);
    owner->created_at = wall_now();
    owner->verified_at = owner->created_at;  // the owner of the edge vouches for it
    const auto stored = (*session)->audit().together([&] { return (*session)->data().add_user(*owner, std::nullopt); },
                                                     [&] {
                                                         return (*session)
                                                             ->event("account.registered")
                                                             .of(owner->account_id)
                                                             .about(owner->email)
                                                             .with("plan", owner->plan);
                                                     });
    if (!stored) {
        if (stored.error().code != errc::already_exists) return stored.error();
        return failure(errc::already_exists, "There is a user " + owner->email + " already",
                       "See them with: instatunnel admin user ls");
    }
    return added_user{owner->id, owner->email, owner->name, owner->plan, std::move(*password), made};
}

outcome<std::vector<user_row>> list_users(const std::filesystem::path& folder) {
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto users = (*session)->data().list_users();
    if (!users) return users.error();
    std::vector<user_row> rows;
    rows.reserve(users->size());
    for (auto& u : *users)
        rows.push_back({u.id, u.email, u.name, u.plan, u.created_at, u.disabled});
    return rows;
}

}  // namespace instatunnel::service
