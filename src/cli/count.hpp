#pragma once

#include <cstdint>
#include <string>

#include "instatunnel/base/error.hpp"

namespace instatunnel::cli {

/// A whole number of at most nine digits; empty text is 0. Errors: usage, naming `flag`.
outcome<std::uint64_t> parse_count(const std::string& text, const char* flag);

}  // namespace instatunnel::cli
