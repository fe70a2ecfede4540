#include "instatunnel/auth/name_rules.hpp"

#include <algorithm>
#include <iterator>

#include "instatunnel/base/names.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::auth {
namespace {

// Sorted, for the binary search; a unit test checks it.
constexpr std::string_view reserved[] = {
    "abuse",        "account",  "accounts", "acme",          "admin",       "administrator",
    "api",          "app",      "apps",     "assets",        "auth",        "autoconfig",
    "autodiscover", "billing",  "blog",     "broadcasthost", "cdn",         "client",
    "connect",      "console",  "contact",  "control",       "dashboard",   "dev",
    "dns",          "docs",     "download", "downloads",     "edge",        "email",
    "ftp",          "gateway",  "graphql",  "health",        "help",        "host",
    "hostmaster",   "id",       "imap",     "info",          "instatunnel", "internal",
    "invalid",      "isatap",   "it",       "legal",         "local",       "localdomain",
    "localhost",    "login",    "logout",   "mail",          "mcp",         "meta",
    "metrics",      "mta-sts",  "mx",       "news",          "noc",         "node",
    "ns",           "ns1",      "ns2",      "ns3",           "ns4",         "oauth",
    "official",     "panel",    "password", "pay",           "payment",     "payments",
    "pop",          "pop3",     "portal",   "postmaster",    "pricing",     "privacy",
    "proxy",        "register", "relay",    "releases",      "root",        "secure",
    "security",     "server",   "service",  "services",      "signin",      "signup",
    "smtp",         "ssl",      "sso",      "staging",       "static",      "stats",
    "status",       "support",  "sysadmin", "system",        "team",        "terms",
    "test",         "tls",      "token",    "tunnel",        "tunnels",     "update",
    "updates",      "usenet",   "user",     "users",         "v1",          "v2",
    "verify",       "vpn",      "webmail",  "webmaster",     "wpad",        "www",
    "www1",         "www2",
};
static_assert(std::ranges::is_sorted(reserved));

// 16 × 5 × 16 × 5 × 8 = 51,200 groups, 15.6 bits each.
constexpr std::string_view consonants = "bdghjklmnprstvwz";
constexpr std::string_view vowels = "aeiou";
constexpr std::string_view endings = "_klmnrst";  // "_": none

char pick(std::string_view letters) {
    return letters[random_below(letters.size())];
}

void append_group(std::string& name) {
    name += pick(consonants);
    name += pick(vowels);
    name += pick(consonants);
    name += pick(vowels);
    if (const char ending = pick(endings); ending != '_') name += ending;
}

}  // namespace

bool is_reserved_name(std::string_view label) noexcept {
    return std::ranges::binary_search(reserved, label);
}

outcome<void> check_name(std::string_view label) {
    if (!is_dns_label(label))
        return failure(errc::malformed_name, "\"" + std::string(label.substr(0, 80)) +
                                                 "\" is not a usable name: 1 to 63 letters, digits or hyphens, no "
                                                 "hyphen at either end");
    if (is_reserved_name(label))
        return failure(errc::name_reserved, "\"" + std::string(label) + "\" is reserved by the service");
    return {};
}

outcome<void> check_name_pattern(std::string_view pattern) {
    const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    const auto allowed = [&](char c) { return is_word(c) || c == '-' || c == '*'; };
    if (pattern.size() <= 63 && std::ranges::all_of(pattern, allowed) && std::ranges::any_of(pattern, is_word))
        return {};
    return failure(errc::malformed_name,
                   "\"" + std::string(pattern.substr(0, 80)) +
                       "\" is neither a name nor a pattern: letters, digits and hyphens, and * for any run of them",
                   "Write it like: instatunnel admin name block 'bank*'");
}

// Linear in the label for one star, and never worse than the product of the two lengths: a star takes as little as it
// can, and only the last one met is tried again.
bool matches_name_pattern(std::string_view pattern, std::string_view label) noexcept {
    std::size_t at = 0, here = 0;
    std::size_t star = std::string_view::npos, taken = 0;
    while (here < label.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = at++;
            taken = here;
        } else if (at < pattern.size() && pattern[at] == label[here]) {
            ++at;
            ++here;
        } else if (star != std::string_view::npos) {
            at = star + 1;
            here = ++taken;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

std::string make_random_name() {
    std::string name;
    for (int group = 0; group < 3; ++group) {
        if (group > 0) name += '-';
        append_group(name);
    }
    return name;
}

}  // namespace instatunnel::auth
