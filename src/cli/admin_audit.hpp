#pragma once

#include <string>

#include "context.hpp"

namespace instatunnel::cli {

/// Which events; empty members ask for nothing.
struct audit_choice {
    std::string since;    ///< "24h", "7d"
    std::string action;   ///< "login.failed", "login"
    std::string account;  ///< email or id
    std::string actor;    ///< email or id
    std::string data;
};

struct admin_audit_list_options {
    audit_choice choice;
    std::string limit = "100";
};
outcome<exit_code> run_admin_audit_list(const admin_audit_list_options& options, context& c);

struct admin_audit_verify_options {
    std::string noted;
    std::string data;
};
/// Exit code 1 when the log is not whole.
outcome<exit_code> run_admin_audit_verify(const admin_audit_verify_options& options, context& c);

struct admin_audit_export_options {
    audit_choice choice;
    bool csv = false;
};
outcome<exit_code> run_admin_audit_export(const admin_audit_export_options& options, context& c);

}  // namespace instatunnel::cli
