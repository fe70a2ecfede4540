#pragma once

#include <functional>
#include <string>

#include "instatunnel/doctor/examination.hpp"
#include "instatunnel/doctor/report.hpp"

namespace instatunnel::doctor {

/// The domain below which a server's tunnels have their names: that of its API without "api.".
std::string tunnel_domain(const std::string& api_host);

/// Looks at the local program: whether it answers, to the public name too, and with `mcp` whether it is an MCP server.
/// `tell` gets the checks port, host and, with `mcp`, mcp, one after the other.
void examine_local(const settings& s, std::chrono::steady_clock::time_point deadline,
                   const std::function<void(check)>& tell);

}  // namespace instatunnel::doctor
