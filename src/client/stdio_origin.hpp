#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "instatunnel/client/tunnel.hpp"
#include "instatunnel/mcp/exchange_filter.hpp"
#include "origin.hpp"
#include "stdio_exchange.hpp"
#include "stdio_session.hpp"

namespace instatunnel::client {

/// An MCP server that speaks over its standard input and output, as Streamable HTTP at /mcp: a process for each
/// session, or one for all. One loop's thread.
class stdio_origin final : public origin, private stdio_server_events, private net::deferred {
public:
    static constexpr std::chrono::milliseconds sweep_every{15'000};
    static constexpr std::chrono::milliseconds shortest_wait{250};  ///< before a process that failed is started again
    static constexpr std::chrono::milliseconds longest_wait{10'000};
    static constexpr std::chrono::milliseconds stable_after{10'000};
    static constexpr std::size_t max_held = 64 * 1024 * 1024;

    /// All outlive it.
    stdio_origin(net::event_loop& loop, const tunnel_options& options, tunnel_events& events);

    void serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) override;
    void let_go_of_loop() noexcept override;
    std::uint64_t served() const noexcept override { return served_; }

    // For exchanges.
    net::event_loop& loop() noexcept { return loop_; }
    stdio_session* find_session(const std::string& id);
    /// A session for the callers that have none; null: `e` has been refused.
    stdio_session* session_without_id(stdio_exchange& e);
    stdio_session* open_session(stdio_exchange& e);
    void begin_session(stdio_session& session, std::uint64_t stream, std::string_view text, const mcp::message& m);
    void close_session(stdio_session& session);
    void pass_on(stdio_session& session, std::uint64_t stream, std::string_view text, const mcp::message& m);
    bool hold(std::size_t bytes);
    void let_go(std::size_t bytes) noexcept { held_ -= bytes; }
    void report(const request_info& info);
    void give(stdio_exchange& e) { spare_.push_back(&e); }

private:
    /// The one process of --shared, and how it was greeted.
    struct shared_server {
        std::unique_ptr<stdio_server> server;
        std::string greeting;  ///< the first caller's initialize
        std::string answer;    ///< what came back, as the first caller heard it; empty: not yet
        bool told_initialized = false;
        struct caller {
            std::string session;
            std::uint64_t stream;
            std::string id;
        };
        std::vector<caller> waiting;  ///< for that answer
    };
    void on_server_gone(stdio_server& server, const std::string& why) override;
    std::vector<stdio_session*> sessions_for(stdio_server& server, bool wants_answer) override;
    void run_deferred() override { events_.on_turn_end(); }

    /// Null: `e` has been refused.
    stdio_server* take_server(stdio_exchange& e);
    bool start(stdio_server& server, stdio_exchange* e);
    bool start_shared(stdio_exchange* e);
    void start_shared_again();
    void greet_shared(stdio_session& session, std::uint64_t stream, std::string_view text, const mcp::message& m);
    void on_shared_answer(const std::string& message);
    void answer_from_memory(const shared_server::caller& to);
    std::string filter(std::string message);
    void sweep();
    void drop_session(const std::string& id);

    net::event_loop& loop_;
    const tunnel_options& options_;
    tunnel_events& events_;
    mcp::tool_watch watch_;
    std::vector<std::unique_ptr<stdio_exchange>> exchanges_;
    std::vector<stdio_exchange*> spare_;
    std::unordered_map<std::string, std::unique_ptr<stdio_server>> servers_;  ///< by session
    std::unordered_map<std::string, std::unique_ptr<stdio_session>> sessions_;
    std::vector<std::unique_ptr<stdio_server>> old_servers_;  ///< gone, and perhaps on the stack
    shared_server shared_;
    std::unique_ptr<stdio_session> nobody_;  ///< callers without a session
    std::optional<net::timer> sweep_;
    std::optional<net::timer> again_;  ///< starts the shared process again
    std::chrono::milliseconds wait_{0};
    std::chrono::steady_clock::time_point not_before_{};
    std::string last_end_;
    std::size_t held_ = 0;
    std::uint64_t served_ = 0;
};

}  // namespace instatunnel::client
