#include "mcp_serve.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <nlohmann/json.hpp>

#include "credentials.hpp"
#include "instatunnel/app/descriptor_limit.hpp"
#include "instatunnel/base/version.hpp"
#include "instatunnel/mcp/message.hpp"
#include "served_tunnels.hpp"
#include "tunnel_plan.hpp"

namespace instatunnel::cli {
namespace {

using nlohmann::json;
namespace rpc = mcp::rpc_error;

constexpr auto open_limit = std::chrono::seconds(20);
constexpr std::size_t longest_line = 1024 * 1024;
constexpr const char* known_revisions[] = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};

json text_property(const char* description) {
    return {{"type", "string"}, {"description", description}};
}

json tool(const char* name, const char* description, json properties, json required, bool changes) {
    return {{"name", name},
            {"description", description},
            {"inputSchema",
             {{"type", "object"},
              {"properties", std::move(properties)},
              {"required", std::move(required)},
              {"additionalProperties", false}}},
            {"annotations", {{"readOnlyHint", !changes}, {"destructiveHint", false}, {"openWorldHint", true}}}};
}

json tool_list() {
    return json::array(
        {tool("open_tunnel",
              "Makes a local HTTP server reachable at a public https URL, until it is closed or this server ends. "
              "Everybody who knows the URL can call it.",
              {{"target", text_property("PORT, HOST:PORT or URL of the local server")},
               {"subdomain", text_property("The name in front of the domain; without it a random one")}},
              {"target"}, /*changes=*/true),
         tool("list_tunnels", "The tunnels that this server has opened, with their state and requests", json::object(),
              json::array(), /*changes=*/false),
         tool("close_tunnel", "Closes a tunnel that this server has opened",
              {{"tunnel", text_property("Its name or URL")}}, {"tunnel"}, /*changes=*/true)});
}

json to_object(const served_tunnels::shown& s) {
    json object = {
        {"name", s.name}, {"url", s.url}, {"target", s.target}, {"state", s.state}, {"requests", s.requests}};
    if (!s.why.empty()) object["why"] = s.why;
    return object;
}

json tool_result(json value) {
    const auto text = value.dump(-1, ' ', false, json::error_handler_t::replace);
    return {{"content", {{{"type", "text"}, {"text", text}}}}, {"structuredContent", std::move(value)}};
}

json tool_failure(const failure& f) {
    const auto text = std::string(f.what()) + ". " + std::string(f.what_next());
    return {{"content", {{{"type", "text"}, {"text", text}}}}, {"isError", true}};
}

std::string argument(const json& arguments, const char* name) {
    const auto found = arguments.find(name);
    return found != arguments.end() && found->is_string() ? found->get<std::string>() : std::string();
}

class tunnel_server {
public:
    explicit tunnel_server(context& c) : c_(c) {}

    void hear(const std::string& line) {
        const auto read = mcp::read_messages(line);
        if (!read.good() || read.is_batch)
            return say(mcp::error_message({}, read.good() ? rpc::invalid_request : rpc::parse,
                                          read.good() ? "Batches are not taken" : read.fault));
        const auto& m = read.messages.front();
        if (m.what != mcp::message::kind::request) return;
        const std::string id(m.id.of(line));
        const auto params = m.params.size == 0 ? json::object() : json::parse(m.params.of(line), nullptr, false);
        const auto result = answer(m, params.is_object() ? params : json::object());
        if (result.is_null()) return say(mcp::error_message(id, rpc::unknown_method, "Unknown method or tool"));
        say(R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" +
            result.dump(-1, ' ', false, json::error_handler_t::replace) + "}");
    }

private:
    void say(const std::string& line) { c_.term.result(line); }

    json answer(const mcp::message& m, const json& params) {
        if (m.method == "initialize") return initialize(argument(params, "protocolVersion"));
        if (m.method == "ping") return json::object();
        if (m.method == "tools/list") return {{"tools", tool_list()}};
        if (!m.calls_tool) return nullptr;
        const auto given = params.find("arguments");
        return call(m.tool, given != params.end() && given->is_object() ? *given : json::object());
    }

    static json initialize(const std::string& wanted) {
        const auto known = std::ranges::find(known_revisions, wanted);
        return {{"protocolVersion", known == std::end(known_revisions) ? known_revisions[0] : *known},
                {"capabilities", {{"tools", json::object()}}},
                {"serverInfo", {{"name", "instatunnel"}, {"version", std::string(version())}}},
                {"instructions", "Opens public https URLs for local servers. Close tunnels that are not needed."}};
    }

    json call(const std::string& name, const json& arguments) {
        if (name == "open_tunnel") return open(arguments);
        if (name == "list_tunnels") {
            json list = json::array();
            for (const auto& one : tunnels_.list())
                list.push_back(to_object(one));
            return tool_result({{"tunnels", std::move(list)}});
        }
        if (name != "close_tunnel") return nullptr;
        const auto closed = tunnels_.close(argument(arguments, "tunnel"));
        return closed ? tool_result({{"closed", closed->url}}) : tool_failure(closed.error());
    }

    json open(const json& arguments) {
        open_options o;
        o.target = argument(arguments, "target");
        o.subdomain = argument(arguments, "subdomain");
        if (o.target.empty()) return tool_failure({errc::usage, "open_tunnel needs a target", "Name a port: \"3000\""});
        const auto plan = plan_tunnel(o);
        if (!plan) return tool_failure(plan.error());
        const auto in_use = resolve(c_, key_need::required);
        if (!in_use) return tool_failure(in_use.error());
        client::tunnel_options tunnel;
        tunnel.upstream = *plan->upstream;
        tunnel.name = plan->name;
        tunnel.server = in_use->server;
        tunnel.cacert = in_use->cacert;
        tunnel.key = in_use->key.clone();
        // A whole directory is more than a server that somebody has started.
        if (tunnel.upstream.is_directory)
            return tool_failure({errc::usage, "The target is a directory", "Name the port of a local server"});
        const auto opened = tunnels_.open(std::move(tunnel), open_limit);
        return opened ? tool_result(to_object(*opened)) : tool_failure(opened.error());
    }

    context& c_;
    served_tunnels tunnels_;
};

}  // namespace

outcome<exit_code> run_mcp_serve(const mcp_serve_options&, context& c) {
    app::raise_descriptor_limit();
    tunnel_server server(c);
    std::string input;
    char block[16 * 1024];
    for (;;) {
        const auto n = ::read(c.term.input(), block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0 || c.term.output_closed()) return exit_code::done;
        input.append(block, static_cast<std::size_t>(n));
        for (std::size_t end = 0; (end = input.find('\n')) != std::string::npos;) {
            const auto line = input.substr(0, end);
            input.erase(0, end + 1);
            if (line.find_first_not_of(" \t\r") != std::string::npos) server.hear(line);
        }
        if (input.size() > longest_line) return failure(errc::too_large, "A message is longer than 1 MiB");
    }
}

}  // namespace instatunnel::cli
