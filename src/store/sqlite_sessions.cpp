#include "sqlite_store.hpp"

namespace instatunnel::store {
namespace {

#define IT_SESSION_QUERY \
    "SELECT id, digest, user_id, account_id, address, agent, created_at, last_seen_at, expires_at FROM web_sessions "

web_session read_session(const query& row) {
    web_session session;
    session.id = row.text(0);
    session.digest = row.text(1);
    session.user_id = row.text(2);
    session.account_id = row.text(3);
    session.address = row.text(4);
    session.agent = row.text(5);
    session.created_at = row.time(6);
    session.last_seen_at = row.time(7);
    session.expires_at = row.time(8);
    return session;
}

outside_identity read_identity(const query& row) {
    return {row.text(0), row.text(1), row.text(2), row.text(3), row.time(4)};
}

}  // namespace

outcome<void> sqlite_store::add_web_session(const web_session& session) {
    query add(*db_,
              "INSERT INTO web_sessions(id, digest, user_id, account_id, address, agent, created_at, last_seen_at, "
              "expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    add.bind(session.id).bind_bytes(session.digest).bind(session.user_id).bind(session.account_id);
    add.bind(session.address).bind(session.agent).bind(session.created_at).bind(session.last_seen_at);
    return add.bind(session.expires_at).run();
}

outcome<std::optional<web_session>> sqlite_store::find_web_session(std::string_view digest) {
    query find(*db_, IT_SESSION_QUERY "WHERE digest = ?");
    std::optional<web_session> found;
    if (find.bind_bytes(digest).next()) found = read_session(find);
    if (find.failed()) return find.error();
    return found;
}

outcome<std::vector<web_session>> sqlite_store::list_web_sessions(std::string_view user_id) {
    query list(*db_, IT_SESSION_QUERY "WHERE user_id = ? ORDER BY last_seen_at DESC, id");
    list.bind(user_id);
    std::vector<web_session> sessions;
    while (list.next())
        sessions.push_back(read_session(list));
    if (list.failed()) return list.error();
    return sessions;
}

outcome<void> sqlite_store::touch_web_session(std::string_view id, wall_time now) {
    query touch(*db_, "UPDATE web_sessions SET last_seen_at = max(last_seen_at, ?) WHERE id = ?");
    return touch.bind(now).bind(id).run();
}

outcome<void> sqlite_store::remove_web_session(std::string_view user_id, std::string_view id) {
    query remove(*db_, "DELETE FROM web_sessions WHERE user_id = ? AND id = ?");
    if (auto done = remove.bind(user_id).bind(id).run(); !done) return done;
    if (remove.changes() == 0) return failure(errc::not_found, "There is no such session");
    return {};
}

outcome<void> sqlite_store::remove_web_sessions(std::string_view user_id, std::string_view except) {
    query remove(*db_, "DELETE FROM web_sessions WHERE user_id = ? AND id <> ?");
    return remove.bind(user_id).bind(except).run();
}

outcome<void> sqlite_store::purge_web_sessions(wall_time limit) {
    query purge(*db_, "DELETE FROM web_sessions WHERE expires_at < ?");
    return purge.bind(limit).run();
}

outcome<void> sqlite_store::put_two_factor(const two_factor& factor) {
    query put(*db_,
              "INSERT INTO two_factors(user_id, sealed_secret, confirmed_at, last_step) VALUES (?, ?, ?, ?) "
              "ON CONFLICT(user_id) DO UPDATE SET sealed_secret = excluded.sealed_secret, "
              "confirmed_at = excluded.confirmed_at, last_step = excluded.last_step");
    put.bind(factor.user_id).bind_bytes(factor.sealed_secret).bind(factor.confirmed_at);
    return put.bind(factor.last_step).run();
}

outcome<std::optional<two_factor>> sqlite_store::find_two_factor(std::string_view user_id) {
    query find(*db_, "SELECT user_id, sealed_secret, confirmed_at, last_step FROM two_factors WHERE user_id = ?");
    std::optional<two_factor> found;
    if (find.bind(user_id).next()) found = two_factor{find.text(0), find.text(1), find.maybe_time(2), find.number(3)};
    if (find.failed()) return find.error();
    return found;
}

outcome<bool> sqlite_store::use_two_factor_step(std::string_view user_id, std::int64_t step) {
    return db_->in_transaction([&]() -> outcome<bool> {
        auto known = find_two_factor(user_id);
        if (!known) return known.error();
        if (!*known) return errc::not_found;
        if ((*known)->last_step >= step) return false;
        query use(*db_, "UPDATE two_factors SET last_step = ? WHERE user_id = ?");
        if (auto done = use.bind(step).bind(user_id).run(); !done) return done.error();
        return true;
    });
}

outcome<void> sqlite_store::remove_two_factor(std::string_view user_id) {
    return db_->in_transaction([&]() -> outcome<void> {
        query codes(*db_, "DELETE FROM recovery_codes WHERE user_id = ?");
        if (auto done = codes.bind(user_id).run(); !done) return done;
        query factor(*db_, "DELETE FROM two_factors WHERE user_id = ?");
        return factor.bind(user_id).run();
    });
}

outcome<void> sqlite_store::put_recovery_codes(std::string_view user_id, const std::vector<std::string>& digests) {
    return db_->in_transaction([&]() -> outcome<void> {
        query clear(*db_, "DELETE FROM recovery_codes WHERE user_id = ?");
        if (auto done = clear.bind(user_id).run(); !done) return done;
        for (const auto& digest : digests) {
            query add(*db_, "INSERT INTO recovery_codes(user_id, digest) VALUES (?, ?)");
            if (auto done = add.bind(user_id).bind_bytes(digest).run(); !done) return done;
        }
        return {};
    });
}

outcome<bool> sqlite_store::use_recovery_code(std::string_view user_id, std::string_view digest) {
    query use(*db_, "DELETE FROM recovery_codes WHERE user_id = ? AND digest = ?");
    if (auto done = use.bind(user_id).bind_bytes(digest).run(); !done) return done.error();
    return use.changes() > 0;
}

outcome<std::uint64_t> sqlite_store::count_recovery_codes(std::string_view user_id) {
    query count(*db_, "SELECT count(*) FROM recovery_codes WHERE user_id = ?");
    if (!count.bind(user_id).next()) return count.error();
    return count.count(0);
}

#define IT_IDENTITY_QUERY "SELECT issuer, subject, user_id, email, created_at FROM outside_identities "

outcome<void> sqlite_store::add_identity(const outside_identity& identity) {
    query add(*db_,
              "INSERT INTO outside_identities(issuer, subject, user_id, email, created_at) VALUES (?, ?, ?, ?, ?)");
    add.bind(identity.issuer).bind(identity.subject).bind(identity.user_id).bind(identity.email);
    return add.bind(identity.created_at).run();
}

outcome<std::optional<outside_identity>> sqlite_store::find_identity(std::string_view issuer,
                                                                     std::string_view subject) {
    query find(*db_, IT_IDENTITY_QUERY "WHERE issuer = ? AND subject = ?");
    std::optional<outside_identity> found;
    if (find.bind(issuer).bind(subject).next()) found = read_identity(find);
    if (find.failed()) return find.error();
    return found;
}

outcome<std::vector<outside_identity>> sqlite_store::list_identities(std::string_view user_id) {
    query list(*db_, IT_IDENTITY_QUERY "WHERE user_id = ? ORDER BY created_at, issuer, subject");
    list.bind(user_id);
    std::vector<outside_identity> identities;
    while (list.next())
        identities.push_back(read_identity(list));
    if (list.failed()) return list.error();
    return identities;
}

outcome<void> sqlite_store::remove_identity(std::string_view user_id, std::string_view issuer,
                                            std::string_view subject) {
    query remove(*db_, "DELETE FROM outside_identities WHERE user_id = ? AND issuer = ? AND subject = ?");
    if (auto done = remove.bind(user_id).bind(issuer).bind(subject).run(); !done) return done;
    if (remove.changes() == 0) return failure(errc::not_found, "There is no such sign-in");
    return {};
}

}  // namespace instatunnel::store
