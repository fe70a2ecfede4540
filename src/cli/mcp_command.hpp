#pragma once

#include "instatunnel/base/error.hpp"
#include "tunnel_plan.hpp"

namespace instatunnel::cli {

/// What `mcp -- COMMAND` asks for, in the plan: the command, its limits, and a target that names the program alone,
/// because arguments may be secret. Errors: usage; target_unreachable, when there is no such program.
outcome<void> plan_stdio(const stdio_options& options, tunnel_plan& plan);

}  // namespace instatunnel::cli
