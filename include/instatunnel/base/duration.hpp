#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace instatunnel {

/// "500ms", "30s", "5m", "1h", "30d"; a number alone is seconds. nullopt for anything else, and beyond `longest`.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text,
                                                        std::chrono::milliseconds longest = std::chrono::days(1));

}  // namespace instatunnel
