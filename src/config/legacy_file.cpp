#include "instatunnel/config/legacy_file.hpp"

#include "instatunnel/base/file.hpp"
#include "instatunnel/base/names.hpp"

namespace instatunnel::config {
namespace {

constexpr std::uint64_t max_legacy_file = 64 * 1024;

// A plain scalar ends at " #"; a quoted one at its quote. Escapes do not occur in keys, addresses and URLs.
std::string_view scalar(std::string_view text) {
    text = trim(text);
    if (text.empty()) return {};
    if (text.front() == '"' || text.front() == '\'') {
        const auto end = text.find(text.front(), 1);
        return end == std::string_view::npos ? std::string_view() : text.substr(1, end - 1);
    }
    if (text.front() == '#') return {};
    return trim(text.substr(0, text.find(" #")));
}

}  // namespace

legacy_settings parse_legacy(std::string_view text) {
    legacy_settings found;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const auto colon = line.find(':');
        // Only top-level members count: an indented one belongs to something else.
        if (colon == std::string_view::npos || line.front() == ' ' || line.front() == '#') continue;
        const auto name = trim(line.substr(0, colon));
        const auto value = scalar(line.substr(colon + 1));
        if (name == "api_key") found.api_key = secret(std::string(value));
        if (name == "email") found.email = value;
        if (name == "server_url") found.server_url = value;
    }
    return found;
}

outcome<std::optional<legacy_settings>> load_legacy(const std::filesystem::path& path) {
    auto text = read_file(path, max_legacy_file);
    if (!text) {
        if (text.error().code == errc::file_missing) return std::optional<legacy_settings>();
        return text.error();
    }
    const secret content(std::move(*text));
    return std::optional<legacy_settings>(parse_legacy(content.reveal()));
}

}  // namespace instatunnel::config
