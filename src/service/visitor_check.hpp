#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "instatunnel/auth/signing_key.hpp"
#include "instatunnel/oauth/server_settings.hpp"
#include "instatunnel/service/service.hpp"
#include "instatunnel/store/store.hpp"
#include "tuning.hpp"

namespace instatunnel::service {

/// Who calls the MCP servers whose tunnels ask their callers to sign in: looks at access tokens and states for the app
/// who they belong to. On the service's thread.
class visitor_check {
public:
    /// How long the statement holds. The edge asks for a new one more often.
    static constexpr std::chrono::seconds identity_life{300};

    /// All outlive the check.
    visitor_check(store::store& target, const oauth::server_settings& oauth, const auth::signing_key& signer,
                  const tuning& t)
        : store_(target), oauth_(oauth), signer_(signer), tuning_(t) {}

    visitor_answer check(const visitor_claim& claim);
    visitor_verdict check_again(const visitor_again& visitor);

    /// A tunnel was granted; `users` null: nobody signs in to it.
    void note_tunnel(const granted_tunnel& tunnel, visitor_list users);
    /// Whether somebody should be asked for their consent to call `resource`: not if its owner has not named them. What
    /// is not known is asked; each call is checked again anyway.
    bool may_consent(const store::user& person, std::string_view resource) const;

    const auth::signing_key& signer() const noexcept { return signer_; }

private:
    struct door {
        std::string account_id;
        visitor_list users;
    };
    std::string identity_of(const store::oauth_token& token, const store::user& person, const std::string& url) const;

    store::store& store_;
    const oauth::server_settings& oauth_;
    const auth::signing_key& signer_;
    const tuning& tuning_;
    std::unordered_map<std::string, door> doors_;  // by resource
};

}  // namespace instatunnel::service
