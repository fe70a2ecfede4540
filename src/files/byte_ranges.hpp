#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace instatunnel::files {

struct byte_range {
    std::uint64_t first = 0;
    std::uint64_t length = 0;  ///< never 0

    bool operator==(const byte_range&) const = default;
};

enum class range_verdict : std::uint8_t {
    whole,          ///< the field counts for nothing: malformed, another unit, too many ranges, or a file without bytes
    partial,        ///< `out` holds at least one range
    unsatisfiable,  ///< well-formed, but nothing of the file is in it: 416
};

/// More ranges than this in one field are ignored (RFC 9110 §14.2 allows it): each costs a part's head in the reply.
inline constexpr std::size_t max_ranges = 64;

/// Reads a `Range` field (RFC 9110 §14.1.2) for a file of `size` bytes. Ranges come in the order of the field; those
/// that overlap or touch become one, so that the sum of `out` is never more than `size`. Unsatisfiable ones among
/// others are left out.
range_verdict parse_ranges(std::string_view field, std::uint64_t size, std::vector<byte_range>& out);

}  // namespace instatunnel::files
