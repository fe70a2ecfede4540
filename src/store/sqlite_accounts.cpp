#include "sqlite_store.hpp"

namespace instatunnel::store {
namespace {

#define IT_USER_QUERY                                                                                      \
    "SELECT u.id, m.account_id, u.email, u.name, a.plan, coalesce(c.data, ''), u.created_at FROM users u " \
    "JOIN memberships m ON m.user_id = u.id JOIN accounts a ON a.id = m.account_id "                       \
    "LEFT JOIN credentials c ON c.user_id = u.id AND c.kind = 'password' "

user read_user(const query& row) {
    user u;
    u.id = row.text(0);
    u.account_id = row.text(1);
    u.email = row.text(2);
    u.name = row.text(3);
    u.plan = row.text(4);
    u.password_hash = row.text(5);
    u.created_at = row.time(6);
    return u;
}

outcome<std::optional<user>> find_one(query& find) {
    std::optional<user> found;
    if (find.next()) found = read_user(find);
    if (find.failed()) return find.error();
    return found;
}

}  // namespace

outcome<void> sqlite_store::add_user(const user& owner, const std::optional<api_key>& first_key) {
    return db_->in_transaction([&]() -> outcome<void> {
        query add_account(*db_, "INSERT INTO accounts(id, name, plan, created_at) VALUES (?, ?, ?, ?)");
        add_account.bind(owner.account_id).bind(owner.name).bind(owner.plan).bind(owner.created_at);
        if (auto done = add_account.run(); !done) return done;
        query add(*db_, "INSERT INTO users(id, email, name, created_at) VALUES (?, ?, ?, ?)");
        if (auto done = add.bind(owner.id).bind(owner.email).bind(owner.name).bind(owner.created_at).run(); !done)
            return done;
        query join(*db_, "INSERT INTO memberships(account_id, user_id, role) VALUES (?, ?, 'owner')");
        if (auto done = join.bind(owner.account_id).bind(owner.id).run(); !done) return done;
        query count(*db_, "INSERT INTO account_usage(account_id) VALUES (?)");
        if (auto done = count.bind(owner.account_id).run(); !done) return done;
        if (!owner.password_hash.empty())
            if (auto done = set_password(owner.id, owner.password_hash, owner.created_at); !done) return done;
        if (first_key) return insert_key(*first_key);
        return {};
    });
}

outcome<void> sqlite_store::set_password(std::string_view user_id, std::string_view password_hash, wall_time now) {
    query put(*db_,
              "INSERT INTO credentials(user_id, kind, data, updated_at) VALUES (?, 'password', ?, ?) "
              "ON CONFLICT(user_id, kind) DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at");
    return put.bind(user_id).bind(password_hash).bind(now).run();
}

outcome<std::optional<user>> sqlite_store::find_user_by_email(std::string_view email) {
    query find(*db_, IT_USER_QUERY "WHERE u.email = ?");
    return find_one(find.bind(email));
}

outcome<std::optional<user>> sqlite_store::find_user(std::string_view user_id) {
    query find(*db_, IT_USER_QUERY "WHERE u.id = ?");
    return find_one(find.bind(user_id));
}

outcome<std::vector<user>> sqlite_store::list_users() {
    query list(*db_, IT_USER_QUERY "ORDER BY u.created_at, u.id");
    std::vector<user> users;
    while (list.next())
        users.push_back(read_user(list));
    if (list.failed()) return list.error();
    return users;
}

outcome<void> sqlite_store::reset_credentials(std::string_view user_id, std::string_view password_hash,
                                              const api_key& key) {
    return db_->in_transaction([&]() -> outcome<void> {
        auto known = find_user(user_id);
        if (!known) return known.error();
        if (!*known) return errc::not_found;
        if (auto done = set_password(user_id, password_hash, key.created_at); !done) return done;
        return insert_key(key);
    });
}

}  // namespace instatunnel::store
