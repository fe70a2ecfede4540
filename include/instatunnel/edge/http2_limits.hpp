#pragma once

#include <chrono>
#include <cstdint>

#include "instatunnel/auth/token_bucket.hpp"

namespace instatunnel::edge {

/// Bounds of a visitor's HTTP/2 connection; docs/design/limits.md gives the reasons.
struct http2_limits {
    std::uint32_t streams = 128;
    /// What a stream may send ahead of the tunnel. It grows while the tunnel takes everything at once.
    std::uint32_t stream_window = 64 * 1024;
    std::uint32_t stream_window_max = 512 * 1024;
    std::uint32_t connection_window = 2 * 1024 * 1024;
    unsigned continuations = 8;  ///< of one field section
    unsigned settings = 32;      ///< in one frame
    /// A field section beyond what is answered with 431 is read on, since it changes the tables of HPACK; beyond these
    /// it was made to be expensive.
    std::size_t hostile_section = 256 * 1024;
    std::size_t hostile_fields = 1000;
    std::size_t trailers = 8 * 1024;
    /// Streams that the visitor reset or made us reset: 100 a second, 1,000 at once.
    auth::bucket_rule resets{1000, std::chrono::milliseconds(10)};
    /// PING, SETTINGS, PRIORITY, GOAWAY, empty frames: 100 a second, 1,000 at once.
    auth::bucket_rule control_frames{1000, std::chrono::milliseconds(10)};
    /// WINDOW_UPDATE: the same, and some more for each DATA frame that was sent.
    auth::bucket_rule window_updates{1000, std::chrono::milliseconds(10)};
    unsigned updates_for_data = 4;
    std::chrono::milliseconds linger{2'000};       ///< for a request to end behind its reply
    std::chrono::milliseconds drain_grace{1'000};  ///< between the two GOAWAYs of a drain
};

}  // namespace instatunnel::edge
