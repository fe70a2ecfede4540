#include "instatunnel/wire/http_date.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace instatunnel::wire {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 12> month_names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> day_names = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_day_names = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                            "Thursday", "Friday", "Saturday"};
constexpr int years_ahead = 50;

// Takes pieces off the front of a text; once a piece does not fit, nothing fits any more.
class reader {
public:
    explicit reader(std::string_view text) : rest_(text) {}

    void expect(std::string_view literal) {
        good_ = good_ && rest_.starts_with(literal);
        if (good_) rest_.remove_prefix(literal.size());
    }
    template <class Names>
    int one_of(const Names& names) {
        const auto found = std::ranges::find_if(names, [&](std::string_view n) { return rest_.starts_with(n); });
        good_ = good_ && found != names.end();
        if (!good_) return 0;
        rest_.remove_prefix(found->size());
        return static_cast<int>(found - names.begin());
    }
    int number(std::size_t digits) {
        int value = 0;
        good_ = good_ && rest_.size() >= digits;
        for (std::size_t i = 0; good_ && i < digits; ++i) {
            good_ = rest_[i] >= '0' && rest_[i] <= '9';
            value = value * 10 + (rest_[i] - '0');
        }
        if (good_) rest_.remove_prefix(digits);
        return value;
    }
    // asctime fills a day of one digit with a blank.
    int padded_day() {
        if (!rest_.starts_with(' ')) return number(2);
        rest_.remove_prefix(1);
        return number(1);
    }
    bool is_done() const noexcept { return good_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool good_ = true;
};

struct parts {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

void read_time(reader& in, parts& p) {
    p.hour = in.number(2);
    in.expect(":");
    p.minute = in.number(2);
    in.expect(":");
    p.second = in.number(2);
}

std::optional<sys_seconds> assemble(const parts& p) {
    const year_month_day date(year(p.year), month(static_cast<unsigned>(p.month + 1)),
                              day(static_cast<unsigned>(p.day)));
    // A leap second is valid on the wire; here it is the second before.
    if (!date.ok() || p.hour > 23 || p.minute > 59 || p.second > 60) return std::nullopt;
    return sys_days(date) + hours(p.hour) + minutes(p.minute) + seconds(std::min(p.second, 59));
}

std::optional<sys_seconds> parse_fixed(std::string_view text) {
    reader in(text);
    parts p;
    in.one_of(day_names);
    in.expect(", ");
    p.day = in.number(2);
    in.expect(" ");
    p.month = in.one_of(month_names);
    in.expect(" ");
    p.year = in.number(4);
    in.expect(" ");
    read_time(in, p);
    in.expect(" GMT");
    return in.is_done() ? assemble(p) : std::nullopt;
}

std::optional<sys_seconds> parse_rfc850(std::string_view text, sys_seconds now) {
    reader in(text);
    parts p;
    in.one_of(long_day_names);
    in.expect(", ");
    p.day = in.number(2);
    in.expect("-");
    p.month = in.one_of(month_names);
    in.expect("-");
    const int short_year = in.number(2);
    in.expect(" ");
    read_time(in, p);
    in.expect(" GMT");
    if (!in.is_done()) return std::nullopt;
    const int this_year = static_cast<int>(year_month_day(floor<days>(now)).year());
    p.year = this_year - this_year % 100 + short_year;
    if (p.year <= this_year - 100 + years_ahead) p.year += 100;
    if (p.year > this_year + years_ahead) p.year -= 100;
    return assemble(p);
}

std::optional<sys_seconds> parse_asctime(std::string_view text) {
    reader in(text);
    parts p;
    in.one_of(day_names);
    in.expect(" ");
    p.month = in.one_of(month_names);
    in.expect(" ");
    p.day = in.padded_day();
    in.expect(" ");
    read_time(in, p);
    in.expect(" ");
    p.year = in.number(4);
    return in.is_done() ? assemble(p) : std::nullopt;
}

}  // namespace

std::string to_http_date(sys_seconds t) {
    constexpr sys_seconds first = sys_days(year(0) / 1 / 1);
    constexpr sys_seconds last = sys_days(year(10000) / 1 / 1) - seconds(1);
    t = std::clamp(t, first, last);
    const auto midnight = floor<days>(t);
    const year_month_day date(midnight);
    const hh_mm_ss time(t - midnight);
    char text[40];
    const int size = std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT",
                                   day_names[weekday(midnight).c_encoding()].data(), static_cast<unsigned>(date.day()),
                                   month_names[static_cast<unsigned>(date.month()) - 1].data(),
                                   static_cast<int>(date.year()), static_cast<int>(time.hours().count()),
                                   static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
    return {text, static_cast<std::size_t>(size)};
}

std::optional<sys_seconds> parse_http_date(std::string_view text, sys_seconds now) {
    if (const auto fixed = parse_fixed(text)) return fixed;
    if (const auto old = parse_rfc850(text, now)) return old;
    return parse_asctime(text);
}

}  // namespace instatunnel::wire
