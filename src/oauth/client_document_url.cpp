#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include "instatunnel/base/names.hpp"
#include "instatunnel/oauth/client_document.hpp"

namespace instatunnel::oauth {
namespace {

constexpr std::string_view https_scheme = "https://";
constexpr std::size_t max_url = 2048;
constexpr std::size_t max_host = 253;

refusal refused(const char* why) {
    return {"invalid_client", std::string("client_id is no address of a client's document: ") + why};
}

bool is_alphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 3986 §2; what is not in it could be shown to a person or read by a fetcher in more than one way.
bool is_url_character(char c) noexcept {
    return is_alphanumeric(c) || std::string_view("-._~:/?#[]@!$&'()*+,;=%").find(c) != std::string_view::npos;
}

bool is_host(std::string_view host) noexcept {
    if (host.empty() || host.size() > max_host) return false;
    if (host.front() == '[')
        return host.size() > 2 && host.back() == ']' &&
               std::ranges::all_of(host.substr(1, host.size() - 2), [](char c) {
                   return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
                          c == '.';
               });
    return is_alphanumeric(host.front()) && host.find("..") == std::string_view::npos &&
           std::ranges::all_of(host, [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
}

// "HOST" or "HOST:PORT".
bool is_authority(std::string_view authority) noexcept {
    const auto bracket = authority.rfind(']');
    auto colon = authority.rfind(':');
    if (bracket != std::string_view::npos && colon != std::string_view::npos && colon < bracket)
        colon = std::string_view::npos;
    if (!is_host(authority.substr(0, colon))) return false;
    if (colon == std::string_view::npos) return true;
    const auto digits = authority.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return error == std::errc() && end == digits.data() + digits.size() && port != 0;
}

// "." and "..", also with dots written as %2e: some readers decode before they look.
bool is_dot_segment(std::string_view segment) {
    auto plain = to_lower(segment);
    for (auto at = plain.find("%2e"); at != std::string::npos; at = plain.find("%2e"))
        plain.replace(at, 3, ".");
    return plain == "." || plain == "..";
}

bool has_dot_segment(std::string_view path) {
    for (;;) {
        const auto slash = path.find('/');
        if (is_dot_segment(path.substr(0, slash))) return true;
        if (slash == std::string_view::npos) return false;
        path.remove_prefix(slash + 1);
    }
}

}  // namespace

answer<void> check_client_document_url(std::string_view id) {
    if (!id.starts_with(https_scheme)) return refused("it does not begin with https://");
    if (id.size() > max_url) return refused("it is longer than 2,048 bytes");
    if (!std::ranges::all_of(id, is_url_character)) return refused("it holds characters that no address has");
    if (id.find('#') != std::string_view::npos) return refused("it has a fragment");
    const auto behind = id.substr(https_scheme.size());
    const auto authority = behind.substr(0, behind.find_first_of("/?"));
    if (authority.find('@') != std::string_view::npos) return refused("it has a user part");
    if (!is_authority(authority)) return refused("its host or port is not well written");
    auto path = behind.substr(authority.size());
    path = path.substr(0, path.find('?'));
    if (path.empty()) return refused("it has no path");
    if (has_dot_segment(path)) return refused("its path has dot segments");
    return {};
}

}  // namespace instatunnel::oauth
