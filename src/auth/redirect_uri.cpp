#include "instatunnel/auth/redirect_uri.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace instatunnel::auth {
namespace {

constexpr std::size_t max_bytes = 2048;

struct parts {
    std::string_view scheme;
    std::string_view host;  ///< with brackets, without port
    std::string_view port;  ///< without colon
    std::string_view rest;  ///< path and query
};

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_port(std::string_view text) noexcept {
    return text.size() <= 5 && std::ranges::all_of(text, is_digit) &&
           (text.empty() || std::stoi(std::string(text)) <= 65535);
}

// "HOST[:PORT]", HOST perhaps in brackets.
bool split_authority(std::string_view authority, parts& p) {
    const auto bracket = authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
    if (authority.starts_with('[') && bracket == std::string_view::npos) return false;
    const auto from = bracket == std::string_view::npos ? 0 : bracket;
    const auto colon = std::min(authority.find(':', from), authority.size());
    p.host = authority.substr(0, colon);
    if (bracket != std::string_view::npos && colon != bracket + 1 && colon != authority.size()) return false;
    p.port = colon < authority.size() ? authority.substr(colon + 1) : std::string_view();
    return !p.host.empty() && is_port(p.port) && (colon == authority.size() || !p.port.empty());
}

// http and https only.
std::optional<parts> split(std::string_view uri) {
    parts p;
    const auto mark = uri.find("://");
    if (mark == std::string_view::npos) return std::nullopt;
    p.scheme = uri.substr(0, mark);
    if (p.scheme != "http" && p.scheme != "https") return std::nullopt;
    const auto behind = uri.substr(mark + 3);
    const auto end = std::min(behind.find_first_of("/?"), behind.size());
    p.rest = behind.substr(end);
    if (!split_authority(behind.substr(0, end), p)) return std::nullopt;
    return p;
}

bool is_loopback_host(std::string_view host) noexcept {
    return host == "127.0.0.1" || host == "[::1]";
}

// A scheme that belongs to an app: a domain name of its maker, backwards (RFC 8252 §7.1).
bool is_private_use(std::string_view uri) {
    const auto colon = uri.find(':');
    if (colon == std::string_view::npos || colon == 0 || !is_letter(uri[0])) return false;
    const auto scheme = uri.substr(0, colon);
    const bool spelled = std::ranges::all_of(
        scheme, [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
    return spelled && scheme.find('.') != std::string_view::npos && uri.size() > colon + 1;
}

failure refused(std::string_view uri, const char* why) {
    return {errc::usage, "\"" + std::string(uri.substr(0, 120)) + "\" cannot be a redirect address: " + why,
            "Write it like https://app.example.com/callback, or http://127.0.0.1/callback for a program"};
}

}  // namespace

outcome<void> check_redirect_uri(std::string_view uri) {
    if (uri.empty() || uri.size() > max_bytes) return refused(uri, "1 to 2,048 bytes are allowed");
    if (std::ranges::any_of(
            uri, [](char c) { return c <= 0x20 || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\'; }))
        return refused(std::string_view(), "it holds characters that no address has");
    if (uri.find('#') != std::string_view::npos) return refused(uri, "it has a fragment");
    if (uri.find('*') != std::string_view::npos) return refused(uri, "wildcards are not allowed");
    const auto p = split(uri);
    if (!p) {
        if (!uri.starts_with("http:") && !uri.starts_with("https:") && is_private_use(uri)) return {};
        return refused(uri, "it is neither https, nor http to this machine, nor an app's own scheme");
    }
    if (p->host.find('@') != std::string_view::npos) return refused(uri, "it has a user part");
    if (p->scheme == "http" && !is_loopback_host(p->host) && p->host != "localhost")
        return refused(uri, "http is allowed to 127.0.0.1, [::1] and localhost only");
    return {};
}

bool is_same_redirect(std::string_view registered, std::string_view given) noexcept {
    if (registered == given) return true;
    const auto known = split(registered);
    const auto asked = split(given);
    if (!known || !asked || known->scheme != "http" || !is_loopback_host(known->host)) return false;
    return asked->scheme == known->scheme && asked->host == known->host && asked->rest == known->rest;
}

}  // namespace instatunnel::auth
