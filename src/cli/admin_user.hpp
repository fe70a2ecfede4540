#pragma once

#include <string>

#include "context.hpp"

namespace instatunnel::cli {

struct admin_user_add_options {
    std::string email;
    std::string name;
    std::string plan;
    std::string data;
    bool password_stdin = false;
};
outcome<exit_code> run_admin_user_add(const admin_user_add_options& options, context& c);

struct admin_user_list_options {
    std::string data;
};
outcome<exit_code> run_admin_user_list(const admin_user_list_options& options, context& c);

}  // namespace instatunnel::cli
