#include "bar.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace instatunnel::cli {

std::string bar(double value, double largest, std::size_t width) {
    static constexpr std::array<const char*, 8> parts{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    if (!(value > 0) || !(largest > 0)) return {};
    const auto share = std::min(value / largest, 1.0) * static_cast<double>(width) * 8;
    const auto eighths = std::max<std::size_t>(static_cast<std::size_t>(std::llround(share)), 1);
    std::string drawn;
    for (std::size_t i = 0; i < eighths / 8; ++i)
        drawn += "█";
    return drawn + parts[eighths % 8];
}

}  // namespace instatunnel::cli
