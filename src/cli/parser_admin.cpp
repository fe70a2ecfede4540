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

}  // namespace

void add_admin_commands(CLI::App& root, invocation& out) {
    auto& admin = group(root, "admin", "Look after the service from its own machine");
    add_users(admin, out);
}

}  // namespace instatunnel::cli
