#include "instatunnel/mail/smtp_server.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "instatunnel/auth/token_bucket.hpp"
#include "instatunnel/base/names.hpp"

namespace instatunnel::mail {
namespace {

constexpr std::size_t max_credential = 512;

failure unusable(const char* why) {
    return {errc::usage, std::string("That is no address of a mail server: ") + why,
            "Write it like: --smtp-url smtp://USER@mail.example.com:587, the password in INSTATUNNEL_SMTP_PASSWORD"};
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Without control characters, decoded or not: SMTP's own lines end with them.
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        if (static_cast<unsigned char>(c) < ' ' || c == 127) return std::nullopt;
        decoded += c;
    }
    if (decoded.size() > max_credential) return std::nullopt;
    return decoded;
}

bool is_host(std::string_view host) {
    const bool v6 = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
    if (v6) host = host.substr(1, host.size() - 2);
    return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [v6](char c) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';
        return plain || (v6 ? c == ':' : c == '-');
    });
}

outcome<void> read_credentials(smtp_server& server, std::string_view text) {
    const auto colon = text.find(':');
    auto user = percent_decoded(text.substr(0, colon));
    if (!user || user->empty()) return unusable("its user is empty or not well written");
    server.user = std::move(*user);
    if (colon == std::string_view::npos) return {};
    auto password = percent_decoded(text.substr(colon + 1));
    if (!password) return unusable("its password is not well written");
    server.password = secret(std::move(*password));
    return {};
}

outcome<void> read_place(smtp_server& server, std::string_view text) {
    const auto bracket = text.rfind(']');
    auto colon = text.rfind(':');
    if (bracket != std::string_view::npos && colon != std::string_view::npos && colon < bracket)
        colon = std::string_view::npos;
    server.host = to_lower(text.substr(0, colon));
    if (!is_host(server.host)) return unusable("its host is missing or not well written");
    if (colon == std::string_view::npos) return {};
    const auto digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), server.port);
    if (error != std::errc() || end != digits.data() + digits.size() || server.port == 0)
        return unusable("its port is not a number from 1 to 65535");
    return {};
}

}  // namespace

bool smtp_server::is_local() const {
    if (host == "localhost") return true;
    return auth::is_loopback(host.starts_with('[') ? host.substr(1, host.size() - 2) : host);
}

outcome<smtp_server> parse_smtp_url(std::string_view url) {
    smtp_server server;
    if (url.starts_with("smtps://")) {
        server.implicit_tls = true;
        server.port = 465;
        url.remove_prefix(8);
    } else if (url.starts_with("smtp://")) {
        url.remove_prefix(7);
    } else {
        return unusable("it begins with neither smtp:// nor smtps://");
    }
    if (url.ends_with('/')) url.remove_suffix(1);
    if (const auto at = url.rfind('@'); at != std::string_view::npos) {
        if (auto read = read_credentials(server, url.substr(0, at)); !read) return read.error();
        url.remove_prefix(at + 1);
    }
    if (auto read = read_place(server, url); !read) return read.error();
    return server;
}

}  // namespace instatunnel::mail
