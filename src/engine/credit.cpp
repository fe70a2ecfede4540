#include "instatunnel/engine/credit.hpp"

namespace instatunnel::engine {
namespace {

// Below this a round trip says more about the scheduler than about the path.
constexpr std::chrono::microseconds shortest_epoch{2000};
constexpr std::uint32_t largest_grant_delay = 64 * 1024;

}  // namespace

std::uint32_t receive_window::on_consumed(std::uint32_t bytes, time_point now, std::chrono::microseconds round_trip,
                                          bool may_grow) noexcept {
    held_ -= std::min<std::uint64_t>(held_, bytes);
    returnable_ += bytes;
    epoch_consumed_ += bytes;

    std::uint32_t growth = 0;
    const auto epoch = std::max(round_trip, shortest_epoch);
    if (now - epoch_start_ >= epoch) {
        epoch_start_ = now;
        epoch_consumed_ = bytes;
    } else if (may_grow && epoch_consumed_ > window_ / 2 && window_ < wire::itp::max_window) {
        growth = std::min(window_, wire::itp::max_window - window_);
        window_ += growth;
        epoch_start_ = now;
        epoch_consumed_ = 0;
    }
    if (growth == 0 && returnable_ < std::min(window_ / 4, largest_grant_delay)) return 0;
    const std::uint32_t grant = returnable_ + growth;
    returnable_ = 0;
    open_ += grant;
    return grant;
}

}  // namespace instatunnel::engine
