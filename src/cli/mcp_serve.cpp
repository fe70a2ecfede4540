#include "mcp_serve.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>

#include "instatunnel/app/descriptor_limit.hpp"
#include "instatunnel/base/version.hpp"
#include "instatunnel/mcp/message.hpp"
#include "mcp_calls.hpp"
#include "mcp_tool.hpp"
#include "served_tunnels.hpp"

namespace instatunnel::cli {
namespace {

using nlohmann::json;
namespace rpc = mcp::rpc_error;

constexpr std::size_t longest_line = 4 * 1024 * 1024;
constexpr const char* known_revisions[] = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};
constexpr const char* instructions =
    "Opens public https URLs for local servers and records what comes through them. To see what a service sends: "
    "open_tunnel, wait_for_request, read_request; replay_request sends it again while you work on the local server. "
    "run_doctor says why something does not work. Close tunnels that are not needed.";

std::vector<mcp_tool> all_tools(context& c, served_tunnels& tunnels) {
    auto tools = tunnel_tools(c, tunnels);
    std::ranges::move(request_tools(tunnels), std::back_inserter(tools));
    tools.push_back(replay_tool(tunnels));
    tools.push_back(wait_tool(tunnels));
    tools.push_back(doctor_tool(c));
    return tools;
}

std::string in_one_line(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string result_message(const std::string& id, const json& result) {
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + in_one_line(result) + "}";
}

json member_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() ? json() : *found;
}

class tunnel_server {
public:
    explicit tunnel_server(context& c) : c_(c), tools_(all_tools(c, tunnels_)) {}

    void hear(const std::string& line) {
        const auto read = mcp::read_messages(line);
        if (!read.good() || read.is_batch)
            return say(mcp::error_message({}, read.good() ? rpc::invalid_request : rpc::parse,
                                          read.good() ? "Batches are not taken" : read.fault));
        const auto& m = read.messages.front();
        auto params = m.params.size == 0 ? json::object() : json::parse(m.params.of(line), nullptr, false);
        if (!params.is_object()) params = json::object();
        if (m.what == mcp::message::kind::notification && m.method == "notifications/cancelled")
            return calls_.cancel(member_of(params, "requestId"));
        if (m.what != mcp::message::kind::request) return;
        const std::string id(m.id.of(line));
        if (m.calls_tool) return call(id, m.tool, params);
        const auto result = answer(m.method, params);
        if (result.is_null()) return say(mcp::error_message(id, rpc::unknown_method, "Unknown method"));
        say(result_message(id, result));
    }

private:
    void say(const std::string& line) {
        const std::lock_guard lock(output_);
        c_.term.result(line);
    }

    json answer(const std::string& method, const json& params) const {
        if (method == "initialize") return initialize(member_of(params, "protocolVersion"));
        if (method == "ping") return json::object();
        if (method != "tools/list") return nullptr;
        json list = json::array();
        for (const auto& t : tools_)
            list.push_back(t.listed());
        json result = json::object();
        result["tools"] = std::move(list);
        return result;
    }

    static json initialize(const json& wanted) {
        const auto known = std::ranges::find_if(known_revisions, [&](const char* r) { return wanted == r; });
        json capabilities = json::object();
        capabilities["tools"] = json::object();
        json info = json::object();
        info["name"] = "instatunnel";
        info["version"] = std::string(version());
        json result = json::object();
        result["protocolVersion"] = known == std::end(known_revisions) ? known_revisions[0] : *known;
        result["capabilities"] = std::move(capabilities);
        result["serverInfo"] = std::move(info);
        result["instructions"] = instructions;
        return result;
    }

    void call(const std::string& id, const std::string& name, const json& params) {
        const auto found = std::ranges::find(tools_, name, &mcp_tool::name);
        if (found == tools_.end()) return say(mcp::error_message(id, rpc::invalid_params, "Unknown tool"));
        auto arguments = member_of(params, "arguments");
        if (arguments.is_null()) arguments = json::object();
        auto token = member_of(params, "_meta");
        token = token.is_object() ? member_of(token, "progressToken") : json();
        if (!token.is_string() && !token.is_number_integer()) token = nullptr;
        const auto& tool = *found;
        if (!tool.waits) {
            mcp_call at_once(std::move(token), calls_.say());
            return say(result_message(id, tool.call(arguments, at_once)));
        }
        auto work = [id, &tool, arguments = std::move(arguments)](mcp_call& c) {
            return result_message(id, tool.call(arguments, c));
        };
        if (!calls_.start(json::parse(id, nullptr, false), std::move(token), std::move(work)))
            say(result_message(
                id,
                tool_failure({errc::busy, "More than " + std::to_string(mcp_calls::max_waiting) + " calls wait already",
                              "Cancel one, or wait until it ends"})));
    }

    context& c_;
    std::mutex output_;
    served_tunnels tunnels_;
    std::vector<mcp_tool> tools_;
    mcp_calls calls_{[this](const std::string& line) { say(line); }};  // the last: its threads use all the others
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
        if (input.size() > longest_line) return failure(errc::too_large, "A message is longer than 4 MiB");
    }
}

}  // namespace instatunnel::cli
