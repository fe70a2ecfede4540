#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "instatunnel/mcp/tool_rules.hpp"

namespace instatunnel::mcp {

/// A tool whose definition is not what it was before.
struct tool_change {
    std::string tool;
    std::vector<std::string> parts;  ///< "description", "inputSchema", …: the members that differ
};

/// Remembers the tools that a server has described, each member by its digest, and tells what changes: who approved a
/// tool has approved its description.
class tool_watch {
public:
    static constexpr std::size_t max_tools = 4096;

    /// `definition` is the tool as JSON. A definition that was seen before is no news, so that a server that tells
    /// different callers different things is not reported again and again.
    void note(std::string_view name, std::string_view definition);
    /// The changes since the last call.
    std::vector<tool_change> take_changes() { return std::exchange(changes_, {}); }
    std::size_t tools() const noexcept { return known_.size(); }

private:
    struct known_tool {
        std::unordered_map<std::string, std::string> members;  // digests
        std::vector<std::string> seen;                         // digests of whole definitions
    };
    static constexpr std::size_t max_seen = 16;
    std::unordered_map<std::string, known_tool> known_;
    std::vector<tool_change> changes_;
};

/// A reply, or one event of a stream, of which tools may be left out.
struct reply_text {
    std::string text;
    bool changed = false;
};
/// Leaves the tools that `rules` do not permit out of answers to tools/list, alone or in a batch; the rest stays byte
/// for byte. Tells `watch` (unless null) what the others are. What is no JSON is returned as it is.
reply_text filter_tools(std::string_view reply, const tool_rules& rules, tool_watch* watch);

}  // namespace instatunnel::mcp
