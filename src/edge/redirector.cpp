#include "redirector.hpp"

#include "instatunnel/auth/token_bucket.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/wire/http_date.hpp"

namespace instatunnel::edge {

redirector::redirector(worker& w, address_slot slot)
    : w_(w),
      slot_(std::move(slot)),
      timer_(
          w.loop, [](void* self) { static_cast<redirector*>(self)->on_broken(errc::connect_timeout); }, this) {}

void redirector::begin(worker& w, unique_fd fd) {
    // Counted with the visitors of the TLS port: both take from the same descriptors.
    const auto peer = net::peer_of(fd.get());
    auto group = auth::address_group(peer.address);
    const auto counted = w.visitors_by_address.find(group);
    if ((!peer.is_loopback || w.limits.on_loopback.visitors_per_address) && counted != w.visitors_by_address.end() &&
        counted->second >= w.limits.visitors_per_address)
        return;
    net::tune_socket(fd.get(), 16 * 1024, /*on_loopback=*/false);
    auto* self = new redirector(w, address_slot(w.visitors_by_address, std::move(group)));
    w.loop.keep(std::unique_ptr<net::retirable>(self));
    self->timer_.arm(w.limits.whole_head);
    self->conn_ = net::connection::plain(w.loop, std::move(fd), *self);
}

void redirector::on_readable() {
    for (;;) {
        const auto space = w_.loop.scratch();
        const auto got = conn_->read(space.data(), space.size());
        if (got.status == net::read_status::would_block) return;
        if (got.status != net::read_status::data) return on_broken(errc::connection_lost);
        const auto seen = input_.size();
        input_.append(space.data(), got.size);
        const auto parsed = wire::parse_request_head(input_, seen, w_.limits.head, w_.request);
        if (parsed.status != wire::parse_status::incomplete) return answer(parsed);
    }
}

void redirector::answer(const wire::parse_result& parsed) {
    std::string head;
    const auto host = parsed.status == wire::parse_status::done ? host_of_authority(w_.request.authority, w_.host)
                                                                : std::string_view();
    const bool ours = host == w_.domain || std::string_view(host).ends_with("." + w_.domain);
    if (parsed.status == wire::parse_status::invalid) {
        head = "HTTP/1.1 " + std::to_string(parsed.http_status) + " " +
               std::string(wire::reason_phrase(parsed.http_status));
    } else if (!ours) {
        // A redirect to a host that is not ours would lend our name to anybody.
        head = "HTTP/1.1 404 Not Found";
    } else {
        head = "HTTP/1.1 308 Permanent Redirect\r\nLocation: https://" + std::string(host);
        if (w_.public_port != 443) head += ":" + std::to_string(w_.public_port);
        head += w_.request.path;
    }
    head += "\r\nDate: " + wire::to_http_date(std::chrono::floor<std::chrono::seconds>(wall_now()));
    conn_->write(head + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    net::connection::close_gently(std::move(conn_));
    leave();
}

void redirector::on_broken(errc) {
    net::connection::close_now(std::move(conn_));
    leave();
}

void redirector::leave() {
    timer_.cancel();
    w_.loop.retire(std::unique_ptr<net::retirable>(this));
}

}  // namespace instatunnel::edge
