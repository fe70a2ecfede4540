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

void add_keys(CLI::App& admin, invocation& out) {
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

}  // namespace

void add_admin_commands(CLI::App& root, invocation& out) {
    auto& admin = group(root, "admin", "Look after the service from its own machine");
    add_users(admin, out);
    add_audit(admin, out);
    add_keys(admin, out);
}

}  // namespace instatunnel::cli
