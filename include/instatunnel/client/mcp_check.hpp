#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "instatunnel/client/target.hpp"

namespace instatunnel::client {

/// What became of asking a local program whether it is an MCP server.
struct mcp_finding {
    enum class state : std::uint8_t {
        found,         ///< the handshake was done
        needs_auth,    ///< it wants authorization of its own: callers must bring it
        refuses_name,  ///< it speaks to us, and not to callers who use the tunnel's public name
        silent,        ///< something answers, and did not answer this in time
        not_mcp,       ///< something answers, and speaks no MCP at any usual path
        unchecked,     ///< it is started when it is called
        unreachable,   ///< nothing accepts connections
    };
    state what = state::unreachable;
    std::string path = "/mcp";  ///< of the endpoint, or the usual one when none was found
    bool is_sse = false;        ///< the older transport: a stream, and messages posted elsewhere
    std::string name;
    std::string version;
    std::string revision;                      ///< "2025-11-25": the newest that both know
    std::vector<std::string> other_revisions;  ///< what it says it knows besides
    bool has_tools = false;
    std::vector<std::string> tools;  ///< their names, those without one left out

    /// "sse" or "http", as clients' configurations call it.
    std::string transport() const { return is_sse ? "sse" : "http"; }
};

/// Does an MCP handshake with a local program: at the usual paths, Streamable HTTP in the revisions 2025-03-26 to
/// 2026-07-28 and the older HTTP+SSE. `host` is the Host that the tunnel sends. Ends the session that it opened.
/// Blocking, at most `limit`.
mcp_finding check_mcp_server(const target& to, const std::string& host, std::chrono::milliseconds limit);

}  // namespace instatunnel::client
