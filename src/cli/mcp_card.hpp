#pragma once

#include <string>
#include <vector>

namespace instatunnel::cli {

/// Where the MCP server behind a tunnel is called, and with what.
struct mcp_endpoint {
    std::string url;
    std::string name;           ///< for lists of servers
    std::string transport;      ///< "http" or "sse"
    std::string authorization;  ///< value of the header; empty: none is sent
};

/// Configurations as widespread clients read them, each one JSON text or one command.
struct mcp_client_config {
    std::string id;     ///< "claude_code"
    std::string title;  ///< "Claude Code, in a shell"
    std::string text;
    bool is_json = true;
};
std::vector<mcp_client_config> client_configs(const mcp_endpoint& endpoint);

/// {"Authorization": …} or {}.
std::string headers_json(const mcp_endpoint& endpoint);

}  // namespace instatunnel::cli
