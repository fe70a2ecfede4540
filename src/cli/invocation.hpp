#pragma once

#include <variant>

#include "account.hpp"
#include "admin_audit.hpp"
#include "admin_invite.hpp"
#include "admin_key.hpp"
#include "admin_name.hpp"
#include "admin_oauth_client.hpp"
#include "admin_plan.hpp"
#include "admin_user.hpp"
#include "auth_keys.hpp"
#include "change_password.hpp"
#include "completion.hpp"
#include "config_command.hpp"
#include "context.hpp"
#include "demo.hpp"
#include "doctor_command.hpp"
#include "help_command.hpp"
#include "invite.hpp"
#include "login.hpp"
#include "logout.hpp"
#include "logs.hpp"
#include "mcp_serve.hpp"
#include "names.hpp"
#include "open_tunnel.hpp"
#include "password_reset.hpp"
#include "raw_tunnel.hpp"
#include "serve.hpp"
#include "stats.hpp"
#include "stored_key.hpp"
#include "tunnels.hpp"
#include "verify_email.hpp"
#include "version_command.hpp"

namespace instatunnel::cli {

using command_options = std::variant<
    help_options, version_options, completion_options, open_options, raw_tunnel_options, list_options, kill_options,
    logs_options, stats_options, login_options, logout_options, whoami_options, set_key_options, show_key_options,
    keys_list_options, keys_show_options, keys_create_options, keys_rename_options, keys_revoke_options,
    keys_rotate_options, auth_status_options, auth_test_options, password_reset_options, config_options, demo_options,
    serve_command_options, admin_user_add_options, admin_user_list_options, admin_audit_list_options,
    admin_audit_verify_options, admin_audit_export_options, invite_options, change_password_options,
    verify_email_options, admin_user_options, admin_reset_link_options, admin_invite_options, admin_plan_options,
    admin_name_options, names_list_options, names_release_options, admin_key_list_options, admin_key_create_options,
    admin_key_revoke_options, admin_oauth_client_options, mcp_serve_options, doctor_options>;

/// A command line as plain data: which command, with which flags.
struct invocation {
    global_options globals;
    command_options command;
};

/// Runs the command. Call once.
outcome<exit_code> dispatch(const invocation& what, context& c);

}  // namespace instatunnel::cli
