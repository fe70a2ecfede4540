#include "instatunnel/base/clock.hpp"

#include <array>
#include <cstdio>

namespace instatunnel {
namespace {

// Reads exactly `digits` decimal digits at `pos`, -1 if they are not there.
int digits_at(std::string_view text, std::size_t pos, std::size_t digits) {
    if (pos + digits > text.size()) return -1;
    int value = 0;
    for (std::size_t i = pos; i < pos + digits; ++i) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

}  // namespace

wall_time wall_now() noexcept {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::string to_rfc3339(wall_time t) {
    const auto day = std::chrono::floor<std::chrono::days>(t);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(t - day));
    std::array<char, 40> text{};
    const int n = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", int(date.year()),
                                unsigned(date.month()), unsigned(date.day()), int(time.hours().count()),
                                int(time.minutes().count()), int(time.seconds().count()));
    return {text.data(), static_cast<std::size_t>(n)};
}

std::optional<wall_time> parse_rfc3339(std::string_view text) {
    using namespace std::chrono;
    if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
        text[13] != ':' || text[16] != ':')
        return std::nullopt;
    const int y = digits_at(text, 0, 4), mo = digits_at(text, 5, 2), d = digits_at(text, 8, 2);
    const int h = digits_at(text, 11, 2), mi = digits_at(text, 14, 2), s = digits_at(text, 17, 2);
    if (y < 0 || mo < 0 || d < 0 || h < 0 || mi < 0 || s < 0 || h > 23 || mi > 59 || s > 60) return std::nullopt;
    const year_month_day date{year(y), month(unsigned(mo)), day(unsigned(d))};
    if (!date.ok()) return std::nullopt;

    std::size_t pos = 19;
    microseconds fraction{0};
    if (text[pos] == '.') {
        std::int64_t unit = 100000;
        for (++pos; pos < text.size() && text[pos] >= '0' && text[pos] <= '9'; ++pos, unit /= 10)
            fraction += microseconds((text[pos] - '0') * unit);
    }
    if (pos >= text.size()) return std::nullopt;
    minutes offset{0};
    if (text[pos] == '+' || text[pos] == '-') {
        const int oh = digits_at(text, pos + 1, 2), om = digits_at(text, pos + 4, 2);
        if (pos + 6 != text.size() || text[pos + 3] != ':' || oh < 0 || om < 0 || oh > 23 || om > 59)
            return std::nullopt;
        offset = minutes((oh * 60 + om) * (text[pos] == '-' ? -1 : 1));
    } else if ((text[pos] != 'Z' && text[pos] != 'z') || pos + 1 != text.size()) {
        return std::nullopt;
    }
    const auto moment = sys_days(date) + hours(h) + minutes(mi) + seconds(s) + fraction - offset;
    // A leap second or an offset can lead out of the years that have four digits, and so can be written.
    if (moment < sys_days(year(0) / 1 / 1) || moment >= sys_days(year(10000) / 1 / 1)) return std::nullopt;
    return moment;
}

std::string to_human(std::chrono::milliseconds d) {
    const auto ms = d.count();
    std::array<char, 48> text{};
    int n = 0;
    if (ms < 1000) {
        n = std::snprintf(text.data(), text.size(), "%lldms", static_cast<long long>(ms));
    } else if (ms < 60'000) {
        n = std::snprintf(text.data(), text.size(), "%.1fs", static_cast<double>(ms) / 1000.0);
    } else if (ms < 3'600'000) {
        n = std::snprintf(text.data(), text.size(), "%lldm %llds", static_cast<long long>(ms / 60'000),
                          static_cast<long long>(ms / 1000 % 60));
    } else {
        n = std::snprintf(text.data(), text.size(), "%lldh %lldm", static_cast<long long>(ms / 3'600'000),
                          static_cast<long long>(ms / 60'000 % 60));
    }
    return {text.data(), static_cast<std::size_t>(n)};
}

std::string to_human_bytes(std::uint64_t bytes) {
    static constexpr const char* units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) return std::to_string(bytes) + " B";
    double value = static_cast<double>(bytes) / 1000.0;
    std::size_t unit = 0;
    // 999.95 would print as "1000.0".
    while (value >= 999.95 && unit + 1 < std::size(units)) {
        value /= 1000.0;
        ++unit;
    }
    std::array<char, 32> text{};
    const int n = std::snprintf(text.data(), text.size(), "%.1f %s", value, units[unit]);
    return {text.data(), static_cast<std::size_t>(n)};
}

}  // namespace instatunnel
