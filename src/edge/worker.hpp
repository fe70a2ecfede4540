#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "forwarding.hpp"
#include "http2_limits.hpp"
#include "instatunnel/auth/token_bucket.hpp"
#include "instatunnel/engine/chunk.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "instatunnel/net/listener.hpp"
#include "instatunnel/service/service.hpp"
#include "instatunnel/wire/http1.hpp"
#include "instatunnel/wire/itp_head.hpp"
#include "port_doors.hpp"
#include "router.hpp"
#include "trusted_proxy.hpp"

namespace instatunnel::edge {

class visitor_connection;
class lane;

/// Every bound of the edge in one place; docs/design/limits.md gives the reasons.
struct edge_limits {
    wire::http1_limits head;
    http2_limits http2;
    std::chrono::milliseconds doorstep{5'000};  ///< PROXY header and ClientHello, where they are looked at
    std::chrono::milliseconds handshake{10'000};
    std::chrono::milliseconds first_byte{30'000};  ///< fresh connection to first byte of a head
    std::chrono::milliseconds whole_head{15'000};  ///< first byte to the end of a head
    std::chrono::milliseconds keep_alive{75'000};
    std::chrono::milliseconds buffers_kept{1'000};  ///< TLS buffers of a connection between requests
    std::chrono::milliseconds body_window{30'000};  ///< a body must bring body_minimum bytes in this time
    std::uint64_t body_minimum = 30 * 1024;
    std::chrono::milliseconds continue_wait{1'000};  ///< before the edge itself answers Expect: 100-continue
    std::chrono::milliseconds reply_head{60'000};
    std::chrono::milliseconds reply_idle{300'000};  ///< between bytes of a reply; not for event streams and upgrades
    std::chrono::milliseconds raw_accept{30'000};   ///< tcp and tls: until the client's side is connected
    std::chrono::milliseconds raw_idle{3'600'000};  ///< tcp and tls: neither end says anything
    std::chrono::milliseconds hello{5'000};
    std::size_t pipelined_bytes = 64 * 1024;
    std::size_t api_body = 64 * 1024;
    std::size_t visitors = 16'000;
    std::size_t visitors_per_address = 256;
    std::size_t lanes_without_hello = 256;
    // Not applied to loopback visitors: a developer's own load test is no attack.
    auth::bucket_rule handshakes{60, std::chrono::milliseconds(50)};  ///< per address: 20 a second, 60 at once
    auth::bucket_rule tunnel_requests{2000,
                                      std::chrono::milliseconds(1)};  ///< per tunnel: 1,000 a second, 2,000 at once
    /// Wrong passwords for one tunnel from one address, loopback too: guessing has no other cost.
    auth::bucket_rule gate_tries = auth::bucket_rule::per_minute(10);
    std::size_t addresses_remembered = 20'000;
};

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
    worker(net::event_loop& l, service::service& s) : loop(l), accounts(s) {}

    net::event_loop& loop;
    service::service& accounts;
    std::string domain;
    std::string api_host;
    std::uint16_t public_port = 443;
    std::string support_contact;  ///< on pages that tell of a limit; may be empty
    edge_limits limits;

    router routes;
    port_doors ports;
    trusted_proxies proxies;
    engine::chunk_pool chunks;
    std::unordered_set<visitor_connection*> visitors;
    std::unordered_set<lane*> lanes;
    address_counts visitors_by_address;
    std::size_t handshaking = 0;
    auth::bucket_table handshakes{limits.handshakes, limits.addresses_remembered};
    auth::bucket_table tunnel_requests{limits.tunnel_requests, limits.addresses_remembered};
    auth::bucket_table gate_tries{limits.gate_tries, limits.addresses_remembered};
    std::size_t lanes_without_hello = 0;
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
