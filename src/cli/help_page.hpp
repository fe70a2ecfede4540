#pragma once

#include <span>
#include <string>
#include <vector>

namespace instatunnel::cli {

struct flag_help {
    std::string names;  ///< "-s, --subdomain NAME"
    std::string text;
};

/// What the parser knows about one command. Everything that is printed about commands comes from here, and this comes
/// from the one place where flags are defined.
struct command_page {
    std::string path;   ///< "auth login"; empty for the program itself
    std::string words;  ///< positional words as in a usage line: "[TARGET]"
    std::string summary;
    std::vector<std::string> aliases;
    std::vector<std::string> examples;
    std::vector<flag_help> flags;          ///< its own; those of the program itself are the global ones
    std::vector<std::string> subcommands;  ///< paths, in the order of definition
};

/// Text of one page for a terminal. `pages` holds all of them, the program itself first.
std::string render_page(const command_page& page, std::span<const command_page> pages);
/// docs/cli.md.
std::string render_markdown(std::span<const command_page> pages);
/// The table of exit codes for a terminal.
std::string render_exit_codes();
/// nullptr: no such command.
const command_page* find_page(std::span<const command_page> pages, std::string_view path);

}  // namespace instatunnel::cli
