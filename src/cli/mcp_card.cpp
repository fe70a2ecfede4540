#include "mcp_card.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace instatunnel::cli {
namespace {

using ordered = nlohmann::ordered_json;

std::string text_of_config(const ordered& json) {
    return json.dump(2, ' ', false, ordered::error_handler_t::replace);
}

ordered headers_of(const mcp_endpoint& e) {
    ordered headers = ordered::object();
    if (!e.authorization.empty()) headers["Authorization"] = e.authorization;
    return headers;
}

ordered entry_of(const mcp_endpoint& e, bool with_type) {
    ordered entry = ordered::object();
    if (with_type) entry["type"] = e.transport;
    entry["url"] = e.url;
    entry["headers"] = headers_of(e);
    return entry;
}

ordered named(const char* list, const mcp_endpoint& e, ordered entry) {
    return {{list, {{e.name, std::move(entry)}}}};
}

// Claude Desktop's file knows programs alone; mcp-remote is one that calls a URL. The header's value comes by the
// environment, because some systems split arguments at blanks.
ordered desktop_entry(const mcp_endpoint& e) {
    ordered arguments = {"-y", "mcp-remote", e.url};
    if (e.transport == "sse") {
        arguments.push_back("--transport");
        arguments.push_back("sse-only");
    }
    ordered entry = {{"command", "npx"}, {"args", std::move(arguments)}};
    if (e.authorization.empty()) return entry;
    entry["args"].push_back("--header");
    entry["args"].push_back("Authorization:${MCP_AUTHORIZATION}");
    entry["env"] = {{"MCP_AUTHORIZATION", e.authorization}};
    return entry;
}

std::string shell_command(const mcp_endpoint& e) {
    auto line = "claude mcp add --transport " + e.transport + " " + e.name + " " + e.url;
    if (!e.authorization.empty()) line += " --header \"Authorization: " + e.authorization + "\"";
    return line;
}

std::string count_of(std::size_t n, const std::string& noun) {
    return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

std::string unmatched_glob(const std::vector<std::string>& globs, const std::vector<std::string>& tools) {
    for (const auto& glob : globs)
        if (std::ranges::none_of(tools, [&](const auto& tool) { return mcp::glob_matches(glob, tool); })) return glob;
    return {};
}

}  // namespace

std::string headers_json(const mcp_endpoint& endpoint) {
    return headers_of(endpoint).dump();
}

std::vector<mcp_client_config> client_configs(const mcp_endpoint& e) {
    return {{"claude_code", "Claude Code, in a shell", shell_command(e), false},
            {"claude_desktop", "Claude Desktop, in claude_desktop_config.json",
             text_of_config(named("mcpServers", e, desktop_entry(e)))},
            {"cursor", "Cursor and others, in mcp.json", text_of_config(named("mcpServers", e, entry_of(e, false)))},
            {"vscode", "VS Code, in .vscode/mcp.json", text_of_config(named("servers", e, entry_of(e, true)))}};
}

std::string describe_server(const client::mcp_finding& found, const mcp::tool_rules& rules) {
    auto text = found.name.empty() ? std::string("A server without a name") : found.name;
    if (!found.version.empty()) text += " " + found.version;
    text += " speaks MCP " + found.revision + (found.is_sse ? " over HTTP+SSE" : " over Streamable HTTP");
    if (!found.has_tools) return text + ", no tools";
    text += ", " + count_of(found.tools.size(), "tool");
    if (!rules.any()) return text;
    const auto permitted = std::ranges::count_if(found.tools, [&](const auto& tool) { return rules.permits(tool); });
    return text + ", " + std::to_string(permitted) + " of them through this tunnel";
}

mcp_warning warn_about(const client::mcp_finding& found, const client::target& to, const mcp::tool_rules& rules) {
    using state = client::mcp_finding::state;
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

std::string state_name(client::mcp_finding::state what) {
    using state = client::mcp_finding::state;
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

}  // namespace instatunnel::cli
