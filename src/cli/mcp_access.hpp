#pragma once

#include "context.hpp"
#include "credentials.hpp"
#include "instatunnel/client/tunnel.hpp"
#include "tunnel_plan.hpp"

namespace instatunnel::cli {

/// Who may call the MCP server behind a tunnel.
struct mcp_access {
    client::mcp_guard guard = client::mcp_guard::none;
    std::vector<std::string> users;  ///< oauth: normalised addresses beside the owner's, or "*" alone
};

/// From --mcp-auth and what belongs to it. Errors: usage (an unknown word, a flag without the one that it belongs to, a
/// password for visitors beside it, something that is no address).
outcome<mcp_access> read_mcp_access(const open_options& options);

/// The token that callers of the planned tunnel must send: kept by server and name, made at first use and when the
/// flags ask for a new one. A tunnel without a name gets one for this run, because nobody could ask for it again.
outcome<secret> take_mcp_token(const open_options& options, const tunnel_plan& plan, const credentials& in_use,
                               context& c);

}  // namespace instatunnel::cli
