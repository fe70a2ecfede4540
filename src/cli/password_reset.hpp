#pragma once

#include <string>

#include "context.hpp"

namespace instatunnel::cli {

struct password_reset_options {
    std::string email;  ///< empty: that of the profile
};
/// Asks the server to send a link with which a new password can be set. What it answers does not say whether the
/// address has an account.
outcome<exit_code> run_password_reset(const password_reset_options& options, context& c);

}  // namespace instatunnel::cli
