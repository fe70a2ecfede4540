#include "doorstep.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "greeting.hpp"
#include "instatunnel/auth/token_bucket.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/wire/client_hello.hpp"
#include "instatunnel/wire/proxy_header.hpp"
#include "raw_visitor.hpp"

namespace instatunnel::edge {
namespace {

// A tunnel that comes back must not wait for a visitor to leave: so many may try when there is no room for visitors.
constexpr std::size_t kept_for_clients = 64;

// Refused connections are closed without a word: a handshake to say why would be what the limit is there to save.
void note_refused(worker& w, const net::peer_name& peer, std::string_view limit) {
    if (w.failure_lines.take(w.loop.now()))
        log::info("visitor.refused").with("from", peer.address).with("limit", limit);
}

/// The name of the limit that keeps every visitor out; empty: none does.
std::string_view limit_of_the_whole(const worker& w) noexcept {
    if (w.visitors.size() + w.handshaking >= w.limits.visitors) return "visitors";
    return w.memory.is_full() ? "memory" : "";
}

/// The name of the limit of its address that keeps a peer out; empty: none does.
std::string_view limit_reached(worker& w, const net::peer_name& peer, const std::string& group) {
    if (!peer.is_loopback || w.limits.on_loopback.visitors_per_address) {
        const auto counted = w.visitors_by_address.find(group);
        if (counted != w.visitors_by_address.end() && counted->second >= w.limits.visitors_per_address)
            return "visitors-per-address";
    }
    if (peer.is_loopback && !w.limits.on_loopback.handshakes) return {};
    return w.handshakes.at(group, w.loop.now()).take(w.loop.now()) ? "" : "handshakes-per-address";
}

std::optional<address_slot> admit(worker& w, const net::peer_name& peer) {
    auto group = auth::address_group(peer.address);
    const auto limit = limit_reached(w, peer, group);
    if (limit.empty()) return address_slot(w.visitors_by_address, std::move(group));
    note_refused(w, peer, limit);
    return std::nullopt;
}

}  // namespace

doorstep::doorstep(worker& w, unique_fd fd, net::peer_name peer, entrance through)
    : w_(w),
      fd_(std::move(fd)),
      peer_(std::move(peer)),
      local_(net::local_end_of(fd_.get())),
      through_(std::move(through)),
      timer_(
          w.loop, [](void* self) { static_cast<doorstep*>(self)->leave(); }, this) {
    ++w_.handshaking;
}

doorstep::~doorstep() {
    w_.loop.forget(*this);
    --w_.handshaking;
}

void doorstep::begin(worker& w, unique_fd fd, entrance through) {
    auto peer = net::peer_of(fd.get());
    const auto inside = w.visitors.size() + w.handshaking;
    const auto full = limit_of_the_whole(w);
    if (!full.empty() && (through.context == nullptr || inside >= w.limits.visitors + kept_for_clients))
        return note_refused(w, peer, full);
    const bool speaks_for_others = w.proxies.uses_proxy_protocol() && w.proxies.trusts(peer);
    std::optional<address_slot> slot;
    if (!speaks_for_others) {
        auto counted = admit(w, peer);
        if (!counted) return;
        slot.emplace(std::move(*counted));
        if (through.context != nullptr && full.empty() && !w.routes.has_tls())
            return greeting::begin(w, std::move(fd), std::move(peer), std::move(*slot), through.context);
        if (through.context == nullptr) {
            const auto local = net::local_end_of(fd.get());
            return raw_visitor::begin(w, std::move(fd), std::move(peer), local, std::move(*slot), through.leads);
        }
    }
    auto* self = new doorstep(w, std::move(fd), std::move(peer), std::move(through));
    w.loop.keep(std::unique_ptr<net::retirable>(self));
    if (slot) self->slot_.emplace(std::move(*slot));
    if (speaks_for_others) self->step_ = step::proxy_header;
    self->full_ = full;
    self->timer_.arm(w.limits.doorstep);
    if (!w.loop.watch(self->fd_.get(), *self)) self->leave();
}

void doorstep::on_io(std::uint32_t) {
    if (left_) return;
    if (step_ == step::proxy_header && !read_proxy_header()) return;
    if (through_.context == nullptr) return enter(through_.leads);
    if (full_.empty() && !w_.routes.has_tls()) return enter(nullptr);
    read_client_hello();
}

std::string_view doorstep::peek() {
    const auto space = w_.loop.scratch();
    const auto n = ::recv(fd_.get(), space.data(), space.size(), MSG_PEEK);
    if (n > 0) return {space.data(), static_cast<std::size_t>(n)};
    if (n == 0 || errno != EAGAIN) leave();
    return {};
}

bool doorstep::read_proxy_header() {
    const auto bytes = peek();
    if (bytes.empty()) return false;
    const auto header = wire::parse_proxy_header(bytes);
    if (header.status == wire::proxy_status::incomplete) return false;
    if (header.status == wire::proxy_status::malformed) {
        if (w_.failure_lines.take(w_.loop.now()))
            log::warn("proxy.no_header").with("from", peer_.address).with("hint", "it must speak the PROXY protocol");
        leave();
        return false;
    }
    // Exactly the header is taken: what follows belongs to whoever comes next.
    if (::recv(fd_.get(), w_.loop.scratch().data(), header.size, 0) != static_cast<ssize_t>(header.size)) {
        leave();
        return false;
    }
    if (header.ends) {
        const auto& [from, to] = *header.ends;
        peer_ = net::make_peer_name(from.family, from.bytes.data(), from.port);
        local_ = net::make_peer_name(to.family, to.bytes.data(), to.port);
    }
    slot_.reset();
    if (auto slot = admit(w_, peer_)) slot_.emplace(std::move(*slot));
    if (!slot_) leave();
    step_ = step::client_hello;
    return slot_.has_value();
}

void doorstep::read_client_hello() {
    const auto bytes = peek();
    if (bytes.empty()) return;
    const auto hello = wire::peek_client_hello(bytes, joined_);
    if (hello.status == wire::hello_status::incomplete) return;
    if (!full_.empty()) {
        if (offers(hello.protocols, alpn_tunnel)) return enter(nullptr);
        note_refused(w_, peer_, full_);
        return leave();
    }
    if (hello.status == wire::hello_status::complete && !hello.server_name.empty()) {
        auto to = w_.routes.find(host_of_authority(hello.server_name, w_.host));
        if (to != nullptr && to->kind == wire::itp::stream_kind::tls) return enter(std::move(to));
    }
    // Malformed hellos too: OpenSSL says what is wrong with them.
    enter(nullptr);
}

void doorstep::enter(std::shared_ptr<route> raw) {
    w_.loop.forget(*this);
    if (raw != nullptr)
        raw_visitor::begin(w_, std::move(fd_), std::move(peer_), local_, std::move(*slot_), std::move(raw));
    else
        greeting::begin(w_, std::move(fd_), std::move(peer_), std::move(*slot_), through_.context);
    leave();
}

void doorstep::leave() {
    if (std::exchange(left_, true)) return;
    w_.loop.forget(*this);
    fd_.reset();
    timer_.cancel();
    w_.loop.retire(std::unique_ptr<net::retirable>(this));
}

}  // namespace instatunnel::edge
