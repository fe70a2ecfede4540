#pragma once

#include <string>

#include "instatunnel/api/auth_client.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {

/// "tunnels at once: 3, names: unlimited, …"
std::string limits_text(const api::plan_limits& limits);
/// The same for programs; null where there is no limit.
json_line limits_object(const api::plan_limits& limits);

}  // namespace instatunnel::cli
