#include "tls_common.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "instatunnel/base/log.hpp"
#include "instatunnel/net/tls.hpp"

namespace instatunnel::net {
namespace {

bool has_fast_aes() {
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_cpu_supports("aes") != 0;
#elif defined(__aarch64__)
    return (::getauxval(AT_HWCAP) & HWCAP_AES) != 0;
#else
    return false;
#endif
}

int refuse_passphrase(char*, int, int, void*) {
    return -1;
}

bio_ptr memory_bio(std::string_view text) {
    return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

namespace {

// One entry of a name; empty if it is missing, long, or holds what could steer a terminal.
std::string name_entry(const X509_NAME* name, int nid) {
    constexpr std::size_t longest_entry = 80;
    const int at = X509_NAME_get_index_by_NID(name, nid, -1);
    if (at < 0) return {};
    unsigned char* bytes = nullptr;
    const int size = ASN1_STRING_to_UTF8(&bytes, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size < 0) return {};
    std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    const auto shows = [](char c) { return c >= ' ' && c <= '~'; };
    return text.size() <= longest_entry && std::ranges::all_of(text, shows) ? text : std::string();
}

}  // namespace

std::string issuer_text(const X509* certificate) {
    const X509_NAME* issuer = X509_get_issuer_name(certificate);
    const auto common = name_entry(issuer, NID_commonName);
    const auto organisation = name_entry(issuer, NID_organizationName);
    if (common.empty() || organisation.empty() || common == organisation) return common.empty() ? organisation : common;
    return common + " (" + organisation + ")";
}

void ssl_ctx_deleter::operator()(SSL_CTX* ctx) const noexcept {
    SSL_CTX_free(ctx);
}

void free_chain(STACK_OF(X509) * chain) noexcept {
    sk_X509_pop_free(chain, X509_free);
}

bool use_pair(SSL* ssl, const certificate_pair& pair) {
    return SSL_use_cert_and_key(ssl, pair.leaf.get(), pair.key.get(), pair.chain.get(), /*override=*/1) == 1;
}

bool apply_common_settings(SSL_CTX* ctx) {
    const bool aes = has_fast_aes();
    const char* tls13 = aes ? "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
                            : "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";
    const char* tls12 = aes ? "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"
                            : "ECDHE+CHACHA20:ECDHE+AESGCM+AES128:ECDHE+AESGCM:!aNULL";
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // A connection that ends without close_notify was cut, perhaps by someone in between: that must stay visible.
    SSL_CTX_clear_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 && SSL_CTX_set_ciphersuites(ctx, tls13) == 1 &&
           SSL_CTX_set_cipher_list(ctx, tls12) == 1 && SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1;
}

failure tls_failure(errc code, std::string detail, std::string next) {
    while (const unsigned long number = ERR_get_error()) {
        char text[32];
        std::snprintf(text, sizeof text, "%08lX", number);
        log::debug("tls.error").with("code", text);
    }
    return {code, std::move(detail), std::move(next)};
}

std::vector<x509_ptr> parse_certificates(std::string_view pem) {
    std::vector<x509_ptr> found;
    ERR_clear_error();
    const auto bio = memory_bio(pem);
    while (bio) {
        x509_ptr one(PEM_read_bio_X509(bio.get(), nullptr, refuse_passphrase, nullptr));
        if (!one) break;
        found.push_back(std::move(one));
    }
    // The end of the text shows as "no start line"; anything else means that a certificate is broken.
    if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
        ERR_clear_error();
    } else {
        found.clear();
    }
    return found;
}

key_ptr parse_private_key(std::string_view pem) {
    const auto bio = memory_bio(pem);
    if (!bio) return nullptr;
    return key_ptr(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, nullptr));
}

std::string date_text(const ASN1_TIME* time) {
    std::tm parts{};
    char text[32];
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts));
}

}  // namespace instatunnel::net
