#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "instatunnel/engine/session.hpp"
#include "instatunnel/wire/http1.hpp"
#include "local_app.hpp"

namespace instatunnel::client {

class exchange;
class upstream_connection;

/// The local app over HTTP/1.1: its keep-alive connections, and what the exchanges with it share. One loop's thread.
class upstream final {
public:
    static constexpr std::size_t max_idle = 64;
    static constexpr std::size_t max_connections = 512;
    static constexpr std::chrono::milliseconds idle_limit{55'000};

    /// `app` outlives it.
    explicit upstream(local_app& app);
    ~upstream();

    /// Carries a stream that the edge opened to the app and back.
    void serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags);

    // For exchanges and connections.
    local_app& app() noexcept { return app_; }
    net::event_loop& loop() noexcept { return app_.loop(); }
    const tunnel_options& options() const noexcept { return app_.options(); }
    /// A connection for `e`: an idle one, a new one, or none now (it is queued and told later).
    void acquire(exchange& e);
    /// The connection that `e` gets must be new: an idle one has just failed it.
    void acquire_fresh(exchange& e);
    void forget_waiting(exchange& e) noexcept;
    void put_idle(upstream_connection& c);
    void remove_idle(upstream_connection& c) noexcept;
    void connection_closed();
    void report(const request_info& info) { app_.report(info); }
    void give(exchange& e) { spare_.push_back(&e); }

    // The older MCP transport: messages are posted to an address that an event stream has named, and answered there.
    void add_event_stream(std::string_view endpoint, exchange& e);
    void remove_event_stream(exchange& e) noexcept;
    /// Null: no stream of the moment has named that path (with its query).
    exchange* event_stream_for(std::string_view path) noexcept;

    // Reused by whichever exchange is being served.
    wire::response_head response;
    wire::itp::reply_head reply;
    std::string text;

private:
    void serve_waiting();

    local_app& app_;
    std::vector<upstream_connection*> idle_;
    std::deque<exchange*> waiting_;
    std::size_t connections_ = 0;
    std::vector<std::unique_ptr<exchange>> exchanges_;  // as many as were ever busy at once
    std::vector<exchange*> spare_;
    bool serving_waiting_ = false;
    std::vector<std::pair<std::string, exchange*>> event_streams_;  ///< path with query, and who carries the stream
};

}  // namespace instatunnel::client
