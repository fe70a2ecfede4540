#include "clock_skew.hpp"

#include "instatunnel/wire/http_date.hpp"
#include "parts.hpp"

namespace instatunnel::doctor {
namespace {

using std::chrono::seconds;

constexpr seconds most_skew{60};

std::string length_text(seconds length) {
    return to_human(std::chrono::duration_cast<std::chrono::milliseconds>(length));
}

}  // namespace

check judge_clock(std::string_view date, wall_time now, std::chrono::milliseconds took) {
    auto c = make_check(step::clock);
    const auto here = std::chrono::floor<seconds>(now);
    const auto there = wire::parse_http_date(date, here);
    if (!there) return skipped(std::move(c), "The server does not say what time it has");
    const auto ahead = here - *there;
    const auto off = std::chrono::abs(ahead);
    const auto blur = std::chrono::ceil<seconds>(took) + seconds(1);
    if (off <= blur) return well(std::move(c), "in step with the server's");
    const auto text = length_text(off) + (ahead > seconds(0) ? " ahead of the server's" : " behind the server's");
    if (off <= most_skew) return well(std::move(c), text);
    return warned(std::move(c), text, "Certificates, expiry dates and codes of a second factor are judged by the clock",
                  "Let the system set it: sudo timedatectl set-ntp true");
}

}  // namespace instatunnel::doctor
