#pragma once

#include <cstdint>
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

struct admin_user_options {
    enum class action : std::uint8_t { show, enable, disable, plan, rename, two_factor_off, remove };
    action what = action::show;
    std::string user;   ///< email or id
    std::string value;  ///< plan or name
    std::string data;
    bool yes = false;
};
outcome<exit_code> run_admin_user(const admin_user_options& options, context& c);

struct admin_reset_link_options {
    std::string user;
    std::string data;
};
outcome<exit_code> run_admin_reset_link(const admin_reset_link_options& options, context& c);

}  // namespace instatunnel::cli
