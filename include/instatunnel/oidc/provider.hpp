#pragma once

#include <functional>
#include <memory>
#include <string>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/base/form.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/fetch/fetcher.hpp"
#include "instatunnel/oidc/identity.hpp"
#include "instatunnel/oidc/settings.hpp"

namespace instatunnel::oidc {

/// What the caller keeps between begin() and finish(), for this browser only and for one finish(): with it a stranger's
/// answer cannot be taken for the person's (state), an ID token cannot be used twice (nonce), and a code that was
/// stolen on the way is worth nothing (verifier).
struct sign_in {
    std::string state;
    std::string nonce;
    secret verifier;
    std::string redirect_uri;
};

struct begun_sign_in {
    std::string location;  ///< where to send the browser
    sign_in kept;
};

/// An outside OpenID provider with us as the relying party: code flow with PKCE (OpenID Connect Core 1.0 §3.1, RFC
/// 7636, 9207, 9700). Safe for any thread.
///
/// Callbacks come once, on the fetcher's thread, or, when nothing has to be fetched, before the call returns.
/// Failures of both: those of fetch::fetcher, and unexpected_reply with what the provider got wrong. A document that
/// was fetched is good for an hour.
class provider {
public:
    virtual ~provider() = default;

    virtual void begin(std::string redirect_uri, std::function<void(outcome<begun_sign_in>)> done) = 0;

    /// `query` is what the browser came back with. Failures beside the above: bad_request (the answer does not belong
    /// to `kept`, or is not from this provider), forbidden (the person or the provider said no).
    virtual void finish(sign_in kept, const form& query, std::function<void(outcome<identity>)> done) = 0;

    virtual const provider_settings& settings() const noexcept = 0;
};

/// `fetcher` outlives the provider; calls under way outlive both in safety.
std::unique_ptr<provider> make_provider(provider_settings settings, fetch::fetcher& fetcher,
                                        std::function<wall_time()> now = wall_now);

}  // namespace instatunnel::oidc
