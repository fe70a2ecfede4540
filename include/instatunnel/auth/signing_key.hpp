#pragma once

#include <openssl/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"

namespace instatunnel::auth {

/// An Ed25519 key pair (RFC 8032) with which the edge signs what programs behind it can check.
class signing_key {
public:
    /// The folder's `identity-key.pem` (PKCS #8, 0600), made if it is not there; of several processes that make it at
    /// once all get the same. Errors: store_failed (the file holds something else), file_permission, file_io.
    static outcome<signing_key> load_or_make(const std::filesystem::path& folder);

    /// 64 raw bytes.
    std::string sign(std::string_view bytes) const;
    bool verifies(std::string_view bytes, std::string_view signature) const;

    /// The public half: 32 raw bytes.
    const std::string& public_bytes() const noexcept { return public_; }
    /// Its name among others (RFC 7638, with the members of RFC 8037 §2).
    const std::string& id() const noexcept { return id_; }

private:
    struct freed {
        void operator()(EVP_PKEY* key) const noexcept;
    };
    using pkey = std::unique_ptr<EVP_PKEY, freed>;
    explicit signing_key(pkey key);
    static pkey parse(std::string_view pem);

    pkey key_;
    std::string public_;
    std::string id_;
};

}  // namespace instatunnel::auth
