#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "instatunnel/edge/limits.hpp"

namespace instatunnel::edge {

/// Watches over a request's head that comes in pieces: whole in `whole_head`, and after `head_grace` never slower on
/// the average than `head_rate`.
class head_pace {
public:
    struct verdict {
        std::string_view limit;           ///< the one that was passed; empty: none yet
        std::chrono::milliseconds again;  ///< when to look next
    };

    void begin(std::chrono::steady_clock::time_point now, std::uint64_t bytes_before = 0) noexcept {
        began_ = now;
        bytes_before_ = bytes_before;
    }
    /// `bytes`: as many as have come, counted as begin() counted.
    verdict look(std::chrono::steady_clock::time_point now, std::uint64_t bytes, const edge_limits& l) const noexcept {
        using std::chrono::milliseconds;
        const auto taken = std::chrono::duration_cast<milliseconds>(now - began_);
        if (taken >= l.whole_head) return {"whole-head", {}};
        const auto due = l.head_rate * static_cast<std::uint64_t>(taken.count()) / 1000;
        if (taken >= l.head_grace && bytes - bytes_before_ < due) return {"head-rate", {}};
        const auto next = taken < l.head_grace ? l.head_grace - taken : milliseconds(1000);
        return {{}, std::min(next, l.whole_head - taken)};
    }

private:
    std::chrono::steady_clock::time_point began_{};
    std::uint64_t bytes_before_ = 0;
};

}  // namespace instatunnel::edge
