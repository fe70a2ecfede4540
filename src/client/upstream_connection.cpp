#include "upstream_connection.hpp"

#include <openssl/ssl.h>

#include <cerrno>

#include "exchange.hpp"

namespace instatunnel::client {
namespace {

constexpr int upstream_notsent_lowat = 256 * 1024;
constexpr std::chrono::milliseconds retry_wait{50};

}  // namespace

upstream_connection::upstream_connection(upstream& owner, exchange& user)
    : owner_(owner),
      user_(&user),
      timer_(
          owner.loop(), [](void* self) { static_cast<upstream_connection*>(self)->on_timer(); }, this),
      again_(
          owner.loop(), [](void* self) { static_cast<upstream_connection*>(self)->try_address(); }, this) {}

void upstream_connection::open(upstream& owner, exchange& user) {
    auto* self = new upstream_connection(owner, user);
    owner.loop().keep(std::unique_ptr<net::retirable>(self));
    user.on_connecting(*self);
    self->address_ = owner.preferred();
    self->timer_.arm(upstream::connect_limit);
    self->try_address();
}

void upstream_connection::try_address() {
    while (tried_ < owner_.addresses().size()) {
        const auto& to = owner_.addresses()[address_ % owner_.addresses().size()];
        const int family = to.storage.ss_family;
        unique_fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        const bool started = fd && (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) == 0 ||
                                    errno == EINPROGRESS);
        // A Unix socket whose app is behind with accepting says so at once instead of letting us wait.
        if (!started && fd && errno == EAGAIN && family == AF_UNIX) return again_.arm(retry_wait);
        if (!started) {
            ++tried_;
            ++address_;
            continue;
        }
        net::tune_socket(fd.get(), upstream_notsent_lowat, to.on_loopback);
        SSL* ssl = nullptr;
        if (owner_.tls() != nullptr) {
            ssl = SSL_new(owner_.tls());
            if (ssl == nullptr || !net::expect_peer_name(ssl, owner_.options().upstream.host)) {
                SSL_free(ssl);
                break;
            }
            SSL_set_connect_state(ssl);
        }
        conn_ = net::connection::start(owner_.loop(), std::move(fd), ssl, *this, /*connecting=*/true);
        return;
    }
    owner_.unreachable();
    auto* user = std::exchange(user_, nullptr);
    discard();
    if (user != nullptr) user->on_connect_failed(errc::target_unreachable);
}

void upstream_connection::next_address() {
    net::connection::close_now(std::move(conn_));
    ++tried_;
    ++address_;
    try_address();
}

void upstream_connection::lend(exchange& to) {
    user_ = &to;
    reused_ = true;
    timer_.cancel();
}

bool upstream_connection::seems_closed() const noexcept {
    if (conn_->ssl() != nullptr && conn_->may_hold_input()) return true;
    char byte = 0;
    const auto n = ::recv(conn_->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n >= 0 || errno != EAGAIN;
}

void upstream_connection::give_back() {
    user_ = nullptr;
    timer_.arm(upstream::idle_limit);
    owner_.put_idle(*this);
}

void upstream_connection::discard(farewell how) {
    if (std::exchange(gone_, true)) return;
    user_ = nullptr;
    timer_.cancel();
    again_.cancel();
    owner_.remove_idle(*this);
    if (how == farewell::gentle)
        net::connection::close_gently(std::move(conn_));
    else
        net::connection::close_now(std::move(conn_));
    owner_.connection_closed();
    owner_.loop().retire(std::unique_ptr<net::retirable>(this));
}

void upstream_connection::on_connected() {
    open_ = true;
    timer_.cancel();
    owner_.connected(address_ % owner_.addresses().size());
    if (user_ != nullptr) return user_->on_connection(*this);
    give_back();
}

void upstream_connection::on_readable() {
    if (user_ != nullptr) return user_->on_upstream_readable();
    // An app has nothing to say between requests: it has closed, or it is confused.
    char byte = 0;
    if (conn_->read(&byte, 1).status != net::read_status::would_block) discard();
}

void upstream_connection::on_writable() {
    if (user_ != nullptr) user_->on_upstream_writable();
}

void upstream_connection::on_broken(errc why) {
    if (gone_) return;
    if (!open_ && why != errc::tls_failed) return next_address();
    auto* user = std::exchange(user_, nullptr);
    const bool was_open = open_;
    if (user != nullptr && was_open) {
        user_ = user;
        return user->on_upstream_broken();
    }
    discard();
    if (user != nullptr) user->on_connect_failed(why);
}

void upstream_connection::on_timer() {
    if (open_) return discard();
    auto* user = std::exchange(user_, nullptr);
    discard();
    if (user != nullptr) user->on_connect_failed(errc::target_timeout);
}

}  // namespace instatunnel::client
