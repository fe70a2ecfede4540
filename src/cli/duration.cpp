#include "duration.hpp"

#include <charconv>

namespace instatunnel::cli {

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    using namespace std::chrono;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 0 || number > milliseconds(days(1)).count()) return std::nullopt;
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    milliseconds value{};
    if (unit == "ms")
        value = milliseconds(number);
    else if (unit == "s" || unit.empty())
        value = seconds(number);
    else if (unit == "m")
        value = minutes(number);
    else if (unit == "h")
        value = hours(number);
    else
        return std::nullopt;
    if (value > days(1)) return std::nullopt;
    return value;
}

}  // namespace instatunnel::cli
