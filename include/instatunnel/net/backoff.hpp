#pragma once

#include <chrono>
#include <cstdint>

namespace instatunnel::net {

/// How long to wait before the next attempt to reconnect. Pure: time and randomness come in.
///
/// The first attempt comes at once (up to 50 ms, so that the clients of a restarted edge do not arrive together), then
/// 100 ms doubling with jitter over the upper half; capped at 1 s during the outage's first minute, since most outages
/// are short, and at 15 s after it. Never gives up.
class backoff {
public:
    /// `since_lost`: how long the outage lasts already; `random`: any uniform 64-bit value.
    std::chrono::milliseconds next(std::chrono::milliseconds since_lost, std::uint64_t random) noexcept;
    void reset() noexcept { attempt_ = 0; }
    unsigned attempt() const noexcept { return attempt_; }

private:
    unsigned attempt_ = 0;
};

}  // namespace instatunnel::net
