#pragma once

#include <string>
#include <vector>

namespace instatunnel::service {

/// With a blank between them, as OAuth (RFC 6749 §3.3) and the audit trail write permissions.
inline std::string word_list(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : " ") + word;
    return text;
}

}  // namespace instatunnel::service
