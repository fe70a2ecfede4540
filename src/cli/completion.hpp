#pragma once

#include <span>
#include <string>

#include "context.hpp"
#include "help_page.hpp"

namespace instatunnel::cli {

struct completion_options {
    std::string shell;  ///< bash, zsh or fish
};
outcome<exit_code> run_completion(const completion_options& options, context& c);

/// A script that teaches the shell the commands and flags of `pages` (the program itself first). It asks the program
/// nothing while a person types. Errors: usage (another shell).
outcome<std::string> render_completion(std::string_view shell, std::span<const command_page> pages);

}  // namespace instatunnel::cli
