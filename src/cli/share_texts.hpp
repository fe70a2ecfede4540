#pragma once

#include <string>
#include <vector>

namespace instatunnel::cli {

/// What stands for the address where none is known.
inline constexpr const char* address_to_fill_in = "[TUNNEL_URL]";

/// Three texts for passing a tunnel's address on, each of some lines: for a chat, a mail and a public post.
std::vector<std::string> share_texts(const std::string& url);

}  // namespace instatunnel::cli
