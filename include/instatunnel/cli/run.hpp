#pragma once

namespace instatunnel::cli {

/// The whole program: reads the command line, runs the command, prints its failure. Returns the exit code of the
/// process (see exit_code; 130 after Ctrl+C at a prompt). Call once, from main.
int run(int argc, const char* const* argv);

}  // namespace instatunnel::cli
