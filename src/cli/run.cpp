#include "instatunnel/cli/run.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <exception>

#include "instatunnel/api/retrying_client.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/net/dial.hpp"
#include "interruption.hpp"
#include "open_browser.hpp"
#include "parser.hpp"

namespace instatunnel::cli {
namespace {

constexpr auto edge_probe_limit = std::chrono::milliseconds(500);

// `--json` counts even when the rest of the line is wrong: the error must be readable by the same program.
bool asks_for_json(const std::vector<std::string>& arguments) {
    return std::ranges::find(arguments, "--json") != arguments.end();
}

terminal make_terminal(const environment& env, bool no_color, bool as_json) {
    auto traits = terminal::detect(STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO);
    traits.no_color = no_color || env.no_color || env.dumb_terminal;
    traits.json = as_json;
    return {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, traits};
}

bool edge_answers(const std::string& url) {
    const auto parts = net::parse_url(url);
    return parts && net::dial({parts->host, parts->port}, edge_probe_limit).has_value();
}

outcome<void> configure_log(const global_options& globals, bool is_server) {
    auto level = is_server ? log::level::info : log::level::warn;
    if (!globals.log_level.empty() && !log::parse_level(globals.log_level, level))
        return failure(errc::usage, "--log-level is none of trace, debug, info, warn, error and off");
    if (!log::configure(level, globals.log_file))
        return failure(errc::file_io, "Cannot write the log file " + globals.log_file);
    return {};
}

int exit_status(const failure& f) {
    return f.code == errc::cancelled ? exit_interrupted : static_cast<int>(exit_code_for(f.code));
}

int finish(terminal& term, const outcome<exit_code>& result) {
    if (!result && result.error().code != errc::cancelled) term.report(result.error());
    // Whoever read our output has what they wanted (`instatunnel ls | head -1`).
    if (term.output_closed()) return 0;
    return result ? static_cast<int>(*result) : exit_status(result.error());
}

// Said on stderr with --json as well: on stdout a program may expect one object only.
void tell_wait(terminal& term, std::chrono::milliseconds length) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(length).count();
    term.complain("The server asks to wait: trying again in " + std::to_string(left) +
                  (left == 1 ? " second" : " seconds") + " (Ctrl+C stops; --no-wait gives up at once)");
}

outcome<std::unique_ptr<api::http_client>> make_http(const std::string& cacert, const global_options& globals,
                                                     terminal& term) {
    auto client = api::make_http_client(cacert);
    if (!client || globals.no_wait) return client;
    auto seams = api::real_retry_seams([&term](std::chrono::milliseconds length) { tell_wait(term, length); });
    return api::make_retrying_client(std::move(*client), api::retry_policy(), std::move(seams));
}

int run_invocation(const invocation& what, const environment& env) {
    terminal term = make_terminal(env, what.globals.no_color, what.globals.json);
    const bool is_server = std::holds_alternative<serve_command_options>(what.command);
    if (auto configured = configure_log(what.globals, is_server); !configured) return finish(term, configured.error());
    terminal_prompter prompter(term);
    const auto ring = config::make_system_keyring();
    const config::profile_store store(env.home, what.globals.config, ring.get());
    context c{what.globals,
              env,
              term,
              prompter,
              store,
              [&](const std::string& cacert) { return make_http(cacert, what.globals, term); },
              edge_answers,
              [] { return std::chrono::steady_clock::now(); },
              [&](const std::string& url) { return open_browser(env.browser, url); }};
    return finish(term, dispatch(what, c));
}

}  // namespace

int run(int argc, const char* const* argv) {
    // A reader that goes away is an error code of write(), not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // a file at its limit is an error like a full disk, not an end
    const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    const auto env = environment::of_process();
    try {
        const auto parsed = parse(arguments);
        if (parsed) return run_invocation(*parsed, env);
        terminal term = make_terminal(env, /*no_color=*/false, asks_for_json(arguments));
        return finish(term, parsed.error());
    } catch (const std::exception& e) {
        log::debug("program.failed").with("reason", e.what());
        terminal term = make_terminal(env, /*no_color=*/false, asks_for_json(arguments));
        return finish(term, failure(errc::internal));
    }
}

}  // namespace instatunnel::cli
