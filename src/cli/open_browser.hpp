#pragma once

#include <string>
#include <vector>

namespace instatunnel::cli {

/// The commands that may open `url`, best first: those of `browser` (the variable BROWSER: commands between colons,
/// with %s where the address belongs, else it is added), then the desktop's own. No shell is involved.
std::vector<std::vector<std::string>> browser_commands(const std::string& browser, const std::string& url);

/// Starts the first of them that exists, in a session of its own, with nothing of ours open and its output dropped.
/// False if there is none. What becomes of it cannot be known.
bool open_browser(const std::string& browser, const std::string& url);

}  // namespace instatunnel::cli
