#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "instatunnel/engine/session.hpp"
#include "instatunnel/mcp/message.hpp"
#include "instatunnel/net/event_loop.hpp"

namespace instatunnel::client {

class stdio_origin;
class stdio_session;

/// One HTTP request to a server that speaks over its standard input and output: what Streamable HTTP says about POST,
/// GET and DELETE. Owned by the origin, which uses it again after over().
class stdio_exchange final : public engine::stream_events {
public:
    explicit stdio_exchange(stdio_origin& origin);
    void start(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags);

    // For its session.
    bool takes_events() const noexcept { return stream_ != nullptr && wants_events_; }
    void begin_events();
    void send_event(const std::string& id, const std::string& message);
    /// The answer to its last call.
    void send_last(const std::string& id, const std::string& message);
    void finish();
    /// Tells a quiet caller, and what lies between, that the stream is alive.
    void keep_alive();
    /// The loop ends, and its session has ended.
    void let_go_of_loop() noexcept {
        late_.reset();
        session_ = nullptr;
    }

    /// Ends it with an error in JSON-RPC.
    void refuse(int status, int code, std::string_view why, std::string_view id = {});

    void on_data(engine::stream&, std::string_view bytes) override;
    void on_end(engine::stream&) override;
    void on_reset(engine::stream&, engine::code why, std::string_view text) override;
    void on_stop(engine::stream&) override;

private:
    void answer();
    void answer_post();
    void answer_get();
    void answer_delete();
    void take(stdio_session& session);
    void initialize(const mcp::reading& read);
    stdio_session* find_session(bool without_is_possible);
    bool speaks_at_least(std::string_view revision) const noexcept { return std::string_view(revision_) >= revision; }
    void send_head(int status, std::string_view type, std::int64_t length, bool ends);
    void answer_json(int status, std::string_view body);
    void over();

    stdio_origin& origin_;
    engine::stream* stream_ = nullptr;
    stdio_session* session_ = nullptr;
    std::optional<net::timer> late_;
    std::string method_;
    std::string path_;
    std::string session_id_;
    std::string revision_;  ///< MCP-Protocol-Version
    std::string last_event_;
    std::string media_type_;
    std::string body_;
    std::string given_id_;  ///< the session that this request has opened
    std::uint64_t number_ = 0;
    std::chrono::steady_clock::time_point started_;
    int status_ = 0;
    bool wants_events_ = false;
    bool takes_json_ = false;
    bool events_ = false;  ///< the reply is a stream of events
    bool is_initialize_ = false;
};

}  // namespace instatunnel::client
