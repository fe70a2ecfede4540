#include "request_path.hpp"

namespace instatunnel::files {
namespace {

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    const char folded = static_cast<char>(c | 0x20);
    return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

// Appends one decoded segment. What the file system would read as more than a name is no segment.
path_verdict append_segment(std::string_view segment, std::string& out) {
    const auto start = out.size();
    for (std::size_t i = 0; i < segment.size(); ++i) {
        char c = segment[i];
        if (c == '%') {
            if (segment.size() - i < 3) return path_verdict::malformed;
            const int high = hex_value(segment[i + 1]), low = hex_value(segment[i + 2]);
            if (high < 0 || low < 0) return path_verdict::malformed;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        if (c == '\0') return path_verdict::malformed;
        out += c;
    }
    const auto name = std::string_view(out).substr(start);
    if (name == "." || name == "..") return path_verdict::malformed;
    return name.find('/') == std::string_view::npos ? path_verdict::good : path_verdict::absent;
}

}  // namespace

path_verdict decode_path(std::string_view target, request_path& out) {
    out.file.clear();
    out.is_hidden = out.has_extension = false;
    auto rest = target.substr(0, target.find('?'));
    if (!rest.starts_with('/')) return path_verdict::malformed;
    out.wants_directory = rest.ends_with('/');
    // The worst finding counts, not the first: a path that climbs is malformed, whatever else is wrong with it.
    auto verdict = path_verdict::good;
    while (!rest.empty()) {
        rest.remove_prefix(1);
        const auto segment = rest.substr(0, rest.find('/'));
        rest.remove_prefix(segment.size());
        if (segment.empty()) continue;
        const bool is_first = out.file.empty();
        if (!is_first) out.file += '/';
        const auto start = out.file.size();
        const auto found = append_segment(segment, out.file);
        if (found == path_verdict::malformed) return found;
        if (found != path_verdict::good) verdict = found;
        const auto name = std::string_view(out.file).substr(start);
        const bool is_well_known = is_first && name == ".well-known";
        out.is_hidden = out.is_hidden || (name.starts_with('.') && !is_well_known);
        out.has_extension = name.find('.') != std::string_view::npos;
    }
    return verdict;
}

}  // namespace instatunnel::files
