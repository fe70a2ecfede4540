#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "forwarding.hpp"
#include "instatunnel/auth/token_bucket.hpp"
#include "instatunnel/edge/limits.hpp"
#include "instatunnel/engine/chunk.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "instatunnel/net/listener.hpp"
#include "instatunnel/service/service.hpp"
#include "instatunnel/wire/http1.hpp"
#include "instatunnel/wire/itp_head.hpp"
#include "memory_watch.hpp"
#include "port_doors.hpp"
#include "router.hpp"
#include "trusted_proxy.hpp"
#include "visitor_passes.hpp"

namespace instatunnel::edge {

class visitor_connection;
class lane;

/// Connections by the address they come from (IPv6 by its /64, which one party owns).
using address_counts = std::unordered_map<std::string, std::size_t>;

/// One connection's place in the count of its address, from accept to end.
class address_slot {
public:
    address_slot(address_counts& counts, std::string group) : counts_(&counts), group_(std::move(group)) {
        ++counts[group_];
    }
    address_slot(address_slot&& other) noexcept
        : counts_(std::exchange(other.counts_, nullptr)), group_(std::move(other.group_)) {}
    address_slot& operator=(address_slot&&) = delete;
    ~address_slot() {
        if (counts_ == nullptr) return;
        const auto mine = counts_->find(group_);
        if (--mine->second == 0) counts_->erase(mine);
    }

private:
    address_counts* counts_;
    std::string group_;
};

/// All that one edge thread owns and its connections share. Objects of other files get it by reference; it outlives
/// them.
struct worker {
    worker(net::event_loop& l, service::service& s, const edge_limits& bounds)
        : loop(l), accounts(s), requests(s.requests()), limits(bounds) {}

    net::event_loop& loop;
    service::service& accounts;
    service::request_log& requests;
    std::string domain;
    std::string api_host;
    std::uint16_t public_port = 443;
    /// Of the authorization server, as the service names it.
    std::string issuer() const {
        return "https://" + api_host + (public_port == 443 ? std::string() : ":" + std::to_string(public_port));
    }
    std::string support_contact;  ///< on pages that tell of a limit; may be empty
    const edge_limits limits;

    router routes;
    port_doors ports;
    trusted_proxies proxies;
    memory_watch memory;
    engine::chunk_pool chunks;
    std::unordered_set<visitor_connection*> visitors;
    std::unordered_set<lane*> lanes;
    address_counts visitors_by_address;
    std::size_t handshaking = 0;
    auth::bucket_table handshakes{limits.handshakes, limits.addresses_remembered};
    auth::bucket_table tunnel_requests{limits.tunnel_requests, limits.addresses_remembered};
    auth::bucket_table gate_tries{limits.gate_tries, limits.addresses_remembered};
    visitor_passes passes;
    std::size_t lanes_without_hello = 0;
    /// What the wall clock shows beyond the loop's, looked at every two seconds: asking it for each request costs more
    /// than all else that the log of requests takes.
    std::chrono::microseconds wall_ahead{0};
    std::uint64_t next_request_id = 1;
    std::uint32_t next_route_number = 1;
    auth::token_bucket failure_lines{{20, std::chrono::milliseconds(100)},
                                     std::chrono::steady_clock::now()};  ///< in the log
    bool draining = false;
    std::size_t cut_requests = 0;

    // Reused by whichever connection is being served: parsing and encoding allocate nothing once these have grown.
    wire::request_head request;
    wire::itp::open_head open;
    std::string host;
    std::string forwarded;
    std::string left_cookies;  ///< a guarded tunnel's Cookie fields without the tunnel's own
    std::string text;
};

}  // namespace instatunnel::edge
