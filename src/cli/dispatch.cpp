#include "invocation.hpp"

namespace instatunnel::cli {
namespace {

template <class... Functions>
struct overloaded : Functions... {
    using Functions::operator()...;
};
template <class... Functions>
overloaded(Functions...) -> overloaded<Functions...>;

}  // namespace

outcome<exit_code> dispatch(const invocation& what, context& c) {
    return std::visit(overloaded{
                          [&](const help_options& o) { return run_help(o, c); },
                          [&](const version_options& o) { return run_version(o, c); },
                          [&](const completion_options& o) { return run_completion(o, c); },
                          [&](const open_options& o) { return run_open(o, c); },
                          [&](const mcp_serve_options& o) { return run_mcp_serve(o, c); },
                          [&](const raw_tunnel_options& o) { return run_raw_tunnel(o, c); },
                          [&](const list_options& o) { return run_list(o, c); },
                          [&](const kill_options& o) { return run_kill(o, c); },
                          [&](const logs_options& o) { return run_logs(o, c); },
                          [&](const stats_options& o) { return run_stats(o, c); },
                          [&](const login_options& o) { return run_login(o, c); },
                          [&](const logout_options& o) { return run_logout(o, c); },
                          [&](const whoami_options& o) { return run_whoami(o, c); },
                          [&](const set_key_options& o) { return run_set_key(o, c); },
                          [&](const show_key_options& o) { return run_show_key(o, c); },
                          [&](const keys_list_options& o) { return run_keys_list(o, c); },
                          [&](const keys_show_options& o) { return run_keys_show(o, c); },
                          [&](const keys_create_options& o) { return run_keys_create(o, c); },
                          [&](const keys_rename_options& o) { return run_keys_rename(o, c); },
                          [&](const keys_revoke_options& o) { return run_keys_revoke(o, c); },
                          [&](const keys_rotate_options& o) { return run_keys_rotate(o, c); },
                          [&](const auth_status_options& o) { return run_auth_status(o, c); },
                          [&](const auth_test_options& o) { return run_auth_test(o, c); },
                          [&](const password_reset_options& o) { return run_password_reset(o, c); },
                          [&](const config_options& o) { return run_config(o, c); },
                          [&](const doctor_options& o) { return run_doctor(o, c); },
                          [&](const demo_options& o) { return run_demo(o, c); },
                          [&](const serve_command_options& o) { return run_serve(o, c); },
                          [&](const admin_user_add_options& o) { return run_admin_user_add(o, c); },
                          [&](const admin_user_list_options& o) { return run_admin_user_list(o, c); },
                          [&](const admin_audit_list_options& o) { return run_admin_audit_list(o, c); },
                          [&](const admin_audit_verify_options& o) { return run_admin_audit_verify(o, c); },
                          [&](const admin_audit_export_options& o) { return run_admin_audit_export(o, c); },
                          [&](const admin_key_list_options& o) { return run_admin_key_list(o, c); },
                          [&](const admin_key_create_options& o) { return run_admin_key_create(o, c); },
                          [&](const admin_key_revoke_options& o) { return run_admin_key_revoke(o, c); },
                          [&](const admin_oauth_client_options& o) { return run_admin_oauth_client(o, c); },
                          [&](const admin_plan_options& o) { return run_admin_plan(o, c); },
                          [&](const admin_name_options& o) { return run_admin_name(o, c); },
                          [&](const names_list_options& o) { return run_names_list(o, c); },
                          [&](const names_release_options& o) { return run_names_release(o, c); },
                          [&](const invite_options& o) { return run_invite(o, c); },
                          [&](const change_password_options& o) { return run_change_password(o, c); },
                          [&](const verify_email_options& o) { return run_verify_email(o, c); },
                          [&](const admin_user_options& o) { return run_admin_user(o, c); },
                          [&](const admin_reset_link_options& o) { return run_admin_reset_link(o, c); },
                          [&](const admin_invite_options& o) { return run_admin_invite(o, c); },
                      },
                      what.command);
}

}  // namespace instatunnel::cli
