#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/engine/session.hpp"
#include "instatunnel/mcp/exchange_filter.hpp"
#include "instatunnel/wire/http1.hpp"
#include "upstream.hpp"

namespace instatunnel::client {

class upstream_connection;

/// One request on its way to the local app and the reply on its way back.
///
/// Request:  waiting for a connection -> sent (head and what came of the body) -> body flows -> ended
/// Reply:    head -> body -> ended, or upgraded: raw bytes both ways
///
/// Owned by the upstream, which uses it again after over().
class exchange final : public engine::stream_events {
public:
    explicit exchange(upstream& owner) : up_(owner) {}
    void start(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags);

    bool is_repeatable() const noexcept;

    /// A connection is being made for it: the one to tell if nobody waits any more.
    void on_connecting(upstream_connection& c) noexcept { connecting_ = &c; }
    void on_connection(upstream_connection& c);
    void on_connect_failed(errc why);
    void on_upstream_readable();
    void on_upstream_writable();
    void on_upstream_broken();

    void on_data(engine::stream&, std::string_view bytes) override;
    void on_trailers(engine::stream&, const std::vector<wire::field>& fields) override;
    void on_end(engine::stream&) override;
    void on_reset(engine::stream&, engine::code why, std::string_view text) override;
    void on_drained(engine::stream&) override;
    void on_stop(engine::stream&) override;

private:
    enum class reply : std::uint8_t { head, length, chunked, until_close, upgraded, done };

    void reset_state();
    void compose_head(const wire::itp::open_head& open);
    void end_head(std::int64_t content_length);
    void send(std::string_view bytes, std::size_t credit);
    void finish_request();

    // exchange_filter.cpp: what an MCP tunnel looks into.
    bool hold_request(const wire::itp::open_head& open);
    void hold_data(std::string_view bytes);
    void end_held_request();
    void let_request_go();
    void answer_refused();
    void inject_event(std::string_view message);
    bool looks_into_reply() const noexcept;
    bool hold_head(const wire::response_head& head);
    bool deliver(std::string_view bytes);
    bool end_filtered_reply();

    bool handle_head(char* data, std::size_t size);
    void begin_reply(const wire::response_head& head);
    void name_upgrade(const wire::response_head& head);
    void handle_interim(const wire::response_head& head);
    void handle_body(std::string_view bytes);
    void handle_chunked(std::string_view bytes);
    void read_body_directly();
    void fill_reply(const wire::response_head& head);
    void reply_complete();
    enum class ending : std::uint8_t { clean, broken };
    void upstream_ended(ending how);
    void read_past_end();
    bool may_retry() const noexcept;
    void fail(engine::code why, std::string_view text);
    void over();

    upstream& up_;
    engine::stream* stream_ = nullptr;
    upstream_connection* conn_ = nullptr;
    upstream_connection* connecting_ = nullptr;
    std::string pending_;         ///< the request's head and the body bytes that came before a connection
    std::size_t unconsumed_ = 0;  ///< body bytes in pending_ or queued at the app, without credit returned
    std::string input_;           ///< beginning of a reply head
    std::size_t head_seen_ = 0;
    wire::chunked_decoder chunks_{/*lenient_line_ends=*/true};
    std::string trailers_;
    std::string method_;
    std::string path_;
    std::chrono::steady_clock::time_point started_;
    std::uint64_t reply_left_ = 0;
    int status_ = 0;
    reply reply_ = reply::head;
    bool request_chunked_ = false;
    bool request_ended_ = false;  ///< the visitor's side has ended
    bool body_sent_ = false;      ///< body bytes beyond pending_ went to the app: no second try
    bool upgrade_ = false;
    bool keep_ = true;  ///< the app keeps the connection
    bool push_ = false;
    bool paused_ = false;
    bool retried_ = false;
    unsigned interim_heads_ = 0;
    std::string chosen_upgrade_;
    std::unique_ptr<mcp::exchange_filter> filter_;  ///< of an MCP tunnel
    bool request_held_ = false;
    std::string post_path_;  ///< with the query
    std::int64_t content_length_ = -1;
    std::vector<std::pair<std::string, std::string>> held_fields_;  ///< of a reply whose body is held
};

}  // namespace instatunnel::client
