#include "greeting.hpp"

#include <openssl/ssl.h>

#include <algorithm>

#include "http2_visitor.hpp"
#include "instatunnel/base/log.hpp"
#include "lane.hpp"
#include "visitor.hpp"

namespace instatunnel::edge {
bool offers(std::string_view list, std::string_view protocol) noexcept {
    while (!list.empty()) {
        const std::size_t size = static_cast<unsigned char>(list.front());
        if (list.size() < 1 + size) return false;
        if (list.substr(1, size) == protocol) return true;
        list.remove_prefix(1 + size);
    }
    return false;
}

std::string_view choose_alpn(std::string_view offered) {
    if (offers(offered, alpn_tunnel)) return alpn_tunnel;
    if (offers(offered, alpn_http2)) return alpn_http2;
    if (offers(offered, alpn_http1)) return alpn_http1;
    return {};
}

greeting::greeting(worker& w, net::peer_name peer, address_slot slot)
    : w_(w),
      peer_(std::move(peer)),
      slot_(std::move(slot)),
      timer_(
          w.loop, [](void* self) { static_cast<greeting*>(self)->on_timer(); }, this) {
    ++w_.handshaking;
}

greeting::~greeting() {
    --w_.handshaking;
}

void greeting::begin(worker& w, unique_fd fd, net::peer_name peer, address_slot slot, SSL_CTX* context) {
    net::tune_socket(fd.get(), visitor_notsent_lowat, peer.is_loopback);
    SSL* ssl = SSL_new(context);
    if (ssl == nullptr) return;
    SSL_set_accept_state(ssl);
    auto* self = new greeting(w, std::move(peer), std::move(slot));
    w.loop.keep(std::unique_ptr<net::retirable>(self));
    self->timer_.arm(std::min(w.limits.doorstep, w.limits.handshake));
    self->conn_ = net::connection::start(w.loop, std::move(fd), ssl, *self, /*connecting=*/false);
}

void greeting::on_connected() {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(conn_->ssl(), &name, &size);
    const std::string_view protocol(reinterpret_cast<const char*>(name), size);
    if (protocol != alpn_tunnel) {
        visitor_connection* v = nullptr;
        if (protocol == alpn_http2)
            v = new http2_visitor(w_, std::move(peer_), std::move(slot_));
        else
            v = new visitor(w_, std::move(peer_), std::move(slot_));
        w_.loop.keep(std::unique_ptr<net::retirable>(v));
        v->adopt(std::move(conn_));
        if (w_.draining) v->drain();
    } else if (SSL_version(conn_->ssl()) < TLS1_3_VERSION || w_.lanes_without_hello >= w_.limits.lanes_without_hello) {
        if (w_.failure_lines.take(w_.loop.now()))
            log::info("client.refused").with("from", peer_.address).with("limit", "lanes-without-hello");
        net::connection::close_now(std::move(conn_));
    } else {
        auto* l = new lane(w_, std::move(peer_));
        w_.loop.keep(std::unique_ptr<net::retirable>(l));
        l->adopt(std::move(conn_));
    }
    leave();
}

void greeting::on_timer() {
    const auto& limits = w_.limits;
    const auto state = SSL_get_state(conn_->ssl());
    const bool came = state != TLS_ST_BEFORE && state != TLS_ST_SR_CLNT_HELLO;
    if (!hello_seen_ && came && limits.doorstep < limits.handshake) {
        hello_seen_ = true;
        return timer_.arm(limits.handshake - limits.doorstep);
    }
    log::debug("visitor.refused").with("from", peer_.address).with("limit", came ? "handshake" : "doorstep");
    on_broken(errc::tls_handshake_timeout);
}

void greeting::on_broken(errc why) {
    log::debug("handshake.failed").with("from", peer_.address).with("reason", message(why));
    net::connection::close_now(std::move(conn_));
    leave();
}

void greeting::leave() {
    timer_.cancel();
    w_.loop.retire(std::unique_ptr<net::retirable>(this));
}

}  // namespace instatunnel::edge
