#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "instatunnel/base/duration.hpp"

namespace instatunnel::cli {

/// How long something lives: "90m", "12h", "30d", "2w". More than 0, at most 10 years.
std::optional<std::chrono::seconds> parse_days(std::string_view text);

}  // namespace instatunnel::cli
