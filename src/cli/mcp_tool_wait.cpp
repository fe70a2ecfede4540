#include <algorithm>

#include "mcp_request_filter.hpp"
#include "mcp_schema.hpp"
#include "mcp_tool.hpp"
#include "recorded_json.hpp"

namespace instatunnel::cli {
namespace {

using client::recording;
using nlohmann::json;
using std::chrono::steady_clock;

constexpr std::int64_t usual_wait_seconds = 60;
constexpr std::int64_t most_wait_seconds = 600;
// Callers that ask to be told count on it not to give up, mostly after 60 s.
constexpr std::chrono::seconds progress_step(5);

json wait_input() {
    json properties = json::object();
    add_head_filter(properties);
    add_body_filter(properties);
    properties["after"] = schema::text(
        "Requests after the one with this id count, also if they have come already (req_0: all that are kept). Without "
        "it: those that come from now on",
        32);
    json words = json::array();
    words.push_back("answered");
    words.push_back("received");
    properties["until"] = schema::word(
        "\"answered\" (without it): the local server has answered; \"received\": the request is whole, whether there "
        "is a reply or not",
        std::move(words));
    properties["timeout_seconds"] = schema::integer("60 without it", 1, most_wait_seconds);
    add_body_limit(properties);
    return schema::object(std::move(properties), json::array());
}

json wait_output() {
    json properties = json::object();
    properties["found"]["type"] = "boolean";
    properties["request"] = recorded_whole_schema();
    properties["after"]["type"] = "string";
    properties["after"]["description"] = "To go on waiting where this call began, when nothing was found";
    json required = json::array();
    required.push_back("found");
    return schema::result(std::move(properties), std::move(required));
}

std::optional<client::recorded> wait_telling(const recording& record, const client::recorded_filter& filter,
                                             std::uint64_t after, recording::moment when, std::chrono::seconds limit,
                                             mcp_call& call) {
    const auto began = steady_clock::now();
    const auto stop = call.stop().get_token();
    for (std::chrono::seconds passed(0);; passed += progress_step) {
        if (call.wants_progress())
            call.tell_progress(static_cast<double>(passed.count()), static_cast<double>(limit.count()),
                               "Waiting for a request");
        const auto until = std::min(passed + progress_step, limit);
        if (auto found = record.wait(filter, after, when, began + until, stop)) return found;
        if (until == limit || stop.stop_requested()) return std::nullopt;
    }
}

bool is_open(const served_tunnels& tunnels, const std::string& name) {
    return std::ranges::any_of(tunnels.list(), [&](const auto& one) { return one.name == name; });
}

}  // namespace

mcp_tool wait_tool(const served_tunnels& tunnels) {
    mcp_tool t;
    t.name = "wait_for_request";
    t.description =
        "Waits until a request that matches comes through a tunnel of this server (a webhook, for example) and returns "
        "it with its reply. Start it before you cause the request, or give `after`. Found nothing in time: "
        "\"found\": false.";
    t.input = wait_input();
    t.output = wait_output();
    t.waits = true;
    t.run = [&tunnels](const json& arguments, mcp_call& call) -> outcome<tool_answer> {
        const auto& record = tunnels.record();
        auto filter = read_filter(arguments, tunnels);
        if (!filter) return filter.error();
        // Somebody who tries one request again does not want to be told that it has come.
        filter->visitors_only = true;
        const auto after = request_argument(arguments, "after", record.newest());
        if (!after) return after.error();
        // What is to come can come through an open tunnel only: a name that is none would be waited for in vain.
        if (!filter->tunnel.empty() && !arguments.contains("after") && !is_open(tunnels, filter->tunnel))
            return failure(errc::not_found, "No tunnel of this server has that name or URL",
                           "list_tunnels shows those that are open");
        const auto when =
            text_argument(arguments, "until") == "received" ? recording::moment::received : recording::moment::answered;
        const std::chrono::seconds limit(number_argument(arguments, "timeout_seconds", usual_wait_seconds));
        const auto found = wait_telling(record, *filter, *after, when, limit, call);
        json result = json::object();
        result["found"] = found.has_value();
        if (found)
            result["request"] = recorded_whole(*found, body_limit_of(arguments));
        else
            result["after"] = client::request_id(*after);
        return tool_answer{std::move(result)};
    };
    return t;
}

}  // namespace instatunnel::cli
