#include "parser_parts.hpp"

namespace instatunnel::cli {
namespace {

void add_login(CLI::App& parent, invocation& out, const char* example) {
    auto o = std::make_shared<login_options>();
    auto& app = command(parent, "login", "Sign in with email and password, or make an account, and store the API key",
                        {example, "instatunnel login -e you@example.com --password-stdin < password.txt",
                         "instatunnel login -e you@example.com --register"});
    text(app, "-e,--email", "EMAIL", o->email, "Email of the account; without it you are asked");
    app.add_flag("--password-stdin", o->password_stdin, "Read the password from standard input instead of asking");
    app.add_flag("--register", o->create, "Make the account first; if the address has one, just sign in");
    text(app, "--invite", "CODE", o->invitation, "Invitation, for a new account on a server that asks for one");
    deliver(app, std::move(o), out);
}

void add_logout(CLI::App& parent, invocation& out, const char* example) {
    auto& app =
        command(parent, "logout", "Remove the stored API key; one that login made is revoked as well", {example});
    deliver(app, std::make_shared<logout_options>(), out);
}

void add_keys(CLI::App& auth, invocation& out) {
    auto set = std::make_shared<set_key_options>();
    auto& set_app = command(auth, "set-key", "Store an API key: asked for hidden, from a pipe, or as an argument",
                            {"instatunnel auth set-key", "instatunnel auth set-key < key.txt"});
    set_app
        .add_option_function<std::string>(
            "KEY", [options = set.get()](const std::string& value) { options->key = secret(value); },
            "The key; without it you are asked, or it is read from standard input")
        ->type_name("");
    deliver(set_app, std::move(set), out);

    auto show = std::make_shared<show_key_options>();
    auto& show_app = command(auth, "show-key", "Show the stored API key, masked; exit code 0 only when one is stored",
                             {"instatunnel auth show-key", "instatunnel auth show-key --reveal"});
    show_app.add_flag("--reveal", show->reveal, "Print the whole key");
    show_app.add_flag("--copy", show->copy, "Copy the whole key to the clipboard");
    deliver(show_app, std::move(show), out);
}

void add_auth(CLI::App& root, invocation& out) {
    auto& auth = group(root, "auth", "Sign in, and look after the API key");
    add_login(auth, out, "instatunnel auth login -e you@example.com");
    add_logout(auth, out, "instatunnel auth logout");
    add_keys(auth, out);
    auto& status = command(auth, "status", "Show the API key in use, masked, and whether the server accepts it",
                           {"instatunnel auth status"});
    deliver(status, std::make_shared<auth_status_options>(), out);

    auto o = std::make_shared<auth_test_options>();
    auto& test = command(auth, "test", "Show account, plan and permissions of the key, or check one permission",
                         {"instatunnel auth test", "instatunnel auth test --scope tunnels:write"});
    text(test, "--scope", "SCOPE", o->scope, "Check this permission only");
    deliver(test, std::move(o), out);
}

}  // namespace

void add_auth_commands(CLI::App& root, invocation& out) {
    add_login(root, out, "instatunnel login");
    add_logout(root, out, "instatunnel logout");
    auto& whoami = command(root, "whoami", "Show the account of the key in use", {"instatunnel whoami"});
    deliver(whoami, std::make_shared<whoami_options>(), out);
    add_auth(root, out);
}

}  // namespace instatunnel::cli
