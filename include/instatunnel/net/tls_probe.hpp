#pragma once

#include <openssl/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel::net {

/// What was wrong with a server's certificate.
enum class distrust : std::uint8_t { none, unknown_authority, other_name, expired, not_yet_valid, other };

/// What a server's TLS looks like from here. Every text is safe to print.
struct tls_view {
    std::string version;      ///< "TLSv1.3"; empty: the handshake failed
    std::string issuer;       ///< who signed the server's certificate, one that was refused too; empty: not known
    std::string valid_until;  ///< "2027-01-15", of a certificate that was accepted
    distrust objection = distrust::none;
    std::optional<failure> refused;  ///< tls_untrusted, tls_failed, tls_handshake_timeout; nullopt: all is well
};

/// Shakes hands over a connected descriptor, non-blocking as dial() makes them, and closes it. Blocking, at most
/// `limit`: for helper threads. The process ignores SIGPIPE. `host`: the name that the certificate must be for.
tls_view probe_tls(SSL_CTX* ctx, unique_fd fd, const std::string& host, std::chrono::milliseconds limit);

}  // namespace instatunnel::net
