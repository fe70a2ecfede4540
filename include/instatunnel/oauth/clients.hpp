#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/form.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/oauth/refusal.hpp"
#include "instatunnel/oauth/server_settings.hpp"
#include "instatunnel/store/store.hpp"

namespace instatunnel::oauth {

inline constexpr std::string_view grant_code = "authorization_code";
inline constexpr std::string_view grant_refresh = "refresh_token";
inline constexpr std::string_view grant_client = "client_credentials";
inline constexpr std::string_view grant_device = "urn:ietf:params:oauth:grant-type:device_code";

/// This program's own `login`: public, loopback redirects and device codes, every scope.
inline constexpr std::string_view cli_client_id = "instatunnel-cli";

/// What a client asks to be registered as.
struct new_client {
    std::string name;
    std::string uri;
    std::vector<std::string> redirect_uris;
    std::vector<std::string> grants;  ///< empty: code and refresh
    std::vector<std::string> scopes;  ///< the most it may ask for; empty: whatever a person consents to
    bool confidential = true;         ///< gets a secret
};

struct made_client {
    store::oauth_client record;
    secret client_secret;  ///< empty for a public client; shown this once
};

/// Who may ask for tokens. On the service's thread.
class client_registry {
public:
    /// Both outlive the registry.
    client_registry(store::store& target, const server_settings& settings) : store_(target), settings_(settings) {}

    /// A client of the store, or the built-in one. nullopt: unknown.
    outcome<std::optional<store::oauth_client>> find(std::string_view id);

    /// Who calls the token endpoint: `Authorization: Basic`, or client_id and client_secret in the body (RFC 6749
    /// §2.3.1); a public client names itself only. Refusals: invalid_client (401), invalid_request.
    answer<store::oauth_client> authenticate(std::string_view authorization_field, const form& body);

    /// Registers for a person (`user` set: may use client credentials for that account) or for nobody (RFC 7591).
    /// Refusals: invalid_redirect_uri, invalid_client_metadata, access_denied (too many).
    answer<made_client> add(const new_client& asked, store::client_origin origin,
                            const std::optional<store::user>& owner);

private:
    store::store& store_;
    const server_settings& settings_;
};

/// A public client has no secret (RFC 6749 §2.1).
inline bool is_public(const store::oauth_client& client) noexcept {
    return client.secret_digest.empty();
}
bool may_use(const store::oauth_client& client, std::string_view grant) noexcept;

}  // namespace instatunnel::oauth
