#pragma once

#include <span>
#include <string>
#include <vector>

#include "help_page.hpp"
#include "instatunnel/base/error.hpp"
#include "invocation.hpp"

namespace instatunnel::cli {

/// Reads a command line (without the program's name) into plain options; runs nothing, touches nothing.
/// Errors: usage, malformed_target, with the nearest command or flag named. A key in the wrong place is never repeated.
outcome<invocation> parse(std::span<const std::string> arguments);

/// All pages of the help, the program itself first.
std::vector<command_page> describe_commands();

}  // namespace instatunnel::cli
