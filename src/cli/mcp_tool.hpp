#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "mcp_calls.hpp"

namespace instatunnel::cli {

struct context;
class served_tunnels;

/// What a tool has found: an object. (A type of its own, because JSON can be made of anything, failures included.)
struct tool_answer {
    nlohmann::json object;
};

/// One tool of `instatunnel mcp serve`. To add one: a function that returns it (or a list of them), and a line in
/// all_tools() of mcp_serve.cpp. Arguments are checked against `input` before `run` sees them.
struct mcp_tool {
    /// For the hints of the protocol.
    enum class effect : std::uint8_t {
        none,     ///< reads
        adds,     ///< makes or ends something of ours
        unknown,  ///< a program that we do not know does what it was asked
    };
    std::string name;
    std::string description;
    effect does = effect::none;
    nlohmann::json input;   ///< schema::object
    nlohmann::json output;  ///< schema::result
    bool waits = false;  ///< may take its time: it runs on a thread of its own, and may be called several times at once
    /// A failure is told to the model, as the protocol wants it for mistakes that it can mend.
    std::function<outcome<tool_answer>(const nlohmann::json& arguments, mcp_call& call)> run;

    /// As in tools/list.
    nlohmann::json listed() const;
    /// The result of tools/call, failures included. Never throws.
    nlohmann::json call(const nlohmann::json& arguments, mcp_call& c) const;
};

/// The result of a call that failed.
nlohmann::json tool_failure(const failure& f);
/// A text that may be missing; empty then.
std::string text_argument(const nlohmann::json& arguments, const char* name);
std::int64_t number_argument(const nlohmann::json& arguments, const char* name, std::int64_t otherwise);

/// open_tunnel, list_tunnels, close_tunnel. All of what is given outlives the tools, here and below.
std::vector<mcp_tool> tunnel_tools(context& c, served_tunnels& tunnels);
/// list_requests, read_request.
std::vector<mcp_tool> request_tools(const served_tunnels& tunnels);
mcp_tool replay_tool(served_tunnels& tunnels);
mcp_tool wait_tool(const served_tunnels& tunnels);
/// run_doctor.
mcp_tool doctor_tool(context& c);

}  // namespace instatunnel::cli
