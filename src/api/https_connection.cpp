#include "https_connection.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "instatunnel/net/tls.hpp"

namespace instatunnel::api {
namespace {

constexpr std::size_t max_write = 16384;

int descriptor_of(BIO* bio) {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool is_for_later(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

int bio_write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    const auto n = ::send(descriptor_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (n < 0 && is_for_later(errno)) BIO_set_retry_write(bio);
    return static_cast<int>(n);
}

int bio_read(BIO* bio, char* data, int size) {
    BIO_clear_retry_flags(bio);
    const auto n = ::recv(descriptor_of(bio), data, static_cast<std::size_t>(size), 0);
    if (n < 0 && is_for_later(errno)) BIO_set_retry_read(bio);
    if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(n);
}

long bio_control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a server that goes away would end the process with SIGPIPE.
const BIO_METHOD* quiet_socket() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "quiet socket");
        if (made == nullptr) return made;
        BIO_meth_set_write(made, bio_write);
        BIO_meth_set_read(made, bio_read);
        BIO_meth_set_ctrl(made, bio_control);
        return made;
    }();
    return method;
}

bool attach(SSL* ssl, int fd) {
    const BIO_METHOD* method = quiet_socket();
    BIO* bio = method == nullptr ? nullptr : BIO_new(method);
    if (bio == nullptr) return false;
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return true;
}

std::string name_of(const net::url_parts& server) {
    const bool is_v6 = server.host.find(':') != std::string::npos;
    return (is_v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
}

}  // namespace

outcome<https_connection> https_connection::open(SSL_CTX* ctx, const net::url_parts& server,
                                                 clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now());
    auto fd = net::dial({server.host, server.port}, std::max(left, std::chrono::milliseconds(0)));
    if (!fd) return fd.error();
    https_connection made(std::move(*fd), SSL_new(ctx), name_of(server), deadline);
    if (!made.ssl_ || !attach(made.ssl_.get(), made.fd_.get()) || !net::expect_peer_name(made.ssl_.get(), server.host))
        return failure(errc::tls_failed, "TLS cannot be set up on this machine");
    auto shaken = made.shake_hands(server.host);
    if (!shaken) return shaken.error();
    return made;
}

outcome<void> https_connection::shake_hands(const std::string& host) {
    for (;;) {
        ERR_clear_error();
        const int done = SSL_connect(ssl_.get());
        if (done == 1) return {};
        const int error = SSL_get_error(ssl_.get(), done);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            return net::explain_handshake_failure(ssl_.get(), host);
        if (!wait_for(error))
            return failure(errc::tls_handshake_timeout, name_ + " did not finish the TLS handshake in time");
    }
}

outcome<void> https_connection::write(std::string_view bytes) {
    while (!bytes.empty()) {
        ERR_clear_error();
        const int n = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(std::min(bytes.size(), max_write)));
        if (n > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(n));
            continue;
        }
        const int error = SSL_get_error(ssl_.get(), n);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return broken();
        if (!wait_for(error)) return failure(errc::connect_timeout, name_ + " did not take the request in time");
    }
    return {};
}

outcome<std::size_t> https_connection::read(char* into, std::size_t size) {
    for (;;) {
        // Asked before each read: a server that trickles its answer never makes a read wait, and must not win by that.
        if (clock::now() >= deadline_) return failure(errc::connect_timeout, name_ + " did not answer in time");
        ERR_clear_error();
        const int n = SSL_read(ssl_.get(), into, static_cast<int>(std::min(size, max_write)));
        if (n > 0) return static_cast<std::size_t>(n);
        const int error = SSL_get_error(ssl_.get(), n);
        if (error == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return broken();
        if (!wait_for(error)) return failure(errc::connect_timeout, name_ + " did not answer in time");
    }
}

bool https_connection::wait_for(int ssl_error) {
    pollfd one{fd_.get(), static_cast<short>(ssl_error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN), 0};
    for (auto now = clock::now(); now < deadline_; now = clock::now()) {
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - now).count();
        if (::poll(&one, 1, static_cast<int>(std::min<long long>(ms, 60'000))) > 0) return true;
    }
    return false;
}

failure https_connection::broken() {
    ERR_clear_error();
    return {errc::server_unreachable, name_ + " closed the connection before its answer was complete"};
}

}  // namespace instatunnel::api
