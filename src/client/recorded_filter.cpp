#include <nlohmann/json.hpp>

#include "instatunnel/client/recording.hpp"
#include "instatunnel/client/redaction.hpp"
#include "instatunnel/mcp/json_text.hpp"

namespace instatunnel::client {
namespace {

using nlohmann::json;

// Strict, and nested no deeper than a parser that calls itself can bear.
std::optional<json> parse_body(std::string_view text) {
    if (!mcp::is_json(text)) return std::nullopt;
    auto parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
    return parsed.is_discarded() ? std::nullopt : std::optional(std::move(parsed));
}

std::optional<json::json_pointer> parse_pointer(const std::string& text) {
    try {
        return json::json_pointer(text);
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

bool has_value(const json& body, const std::string& pointer, const std::string& value) {
    const auto where = parse_pointer(pointer);
    const auto wanted = parse_body(value);
    try {
        return where && wanted && body.contains(*where) && body.at(*where) == *wanted;
    } catch (const json::exception&) {
        return false;  // "/0x" into an array: no index, no value
    }
}

}  // namespace

void recorded_filter::set_path(std::string pattern) {
    path_has_query = pattern.find('?') != std::string::npos;
    path.emplace(std::move(pattern));
}

outcome<void> recorded_filter::check_json(const std::string& pointer, const std::string& value) {
    if (!parse_pointer(pointer))
        return failure(errc::usage, "A JSON pointer begins with a slash", "Write it like \"/data/object/id\"");
    if (!parse_body(value)) return failure(errc::usage, "The value at a JSON pointer is no JSON");
    return {};
}

bool recorded_filter::matches_head(const recorded& r) const {
    if (!tunnel.empty() && tunnel != r.tunnel) return false;
    if (visitors_only && r.replay_of != 0) return false;
    if (!method.empty() && method != r.method) return false;
    if (status && !status->contains(r.status)) return false;
    if (!path) return true;
    return path_has_query ? path->matches(shown_url(r.path))
                          : path->matches(std::string_view(r.path).substr(0, r.path.find('?')));
}

bool recorded_filter::matches_body(const recorded& r) const {
    if (!body_text.empty() && r.body.bytes.find(body_text) == std::string::npos) return false;
    if (json.empty()) return true;
    if (r.body.is_cut()) return false;
    const auto body = parse_body(r.body.bytes);
    if (!body) return false;
    for (const auto& [pointer, value] : json)
        if (!has_value(*body, pointer, value)) return false;
    return true;
}

}  // namespace instatunnel::client
