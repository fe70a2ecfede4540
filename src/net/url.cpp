#include <charconv>

#include "instatunnel/base/names.hpp"
#include "instatunnel/net/dial.hpp"

namespace instatunnel::net {
namespace {

constexpr std::size_t max_url = 2048;
constexpr std::size_t max_shown = 200;

// A URL may carry a password in front of an @, so such a text is never repeated.
failure malformed(std::string_view text, const std::string& reason) {
    if (text.empty() || text.size() > max_shown || text.find('@') != std::string_view::npos)
        return {errc::malformed_url, "That is not a usable URL: " + reason};
    for (const char c : text)
        if (c < 0x20 || c > 0x7e) return {errc::malformed_url, "That is not a usable URL: " + reason};
    return {errc::malformed_url, "\"" + std::string(text) + "\" is not a usable URL: " + reason};
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

bool is_host_name(std::string_view host) {
    if (host.empty() || host.size() > 253 || host.front() == '.' || host.front() == '-') return false;
    for (const char c : host) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '.' && c != '_') return false;
    }
    return host.find("..") == std::string_view::npos;
}

bool is_address_in_brackets(std::string_view inner) {
    return inner.find(':') != std::string_view::npos && inner.size() <= 64 &&
           inner.find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
}

/// Takes the host off the front of `authority`; what stays is empty or ":port".
bool take_host(std::string_view& authority, std::string& host) {
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos) return false;
        host = to_lower(authority.substr(1, end - 1));
        authority.remove_prefix(end + 1);
        return is_address_in_brackets(host);
    }
    const auto end = std::min(authority.find(':'), authority.size());
    host = to_lower(authority.substr(0, end));
    authority.remove_prefix(end);
    return is_host_name(host);
}

bool take_port(std::string_view rest, std::uint16_t& port) {
    if (rest.empty()) return true;
    if (rest.front() != ':' || rest.size() > 6) return false;
    rest.remove_prefix(1);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), port);
    return error == std::errc() && end == rest.data() + rest.size() && port != 0;
}

}  // namespace

std::string url_parts::origin() const {
    std::string text = is_https ? "https://" : "http://";
    text += host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (port != (is_https ? 443 : 80)) text += ":" + std::to_string(port);
    return text;
}

outcome<url_parts> parse_url(std::string_view text) {
    text = trim(text);
    if (text.size() > max_url) return malformed(text, "it is too long");
    for (const char c : text)
        if (c <= 0x20 || c > 0x7e || c == '\\' || c == '"' || c == '<' || c == '>')
            return malformed(text, "it holds blanks or other characters that a URL must not have");

    url_parts parts;
    if (starts_with_ignoring_case(text, "http://")) {
        parts.is_https = false;
        parts.port = 80;
    } else if (!starts_with_ignoring_case(text, "https://")) {
        return malformed(text, "it must begin with https:// or http://");
    }
    auto rest = text.substr(parts.is_https ? 8 : 7);
    if (rest.find_first_of("?#") != std::string_view::npos)
        return malformed(text, "a query (?) or fragment (#) has no place in it");

    const auto slash = std::min(rest.find('/'), rest.size());
    auto authority = rest.substr(0, slash);
    if (authority.find('@') != std::string_view::npos)
        return malformed(text, "a user name or password has no place in it");
    if (!take_host(authority, parts.host)) return malformed(text, "the host is not valid");
    if (!take_port(authority, parts.port)) return malformed(text, "the port must be a number from 1 to 65535");

    parts.path = rest.substr(slash);
    while (parts.path.ends_with('/'))
        parts.path.pop_back();
    return parts;
}

}  // namespace instatunnel::net
