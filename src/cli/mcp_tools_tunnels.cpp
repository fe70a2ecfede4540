#include <memory>
#include <mutex>

#include "context.hpp"
#include "credentials.hpp"
#include "mcp_schema.hpp"
#include "mcp_tool.hpp"
#include "served_tunnels.hpp"
#include "tunnel_plan.hpp"

namespace instatunnel::cli {
namespace {

using nlohmann::json;

constexpr auto open_limit = std::chrono::seconds(20);

json tunnel_json(const served_tunnels::shown& s) {
    json object = json::object();
    object["name"] = s.name;
    object["url"] = s.url;
    object["target"] = s.target;
    object["state"] = s.state;
    object["requests"] = s.requests;
    if (!s.why.empty()) object["why"] = s.why;
    return object;
}

json tunnel_schema() {
    json text = json::object();
    text["type"] = "string";
    json number = json::object();
    number["type"] = "integer";
    json properties = json::object();
    json required = json::array();
    for (const auto* name : {"name", "url", "target", "state"}) {
        properties[name] = text;
        required.push_back(name);
    }
    properties["requests"] = number;
    properties["why"] = text;
    return schema::result(std::move(properties), std::move(required));
}

outcome<client::tunnel_options> plan_for(context& c, const json& arguments) {
    open_options o;
    o.target = text_argument(arguments, "target");
    o.subdomain = text_argument(arguments, "subdomain");
    if (o.target.empty()) return failure(errc::usage, "open_tunnel needs a target", "Name a port: \"3000\"");
    const auto plan = plan_tunnel(o);
    if (!plan) return plan.error();
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    client::tunnel_options tunnel;
    tunnel.upstream = *plan->upstream;
    tunnel.name = plan->name;
    tunnel.server = in_use->server;
    tunnel.cacert = in_use->cacert;
    tunnel.key = in_use->key.clone();
    // A whole directory is more than a server that somebody has started.
    if (tunnel.upstream.is_directory)
        return failure(errc::usage, "The target is a directory", "Name the port of a local server");
    return tunnel;
}

mcp_tool open_tool(context& c, served_tunnels& tunnels) {
    mcp_tool t;
    t.name = "open_tunnel";
    t.description =
        "Makes a local HTTP server reachable at a public https URL, until it is closed or this server ends. Everybody "
        "who knows the URL can call it.";
    t.does = mcp_tool::effect::adds;
    json properties = json::object();
    properties["target"] = schema::text("PORT, HOST:PORT or URL of the local server");
    properties["subdomain"] = schema::text("The name in front of the domain; without it a random one", 63);
    json required = json::array();
    required.push_back("target");
    t.input = schema::object(std::move(properties), std::move(required));
    t.output = tunnel_schema();
    t.waits = true;
    // The store of keys is not made for several readers at once.
    t.run = [&c, &tunnels, one_plans = std::make_shared<std::mutex>()](const json& arguments,
                                                                       mcp_call& call) -> outcome<tool_answer> {
        std::unique_lock planning(*one_plans);
        auto plan = plan_for(c, arguments);
        planning.unlock();
        if (!plan) return plan.error();
        const auto opened = tunnels.open(std::move(*plan), open_limit, call.stop().get_token());
        if (!opened) return opened.error();
        return tool_answer{tunnel_json(*opened)};
    };
    return t;
}

mcp_tool list_tool(served_tunnels& tunnels) {
    mcp_tool t;
    t.name = "list_tunnels";
    t.description = "The tunnels that this server has opened, with their state and requests";
    t.input = schema::object(json::object(), json::array());
    json properties = json::object();
    properties["tunnels"]["type"] = "array";
    properties["tunnels"]["items"] = tunnel_schema();
    json required = json::array();
    required.push_back("tunnels");
    t.output = schema::result(std::move(properties), std::move(required));
    t.run = [&tunnels](const json&, mcp_call&) -> outcome<tool_answer> {
        json list = json::array();
        for (const auto& one : tunnels.list())
            list.push_back(tunnel_json(one));
        json result = json::object();
        result["tunnels"] = std::move(list);
        return tool_answer{std::move(result)};
    };
    return t;
}

mcp_tool close_tool(served_tunnels& tunnels) {
    mcp_tool t;
    t.name = "close_tunnel";
    t.description = "Closes a tunnel that this server has opened. Its recorded requests can still be read.";
    t.does = mcp_tool::effect::adds;
    json properties = json::object();
    properties["tunnel"] = schema::text("Its name or URL");
    json required = json::array();
    required.push_back("tunnel");
    t.input = schema::object(std::move(properties), std::move(required));
    json closed = json::object();
    closed["closed"]["type"] = "string";
    json always = json::array();
    always.push_back("closed");
    t.output = schema::result(std::move(closed), std::move(always));
    t.run = [&tunnels](const json& arguments, mcp_call&) -> outcome<tool_answer> {
        const auto done = tunnels.close(text_argument(arguments, "tunnel"));
        if (!done) return done.error();
        json result = json::object();
        result["closed"] = done->url;
        return tool_answer{std::move(result)};
    };
    return t;
}

}  // namespace

std::vector<mcp_tool> tunnel_tools(context& c, served_tunnels& tunnels) {
    std::vector<mcp_tool> tools;
    tools.push_back(open_tool(c, tunnels));
    tools.push_back(list_tool(tunnels));
    tools.push_back(close_tool(tunnels));
    return tools;
}

}  // namespace instatunnel::cli
