#pragma once

#include <string>
#include <vector>

#include "context.hpp"

namespace instatunnel::cli {

enum class admin_plan_action : std::uint8_t { ls, show, set, reset };

struct admin_plan_options {
    admin_plan_action action = admin_plan_action::ls;
    std::string plan;
    std::vector<std::string> settings;  ///< "tunnels=3"
    std::string data;
};
outcome<exit_code> run_admin_plan(const admin_plan_options& options, context& c);

}  // namespace instatunnel::cli
