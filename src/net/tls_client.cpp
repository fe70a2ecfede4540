#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "instatunnel/base/file.hpp"
#include "instatunnel/net/tls.hpp"
#include "tls_common.hpp"

namespace instatunnel::net {
namespace {

constexpr std::uint64_t max_authorities_file = 4u << 20;
constexpr int max_listed_names = 3;

// Kept on the SSL: OpenSSL drops the certificate of a handshake that failed.
void free_refusal(void*, void* stored, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<refusal*>(stored);
}

int refusal_slot() {
    static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_refusal);
    return slot;
}

bool is_address(const std::string& host) {
    in6_addr room{};
    return ::inet_pton(AF_INET, host.c_str(), &room) == 1 || ::inet_pton(AF_INET6, host.c_str(), &room) == 1;
}

bool is_shown_name(std::string_view name) {
    if (name.empty() || name.size() > 253) return false;
    for (const char c : name) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '.' && c != '_' && c != '*') return false;
    }
    return true;
}

/// The first names of a certificate, as text that is safe to print.
std::string names_of(const X509* certificate) {
    auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    std::string text;
    int listed = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        const auto* name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS) continue;
        const std::string_view value(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                                     static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
        if (!is_shown_name(value)) continue;
        if (++listed > max_listed_names) {
            text += ", …";
            break;
        }
        if (!text.empty()) text += ", ";
        text += value;
    }
    GENERAL_NAMES_free(names);
    return text;
}

int remember_refusal(int ok, X509_STORE_CTX* store) {
    if (ok == 1) return 1;
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    if (ssl == nullptr || SSL_get_ex_data(ssl, refusal_slot()) != nullptr) return 0;
    auto found = std::make_unique<refusal>();
    found->code = X509_STORE_CTX_get_error(store);
    if (const X509* certificate = X509_STORE_CTX_get_current_cert(store)) {
        found->names = names_of(certificate);
        found->not_before = date_text(X509_get0_notBefore(certificate));
        found->not_after = date_text(X509_get0_notAfter(certificate));
    }
    if (const X509* own = X509_STORE_CTX_get0_cert(store)) found->issuer = issuer_text(own);
    if (SSL_set_ex_data(ssl, refusal_slot(), found.get()) == 1) found.release();
    return 0;
}

outcome<void> trust_only(SSL_CTX* ctx, const std::string& cacert) {
    auto pem = read_file(cacert, max_authorities_file);
    if (!pem && pem.error().code == errc::file_missing)
        return failure(errc::file_missing, "The certificate file " + cacert + " is missing",
                       "Check the path: --cacert PATH");
    if (!pem) return failure(errc::tls_failed, pem.error().detail, "Name another file: --cacert PATH");
    const auto authorities = parse_certificates(*pem);
    if (authorities.empty())
        return tls_failure(errc::tls_failed, cacert + " holds no certificate in PEM form",
                           "Name another file: --cacert PATH");
    auto* store = SSL_CTX_get_cert_store(ctx);
    for (const auto& authority : authorities)
        if (X509_STORE_add_cert(store, authority.get()) != 1)
            return tls_failure(errc::tls_failed, "A certificate in " + cacert + " cannot be used");
    // Whoever names a certificate trusts that one, whether or not it is the root of its chain.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return {};
}

failure untrusted(const std::string& host, const std::string& reason, std::string next = {}) {
    return {errc::tls_untrusted, "The certificate of " + host + " is not trusted: " + reason, std::move(next)};
}

failure explain_refusal(const refusal& why, const std::string& host) {
    switch (why.code) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return untrusted(host, "the certificate is for another name" + (why.names.empty() ? "" : ": " + why.names),
                             "Check that --server names the server as its certificate does");
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return untrusted(
                host, "it expired on " + why.not_after,
                "Check this machine's clock; if it is right, the server's owner must renew the certificate");
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return untrusted(host, "it is valid from " + why.not_before + " only", "Check this machine's clock");
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return untrusted(host, "it is signed by an unknown authority");
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
            return untrusted(host, "its signature is not valid");
        case X509_V_ERR_INVALID_PURPOSE:
            return untrusted(host, "it is not a server's certificate");
        default:
            return untrusted(host, "it breaks a rule for certificates (number " + std::to_string(why.code) + ")");
    }
}

std::string explain_alert(int reason, const std::string& host) {
    switch (reason) {
        case SSL_R_TLSV1_UNRECOGNIZED_NAME:
            return "The server does not serve the name " + host;
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
            return "The answer of " + host + " is not TLS";
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
            return host + " has no version of TLS in common with this program";
        case SSL_R_UNEXPECTED_EOF_WHILE_READING:
            return host + " closed the connection during the TLS handshake";
        case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
            return host + " answers, but is no InstaTunnel edge";
        default:
            return "The TLS handshake with " + host + " failed";
    }
}

}  // namespace

outcome<ssl_ctx_ptr> make_client_context(const std::string& cacert, bool lanes_only) {
    ssl_ctx_ptr ctx(SSL_CTX_new(TLS_client_method()));
    if (!ctx || !apply_common_settings(ctx.get()) || refusal_slot() < 0)
        return tls_failure(errc::tls_failed, "TLS cannot be set up on this machine");
    if (lanes_only) SSL_CTX_set_min_proto_version(ctx.get(), TLS1_3_VERSION);
    SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_PEER, remember_refusal);
    if (!cacert.empty()) {
        auto trusted = trust_only(ctx.get(), cacert);
        if (!trusted) return trusted.error();
    } else if (SSL_CTX_set_default_verify_paths(ctx.get()) != 1) {
        return tls_failure(errc::tls_failed, "The authorities that this machine trusts cannot be loaded",
                           "Install them (package ca-certificates), or name a file: --cacert PATH");
    }
    return ctx;
}

bool expect_peer_name(SSL* ssl, const std::string& host) {
    std::string name = host;
    if (name.ends_with('.')) name.pop_back();
    if (is_address(name)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

const refusal* refusal_of(const SSL* ssl) {
    return static_cast<const refusal*>(SSL_get_ex_data(ssl, refusal_slot()));
}

failure explain_handshake_failure(SSL* ssl, const std::string& host, int reason) {
    const auto* why = refusal_of(ssl);
    if (reason == 0) reason = ERR_GET_REASON(ERR_peek_last_error());
    auto plain = tls_failure(errc::tls_failed, explain_alert(reason, host));
    return why != nullptr ? explain_refusal(*why, host) : plain;
}

}  // namespace instatunnel::net
