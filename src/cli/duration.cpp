#include "duration.hpp"

#include <charconv>

namespace instatunnel::cli {

std::optional<std::chrono::seconds> parse_days(std::string_view text) {
    using namespace std::chrono;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    constexpr std::int64_t most = 3660;
    if (error != std::errc() || number <= 0 || end + 1 != text.data() + text.size()) return std::nullopt;
    seconds value{};
    if (*end == 'm' && number <= most * 24 * 60)
        value = minutes(number);
    else if (*end == 'h' && number <= most * 24)
        value = hours(number);
    else if (*end == 'd' && number <= most)
        value = days(number);
    else if (*end == 'w' && number <= most / 7)
        value = weeks(number);
    else
        return std::nullopt;
    return value;
}

}  // namespace instatunnel::cli
