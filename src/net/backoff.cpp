#include "instatunnel/net/backoff.hpp"

#include <algorithm>

namespace instatunnel::net {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_jitter{50};
constexpr milliseconds base{100};
constexpr milliseconds early_cap{1000};
constexpr milliseconds late_cap{15'000};
constexpr milliseconds early{60'000};

}  // namespace

milliseconds backoff::next(milliseconds since_lost, std::uint64_t random) noexcept {
    const unsigned n = attempt_++;
    if (n == 0)
        return milliseconds(static_cast<std::int64_t>(random % static_cast<std::uint64_t>(first_jitter.count() + 1)));
    const auto cap = since_lost < early ? early_cap : late_cap;
    const milliseconds ceiling = std::min<milliseconds>(cap, base * (1ll << std::min(n - 1, 16u)));
    // Jitter over the upper half only: an attempt that comes at once again tells nothing new.
    const auto half = ceiling / 2;
    return half + milliseconds(static_cast<std::int64_t>(random % static_cast<std::uint64_t>(half.count() + 1)));
}

}  // namespace instatunnel::net
