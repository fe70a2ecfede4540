#include "target_dial.hpp"

#include <openssl/ssl.h>

#include <cerrno>

#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/net/tls.hpp"

namespace instatunnel::client {
namespace {

constexpr int notsent_lowat = 256 * 1024;
constexpr std::chrono::milliseconds retry_wait{50};

// A descriptor whose connect has begun; empty with errno when it could not.
unique_fd begin_connect(const socket_address& to) {
    unique_fd fd(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return fd;
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) != 0 && errno != EINPROGRESS) {
        const int why = errno;
        fd.reset();
        errno = why;
    }
    return fd;
}

}  // namespace

target_dial::target_dial(net::event_loop& loop, target_addresses& addresses, SSL_CTX* tls, const std::string& host,
                         dial_user& to)
    : loop_(loop),
      addresses_(addresses),
      tls_(tls),
      host_(host),
      user_(to),
      timer_(
          loop, [](void* self) { static_cast<target_dial*>(self)->on_timer(); }, this),
      again_(
          loop, [](void* self) { static_cast<target_dial*>(self)->try_address(); }, this) {}

target_dial::~target_dial() {
    cancel();
}

void target_dial::start() {
    address_ = addresses_.preferred();
    timer_.arm(limit);
    try_address();
}

void target_dial::cancel() {
    timer_.cancel();
    again_.cancel();
    if (conn_ != nullptr) net::connection::close_now(std::move(conn_));
}

void target_dial::try_address() {
    for (; tried_ < addresses_.count(); ++tried_, ++address_) {
        const auto& to = addresses_.at(address_);
        auto fd = begin_connect(to);
        // A Unix socket whose app is behind with accepting says so at once instead of letting us wait.
        if (!fd && errno == EAGAIN && to.storage.ss_family == AF_UNIX) return again_.arm(retry_wait);
        if (!fd) continue;
        net::tune_socket(fd.get(), notsent_lowat, to.on_loopback);
        SSL* ssl = nullptr;
        if (tls_ != nullptr) {
            ssl = SSL_new(tls_);
            if (ssl == nullptr || !net::expect_peer_name(ssl, host_)) {
                SSL_free(ssl);
                break;
            }
            SSL_set_connect_state(ssl);
        }
        conn_ = net::connection::start(loop_, std::move(fd), ssl, *this, /*connecting=*/true);
        return;
    }
    fail(errc::target_unreachable);
}

void target_dial::on_connected() {
    timer_.cancel();
    addresses_.note_reached(address_);
    user_.on_dialled(std::move(conn_));
}

void target_dial::on_broken(errc why) {
    // Somebody answered there, whatever is wrong with the certificate.
    if (why == errc::tls_failed) return fail(why);
    net::connection::close_now(std::move(conn_));
    ++tried_;
    ++address_;
    try_address();
}

void target_dial::on_timer() {
    fail(errc::target_timeout);
}

void target_dial::fail(errc why) {
    cancel();
    user_.on_dial_failed(why);
}

}  // namespace instatunnel::client
