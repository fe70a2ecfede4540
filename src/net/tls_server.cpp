#include <arpa/inet.h>
#include <openssl/err.h>

#include "instatunnel/base/names.hpp"
#include "instatunnel/net/tls.hpp"
#include "tls_common.hpp"

namespace instatunnel::net {
namespace {

/// What the callbacks of a context need; lives in the context, so that a connection still in its handshake keeps it.
struct server_state {
    std::shared_ptr<certificate_source> source;  // shared: the owner reloads it while handshakes use it
    alpn_selector select_alpn = nullptr;
};

void free_state(void*, void* stored, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<server_state*>(stored);
}

int state_slot() {
    static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_state);
    return slot;
}

const server_state& state_of(SSL* ssl) {
    return *static_cast<const server_state*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), state_slot()));
}

// The certificate is chosen here and not in OpenSSL's certificate callback, because that one can refuse only with
// internal_error; this one can name the reason to the visitor (RFC 6066 §3).
int choose_certificate(SSL* ssl, int* alert, void*) {
    if (state_of(ssl).source->select(ssl, to_lower(requested_name(ssl)))) return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int choose_alpn(SSL* ssl, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                unsigned int offered_size, void*) {
    const auto chosen = state_of(ssl).select_alpn({reinterpret_cast<const char*>(offered), offered_size});
    if (chosen.empty() || chosen.size() > 255) return SSL_TLSEXT_ERR_NOACK;
    *out = reinterpret_cast<const unsigned char*>(chosen.data());
    *size = static_cast<unsigned char>(chosen.size());
    return SSL_TLSEXT_ERR_OK;
}

bool apply_server_settings(SSL_CTX* ctx) {
    constexpr unsigned char session_context[] = "instatunnel";
    // Our order of ciphers decides, but a client that puts ChaCha20 first has no fast AES and gets it.
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    return SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
           SSL_CTX_set_session_id_context(ctx, session_context, sizeof session_context - 1) == 1;
}

}  // namespace

std::string_view requested_name(const SSL* ssl) noexcept {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return {};
    in6_addr address{};
    const bool is_address = ::inet_pton(AF_INET, name, &address) == 1 || ::inet_pton(AF_INET6, name, &address) == 1;
    return is_address ? std::string_view() : std::string_view(name);
}

outcome<ssl_ctx_ptr> make_server_context(std::shared_ptr<certificate_source> source, alpn_selector select_alpn) {
    ssl_ctx_ptr ctx(SSL_CTX_new(TLS_server_method()));
    auto state = std::make_unique<server_state>(server_state{std::move(source), select_alpn});
    if (!ctx || !apply_common_settings(ctx.get()) || !apply_server_settings(ctx.get()) || state_slot() < 0 ||
        SSL_CTX_set_ex_data(ctx.get(), state_slot(), state.get()) != 1)
        return tls_failure(errc::tls_failed, "TLS cannot be set up on this machine");
    state.release();
    SSL_CTX_set_tlsext_servername_callback(ctx.get(), choose_certificate);
    if (select_alpn != nullptr) SSL_CTX_set_alpn_select_cb(ctx.get(), choose_alpn, nullptr);
    return ctx;
}

}  // namespace instatunnel::net
