#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "instatunnel/client/tunnel.hpp"
#include "instatunnel/mcp/exchange_filter.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "instatunnel/net/tls.hpp"
#include "target_addresses.hpp"

namespace instatunnel::client {

/// The local program as all connections to it see it, whichever HTTP version they speak: its addresses, its TLS, and
/// where requests and trouble are told. One loop's thread.
class local_app final : private net::deferred {
public:
    /// `loop`, `options` and `events` outlive it. Looks the target's name up (blocking, once). Errors: tls_failed.
    static outcome<std::unique_ptr<local_app>> make(net::event_loop& loop, const tunnel_options& options,
                                                    tunnel_events& events);

    net::event_loop& loop() noexcept { return loop_; }
    const tunnel_options& options() const noexcept { return options_; }
    target_addresses& addresses() noexcept { return addresses_; }
    /// Null: the app is spoken to without TLS.
    SSL_CTX* tls() const noexcept { return tls_.get(); }
    /// The same, for connections that speak HTTP/2 alone (ALPN h2).
    SSL_CTX* http2_tls() const noexcept { return http2_tls_.get(); }

    /// None of the addresses answered: a person is told once.
    void unreachable();
    void notice(const failure& what) { events_.on_notice(what); }
    /// A request, or a connection through a tcp or tls tunnel, is over.
    void report(const request_info& info);
    void report(const connection_info& info);
    /// What its exchanges share when it is an MCP server, else null.
    mcp::filter_state* tools() noexcept { return tools_ ? &*tools_ : nullptr; }
    /// Tools that were seen to change since the last call are told.
    void report_tool_changes();
    std::uint64_t served() const noexcept { return served_; }

private:
    local_app(net::event_loop& loop, const tunnel_options& options, tunnel_events& events);
    void run_deferred() override { events_.on_turn_end(); }

    net::event_loop& loop_;
    const tunnel_options& options_;
    tunnel_events& events_;
    net::ssl_ctx_ptr tls_;
    net::ssl_ctx_ptr http2_tls_;
    target_addresses addresses_;
    std::optional<mcp::filter_state> tools_;
    std::uint64_t served_ = 0;
};

}  // namespace instatunnel::client
