#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "instatunnel/client/tunnel.hpp"
#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "instatunnel/net/tls.hpp"
#include "instatunnel/wire/http1.hpp"
#include "origin.hpp"

namespace instatunnel::client {

class exchange;
class upstream_connection;

struct socket_address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    bool on_loopback = false;
};

/// The local app: its addresses, its keep-alive connections, and what the exchanges with it share. One loop's thread.
class upstream final : public origin, private net::deferred {
public:
    static constexpr std::size_t max_idle = 64;
    static constexpr std::size_t max_connections = 512;
    static constexpr std::chrono::milliseconds idle_limit{55'000};
    static constexpr std::chrono::milliseconds connect_limit{3'000};

    /// `loop`, `options` and `events` outlive it. Looks the target's name up (blocking, once). Errors: tls_failed.
    static outcome<std::unique_ptr<upstream>> make(net::event_loop& loop, const tunnel_options& options,
                                                   tunnel_events& events);
    ~upstream() override;

    /// Carries a stream that the edge opened to the app and back.
    void serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) override;
    void forget_look_ups() noexcept override;
    std::uint64_t served() const noexcept override { return served_; }

    // For exchanges and connections.
    net::event_loop& loop() noexcept { return loop_; }
    const tunnel_options& options() const noexcept { return options_; }
    const std::vector<socket_address>& addresses() const noexcept { return addresses_; }
    std::size_t preferred() const noexcept { return preferred_; }
    SSL_CTX* tls() const noexcept { return tls_.get(); }
    /// A connection for `e`: an idle one, a new one, or none now (it is queued and told later).
    void acquire(exchange& e);
    /// The connection that `e` gets must be new: an idle one has just failed it.
    void acquire_fresh(exchange& e);
    void forget_waiting(exchange& e) noexcept;
    void put_idle(upstream_connection& c);
    void remove_idle(upstream_connection& c) noexcept;
    void connection_closed();
    void connected(std::size_t address);
    void unreachable();
    void report(const request_info& info);
    void give(exchange& e) { spare_.push_back(&e); }

    // Reused by whichever exchange is being served.
    wire::response_head response;
    wire::itp::reply_head reply;
    std::string text;

private:
    // Lets a look-up that ends late find out that nobody waits for it.
    struct ticket {
        explicit ticket(upstream* o) : owner(o) {}
        std::mutex guard;
        upstream* owner;
    };

    upstream(net::event_loop& loop, const tunnel_options& options, tunnel_events& events);
    void run_deferred() override { events_.on_turn_end(); }
    void look_up_again();
    void serve_waiting();

    net::event_loop& loop_;
    const tunnel_options& options_;
    tunnel_events& events_;
    net::ssl_ctx_ptr tls_;
    std::vector<socket_address> addresses_;
    std::size_t preferred_ = 0;
    std::vector<upstream_connection*> idle_;
    std::deque<exchange*> waiting_;
    std::size_t connections_ = 0;
    std::vector<std::unique_ptr<exchange>> exchanges_;  // as many as were ever busy at once
    std::vector<exchange*> spare_;
    std::uint64_t served_ = 0;
    bool was_unreachable_ = false;
    bool serving_waiting_ = false;
    std::chrono::steady_clock::time_point last_look_up_{};
    std::shared_ptr<ticket> ticket_;
};

}  // namespace instatunnel::client
