#pragma once

#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::cli {

class terminal;

/// Asks a person. A seam: tests answer from a list. Callers ask terminal::can_prompt() first.
class prompter {
public:
    virtual ~prompter() = default;
    /// Prints `label`, returns the line that was typed, trimmed. Errors: cancelled (Ctrl+C, Ctrl+D), usage (too
    /// long).
    virtual outcome<std::string> ask(std::string_view label) = 0;
    /// Same, with nothing echoed; after Enter the line is completed with eight asterisks, whatever the length.
    virtual outcome<secret> ask_hidden(std::string_view label) = 0;
};

/// The real one: reads the terminal's own line editing. Ctrl+C and SIGTERM at a prompt restore the terminal's settings
/// first.
class terminal_prompter final : public prompter {
public:
    explicit terminal_prompter(terminal& term) : term_(term) {}
    outcome<std::string> ask(std::string_view label) override;
    outcome<secret> ask_hidden(std::string_view label) override;

private:
    terminal& term_;
};

}  // namespace instatunnel::cli
