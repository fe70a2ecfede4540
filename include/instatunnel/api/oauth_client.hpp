#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "instatunnel/api/http_client.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::api {

/// This program's id at every server: public, built in there (RFC 8252 §8.4).
inline constexpr std::string_view oauth_client_id = "instatunnel-cli";
/// Everything that the account may have.
inline constexpr std::string_view oauth_scope = "*";

/// Where a server signs people in (RFC 8414 §2); every address has the origin of the server that was asked.
struct oauth_server {
    std::string issuer;
    std::string authorization_endpoint;
    std::string token_endpoint;
    std::string device_authorization_endpoint;  ///< empty: no device codes there
    std::string revocation_endpoint;            ///< empty: tokens just run out
};

struct oauth_tokens {
    secret access_token;
    secret refresh_token;  ///< empty: none was given
    std::string scope;     ///< what was granted, blank separated
};

/// What a person on another device is told (RFC 8628 §3.2).
struct device_grant {
    secret device_code;
    std::string user_code;
    std::string verification_uri;
    std::string verification_uri_complete;  ///< the same with the code in it; empty: the server makes none
    std::chrono::seconds expires_in{0};
    std::chrono::seconds interval{0};  ///< between two polls, at least one second
};

/// One poll's answer: tokens, or "not yet".
struct device_poll {
    std::optional<oauth_tokens> tokens;
    bool slow_down = false;  ///< five seconds more between polls from now on (RFC 8628 §3.5)
};

/// Signing in with OAuth 2.0 (RFC 6749, 7009, 7636, 8414, 8628) as the public client of this program.
class oauth_client {
public:
    /// `server` is the API base without /v1. `http` outlives the client.
    oauth_client(http_client& http, std::string server);

    /// Errors: not_found (the server has no such sign-in), unexpected_reply (the description is not of this server),
    /// those of http_client.
    outcome<oauth_server> discover();

    /// Errors: sign_in_expired (the code is not valid any more), and those of to_failure().
    outcome<oauth_tokens> exchange_code(const oauth_server& at, const secret& code, const std::string& redirect_uri,
                                        const secret& verifier);

    /// Errors: not_found (no device codes there).
    outcome<device_grant> begin_device(const oauth_server& at);
    /// Errors: sign_in_denied, sign_in_expired; a failure of the network, rate_limited and busy leave the request as it
    /// was.
    outcome<device_poll> poll_device(const oauth_server& at, const secret& device_code);

    /// Ends all that came from one sign-in. `token`: the refresh token, or the access token where there is none.
    outcome<void> revoke(const oauth_server& at, const secret& token);

private:
    http_client& http_;
    std::string server_;
};

/// The address that a person's browser opens (RFC 6749 §4.1.1, RFC 7636 §4.3).
std::string authorization_url(const oauth_server& at, const std::string& redirect_uri, const std::string& state,
                              const std::string& code_challenge);

}  // namespace instatunnel::api
