#include <algorithm>
#include <cstdint>
#include <optional>

#include "instatunnel/base/names.hpp"
#include "instatunnel/oauth/client_document.hpp"

namespace instatunnel::oauth {
namespace {

using std::chrono::seconds;

constexpr seconds shortest{5 * 60};
constexpr seconds longest{24 * 3600};
constexpr seconds unsaid{3600};

// Seconds, also in quotes (RFC 9111 §5.2); nullopt: no number. More than `longest` is `longest`, however many digits.
std::optional<seconds> read_seconds(std::string_view text) noexcept {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    if (text.empty()) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = std::min<std::int64_t>(value * 10 + (c - '0'), longest.count());
    }
    return seconds(value);
}

// What one directive allows; nullopt: it says nothing about time. A max-age that is no number is stale at once (RFC
// 9111 §4.2.1).
std::optional<seconds> allowed_by(std::string_view directive) noexcept {
    const auto equals = directive.find('=');
    const auto name = trim(directive.substr(0, equals));
    if (iequals(name, "no-store") || iequals(name, "no-cache")) return seconds(0);
    if (!iequals(name, "max-age")) return std::nullopt;
    if (equals == std::string_view::npos) return seconds(0);
    return read_seconds(trim(directive.substr(equals + 1))).value_or(seconds(0));
}

}  // namespace

seconds client_document_life(std::string_view cache_control) noexcept {
    std::optional<seconds> life;
    while (!cache_control.empty()) {
        const auto end = std::min(cache_control.find(','), cache_control.size());
        if (const auto allowed = allowed_by(cache_control.substr(0, end)))
            life = std::min(life.value_or(longest), *allowed);
        cache_control.remove_prefix(std::min(end + 1, cache_control.size()));
    }
    return std::clamp(life.value_or(unsaid), shortest, longest);
}

}  // namespace instatunnel::oauth
