#pragma once

#include <string>

#include "context.hpp"

namespace instatunnel::cli {

enum class admin_name_action : std::uint8_t { ls, reserve, release, block, unblock };

struct admin_name_options {
    admin_name_action action = admin_name_action::ls;
    std::string name;  ///< or a pattern, to block and unblock
    std::string email;
    std::string reason;
    std::string data;
};
outcome<exit_code> run_admin_name(const admin_name_options& options, context& c);

}  // namespace instatunnel::cli
