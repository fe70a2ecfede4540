#include "cors.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "instatunnel/base/names.hpp"
#include "instatunnel/service/origin.hpp"

namespace instatunnel::service {
namespace {

constexpr const char* exposed =
    "RateLimit-Limit, RateLimit-Policy, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id";
constexpr const char* request_fields = "Authorization, Content-Type, X-API-Key";
constexpr const char* preflight_seconds = "600";

bool is_host(std::string_view host) {
    if (host.empty() || host.size() > 253) return false;
    if (host.front() == '[')
        return host.size() > 3 && host.back() == ']' &&
               host.substr(1, host.size() - 2).find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
    while (!host.empty()) {
        const auto dot = host.find('.');
        // Encoded international names ("xn--…") are no labels to is_dns_label, and are hosts here.
        const auto label = host.substr(0, dot);
        if (!is_dns_label(label) && !(label.starts_with("xn--") && is_dns_label(label.substr(4)))) return false;
        if (dot == std::string_view::npos) return true;
        host.remove_prefix(dot + 1);
    }
    return false;
}

bool is_port(std::string_view port, std::string_view own) {
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    const bool whole = error == std::errc() && end == port.data() + port.size();
    return whole && number != 0 && port.front() != '0' && port != own;
}

failure not_an_origin(std::string_view text) {
    return {errc::usage,
            "\"" + std::string(text.substr(0, 80)) + "\" is no web origin: a scheme, a host and a port that is not " +
                "the scheme's own, without a path and without a wildcard",
            "Write it as browsers do: --cors-origin https://app.example.com"};
}

}  // namespace

outcome<std::string> check_origin(std::string_view text) {
    const auto origin = to_lower(text);
    const bool encrypted = origin.starts_with("https://");
    if (!encrypted && !origin.starts_with("http://")) return not_an_origin(text);
    const auto authority = std::string_view(origin).substr(encrypted ? 8 : 7);
    const auto bracket = authority.rfind(']');
    const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (!is_host(authority.substr(0, colon))) return not_an_origin(text);
    if (colon != std::string_view::npos && !is_port(authority.substr(colon + 1), encrypted ? "443" : "80"))
        return not_an_origin(text);
    return origin;
}

bool cors_policy::allows(std::string_view origin) const {
    return std::ranges::find(origins_, origin) != origins_.end();
}

cors_policy::fields cors_policy::for_answer(std::string_view origin) const {
    if (origins_.empty()) return {};
    // The answer differs by origin: a cache must not hand one page's answer to another.
    fields added{{"Vary", "Origin"}};
    if (!allows(origin)) return added;
    added.emplace_back("Access-Control-Allow-Origin", origin);
    added.emplace_back("Access-Control-Expose-Headers", exposed);
    return added;
}

cors_policy::fields cors_policy::for_preflight(std::string_view methods) {
    return {{"Access-Control-Allow-Methods", std::string(methods)},
            {"Access-Control-Allow-Headers", request_fields},
            {"Access-Control-Max-Age", preflight_seconds}};
}

}  // namespace instatunnel::service
