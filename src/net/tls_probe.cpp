#include "instatunnel/net/tls_probe.hpp"

#include <openssl/err.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "instatunnel/net/tls.hpp"
#include "tls_common.hpp"

namespace instatunnel::net {
namespace {

using probe_clock = std::chrono::steady_clock;

// False at the deadline.
bool wait_for(int fd, bool to_write, probe_clock::time_point deadline) {
    pollfd one{fd, static_cast<short>(to_write ? POLLOUT : POLLIN), 0};
    for (auto now = probe_clock::now(); now < deadline; now = probe_clock::now()) {
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
        if (::poll(&one, 1, static_cast<int>(std::min<long long>(ms, 60'000))) > 0) return true;
    }
    return false;
}

distrust objection_of(int code) {
    switch (code) {
        case X509_V_OK:
            return distrust::none;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return distrust::other_name;
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return distrust::expired;
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return distrust::not_yet_valid;
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return distrust::unknown_authority;
        default:
            return distrust::other;
    }
}

tls_view view_of(SSL* ssl) {
    tls_view seen;
    seen.version = SSL_get_version(ssl);
    const x509_ptr certificate(SSL_get1_peer_certificate(ssl));
    if (!certificate) return seen;
    seen.issuer = issuer_text(certificate.get());
    seen.valid_until = date_text(X509_get0_notAfter(certificate.get()));
    return seen;
}

tls_view refused_view(SSL* ssl, failure why) {
    tls_view seen;
    if (const auto* refused = refusal_of(ssl)) {
        seen.issuer = refused->issuer;
        seen.objection = objection_of(refused->code);
    }
    seen.refused = std::move(why);
    return seen;
}

}  // namespace

tls_view probe_tls(SSL_CTX* ctx, unique_fd fd, const std::string& host, std::chrono::milliseconds limit) {
    const auto deadline = probe_clock::now() + limit;
    const std::unique_ptr<SSL, openssl_deleter<SSL_free>> ssl(SSL_new(ctx));
    if (!ssl || SSL_set_fd(ssl.get(), fd.get()) != 1 || !expect_peer_name(ssl.get(), host)) {
        tls_view none;
        none.refused = failure(errc::tls_failed, "TLS cannot be set up on this machine");
        return none;
    }
    for (;;) {
        ERR_clear_error();
        const int done = SSL_connect(ssl.get());
        if (done == 1) return view_of(ssl.get());
        const int error = SSL_get_error(ssl.get(), done);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            return refused_view(ssl.get(), explain_handshake_failure(ssl.get(), host));
        if (!wait_for(fd.get(), error == SSL_ERROR_WANT_WRITE, deadline))
            return refused_view(ssl.get(), {errc::tls_handshake_timeout, host + " did not finish the TLS handshake"});
    }
}

}  // namespace instatunnel::net
