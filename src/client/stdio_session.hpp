#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "instatunnel/mcp/replay_log.hpp"
#include "stdio_server.hpp"

namespace instatunnel::client {

class stdio_exchange;

/// A caller's session: its streams, and what was said on them. A stream is the reply to a POST (it ends when all its
/// calls are answered) or stream 0, the one of a GET, for what belongs to no call. One loop's thread.
class stdio_session final {
public:
    using clock = std::chrono::steady_clock;
    static constexpr std::size_t max_asked = 256;

    /// `id` empty: callers without a session, who cannot resume (MCP 2026-07-28). All outlive it.
    stdio_session(std::string id, stdio_server& server, std::function<std::string(std::string)> filter)
        : id_(std::move(id)), server_(&server), filter_(std::move(filter)) {}

    const std::string& id() const noexcept { return id_; }
    stdio_server& server() noexcept { return *server_; }
    bool is_resumable() const noexcept { return !id_.empty(); }

    /// A stream for the answers to `calls` calls, carried by `e`. Its number.
    std::uint64_t open_stream(stdio_exchange& e, std::size_t calls);
    /// `e` carries stream 0 from now on; one that did so before ends.
    void listen(stdio_exchange& e);
    /// `e` goes on with the stream of that event. False: it cannot be gone on with.
    bool resume(stdio_exchange& e, std::string_view last_event_id);
    /// `e` carries nothing any more. A stream without sessions is given up, others wait to be resumed.
    void detach(stdio_exchange& e);
    /// An event that only says where the stream is.
    std::string mark(std::uint64_t stream) { return log_.append(stream, {}); }

    void deliver(std::uint64_t stream, std::string message, bool is_answer);
    void hear_answer(std::uint64_t stream, const std::string& method, const std::string& message);
    /// What the server asks or tells by itself; `id` as JSON, empty: it wants no answer.
    void deliver_unasked(std::string message, std::string id);
    /// Whether the server has asked this session that, once.
    bool take_asked(std::string_view id);
    /// Called once with the answer to initialize, after it is sent; may end the session.
    std::function<void(const std::string& message)> on_initialized;

    /// Ends its streams.
    void close();
    bool has_streams() const noexcept { return listener_ != nullptr || !streams_.empty(); }
    void touch(clock::time_point now) noexcept { used_ = now; }
    clock::time_point used() const noexcept { return used_; }

private:
    struct post_stream {
        stdio_exchange* carrier;
        std::size_t waiting;
    };
    void send(std::uint64_t stream, stdio_exchange* carrier, const std::string& message);

    std::string id_;
    stdio_server* server_;
    std::function<std::string(std::string)> filter_;
    std::map<std::uint64_t, post_stream> streams_;
    std::uint64_t last_stream_ = 0;
    stdio_exchange* listener_ = nullptr;
    mcp::replay_log log_;
    std::deque<std::string> asked_;
    clock::time_point used_{};
};

}  // namespace instatunnel::client
