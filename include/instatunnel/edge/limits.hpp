#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "instatunnel/auth/token_bucket.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/edge/http2_limits.hpp"
#include "instatunnel/engine/session.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::edge {

/// Every bound of the edge in one place; docs/design/limits.md gives the reasons.
struct edge_limits {
    wire::http1_limits head;
    http2_limits http2;
    engine::session_limits session;
    std::chrono::milliseconds doorstep{5'000};  ///< PROXY header and ClientHello
    std::chrono::milliseconds handshake{10'000};
    std::chrono::milliseconds first_byte{30'000};  ///< fresh connection to first byte of a head
    std::chrono::milliseconds whole_head{15'000};  ///< first byte to the end of a head
    std::chrono::milliseconds head_grace{5'000};   ///< of that before head_rate counts
    std::uint64_t head_rate = 500;                 ///< bytes a second that a head must bring from then on
    std::chrono::milliseconds keep_alive{75'000};
    std::chrono::milliseconds buffers_kept{1'000};  ///< TLS buffers of a connection between requests
    std::chrono::milliseconds body_window{30'000};  ///< a body must bring body_minimum bytes in this time
    std::uint64_t body_minimum = 30 * 1024;
    std::uint64_t body = 0;                          ///< most bytes of a request's body; 0: any
    std::chrono::milliseconds continue_wait{1'000};  ///< before the edge itself answers Expect: 100-continue
    std::chrono::milliseconds reply_head{60'000};
    std::chrono::milliseconds reply_idle{300'000};  ///< between bytes of a reply; not for event streams and upgrades
    std::chrono::milliseconds raw_accept{30'000};   ///< tcp and tls: until the client's side is connected
    std::chrono::milliseconds raw_idle{3'600'000};  ///< tcp and tls: neither end says anything
    std::size_t reply_minimum = 16 * 1024;          ///< a visitor must read this much of a whole reply in `keep_alive`
    std::chrono::milliseconds hello{5'000};
    std::chrono::milliseconds hold{30'000};         ///< visitors of a lost tunnel are told to come back
    std::size_t parked = 64;                        ///< requests that wait for one tunnel's client to come back
    std::chrono::milliseconds parked_wait{10'000};  ///< at most, and never beyond `hold`
    std::size_t parked_body = 1024 * 1024;          ///< of one tunnel's waiting requests, in all
    std::size_t pipelined_bytes = 64 * 1024;
    std::size_t api_body = 64 * 1024;
    std::uint64_t memory = 0;  ///< resident bytes of the process; 0: three quarters of the machine's
    std::size_t visitors = 16'000;
    std::size_t visitors_per_address = 256;
    std::size_t lanes_without_hello = 256;
    std::size_t v1_body = 16 * 1024 * 1024;        ///< a request's or reply's body through a v1 client
    std::size_t v1_bytes = 64 * 1024 * 1024;       ///< all that a v1 client's requests and replies hold here
    std::chrono::milliseconds v1_silence{90'000};  ///< a v1 client from which nothing comes is gone
    auth::bucket_rule handshakes{60, std::chrono::milliseconds(50)};  ///< per address: 20 a second, 60 at once
    auth::bucket_rule tunnel_requests{2000,
                                      std::chrono::milliseconds(1)};  ///< per tunnel: 1,000 a second, 2,000 at once
    /// Wrong passwords for one tunnel from one address, loopback too: guessing has no other cost.
    auth::bucket_rule gate_tries = auth::bucket_rule::in_any_minute(10);
    std::size_t addresses_remembered = 20'000;

    /// A developer's own load test is no attack: these spare loopback visitors until somebody sets them.
    struct {
        bool visitors_per_address = false;
        bool handshakes = false;
        bool tunnel_requests = false;
    } on_loopback;
    bool visitors_set = false;  ///< else the process's descriptors count as well
};

/// Whether `serve --limit` knows this name as one of the edge's.
bool is_limit_name(std::string_view name) noexcept;
/// "handshake, first-byte, …"
std::string limit_names();
/// "NAME=VALUE" as in `serve --limit`. VALUE is a time ("10s"), a size ("64k"), a number, or a rate (a second; wrong
/// passwords: a minute). Errors: usage, with the bounds and the form.
outcome<void> set_limit(edge_limits& into, std::string_view text);

/// The limit of heads behind a reason of the parsers; empty: it is none.
std::string_view limit_behind(std::string_view reason) noexcept;

}  // namespace instatunnel::edge
