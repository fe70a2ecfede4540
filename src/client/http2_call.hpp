#pragma once

#include <nghttp2/nghttp2.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http2_section.hpp"
#include "http2_upstream.hpp"
#include "instatunnel/engine/session.hpp"

namespace instatunnel::client {

class http2_app_connection;

/// Field names and values in one string, to be sent later.
class stored_fields {
public:
    void clear() noexcept;
    void add(std::string_view name, std::string_view value);
    bool empty() const noexcept { return entries_.empty(); }
    /// Views into this object, appended to `out`.
    void append_to(std::vector<nghttp2_nv>& out) const;

private:
    struct entry {
        std::size_t begin;
        std::size_t name_size;
        std::size_t value_size;
    };
    std::string text_;
    std::vector<entry> entries_;
};

/// One request on its way to the app over HTTP/2 and the reply on its way back.
///
/// Request:  waiting for a connection -> head -> body flows -> ended
/// Reply:    head -> body -> ended, or upgraded (extended CONNECT): raw bytes both ways
///
/// What the app has no window for waits here, at most the tunnel's window of the stream; the tunnel gets its credit
/// back as bytes leave for the app, the app its window as bytes leave for the tunnel.
///
/// Owned by the upstream, which uses it again when it is over.
class http2_call final : public engine::stream_events {
public:
    explicit http2_call(http2_upstream& owner) : up_(owner) {}
    void start(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags);

    // Told by the upstream and the connection.
    void on_connection(http2_app_connection& c);
    void on_connect_failed(engine::code why, std::string_view text);
    void on_connection_lost(engine::code why);
    void on_section(const http2_section& section, bool ended);
    void on_body(std::string_view bytes);
    void on_body_end();
    void on_app_reset(std::uint32_t error_code);
    void on_closed(std::uint32_t error_code);
    void on_taken(std::string_view bytes, bool waited);
    void on_writable();

    void on_data(engine::stream&, std::string_view bytes) override;
    void on_trailers(engine::stream&, const std::vector<wire::field>& fields) override;
    void on_end(engine::stream&) override;
    void on_reset(engine::stream&, engine::code why, std::string_view text) override;
    void on_stop(engine::stream&) override;
    void on_progress(engine::stream&) override { give_window(); }

private:
    friend class http2_app_connection;
    friend struct http2_app_callbacks;
    enum class reply : std::uint8_t { head, body, upgraded };

    void reset_state();
    void compose_head(const wire::itp::open_head& open);
    void add_body_fields(const wire::itp::open_head& open);
    void hold(std::string_view bytes);
    std::size_t held() const noexcept { return held_.size() - begin_; }
    const std::vector<nghttp2_nv>& trailers();

    void begin_reply(const http2_section& section, bool ended);
    void switch_protocols(bool ended);
    void send_interim(const http2_section& section);
    void give_window();
    void reply_complete();

    void stop_keeping() noexcept;
    bool may_repeat() const noexcept { return keeps_sent_ && !repeated_; }
    void repeat();
    void fail(engine::code why, std::string_view text);
    void over(std::uint32_t error_code);

    http2_upstream& up_;
    engine::stream* stream_ = nullptr;
    http2_app_connection* conn_ = nullptr;
    std::int32_t id_ = 0;
    stored_fields head_;
    stored_fields trailers_;
    std::string held_;  ///< request bytes that the app has no room for, from begin_ on
    std::size_t begin_ = 0;
    std::string_view passing_;    ///< bytes of the running on_data, behind the held ones
    std::string sent_;            ///< request bytes that have left, while the request may have to be sent again
    std::size_t sent_twice_ = 0;  ///< bytes at the front of what is held whose credit was returned before
    std::size_t owed_ = 0;        ///< bytes that stand in the connection's queue, without credit returned
    std::uint64_t taken_ = 0;     ///< reply bytes whose window was returned
    std::size_t unreturned_ = 0;  ///< reply bytes whose window was not yet
    std::string websocket_key_;
    std::string method_;
    std::string path_;
    std::chrono::steady_clock::time_point started_;
    std::uint32_t app_error_ = 0;
    int status_ = 0;
    unsigned interim_heads_ = 0;
    reply reply_ = reply::head;
    bool connect_ = false;        ///< extended CONNECT
    bool request_ended_ = false;  ///< the visitor's side has ended
    bool accepted_ = false;
    bool app_reset_ = false;
    bool push_ = false;
    bool keeps_sent_ = true;
    bool repeated_ = false;
};

}  // namespace instatunnel::client
