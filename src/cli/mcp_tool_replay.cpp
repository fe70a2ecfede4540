#include <algorithm>

#include "instatunnel/base/encoding.hpp"
#include "mcp_request_filter.hpp"
#include "mcp_schema.hpp"
#include "mcp_tool.hpp"
#include "recorded_json.hpp"

namespace instatunnel::cli {
namespace {

using nlohmann::json;

constexpr std::int64_t usual_replay_seconds = 30;
constexpr std::int64_t most_replay_seconds = 300;
constexpr std::size_t largest_new_body = 700'000;  // characters; escaped, they fit into the longest message
constexpr std::size_t most_changed_fields = 100;
constexpr std::size_t largest_path = 16 * 1024;

std::optional<std::string> decode_base64(std::string text) {
    std::ranges::replace(text, '+', '-');
    std::ranges::replace(text, '/', '_');
    while (text.ends_with('='))
        text.pop_back();
    return from_base64url(text);
}

outcome<client::replay_changes> read_changes(const json& arguments) {
    client::replay_changes changes;
    if (arguments.contains("method")) changes.method = text_argument(arguments, "method");
    if (arguments.contains("path")) changes.path = text_argument(arguments, "path");
    if (const auto set = arguments.find("set_headers"); set != arguments.end())
        for (const auto& [name, value] : set->items())
            changes.set.emplace_back(name, value.get<std::string>());
    if (const auto removed = arguments.find("remove_headers"); removed != arguments.end())
        changes.remove = removed->get<std::vector<std::string>>();
    if (arguments.contains("body")) changes.body = text_argument(arguments, "body");
    if (!arguments.contains("body_base64")) return changes;
    if (changes.body) return failure(errc::usage, "`body` and `body_base64` cannot both be given", "Give one of them");
    changes.body = decode_base64(text_argument(arguments, "body_base64"));
    if (!changes.body) return failure(errc::usage, "`body_base64` is not base64", "RFC 4648, with padding or without");
    return changes;
}

json replay_input() {
    json properties = json::object();
    properties["id"] = schema::text("Id of the request, as list_requests shows it", 32);
    properties["method"] = schema::text("Another method; GET and HEAD come without the recorded body", 64);
    properties["path"] = schema::text("Another path, with its query", largest_path);
    json value = json::object();
    value["type"] = "string";
    properties["set_headers"] = schema::map("Header fields that are added, or take the place of those with their name",
                                            std::move(value), most_changed_fields);
    properties["remove_headers"] = schema::texts("Names of header fields that are left out", most_changed_fields);
    properties["body"] = schema::text("Another body, as text", largest_new_body);
    properties["body_base64"] = schema::text("Another body, as base64", largest_new_body);
    properties["timeout_seconds"] =
        schema::integer("How long the local program may take; 30 without it", 1, most_replay_seconds);
    add_body_limit(properties);
    json required = json::array();
    required.push_back("id");
    return schema::object(std::move(properties), std::move(required));
}

}  // namespace

mcp_tool replay_tool(served_tunnels& tunnels) {
    mcp_tool t;
    t.name = "replay_request";
    t.description =
        "Sends a recorded request again to the local server behind its tunnel, which must be open, with the secrets "
        "that it had and with changes if there are any, and returns the new request with its reply. The local server "
        "finds the original's id in X-Instatunnel-Replay. Not for upgraded connections, nor for bodies that were not "
        "kept whole unless another one is given.";
    t.does = mcp_tool::effect::unknown;
    t.input = replay_input();
    t.output = recorded_whole_schema();
    t.waits = true;
    t.run = [&tunnels](const json& arguments, mcp_call& call) -> outcome<tool_answer> {
        const auto number = request_argument(arguments, "id", 0);
        if (!number) return number.error();
        const auto changes = read_changes(arguments);
        if (!changes) return changes.error();
        auto again = client::make_replay(tunnels.record(), *number, *changes);
        if (!again) return again.error();
        const std::chrono::seconds limit(number_argument(arguments, "timeout_seconds", usual_replay_seconds));
        const auto done = tunnels.replay(std::move(*again), limit, call.stop().get_token());
        if (!done) return done.error();
        return tool_answer{recorded_whole(*done, body_limit_of(arguments))};
    };
    return t;
}

}  // namespace instatunnel::cli
