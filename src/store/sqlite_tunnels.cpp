#include "sqlite_store.hpp"

#include "instatunnel/base/random.hpp"

namespace instatunnel::store {
namespace {

// Every number up to it is exact in JSON, whoever reads it.
constexpr std::uint64_t largest_number = std::uint64_t{1} << 52;

#define IT_TUNNEL_QUERY                                                                                           \
    "SELECT id, account_id, name, target, created_at, connected_at, requests, bytes_in, bytes_out, proto, port, " \
    "number, access, expires_at FROM tunnels "

tunnel read_tunnel(const query& row) {
    tunnel t;
    t.id = row.text(0);
    t.account_id = row.text(1);
    t.name = row.text(2);
    t.target = row.text(3);
    t.created_at = row.time(4);
    t.connected_at = row.maybe_time(5);
    t.requests = row.count(6);
    t.bytes_in = row.count(7);
    t.bytes_out = row.count(8);
    t.proto = row.text(9);
    t.port = static_cast<std::uint16_t>(row.count(10));
    t.number = row.count(11);
    t.access = row.text(12);
    t.expires_at = row.maybe_time(13);
    return t;
}

std::string_view to_text(lease_kind kind) {
    return kind == lease_kind::random ? "random" : "requested";
}

}  // namespace

// Runs inside the caller's transaction: the check and the claim of a name must not be parted.
outcome<void> sqlite_store::lease_name(const tunnel_request& request, const name_limits& limits) {
    query find(*db_, "SELECT account_id, kind FROM names WHERE name = ?");
    const bool leased = find.bind(request.name).next();
    if (find.failed()) return find.error();
    if (leased && find.text(0) != request.account_id)
        return failure(errc::name_taken,
                       "subdomain already taken: \"" + request.name + "\" belongs to another account");
    // A name that was made up once and is now asked for by name stays with the account.
    const bool kept = leased && (request.kind == lease_kind::random || find.text(1) == to_text(request.kind));
    if (!kept)
        if (auto room = make_room(request, limits); !room) return room;
    if (leased) {
        query use(*db_, "UPDATE names SET last_used_at = max(last_used_at, ?), kind = ? WHERE name = ?");
        return use.bind(request.now)
            .bind(kept ? find.text(1) : std::string(to_text(request.kind)))
            .bind(request.name)
            .run();
    }
    query add(*db_,
              "INSERT INTO names(name, account_id, kind, instance, created_at, last_used_at) "
              "VALUES (?1, ?2, ?3, ?4, ?5, ?5)");
    add.bind(request.name).bind(request.account_id).bind(to_text(request.kind)).bind(request.instance);
    return add.bind(request.now).run();
}

outcome<void> sqlite_store::make_room(const tunnel_request& request, const name_limits& limits) {
    query count(*db_, "SELECT count(*) FROM names WHERE account_id = ? AND kind = ?");
    if (!count.bind(request.account_id).bind(to_text(request.kind)).next()) return count.error();
    if (request.kind == lease_kind::requested) {
        if (count.count(0) < limits.requested_names) return {};
        return failure(errc::forbidden,
                       "The account holds " + std::to_string(limits.requested_names) + " names already",
                       "Use one of them: instatunnel ls");
    }
    if (count.count(0) < limits.random_names) return {};
    query oldest(*db_,
                 "SELECT name FROM names WHERE account_id = ? AND kind = 'random' ORDER BY last_used_at, name LIMIT 1");
    if (!oldest.bind(request.account_id).next()) return oldest.error();
    const auto name = oldest.text(0);
    query end(*db_, "UPDATE tunnels SET removed_at = ? WHERE name = ? AND removed_at IS NULL");
    if (auto done = end.bind(request.now).bind(name).run(); !done) return done;
    query release(*db_, "DELETE FROM names WHERE name = ?");
    return release.bind(name).run();
}

outcome<void> sqlite_store::insert_tunnel(const tunnel_request& request) {
    query add(*db_,
              "INSERT INTO tunnels(id, account_id, name, target, created_at, number, access, expires_at, made_from) "
              "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    add.bind(request.id).bind(request.account_id).bind(request.name).bind(request.target).bind(request.now);
    add.bind(random_below(largest_number) + 1).bind_bytes(request.access).bind(request.expires_at);
    add.bind(request.made_from);
    if (auto done = add.run(); !done) return done;
    query count(*db_, "UPDATE account_usage SET tunnels_created = tunnels_created + 1 WHERE account_id = ?");
    return count.bind(request.account_id).run();
}

outcome<tunnel> sqlite_store::open_tunnel(const tunnel_request& request, const name_limits& limits) {
    return db_->in_transaction([&]() -> outcome<tunnel> {
        if (auto leased = lease_name(request, limits); !leased) return leased.error();
        auto known = find_tunnel(request.account_id, request.name);
        if (!known) return known.error();
        if (!*known)
            if (auto added = insert_tunnel(request); !added) return added.error();
        query connect(
            *db_,
            "UPDATE tunnels SET connected_at = ?1, target = coalesce(nullif(?2, ''), target), proto = ?3, port = 0 "
            "WHERE name = ?4 AND removed_at IS NULL");
        connect.bind(request.now).bind(request.target).bind(request.proto).bind(request.name);
        if (auto done = connect.run(); !done) return done.error();
        auto opened = find_tunnel(request.account_id, request.name);
        if (!opened) return opened.error();
        if (!*opened) return errc::internal;
        return **opened;
    });
}

outcome<tunnel> sqlite_store::create_tunnel(const tunnel_request& request, const name_limits& limits) {
    return db_->in_transaction([&]() -> outcome<tunnel> {
        if (auto leased = lease_name(request, limits); !leased) return leased.error();
        if (auto added = insert_tunnel(request); !added) {
            if (added.error().code != errc::already_exists) return added.error();
            return failure(errc::already_exists, "There is a tunnel \"" + request.name + "\" in this account already");
        }
        auto created = find_tunnel(request.account_id, request.id);
        if (!created) return created.error();
        if (!*created) return errc::internal;
        return **created;
    });
}

outcome<std::optional<std::string>> sqlite_store::find_random_name(std::string_view account_id,
                                                                   std::string_view instance) {
    query find(*db_,
               "SELECT name FROM names WHERE account_id = ? AND instance = ? AND kind = 'random' "
               "ORDER BY last_used_at DESC LIMIT 1");
    std::optional<std::string> name;
    if (find.bind(account_id).bind(instance).next()) name = find.text(0);
    if (find.failed()) return find.error();
    return name;
}

outcome<std::optional<tunnel>> sqlite_store::find_tunnel(std::string_view account_id, std::string_view id_or_name) {
    // A label has no underscore and an id has one: at most one row matches.
    query find(*db_, IT_TUNNEL_QUERY "WHERE account_id = ?1 AND removed_at IS NULL AND (id = ?2 OR name = ?2)");
    std::optional<tunnel> found;
    if (find.bind(account_id).bind(id_or_name).next()) found = read_tunnel(find);
    if (find.failed()) return find.error();
    return found;
}

outcome<std::optional<tunnel>> sqlite_store::find_tunnel_by_number(std::uint64_t number) {
    query find(*db_, IT_TUNNEL_QUERY "WHERE number = ? AND removed_at IS NULL");
    std::optional<tunnel> found;
    if (find.bind(number).next()) found = read_tunnel(find);
    if (find.failed()) return find.error();
    return found;
}

outcome<std::optional<tunnel>> sqlite_store::find_tunnel_by_name(std::string_view name) {
    query find(*db_, IT_TUNNEL_QUERY "WHERE name = ? AND removed_at IS NULL");
    std::optional<tunnel> found;
    if (find.bind(name).next()) found = read_tunnel(find);
    if (find.failed()) return find.error();
    return found;
}

outcome<void> sqlite_store::change_tunnel(std::string_view tunnel_id, std::string_view target,
                                          std::string_view access) {
    query change(*db_, "UPDATE tunnels SET target = ?, access = ? WHERE id = ? AND removed_at IS NULL");
    if (auto done = change.bind(target).bind_bytes(access).bind(tunnel_id).run(); !done) return done;
    if (change.changes() == 0) return failure(errc::not_found, "There is no such tunnel in this account");
    return {};
}

outcome<anonymous_count> sqlite_store::count_anonymous(std::string_view made_from) {
    query count(*db_,
                "SELECT count(*) FILTER (WHERE made_from = ?), count(*) FROM tunnels "
                "WHERE expires_at IS NOT NULL AND removed_at IS NULL");
    if (!count.bind(made_from).next()) return count.error();
    return anonymous_count{count.count(0), count.count(1)};
}

outcome<std::vector<tunnel>> sqlite_store::list_expired_tunnels(wall_time now) {
    query list(*db_, IT_TUNNEL_QUERY "WHERE expires_at < ? AND removed_at IS NULL ORDER BY expires_at LIMIT 1000");
    list.bind(now);
    std::vector<tunnel> tunnels;
    while (list.next())
        tunnels.push_back(read_tunnel(list));
    if (list.failed()) return list.error();
    return tunnels;
}

outcome<void> sqlite_store::renew_tunnels(std::span<const std::string> tunnel_ids, wall_time expires_at) {
    return db_->in_transaction([&]() -> outcome<void> {
        for (const auto& id : tunnel_ids) {
            query renew(*db_, "UPDATE tunnels SET expires_at = ? WHERE id = ? AND expires_at IS NOT NULL");
            if (auto done = renew.bind(expires_at).bind(id).run(); !done) return done;
        }
        return {};
    });
}

outcome<std::vector<tunnel>> sqlite_store::list_tunnels(std::string_view account_id, std::uint64_t limit) {
    query list(*db_, IT_TUNNEL_QUERY
               "WHERE account_id = ? AND removed_at IS NULL "
               "ORDER BY coalesce(connected_at, created_at) DESC, id LIMIT ?");
    list.bind(account_id).bind(limit);
    std::vector<tunnel> tunnels;
    while (list.next())
        tunnels.push_back(read_tunnel(list));
    if (list.failed()) return list.error();
    return tunnels;
}

outcome<void> sqlite_store::remove_tunnel(std::string_view account_id, std::string_view tunnel_id, wall_time now) {
    query remove(*db_, "UPDATE tunnels SET removed_at = ? WHERE id = ? AND account_id = ? AND removed_at IS NULL");
    if (auto done = remove.bind(now).bind(tunnel_id).bind(account_id).run(); !done) return done;
    if (remove.changes() == 0) return failure(errc::not_found, "There is no such tunnel in this account");
    return {};
}

outcome<void> sqlite_store::touch_names(std::span<const std::string> tunnel_ids, wall_time now) {
    return db_->in_transaction([&]() -> outcome<void> {
        for (const auto& id : tunnel_ids) {
            query touch(*db_,
                        "UPDATE names SET last_used_at = max(last_used_at, ?1) "
                        "WHERE name = (SELECT name FROM tunnels WHERE id = ?2 AND removed_at IS NULL)");
            if (auto done = touch.bind(now).bind(id).run(); !done) return done;
        }
        return {};
    });
}

outcome<void> sqlite_store::add_usage(std::span<const usage_delta> deltas) {
    return db_->in_transaction([&]() -> outcome<void> {
        for (const auto& delta : deltas)
            if (auto done = add_one_usage(delta); !done) return done;
        return {};
    });
}

// Removed tunnels count too: their last figures arrive after the removal.
outcome<void> sqlite_store::add_one_usage(const usage_delta& delta) {
    query add(*db_,
              "UPDATE tunnels SET requests = requests + ?1, bytes_in = bytes_in + ?2, bytes_out = bytes_out + ?3 "
              "WHERE id = ?4");
    add.bind(delta.requests).bind(delta.bytes_in).bind(delta.bytes_out).bind(delta.tunnel_id);
    if (auto done = add.run(); !done) return done;
    query total(*db_,
                "UPDATE account_usage SET requests = requests + ?1, bytes_in = bytes_in + ?2, "
                "bytes_out = bytes_out + ?3 WHERE account_id = (SELECT account_id FROM tunnels WHERE id = ?4)");
    return total.bind(delta.requests).bind(delta.bytes_in).bind(delta.bytes_out).bind(delta.tunnel_id).run();
}

outcome<account_usage> sqlite_store::find_usage(std::string_view account_id) {
    query find(*db_, "SELECT tunnels_created, requests, bytes_in, bytes_out FROM account_usage WHERE account_id = ?");
    account_usage usage;
    if (find.bind(account_id).next()) usage = {find.count(0), find.count(1), find.count(2), find.count(3)};
    if (find.failed()) return find.error();
    return usage;
}

}  // namespace instatunnel::store
