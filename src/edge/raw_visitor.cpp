#include "raw_visitor.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "instatunnel/base/log.hpp"
#include "lane.hpp"

namespace instatunnel::edge {
namespace {

using engine::code;

// A fatal alert, internal_error, in a record of its own (RFC 8446 §6): the tunnel's end is not there.
constexpr std::string_view tls_refusal("\x15\x03\x03\x00\x02\x02\x50", 7);

wire::itp::visitor_address to_wire(const net::peer_name& end) {
    wire::itp::visitor_address a;
    a.family = end.family;
    std::copy(std::begin(end.bytes), std::end(end.bytes), a.bytes.begin());
    a.port = end.port;
    return a;
}

}  // namespace

void turn_away(unique_fd fd, const route& to) {
    if (to.kind == wire::itp::stream_kind::tls) {
        ::send(fd.get(), tls_refusal.data(), tls_refusal.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        ::shutdown(fd.get(), SHUT_WR);
        // What has come is read away: closing with bytes unread would turn the alert into a reset.
        char unread[4096];
        while (::recv(fd.get(), unread, sizeof unread, MSG_DONTWAIT) > 0) {
        }
        return;
    }
    const linger hard{1, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

raw_visitor::raw_visitor(worker& w, net::peer_name peer, const net::peer_name& local, address_slot slot,
                         std::shared_ptr<route> to)
    : visitor_connection(w, std::move(peer), std::move(slot)),
      w_(w),
      route_(std::move(to)),
      local_(local),
      timer_(
          w.loop, [](void* self) { static_cast<raw_visitor*>(self)->on_timer(); }, this),
      pipe_(w.loop, *this) {}

void raw_visitor::begin(worker& w, unique_fd fd, net::peer_name peer, const net::peer_name& local, address_slot slot,
                        std::shared_ptr<route> to) {
    const bool too_often = (!peer.is_loopback || w.limits.on_loopback.tunnel_requests) &&
                           !w.tunnel_requests.at(to->tunnel.tunnel_id, w.loop.now()).take(w.loop.now());
    if (w.draining || too_often) return edge::turn_away(std::move(fd), *to);
    net::tune_socket(fd.get(), visitor_notsent_lowat, peer.is_loopback);
    auto* self = new raw_visitor(w, std::move(peer), local, std::move(slot), std::move(to));
    w.loop.keep(std::unique_ptr<net::retirable>(self));
    const auto& tunnel = *self->route_;
    if (tunnel.via != nullptr && tunnel.waiting.empty() && !tunnel.via->session().opens_wait())
        return self->open(std::move(fd));
    if (self->park(fd)) return;
    edge::turn_away(std::move(fd), tunnel);
    self->leave();
}

void raw_visitor::open(unique_fd fd) {
    adopt(net::connection::plain(w_.loop, std::move(fd), pipe_));
}

bool raw_visitor::park(unique_fd& fd) {
    auto patience = w_.limits.raw_accept;
    if (route_->via == nullptr) {
        const auto gone = std::chrono::duration_cast<std::chrono::milliseconds>(w_.loop.now() - route_->away_since);
        patience = std::min(w_.limits.parked_wait, w_.limits.hold - gone);
        if (patience.count() <= 0 || route_->waiting.size() >= w_.limits.parked) return false;
    }
    waiting_ = std::move(fd);
    spot_ = route_->waiting.enter(*this);
    is_waiting_ = true;
    timer_.arm(patience);
    return true;
}

void raw_visitor::stop_waiting() {
    if (std::exchange(is_waiting_, false)) route_->waiting.leave(spot_);
}

bool raw_visitor::set_out() {
    auto* via = route_->via;
    if (via == nullptr || via->session().opens_wait() || !via->session().can_open()) return false;
    stop_waiting();
    open(std::move(waiting_));
    return true;
}

void raw_visitor::turn_away() {
    stop_waiting();
    edge::turn_away(std::move(waiting_), *route_);
    leave();
}

void raw_visitor::adopt(std::unique_ptr<net::connection> connection) {
    wire::itp::open_head open;
    open.kind = route_->kind;
    open.tunnel = route_->number;
    open.request_id = w_.next_request_id++;
    open.visitor = to_wire(origin().peer);
    open.destination = to_wire(local_);
    auto* s = route_->via->session().open(open, 0, pipe_);
    if (s == nullptr) {
        net::connection::close_now(std::move(connection), /*reset=*/true);
        return leave();
    }
    ++route_->requests;
    route_->last_request = w_.loop.now();
    timer_.arm(w_.limits.raw_accept);
    pipe_.join(*s);
    pipe_.join(std::move(connection));
}

void raw_visitor::abort() {
    if (is_waiting_) {
        ++w_.cut_requests;
        return turn_away();
    }
    if (pipe_.is_over()) return;
    ++w_.cut_requests;
    pipe_.cut(code::draining);
    leave();
}

void raw_visitor::on_pipe_accepted() {
    accepted_ = true;
    timer_.arm(w_.limits.raw_idle);
}

void raw_visitor::on_pipe_moved(std::size_t from_visitor, std::size_t to_visitor) {
    route_->bytes_in += from_visitor;
    route_->bytes_out += to_visitor;
}

void raw_visitor::on_timer() {
    if (is_waiting_) return turn_away();
    const auto idle = std::chrono::duration_cast<std::chrono::milliseconds>(w_.loop.now() - pipe_.last_moved());
    if (accepted_ && idle < w_.limits.raw_idle) return timer_.arm(w_.limits.raw_idle - idle);
    pipe_.cut(code::idle_timeout);
    leave();
}

void raw_visitor::on_pipe_over(relay::pipe_end how, code why, std::string_view) {
    if (!accepted_ && how == relay::pipe_end::by_tunnel && w_.failure_lines.take(w_.loop.now()))
        log::info("connection.failed")
            .with("host", route_->tunnel.host)
            .with("kind", wire::itp::kind_name(route_->kind))
            .with("reason", wire::itp::code_name(why));
    leave();
}

void raw_visitor::leave() {
    timer_.cancel();
    w_.loop.retire(std::unique_ptr<net::retirable>(this));
}

}  // namespace instatunnel::edge
