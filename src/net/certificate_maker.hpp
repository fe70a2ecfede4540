#pragma once

#include <ctime>
#include <string>

#include "instatunnel/base/secret.hpp"
#include "tls_common.hpp"

namespace instatunnel::net {

/// A new key on P-256. None only if the random generator or memory fails.
key_ptr make_key();
/// PKCS #8, not encrypted. Empty on failure.
secret key_to_pem(const EVP_PKEY* key);
std::string certificate_to_pem(const X509* certificate);

/// A self-signed authority that may sign servers' certificates and nothing else below it. None on failure.
x509_ptr make_authority(EVP_PKEY* key, std::time_t from, std::time_t until);

/// A server's certificate for `name` (a DNS name, checked by the caller) with the public half of `key`.
x509_ptr make_server_certificate(X509* authority, EVP_PKEY* authority_key, EVP_PKEY* key, const std::string& name,
                                 std::time_t from, std::time_t until);

}  // namespace instatunnel::net
