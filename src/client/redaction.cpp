#include "instatunnel/client/redaction.hpp"

#include <algorithm>
#include <array>

#include "instatunnel/base/names.hpp"
#include "instatunnel/client/recording.hpp"

namespace instatunnel::client {
namespace {

constexpr std::string_view secret_mask = "***";

constexpr std::array<std::string_view, 10> telling_words{"token",  "secret",  "passw",      "pwd",       "passphrase",
                                                         "apikey", "session", "credential", "assertion", "jwt"};
// Whole names of parameters: as parts of other words they mean something else.
constexpr std::array<std::string_view, 12> secret_parameters{"key", "code",   "sig",  "auth", "sid",  "otp",
                                                             "pin", "ticket", "pass", "hmac", "sign", "authorization"};
// Of a value like "Bearer abc" the first word may be shown; of any other it may be the secret itself.
constexpr std::array<std::string_view, 14> known_schemes{
    "basic",  "bearer", "digest", "negotiate", "ntlm", "hmac", "aws4-hmac-sha256",
    "apikey", "token",  "key",    "hawk",      "dpop", "ssws", "signature"};

bool tells_a_secret(std::string_view lower) {
    return std::ranges::any_of(telling_words, [lower](auto w) { return lower.find(w) != std::string_view::npos; });
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

// A name may be written with escapes; of one that is not well written the rest is taken as it stands.
std::string parameter_name(std::string_view raw) {
    const auto lower = to_lower(raw);
    std::string name;
    for (std::size_t i = 0; i < lower.size(); ++i) {
        const int high = lower[i] == '%' && i + 2 < lower.size() ? hex_digit(lower[i + 1]) : -1;
        const int low = high >= 0 ? hex_digit(lower[i + 2]) : -1;
        if (low < 0) {
            name.push_back(lower[i]);
            continue;
        }
        name.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    return to_lower(name);
}

bool is_secret_parameter(std::string_view raw) {
    const auto name = parameter_name(raw);
    return tells_a_secret(name) || name.find("signature") != std::string::npos || name.ends_with("_key") ||
           name.ends_with("-key") || std::ranges::find(secret_parameters, name) != secret_parameters.end();
}

void append_parameters(std::string& out, std::string_view parameters) {
    for (bool more = true; more;) {
        const auto end = parameters.find_first_of("&;");
        const auto one = parameters.substr(0, end);
        const auto equals = one.find('=');
        if (equals != std::string_view::npos && equals + 1 < one.size() && is_secret_parameter(one.substr(0, equals)))
            out.append(one.substr(0, equals + 1)).append(secret_mask);
        else
            out.append(one);
        more = end != std::string_view::npos;
        if (!more) return;
        out.push_back(parameters[end]);
        parameters.remove_prefix(end + 1);
    }
}

bool has_secret_name(std::string_view lower) {
    return lower == "authorization" || lower == "proxy-authorization" || lower == "authentication-info" ||
           lower == "proxy-authentication-info" || lower == "dpop" || lower.ends_with("-auth") ||
           lower.ends_with("-authorization") || tells_a_secret(lower) ||
           (lower.ends_with("-key") && lower != "sec-websocket-key" && lower != "idempotency-key");
}

std::string shown_credentials(std::string_view value) {
    const auto blank = value.find(' ');
    if (blank == std::string_view::npos) return std::string(secret_mask);
    const auto scheme = value.substr(0, blank);
    if (std::ranges::find(known_schemes, to_lower(scheme)) == known_schemes.end()) return std::string(secret_mask);
    return std::string(scheme) + " " + std::string(secret_mask);
}

// "a=1; b=2". Of Set-Cookie only the first is the cookie, the others say how long and where it holds.
std::string shown_cookies(std::string_view value, bool first_only) {
    std::string out;
    for (bool more = true, is_first = true; more; is_first = false) {
        const auto end = value.find(';');
        const auto one = value.substr(0, end);
        const auto equals = one.find('=');
        if (!is_first && first_only)
            out.append(one);
        else if (equals == std::string_view::npos)
            out.append(one.find_first_not_of(' ') == std::string_view::npos ? std::string_view() : secret_mask);
        else
            out.append(one.substr(0, equals + 1)).append(secret_mask);
        more = end != std::string_view::npos;
        if (!more) break;
        out.push_back(';');
        value.remove_prefix(end + 1);
    }
    return out;
}

}  // namespace

std::string shown_url(std::string_view url) {
    std::string out;
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos && scheme < url.find_first_of("/?#")) {
        const auto host = url.substr(scheme + 3, url.find_first_of("/?#", scheme + 3) - (scheme + 3));
        out.append(url.substr(0, scheme + 3));
        url.remove_prefix(scheme + 3);
        if (const auto at = host.rfind('@'); at != std::string_view::npos) {
            out.append(secret_mask);
            url.remove_prefix(at);
        }
    }
    const auto path_end = std::min(url.find_first_of("?#"), url.size());
    out.append(url.substr(0, path_end));
    url.remove_prefix(path_end);
    while (!url.empty()) {
        out.push_back(url.front());
        url.remove_prefix(1);
        // A question mark inside of a query may begin another address.
        const auto end = std::min(url.find_first_of("?#"), url.size());
        append_parameters(out, url.substr(0, end));
        url.remove_prefix(end);
    }
    return out;
}

std::string shown_field(std::string_view name, std::string_view value) {
    const auto lower = to_lower(name);
    if (value.empty()) return {};
    if (lower == "cookie" || lower == "set-cookie") return shown_cookies(value, lower == "set-cookie");
    if (has_secret_name(lower)) return shown_credentials(value);
    const bool is_address = value.find("://") != std::string_view::npos || value.front() == '/';
    return is_address ? shown_url(value) : std::string(value);
}

void redact(recorded& r) {
    r.path = shown_url(r.path);
    for (auto* fields : {&r.fields, &r.trailers, &r.reply_fields, &r.reply_trailers})
        for (auto& f : *fields)
            f.value = shown_field(f.name, f.value);
}

}  // namespace instatunnel::client
