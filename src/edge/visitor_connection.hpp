#pragma once

#include <memory>
#include <utility>

#include "exchange.hpp"
#include "instatunnel/net/connection.hpp"

namespace instatunnel::edge {

/// Bounds what the kernel holds unsent for a visitor, in bytes: what waits here can still be reordered or dropped.
inline constexpr int visitor_notsent_lowat = 128 * 1024;

/// A visitor's connection after its handshake, as the worker looks after it: counted from here to its end.
class visitor_connection : public net::retirable {
public:
    visitor_connection(worker& w, net::peer_name peer, address_slot slot)
        : worker_(w), slot_(std::move(slot)), place_{std::move(peer), {}, {}, nullptr, false} {
        place_.from = make_arrival(place_.peer, w.public_port);
        place_.is_proxy = w.proxies.trusts(place_.peer);
        w.visitors.insert(this);
    }
    ~visitor_connection() override { worker_.visitors.erase(this); }

    /// Starts serving an established connection.
    virtual void adopt(std::unique_ptr<net::connection> connection) = 0;
    /// No new request is taken; closes once none is under way.
    virtual void drain() = 0;
    /// Cuts what is under way (the drain's time is over).
    virtual void abort() = 0;
    virtual bool is_busy() const noexcept = 0;

protected:
    visitor_origin& origin() noexcept { return place_; }

private:
    worker& worker_;
    address_slot slot_;
    visitor_origin place_;
};

}  // namespace instatunnel::edge
