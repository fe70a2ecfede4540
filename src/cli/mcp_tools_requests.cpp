#include "mcp_request_filter.hpp"
#include "mcp_schema.hpp"
#include "mcp_tool.hpp"
#include "recorded_json.hpp"

namespace instatunnel::cli {
namespace {

using nlohmann::json;

constexpr std::int64_t usual_rows = 20;
constexpr std::int64_t most_rows = 100;

mcp_tool list_requests_tool(const served_tunnels& tunnels) {
    mcp_tool t;
    t.name = "list_requests";
    t.description =
        "The recent requests that came through the tunnels of this server, the newest first, also those under way "
        "(state \"open\") and those of tunnels that are closed. Secrets in paths are masked.";
    json properties = json::object();
    add_head_filter(properties);
    properties["limit"] = schema::integer("How many; 20 without it", 1, most_rows);
    properties["after"] = schema::text("Only requests that came after the one with this id", 32);
    properties["before"] = schema::text("Only requests that came before the one with this id", 32);
    t.input = schema::object(std::move(properties), json::array());
    json found = json::object();
    found["requests"]["type"] = "array";
    found["requests"]["items"] = recorded_row_schema();
    found["newest"]["type"] = "string";
    found["newest"]["description"] = "Id of the newest request of all, for `after`; req_0 when there was none";
    json always = json::array();
    always.push_back("requests");
    always.push_back("newest");
    t.output = schema::result(std::move(found), std::move(always));
    t.run = [&tunnels](const json& arguments, mcp_call&) -> outcome<tool_answer> {
        const auto filter = read_filter(arguments, tunnels);
        if (!filter) return filter.error();
        const auto after = request_argument(arguments, "after", 0);
        if (!after) return after.error();
        const auto before = request_argument(arguments, "before", 0);
        if (!before) return before.error();
        // First, so that nothing falls between this list and the next one.
        const auto newest = tunnels.record().newest();
        const auto limit = static_cast<std::size_t>(number_argument(arguments, "limit", usual_rows));
        json rows = json::array();
        for (const auto& r : tunnels.record().list(*filter, limit, *after, *before))
            rows.push_back(recorded_row(r));
        json result = json::object();
        result["requests"] = std::move(rows);
        result["newest"] = client::request_id(newest);
        return tool_answer{std::move(result)};
    };
    return t;
}

mcp_tool read_request_tool(const served_tunnels& tunnels) {
    mcp_tool t;
    t.name = "read_request";
    t.description =
        "One recorded request with its reply: fields, and of each body the first 64 KiB (text, or base64 when it is "
        "none). Authorization, cookies, API keys and secrets in the query are masked; bodies are shown as they were.";
    json properties = json::object();
    properties["id"] = schema::text("Id of the request, as list_requests shows it", 32);
    add_body_limit(properties);
    json required = json::array();
    required.push_back("id");
    t.input = schema::object(std::move(properties), std::move(required));
    t.output = recorded_whole_schema();
    t.run = [&tunnels](const json& arguments, mcp_call&) -> outcome<tool_answer> {
        const auto number = request_argument(arguments, "id", 0);
        if (!number) return number.error();
        const auto found = tunnels.record().find(*number);
        if (!found)
            return failure(errc::not_found, "There is no request " + client::request_id(*number) + ", or none any more",
                           "list_requests shows those that are kept, the last 500");
        return tool_answer{recorded_whole(*found, body_limit_of(arguments))};
    };
    return t;
}

}  // namespace

std::vector<mcp_tool> request_tools(const served_tunnels& tunnels) {
    std::vector<mcp_tool> tools;
    tools.push_back(list_requests_tool(tunnels));
    tools.push_back(read_request_tool(tunnels));
    return tools;
}

}  // namespace instatunnel::cli
