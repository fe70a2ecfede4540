#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/oauth/clients.hpp"

namespace instatunnel::oauth {

struct token_answer {
    secret access_token;
    secret refresh_token;  ///< empty: none (client credentials, or a client that may not refresh)
    std::chrono::seconds expires_in{0};
    std::vector<std::string> scopes;
    std::string token_id;  ///< of the access token, for the audit log
    std::string account_id;
    std::string user_id;
};

/// Who a new pair of tokens is for.
struct token_subject {
    std::string client_id;
    std::string user_id;
    std::string account_id;
    std::string grant_id;   ///< empty: no consent stands behind it
    std::string family_id;  ///< all that came from one consent at one time; reuse of a refresh token ends all of them
    std::string resource;
    std::vector<std::string> scopes;
};

/// Makes tokens, looks them up and ends them. Whoever ends one ends tunnels that were opened with it: that is what the
/// lists of ids are for.
class token_book {
public:
    /// Both outlive the book.
    token_book(store::store& target, const server_settings& settings) : store_(target), settings_(settings) {}

    /// Inside a transaction of the caller.
    outcome<token_answer> issue(const token_subject& subject, bool with_refresh);

    /// An access token that works now. nullopt: unknown, expired, revoked.
    outcome<std::optional<store::oauth_token>> find_live(std::string_view token);
    /// RFC 7662 asks about both kinds; a refresh token that was used is not alive.
    outcome<std::optional<store::oauth_token>> find_any_live(std::string_view token);

    /// RFC 7009 for the client that it was issued to: a refresh token ends its whole family. Unknown tokens are no
    /// error. Returns the ids of access tokens that worked until now.
    outcome<std::vector<std::string>> revoke(const store::oauth_client& client, std::string_view token);

private:
    outcome<secret> add(const token_subject& subject, store::oauth_token_kind kind, std::chrono::seconds life,
                        std::string& id);

    store::store& store_;
    const server_settings& settings_;
};

/// What the token endpoint answers, and what it ended on the way (a replayed code or refresh token ends its family).
struct exchange_outcome {
    answer<token_answer> result;
    std::vector<std::string> ended_access_tokens;
    std::string family_id;   ///< of a replay, for the audit log; else empty
    std::string account_id;  ///< likewise
};

/// The token endpoint (RFC 6749 §3.2) for codes, refresh tokens and client credentials. Device codes: devices.hpp.
class token_endpoint {
public:
    token_endpoint(store::store& target, token_book& book, const server_settings& settings)
        : store_(target), book_(book), settings_(settings) {}

    exchange_outcome exchange_code(const store::oauth_client& client, const form& body);
    exchange_outcome refresh(const store::oauth_client& client, const form& body);
    exchange_outcome client_credentials(const store::oauth_client& client, const form& body);

private:
    exchange_outcome replayed(std::string_view family_id, std::string_view account_id, const char* description);

    store::store& store_;
    token_book& book_;
    const server_settings& settings_;
};

}  // namespace instatunnel::oauth
