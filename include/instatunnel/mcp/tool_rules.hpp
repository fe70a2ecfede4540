#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace instatunnel::mcp {

/// `*` is any text, `?` one character (of UTF-8); everything else is itself, and upper case is not lower case. Time
/// grows with the product of both lengths at most.
bool glob_matches(std::string_view pattern, std::string_view text) noexcept;

/// Which tools of a server may be seen and called through a tunnel.
struct tool_rules {
    std::vector<std::string> allow;  ///< globs; empty: all
    std::vector<std::string> deny;   ///< globs, stronger than allow

    bool any() const noexcept { return !allow.empty() || !deny.empty(); }
    bool permits(std::string_view tool) const noexcept;
};

}  // namespace instatunnel::mcp
