#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "instatunnel/wire/itp_frame.hpp"

namespace instatunnel::engine {

using time_point = std::chrono::steady_clock::time_point;

/// The shortest round trip of the last minute: that of the path. A single measurement holds the queue that large
/// windows make themselves, and windows that followed it would grow to make the queue longer still.
class path_round_trip {
public:
    void note(std::chrono::microseconds measured, time_point now) noexcept {
        if (now - half_began_ >= half) {
            before_ = now - half_began_ >= 2 * half ? measured : current_;
            current_ = measured;
            half_began_ = now;
        }
        current_ = std::min(current_, measured);
    }
    /// Zero: not measured yet.
    std::chrono::microseconds shortest() const noexcept { return std::min(before_, current_); }

private:
    static constexpr std::chrono::seconds half{30};
    std::chrono::microseconds before_{0};
    std::chrono::microseconds current_{0};
    time_point half_began_{};
};

/// The receiving side's window of one direction of one stream: how much the peer may still send, when to grant more,
/// and how large the window should be. Pure; time comes in.
///
/// The window doubles when more than half of it was consumed within one round trip, since then it, not the consumer,
/// is the limit (a test on the time between grants sticks at twice the start value on any real path).
class receive_window {
public:
    explicit receive_window(std::uint32_t initial = wire::itp::initial_window) noexcept
        : window_(initial), open_(initial) {}

    /// Bytes came in. False: the peer sent more than it was granted.
    bool on_received(std::uint32_t bytes) noexcept {
        if (bytes > open_) return false;
        open_ -= bytes;
        held_ += bytes;
        return true;
    }

    /// The next hop took bytes. Returns what to grant now; 0 while it is too little to be worth a frame.
    /// `may_grow`: the session's memory budget allows a larger window.
    std::uint32_t on_consumed(std::uint32_t bytes, time_point now, std::chrono::microseconds round_trip,
                              bool may_grow) noexcept;

    std::uint32_t window() const noexcept { return window_; }
    /// Received and not yet consumed.
    std::uint64_t held() const noexcept { return held_; }

private:
    std::uint32_t window_;
    std::uint32_t open_;  // what the peer may still send
    std::uint64_t held_ = 0;
    std::uint32_t returnable_ = 0;
    std::uint64_t epoch_consumed_ = 0;
    time_point epoch_start_{};
};

/// The sending side: what the peer granted and we have not used.
class send_credit {
public:
    explicit send_credit(std::uint32_t initial = wire::itp::initial_window) noexcept : available_(initial) {}
    std::uint32_t available() const noexcept { return available_; }
    void use(std::uint32_t bytes) noexcept { available_ -= std::min(bytes, available_); }
    /// False: the sum would pass 2^31 - 1, which no honest peer grants (RFC 9113 §6.9.1 has the same rule).
    bool add(std::uint32_t bytes) noexcept {
        if (bytes > 0x7FFFFFFFu - available_) return false;
        available_ += bytes;
        return true;
    }

private:
    std::uint32_t available_;
};

}  // namespace instatunnel::engine
