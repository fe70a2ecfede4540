#include <iterator>

#include "doctor_command.hpp"
#include "mcp_schema.hpp"
#include "mcp_tool.hpp"

namespace instatunnel::cli {
namespace {

using nlohmann::json;

json check_schema() {
    json text = json::object();
    text["type"] = "string";
    json text_or_nothing = json::object();
    text_or_nothing["type"] = json::array();
    text_or_nothing["type"].push_back("string");
    text_or_nothing["type"].push_back("null");
    json properties = json::object();
    json required = json::array();
    for (const auto* name : {"id", "title", "state"}) {
        properties[name] = text;
        required.push_back(name);
    }
    for (const auto* name : {"found", "cause", "mend", "code"})
        properties[name] = text_or_nothing;
    return schema::result(std::move(properties), std::move(required));
}

json report_schema() {
    json properties = json::object();
    properties["ok"]["type"] = "boolean";
    properties["ok"]["description"] = "Whether no check has failed";
    properties["checks"]["type"] = "array";
    properties["checks"]["items"] = check_schema();
    json required = json::array();
    required.push_back("ok");
    required.push_back("checks");
    return schema::result(std::move(properties), std::move(required));
}

}  // namespace

mcp_tool doctor_tool(context& c) {
    mcp_tool t;
    t.name = "run_doctor";
    t.description =
        "Checks all that a tunnel needs: configuration, key, name look-up, connection, TLS, API, clock, account, plan, "
        "transport, and the local server with what it answers to the public name. Each check that is not well has its "
        "cause and one line that mends it. Changes nothing; takes up to 15 seconds.";
    json properties = json::object();
    properties["port"] = schema::integer(
        "Port of the local server; without it the first of 3000, 8000, 3001, 8080, 4000 and 5000 that answers", 1,
        65535);
    properties["mcp"] = schema::yes_or_no("The local server is an MCP server: its handshake is done as well");
    t.input = schema::object(std::move(properties), json::array());
    t.output = report_schema();
    t.waits = true;
    t.run = [&c](const json& arguments, mcp_call& call) -> outcome<tool_answer> {
        doctor_options options;
        if (const auto port = number_argument(arguments, "port", 0); port != 0) options.port = std::to_string(port);
        options.mcp = arguments.value("mcp", false);
        const auto settings = doctor_settings(options, c);
        if (!settings) return settings.error();
        int done = 0;
        const auto found = doctor::examine(*settings, [&](const doctor::check& one) {
            if (call.wants_progress()) call.tell_progress(++done, double{doctor::most_checks}, one.title);
        });
        return tool_answer{json::parse(doctor::to_json(found))};
    };
    return t;
}

}  // namespace instatunnel::cli
