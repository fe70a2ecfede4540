#pragma once

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/fetch/fetcher.hpp"
#include "instatunnel/oidc/provider.hpp"
#include "metadata.hpp"

namespace instatunnel::oidc {

/// What the token endpoint gives for a code (OpenID Connect Core 1.0 §3.1.3.3).
struct token_answer {
    secret id_token;
    secret access_token;  ///< empty: none that can be used
};

/// The request for it (RFC 6749 §4.1.3), with the client's authentication.
fetch::request token_request(const provider_settings& settings, const provider_metadata& metadata, const sign_in& kept,
                             std::string_view code);

/// Errors: those of the fetcher, unexpected_reply with the provider's error code if it is one.
outcome<token_answer> read_token_answer(outcome<fetch::response> answer, const provider_settings& settings);

/// An error code of the provider's (RFC 6749 §4.1.2.1) that is fit for display; else "an unknown error".
std::string shown_error(std::string_view code);

}  // namespace instatunnel::oidc
