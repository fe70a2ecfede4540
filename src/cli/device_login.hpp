#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "context.hpp"
#include "instatunnel/api/oauth_client.hpp"
#include "interruption.hpp"
#include "sign_in.hpp"

namespace instatunnel::cli {

/// Signs in with a browser on any other device (RFC 8628): prints a page and a code to type there, and waits. Nothing
/// is asked here. Errors: those of oauth_client and key_from_tokens, cancelled.
outcome<sign_in_result> sign_in_with_device(api::http_client& http, const std::string& server,
                                            interruption& interrupted, context& c);

/// What polling takes from outside; tests fake it. None may be empty.
struct polling_seams {
    std::function<bool(std::chrono::milliseconds)> sleep;  ///< false: interrupted
    std::function<std::chrono::steady_clock::time_point()> now;
    std::function<void(const failure&)> on_trouble;  ///< the server did not answer, once for each time it goes away
};

/// Asks until the person has decided or the code has run out, never faster than the server allows; a server that does
/// not answer is asked less and less often (RFC 8628 §3.5). Errors: cancelled, sign_in_denied, sign_in_expired, and
/// what waiting cannot mend.
outcome<api::oauth_tokens> poll_for_tokens(api::oauth_client& client, const api::oauth_server& at,
                                           const api::device_grant& grant, const polling_seams& seams);

}  // namespace instatunnel::cli
