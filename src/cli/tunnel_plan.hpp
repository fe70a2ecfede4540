#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "instatunnel/client/tunnel.hpp"
#include "open_tunnel.hpp"

namespace instatunnel::cli {

/// What the flags of a tunnel ask for, checked: nothing has been sent anywhere.
struct tunnel_plan {
    std::optional<client::target> upstream;  ///< nullopt: find it
    std::string name;                        ///< folded to lower case
    std::string existing_host;
    client::host_header host_mode = client::host_header::preserve;
    std::string host_value;
    client::app_protocol protocol = client::app_protocol::automatic;
    client::transport via = client::transport::automatic;
    bool mcp = false;
    mcp::tool_rules mcp_tools;
    files::site_rules directory_rules;
    std::vector<std::string> mcp_command;  ///< a server to start instead of `upstream`
    bool mcp_shared = false;
    std::size_t mcp_max_sessions = 64;
    std::chrono::minutes mcp_session_idle{30};
};

/// Errors: usage (two targets, neither or both of name and host with `connect`, unknown transport or protocol, flags
/// that do not go with the target), malformed_target, malformed_name, target_unreachable (a directory that cannot be
/// served).
outcome<tunnel_plan> plan_tunnel(const open_options& options);

/// The plan's target, or the first usual port that answers. Errors: no_target_found.
outcome<client::target> find_upstream(const tunnel_plan& plan);

}  // namespace instatunnel::cli
