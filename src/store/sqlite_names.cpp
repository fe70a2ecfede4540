#include "sqlite_store.hpp"

namespace instatunnel::store {
namespace {

#define IT_NAME_QUERY                                                                            \
    "SELECT n.name, n.account_id, coalesce(u.email, ''), n.kind, n.created_at, n.last_used_at, " \
    "coalesce(t.id, '') FROM names n "                                                           \
    "LEFT JOIN memberships m ON m.account_id = n.account_id AND m.role = 'owner' "               \
    "LEFT JOIN users u ON u.id = m.user_id "                                                     \
    "LEFT JOIN tunnels t ON t.name = n.name AND t.removed_at IS NULL "

leased_name read_name(const query& row) {
    leased_name n;
    n.name = row.text(0);
    n.account_id = row.text(1);
    n.email = row.text(2);
    n.kind = row.text(3) == "random" ? lease_kind::random : lease_kind::requested;
    n.created_at = row.time(4);
    n.last_used_at = row.time(5);
    n.tunnel_id = row.text(6);
    return n;
}

outcome<std::vector<leased_name>> read_all(query& list) {
    std::vector<leased_name> names;
    while (list.next())
        names.push_back(read_name(list));
    if (list.failed()) return list.error();
    return names;
}

}  // namespace

outcome<std::optional<leased_name>> sqlite_store::find_name(std::string_view name) {
    query find(*db_, IT_NAME_QUERY "WHERE n.name = ?");
    std::optional<leased_name> found;
    if (find.bind(name).next()) found = read_name(find);
    if (find.failed()) return find.error();
    return found;
}

outcome<std::vector<leased_name>> sqlite_store::list_names(std::string_view account_id, std::uint64_t limit) {
    if (account_id.empty()) {
        query all(*db_, IT_NAME_QUERY "ORDER BY n.name LIMIT ?");
        return read_all(all.bind(limit));
    }
    query own(*db_, IT_NAME_QUERY "WHERE n.account_id = ? ORDER BY n.name LIMIT ?");
    return read_all(own.bind(account_id).bind(limit));
}

outcome<std::uint64_t> sqlite_store::count_requested_names(std::string_view account_id) {
    query count(*db_, "SELECT count(*) FROM names WHERE account_id = ? AND kind = 'requested'");
    if (!count.bind(account_id).next()) return count.error();
    return count.count(0);
}

outcome<void> sqlite_store::reserve_name(std::string_view account_id, std::string_view name, const name_limits& limits,
                                         wall_time now) {
    tunnel_request request;
    request.account_id = account_id;
    request.name = name;
    request.now = now;
    return db_->in_transaction([&] { return lease_name(request, limits); });
}

outcome<void> sqlite_store::release_name(std::string_view account_id, std::string_view name, wall_time now) {
    return db_->in_transaction([&]() -> outcome<void> {
        query release(*db_, "DELETE FROM names WHERE name = ? AND account_id = ?");
        if (auto done = release.bind(name).bind(account_id).run(); !done) return done;
        if (release.changes() == 0) return failure(errc::not_found, "The account does not hold this name");
        query end(*db_, "UPDATE tunnels SET removed_at = ? WHERE name = ? AND removed_at IS NULL");
        if (auto done = end.bind(now).bind(name).run(); !done) return done;
        query port(*db_, "DELETE FROM tcp_ports WHERE name = ?");
        return port.bind(name).run();
    });
}

outcome<std::vector<blocked_name>> sqlite_store::list_blocked_names() {
    query list(*db_, "SELECT pattern, reason, created_at FROM blocked_names ORDER BY created_at, pattern");
    std::vector<blocked_name> blocked;
    while (list.next())
        blocked.push_back({list.text(0), list.text(1), list.time(2)});
    if (list.failed()) return list.error();
    return blocked;
}

outcome<void> sqlite_store::block_name(const blocked_name& blocked, std::uint64_t limit) {
    return db_->in_transaction([&]() -> outcome<void> {
        query count(*db_, "SELECT count(*) FROM blocked_names WHERE pattern <> ?");
        if (!count.bind(blocked.pattern).next()) return count.error();
        if (count.count(0) >= limit)
            return failure(errc::forbidden, std::to_string(limit) + " names and patterns are blocked already",
                           "Say more with fewer: a pattern may hold *");
        query put(*db_,
                  "INSERT INTO blocked_names(pattern, reason, created_at) VALUES (?, ?, ?) "
                  "ON CONFLICT(pattern) DO UPDATE SET reason = excluded.reason");
        return put.bind(blocked.pattern).bind(blocked.reason).bind(blocked.created_at).run();
    });
}

outcome<void> sqlite_store::unblock_name(std::string_view pattern) {
    query remove(*db_, "DELETE FROM blocked_names WHERE pattern = ?");
    if (auto done = remove.bind(pattern).run(); !done) return done;
    if (remove.changes() == 0) return failure(errc::not_found, "This name is not blocked");
    return {};
}

}  // namespace instatunnel::store
