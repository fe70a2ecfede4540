#include "plan_gate.hpp"

#include <algorithm>

namespace instatunnel::service {
namespace {

std::string counted(std::uint64_t number, std::string_view one, std::string_view more) {
    if (number == 0) return "no " + std::string(more);
    return std::to_string(number) + " " + std::string(number == 1 ? one : more);
}

std::string in_use(std::uint64_t number) {
    return number == 0 ? std::string() : ", and " + std::to_string(number) + (number == 1 ? " is" : " are") + " in use";
}

std::string allows(const plan_rules& rules, const std::string& what) {
    return "The plan \"" + rules.name + "\" allows " + what;
}

}  // namespace

failure plan_gate::refuse(const plan_rules& rules, std::string_view limit, std::string message, std::string next) {
    last_ = {rules.name, limit};
    if (!support_.empty()) next += ", or ask for more: " + support_;
    return {errc::plan_limit, std::move(message), std::move(next)};
}

outcome<void> plan_gate::check_tunnels(const std::string& account_id, std::string_view name) {
    auto rules = plans_.rules_for(account_id);
    if (!rules) return rules.error();
    if (!rules->tunnels) return {};
    std::uint64_t online = 0;
    if (edge_ != nullptr) {
        // What was granted before reached the edge before this question, so a tunnel that is just being opened counts.
        const auto live = edge_->list();
        if (!live) return live.error();
        const auto counts = [&](const live_tunnel& t) { return t.account_id == account_id && t.name != name; };
        online = static_cast<std::uint64_t>(std::ranges::count_if(*live, counts));
    }
    if (online < *rules->tunnels) return {};
    return refuse(
        *rules, "tunnels",
        allows(*rules, counted(*rules->tunnels, "tunnel at once", "tunnels at once")) + in_use(online),
        online == 0 ? "See what it allows: instatunnel whoami" : "Stop one (instatunnel ls, instatunnel kill NAME)");
}

outcome<void> plan_gate::check_name(const std::string& account_id, const std::string& name) {
    auto rules = plans_.rules_for(account_id);
    if (!rules) return rules.error();
    if (!rules->names) return {};
    auto held = data_.find_name(name);
    if (!held) return held.error();
    if (*held) {
        const bool own = (*held)->account_id == account_id;
        // A name of somebody else is no matter of the plan: who asks is told that it is taken.
        if (!own || (*held)->kind == store::lease_kind::requested) return {};
    }
    auto used = data_.count_requested_names(account_id);
    if (!used) return used.error();
    if (*used < *rules->names) return {};
    return refuse(*rules, "names",
                  allows(*rules, counted(*rules->names, "name of your own", "names of your own")) + in_use(*used),
                  *used == 0
                      ? "Start without --subdomain for a random name"
                      : "Use one of them or give one back (instatunnel names ls, instatunnel names release NAME)");
}

outcome<void> plan_gate::check_mcp(const std::string& account_id) {
    auto rules = plans_.rules_for(account_id);
    if (!rules) return rules.error();
    if (rules->mcp) return {};
    return refuse(*rules, "mcp", "The plan \"" + rules->name + "\" does not allow MCP tunnels", "Start without --mcp");
}

outcome<std::optional<std::uint64_t>> plan_gate::calls_per_minute(const std::string& account_id) {
    const auto rules = plans_.rules_for(account_id);
    if (!rules) return rules.error();
    return rules->calls_per_minute;
}

}  // namespace instatunnel::service
