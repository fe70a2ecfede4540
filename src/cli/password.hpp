#pragma once

#include <string>

#include "context.hpp"

namespace instatunnel::cli {

/// A password from standard input (its first line end at the end is dropped) or from a hidden prompt. Without a
/// terminal it fails at once; `instead` is the command line that would work then. Errors: usage (empty),
/// not_a_terminal, too_large, cancelled.
outcome<secret> obtain_password(bool from_input, const std::string& instead, context& c);

}  // namespace instatunnel::cli
