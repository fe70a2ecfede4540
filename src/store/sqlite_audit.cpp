#include "sqlite_store.hpp"

namespace instatunnel::store {
namespace {

#define IT_AUDIT_QUERY \
    "SELECT seq, at, actor_kind, actor, account_id, action, target, address, result, detail, hash FROM audit "

// One statement for each way in, so that each can use its index: by number, or by account and number.
#define IT_AUDIT_CONDITIONS                                                                                       \
    " AND seq > ?2 AND seq < ?3 AND at >= ?4 AND (?5 = '' OR action = ?5 OR substr(action, 1, length(?5) + 1) = " \
    "?5 || '.') AND (?6 = '' OR actor = ?6) ORDER BY seq "
#define IT_ALL "WHERE ?1 = ''"
#define IT_OF_ACCOUNT "WHERE account_id = ?1"

const char* statement_for(const audit_filter& filter) {
    if (filter.account_id.empty())
        return filter.newest_first ? IT_AUDIT_QUERY IT_ALL IT_AUDIT_CONDITIONS "DESC LIMIT ?7"
                                   : IT_AUDIT_QUERY IT_ALL IT_AUDIT_CONDITIONS "LIMIT ?7";
    return filter.newest_first ? IT_AUDIT_QUERY IT_OF_ACCOUNT IT_AUDIT_CONDITIONS "DESC LIMIT ?7"
                               : IT_AUDIT_QUERY IT_OF_ACCOUNT IT_AUDIT_CONDITIONS "LIMIT ?7";
}

audit_record read_record(const query& row) {
    audit_record r;
    r.seq = row.count(0);
    r.at = row.time(1);
    r.actor_kind = row.text(2);
    r.actor = row.text(3);
    r.account_id = row.text(4);
    r.action = row.text(5);
    r.target = row.text(6);
    r.address = row.text(7);
    r.result = row.text(8);
    r.detail = row.text(9);
    r.hash = row.text(10);
    return r;
}

outcome<std::optional<audit_record>> find_one_record(query& find) {
    std::optional<audit_record> found;
    if (find.next()) found = read_record(find);
    if (find.failed()) return find.error();
    return found;
}

}  // namespace

// True: the key was used from elsewhere before, and not from there.
outcome<bool> sqlite_store::record_key_address(const key_address& use, std::uint64_t limit) {
    query known(*db_,
                "SELECT count(*), coalesce(sum(address = ?2), 0), (SELECT count(*) FROM api_keys WHERE id = ?1) "
                "FROM key_addresses WHERE key_id = ?1");
    if (!known.bind(use.key_id).bind(use.address).next()) return known.error();
    const auto addresses = known.count(0);
    const bool seen = known.number(1) > 0;
    if (known.number(2) == 0) return false;
    query put(*db_,
              "INSERT INTO key_addresses(key_id, address, seen_at) VALUES (?, ?, ?) ON CONFLICT(key_id, address) "
              "DO UPDATE SET seen_at = max(seen_at, excluded.seen_at)");
    if (auto done = put.bind(use.key_id).bind(use.address).bind(use.at).run(); !done) return done.error();
    query forget(*db_,
                 "DELETE FROM key_addresses WHERE key_id = ?1 AND address IN (SELECT address FROM key_addresses "
                 "WHERE key_id = ?1 ORDER BY seen_at DESC LIMIT -1 OFFSET ?2)");
    if (auto done = forget.bind(use.key_id).bind(limit).run(); !done) return done.error();
    return addresses > 0 && !seen;
}

outcome<std::vector<key_address>> sqlite_store::record_key_addresses(std::span<const key_address> uses,
                                                                     std::uint64_t limit) {
    return db_->in_transaction([&]() -> outcome<std::vector<key_address>> {
        std::vector<key_address> fresh;
        for (const auto& use : uses) {
            auto is_new = record_key_address(use, limit);
            if (!is_new) return is_new.error();
            if (*is_new) fresh.push_back(use);
        }
        return fresh;
    });
}

outcome<void> sqlite_store::add_audit(const audit_record& r) {
    query add(*db_,
              "INSERT INTO audit(seq, at, actor_kind, actor, account_id, action, target, address, result, detail, "
              "hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    add.bind(r.seq).bind(r.at).bind(r.actor_kind).bind(r.actor).bind(r.account_id).bind(r.action).bind(r.target);
    return add.bind(r.address).bind(r.result).bind(r.detail).bind_bytes(r.hash).run();
}

outcome<std::optional<audit_record>> sqlite_store::find_last_audit() {
    query find(*db_, IT_AUDIT_QUERY "ORDER BY seq DESC LIMIT 1");
    return find_one_record(find);
}

outcome<std::optional<audit_record>> sqlite_store::find_audit(std::uint64_t seq) {
    query find(*db_, IT_AUDIT_QUERY "WHERE seq = ?");
    return find_one_record(find.bind(seq));
}

outcome<std::vector<audit_record>> sqlite_store::list_audit(const audit_filter& filter) {
    query list(*db_, statement_for(filter));
    list.bind(filter.account_id).bind(filter.after).bind(filter.before).bind(filter.since.value_or(wall_time()));
    list.bind(filter.action).bind(filter.actor).bind(filter.limit);
    std::vector<audit_record> records;
    while (list.next())
        records.push_back(read_record(list));
    if (list.failed()) return list.error();
    return records;
}

outcome<audit_anchor> sqlite_store::find_audit_anchor() {
    query find(*db_, "SELECT seq, hash, seal FROM audit_anchor");
    audit_anchor anchor;
    if (find.next()) anchor = {find.count(0), find.text(1), find.text(2)};
    if (find.failed()) return find.error();
    return anchor;
}

outcome<void> sqlite_store::cut_audit(const audit_anchor& anchor) {
    return db_->in_transaction([&]() -> outcome<void> {
        query put(*db_,
                  "INSERT INTO audit_anchor(id, seq, hash, seal) VALUES (1, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
                  "seq = excluded.seq, hash = excluded.hash, seal = excluded.seal");
        if (auto done = put.bind(anchor.seq).bind_bytes(anchor.hash).bind_bytes(anchor.seal).run(); !done) return done;
        query cut(*db_, "DELETE FROM audit WHERE seq <= ?");
        return cut.bind(anchor.seq).run();
    });
}

}  // namespace instatunnel::store
