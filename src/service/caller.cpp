#include "caller.hpp"

#include <utility>

#include "api_parts.hpp"
#include "instatunnel/auth/access_token.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/oauth/clients.hpp"

namespace instatunnel::service {
namespace {

outcome<std::string> client_name(store::store& data, const store::oauth_token& token) {
    if (token.client_id == oauth::cli_client_id) return std::string(oauth::cli_client_id);
    auto client = data.find_client(token.client_id);
    if (!client) return client.error();
    return *client ? (*client)->name : token.client_id;
}

outcome<std::optional<store::api_key>> as_key(store::store& data, store::oauth_token token) {
    auto owner = data.find_user(token.user_id);
    if (!owner) return owner.error();
    if (!*owner) return std::optional<store::api_key>();
    auto name = client_name(data, token);
    if (!name) return name.error();
    store::api_key key;
    key.id = std::move(token.id);
    key.account_id = std::move(token.account_id);
    key.user_id = std::move(token.user_id);
    key.name = std::move(*name);
    key.digest = std::move(token.digest);
    key.scopes = std::move(token.scopes);
    key.created_at = token.created_at;
    key.expires_at = token.expires_at;
    key.revoked_at = token.revoked_at;
    // What our own command line gets this way is a sign-in like one with a password.
    key.by_sign_in = token.client_id == oauth::cli_client_id;
    key.owner_disabled = (*owner)->disabled;
    key.owner_verified = (*owner)->verified_at.has_value();
    return std::optional(std::move(key));
}

}  // namespace

bool is_token_caller(const store::api_key& caller) noexcept {
    return caller.id.starts_with("tok_");
}

bool is_credential(std::string_view text) noexcept {
    return is_api_key(text) || auth::is_access_token(text);
}

outcome<std::optional<store::api_key>> find_caller(store::store& data, std::string_view digest) {
    auto key = data.find_key(digest);
    if (!key || *key) return key;
    auto token = data.find_oauth_token(digest);
    if (!token) return token.error();
    const bool usable = *token && (*token)->kind == store::oauth_token_kind::access && (*token)->resource.empty();
    if (!usable) return std::optional<store::api_key>();
    return as_key(data, std::move(**token));
}

void end_caller(const api_parts& parts, const std::string& id) {
    parts.keys.forget(id);
    parts.watch.forget(id);
    if (parts.edge != nullptr) parts.edge->close_key(id, errc::revoked_key);
}

}  // namespace instatunnel::service
