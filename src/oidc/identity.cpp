#include "instatunnel/oidc/identity.hpp"

#include <algorithm>
#include <string_view>

namespace instatunnel::oidc {

bool may_link_by_email(const identity& who) noexcept {
    return who.email_verified && !who.email.empty();
}

bool is_welcome(const identity& who, std::span<const std::string> domains) noexcept {
    if (domains.empty()) return true;
    const auto at = who.email.rfind('@');
    if (!may_link_by_email(who) || at == std::string::npos) return false;
    const auto host = std::string_view(who.email).substr(at + 1);
    return std::ranges::find(domains, host) != domains.end();
}

}  // namespace instatunnel::oidc
