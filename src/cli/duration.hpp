#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace instatunnel::cli {

/// "500ms", "30s", "5m", "1h", "30d"; a number alone is seconds. nullopt for anything else, and beyond `longest`.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text,
                                                        std::chrono::milliseconds longest = std::chrono::days(1));

/// How long something lives: "90m", "12h", "30d", "2w". More than 0, at most 10 years.
std::optional<std::chrono::seconds> parse_days(std::string_view text);

}  // namespace instatunnel::cli
