#pragma once

#include <string>

#include "instatunnel/client/mcp_check.hpp"
#include "instatunnel/mcp/tool_rules.hpp"

/// What was found of an MCP server, in words for a person.
namespace instatunnel::client {

/// "everything 2.0.0 speaks MCP 2025-11-25 over Streamable HTTP, 13 tools"; only for a server that was found.
std::string describe_server(const mcp_finding& found, const mcp::tool_rules& rules);

/// What a person should know before callers find out, and the line that mends it. Both empty: nothing.
struct mcp_warning {
    std::string code;
    std::string what;
    std::string hint;
};
mcp_warning warn_about(const mcp_finding& found, const target& to, const mcp::tool_rules& rules);

/// "found", "needs_auth", …
std::string state_name(mcp_finding::state what);

}  // namespace instatunnel::client
