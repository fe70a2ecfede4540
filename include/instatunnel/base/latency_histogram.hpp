#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace instatunnel {

/// How long things took, counted in classes that are an eighth of a power of two wide: any share of them can be asked
/// for, to 6 %, from a few hundred bytes that never grow. Below 128 µs everything is one class, beyond two minutes
/// too.
class latency_histogram {
public:
    void add(std::chrono::microseconds took) noexcept {
        auto& count = counts_[class_of(took)];
        if (count != UINT32_MAX) ++count;
        ++total_;
    }
    std::uint64_t total() const noexcept { return total_; }

    /// The time that `percent` (1 to 100) of all stay within, as the middle of its class; 0: nothing was counted.
    std::chrono::microseconds percentile(unsigned percent) const noexcept {
        const auto wanted = std::max<std::uint64_t>((total_ * percent + 99) / 100, 1);
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size() && total_ != 0; ++i) {
            seen += counts_[i];
            if (seen >= wanted) return middle_of(i);
        }
        return std::chrono::microseconds(0);
    }

private:
    static constexpr unsigned parts = 3;    // bits: eight classes from one power of two to the next
    static constexpr unsigned first = 7;    // 2^7 µs
    static constexpr unsigned powers = 20;  // up to 2^27 µs

    static std::size_t class_of(std::chrono::microseconds took) noexcept {
        const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0));
        if (us < (1u << first)) return 0;
        const auto power = static_cast<unsigned>(std::bit_width(us)) - 1;
        if (power >= first + powers) return (powers << parts) + 1;
        const auto part = (us >> (power - parts)) & ((1u << parts) - 1);
        return ((power - first) << parts) + static_cast<std::size_t>(part) + 1;
    }

    static std::chrono::microseconds middle_of(std::size_t number) noexcept {
        if (number == 0) return std::chrono::microseconds(1 << (first - 1));
        const auto power = first + static_cast<unsigned>((number - 1) >> parts);
        const auto part = static_cast<std::int64_t>((number - 1) & ((1u << parts) - 1));
        const auto width = std::int64_t{1} << (power - parts);
        return std::chrono::microseconds((std::int64_t{1} << power) + part * width + width / 2);
    }

    std::array<std::uint32_t, (powers << parts) + 2> counts_{};
    std::uint64_t total_ = 0;
};

}  // namespace instatunnel
