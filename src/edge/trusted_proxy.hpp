#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "instatunnel/net/address_range.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::edge {

/// Load balancers in front of the edge: what they say about a visitor counts, what others say does not.
class trusted_proxies {
public:
    /// With `proxy_protocol` every connection of theirs begins with a PROXY header: the specification forbids to guess.
    void set(std::vector<net::address_range> ranges, bool proxy_protocol) {
        ranges_ = std::move(ranges);
        proxy_protocol_ = proxy_protocol;
    }
    bool uses_proxy_protocol() const noexcept { return proxy_protocol_; }
    bool trusts(const net::peer_name& peer) const noexcept {
        for (const auto& range : ranges_)
            if (range.holds(peer)) return true;
        return false;
    }

private:
    std::vector<net::address_range> ranges_;
    bool proxy_protocol_ = false;
};

/// What a trusted proxy's X-Forwarded-For and X-Forwarded-Proto say of a request.
struct told_visitor {
    net::peer_name peer;  ///< the nearest hop that is no trusted proxy, without a port
    std::string chain;    ///< X-Forwarded-For to pass on: from the visitor to the proxy that has connected to us
    bool https = true;
};

/// nullopt: the fields say nothing that could be used, and the proxy itself is the visitor. `proxy`: who has connected.
/// Hops are read from the nearest one on; what stands beyond the first untrusted or unreadable one is anybody's word.
std::optional<told_visitor> read_forwarding(const wire::request_head& head, const trusted_proxies& proxies,
                                            const net::peer_name& proxy);

}  // namespace instatunnel::edge
