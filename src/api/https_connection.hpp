#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/net/dial.hpp"

namespace instatunnel::api {

/// One TLS connection to a server, blocking, with one deadline for everything that happens on it.
class https_connection {
public:
    using clock = std::chrono::steady_clock;

    /// Dials and shakes hands. Errors: those of net::dial, tls_handshake_timeout, tls_untrusted, tls_failed.
    static outcome<https_connection> open(SSL_CTX* ctx, const net::url_parts& server, clock::time_point deadline);

    /// Sends all of it. Errors: connect_timeout, server_unreachable.
    outcome<void> write(std::string_view bytes);
    /// Reads what there is, at least one byte; 0 once the server said that nothing follows. An end without that word
    /// is an error, because anybody in between can make one. Errors: connect_timeout, server_unreachable.
    outcome<std::size_t> read(char* into, std::size_t size);

private:
    struct ssl_deleter {
        void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    };
    https_connection(unique_fd fd, SSL* ssl, std::string name, clock::time_point deadline)
        : fd_(std::move(fd)), ssl_(ssl), name_(std::move(name)), deadline_(deadline) {}

    outcome<void> shake_hands(const std::string& host);
    /// Waits for what the last call of OpenSSL wants. False at the deadline.
    bool wait_for(int ssl_error);
    failure broken();

    unique_fd fd_;
    std::unique_ptr<SSL, ssl_deleter> ssl_;
    std::string name_;  ///< "api.t.example.com:443", for messages
    clock::time_point deadline_;
};

}  // namespace instatunnel::api
