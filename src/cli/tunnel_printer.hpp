#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "context.hpp"
#include "instatunnel/client/tunnel.hpp"

namespace instatunnel::cli {

/// Says what a tunnel does: the promised lines for people, or events with --json. Called on the tunnel's thread, one
/// call at a time.
class tunnel_printer : public client::tunnel_events {
public:
    using clock = std::function<std::chrono::steady_clock::time_point()>;
    /// `reader_gone` is called when nobody reads stdout any more. Arguments outlive the printer.
    tunnel_printer(terminal& term, clock now, bool quiet, std::function<void()> reader_gone);

    void starting(const client::tunnel_options& tunnel);
    void on_ready(const client::ready_info& info) override;
    void on_request(const client::request_info& info) override;
    void on_connection(const client::connection_info& info) override;
    void on_turn_end() override;
    void on_reconnecting(const failure& why, std::chrono::milliseconds wait, unsigned attempt) override;
    void on_notice(const failure& what) override;
    void on_tool_changed(const mcp::tool_change& change) override;
    /// `then` is called when the tunnel is open, once, after what is said about it.
    void when_ready(std::function<void(const client::ready_info&)> then) { when_ready_ = std::move(then); }

    /// The end of a tunnel that was stopped, or that failed after it had been ready (what the printer counted then).
    void closed(const client::summary& total);
    bool was_ready() const noexcept { return ready_; }
    client::summary counted() const;

private:
    void check_reader();
    void add_line(std::string_view line);

    terminal& term_;
    clock now_;
    bool quiet_;
    std::string waiting_;  // lines of the turn's requests
    std::uint64_t waiting_lines_ = 0;
    std::function<void()> reader_gone_;
    std::function<void(const client::ready_info&)> when_ready_;
    std::chrono::steady_clock::time_point started_;
    bool ready_ = false;
    bool raw_ = false;  ///< connections instead of requests
    client::mcp_guard mcp_auth_ = client::mcp_guard::none;
    secret mcp_token_;
    std::uint64_t requests_ = 0;
};

/// `203.0.113.7:50123 closed 1.2 kB in 3.4 MB out 12s`
std::string connection_line(const terminal& term, const client::connection_info& info);

/// `GET /path 200 OK 1.2 kB 3ms`
std::string request_line(const terminal& term, const client::request_info& info);

}  // namespace instatunnel::cli
