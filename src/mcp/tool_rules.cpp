#include "instatunnel/mcp/tool_rules.hpp"

#include <algorithm>

namespace instatunnel::mcp {
namespace {

std::size_t character_size(std::string_view text, std::size_t at) noexcept {
    std::size_t size = 1;
    while (at + size < text.size() && (static_cast<unsigned char>(text[at + size]) & 0xC0) == 0x80)
        ++size;
    return size;
}

}  // namespace

// The last star alone is ever tried again: what an earlier one could take more of, the last one can take too.
bool glob_matches(std::string_view pattern, std::string_view text) noexcept {
    std::size_t p = 0, t = 0;
    std::size_t star = std::string_view::npos, star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.size() && pattern[p] == '?') {
            ++p;
            t += character_size(text, t);
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            star_text += character_size(text, star_text);
            t = star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

bool tool_rules::permits(std::string_view tool) const noexcept {
    const auto matches = [tool](const std::string& glob) { return glob_matches(glob, tool); };
    if (std::ranges::any_of(deny, matches)) return false;
    return allow.empty() || std::ranges::any_of(allow, matches);
}

}  // namespace instatunnel::mcp
