#include "admin_session.hpp"
#include "instatunnel/service/plans.hpp"
#include "plan_words.hpp"

namespace instatunnel::service {
namespace {

outcome<void> require_plan(const std::string& plan) {
    if (is_plan(plan)) return {};
    return failure(errc::usage, "There is no plan \"" + plan.substr(0, 80) + "\"",
                   "The plans are free, pro and business");
}

outcome<plan_rules> read_plan(store::store& data, const std::string& plan) {
    auto stored = data.list_plan_rules();
    if (!stored) return stored.error();
    return make_plan(plan, *stored);
}

}  // namespace

outcome<std::vector<plan_rules>> list_plans(const std::filesystem::path& folder) {
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto stored = (*session)->data().list_plan_rules();
    if (!stored) return stored.error();
    std::vector<plan_rules> plans;
    for (const auto name : plan_names)
        plans.push_back(make_plan(name, *stored));
    return plans;
}

outcome<plan_rules> set_plan(const std::filesystem::path& folder, const std::string& plan,
                             const std::vector<std::string>& settings) {
    if (auto known = require_plan(plan); !known) return known.error();
    std::vector<store::plan_rule> rules;
    for (const auto& setting : settings) {
        auto rule = parse_plan_setting(plan, setting);
        if (!rule) return rule.error();
        rules.push_back(std::move(*rule));
    }
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto& data = (*session)->data();
    const auto event = [&] {
        auto changed = (*session)->event("plan.changed").about(plan);
        for (const auto& setting : settings)
            changed.with(setting.substr(0, setting.find('=')), setting.substr(setting.find('=') + 1));
        return changed;
    };
    if (auto done = (*session)->audit().together([&] { return data.set_plan_rules(rules); }, event); !done)
        return done.error();
    return read_plan(data, plan);
}

outcome<plan_rules> reset_plan(const std::filesystem::path& folder, const std::string& plan) {
    if (auto known = require_plan(plan); !known) return known.error();
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto& data = (*session)->data();
    const auto event = [&] { return (*session)->event("plan.reset").about(plan); };
    if (auto done = (*session)->audit().together([&] { return data.reset_plan(plan); }, event); !done)
        return done.error();
    return read_plan(data, plan);
}

}  // namespace instatunnel::service
