#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "instatunnel/client/tunnel.hpp"
#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "instatunnel/net/tls.hpp"
#include "instatunnel/wire/http1.hpp"
#include "origin.hpp"
#include "target_addresses.hpp"

namespace instatunnel::client {

class exchange;
class upstream_connection;

/// The local app: its addresses, its keep-alive connections, and what the exchanges with it share. One loop's thread.
class upstream final : public origin, private net::deferred {
public:
    static constexpr std::size_t max_idle = 64;
    static constexpr std::size_t max_connections = 512;
    static constexpr std::chrono::milliseconds idle_limit{55'000};

    /// `loop`, `options` and `events` outlive it. Looks the target's name up (blocking, once). Errors: tls_failed.
    static outcome<std::unique_ptr<upstream>> make(net::event_loop& loop, const tunnel_options& options,
                                                   tunnel_events& events);
    ~upstream() override;

    /// Carries a stream that the edge opened to the app and back.
    void serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) override;
    void forget_look_ups() noexcept override { addresses_.forget_look_ups(); }
    std::uint64_t served() const noexcept override { return served_; }

    // For exchanges and connections.
    net::event_loop& loop() noexcept { return loop_; }
    const tunnel_options& options() const noexcept { return options_; }
    target_addresses& addresses() noexcept { return addresses_; }
    SSL_CTX* tls() const noexcept { return tls_.get(); }
    /// A connection for `e`: an idle one, a new one, or none now (it is queued and told later).
    void acquire(exchange& e);
    /// The connection that `e` gets must be new: an idle one has just failed it.
    void acquire_fresh(exchange& e);
    void forget_waiting(exchange& e) noexcept;
    void put_idle(upstream_connection& c);
    void remove_idle(upstream_connection& c) noexcept;
    void connection_closed();
    void unreachable();
    void report(const request_info& info);
    void give(exchange& e) { spare_.push_back(&e); }

    // Reused by whichever exchange is being served.
    wire::response_head response;
    wire::itp::reply_head reply;
    std::string text;

private:
    upstream(net::event_loop& loop, const tunnel_options& options, tunnel_events& events);
    void run_deferred() override { events_.on_turn_end(); }
    void serve_waiting();

    net::event_loop& loop_;
    const tunnel_options& options_;
    tunnel_events& events_;
    net::ssl_ctx_ptr tls_;
    target_addresses addresses_;
    std::vector<upstream_connection*> idle_;
    std::deque<exchange*> waiting_;
    std::size_t connections_ = 0;
    std::vector<std::unique_ptr<exchange>> exchanges_;  // as many as were ever busy at once
    std::vector<exchange*> spare_;
    std::uint64_t served_ = 0;
    bool serving_waiting_ = false;
};

}  // namespace instatunnel::client
