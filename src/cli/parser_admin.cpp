#include "parser_parts.hpp"

namespace instatunnel::cli {
namespace {

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

}  // namespace

void add_admin_commands(CLI::App& root, invocation& out) {
    auto& admin = group(root, "admin", "Look after the service from its own machine");
    add_users(admin, out);
    add_audit(admin, out);
}

}  // namespace instatunnel::cli
