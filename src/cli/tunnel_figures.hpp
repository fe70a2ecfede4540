#pragma once

#include <optional>
#include <string>

#include "instatunnel/api/auth_client.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {

/// Services differ in the word for a tunnel that is connected.
bool is_active(const api::tunnel_info& t);

/// "3h 12m"; "-" for a tunnel that is not connected.
std::string uptime_text(const api::tunnel_info& t);
/// "12ms"; "-" where nothing was measured.
std::string latency_text(const std::optional<double>& ms);

/// The tunnel for programs; null where nothing was measured.
json_line tunnel_object(const api::tunnel_info& t);

}  // namespace instatunnel::cli
