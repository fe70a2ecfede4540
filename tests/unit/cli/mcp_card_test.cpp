#include "cli/mcp_card.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "catch_outcome.hpp"
#include "cli/mcp_command.hpp"
#include "instatunnel/client/mcp_words.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using state = client::mcp_finding::state;

namespace {

std::string config_of(const mcp_endpoint& e, const std::string& id) {
    for (const auto& c : client_configs(e))
        if (c.id == id) return c.is_json ? nlohmann::json::parse(c.text).dump() : c.text;
    return "none";
}

client::mcp_finding found_server(std::vector<std::string> tools) {
    client::mcp_finding f;
    f.what = state::found;
    f.name = "notes";
    f.version = "1.0";
    f.revision = "2025-06-18";
    f.has_tools = true;
    f.tools = std::move(tools);
    return f;
}

}  // namespace

TEST_CASE("configurations have the forms that clients read") {
    const mcp_endpoint open{"https://demo.t.example.com/mcp", "demo", "http", {}};
    CHECK(config_of(open, "claude_code") == "claude mcp add --transport http demo https://demo.t.example.com/mcp");
    CHECK(config_of(open, "cursor") ==
          R"({"mcpServers":{"demo":{"headers":{},"url":"https://demo.t.example.com/mcp"}}})");
    CHECK(config_of(open, "claude_desktop") ==
          R"({"mcpServers":{"demo":{"args":["-y","mcp-remote","https://demo.t.example.com/mcp"],"command":"npx"}}})");
    const mcp_endpoint guarded{"https://demo.t.example.com/sse", "demo", "sse", "Bearer itm_x"};
    CHECK(
        config_of(guarded, "claude_code") ==
        "claude mcp add --transport sse demo https://demo.t.example.com/sse --header \"Authorization: Bearer itm_x\"");
    CHECK(config_of(guarded, "vscode") ==
          R"({"servers":{"demo":{"headers":{"Authorization":"Bearer itm_x"},"type":"sse",)"
          R"("url":"https://demo.t.example.com/sse"}}})");
    CHECK(config_of(guarded, "claude_desktop") ==
          R"({"mcpServers":{"demo":{"args":["-y","mcp-remote","https://demo.t.example.com/sse","--transport",)"
          R"("sse-only","--header","Authorization:${MCP_AUTHORIZATION}"],"command":"npx",)"
          R"("env":{"MCP_AUTHORIZATION":"Bearer itm_x"}}}})");
    CHECK(headers_json(guarded) == R"({"Authorization":"Bearer itm_x"})");
}

TEST_CASE("a server is described in a line") {
    CHECK(describe_server(found_server({"a", "b"}), {}) ==
          "notes 1.0 speaks MCP 2025-06-18 over Streamable HTTP, 2 tools");
    CHECK(describe_server(found_server({"a"}), {{"b"}, {}}) ==
          "notes 1.0 speaks MCP 2025-06-18 over Streamable HTTP, 1 tool, 0 of them through this tunnel");
    auto none = found_server({});
    none.has_tools = false;
    none.is_sse = true;
    CHECK(describe_server(none, {}) == "notes 1.0 speaks MCP 2025-06-18 over HTTP+SSE, no tools");
}

TEST_CASE("what callers would run into is told with the line that mends it") {
    const client::target to;
    CHECK(warn_about(found_server({"a"}), to, {}).what.empty());
    CHECK(warn_about(found_server({"a"}), to, {{"a"}, {"x*"}}).code == "no_such_tool");
    for (const auto what :
         {state::unreachable, state::not_mcp, state::silent, state::refuses_name, state::needs_auth}) {
        client::mcp_finding f;
        f.what = what;
        const auto warning = warn_about(f, to, {});
        CHECK(warning.code == state_name(what));
        CHECK_FALSE(warning.what.empty());
        CHECK_FALSE(warning.hint.empty());
    }
}

TEST_CASE("a command becomes a target that names the program alone") {
    stdio_options o;
    tunnel_plan plan;
    CHECK(plan_stdio(o, plan).error().code == errc::usage);
    o.command = {"/bin/sh", "-c", "secret"};
    o.max_sessions = "7";
    o.session_idle = "90m";
    REQUIRE(plan_stdio(o, plan).has_value());
    CHECK(plan.upstream->display == "mcp:sh");
    CHECK(plan.mcp_max_sessions == 7);
    CHECK(plan.mcp_session_idle == std::chrono::minutes(90));
    for (const char* bad : {"0", "1001", "-1", "7x", ""}) {
        o.max_sessions = bad;
        CHECK(plan_stdio(o, plan).has_value() == o.max_sessions.empty());
    }
    o.command = {"no-such-program-anywhere"};
    CHECK(plan_stdio(o, plan).error().code == errc::target_unreachable);
}
