#include "byte_ranges.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "instatunnel/base/names.hpp"

namespace instatunnel::files {
namespace {

constexpr std::uint64_t no_position = std::numeric_limits<std::uint64_t>::max();

// A number that is too large for a file's size means "behind the end", as large as it may be.
std::optional<std::uint64_t> parse_position(std::string_view digits) {
    if (digits.empty()) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        const auto digit = static_cast<std::uint64_t>(c - '0');
        value = value > (no_position - digit) / 10 ? no_position : value * 10 + digit;
    }
    return value;
}

enum class spec_verdict { malformed, beyond, usable };

// "first-last", "first-" or "-length".
spec_verdict parse_spec(std::string_view spec, std::uint64_t size, byte_range& out) {
    const auto dash = spec.find('-');
    if (dash == std::string_view::npos) return spec_verdict::malformed;
    const auto left = spec.substr(0, dash), right = spec.substr(dash + 1);
    if (left.empty()) {
        const auto wanted = parse_position(right);
        if (!wanted) return spec_verdict::malformed;
        const auto length = std::min(*wanted, size);
        out = {size - length, length};
        return *wanted == 0 ? spec_verdict::beyond : spec_verdict::usable;
    }
    const auto first = parse_position(left);
    const auto last = right.empty() ? std::optional(no_position) : parse_position(right);
    if (!first || !last || *last < *first) return spec_verdict::malformed;
    if (*first >= size) return spec_verdict::beyond;
    out = {*first, std::min(*last, size - 1) - *first + 1};
    return spec_verdict::usable;
}

bool touch(const byte_range& a, const byte_range& b) noexcept {
    return a.first <= b.first + b.length && b.first <= a.first + a.length;
}

// What a new range touches becomes one with it, at the place of the earliest.
void merge_in(byte_range range, std::vector<byte_range>& ranges) {
    std::size_t place = ranges.size();
    for (std::size_t i = 0; i < ranges.size();) {
        if (!touch(ranges[i], range)) {
            ++i;
            continue;
        }
        const auto end = std::max(ranges[i].first + ranges[i].length, range.first + range.length);
        range.first = std::min(ranges[i].first, range.first);
        range.length = end - range.first;
        place = std::min(place, i);
        ranges.erase(ranges.begin() + static_cast<std::ptrdiff_t>(i));
        i = 0;  // having grown, it may touch one that it did not before
    }
    ranges.insert(ranges.begin() + static_cast<std::ptrdiff_t>(std::min(place, ranges.size())), range);
}

}  // namespace

range_verdict parse_ranges(std::string_view field, std::uint64_t size, std::vector<byte_range>& out) {
    out.clear();
    const auto equals = field.find('=');
    if (equals == std::string_view::npos || !iequals(field.substr(0, equals), "bytes")) return range_verdict::whole;
    auto rest = field.substr(equals + 1);
    std::size_t specs = 0;
    for (bool more = true; more;) {
        const auto comma = rest.find(',');
        const auto spec = trim(rest.substr(0, comma));
        more = comma != std::string_view::npos;
        if (more) rest.remove_prefix(comma + 1);
        if (spec.empty()) continue;  // RFC 9110 §5.6.1.2: empty elements of a list count for nothing
        byte_range range;
        const auto verdict = parse_spec(spec, size, range);
        if (verdict == spec_verdict::malformed || ++specs > max_ranges) {
            out.clear();
            return range_verdict::whole;
        }
        if (verdict == spec_verdict::usable && range.length != 0) merge_in(range, out);
        // No range can name the bytes of an empty file, though its last N are all it has.
        if (verdict == spec_verdict::usable && range.length == 0) return range_verdict::whole;
    }
    if (specs == 0) return range_verdict::whole;
    return out.empty() ? range_verdict::unsatisfiable : range_verdict::partial;
}

}  // namespace instatunnel::files
