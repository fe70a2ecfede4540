#include "sqlite_store.hpp"
#include "words.hpp"

namespace instatunnel::store {
namespace {

#define IT_KEY_QUERY                                                                                     \
    "SELECT id, account_id, user_id, name, digest, tail, scopes, created_at, expires_at, last_used_at, " \
    "revoked_at, replaced_by, by_sign_in, (SELECT disabled FROM users WHERE users.id = user_id), "       \
    "(SELECT verified_at IS NOT NULL FROM users WHERE users.id = user_id) FROM api_keys "

api_key read_key(const query& row) {
    api_key key;
    key.id = row.text(0);
    key.account_id = row.text(1);
    key.user_id = row.text(2);
    key.name = row.text(3);
    key.digest = row.text(4);
    key.tail = row.text(5);
    key.scopes = split_words(row.text(6));
    key.created_at = row.time(7);
    key.expires_at = row.maybe_time(8);
    key.last_used_at = row.maybe_time(9);
    key.revoked_at = row.maybe_time(10);
    if (auto successor = row.text(11); !successor.empty()) key.replaced_by = std::move(successor);
    key.by_sign_in = row.number(12) != 0;
    key.owner_disabled = row.number(13) != 0;
    key.owner_verified = row.number(14) != 0;
    return key;
}

failure no_such_key() {
    return {errc::not_found, "There is no such key in this account"};
}

}  // namespace

outcome<void> sqlite_store::insert_key(const api_key& key) {
    query add(*db_,
              "INSERT INTO api_keys(id, account_id, user_id, name, digest, tail, scopes, created_at, expires_at, "
              "by_sign_in) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    add.bind(key.id).bind(key.account_id).bind(key.user_id).bind(key.name).bind_bytes(key.digest).bind(key.tail);
    return add.bind(join_words(key.scopes))
        .bind(key.created_at)
        .bind(key.expires_at)
        .bind(std::int64_t{key.by_sign_in})
        .run();
}

outcome<void> sqlite_store::add_key(const api_key& key, std::uint64_t limit) {
    return db_->in_transaction([&]() -> outcome<void> {
        query count(*db_, "SELECT count(*) FROM api_keys WHERE account_id = ? AND revoked_at IS NULL");
        if (!count.bind(key.account_id).next()) return count.error();
        if (count.count(0) >= limit)
            return failure(errc::forbidden, "The account has " + std::to_string(limit) + " keys already",
                           "Revoke keys that are not in use, then try again");
        return insert_key(key);
    });
}

outcome<std::optional<api_key>> sqlite_store::find_key(std::string_view digest) {
    query find(*db_, IT_KEY_QUERY "WHERE digest = ?");
    std::optional<api_key> found;
    if (find.bind_bytes(digest).next()) found = read_key(find);
    if (find.failed()) return find.error();
    return found;
}

outcome<std::optional<api_key>> sqlite_store::find_key_by_id(std::string_view account_id, std::string_view key_id) {
    query find(*db_, IT_KEY_QUERY "WHERE id = ? AND account_id = ?");
    std::optional<api_key> found;
    if (find.bind(key_id).bind(account_id).next()) found = read_key(find);
    if (find.failed()) return find.error();
    return found;
}

outcome<std::optional<api_key>> sqlite_store::find_key_of_any_account(std::string_view key_id) {
    query find(*db_, IT_KEY_QUERY "WHERE id = ?");
    std::optional<api_key> found;
    if (find.bind(key_id).next()) found = read_key(find);
    if (find.failed()) return find.error();
    return found;
}

outcome<std::vector<api_key>> sqlite_store::list_keys(std::string_view account_id) {
    query list(*db_, IT_KEY_QUERY "WHERE account_id = ? AND revoked_at IS NULL ORDER BY created_at, id");
    list.bind(account_id);
    std::vector<api_key> keys;
    while (list.next())
        keys.push_back(read_key(list));
    if (list.failed()) return list.error();
    return keys;
}

outcome<void> sqlite_store::revoke_key(std::string_view account_id, std::string_view key_id, wall_time now) {
    query revoke(*db_, "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND account_id = ? AND revoked_at IS NULL");
    if (auto done = revoke.bind(now).bind(key_id).bind(account_id).run(); !done) return done;
    if (revoke.changes() == 0) return no_such_key();
    return {};
}

outcome<void> sqlite_store::rename_key(std::string_view account_id, std::string_view key_id, std::string_view name) {
    query rename(*db_, "UPDATE api_keys SET name = ? WHERE id = ? AND account_id = ? AND revoked_at IS NULL");
    if (auto done = rename.bind(name).bind(key_id).bind(account_id).run(); !done) return done;
    if (rename.changes() == 0) return no_such_key();
    return {};
}

outcome<void> sqlite_store::replace_key(std::string_view account_id, std::string_view key_id,
                                        std::string_view successor, wall_time ends_at) {
    query replace(*db_,
                  "UPDATE api_keys SET replaced_by = ?1, expires_at = min(coalesce(expires_at, ?2), ?2) "
                  "WHERE id = ?3 AND account_id = ?4 AND revoked_at IS NULL AND replaced_by IS NULL");
    if (auto done = replace.bind(successor).bind(ends_at).bind(key_id).bind(account_id).run(); !done) return done;
    if (replace.changes() == 0) return no_such_key();
    return {};
}

outcome<std::vector<std::string>> sqlite_store::revoke_keys(std::string_view account_id, key_group which,
                                                            std::string_view spared_key_id, wall_time now) {
    if (which == key_group::none) return std::vector<std::string>();
    return db_->in_transaction([&]() -> outcome<std::vector<std::string>> {
        query revoke(*db_,
                     "UPDATE api_keys SET revoked_at = ?1 WHERE account_id = ?2 AND id <> ?3 AND revoked_at IS NULL "
                     "AND (by_sign_in = 1 OR ?4) RETURNING id");
        revoke.bind(now).bind(account_id).bind(spared_key_id).bind(std::int64_t{which == key_group::all});
        std::vector<std::string> revoked;
        while (revoke.next())
            revoked.push_back(revoke.text(0));
        if (revoke.failed()) return revoke.error();
        return revoked;
    });
}

outcome<void> sqlite_store::record_key_uses(std::span<const key_use> uses) {
    return db_->in_transaction([&]() -> outcome<void> {
        for (const auto& use : uses) {
            query touch(*db_, "UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?");
            if (auto done = touch.bind(use.at).bind(use.key_id).run(); !done) return done;
        }
        return {};
    });
}

}  // namespace instatunnel::store
