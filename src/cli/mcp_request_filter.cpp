#include "mcp_request_filter.hpp"

#include <algorithm>

#include "mcp_schema.hpp"
#include "mcp_tool.hpp"

namespace instatunnel::cli {
namespace {

using nlohmann::json;

constexpr std::int64_t usual_body = 16 * 1024;
constexpr std::int64_t largest_body = 64 * 1024;
constexpr std::size_t most_pointers = 16;

// Also of a tunnel that is closed: its name is the first label of its address.
std::string tunnel_named(const std::string& given, const served_tunnels& tunnels) {
    for (const auto& one : tunnels.list())
        if (one.name == given || one.url == given) return one.name;
    const auto scheme = given.find("://");
    if (scheme == std::string::npos) return given;
    const auto host = given.substr(scheme + 3);
    return host.substr(0, host.find_first_of("./:"));
}

}  // namespace

void add_head_filter(json& properties) {
    properties["tunnel"] = schema::text("Name or URL of a tunnel; without it all of them");
    properties["method"] = schema::text("GET, POST, …", 64);
    properties["path"] = schema::text(
        "Beginning of the path; with * in it the whole path, where * is any text; with ? in it path and query");
    properties["status"] = schema::text("Status of the reply: 404, 5xx, 400-499,503", 200);
}

void add_body_filter(json& properties) {
    properties["body_contains"] = schema::text("A text that stands in the request's body");
    properties["json"] = schema::map(
        "JSON pointers into the request's body and the values there, e.g. {\"/type\": \"payment.succeeded\"}; all of "
        "them must be there",
        json::object(), most_pointers);
}

outcome<client::recorded_filter> read_filter(const json& arguments, const served_tunnels& tunnels) {
    client::recorded_filter filter;
    if (const auto given = text_argument(arguments, "tunnel"); !given.empty())
        filter.tunnel = tunnel_named(given, tunnels);
    filter.method = text_argument(arguments, "method");
    std::ranges::transform(filter.method, filter.method.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    if (auto path = text_argument(arguments, "path"); !path.empty()) filter.set_path(std::move(path));
    if (const auto given = text_argument(arguments, "status"); !given.empty()) {
        filter.status = wire::status_set::parse(given);
        if (!filter.status)
            return failure(errc::usage, "`status` is no status or class of statuses",
                           "Write it like \"404\", \"5xx\" or \"400-499,503\"");
    }
    filter.body_text = text_argument(arguments, "body_contains");
    if (const auto pointers = arguments.find("json"); pointers != arguments.end())
        for (const auto& [pointer, value] : pointers->items()) {
            auto text = value.dump(-1, ' ', false, json::error_handler_t::replace);
            if (auto good = client::recorded_filter::check_json(pointer, text); !good) return good.error();
            filter.json.emplace_back(pointer, std::move(text));
        }
    return filter;
}

outcome<std::uint64_t> request_argument(const json& arguments, const char* name, std::uint64_t otherwise) {
    const auto given = text_argument(arguments, name);
    if (given.empty()) return otherwise;
    const auto number = client::parse_request_id(given);
    if (!number)
        return failure(errc::usage, "`" + std::string(name) + "` is not the id of a request",
                       "Ids look like \"req_12\"; list_requests shows them");
    return *number;
}

void add_body_limit(json& properties) {
    properties["body_limit"] = schema::integer("Bytes of each body that are shown; 16384 without it", 0, largest_body);
}

std::size_t body_limit_of(const json& arguments) {
    return static_cast<std::size_t>(number_argument(arguments, "body_limit", usual_body));
}

}  // namespace instatunnel::cli
