#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::oidc {

/// Whether addresses of the provider may be http on this machine (--dev).
enum class transport_rule : std::uint8_t { https_only, or_loopback };

/// An OpenID provider and what it knows us as.
struct provider_settings {
    std::string issuer;  ///< as written: it is compared byte by byte
    std::string client_id;
    secret client_secret;              ///< empty: a public client
    std::vector<std::string> domains;  ///< whose addresses may sign in, lower case; empty: all
    std::string scope = "openid email profile";
    std::string name;  ///< for the button; the issuer's host if none was given
    transport_rule transport = transport_rule::https_only;
};

/// "issuer=https://id.example.com,client_id=ID[,client_secret_file=PATH][,domains=example.com;example.org]
/// [,scope=openid email][,name=Example]". Values hold no commas; the parts of domains and scope are divided by ";" or
/// blanks. The file must be private; without one `environment_secret` is the secret.
/// Errors: usage with the member that is wrong, and those of read_private_file.
outcome<provider_settings> parse_provider(std::string_view text, const secret& environment_secret,
                                          transport_rule transport = transport_rule::https_only);

}  // namespace instatunnel::oidc
