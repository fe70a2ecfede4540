#include <algorithm>

#include "sqlite_store.hpp"
#include "words.hpp"

namespace instatunnel::store {
namespace {

#define IT_CLIENT_QUERY                                                                                             \
    "SELECT id, origin, coalesce(account_id, ''), coalesce(user_id, ''), name, uri, secret_digest, redirect_uris, " \
    "grants, scopes, created_at, fetched_at FROM oauth_clients "

#define IT_GRANT_QUERY                                                                                         \
    "SELECT id, user_id, account_id, client_id, client_name, resource, scopes, created_at, last_used_at FROM " \
    "oauth_grants "

const char* word_for(client_origin origin) {
    switch (origin) {
        case client_origin::registered:
            return "registered";
        case client_origin::dynamic:
            return "dynamic";
        case client_origin::document:
            break;
    }
    return "document";
}

client_origin origin_of(const std::string& word) {
    if (word == "registered") return client_origin::registered;
    return word == "dynamic" ? client_origin::dynamic : client_origin::document;
}

oauth_client read_client(const query& row) {
    oauth_client client;
    client.id = row.text(0);
    client.origin = origin_of(row.text(1));
    client.account_id = row.text(2);
    client.user_id = row.text(3);
    client.name = row.text(4);
    client.uri = row.text(5);
    client.secret_digest = row.text(6);
    client.redirect_uris = split_words(row.text(7));
    client.grants = split_words(row.text(8));
    client.scopes = split_words(row.text(9));
    client.created_at = row.time(10);
    client.fetched_at = row.maybe_time(11);
    return client;
}

oauth_grant read_grant(const query& row) {
    oauth_grant grant;
    grant.id = row.text(0);
    grant.user_id = row.text(1);
    grant.account_id = row.text(2);
    grant.client_id = row.text(3);
    grant.client_name = row.text(4);
    grant.resource = row.text(5);
    grant.scopes = split_words(row.text(6));
    grant.created_at = row.time(7);
    grant.last_used_at = row.maybe_time(8);
    return grant;
}

}  // namespace

outcome<void> sqlite_store::put_client(const oauth_client& client) {
    query put(*db_,
              "INSERT INTO oauth_clients(id, origin, account_id, user_id, name, uri, secret_digest, redirect_uris, "
              "grants, scopes, created_at, fetched_at) "
              "VALUES (?, ?, nullif(?, ''), nullif(?, ''), ?, ?, nullif(?, x''), ?, ?, ?, ?, ?) "
              "ON CONFLICT(id) DO UPDATE SET origin = excluded.origin, account_id = excluded.account_id, "
              "user_id = excluded.user_id, name = excluded.name, uri = excluded.uri, "
              "secret_digest = excluded.secret_digest, redirect_uris = excluded.redirect_uris, "
              "grants = excluded.grants, scopes = excluded.scopes, fetched_at = excluded.fetched_at");
    put.bind(client.id).bind(word_for(client.origin)).bind(client.account_id).bind(client.user_id).bind(client.name);
    put.bind(client.uri).bind_bytes(client.secret_digest).bind(join_words(client.redirect_uris));
    put.bind(join_words(client.grants)).bind(join_words(client.scopes)).bind(client.created_at);
    return put.bind(client.fetched_at).run();
}

outcome<std::optional<oauth_client>> sqlite_store::find_client(std::string_view id) {
    query find(*db_, IT_CLIENT_QUERY "WHERE id = ?");
    std::optional<oauth_client> found;
    if (find.bind(id).next()) found = read_client(find);
    if (find.failed()) return find.error();
    return found;
}

outcome<std::vector<oauth_client>> sqlite_store::list_clients(std::string_view account_id) {
    query list(*db_, IT_CLIENT_QUERY "WHERE ?1 = '' OR account_id = ?1 ORDER BY created_at, id");
    list.bind(account_id);
    std::vector<oauth_client> clients;
    while (list.next())
        clients.push_back(read_client(list));
    if (list.failed()) return list.error();
    return clients;
}

outcome<std::uint64_t> sqlite_store::count_clients(client_origin origin) {
    query count(*db_, "SELECT count(*) FROM oauth_clients WHERE origin = ?");
    if (!count.bind(word_for(origin)).next()) return count.error();
    return count.count(0);
}

outcome<oauth_grant> sqlite_store::widen_grant(const oauth_grant& grant) {
    return db_->in_transaction([&]() -> outcome<oauth_grant> {
        auto known = find_grant(grant.user_id, grant.client_id, grant.resource);
        if (!known) return known.error();
        auto widened = known->value_or(grant);
        for (const auto& scope : grant.scopes)
            if (std::ranges::find(widened.scopes, scope) == widened.scopes.end()) widened.scopes.push_back(scope);
        widened.client_name = grant.client_name;
        query put(*db_,
                  "INSERT INTO oauth_grants(id, user_id, account_id, client_id, client_name, resource, scopes, "
                  "created_at, last_used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?8) ON CONFLICT(id) DO UPDATE SET "
                  "client_name = excluded.client_name, scopes = excluded.scopes, last_used_at = ?9");
        put.bind(widened.id).bind(widened.user_id).bind(widened.account_id).bind(widened.client_id);
        put.bind(widened.client_name).bind(widened.resource).bind(join_words(widened.scopes));
        if (auto done = put.bind(widened.created_at).bind(grant.created_at).run(); !done) return done.error();
        widened.last_used_at = grant.created_at;
        return widened;
    });
}

outcome<std::optional<oauth_grant>> sqlite_store::find_grant(std::string_view user_id, std::string_view client_id,
                                                             std::string_view resource) {
    query find(*db_, IT_GRANT_QUERY "WHERE user_id = ? AND client_id = ? AND resource = ?");
    std::optional<oauth_grant> found;
    if (find.bind(user_id).bind(client_id).bind(resource).next()) found = read_grant(find);
    if (find.failed()) return find.error();
    return found;
}

outcome<std::vector<oauth_grant>> sqlite_store::list_grants(std::string_view user_id) {
    query list(*db_, IT_GRANT_QUERY "WHERE user_id = ? ORDER BY created_at, id");
    list.bind(user_id);
    std::vector<oauth_grant> grants;
    while (list.next())
        grants.push_back(read_grant(list));
    if (list.failed()) return list.error();
    return grants;
}

}  // namespace instatunnel::store
