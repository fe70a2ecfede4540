#include "instatunnel/service/admin_keys.hpp"

#include "admin_session.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "keyring.hpp"
#include "word_list.hpp"

namespace instatunnel::service {
namespace {

key_row to_row(const store::api_key& key, const std::string& email) {
    return {key.id,     email,          key.name,         "it_***..." + key.tail,
            key.scopes, key.created_at, key.last_used_at, key.expires_at};
}

outcome<store::user> find_owner(store::store& data, const std::string& email) {
    const auto address = auth::normalise_email(email);
    if (!address)
        return failure(errc::usage, "\"" + email.substr(0, 80) + "\" is not an email address",
                       "Write it like: instatunnel admin key ls user@example.com");
    auto found = data.find_user_by_email(*address);
    if (!found) return found.error();
    if (!*found)
        return failure(errc::not_found, "There is no user " + *address, "See them with: instatunnel admin user ls");
    return std::move(**found);
}

outcome<std::vector<store::user>> owners(store::store& data, const std::string& email) {
    if (email.empty()) return data.list_users();
    auto one = find_owner(data, email);
    if (!one) return one.error();
    return std::vector{std::move(*one)};
}

outcome<void> check(const admin_key_wish& wish) {
    if (!auth::is_display_name(wish.name))
        return failure(errc::usage, "A key's name has 1 to 120 bytes and no control characters",
                       "Write it like --name \"CI of the shop\"");
    for (const auto& permission : wish.permissions)
        if (!auth::is_scope_pattern(permission))
            return failure(errc::usage, "There is no permission \"" + permission.substr(0, 80) + "\"",
                           "Write it like --scope tunnels:write");
    return {};
}

}  // namespace

outcome<std::vector<key_row>> list_account_keys(const std::filesystem::path& folder, const std::string& email) {
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto& data = (*session)->data();
    const auto users = owners(data, email);
    if (!users) return users.error();
    std::vector<key_row> rows;
    for (const auto& user : *users) {
        const auto keys = data.list_keys(user.account_id);
        if (!keys) return keys.error();
        for (const auto& key : *keys)
            rows.push_back(to_row(key, user.email));
    }
    return rows;
}

outcome<admin_made_key> create_account_key(const std::filesystem::path& folder, const admin_key_wish& wish) {
    if (auto usable = check(wish); !usable) return usable.error();
    auto opened = admin_session::open_existing(folder);
    if (!opened) return opened.error();
    auto& session = **opened;
    const auto owner = find_owner(session.data(), wish.email);
    if (!owner) return owner.error();
    keyring keys(session.data(), session.pepper(), session.settings());
    auto made = session.audit().together(
        [&] {
            return keys.issue(owner->account_id, owner->id, {wish.name, wish.permissions, wish.expires_at});
        },
        [&](const made_key& key) {
            return session.event("key.created")
                .of(owner->account_id)
                .about(key.record.id)
                .with("name", wish.name)
                .with("permissions", word_list(wish.permissions))
                .with("expires_at", wish.expires_at ? to_rfc3339(*wish.expires_at) : "never");
        });
    if (!made) return made.error();
    auto row = to_row(made->record, owner->email);
    return admin_made_key{std::move(made->key), std::move(row)};
}

outcome<void> revoke_account_key(const std::filesystem::path& folder, const std::string& key_id) {
    auto opened = admin_session::open_existing(folder);
    if (!opened) return opened.error();
    auto& session = **opened;
    const failure unknown(errc::not_found, "There is no key \"" + key_id.substr(0, 80) + "\", or it was revoked before",
                          "See them with: instatunnel admin key ls");
    const auto key = session.data().find_key_of_any_account(key_id);
    if (!key) return key.error();
    if (!*key) return unknown;
    const auto& account = (*key)->account_id;
    auto revoked = session.audit().together([&] { return session.data().revoke_key(account, key_id, wall_now()); },
                                            [&] { return session.event("key.revoked").of(account).about(key_id); });
    if (!revoked && revoked.error().code == errc::not_found) return unknown;
    return revoked;
}

}  // namespace instatunnel::service
