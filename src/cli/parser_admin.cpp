#include "parser_parts.hpp"

namespace instatunnel::cli {
namespace {

constexpr const char* data_help = "Data folder of the service; default ~/.instatunnel/edge";

void add_user_changes(CLI::App& user, invocation& out) {
    using what = admin_user_options::action;
    const auto add = [&](const char* name, what action, const char* summary, const char* example,
                         const char* value = nullptr, const char* help = nullptr) {
        auto o = std::make_shared<admin_user_options>();
        o->what = action;
        auto& app = command(user, name, summary, {example});
        text(app, "USER", "", o->user, "Email or id of the account").required();
        if (value != nullptr) text(app, value, "", o->value, help).required();
        if (action == what::remove) app.add_flag("--yes", o->yes, "Do not ask; needed without a terminal");
        text(app, "--data", "DIR", o->data, data_help);
        deliver(app, std::move(o), out);
    };
    add("show", what::show, "Show an account: plan, credit, usage, who invited it and whom it invited",
        "instatunnel admin user show ana@example.com");
    add("disable", what::disable, "Refuse its password and keys and end its tunnels, until it is enabled again",
        "instatunnel admin user disable ana@example.com");
    add("enable", what::enable, "Undo disable", "instatunnel admin user enable ana@example.com");
    add("plan", what::plan, "Give an account another plan", "instatunnel admin user plan ana@example.com business",
        "PLAN", "free, pro or business");
    add("two-factor-off", what::two_factor_off,
        "Turn off two-factor sign-in for somebody who lost phone and recovery codes",
        "instatunnel admin user two-factor-off ana@example.com");
    add("rename", what::rename, "Change the name of an account's owner",
        "instatunnel admin user rename ana@example.com \"Ana B.\"", "NAME", "The new name");
    add("rm", what::remove, "Remove an account with its keys, names, tunnels and usage, for good",
        "instatunnel admin user rm ana@example.com --yes");
}

void add_reset_link(CLI::App& user, invocation& out) {
    auto o = std::make_shared<admin_reset_link_options>();
    auto& app = command(user, "reset-link", "Print a link with which somebody chooses a new password; works once, 1 h",
                        {"instatunnel admin user reset-link ana@example.com"});
    text(app, "USER", "", o->user, "Email or id of the account").required();
    text(app, "--data", "DIR", o->data, data_help);
    deliver(app, std::move(o), out);
}

void add_invitations(CLI::App& admin, invocation& out) {
    using what = admin_invite_options::action;
    auto o = std::make_shared<admin_invite_options>();
    auto& invite = command(admin, "invite", "Make an invitation code; it is shown this once",
                           {"instatunnel admin invite", "instatunnel admin invite --plan pro --uses 20 --expires 7d",
                            "instatunnel admin invite --inviter ana@example.com --credit 10 --inviter-credit 10"});
    text(invite, "--plan", "PLAN", o->plan, "Plan of who comes by it");
    text(invite, "--credit", "N", o->credit, "Credit for who comes by it, in whole units of your own meaning");
    text(invite, "--uses", "N", o->uses, "How many people may come by it; default 1");
    text(invite, "--expires", "TIME", o->expires, "How long it works, like 12h or 30d; default 30d");
    text(invite, "--inviter", "USER", o->inviter, "Account in whose name it is");
    text(invite, "--inviter-plan", "PLAN", o->inviter_plan, "Plan that the inviter gets when it is used");
    text(invite, "--inviter-credit", "N", o->inviter_credit, "Credit for the inviter each time it is used");
    text(invite, "--data", "DIR", o->data, data_help);
    invite.require_subcommand(0, 1);
    deliver(invite, std::move(o), out);

    auto l = std::make_shared<admin_invite_options>();
    l->what = what::list;
    auto& ls = command(invite, "ls", "List the invitations that work", {"instatunnel admin invite ls"});
    text(ls, "--data", "DIR", l->data, data_help);
    deliver(ls, std::move(l), out);

    auto r = std::make_shared<admin_invite_options>();
    r->what = what::revoke;
    auto& revoke = command(invite, "revoke", "Revoke an invitation; who came by it stays",
                           {"instatunnel admin invite revoke inv_8Fh2kQ0pZr1sTu3v"});
    text(revoke, "ID", "", r->id, "Id of the invitation, from ls").required();
    text(revoke, "--data", "DIR", r->data, data_help);
    deliver(revoke, std::move(r), out);
}

void add_users(CLI::App& admin, invocation& out) {
    auto& user = group(admin, "user", "Accounts of the service");

    auto o = std::make_shared<admin_user_add_options>();
    auto& add = command(user, "add",
                        "Add an account; without a terminal or --password-stdin a password is made up and printed once",
                        {"instatunnel admin user add you@example.com --password-stdin < password.txt"});
    text(add, "EMAIL", "", o->email, "Email of the account").required();
    text(add, "--name", "NAME", o->name, "Name of its owner");
    text(add, "--plan", "PLAN", o->plan, "free, pro or business");
    add.add_flag("--password-stdin", o->password_stdin, "Read the password from standard input instead of asking");
    text(add, "--data", "DIR", o->data, "Data folder of the service; default ~/.instatunnel/edge");
    deliver(add, std::move(o), out);

    auto l = std::make_shared<admin_user_list_options>();
    auto& ls = command(user, "ls", "List the accounts", {"instatunnel admin user ls --data /var/lib/instatunnel"});
    text(ls, "--data", "DIR", l->data, "Data folder of the service; default ~/.instatunnel/edge");
    deliver(ls, std::move(l), out);
    add_user_changes(user, out);
    add_reset_link(user, out);
}

void add_choice(CLI::App& app, audit_choice& choice) {
    text(app, "--since", "TIME", choice.since, "Not older than this: 90m, 24h, 7d, 2w");
    text(app, "--action", "ACTION", choice.action, "Of this kind: login.failed, or login for all that begin so");
    text(app, "--account", "EMAIL", choice.account, "What concerns this account, by email or acc_… id");
    text(app, "--actor", "EMAIL", choice.actor, "Done by this user or their keys; or the id of one key or user");
    text(app, "--data", "DIR", choice.data, "Data folder of the service; default ~/.instatunnel/edge");
}

void add_audit(CLI::App& admin, invocation& out) {
    auto& audit = group(admin, "audit", "Security events of the service");

    auto l = std::make_shared<admin_audit_list_options>();
    auto& ls = command(audit, "ls", "List security events: when, what, result, by whom, to what, from where",
                       {"instatunnel admin audit ls --since 24h",
                        "instatunnel admin audit ls --action login.failed --account you@example.com"});
    add_choice(ls, l->choice);
    text(ls, "--limit", "N", l->limit, "At most the last N; default 100");
    deliver(ls, std::move(l), out);

    auto v = std::make_shared<admin_audit_verify_options>();
    auto& verify = command(audit, "verify", "Check that no event was changed or removed; exit code 1 if one was",
                           {"instatunnel admin audit verify"});
    text(verify, "--noted", "NUMBER:HASH", v->noted,
         "An end that an earlier check printed and the log must still hold");
    text(verify, "--data", "DIR", v->data, "Data folder of the service; default ~/.instatunnel/edge");
    deliver(verify, std::move(v), out);

    auto e = std::make_shared<admin_audit_export_options>();
    auto& csv =
        command(audit, "export", "Print all events, with --csv for a spreadsheet or with --json one object a line",
                {"instatunnel admin audit export --csv --since 30d > audit.csv",
                 "instatunnel admin audit export --json > audit.jsonl"});
    csv.add_flag("--csv", e->csv, "Comma-separated values; what a spreadsheet could run gets a ' in front");
    add_choice(csv, e->choice);
    deliver(csv, std::move(e), out);
}

void add_admin_keys(CLI::App& admin, invocation& out) {
    constexpr const char* folder = "Data folder of the service; default ~/.instatunnel/edge";
    auto& key = group(admin, "key", "Keys of the service's users");

    auto l = std::make_shared<admin_key_list_options>();
    auto& ls = command(key, "ls", "List the keys of one user or of all",
                       {"instatunnel admin key ls", "instatunnel admin key ls you@example.com"});
    text(ls, "EMAIL", "", l->email, "Of this user only");
    text(ls, "--data", "DIR", l->data, folder);
    deliver(ls, std::move(l), out);

    auto o = std::make_shared<admin_key_create_options>();
    auto& create = command(key, "create", "Create a key for a user; it is printed on stdout, this once",
                           {"instatunnel admin key create you@example.com --name CI --scope tunnels:write"});
    text(create, "EMAIL", "", o->email, "Email of the user").required();
    text(create, "--name", "NAME", o->name, "What it is for, as lists show it").required();
    texts(create, "--scope", "SCOPE", o->scopes, "A permission it holds, group:* for a group; repeatable").required();
    text(create, "--expires", "TIME", o->expires, "When it ends: 30d, 12h or 2030-01-31T00:00:00Z");
    text(create, "--data", "DIR", o->data, folder);
    deliver(create, std::move(o), out);

    auto r = std::make_shared<admin_key_revoke_options>();
    auto& revoke = command(key, "revoke", "Revoke a key, also while the edge runs: its tunnels end within two seconds",
                           {"instatunnel admin key revoke key_VhhE2p6Be9K0Lwaj"});
    text(revoke, "ID", "", r->id, "Id of the key").required();
    text(revoke, "--data", "DIR", r->data, folder);
    deliver(revoke, std::move(r), out);
}

void add_oauth_clients(CLI::App& admin, invocation& out) {
    using what = admin_oauth_client_options::action;
    auto& client = group(admin, "oauth-client", "Apps that may ask people for access to their accounts");

    auto o = std::make_shared<admin_oauth_client_options>();
    o->what = what::add;
    auto& add =
        command(client, "add", "Register an app; its id and secret are printed on stdout, this once",
                {"instatunnel admin oauth-client add --name \"Web app\" --redirect-uri https://app.example.com/cb",
                 "instatunnel admin oauth-client add --name Robot --grant client_credentials --owner "
                 "you@example.com --scope tunnels:read"});
    text(add, "--name", "NAME", o->name, "What people see when they are asked").required();
    text(add, "--uri", "URL", o->uri, "Its home page, https://");
    texts(add, "--redirect-uri", "URL", o->redirect_uris,
          "Where answers go: https://, a loopback address, or a scheme of its own; repeatable");
    texts(add, "--grant", "GRANT", o->grants,
          "authorization_code, refresh_token, client_credentials or urn:ietf:params:oauth:grant-type:device_code; "
          "repeatable; default the first two");
    texts(add, "--scope", "SCOPE", o->scopes,
          "The most it may ask for, group:* for a group; repeatable; default whatever people allow");
    text(add, "--owner", "USER", o->owner, "Email or id of the account that it acts for with client_credentials");
    add.add_flag("--public", o->is_public, "It cannot keep a secret: an app on people's devices, with PKCE");
    text(add, "--data", "DIR", o->data, data_help);
    deliver(add, std::move(o), out);

    auto l = std::make_shared<admin_oauth_client_options>();
    auto& ls = command(client, "ls", "List the apps", {"instatunnel admin oauth-client ls"});
    text(ls, "--data", "DIR", l->data, data_help);
    deliver(ls, std::move(l), out);

    auto r = std::make_shared<admin_oauth_client_options>();
    r->what = what::remove;
    auto& rm = command(client, "rm", "Remove an app with everything that people allowed it; its tokens end",
                       {"instatunnel admin oauth-client rm client_b0aVdqYJxWk2mTzn"});
    text(rm, "ID", "", r->id, "Id of the app").required();
    text(rm, "--data", "DIR", r->data, data_help);
    deliver(rm, std::move(r), out);
}

void add_plans(CLI::App& admin, invocation& out) {
    auto& plan = group(admin, "plan", "What accounts of each plan may do");
    const auto add = [&](const char* name, admin_plan_action action, const char* summary, const char* example) {
        auto o = std::make_shared<admin_plan_options>();
        o->action = action;
        auto& app = command(plan, name, summary, {example});
        if (action != admin_plan_action::ls) text(app, "PLAN", "", o->plan, "free, pro or business").required();
        if (action == admin_plan_action::set)
            app.add_option("RULE=VALUE", o->settings,
                           "tunnels, names or rate (API calls a minute) with a number or unlimited; mcp or "
                           "custom-domains with yes or no")
                ->type_name("")
                ->required();
        text(app, "--data", "DIR", o->data, "Data folder of the service; default ~/.instatunnel/edge");
        deliver(app, std::move(o), out);
    };
    add("ls", admin_plan_action::ls, "List the plans and what they allow", "instatunnel admin plan ls");
    add("show", admin_plan_action::show, "Show what one plan allows", "instatunnel admin plan show free");
    add("set", admin_plan_action::set, "Change what a plan allows, also while the edge runs",
        "instatunnel admin plan set free tunnels=3 names=1 mcp=no custom-domains=no rate=120");
    add("reset", admin_plan_action::reset, "Let a plan allow everything again", "instatunnel admin plan reset free");
}

void add_admin_names(CLI::App& admin, invocation& out) {
    auto& name = group(admin, "name", "Names of tunnels: who holds them, and which nobody may have");
    const auto add = [&](const char* word, admin_name_action action, const char* summary, const char* example) {
        auto o = std::make_shared<admin_name_options>();
        o->action = action;
        auto& app = command(name, word, summary, {example});
        const bool is_pattern = action == admin_name_action::block || action == admin_name_action::unblock;
        if (is_pattern)
            text(app, "PATTERN", "", o->name, "A name; * stands for any run of characters").required();
        else if (action != admin_name_action::ls)
            text(app, "NAME", "", o->name, "The name in front of the domain").required();
        if (action == admin_name_action::ls) text(app, "EMAIL", "", o->email, "Only names of this account");
        if (action == admin_name_action::reserve)
            text(app, "EMAIL", "", o->email, "The account that gets it").required();
        if (action == admin_name_action::block)
            text(app, "--reason", "TEXT", o->reason, "Told to whoever asks for the name");
        text(app, "--data", "DIR", o->data, "Data folder of the service; default ~/.instatunnel/edge");
        deliver(app, std::move(o), out);
    };
    add("ls", admin_name_action::ls, "List names that are held or blocked", "instatunnel admin name ls");
    add("reserve", admin_name_action::reserve, "Reserve a name for an account",
        "instatunnel admin name reserve shop you@example.com");
    add("release", admin_name_action::release, "Take a name from whoever holds it",
        "instatunnel admin name release shop");
    add("block", admin_name_action::block, "Let nobody have a name, or names of a form",
        "instatunnel admin name block '*bank*' --reason \"looks like a bank\"");
    add("unblock", admin_name_action::unblock, "Allow what was blocked", "instatunnel admin name unblock '*bank*'");
}

}  // namespace

void add_admin_commands(CLI::App& root, invocation& out) {
    auto& admin = group(root, "admin", "Look after the service from its own machine");
    add_users(admin, out);
    add_invitations(admin, out);
    add_audit(admin, out);
    add_admin_keys(admin, out);
    add_oauth_clients(admin, out);
    add_plans(admin, out);
    add_admin_names(admin, out);
}

}  // namespace instatunnel::cli
