#include "sqlite_store.hpp"
#include "words.hpp"

namespace instatunnel::store {
namespace {

#define IT_TOKEN_QUERY                                                                                             \
    "SELECT id, kind, digest, family_id, grant_id, client_id, user_id, account_id, resource, scopes, created_at, " \
    "expires_at, used_at, revoked_at FROM oauth_tokens "

oauth_token read_token(const query& row) {
    oauth_token token;
    token.id = row.text(0);
    token.kind = row.text(1) == "access" ? oauth_token_kind::access : oauth_token_kind::refresh;
    token.digest = row.text(2);
    token.family_id = row.text(3);
    token.grant_id = row.text(4);
    token.client_id = row.text(5);
    token.user_id = row.text(6);
    token.account_id = row.text(7);
    token.resource = row.text(8);
    token.scopes = split_words(row.text(9));
    token.created_at = row.time(10);
    token.expires_at = row.time(11);
    token.used_at = row.maybe_time(12);
    token.revoked_at = row.maybe_time(13);
    return token;
}

oauth_code read_code(const query& row) {
    oauth_code code;
    code.digest = row.text(0);
    code.family_id = row.text(1);
    code.grant_id = row.text(2);
    code.client_id = row.text(3);
    code.user_id = row.text(4);
    code.account_id = row.text(5);
    code.redirect_uri = row.text(6);
    code.redirect_given = row.number(7) != 0;
    code.challenge = row.text(8);
    code.resource = row.text(9);
    code.scopes = split_words(row.text(10));
    code.created_at = row.time(11);
    code.expires_at = row.time(12);
    return code;
}

outcome<std::optional<oauth_token>> find_one_token(query& find) {
    std::optional<oauth_token> found;
    if (find.next()) found = read_token(find);
    if (find.failed()) return find.error();
    return found;
}

// Ids of the access tokens that `update` (… RETURNING id, kind, expires_at) revoked and that had not expired.
outcome<std::vector<std::string>> live_access_tokens(query& update, wall_time now) {
    std::vector<std::string> ids;
    while (update.next())
        if (update.text(1) == "access" && update.time(2) > now) ids.push_back(update.text(0));
    if (update.failed()) return update.error();
    return ids;
}

}  // namespace

outcome<void> sqlite_store::add_code(const oauth_code& code) {
    query add(*db_,
              "INSERT INTO oauth_codes(digest, family_id, grant_id, client_id, user_id, account_id, redirect_uri, "
              "redirect_given, challenge, resource, scopes, created_at, expires_at) "
              "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    add.bind_bytes(code.digest).bind(code.family_id).bind(code.grant_id).bind(code.client_id).bind(code.user_id);
    add.bind(code.account_id).bind(code.redirect_uri).bind(std::int64_t{code.redirect_given}).bind(code.challenge);
    add.bind(code.resource).bind(join_words(code.scopes)).bind(code.created_at);
    return add.bind(code.expires_at).run();
}

outcome<std::optional<first_use<oauth_code>>> sqlite_store::use_code(std::string_view digest, wall_time now) {
    using answer = std::optional<first_use<oauth_code>>;
    return db_->in_transaction([&]() -> outcome<answer> {
        answer found;
        {
            query find(*db_,
                       "SELECT digest, family_id, grant_id, client_id, user_id, account_id, redirect_uri, "
                       "redirect_given, challenge, resource, scopes, created_at, expires_at, used_at FROM oauth_codes "
                       "WHERE digest = ?");
            if (find.bind_bytes(digest).next()) found = {read_code(find), !find.maybe_time(13)};
            if (find.failed()) return find.error();
        }
        if (!found || !found->first) return found;
        query mark(*db_, "UPDATE oauth_codes SET used_at = ? WHERE digest = ?");
        if (auto done = mark.bind(now).bind_bytes(digest).run(); !done) return done.error();
        return found;
    });
}

outcome<void> sqlite_store::add_oauth_token(const oauth_token& token) {
    query add(*db_,
              "INSERT INTO oauth_tokens(id, kind, digest, family_id, grant_id, client_id, user_id, account_id, "
              "resource, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    add.bind(token.id).bind(token.kind == oauth_token_kind::access ? "access" : "refresh").bind_bytes(token.digest);
    add.bind(token.family_id).bind(token.grant_id).bind(token.client_id).bind(token.user_id).bind(token.account_id);
    add.bind(token.resource).bind(join_words(token.scopes)).bind(token.created_at);
    return add.bind(token.expires_at).run();
}

outcome<std::optional<oauth_token>> sqlite_store::find_oauth_token(std::string_view digest) {
    query find(*db_, IT_TOKEN_QUERY "WHERE digest = ?");
    return find_one_token(find.bind_bytes(digest));
}

outcome<std::optional<oauth_token>> sqlite_store::find_oauth_token_by_id(std::string_view id) {
    query find(*db_, IT_TOKEN_QUERY "WHERE id = ?");
    return find_one_token(find.bind(id));
}

outcome<std::optional<first_use<oauth_token>>> sqlite_store::use_refresh_token(std::string_view digest, wall_time now) {
    using answer = std::optional<first_use<oauth_token>>;
    return db_->in_transaction([&]() -> outcome<answer> {
        auto found = find_oauth_token(digest);
        if (!found) return found.error();
        if (!*found || (*found)->kind != oauth_token_kind::refresh) return answer();
        answer used = first_use<oauth_token>{**found, !(*found)->used_at};
        if (!used->first) return used;
        query mark(*db_, "UPDATE oauth_tokens SET used_at = ? WHERE digest = ?");
        if (auto done = mark.bind(now).bind_bytes(digest).run(); !done) return done.error();
        return used;
    });
}

outcome<void> sqlite_store::revoke_oauth_token(std::string_view id, wall_time now) {
    query revoke(*db_, "UPDATE oauth_tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL");
    return revoke.bind(now).bind(id).run();
}

outcome<std::vector<std::string>> sqlite_store::revoke_family(std::string_view family_id, wall_time now) {
    query revoke(*db_,
                 "UPDATE oauth_tokens SET revoked_at = ? WHERE family_id = ? AND revoked_at IS NULL "
                 "RETURNING id, kind, expires_at");
    return live_access_tokens(revoke.bind(now).bind(family_id), now);
}

outcome<std::vector<std::string>> sqlite_store::revoke_grant(std::string_view user_id, std::string_view grant_id,
                                                             wall_time now) {
    return db_->in_transaction([&]() -> outcome<std::vector<std::string>> {
        query remove(*db_, "DELETE FROM oauth_grants WHERE id = ? AND user_id = ?");
        if (auto done = remove.bind(grant_id).bind(user_id).run(); !done) return done.error();
        if (remove.changes() == 0) return failure(errc::not_found, "There is no such grant");
        query codes(*db_, "DELETE FROM oauth_codes WHERE grant_id = ?");
        if (auto done = codes.bind(grant_id).run(); !done) return done.error();
        query devices(*db_, "DELETE FROM device_requests WHERE grant_id = ?");
        if (auto done = devices.bind(grant_id).run(); !done) return done.error();
        query revoke(*db_,
                     "UPDATE oauth_tokens SET revoked_at = ? WHERE grant_id = ? AND revoked_at IS NULL "
                     "RETURNING id, kind, expires_at");
        return live_access_tokens(revoke.bind(now).bind(grant_id), now);
    });
}

outcome<std::vector<std::string>> sqlite_store::remove_client(std::string_view account_id, std::string_view id,
                                                              wall_time now) {
    return db_->in_transaction([&]() -> outcome<std::vector<std::string>> {
        query remove(*db_, "DELETE FROM oauth_clients WHERE id = ?1 AND (?2 = '' OR account_id = ?2)");
        if (auto done = remove.bind(id).bind(account_id).run(); !done) return done.error();
        if (remove.changes() == 0) return failure(errc::not_found, "There is no such client");
        query revoke(*db_,
                     "UPDATE oauth_tokens SET revoked_at = ? WHERE client_id = ? AND revoked_at IS NULL "
                     "RETURNING id, kind, expires_at");
        auto ended = live_access_tokens(revoke.bind(now).bind(id), now);
        for (const char* sql :
             {"DELETE FROM oauth_grants WHERE client_id = ?", "DELETE FROM oauth_codes WHERE client_id = ?",
              "DELETE FROM oauth_tokens WHERE client_id = ?", "DELETE FROM device_requests WHERE client_id = ?"}) {
            query rest(*db_, sql);
            if (auto done = rest.bind(id).run(); !done) return done.error();
        }
        return ended;
    });
}

outcome<std::vector<std::string>> sqlite_store::revoke_tokens_of(std::string_view user_id, wall_time now) {
    return db_->in_transaction([&]() -> outcome<std::vector<std::string>> {
        for (const char* sql :
             {"DELETE FROM oauth_codes WHERE user_id = ?", "DELETE FROM device_requests WHERE user_id = ?"}) {
            query rest(*db_, sql);
            if (auto done = rest.bind(user_id).run(); !done) return done.error();
        }
        query revoke(*db_,
                     "UPDATE oauth_tokens SET revoked_at = ? WHERE user_id = ? AND revoked_at IS NULL "
                     "RETURNING id, kind, expires_at");
        return live_access_tokens(revoke.bind(now).bind(user_id), now);
    });
}

outcome<void> sqlite_store::purge_oauth(wall_time limit, wall_time unused_clients) {
    return db_->in_transaction([&]() -> outcome<void> {
        for (const char* sql :
             {"DELETE FROM oauth_codes WHERE expires_at < ?", "DELETE FROM oauth_tokens WHERE expires_at < ?",
              "DELETE FROM device_requests WHERE expires_at < ?"}) {
            query purge(*db_, sql);
            if (auto done = purge.bind(limit).run(); !done) return done;
        }
        query clients(*db_,
                      "DELETE FROM oauth_clients WHERE origin <> 'registered' AND created_at < ? "
                      "AND NOT EXISTS (SELECT 1 FROM oauth_grants g WHERE g.client_id = oauth_clients.id) "
                      "AND NOT EXISTS (SELECT 1 FROM oauth_tokens t WHERE t.client_id = oauth_clients.id)");
        return clients.bind(unused_clients).run();
    });
}

}  // namespace instatunnel::store
