#pragma once

#include <string>
#include <vector>

#include "instatunnel/client/mcp_check.hpp"
#include "instatunnel/mcp/tool_rules.hpp"

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

/// "everything 2.0.0 speaks MCP 2025-11-25 over Streamable HTTP, 13 tools"; only for a server that was found.
std::string describe_server(const client::mcp_finding& found, const mcp::tool_rules& rules);

/// What a person should know before callers find out, and the line that mends it. Both empty: nothing.
struct mcp_warning {
    std::string code;
    std::string what;
    std::string hint;
};
mcp_warning warn_about(const client::mcp_finding& found, const client::target& to, const mcp::tool_rules& rules);

/// "found", "needs_auth", …
std::string state_name(client::mcp_finding::state what);

}  // namespace instatunnel::cli
