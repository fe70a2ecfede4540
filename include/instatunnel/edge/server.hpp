#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/edge/limits.hpp"
#include "instatunnel/net/address_range.hpp"
#include "instatunnel/net/tls.hpp"
#include "instatunnel/service/service.hpp"

namespace instatunnel::edge {

struct server_options {
    std::string domain;  ///< "t.example.com"
    std::uint16_t public_port = 443;
    std::string support_contact;  ///< on pages that tell of a limit; may be empty
    edge_limits limits;
    unique_fd listener;     ///< listening, non-blocking
    std::string port_host;  ///< address that the ports of tcp tunnels listen on; empty: all
    std::vector<net::address_range> trusted_proxies;
    bool proxy_protocol = false;  ///< connections of trusted proxies begin with a PROXY header
    unique_fd http_listener;      ///< plain HTTP that only redirects; may be empty
    std::shared_ptr<net::certificate_source> certificates;
    std::function<void()> on_tick;  ///< about every 2 s on the edge's thread: certificate files are looked at
};

/// The edge: one thread that accepts, terminates TLS and moves bytes between visitors and tunnel clients. Also what the
/// service sees of the live tunnels.
class server : public service::live_tunnels {
public:
    /// `accounts` outlives the server. Errors: tls_failed.
    static outcome<std::unique_ptr<server>> start(server_options options, service::service& accounts);
    ~server() override = default;

    /// From any thread. First call: stop accepting, tell clients, let requests in flight finish for at most `limit`;
    /// second call: stop at once.
    virtual void stop(std::chrono::milliseconds limit) = 0;
    /// Blocks until stopped. Returns how many requests were cut.
    virtual std::size_t wait() = 0;
};

}  // namespace instatunnel::edge
