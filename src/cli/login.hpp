#pragma once

#include <string>

#include "context.hpp"

namespace instatunnel::cli {

struct login_options {
    std::string email;
    bool password_stdin = false;
    bool create = false;          ///< --register: make the account, without a question
    std::string invitation = {};  ///< --invite: code for a server that takes invited people only
    std::string otp = {};         ///< --otp: code of the second factor
    bool web = false;             ///< through the browser, wherever this runs
    bool device = false;          ///< with a code that is typed on another device
};
outcome<exit_code> run_login(const login_options& options, context& c);

}  // namespace instatunnel::cli
