#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"
#include "instatunnel/oidc/settings.hpp"

namespace instatunnel::oidc {

/// How we prove who we are at the token endpoint (OpenID Connect Core 1.0 §9).
enum class client_authentication : std::uint8_t { none, basic, post };

/// What the provider says of itself (OpenID Connect Discovery 1.0 §3), as far as it is used here.
struct provider_metadata {
    std::string authorization_endpoint;
    std::string token_endpoint;
    std::string jwks_uri;
    std::string userinfo_endpoint;  ///< empty: none
    client_authentication authentication = client_authentication::none;
    bool promises_iss = false;  ///< answers carry the issuer (RFC 9207 §3)
};

/// Where the metadata lie (§4).
std::string metadata_url(const std::string& issuer);

/// Errors: unexpected_reply with what is wrong: another issuer than the one that was asked for (§4.3), an endpoint that
/// is missing or not https, no way of authentication or signing that both sides know.
outcome<provider_metadata> read_metadata(std::string_view json, const provider_settings& settings);

}  // namespace instatunnel::oidc
