#include "instatunnel/client/mcp_words.hpp"

#include <algorithm>

namespace instatunnel::client {
namespace {

std::string count_of(std::size_t n, const std::string& noun) {
    return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

std::string unmatched_glob(const std::vector<std::string>& globs, const std::vector<std::string>& tools) {
    for (const auto& glob : globs)
        if (std::ranges::none_of(tools, [&](const auto& tool) { return mcp::glob_matches(glob, tool); })) return glob;
    return {};
}

}  // namespace

std::string describe_server(const mcp_finding& found, const mcp::tool_rules& rules) {
    auto text = found.name.empty() ? std::string("A server without a name") : found.name;
    if (!found.version.empty()) text += " " + found.version;
    text += " speaks MCP " + found.revision + (found.is_sse ? " over HTTP+SSE" : " over Streamable HTTP");
    if (!found.has_tools) return text + ", no tools";
    text += ", " + count_of(found.tools.size(), "tool");
    if (!rules.any()) return text;
    const auto permitted = std::ranges::count_if(found.tools, [&](const auto& tool) { return rules.permits(tool); });
    return text + ", " + std::to_string(permitted) + " of them through this tunnel";
}

mcp_warning warn_about(const mcp_finding& found, const target& to, const mcp::tool_rules& rules) {
    using state = mcp_finding::state;
    switch (found.what) {
        case state::unreachable:
            return {"unreachable", "Nothing answers on " + to.display + " yet",
                    "Start the MCP server there; the tunnel finds it by itself"};
        case state::not_mcp:
            return {"not_mcp", "What answers on " + to.display + " speaks no MCP at /mcp, / or /sse",
                    "Check the port; a server that speaks MCP over its standard input goes with: instatunnel mcp -- "
                    "COMMAND"};
        case state::silent:
            return {"silent", "The server on " + to.display + " did not answer the MCP handshake in time",
                    "Try it without the tunnel: npx @modelcontextprotocol/inspector"};
        case state::refuses_name:
            return {"refuses_name", "The MCP server refuses calls under the tunnel's public name",
                    "Let it see its own: --host-header rewrite"};
        case state::needs_auth:
            return {"needs_auth", "The MCP server asks callers for authorization of its own (401)",
                    "Put its token into the client's configuration in place of YOUR_MCP_TOKEN, or leave the header "
                    "out if it has a sign-in"};
        case state::unchecked:
            return {};
        case state::found:
            break;
    }
    for (const auto* globs : {&rules.allow, &rules.deny})
        if (const auto glob = unmatched_glob(*globs, found.tools); !glob.empty())
            return {"no_such_tool", "No tool of the server matches '" + glob + "'",
                    "Write names as the server's list has them"};
    return {};
}

std::string state_name(mcp_finding::state what) {
    using state = mcp_finding::state;
    switch (what) {
        case state::found:
            return "found";
        case state::needs_auth:
            return "needs_auth";
        case state::refuses_name:
            return "refuses_name";
        case state::silent:
            return "silent";
        case state::not_mcp:
            return "not_mcp";
        case state::unchecked:
            return "unchecked";
        case state::unreachable:
            break;
    }
    return "unreachable";
}

}  // namespace instatunnel::client
