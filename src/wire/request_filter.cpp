#include "instatunnel/wire/request_filter.hpp"

#include <algorithm>
#include <charconv>

namespace instatunnel::wire {
namespace {

constexpr int lowest_status = 100;
constexpr int highest_status = 599;
constexpr std::size_t most_ranges = 32;

std::optional<int> read_status(std::string_view text) {
    int status = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
    const bool is_whole = error == std::errc() && end == text.data() + text.size() && text.size() == 3;
    if (!is_whole || status < lowest_status || status > highest_status) return std::nullopt;
    return status;
}

std::optional<std::pair<int, int>> read_range(std::string_view text) {
    if (text.size() == 3 && text[0] >= '1' && text[0] <= '5' && (text.ends_with("xx") || text.ends_with("XX"))) {
        const int hundreds = (text[0] - '0') * 100;
        return std::pair(hundreds, hundreds + 99);
    }
    const auto dash = text.find('-');
    const auto first = read_status(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : read_status(text.substr(dash + 1));
    if (!first || !last || *first > *last) return std::nullopt;
    return std::pair(*first, *last);
}

}  // namespace

std::optional<status_set> status_set::parse(std::string_view text) {
    status_set set;
    while (true) {
        const auto comma = text.find(',');
        const auto range = read_range(text.substr(0, comma));
        if (!range || set.ranges_.size() == most_ranges) return std::nullopt;
        set.ranges_.push_back(*range);
        if (comma == std::string_view::npos) return set;
        text.remove_prefix(comma + 1);
    }
}

bool status_set::contains(int status) const noexcept {
    return std::ranges::any_of(ranges_, [&](const auto& r) { return status >= r.first && status <= r.second; });
}

// Each star first takes nothing; where the text behind it does not fit, the last star takes one character more. Those
// before it need no second look, so it ends after at most size * size steps.
bool path_pattern::matches(std::string_view path) const noexcept {
    const std::string_view text = text_;
    if (text.find('*') == std::string_view::npos) return path.starts_with(text);
    std::size_t at = 0;
    std::size_t in_path = 0;
    std::size_t star = std::string_view::npos;
    std::size_t taken = 0;
    while (in_path < path.size()) {
        if (at < text.size() && text[at] == '*') {
            star = at++;
            taken = in_path;
        } else if (at < text.size() && text[at] == path[in_path]) {
            ++at;
            ++in_path;
        } else if (star != std::string_view::npos) {
            at = star + 1;
            in_path = ++taken;
        } else {
            return false;
        }
    }
    return text.find_first_not_of('*', at) == std::string_view::npos;
}

}  // namespace instatunnel::wire
