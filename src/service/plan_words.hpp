#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>

#include "instatunnel/service/plans.hpp"
#include "instatunnel/store/records.hpp"

namespace instatunnel::service {

/// Reads "tunnels=3". Errors: usage.
outcome<store::plan_rule> parse_plan_setting(std::string_view plan, std::string_view setting);

/// What `plan` allows after everything in `stored` that belongs to it. Rules of a newer program are passed over.
plan_rules make_plan(std::string_view plan, std::span<const store::plan_rule> stored);

/// As the API shows it: null where the plan sets no limit.
nlohmann::ordered_json describe_limits(const plan_rules& rules);

}  // namespace instatunnel::service
