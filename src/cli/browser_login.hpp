#pragma once

#include <string>

#include "context.hpp"
#include "instatunnel/api/oauth_client.hpp"
#include "interruption.hpp"
#include "sign_in.hpp"

namespace instatunnel::cli {

/// Signs in through the person's browser: authorization code with PKCE and a redirect to a loopback port (RFC 7636,
/// 8252). The address is printed, and opened where there is a graphical session; nothing is asked on the terminal.
/// Errors: those of oauth_client and loopback_callback, and of key_from_tokens.
outcome<sign_in_result> sign_in_with_browser(api::http_client& http, const std::string& server,
                                             interruption& interrupted, context& c);

}  // namespace instatunnel::cli
