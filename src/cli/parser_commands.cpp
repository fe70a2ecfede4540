#include "parser_commands.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <initializer_list>
#include <memory>

namespace instatunnel::cli {
namespace {

// The footer carries the examples, one a line; help pages take them from there.
CLI::App& command(CLI::App& parent, const char* name, const char* summary,
                  std::initializer_list<const char*> examples) {
    CLI::App* app = parent.add_subcommand(name, summary);
    // Global flags are defined on the root and work behind the command's name as well.
    app->fallthrough();
    std::string text;
    for (const char* example : examples)
        text += (text.empty() ? "" : "\n") + std::string(example);
    app->footer(text);
    return *app;
}

CLI::App& group(CLI::App& parent, const char* name, const char* summary) {
    CLI::App& app = command(parent, name, summary, {});
    app.require_subcommand(1, 1);
    return app;
}

CLI::Option& text(CLI::App& app, const char* names, const char* value, std::string& into, const char* help) {
    return *app.add_option(names, into, help)->type_name(value);
}

// When the command was named, its options become the result.
template <class Options>
void deliver(CLI::App& app, std::shared_ptr<Options> options, invocation& out) {
    app.callback([options = std::move(options), &out] { out.command = std::move(*options); });
}

void add_globals(CLI::App& root, invocation& out) {
    auto& g = out.globals;
    root.set_help_flag("-h,--help", "Show the help of a command and exit");
    root.add_flag("-v,--version", g.version, "Show the version and exit");
    root.add_option_function<std::string>(
            "--api-key", [&g](const std::string& value) { g.api_key = secret(value); },
            "API key for this run; else INSTATUNNEL_API_KEY, else the stored key")
        ->type_name("KEY");
    text(root, "--server", "URL", g.server,
         "API of the service; else INSTATUNNEL_SERVER, else the stored one, else https://api.instatunnel.my");
    text(root, "--profile", "NAME", g.profile,
         "Stored account to use; else INSTATUNNEL_PROFILE, else the setting default_profile, else \"default\"");
    text(root, "--config", "PATH", g.config, "Configuration file instead of ~/.instatunnel/config.json");
    text(root, "--cacert", "PATH", g.cacert,
         "Trust the certificate authorities in this PEM file instead of the system's");
    root.add_flag("--json", g.json, "Print one JSON object a line on stdout and nothing else; never ask anything");
    text(root, "--log-level", "LEVEL", g.log_level,
         "trace, debug, info, warn, error or off; default warn, for serve info");
    text(root, "--log-file", "PATH", g.log_file, "Write the log to a file instead of stderr");
    root.add_flag("--no-color", g.no_color, "No colour; NO_COLOR and TERM=dumb say the same");
}

void add_forwarding_flags(CLI::App& app, open_options& o) {
    text(app, "--port", "PORT", o.port, "The same as a port as TARGET");
    app.add_flag("--react,--next", o.react, "Port 3000");
    app.add_flag("--laravel", o.laravel, "Port 8000");
    text(app, "--host-header", "MODE", o.host_header,
         "What the local program gets as Host: preserve (the public name, the default), rewrite (its own address) or a "
         "value");
    text(app, "--transport", "NAME", o.transport, "auto (the default) or v2");
    app.add_flag("--quiet", o.quiet, "No line for each request");
    // Published clients had it and never sent it; scripts still give it.
    text(app, "-r,--region", "REGION", o.region, "Accepted, without effect").group("");
}

void add_tunnel(CLI::App& root, invocation& out) {
    auto o = std::make_shared<open_options>();
    auto& app =
        command(root, "tunnel", "Open a tunnel to a local program (the word `tunnel` may be left out)",
                {"instatunnel 3000", "instatunnel 3000 --subdomain demo",
                 "instatunnel https://localhost:8443 --host-header rewrite", "instatunnel unix:/run/app.sock --json"});
    app.alias("http");
    text(app, "TARGET", "", o->target,
         "PORT, HOST:PORT, http://HOST:PORT, https://HOST:PORT or unix:/path; without it the first of 3000, 8000, "
         "3001, 8080, "
         "4000 and 5000 that answers");
    text(app, "-s,--subdomain", "NAME", o->subdomain, "The name in front of the domain; without it a random one");
    add_forwarding_flags(app, *o);
    deliver(app, std::move(o), out);
}

void add_connect(CLI::App& root, invocation& out) {
    auto o = std::make_shared<open_options>();
    o->connect = true;
    auto& app = command(root, "connect", "Attach to a tunnel that was created before, by name or host",
                        {"instatunnel connect 3000 -s demo", "instatunnel connect 3000 -d demo.t.example.com"});
    text(app, "TARGET", "", o->target, "As for a tunnel; usually a port").required();
    text(app, "-s,--subdomain", "NAME", o->subdomain, "Name of the tunnel; this or --domain");
    text(app, "-d,--domain", "HOST", o->domain, "Host of the tunnel; this or --subdomain");
    add_forwarding_flags(app, *o);
    deliver(app, std::move(o), out);
}

void add_list_and_kill(CLI::App& root, invocation& out) {
    auto& ls = command(root, "ls", "List the tunnels of the account (also: status, --list)", {"instatunnel ls"});
    ls.alias("status");
    deliver(ls, std::make_shared<list_options>(), out);

    auto o = std::make_shared<kill_options>();
    auto& kill = command(root, "kill", "Stop a tunnel of the account, wherever it runs (also: --kill NAME)",
                         {"instatunnel kill demo"});
    text(kill, "NAME", "", o->name, "Name, host or id of the tunnel").required();
    deliver(kill, std::move(o), out);
}

void add_login(CLI::App& parent, invocation& out, const char* example) {
    auto o = std::make_shared<login_options>();
    auto& app = command(parent, "login", "Sign in with email and password and store the API key",
                        {example, "instatunnel login -e you@example.com --password-stdin < password.txt"});
    text(app, "-e,--email", "EMAIL", o->email, "Email of the account; without it you are asked");
    app.add_flag("--password-stdin", o->password_stdin, "Read the password from standard input instead of asking");
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

void add_config(CLI::App& root, invocation& out) {
    auto& config = group(root, "config", "Look at the configuration and change it");
    const auto add = [&](const char* name, config_action action, const char* summary, const char* example) {
        auto o = std::make_shared<config_options>();
        o->action = action;
        auto& app = command(config, name, summary, {example});
        if (action == config_action::get || action == config_action::set || action == config_action::unset)
            text(app, "NAME", "", o->name, "default_profile, or server, cacert or email of the profile").required();
        if (action == config_action::set) text(app, "VALUE", "", o->value, "The new value").required();
        deliver(app, std::move(o), out);
    };
    add("path", config_action::path, "Print where the configuration file is", "instatunnel config path");
    add("get", config_action::get, "Print one value", "instatunnel config get server");
    add("set", config_action::set, "Store one value", "instatunnel config set server https://api.t.example.com");
    add("unset", config_action::unset, "Remove one value", "instatunnel config unset server");
    add("show", config_action::show, "Print what is in effect and where it comes from", "instatunnel config show");
}

void add_demo(CLI::App& root, invocation& out) {
    auto o = std::make_shared<demo_options>();
    auto& app = command(root, "demo", "Run an edge, a sample site and a tunnel between them on this machine",
                        {"instatunnel demo", "instatunnel demo 3000", "instatunnel demo --once"});
    text(app, "TARGET", "", o->target, "Forward this instead of the sample site");
    text(app, "--listen", "ADDR", o->listen,
         "Where the edge listens, 127.0.0.1:8443 unless said; the next free port if that one is busy");
    app.add_flag("--once", o->once, "Fetch the page through the tunnel once, then stop; exit code 0 if that worked");
    deliver(app, std::move(o), out);
}

void add_serve(CLI::App& root, invocation& out) {
    auto o = std::make_shared<serve_command_options>();
    auto& app =
        command(root, "serve", "Run the service: edge, API and accounts",
                {"instatunnel serve --dev",
                 "instatunnel serve --domain t.example.com --listen :443 --tls-cert chain.pem --tls-key key.pem"});
    app.add_flag("--dev", o->dev, "On this machine only: domain localhost, an authority and a first user of its own");
    text(app, "--domain", "NAME", o->domain, "Tunnels get names below it; the API is api.NAME");
    text(app, "--listen", "ADDR", o->listen, "HOST:PORT or :PORT; default :443, with --dev 127.0.0.1:8443");
    text(app, "--tls-cert", "PATH", o->tls_cert, "Certificate chain, PEM; read again when it changes and on SIGHUP");
    text(app, "--tls-key", "PATH", o->tls_key, "Private key of the certificate, PEM");
    text(app, "--data", "DIR", o->data,
         "Where everything is kept; default ~/.instatunnel/edge, with --dev ~/.instatunnel/dev");
    text(app, "--http-listen", "ADDR", o->http_listen, "Also answer plain HTTP here, with a redirect to https");
    text(app, "--drain", "TIME", o->drain, "How long requests in flight may go on after SIGTERM; default 30s");
    deliver(app, std::move(o), out);
}

void add_admin(CLI::App& root, invocation& out) {
    auto& admin = group(root, "admin", "Look after the service from its own machine");
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

void add_help(CLI::App& root, invocation& out) {
    deliver(command(root, "version", "Show the version", {"instatunnel version"}), std::make_shared<version_options>(),
            out);
    auto o = std::make_shared<help_options>();
    auto& app = command(root, "help", "Show the help of a command, or the exit codes",
                        {"instatunnel help serve", "instatunnel help exit-codes"});
    app.add_option("COMMAND", o->topic, "Words of a command, or exit-codes")->type_name("");
    app.add_flag("--markdown", o->markdown, "Print docs/cli.md")->group("");
    deliver(app, std::move(o), out);
}

}  // namespace

void define_commands(CLI::App& root, invocation& out) {
    // One command a line: without the upper bound, words behind a command would be looked up as further commands.
    root.require_subcommand(0, 1);
    add_globals(root, out);
    add_tunnel(root, out);
    add_connect(root, out);
    add_list_and_kill(root, out);
    add_login(root, out, "instatunnel login");
    add_logout(root, out, "instatunnel logout");
    auto& whoami = command(root, "whoami", "Show the account of the key in use", {"instatunnel whoami"});
    deliver(whoami, std::make_shared<whoami_options>(), out);
    add_auth(root, out);
    add_config(root, out);
    add_demo(root, out);
    add_serve(root, out);
    add_admin(root, out);
    add_help(root, out);
}

}  // namespace instatunnel::cli
