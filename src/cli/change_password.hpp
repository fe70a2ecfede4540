#pragma once

#include <string>

#include "context.hpp"

namespace instatunnel::cli {

struct change_password_options {
    bool password_stdin = false;
    std::string end_keys = "none";
};
outcome<exit_code> run_change_password(const change_password_options& options, context& c);

}  // namespace instatunnel::cli
