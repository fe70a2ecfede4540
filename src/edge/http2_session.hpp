#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http2_guard.hpp"
#include "http2_head.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::edge {

class http2_session;

/// What the session keeps for one stream, and what the stream's owner is told. A stream ends with on_closed(), whoever
/// ended it; after that it must not be given to the session again.
class http2_stream {
public:
    std::int32_t id() const noexcept { return id_; }
    /// Reply bytes that wait for the visitor's window or for the connection.
    std::size_t held() const noexcept { return pending_.size() - begin_; }

protected:
    http2_stream() = default;
    virtual ~http2_stream() = default;

private:
    friend class http2_session;
    friend struct http2_callbacks;
    /// Bytes of the body (or of an upgraded connection). Give them back with http2_session::consume().
    virtual void on_body(std::string_view bytes) = 0;
    /// The visitor has ended its direction.
    virtual void on_body_end(std::vector<wire::field>& trailers) = 0;
    /// Reply bytes left for the connection. `waited`: they had been held here.
    virtual void on_taken(std::size_t bytes, bool waited) = 0;
    /// The reply has left whole, and the visitor has not ended its direction.
    virtual void on_reply_left() = 0;
    /// The stream is over; RFC 9113 §7 error code.
    virtual void on_closed(std::uint32_t error_code) = 0;

    std::int32_t id_ = 0;
    std::string pending_;  ///< held reply bytes from begin_ on
    std::size_t begin_ = 0;
    std::string_view passing_;  ///< bytes of the running send(), behind the held ones
    bool source_ended_ = false;
    bool request_ended_ = false;
    std::vector<std::pair<std::string, std::string>> trailers_;
};

/// Where a session's bytes go, and who gets its requests.
class http2_owner {
public:
    virtual void write(std::string_view bytes) = 0;
    /// True: nothing more is written until flush() is called again.
    virtual bool is_congested() const = 0;
    virtual auth::steady_time now() const = 0;
    /// A request has come. The owner makes a stream for it, whose memory is its own. Null: refused
    /// (REFUSED_STREAM, the visitor may try again elsewhere).
    virtual http2_stream* on_request() = 0;
    /// The head of the request. May be answered at once.
    virtual void on_head(http2_stream& s, http2_head& head, bool ended) = 0;
    /// Something was queued outside of receive(): flush() is due at the end of the turn.
    virtual void request_flush() = 0;

protected:
    ~http2_owner() = default;
};

/// The server's side of one HTTP/2 connection (RFC 9113) on nghttp2, without sockets and clock: bytes come in by
/// receive() and go out by http2_owner::write(). Credit for what the visitor sends is returned only by consume(); of
/// what we send nothing is held beyond what the caller gave.
class http2_session {
public:
    http2_session(http2_owner& owner, const http2_limits& limits, const wire::http1_limits& head_limits);
    ~http2_session();
    http2_session(const http2_session&) = delete;
    http2_session& operator=(const http2_session&) = delete;

    /// Reads what came. False: the connection is to be closed once what is queued has left.
    bool receive(std::string_view bytes);
    /// Writes what is queued, as far as windows and the owner allow.
    void flush();
    /// Nothing more will be read or written.
    bool is_over() const noexcept;
    /// Inside a field section: somebody owes us its end.
    bool is_inside_section() const noexcept { return inside_section_; }

    using fields = std::vector<nghttp2_nv>;
    /// An empty list to fill and send, whose memory is used again.
    fields& fresh_fields() noexcept {
        fields_.clear();
        return fields_;
    }
    /// An interim head (1xx). The names and values are copied; names may be in any case.
    void send_interim(http2_stream& s, const fields& head);
    /// The final head. `ended`: no body and no trailers follow.
    void send_head(http2_stream& s, const fields& head, bool ended);
    /// Reply bytes. With `now` they leave in this call if they can, from where they lie; otherwise with the next
    /// flush(), in one frame with the end if that comes until then.
    void send(http2_stream& s, std::string_view bytes, bool now);
    void finish(http2_stream& s);
    void add_trailer(http2_stream& s, std::string_view name, std::string_view value);
    void reset(http2_stream& s, std::uint32_t error_code);
    /// The next hop took body bytes: the visitor may send as many more. Works for a closed stream, whose share of the
    /// connection's window it returns.
    void consume(std::int32_t id, std::size_t bytes);
    /// More room for a stream that keeps up.
    void grow_window(std::int32_t id, std::uint32_t window);

    /// "No new requests, please" (RFC 9113 §6.8: GOAWAY with the highest id); those under way go on.
    void announce_goaway();
    /// GOAWAY with the last request that will be served.
    void goaway();
    /// GOAWAY, and the end: is_over() at once, and nothing but GOAWAY leaves.
    void terminate(std::uint32_t error_code);

    /// Why the connection was ended by us, for the log; empty: it was not.
    std::string_view rule() const noexcept { return rule_; }

private:
    friend struct http2_callbacks;
    void submit_settings();
    bool fail(int library_error);
    bool flood() noexcept;
    void ask_for_flush();
    std::size_t write_body(http2_stream& s, std::size_t length);

    http2_owner& owner_;
    const http2_limits& limits_;
    const wire::http1_limits& head_limits_;
    http2_guard guard_;
    http2_head section_;
    fields fields_;
    std::vector<wire::field> trailer_fields_;
    nghttp2_session* session_ = nullptr;
    std::string_view rule_;
    std::uint32_t last_word_ = NGHTTP2_ENHANCE_YOUR_CALM;  ///< to whoever broke rule_
    bool busy_ = false;                                    ///< inside nghttp2, which must not be entered twice
    bool inside_section_ = false;
    bool terminating_ = false;  ///< GOAWAY is the last that leaves
    bool broken_ = false;
};

/// A field for http2_session; lives as long as the views.
inline nghttp2_nv http2_field(std::string_view name, std::string_view value) {
    // The library's interface knows no const; it copies both.
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
            NGHTTP2_NV_FLAG_NONE};
}

}  // namespace instatunnel::edge
