#include "instatunnel/mcp/tool_watch.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/mcp/json_text.hpp"

namespace instatunnel::mcp {
namespace {

// The order of members says nothing, and some servers do not keep it.
std::string digest(std::string_view json) {
    const auto parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
    return sha256(parsed.is_discarded() ? std::string(json)
                                        : parsed.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::unordered_map<std::string, std::string> digests_of(std::string_view definition) {
    std::unordered_map<std::string, std::string> members;
    for_each_member(definition, whole(definition), [&](text_span key, text_span value) {
        members[decode_string(key.of(definition)).value_or("?")] = digest(value.of(definition));
        return members.size() < 64;
    });
    return members;
}

std::vector<std::string> differences(const std::unordered_map<std::string, std::string>& a,
                                     const std::unordered_map<std::string, std::string>& b) {
    std::vector<std::string> parts;
    for (const auto& [key, value] : a)
        if (const auto other = b.find(key); other == b.end() || other->second != value) parts.push_back(key);
    for (const auto& [key, value] : b)
        if (!a.contains(key)) parts.push_back(key);
    std::ranges::sort(parts);
    return parts;
}

struct tools_filter {
    std::string_view text;
    const tool_rules& rules;
    tool_watch* watch;
    std::string out;
    std::size_t copied = 0;

    /// nullopt: none, or several, of which readers take different ones.
    std::optional<std::string> name_of(text_span tool) const {
        std::optional<std::string> name;
        std::size_t names = 0;
        for_each_member(text, tool, [&](text_span key, text_span value) {
            if (decode_string(key.of(text)) != "name") return true;
            ++names;
            name = decode_string(value.of(text));
            return true;
        });
        return names == 1 ? name : std::nullopt;
    }

    void tools(text_span array) {
        std::string kept = "[";
        bool some_go = false;
        for_each_element(text, array, [&](text_span element) {
            const auto name = name_of(element);
            // What has no name cannot be called, and what has no readable one cannot be judged.
            if (rules.any() && !(name && rules.permits(*name))) {
                some_go = true;
                return true;
            }
            if (watch != nullptr && name) watch->note(*name, element.of(text));
            if (kept.size() > 1) kept += ',';
            kept.append(element.of(text));
            return true;
        });
        if (!some_go) return;
        out.append(text.substr(copied, array.begin - copied)).append(kept).append("]");
        copied = array.begin + array.size;
    }

    void message(text_span object) {
        for_each_member(text, object, [&](text_span key, text_span value) {
            if (decode_string(key.of(text)) != "result") return true;
            for_each_member(text, value, [&](text_span inner, text_span list) {
                if (decode_string(inner.of(text)) == "tools") tools(list);
                return true;
            });
            return true;
        });
    }
};

}  // namespace

void tool_watch::note(std::string_view name, std::string_view definition) {
    const auto members = digests_of(definition);
    const auto whole_digest = digest(definition);
    const auto found = known_.find(std::string(name));
    if (found == known_.end()) {
        if (known_.size() < max_tools) known_.emplace(name, known_tool{members, {whole_digest}});
        return;
    }
    auto& known = found->second;
    if (std::ranges::find(known.seen, whole_digest) != known.seen.end()) return;
    changes_.push_back({std::string(name), differences(known.members, members)});
    known.members = members;
    if (known.seen.size() >= max_seen) known.seen.erase(known.seen.begin());
    known.seen.push_back(whole_digest);
}

reply_text filter_tools(std::string_view reply, const tool_rules& rules, tool_watch* watch) {
    // Nearly all messages are of another kind; the word may be spelled with escapes only where there is a backslash.
    if (reply.find("tools") == std::string_view::npos && reply.find('\\') == std::string_view::npos)
        return {std::string(reply), false};
    if (!is_json(reply)) return {std::string(reply), false};
    tools_filter f{reply, rules, watch, {}, 0};
    const auto top = whole(reply);
    if (reply[top.begin] == '[')
        for_each_element(reply, top, [&](text_span m) {
            f.message(m);
            return true;
        });
    else
        f.message(top);
    if (f.copied == 0) return {std::string(reply), false};
    f.out.append(reply.substr(f.copied));
    return {std::move(f.out), true};
}

}  // namespace instatunnel::mcp
