#include "instatunnel/service/admin.hpp"

#include "admin_session.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/password.hpp"
#include "instatunnel/service/plans.hpp"
#include "instatunnel/store/sqlite.hpp"

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
    if (!auth::is_display_name(owner.name))
        return failure(errc::usage, "The name is longer than 120 bytes or holds control characters",
                       "Choose another one: --name NAME");
    if (!is_plan(owner.plan))
        return failure(errc::usage, "There is no plan \"" + owner.plan.substr(0, 80) + "\"",
                       "Choose one: --plan free, --plan pro or --plan business");
    return owner;
}

outcome<void> check_password(const secret& password) {
    const auto length = password.reveal().size();
    if (length >= auth::min_password_length && length <= auth::max_password_length) return {};
    return failure(errc::usage,
                   "The password must have " + std::to_string(auth::min_password_length) + " to " +
                       std::to_string(auth::max_password_length) + " bytes",
                   "Choose another one, or leave it out and one is generated");
}

}  // namespace

outcome<added_user> add_user(const std::filesystem::path& folder, const std::string& email,
                             std::optional<secret> password, const std::string& name, const std::string& plan) {
    auto owner = describe(email, name, plan);
    if (!owner) return owner.error();
    const bool made = !password;
    if (made) password = auth::make_password();
    if (auto usable = check_password(*password); !usable) return usable.error();

    auto session = admin_session::open(folder);
    if (!session) return session.error();
    auto hash = auth::hash_password(*password, {});
    if (!hash) return hash.error();
    owner->id = auth::make_id("user");
    owner->account_id = auth::make_id("acc");
    owner->password_hash = std::move(*hash);
    owner->created_at = wall_now();
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
    std::error_code ec;
    if (!std::filesystem::exists(folder / store::sqlite_file_name, ec))
        return failure(errc::file_missing, "There is no data of an edge in " + folder.string(),
                       "Name its folder: --data DIR, or start it once: instatunnel serve");
    auto data = store::open_sqlite(folder);
    if (!data) return data.error();
    auto users = (*data)->list_users();
    if (!users) return users.error();
    std::vector<user_row> rows;
    rows.reserve(users->size());
    for (auto& u : *users)
        rows.push_back({u.id, u.email, u.name, u.plan, u.created_at});
    return rows;
}

}  // namespace instatunnel::service
