#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/error.hpp"

struct _cjose_jwk_int;

namespace instatunnel::oidc {

/// A public key of the provider.
struct signing_key {
    std::string kid;        ///< may be empty
    std::string type;       ///< "RSA" or "EC"
    std::string algorithm;  ///< the only one it is for; empty: any of its type
    std::shared_ptr<const _cjose_jwk_int> key;
};

/// The keys that may sign ID tokens.
struct key_set {
    std::vector<signing_key> keys;

    /// Those that may have signed with `algorithm` under `kid`; without a kid all that fit.
    std::vector<const signing_key*> find(std::string_view kid, std::string_view algorithm) const;
};

/// A JWK set (RFC 7517 §5). Keys for other uses, of unknown types and of unsafe sizes (RSA below 2,048 or above 8,192
/// bits, EC other than P-256) are left out, secrets of any kind too. Errors: unexpected_reply (not a set, or more than
/// 64 keys).
outcome<key_set> read_key_set(std::string_view json);

}  // namespace instatunnel::oidc
