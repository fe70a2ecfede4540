#include "instatunnel/engine/credit.hpp"

namespace instatunnel::engine {
namespace {

// Below this a round trip says more about the scheduler than about the path.
constexpr std::chrono::microseconds shortest_epoch{1000};
constexpr std::uint32_t largest_grant_delay = 64 * 1024;

}  // namespace

std::uint32_t receive_window::on_consumed(std::uint32_t bytes, time_point now, std::chrono::microseconds round_trip,
                                          bool may_grow) noexcept {
    held_ -= std::min<std::uint64_t>(held_, bytes);
    returnable_ += bytes;
    epoch_consumed_ += bytes;

    std::uint32_t growth = 0;
    const std::chrono::duration<double> epoch = std::max(round_trip, shortest_epoch);
    const std::chrono::duration<double> elapsed = now - epoch_start_;
    if (elapsed >= epoch) {
        // A rate, not a sum: what is read at once after a pause says nothing about the path.
        const double in_a_round_trip = static_cast<double>(epoch_consumed_) * (epoch / elapsed);
        if (may_grow && in_a_round_trip > window_ / 2.0) {
            growth = std::min(window_, wire::itp::max_window - window_);
            window_ += growth;
        }
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
