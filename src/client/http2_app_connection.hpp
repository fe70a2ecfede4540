#pragma once

#include <nghttp2/nghttp2.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "http2_section.hpp"
#include "http2_upstream.hpp"
#include "instatunnel/net/connection.hpp"
#include "target_dial.hpp"

namespace instatunnel::client {

class http2_call;

/// One connection to the app and the client's side of HTTP/2 on it (RFC 9113, nghttp2), shared by many calls.
///
///     connecting -> (TLS, ALPN) -> waiting for the app's SETTINGS -> taking calls -> leaving (GOAWAY) -> gone
///
/// Kept by the loop. A call holds it from on_connection() until it lets go or is told that the stream or the
/// connection is over; the connection is never destroyed while a call of it is on the stack.
class http2_app_connection final : public net::retirable,
                                   public net::connection_events,
                                   private net::deferred,
                                   private dial_user {
public:
    static http2_app_connection& make(http2_upstream& owner);
    ~http2_app_connection() override;
    /// Starts connecting; the owner is told by ready() or connect_failed().
    void open();

    bool is_leaving() const noexcept { return leaving_ || gone_; }
    bool has_room() const noexcept;
    /// Reads what may lie in the socket of a connection without calls, so that none is sent into a closed one. False:
    /// it takes no call any more.
    bool is_alive();
    /// It was kept without calls before: the app may have closed it without our knowing.
    bool is_reused() const noexcept { return reused_; }
    /// It was of use to some call.
    bool has_served() const noexcept { return served_; }
    /// Extended CONNECT (RFC 8441 §3).
    bool allows_connect() const noexcept;
    bool is_congested() const noexcept { return conn_ == nullptr || conn_->is_congested(); }

    /// Sends the head. False: the connection takes no further call. `ended`: no body and no trailers follow.
    bool submit(http2_call& c, const std::vector<nghttp2_nv>& head, bool ended);
    /// Request bytes. With `now` they leave in this call if they can, from where they lie.
    void send(http2_call& c, std::string_view bytes, bool now);
    /// The call's request has changed otherwise: its end, its trailers.
    void resume(http2_call& c);
    /// The tunnel has taken reply bytes: the app may send as many more.
    void consume(http2_call& c, std::size_t bytes);
    /// The call is over for its owner; a stream that is not is reset with `error_code`.
    void let_go(http2_call& c, std::uint32_t error_code);

    void on_readable() override;
    void on_writable() override;
    void on_broken(errc why) override;

private:
    friend struct http2_app_callbacks;
    explicit http2_app_connection(http2_upstream& owner);
    void on_dialled(std::unique_ptr<net::connection> c) override;
    void on_dial_failed(errc why) override;
    void start_session();
    void on_timer();
    void run_deferred() override;
    bool receive(std::string_view bytes);
    void flush();
    void settle();
    std::size_t write_body(http2_call& c, std::size_t length);
    bool count_answered_frame() noexcept;
    void forget(http2_call& c) noexcept;
    void give_up(engine::code why, std::string_view text);
    void lose(engine::code why);
    void leave();

    http2_upstream& owner_;
    std::unique_ptr<net::connection> conn_;
    nghttp2_session* session_ = nullptr;
    target_dial dial_;
    net::timer timer_;  ///< the app's SETTINGS, or idle
    http2_section section_;
    std::vector<http2_call*> calls_;
    std::chrono::steady_clock::time_point second_{};
    unsigned answered_ = 0;  ///< frames in this second that want an answer
    bool busy_ = false;      ///< inside nghttp2, which must not be entered twice
    bool settings_came_ = false;
    bool ready_ = false;
    bool leaving_ = false;
    bool broken_ = false;  ///< what the app sent is no HTTP/2; found out inside a call
    bool reused_ = false;
    bool served_ = false;
    bool gone_ = false;
};

}  // namespace instatunnel::client
