#include "upstream_connection.hpp"

#include <openssl/ssl.h>

#include <cerrno>

#include "exchange.hpp"

namespace instatunnel::client {

upstream_connection::upstream_connection(upstream& owner, exchange& user)
    : owner_(owner),
      user_(&user),
      dial_(std::make_unique<target_dial>(owner.loop(), owner.app().addresses(), owner.app().tls(),
                                          owner.options().upstream.host, static_cast<dial_user&>(*this))),
      idle_(
          owner.loop(), [](void* self) { static_cast<upstream_connection*>(self)->discard(); }, this) {}

void upstream_connection::open(upstream& owner, exchange& user) {
    auto* self = new upstream_connection(owner, user);
    owner.loop().keep(std::unique_ptr<net::retirable>(self));
    user.on_connecting(*self);
    self->dial_->start();
}

void upstream_connection::lend(exchange& to) {
    user_ = &to;
    reused_ = true;
    idle_.cancel();
}

bool upstream_connection::seems_closed() const noexcept {
    if (conn_->ssl() != nullptr && conn_->may_hold_input()) return true;
    char byte = 0;
    const auto n = ::recv(conn_->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n >= 0 || errno != EAGAIN;
}

void upstream_connection::give_back() {
    user_ = nullptr;
    idle_.arm(upstream::idle_limit);
    owner_.put_idle(*this);
}

void upstream_connection::discard(farewell how) {
    if (std::exchange(gone_, true)) return;
    user_ = nullptr;
    idle_.cancel();
    if (dial_ != nullptr) dial_->cancel();
    owner_.remove_idle(*this);
    if (how == farewell::gentle)
        net::connection::close_gently(std::move(conn_));
    else
        net::connection::close_now(std::move(conn_));
    owner_.connection_closed();
    owner_.loop().retire(std::unique_ptr<net::retirable>(this));
}

void upstream_connection::on_dialled(std::unique_ptr<net::connection> c) {
    conn_ = std::move(c);
    conn_->set_events(*this);
    if (user_ != nullptr) return user_->on_connection(*this);
    give_back();
}

void upstream_connection::on_dial_failed(errc why) {
    if (why == errc::target_unreachable) owner_.app().unreachable();
    auto* user = std::exchange(user_, nullptr);
    discard();
    if (user != nullptr) user->on_connect_failed(why);
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

void upstream_connection::on_broken(errc) {
    if (gone_) return;
    if (user_ != nullptr) return user_->on_upstream_broken();
    discard();
}

}  // namespace instatunnel::client
