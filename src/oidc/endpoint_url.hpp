#pragma once

#include <string_view>

#include "instatunnel/auth/redirect_uri.hpp"
#include "instatunnel/oidc/settings.hpp"

namespace instatunnel::oidc {

/// An address of the provider: https with a host, no user part, no fragment; http to this machine if `rule` says so.
inline bool is_endpoint(std::string_view url, transport_rule rule) {
    if (!url.starts_with("https://") && !(rule == transport_rule::or_loopback && url.starts_with("http://")))
        return false;
    // The rules for redirects are the same, and http is for this machine only there too.
    return auth::check_redirect_uri(url).has_value();
}

}  // namespace instatunnel::oidc
