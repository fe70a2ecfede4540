#include "instatunnel/client/target.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>

#include "instatunnel/base/names.hpp"
#include "instatunnel/net/dial.hpp"

namespace instatunnel::client {
namespace {

constexpr std::array<std::uint16_t, 6> usual_ports = {3000, 8000, 3001, 8080, 4000, 5000};
constexpr auto probe_limit = std::chrono::milliseconds(200);
constexpr std::size_t longest_unix_path = sizeof(sockaddr_un::sun_path) - 1;

failure malformed(std::string_view text, std::string_view reason) {
    // A key or a password in the wrong place must not end up in somebody's log.
    if (text.starts_with("it_") || text.find('@') != std::string_view::npos)
        return {errc::malformed_target, "That is not a target: " + std::string(reason)};
    std::string shown(text.substr(0, 80));
    std::ranges::replace_if(
        shown, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
    return {errc::malformed_target, "\"" + shown + "\" is not a target: " + std::string(reason)};
}

bool all_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    unsigned value = 0;
    if (!all_digits(text) || text.size() > 5) return std::nullopt;
    std::from_chars(text.data(), text.data() + text.size(), value);
    if (value < 1 || value > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(value);
}

bool is_ipv6(const std::string& text) {
    in6_addr address{};
    return ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

// Letters, digits, hyphens, dots and underscores (container names have them): nothing that could mean something else.
bool is_host(std::string_view text) {
    const auto usable = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == '_';
    };
    return !text.empty() && text.size() <= 253 && text.front() != '-' && text.front() != '.' &&
           std::ranges::all_of(text, usable);
}

outcome<target> parse_unix(std::string_view text) {
    const auto path = text.substr(std::strlen("unix:"));
    if (!path.starts_with('/')) return malformed(text, "the path of a unix socket starts with /");
    if (path.size() > longest_unix_path) return malformed(text, "the path of a unix socket has at most 107 bytes");
    if (path.find('\0') != std::string_view::npos) return malformed(text, "a path holds no NUL");
    target t;
    t.is_unix = true;
    t.unix_path = path;
    t.display = text;
    return t;
}

std::string shown_authority(const target& t, bool with_port) {
    std::string shown = t.host.find(':') == std::string::npos ? t.host : "[" + t.host + "]";
    if (with_port) shown += ":" + std::to_string(t.port);
    return shown;
}

// HOST:PORT or [IPv6]:PORT; without a port, `default_port` if it is not 0.
outcome<target> parse_authority(std::string_view whole, std::string_view authority, std::uint16_t default_port) {
    target t;
    std::string_view port;
    bool has_port = false;
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos) return malformed(whole, "the bracket of the IPv6 address is not closed");
        t.host = to_lower(authority.substr(1, end - 1));
        if (!is_ipv6(t.host)) return malformed(whole, "the brackets do not hold an IPv6 address");
        const auto rest = authority.substr(end + 1);
        has_port = rest.starts_with(':');
        if (!rest.empty() && !has_port) return malformed(whole, "after the bracket comes a colon and a port");
        port = has_port ? rest.substr(1) : rest;
    } else {
        const auto colon = authority.find(':');
        t.host = to_lower(authority.substr(0, colon));
        has_port = colon != std::string_view::npos;
        port = has_port ? authority.substr(colon + 1) : std::string_view();
        if (port.find(':') != std::string_view::npos)
            return malformed(whole, "an IPv6 address stands in brackets, like [::1]:3000");
        if (!is_host(t.host)) return malformed(whole, "the host is not a name or address");
    }
    if (!has_port && default_port == 0) return malformed(whole, "the port is missing, like localhost:3000");
    const auto number = has_port ? parse_port(port) : std::optional(default_port);
    if (!number) return malformed(whole, "a port is a number from 1 to 65535");
    t.port = *number;
    return t;
}

outcome<target> parse_http(std::string_view text, bool tls) {
    auto authority = text.substr(text.find("://") + 3);
    if (authority.ends_with('/')) authority.remove_suffix(1);
    if (authority.find_first_of("/?#") != std::string_view::npos)
        return malformed(text, "a target has no path; visitors bring their own");
    if (authority.find('@') != std::string_view::npos)
        return malformed(text, "a target holds no user name or password");
    const std::uint16_t usual = tls ? 443 : 80;
    auto t = parse_authority(text, authority, usual);
    if (!t) return t;
    t->is_tls = tls;
    t->display = (tls ? "https://" : "") + shown_authority(*t, !tls || t->port != usual);
    return t;
}

}  // namespace

outcome<target> parse_target(std::string_view text) {
    text = trim(text);
    if (text.empty()) return failure(errc::malformed_target);
    if (text.starts_with("unix:")) return parse_unix(text);
    if (iequals(text.substr(0, 7), "http://")) return parse_http(text, false);
    if (iequals(text.substr(0, 8), "https://")) return parse_http(text, true);
    if (text.find("://") != std::string_view::npos)
        return malformed(text, "only http://, https:// and unix: are known");
    if (all_digits(text)) {
        const auto port = parse_port(text);
        if (!port) return malformed(text, "a port is a number from 1 to 65535");
        target t;
        t.port = *port;
        t.display = shown_authority(t, true);
        return t;
    }
    auto t = parse_authority(text, text, 0);
    if (t) t->display = shown_authority(*t, true);
    return t;
}

target directory_target(std::string_view path) {
    constexpr std::size_t longest_shown = 100;  // it travels in the greeting
    target t;
    t.is_directory = true;
    std::error_code ignored;
    t.directory = std::filesystem::absolute(path, ignored).string();
    // Of a long path the end says which it is.
    std::size_t start = path.size() > longest_shown ? path.size() - longest_shown : 0;
    while (start != 0 && start < path.size() && (path[start] & 0xC0) == 0x80)  // inside of a character
        ++start;
    t.display = (start == 0 ? "" : "…") + std::string(path.substr(start));
    std::ranges::replace_if(
        t.display, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
    return t;
}

bool port_accepts(std::uint16_t port) {
    return net::dial({"localhost", port}, probe_limit).has_value();
}

outcome<target> detect_target() {
    for (const auto port : usual_ports)
        if (port_accepts(port)) return parse_target(std::to_string(port));
    return failure(errc::no_target_found);
}

}  // namespace instatunnel::client
