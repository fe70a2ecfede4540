#pragma once

#include <string>

#include "context.hpp"
#include "instatunnel/doctor/examination.hpp"

namespace instatunnel::cli {

struct doctor_options {
    std::string port;  ///< of the local program; empty: the first usual one that answers
    bool mcp = false;
};

/// What a tunnel would use right now, for doctor::examine(). What is wrong with it is part of it. May wait for a person
/// who unlocks the keyring, at most a minute. Errors: malformed_target (the port), malformed_url (--server).
outcome<doctor::settings> doctor_settings(const doctor_options& options, context& c);

/// Prints each check as it is done; the exit code is that of the first that failed.
outcome<exit_code> run_doctor(const doctor_options& options, context& c);

}  // namespace instatunnel::cli
