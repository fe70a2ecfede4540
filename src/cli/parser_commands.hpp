#pragma once

#include "invocation.hpp"

namespace CLI {
class App;
}

namespace instatunnel::cli {

/// Defines every flag of the program, each exactly once: the global ones on `root`, the others on its subcommands.
/// Parsing fills `out`, which must outlive `root`. To add a command: options and run_… in a file of its own, an add_…
/// in the parser_….cpp of its group, a line in command_options and in dispatch.cpp.
void define_commands(CLI::App& root, invocation& out);

}  // namespace instatunnel::cli
