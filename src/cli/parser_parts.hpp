#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "invocation.hpp"

/// What the parser's parts are made of. Include it in parser*.cpp only: CLI11 is slow to compile.
namespace instatunnel::cli {

/// Adds a command. `examples`, one a line, end up in its help page.
CLI::App& command(CLI::App& parent, const char* name, const char* summary, std::initializer_list<const char*> examples);

/// Adds a command that does nothing without one of its own commands.
CLI::App& group(CLI::App& parent, const char* name, const char* summary);

/// Adds an option with a text as value; `names` without dashes: a positional.
CLI::Option& text(CLI::App& app, const char* names, const char* value, std::string& into, const char* help);

/// The same for one that may be given several times.
CLI::Option& texts(CLI::App& app, const char* names, const char* value, std::vector<std::string>& into,
                   const char* help);

/// Flags of a TARGET that is a directory.
void add_directory_flags(CLI::App& app, directory_flags& flags);

/// When the command was named, and none of its own commands, its options become the result.
template <class Options>
void deliver(CLI::App& app, std::shared_ptr<Options> options, invocation& out) {
    app.callback([&app, options = std::move(options), &out] {
        if (app.get_subcommands().empty()) out.command = std::move(*options);
    });
}

// parser_tunnel.cpp:
void add_tunnel_commands(CLI::App& root, invocation& out);
// parser_auth.cpp:
void add_auth_commands(CLI::App& root, invocation& out);
// parser_config.cpp:
void add_config_commands(CLI::App& root, invocation& out);
// parser_serve.cpp:
void add_serve_commands(CLI::App& root, invocation& out);
// parser_admin.cpp:
void add_admin_commands(CLI::App& root, invocation& out);

}  // namespace instatunnel::cli
