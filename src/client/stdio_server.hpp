#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "child_process.hpp"
#include "instatunnel/mcp/message.hpp"

namespace instatunnel::client {

class stdio_server;
class stdio_session;

/// Told about a server that speaks over its standard input and output.
class stdio_server_events {
public:
    /// It has ended; every call that waited was answered with an error before.
    virtual void on_server_gone(stdio_server& server, const std::string& why) = 0;
    /// It asks or tells something that belongs to no call: whom it is for; one at most when it wants an answer.
    virtual std::vector<stdio_session*> sessions_for(stdio_server& server, bool wants_answer) = 0;

protected:
    ~stdio_server_events() = default;
};

/// One process and the calls that wait for it. Callers number their calls as they like, so each call goes out with a
/// number of ours and its answer comes back with the caller's; so do tokens for progress. One loop's thread.
class stdio_server final : private child_events {
public:
    /// Both outlive it.
    stdio_server(net::event_loop& loop, stdio_server_events& events) : loop_(loop), events_(events) {}
    ~stdio_server() { stop(); }
    stdio_server(const stdio_server&) = delete;
    stdio_server& operator=(const stdio_server&) = delete;

    /// Errors: target_unreachable.
    outcome<void> start(const std::vector<std::string>& command);
    void stop();
    void hurry() noexcept;
    bool is_running() const noexcept { return child_ != nullptr; }
    std::chrono::steady_clock::time_point started_at() const noexcept { return started_at_; }
    /// It has answered anything at all.
    bool has_answered() const noexcept { return has_answered_; }

    /// `session` is told the answer, on its stream of that number.
    void call(stdio_session& session, std::uint64_t stream, std::string_view text, const mcp::message& m);
    /// A call of the tunnel's own.
    void call_quietly(std::string_view text, const mcp::message& m);
    /// A notification. What it says about calls is said with our numbers.
    void notify(stdio_session& session, std::string_view text, const mcp::message& m);
    /// An answer to something that the server has asked.
    void respond(std::string_view text);
    /// Nobody waits for the answers of that session any more, or of one of its streams.
    void forget(stdio_session& session, const std::uint64_t* stream = nullptr);
    /// The session whose call is the newest that waits; null: none.
    stdio_session* newest_caller() const noexcept;
    std::size_t waiting() const noexcept { return waiting_.size(); }

private:
    struct waiting_call {
        stdio_session* session;  ///< null: a call of our own
        std::uint64_t stream;
        std::string id;     ///< the caller's, as JSON
        std::string token;  ///< the caller's for progress, as JSON; empty: none
        std::string method;
    };
    void on_child_line(std::string_view line) override;
    void on_child_gone(const std::string& why) override;
    void hear(std::string_view object);
    void hear_answer(std::string_view text, mcp::text_span id);
    void hear_own(std::string_view text, const mcp::text_span* id);
    void fail_waiting(std::string_view why);

    net::event_loop& loop_;
    stdio_server_events& events_;
    std::unique_ptr<child_process> child_;
    std::map<std::uint64_t, waiting_call> waiting_;
    std::uint64_t last_number_ = 0;
    std::chrono::steady_clock::time_point started_at_{};
    bool has_answered_ = false;
    bool noise_told_ = false;  ///< that it prints what is no message
};

}  // namespace instatunnel::client
