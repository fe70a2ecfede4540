#include "parser_commands.hpp"

#include "parser_parts.hpp"

namespace instatunnel::cli {
namespace {

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
    root.add_flag("--no-wait", g.no_wait,
                  "Fail at once (exit code 7) when the server's rate limit says to wait, instead of waiting up to 90 "
                  "seconds");
    root.add_flag("--json", g.json, "Print one JSON object a line on stdout and nothing else; never ask anything");
    text(root, "--log-level", "LEVEL", g.log_level,
         "trace, debug, info, warn, error or off; default warn, for serve info");
    text(root, "--log-file", "PATH", g.log_file, "Write the log to a file instead of stderr");
    root.add_flag("--no-color", g.no_color, "No colour; NO_COLOR and TERM=dumb say the same");
}

void add_doctor(CLI::App& root, invocation& out) {
    auto o = std::make_shared<doctor_options>();
    auto& app = command(
        root, "doctor", "Check all that a tunnel needs, with the cause of what is wrong and the line that mends it",
        {"instatunnel doctor", "instatunnel doctor --port 3000", "instatunnel doctor --mcp --port 8787 --json"});
    text(app, "--port", "PORT", o->port,
         "Port of the local program; without it the first of 3000, 8000, 3001, 8080, 4000 and 5000 that answers");
    app.add_flag("--mcp", o->mcp,
                 "The local program is an MCP server: do its handshake, and check that the plan has it");
    deliver(app, std::move(o), out);
}

void add_help(CLI::App& root, invocation& out) {
    deliver(command(root, "version", "Show the version", {"instatunnel version"}), std::make_shared<version_options>(),
            out);
    auto shell = std::make_shared<completion_options>();
    auto& completion =
        command(root, "completion", "Print a script that completes commands and flags in a shell",
                {"source <(instatunnel completion bash)", "instatunnel completion zsh > ~/.zfunc/_instatunnel",
                 "instatunnel completion fish > ~/.config/fish/completions/instatunnel.fish"});
    text(completion, "SHELL", "", shell->shell, "bash, zsh or fish").required();
    deliver(completion, std::move(shell), out);

    auto o = std::make_shared<help_options>();
    auto& app = command(root, "help", "Show the help of a command, or the exit codes",
                        {"instatunnel help serve", "instatunnel help exit-codes"});
    app.add_option("COMMAND", o->topic, "Words of a command, or exit-codes")->type_name("");
    app.add_flag("--markdown", o->markdown, "Print docs/cli.md")->group("");
    app.add_flag("--api-markdown", o->api_markdown, "Print docs/api.md")->group("");
    app.add_flag("--api-json", o->api_json, "Print the OpenAPI description of the HTTP API")->group("");
    deliver(app, std::move(o), out);
}

}  // namespace

void define_commands(CLI::App& root, invocation& out) {
    // One command a line: without the upper bound, words behind a command would be looked up as further commands.
    root.require_subcommand(0, 1);
    add_globals(root, out);
    add_tunnel_commands(root, out);
    add_auth_commands(root, out);
    add_config_commands(root, out);
    add_doctor(root, out);
    add_serve_commands(root, out);
    add_admin_commands(root, out);
    add_help(root, out);
}

}  // namespace instatunnel::cli
