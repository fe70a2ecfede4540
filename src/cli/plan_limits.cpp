#include "plan_limits.hpp"

namespace instatunnel::cli {
namespace {

std::string number(const std::optional<std::uint64_t>& limit) {
    return limit ? std::to_string(*limit) : "unlimited";
}

std::string yes_or_no(bool allowed) {
    return allowed ? "yes" : "no";
}

}  // namespace

std::string limits_text(const api::plan_limits& limits) {
    return "tunnels at once: " + number(limits.tunnels) + ", names: " + number(limits.names) +
           ", MCP: " + yes_or_no(limits.mcp) + ", custom domains: " + yes_or_no(limits.custom_domains) +
           ", API calls a minute: " + number(limits.requests_per_minute);
}

json_line limits_object(const api::plan_limits& limits) {
    auto object = json_line::object();
    object.with("tunnels", limits.tunnels).with("names", limits.names).with("mcp", limits.mcp);
    object.with("custom_domains", limits.custom_domains).with("requests_per_minute", limits.requests_per_minute);
    return object;
}

}  // namespace instatunnel::cli
