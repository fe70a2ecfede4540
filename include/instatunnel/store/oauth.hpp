#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/error.hpp"

/// What the authorization server remembers (RFC 6749, 7591, 8628). Codes, tokens and secrets are here as HMAC-SHA-256
/// digests of 32 bytes only.
namespace instatunnel::store {

enum class client_origin : std::uint8_t {
    registered,  ///< by an account or the edge's owner
    dynamic,     ///< by itself (RFC 7591)
    document,    ///< its id is the URL of a document that describes it
};

struct oauth_client {
    std::string id;  ///< "client_…", or the URL of its document
    client_origin origin = client_origin::registered;
    std::string account_id;  ///< who registered it and acts through client credentials; empty: nobody
    std::string user_id;
    std::string name;
    std::string uri;                         ///< its home page, may be empty
    std::string secret_digest;               ///< empty: a public client
    std::vector<std::string> redirect_uris;  ///< each without blanks
    std::vector<std::string> grants;         ///< grant types that it may use
    std::vector<std::string> scopes;         ///< the most it may ask for
    wall_time created_at{};
    std::optional<wall_time> fetched_at;  ///< of a document
};

/// A person's consent: what a client may do for an account. At most one that is not revoked for each person, client
/// and resource.
struct oauth_grant {
    std::string id;  ///< "grant_…"
    std::string user_id;
    std::string account_id;
    std::string client_id;
    std::string client_name;  ///< as it was shown
    std::string resource;
    std::vector<std::string> scopes;
    wall_time created_at{};
    std::optional<wall_time> last_used_at;
};

struct oauth_code {
    std::string digest;
    std::string family_id;  ///< of the tokens that it will be exchanged for
    std::string grant_id;
    std::string client_id;
    std::string user_id;
    std::string account_id;
    std::string redirect_uri;
    bool redirect_given =
        false;              ///< the request named it, so the exchange must as well unless the client is confidential
    std::string challenge;  ///< S256, empty without PKCE
    std::string resource;
    std::vector<std::string> scopes;
    wall_time created_at{};
    wall_time expires_at{};
};

enum class oauth_token_kind : std::uint8_t { access, refresh };

struct oauth_token {
    std::string id;  ///< "tok_…", for logs and for tunnels that were opened with it
    oauth_token_kind kind = oauth_token_kind::access;
    std::string digest;
    std::string family_id;
    std::string grant_id;  ///< empty for client credentials
    std::string client_id;
    std::string user_id;
    std::string account_id;
    std::string resource;
    std::vector<std::string> scopes;
    wall_time created_at{};
    wall_time expires_at{};
    std::optional<wall_time> used_at;  ///< of a refresh token: when it was exchanged
    std::optional<wall_time> revoked_at;
};

struct device_request {
    std::string device_digest;
    std::string user_code_digest;
    std::string client_id;
    std::string client_name;
    std::string resource;
    std::vector<std::string> scopes;
    std::string address;  ///< of the device
    wall_time created_at{};
    wall_time expires_at{};
    std::int64_t interval_s = 5;
    std::optional<wall_time> last_poll_at;
    std::string user_id;  ///< who decided
    std::string account_id;
    std::string grant_id;
    std::optional<wall_time> approved_at;
    std::optional<wall_time> denied_at;
};

/// Reads a code or token once: what it is, and whether somebody was here before.
template <class Record>
struct first_use {
    Record record;
    bool first = false;
};

class oauth_store {
public:
    virtual ~oauth_store() = default;

    /// Adds a client or replaces the one with its id.
    virtual outcome<void> put_client(const oauth_client& client) = 0;
    virtual outcome<std::optional<oauth_client>> find_client(std::string_view id) = 0;
    /// Those of an account, or all (empty id), oldest first.
    virtual outcome<std::vector<oauth_client>> list_clients(std::string_view account_id) = 0;
    virtual outcome<std::uint64_t> count_clients(client_origin origin) = 0;
    /// With its codes, grants, tokens and device requests; returns the ids of access tokens that worked until now.
    /// Errors: not_found (unknown, another account's; an empty id is the edge's owner, who may remove any).
    virtual outcome<std::vector<std::string>> remove_client(std::string_view account_id, std::string_view id,
                                                            wall_time now) = 0;

    /// Adds the consent, or widens the one of the same person, client and resource; returns what is stored then.
    virtual outcome<oauth_grant> widen_grant(const oauth_grant& grant) = 0;
    virtual outcome<std::optional<oauth_grant>> find_grant(std::string_view user_id, std::string_view client_id,
                                                           std::string_view resource) = 0;
    /// Not revoked, oldest first.
    virtual outcome<std::vector<oauth_grant>> list_grants(std::string_view user_id) = 0;
    /// Revokes the consent and every token under it; returns the ids of access tokens that worked until now.
    /// Errors: not_found.
    virtual outcome<std::vector<std::string>> revoke_grant(std::string_view user_id, std::string_view grant_id,
                                                           wall_time now) = 0;

    virtual outcome<void> add_code(const oauth_code& code) = 0;
    /// Marks the code as used. nullopt: unknown.
    virtual outcome<std::optional<first_use<oauth_code>>> use_code(std::string_view digest, wall_time now) = 0;

    virtual outcome<void> add_oauth_token(const oauth_token& token) = 0;
    /// Revoked, used and expired ones too.
    virtual outcome<std::optional<oauth_token>> find_oauth_token(std::string_view digest) = 0;
    virtual outcome<std::optional<oauth_token>> find_oauth_token_by_id(std::string_view id) = 0;
    /// Marks a refresh token as used. nullopt: unknown, or no refresh token.
    virtual outcome<std::optional<first_use<oauth_token>>> use_refresh_token(std::string_view digest,
                                                                             wall_time now) = 0;
    /// One token. Unknown or revoked before: nothing happens.
    virtual outcome<void> revoke_oauth_token(std::string_view id, wall_time now) = 0;
    /// All tokens of a family; returns the ids of access tokens that worked until now.
    virtual outcome<std::vector<std::string>> revoke_family(std::string_view family_id, wall_time now) = 0;

    /// Errors: already_exists (a code that is in use: make another one).
    virtual outcome<void> add_device_request(const device_request& request) = 0;
    virtual outcome<std::optional<device_request>> find_device_request(std::string_view device_digest) = 0;
    virtual outcome<std::optional<device_request>> find_device_request_by_user_code(std::string_view digest) = 0;
    /// Stores polls and decisions of a known request, by its device_digest.
    virtual outcome<void> update_device_request(const device_request& request) = 0;
    virtual outcome<void> remove_device_request(std::string_view device_digest) = 0;

    /// All tokens, codes and device requests of a person; consents stay. Returns the ids of access tokens that worked
    /// until now.
    virtual outcome<std::vector<std::string>> revoke_tokens_of(std::string_view user_id, wall_time now) = 0;

    /// Rows that expired before `limit`, and dynamic clients without a token or grant that were made before
    /// `unused_clients`.
    virtual outcome<void> purge_oauth(wall_time limit, wall_time unused_clients) = 0;
};

}  // namespace instatunnel::store
