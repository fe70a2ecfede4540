#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/error.hpp"

namespace instatunnel::net {

template <auto Free>
struct openssl_deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using x509_ptr = std::unique_ptr<X509, openssl_deleter<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_deleter<EVP_PKEY_free>>;
using bio_ptr = std::unique_ptr<BIO, openssl_deleter<BIO_free>>;

void free_chain(STACK_OF(X509) * chain) noexcept;
using chain_ptr = std::unique_ptr<STACK_OF(X509), openssl_deleter<free_chain>>;

/// A certificate, the ones between it and its authority, and its key.
struct certificate_pair {
    x509_ptr leaf;
    chain_ptr chain;
    key_ptr key;
};

/// Puts the pair into a connection, which then shares it. False if OpenSSL refuses it.
bool use_pair(SSL* ssl, const certificate_pair& pair);

/// What client and edge have in common: modes that fit our buffers, TLS 1.2 with ECDHE and AEAD at least, groups, the
/// order of ciphers after what this machine is fast at. False only out of memory.
bool apply_common_settings(SSL_CTX* ctx);

/// Empties OpenSSL's error queue of this thread into the log (numbers at level debug: its texts are not for people) and
/// gives `code` with `detail`.
failure tls_failure(errc code, std::string detail, std::string next = {});

/// All certificates of a PEM text, in order. Empty if there is none or one is broken.
std::vector<x509_ptr> parse_certificates(std::string_view pem);
/// The first private key of a PEM text. None if there is none, it is broken, or it needs a passphrase (nobody is
/// asked).
key_ptr parse_private_key(std::string_view pem);

/// Who signed a certificate, as text that is safe to print: "R11 (Let's Encrypt)". Empty if it does not say.
std::string issuer_text(const X509* certificate);

/// What a client's verification objected to. `code` is OpenSSL's (X509_V_ERR_…).
struct refusal {
    int code = X509_V_OK;
    std::string names;
    std::string not_before;
    std::string not_after;
    std::string issuer;  ///< of the server's own certificate
};
/// Null: the verification did not object, or did not take place. Lives as long as `ssl`.
const refusal* refusal_of(const SSL* ssl);

/// "2024-01-15" in UTC; empty if the time cannot be read.
std::string date_text(const ASN1_TIME* time);

}  // namespace instatunnel::net
