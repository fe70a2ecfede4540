#pragma once

#include <string>

#include "context.hpp"

namespace instatunnel::cli {

struct login_options {
    std::string email;
    bool password_stdin = false;
};
outcome<exit_code> run_login(const login_options& options, context& c);

struct logout_options {};
outcome<exit_code> run_logout(const logout_options& options, context& c);

}  // namespace instatunnel::cli
