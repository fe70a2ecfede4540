#include "instatunnel/service/admin_oauth_clients.hpp"

#include <algorithm>

#include "admin_input.hpp"
#include "admin_session.hpp"
#include "instatunnel/auth/key.hpp"
#include "instatunnel/oauth/clients.hpp"

namespace instatunnel::service {
namespace {

std::string word_for(store::client_origin origin) {
    switch (origin) {
        case store::client_origin::registered:
            return "registered";
        case store::client_origin::dynamic:
            return "dynamic";
        default:
            return "document";
    }
}

outcome<std::string> owner_email(store::store& data, const store::oauth_client& client) {
    if (client.user_id.empty()) return std::string();
    auto owner = data.find_user(client.user_id);
    if (!owner) return owner.error();
    return *owner ? (*owner)->email : std::string();
}

oauth_client_row to_row(const store::oauth_client& client, std::string owner) {
    return {client.id,     client.name,   std::move(owner),         word_for(client.origin), client.redirect_uris,
            client.grants, client.scopes, oauth::is_public(client), client.created_at};
}

outcome<std::optional<store::user>> find_named_owner(store::store& data, const std::string& named) {
    if (named.empty()) return std::optional<store::user>();
    auto owner = find_account(data, named);
    if (!owner) return owner.error();
    return std::optional(std::move(*owner));
}

failure not_usable(const oauth::refusal& why) {
    return {why.status == 503 ? errc::store_failed : errc::usage, why.description,
            "See: instatunnel admin oauth-client add --help"};
}

}  // namespace

outcome<made_oauth_client> add_oauth_client(const std::filesystem::path& folder, const oauth_client_wish& wish) {
    auto opened = admin_session::open_existing(folder);
    if (!opened) return opened.error();
    auto& session = **opened;
    const auto owner = find_named_owner(session.data(), wish.owner);
    if (!owner) return owner.error();
    oauth::new_client asked{wish.name, wish.uri, wish.redirect_uris, wish.grants, wish.scopes, !wish.is_public};
    const bool acts_for_itself =
        std::ranges::find(asked.grants, std::string(oauth::grant_client)) != asked.grants.end();
    if (acts_for_itself && asked.scopes.empty())
        return failure(errc::usage, "A client with client_credentials needs the most it may ask for",
                       "Add --scope tunnels:read, once for each permission");
    oauth::server_settings settings;
    settings.digest = [&](std::string_view text) { return auth::key_digest(session.pepper(), text); };
    oauth::client_registry registry(session.data(), settings);
    oauth::answer<oauth::made_client> made = oauth::unavailable();
    const auto stored = session.data().atomically([&]() -> outcome<void> {
        made = registry.add(asked, store::client_origin::registered, *owner);
        if (!made) return {};
        auto event = session.event("oauth.client_created").about(made->record.id).with("name", wish.name);
        return session.audit().append(event.of(made->record.account_id));
    });
    if (!stored) return stored.error();
    if (!made) return not_usable(made.error());
    return made_oauth_client{to_row(made->record, *owner ? (*owner)->email : std::string()),
                             std::move(made->client_secret)};
}

outcome<std::vector<oauth_client_row>> list_oauth_clients(const std::filesystem::path& folder) {
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto& data = (*session)->data();
    const auto clients = data.list_clients({});
    if (!clients) return clients.error();
    std::vector<oauth_client_row> rows;
    for (const auto& client : *clients) {
        auto owner = owner_email(data, client);
        if (!owner) return owner.error();
        rows.push_back(to_row(client, std::move(*owner)));
    }
    return rows;
}

outcome<void> remove_oauth_client(const std::filesystem::path& folder, const std::string& id) {
    auto opened = admin_session::open_existing(folder);
    if (!opened) return opened.error();
    auto& session = **opened;
    const auto removed = session.audit().together(
        [&] { return session.data().remove_client({}, id, wall_now()); },
        [&](const auto& ended) {
            return session.event("oauth.client_removed").about(id).with("ended_tokens", ended.size());
        });
    if (removed) return {};
    if (removed.error().code != errc::not_found) return removed.error();
    return failure(errc::not_found, "There is no OAuth client \"" + id.substr(0, 80) + "\"",
                   "See them with: instatunnel admin oauth-client ls");
}

}  // namespace instatunnel::service
