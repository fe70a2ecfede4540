#pragma once

#include <memory>
#include <string>

#include "instatunnel/base/secret.hpp"
#include "instatunnel/client/tunnel.hpp"
#include "terminal.hpp"

namespace instatunnel::cli {

/// Says where the MCP server behind a tunnel is called and what was found there. The server is asked on a thread of its
/// own, so that a slow one delays nothing.
class mcp_announcer {
public:
    /// `term` outlives it.
    mcp_announcer(terminal& term, const client::tunnel_options& tunnel);
    /// A check that is still on says nothing any more.
    ~mcp_announcer();
    mcp_announcer(const mcp_announcer&) = delete;
    mcp_announcer& operator=(const mcp_announcer&) = delete;

    /// Once, when the tunnel is open at `url`.
    void start(const std::string& url, const std::string& name);

private:
    struct job;
    std::shared_ptr<job> job_;
};

/// "Tool 'x' of the MCP server is described otherwise than before: description, inputSchema"
std::string change_text(const mcp::tool_change& change);

}  // namespace instatunnel::cli
