#pragma once

#include "context.hpp"

namespace instatunnel::cli {

/// `instatunnel mcp serve`.
struct mcp_serve_options {};

/// An MCP server on standard input and output with which a program opens, lists and closes tunnels. Ends with its
/// input; its tunnels end with it.
outcome<exit_code> run_mcp_serve(const mcp_serve_options& options, context& c);

}  // namespace instatunnel::cli
