#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace instatunnel::mcp {

/// The last events of a session, so that a caller whose stream broke can go on where it stood (Last-Event-ID, MCP
/// 2025-03-26 to 2025-11-25). Bounded: the oldest are forgotten.
class replay_log {
public:
    static constexpr std::size_t max_events = 1000;
    static constexpr std::size_t max_bytes = 4 * 1024 * 1024;

    /// Keeps an event of one of the session's streams; its id.
    std::string append(std::uint64_t stream, std::string_view data);

    struct event {
        std::string id;
        std::string data;
    };
    struct replay {
        std::uint64_t stream = 0;
        std::vector<event> events;
    };
    /// What came after `id` on the same stream. nullopt: not an id of this log, or events behind it are forgotten.
    std::optional<replay> after(std::string_view id) const;

    std::size_t bytes() const noexcept { return bytes_; }

private:
    struct entry {
        std::uint64_t stream;
        std::uint64_t number;
        std::string data;
    };
    std::deque<entry> entries_;
    std::size_t bytes_ = 0;
    std::uint64_t last_number_ = 0;
    std::uint64_t forgotten_ = 0;  ///< the highest number that is not kept any more
};

}  // namespace instatunnel::mcp
