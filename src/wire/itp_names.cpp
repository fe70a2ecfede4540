#include "itp_names.hpp"

#include <array>
#include <string>

namespace instatunnel::wire::itp {
namespace {

// Append only: a position is a number on the wire. Hop-by-hop names have no place here.
constexpr std::string_view names[] = {"",
                                      "Accept",
                                      "Accept-Charset",
                                      "Accept-Encoding",
                                      "Accept-Language",
                                      "Accept-Ranges",
                                      "Access-Control-Allow-Credentials",
                                      "Access-Control-Allow-Headers",
                                      "Access-Control-Allow-Methods",
                                      "Access-Control-Allow-Origin",
                                      "Access-Control-Expose-Headers",
                                      "Access-Control-Max-Age",
                                      "Access-Control-Request-Headers",
                                      "Access-Control-Request-Method",
                                      "Age",
                                      "Allow",
                                      "Alt-Svc",
                                      "Authorization",
                                      "Cache-Control",
                                      "Content-Disposition",
                                      "Content-Encoding",
                                      "Content-Language",
                                      "Content-Length",
                                      "Content-Location",
                                      "Content-Range",
                                      "Content-Security-Policy",
                                      "Content-Security-Policy-Report-Only",
                                      "Content-Type",
                                      "Cookie",
                                      "Cross-Origin-Embedder-Policy",
                                      "Cross-Origin-Opener-Policy",
                                      "Cross-Origin-Resource-Policy",
                                      "DNT",
                                      "Date",
                                      "ETag",
                                      "Expect",
                                      "Expires",
                                      "Forwarded",
                                      "From",
                                      "Host",
                                      "If-Match",
                                      "If-Modified-Since",
                                      "If-None-Match",
                                      "If-Range",
                                      "If-Unmodified-Since",
                                      "Last-Event-ID",
                                      "Last-Modified",
                                      "Link",
                                      "Location",
                                      "MCP-Protocol-Version",
                                      "Mcp-Session-Id",
                                      "NEL",
                                      "Origin",
                                      "Permissions-Policy",
                                      "Pragma",
                                      "Priority",
                                      "Range",
                                      "Referer",
                                      "Referrer-Policy",
                                      "Refresh",
                                      "Report-To",
                                      "Retry-After",
                                      "Sec-CH-UA",
                                      "Sec-CH-UA-Mobile",
                                      "Sec-CH-UA-Platform",
                                      "Sec-Fetch-Dest",
                                      "Sec-Fetch-Mode",
                                      "Sec-Fetch-Site",
                                      "Sec-Fetch-User",
                                      "Sec-GPC",
                                      "Sec-WebSocket-Accept",
                                      "Sec-WebSocket-Extensions",
                                      "Sec-WebSocket-Key",
                                      "Sec-WebSocket-Protocol",
                                      "Sec-WebSocket-Version",
                                      "Server",
                                      "Server-Timing",
                                      "Set-Cookie",
                                      "SourceMap",
                                      "Strict-Transport-Security",
                                      "Timing-Allow-Origin",
                                      "Traceparent",
                                      "Tracestate",
                                      "Upgrade-Insecure-Requests",
                                      "User-Agent",
                                      "Vary",
                                      "Via",
                                      "WWW-Authenticate",
                                      "Warning",
                                      "X-Content-Type-Options",
                                      "X-Forwarded-For",
                                      "X-Forwarded-Host",
                                      "X-Forwarded-Port",
                                      "X-Forwarded-Proto",
                                      "X-Frame-Options",
                                      "X-Powered-By",
                                      "X-Real-IP",
                                      "X-Request-Id",
                                      "X-Requested-With",
                                      "X-XSS-Protection"};
constexpr std::size_t name_count = std::size(names);
static_assert(name_count <= 128);

constexpr char fold(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr std::size_t longest = [] {
    std::size_t n = 0;
    for (const auto name : names)
        n = name.size() > n ? name.size() : n;
    return n;
}();

constexpr std::size_t buckets = 512;
constexpr std::size_t bucket_of(std::string_view name) {
    // Both cases of a letter give the same; so do some other bytes, which costs a comparison more.
    const auto first = static_cast<unsigned char>(name.front() | 0x20);
    const auto middle = static_cast<unsigned char>(name[name.size() / 2] | 0x20);
    const auto last = static_cast<unsigned char>(name.back() | 0x20);
    return (name.size() * 37 + first * 11u + middle * 5u + last * 3u) % buckets;
}

struct index {
    std::array<std::uint8_t, buckets> first{};
    std::array<std::uint8_t, name_count> next{};
    std::array<std::array<char, longest>, name_count> lower{};
};

constexpr index make_index() {
    index made{};
    for (std::size_t i = 1; i < name_count; ++i) {
        const auto bucket = bucket_of(names[i]);
        made.next[i] = made.first[bucket];
        made.first[bucket] = static_cast<std::uint8_t>(i);
        for (std::size_t k = 0; k < names[i].size(); ++k)
            made.lower[i][k] = fold(names[i][k]);
    }
    return made;
}
constexpr index table = make_index();

std::string_view lower_of(std::size_t i) {
    return {table.lower[i].data(), names[i].size()};
}

}  // namespace

std::uint8_t code_of_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > longest) return 0;
    for (std::uint8_t i = table.first[bucket_of(name)]; i != 0; i = table.next[i]) {
        if (names[i] == name) return i;
        if (lower_of(i) == name) return static_cast<std::uint8_t>(i | 0x80);
    }
    return 0;
}

std::string_view name_of_code(std::uint8_t code) noexcept {
    const std::size_t i = code & 0x7F;
    if (i == 0 || i >= name_count) return {};
    return (code & 0x80) != 0 ? lower_of(i) : names[i];
}

}  // namespace instatunnel::wire::itp
