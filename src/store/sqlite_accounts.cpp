#include "sqlite_store.hpp"

namespace instatunnel::store {
namespace {

#define IT_USER_QUERY                                                                          \
    "SELECT u.id, m.account_id, u.email, u.name, a.plan, coalesce(c.data, ''), u.created_at, " \
    "u.disabled, u.verified_at, a.credit FROM users u "                                        \
    "JOIN memberships m ON m.user_id = u.id JOIN accounts a ON a.id = m.account_id "           \
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
    u.disabled = row.number(7) != 0;
    u.verified_at = row.maybe_time(8);
    u.credit = row.count(9);
    return u;
}

outcome<std::optional<user>> find_one_user(query& find) {
    std::optional<user> found;
    if (find.next()) found = read_user(find);
    if (find.failed()) return find.error();
    return found;
}

failure no_such_user() {
    return {errc::not_found, "There is no such user"};
}

outcome<void> run_on_user(query& change) {
    if (auto done = change.run(); !done) return done;
    if (change.changes() == 0) return no_such_user();
    return {};
}

}  // namespace

outcome<void> sqlite_store::add_user(const user& owner, const std::optional<api_key>& first_key) {
    return db_->in_transaction([&]() -> outcome<void> {
        query add_account(*db_, "INSERT INTO accounts(id, name, plan, created_at, credit) VALUES (?, ?, ?, ?, ?)");
        add_account.bind(owner.account_id).bind(owner.name).bind(owner.plan).bind(owner.created_at).bind(owner.credit);
        if (auto done = add_account.run(); !done) return done;
        query add(*db_,
                  "INSERT INTO users(id, email, name, created_at, verified_at, disabled) VALUES (?, ?, ?, ?, ?, ?)");
        add.bind(owner.id).bind(owner.email).bind(owner.name).bind(owner.created_at).bind(owner.verified_at);
        if (auto done = add.bind(std::int64_t{owner.disabled}).run(); !done) return done;
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
    return find_one_user(find.bind(email));
}

outcome<std::optional<user>> sqlite_store::find_user(std::string_view user_id) {
    query find(*db_, IT_USER_QUERY "WHERE u.id = ?");
    return find_one_user(find.bind(user_id));
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

outcome<void> sqlite_store::change_password(std::string_view user_id, std::string_view password_hash, wall_time now) {
    return db_->in_transaction([&]() -> outcome<void> {
        auto known = find_user(user_id);
        if (!known) return known.error();
        if (!*known) return no_such_user();
        query links(*db_, "DELETE FROM one_time_tokens WHERE user_id = ? AND kind = 'password_reset'");
        if (auto done = links.bind(user_id).run(); !done) return done;
        return set_password(user_id, password_hash, now);
    });
}

outcome<void> sqlite_store::rename_user(std::string_view user_id, std::string_view name) {
    query rename(*db_, "UPDATE users SET name = ? WHERE id = ?");
    return run_on_user(rename.bind(name).bind(user_id));
}

outcome<void> sqlite_store::disable_user(std::string_view user_id, bool disabled) {
    query change(*db_, "UPDATE users SET disabled = ? WHERE id = ?");
    return run_on_user(change.bind(std::int64_t{disabled}).bind(user_id));
}

outcome<void> sqlite_store::verify_email(std::string_view user_id, wall_time now) {
    return db_->in_transaction([&]() -> outcome<void> {
        query links(*db_, "DELETE FROM one_time_tokens WHERE user_id = ? AND kind = 'email_verification'");
        if (auto done = links.bind(user_id).run(); !done) return done;
        query note(*db_, "UPDATE users SET verified_at = coalesce(verified_at, ?) WHERE id = ?");
        return run_on_user(note.bind(now).bind(user_id));
    });
}

outcome<void> sqlite_store::set_plan(std::string_view account_id, std::string_view plan) {
    query change(*db_, "UPDATE accounts SET plan = ? WHERE id = ?");
    return run_on_user(change.bind(plan).bind(account_id));
}

outcome<void> sqlite_store::remove_user(std::string_view user_id) {
    return db_->in_transaction([&]() -> outcome<void> {
        query account(*db_, "DELETE FROM accounts WHERE id = (SELECT account_id FROM memberships WHERE user_id = ?)");
        if (auto done = account.bind(user_id).run(); !done) return done;
        query user(*db_, "DELETE FROM users WHERE id = ?");
        return run_on_user(user.bind(user_id));
    });
}

}  // namespace instatunnel::store
