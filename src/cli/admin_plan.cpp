#include "admin_plan.hpp"

#include <algorithm>

#include "data_folder.hpp"
#include "instatunnel/service/plans.hpp"
#include "plan_limits.hpp"

namespace instatunnel::cli {
namespace {

api::plan_limits limits_of(const service::plan_rules& rules) {
    api::plan_limits limits;
    limits.tunnels = rules.tunnels;
    limits.names = rules.names;
    limits.requests_per_minute = rules.calls_per_minute;
    limits.mcp = rules.mcp;
    limits.custom_domains = rules.custom_domains;
    return limits;
}

std::string plan_text(const service::plan_rules& rules) {
    return "📋 " + rules.name + ": " + limits_text(limits_of(rules));
}

outcome<exit_code> print_list(const std::vector<service::plan_rules>& plans, context& c) {
    std::vector<json_line> objects;
    for (const auto& p : plans) {
        objects.push_back(json_line::object().with("plan", p.name).with_object("limits", limits_object(limits_of(p))));
        if (!c.term.json()) c.term.result(plan_text(p));
    }
    if (c.term.json()) c.term.result(json_line("admin.plans").with_objects("plans", objects).text());
    return exit_code::done;
}

outcome<exit_code> print_one(const service::plan_rules& rules, context& c) {
    if (c.term.json())
        c.term.result(json_line("admin.plan")
                          .with("plan", rules.name)
                          .with_object("limits", limits_object(limits_of(rules)))
                          .text());
    else
        c.term.result(plan_text(rules));
    return exit_code::done;
}

}  // namespace

outcome<exit_code> run_admin_plan(const admin_plan_options& o, context& c) {
    const auto folder = data_folder(o.data, c);
    if (o.action == admin_plan_action::ls || o.action == admin_plan_action::show) {
        const auto plans = service::list_plans(folder);
        if (!plans) return plans.error();
        if (o.action == admin_plan_action::ls) return print_list(*plans, c);
        const auto named = std::ranges::find(*plans, o.plan, &service::plan_rules::name);
        if (named != plans->end()) return print_one(*named, c);
        return failure(errc::usage, "There is no plan \"" + printable(o.plan.substr(0, 80)) + "\"",
                       "The plans are free, pro and business");
    }
    const auto changed = o.action == admin_plan_action::set ? service::set_plan(folder, o.plan, o.settings)
                                                            : service::reset_plan(folder, o.plan);
    if (!changed) return changed.error();
    c.term.notice("A running edge follows within 2 seconds; tunnels that are open stay open");
    return print_one(*changed, c);
}

}  // namespace instatunnel::cli
