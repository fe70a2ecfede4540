#include "instatunnel/base/duration.hpp"

#include <charconv>

namespace instatunnel {

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text, std::chrono::milliseconds longest) {
    using namespace std::chrono;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 0 || number > longest.count()) return std::nullopt;
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    milliseconds one{};
    if (unit == "ms")
        one = milliseconds(1);
    else if (unit == "s" || unit.empty())
        one = seconds(1);
    else if (unit == "m")
        one = minutes(1);
    else if (unit == "h")
        one = hours(1);
    else if (unit == "d")
        one = days(1);
    else
        return std::nullopt;
    if (number > longest / one) return std::nullopt;
    return number * one;
}

}  // namespace instatunnel
