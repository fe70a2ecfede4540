#include "admin_user.hpp"
#include "data_folder.hpp"
#include "instatunnel/service/admin_accounts.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {
namespace {

using user_action = admin_user_options::action;

std::string comma_list(const std::vector<std::string>& list) {
    std::string text;
    for (const auto& one : list)
        text += (text.empty() ? "" : ", ") + printable(one);
    return text;
}

void print_json(const service::account_details& a, const char* event, context& c) {
    json_line line(event);
    line.with("id", a.id).with("email", a.email).with("name", a.name).with("plan", a.plan);
    line.with("disabled", a.disabled).with("email_verified", a.email_verified).with("has_password", a.has_password);
    line.with("created_at", to_rfc3339(a.created_at)).with("credit", a.credit).with("keys", a.keys);
    line.with("tunnels_created", a.tunnels_created).with("requests", a.requests);
    line.with("bytes_in", a.bytes_in).with("bytes_out", a.bytes_out).with("invited_by", a.invited_by);
    line.with("invited", std::span<const std::string>(a.invited));
    c.term.result(line.text());
}

void print_details(const service::account_details& a, context& c) {
    c.term.result("👤 User: " + printable(a.email) + " (" + printable(a.name) + ", " + a.id + ")");
    c.term.result(std::string("   Status: ") + (a.disabled ? "disabled" : "enabled") +
                  (a.email_verified ? ", email verified" : ", email not verified") +
                  (a.has_password ? "" : ", no password"));
    c.term.result("📋 Plan: " + printable(a.plan) + ", credit " + std::to_string(a.credit));
    c.term.result("🔑 Keys: " + std::to_string(a.keys));
    c.term.result("📊 Usage: " + std::to_string(a.tunnels_created) + " tunnels created, " + std::to_string(a.requests) +
                  " requests served, " + to_human_bytes(a.bytes_in + a.bytes_out) + " transferred");
    c.term.result("   Since: " + to_rfc3339(a.created_at));
    if (a.invited_by)
        c.term.result("   Invited by: " + (a.invited_by->empty() ? "the server's owner" : printable(*a.invited_by)));
    if (!a.invited.empty()) c.term.result("   Invited: " + comma_list(a.invited));
}

outcome<void> confirm(const admin_user_options& options, context& c) {
    if (options.yes) return {};
    if (!c.term.can_prompt())
        return failure(errc::not_a_terminal, "Removing an account needs a yes, and there is no terminal to ask on",
                       "Say it: instatunnel admin user rm " + printable(options.user.substr(0, 80)) + " --yes");
    const auto answer = c.ask.ask("Remove " + printable(options.user) +
                                  " with its keys, names and tunnels? Type its "
                                  "email or id to go on: ");
    if (!answer) return answer.error();
    if (*answer != options.user) return failure(errc::cancelled, "Nothing was removed");
    return {};
}

outcome<service::account_details> change(const admin_user_options& o, const std::filesystem::path& folder) {
    switch (o.what) {
        case user_action::enable:
        case user_action::disable:
            return service::disable_user(folder, o.user, o.what == user_action::disable);
        case user_action::plan:
            return service::set_user_plan(folder, o.user, o.value);
        case user_action::rename:
            return service::rename_user(folder, o.user, o.value);
        case user_action::two_factor_off:
            return service::turn_off_two_factor(folder, o.user);
        case user_action::remove:
            return service::remove_user(folder, o.user);
        case user_action::show:
            break;
    }
    return service::show_user(folder, o.user);
}

std::string said(const admin_user_options& o, const service::account_details& a) {
    switch (o.what) {
        case user_action::enable:
            return "enabled";
        case user_action::disable:
            return "disabled; its tunnels end within two seconds";
        case user_action::plan:
            return "has plan " + printable(a.plan);
        case user_action::rename:
            return "has name " + printable(a.name);
        case user_action::two_factor_off:
            return "signs in with the password alone";
        default:
            return "removed";
    }
}

}  // namespace

outcome<exit_code> run_admin_user(const admin_user_options& options, context& c) {
    if (options.what == user_action::remove)
        if (auto sure = confirm(options, c); !sure) return sure.error();
    const auto account = change(options, data_folder(options.data, c));
    if (!account) return account.error();
    if (c.term.json())
        print_json(*account, options.what == user_action::remove ? "admin.user.removed" : "admin.user", c);
    else if (options.what == user_action::show)
        print_details(*account, c);
    else
        c.term.result("✅ " + printable(account->email) + " " + said(options, *account));
    return exit_code::done;
}

outcome<exit_code> run_admin_reset_link(const admin_reset_link_options& options, context& c) {
    const auto link = service::make_reset_link(data_folder(options.data, c), options.user, c.globals.server);
    if (!link) return link.error();
    if (c.term.json()) {
        json_line line("admin.user.reset_link");
        line.with("email", link->email).with("url", link->url.reveal());
        c.term.result(line.with("expires_at", to_rfc3339(link->expires_at)).text());
        return exit_code::done;
    }
    c.term.result(std::string(link->url.reveal()));
    c.term.notice("Give it to " + printable(link->email) + ": it works once, for an hour");
    return exit_code::done;
}

}  // namespace instatunnel::cli
