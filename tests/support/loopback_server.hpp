#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel::test {

/// OpenSSL writes without MSG_NOSIGNAL; a peer that is gone must fail the write, not end the test.
inline const auto ignored_sigpipe = std::signal(SIGPIPE, SIG_IGN);

/// A socket that listens on a free loopback port of one family.
class loopback_listener {
public:
    explicit loopback_listener(int family = AF_INET, int backlog = 16)
        : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in v4{};
        sockaddr_in6 v6{};
        v4.sin_family = AF_INET;
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        v6.sin6_family = AF_INET6;
        v6.sin6_addr = in6addr_loopback;
        auto* address = family == AF_INET ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6);
        socklen_t size = family == AF_INET ? sizeof v4 : sizeof v6;
        if (::bind(fd_.get(), address, size) != 0 || ::listen(fd_.get(), backlog) != 0 ||
            ::getsockname(fd_.get(), address, &size) != 0)
            throw std::runtime_error("cannot listen on loopback");
        port_ = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
    }

    int fd() const noexcept { return fd_.get(); }
    std::uint16_t port() const noexcept { return port_; }
    void close() noexcept { fd_.reset(); }

private:
    unique_fd fd_;
    std::uint16_t port_ = 0;
};

/// Serves connections one after the other on a thread of its own; `serve` gets a blocking descriptor with limits of 20
/// s.
class loopback_server {
public:
    explicit loopback_server(std::function<void(int fd)> serve)
        : serve_(std::move(serve)), thread_([this] { run(); }) {}
    ~loopback_server() {
        ::shutdown(listener_.fd(), SHUT_RDWR);
        thread_.join();
    }
    loopback_server(const loopback_server&) = delete;
    loopback_server& operator=(const loopback_server&) = delete;

    std::uint16_t port() const noexcept { return listener_.port(); }

private:
    void run() {
        for (;;) {
            const unique_fd fd(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!fd) return;
            const timeval limit{20, 0};
            ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
            ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
            serve_(fd.get());
        }
    }

    std::function<void(int fd)> serve_;
    loopback_listener listener_;
    std::thread thread_;
};

/// The server's side of a TLS connection; `body` runs after a handshake that succeeded.
inline void serve_tls(SSL_CTX* ctx, int fd, const std::function<void(SSL*)>& body) {
    SSL* ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        body(ssl);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
}

/// Reads until the peer closes or `until` was seen.
inline std::string read_some(SSL* ssl, std::string_view until) {
    std::string seen;
    char block[4096];
    while (seen.find(until) == std::string::npos) {
        const int n = SSL_read(ssl, block, sizeof block);
        if (n <= 0) break;
        seen.append(block, static_cast<std::size_t>(n));
    }
    return seen;
}

inline void write_all(SSL* ssl, std::string_view text) {
    while (!text.empty()) {
        const int n = SSL_write(ssl, text.data(), static_cast<int>(text.size()));
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

}  // namespace instatunnel::test
