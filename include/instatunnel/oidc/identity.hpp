#pragma once

#include <span>
#include <string>

namespace instatunnel::oidc {

/// Who signed in, as the provider says. `issuer` and `subject` together are the person, for ever; the rest may change
/// (OpenID Connect Core 1.0 §5.7).
struct identity {
    std::string issuer;
    std::string subject;
    std::string email;  ///< normalised; empty: the provider names none, or none that is one
    bool email_verified = false;
    std::string name;  ///< fit for display; may be empty
};

/// Whether this person's address may stand for an account that was made without the provider: the provider has
/// verified it. Elsewhere anybody could write down somebody's address and get their account.
bool may_link_by_email(const identity& who) noexcept;

/// Whether the person belongs to one of `domains` ("example.com", lower case): a verified address with exactly that
/// host. No domains: everybody does.
bool is_welcome(const identity& who, std::span<const std::string> domains) noexcept;

}  // namespace instatunnel::oidc
