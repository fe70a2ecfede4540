#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace instatunnel::cli {

/// "500ms", "30s", "5m", "1h"; a number alone is seconds. At most a day. nullopt for anything else.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace instatunnel::cli
