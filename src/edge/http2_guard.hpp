#pragma once

#include <cstdint>
#include <string_view>

#include "instatunnel/edge/http2_limits.hpp"

namespace instatunnel::edge {

/// Counts what a visitor's HTTP/2 connection costs without asking for anything: resets, control frames, empty frames.
/// Pure: the caller says what time it is. Whoever exceeds a rate is told ENHANCE_YOUR_CALM and cut.
class http2_guard {
public:
    http2_guard(const http2_limits& limits, auth::steady_time now)
        : limits_(limits),
          resets_(limits.resets, now),
          control_(limits.control_frames, now),
          updates_(limits.window_updates, now) {}

    /// A frame's header has come (RFC 9113 §4.1). False: one too many of its kind.
    bool on_frame(std::uint8_t type, std::uint8_t flags, std::size_t length, auth::steady_time now);
    /// A DATA frame turned out to hold nothing but padding.
    bool on_empty_data(auth::steady_time now) { return take(control_, now, "empty DATA frames"); }
    /// We had to reset a stream with this error code. False: the visitor has made us do so too often.
    bool on_reset_sent(std::uint32_t error_code, auth::steady_time now);
    /// A DATA frame has left: it may be answered with window updates.
    void on_data_sent(auth::steady_time now);

    /// What there was too much of, for the log; empty: nothing.
    std::string_view rule() const noexcept { return rule_; }

private:
    bool take(auth::token_bucket& from, auth::steady_time now, std::string_view rule);

    const http2_limits& limits_;
    auth::token_bucket resets_;
    auth::token_bucket control_;
    auth::token_bucket updates_;
    unsigned continuations_ = 0;
    std::string_view rule_;
};

}  // namespace instatunnel::edge
