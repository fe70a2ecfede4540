#include "mcp_card.hpp"

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

}  // namespace instatunnel::cli
