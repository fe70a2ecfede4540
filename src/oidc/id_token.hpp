#pragma once

#include <string>
#include <string_view>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/error.hpp"
#include "key_set.hpp"

namespace instatunnel::oidc {

/// RS256, PS256 or ES256: asymmetric, and all with SHA-256, which at_hash needs. "none" and HS… never: with these
/// anybody who knows the public key or nothing at all could sign.
bool is_known_algorithm(std::string_view name) noexcept;

/// What an ID token must agree with (OpenID Connect Core 1.0 §3.1.3.7).
struct id_token_rules {
    std::string_view issuer;
    std::string_view client_id;
    std::string_view nonce;
    std::string_view access_token;  ///< that came with it; empty: none
    wall_time now{};
};

struct id_token_claims {
    std::string subject;
    std::string email;  ///< as written; may be empty
    bool email_verified = false;
    std::string name;
};

/// Checks a token in compact form, at most 16 KiB, signature first. Errors: unexpected_reply with what is wrong, or
/// not_found if no key of the set fits the token: there may be new ones.
outcome<id_token_claims> read_id_token(std::string_view token, const key_set& keys, const id_token_rules& rules);

/// The second half of it: what the token says. `payload` is JSON. Errors: unexpected_reply.
outcome<id_token_claims> read_claims(std::string_view payload, const id_token_rules& rules);

}  // namespace instatunnel::oidc
