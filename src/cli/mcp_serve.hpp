#pragma once

#include "context.hpp"

namespace instatunnel::cli {

/// `instatunnel mcp serve`.
struct mcp_serve_options {};

/// An MCP server on standard input and output with which a program opens, lists and closes tunnels, and lists, reads,
/// repeats and waits for the requests that come through them, and has the doctor's checks run. Ends with its input; its
/// tunnels and calls end with it.
outcome<exit_code> run_mcp_serve(const mcp_serve_options& options, context& c);

}  // namespace instatunnel::cli
