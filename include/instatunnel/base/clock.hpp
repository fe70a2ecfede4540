#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace instatunnel {

/// UTC wall time in whole microseconds since 1970: what is stored and shown. Deadlines use std::chrono::steady_clock.
using wall_time = std::chrono::sys_time<std::chrono::microseconds>;

wall_time wall_now() noexcept;

/// Whole seconds since 1970, as tokens write times (RFC 7519 §2, NumericDate).
constexpr std::int64_t unix_seconds(wall_time t) noexcept {
    return std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
}

/// RFC 3339 in UTC with whole seconds: 2024-01-15T10:30:00Z.
std::string to_rfc3339(wall_time t);
/// Accepts `Z` and numeric offsets, optional fraction. nullopt for anything else.
std::optional<wall_time> parse_rfc3339(std::string_view text);

/// "850ms", "4.2s", "2m 5s", "3h 12m": how long something took, for a person.
std::string to_human(std::chrono::milliseconds d);
/// "512 B", "2.4 GB" (powers of 1000, one decimal from kB on): an amount of data, for a person.
std::string to_human_bytes(std::uint64_t bytes);

}  // namespace instatunnel
