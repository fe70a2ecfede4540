#pragma once

#include <string>

#include "context.hpp"
#include "instatunnel/api/oauth_client.hpp"
#include "interruption.hpp"
#include "sign_in.hpp"

namespace instatunnel::cli {

/// Makes the key that signing in stores, with everything that was granted, and ends the tokens: they have done their
/// work, whatever comes of it. Errors: cancelled (before there is a key), those of auth_client and key_client.
outcome<sign_in_result> key_from_tokens(api::oauth_client& client, const api::oauth_server& at,
                                        const api::oauth_tokens& tokens, api::http_client& http,
                                        const std::string& server, const interruption& interrupted, context& c);

/// What lists of keys call it: "CLI - HOST", as far as a name may be one.
std::string cli_key_name(const std::string& host);

}  // namespace instatunnel::cli
