#include "instatunnel/oidc/settings.hpp"

#include <algorithm>
#include <map>

#include "endpoint_url.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/base/file.hpp"
#include "instatunnel/base/names.hpp"

namespace instatunnel::oidc {
namespace {

constexpr std::size_t max_client_id = 512;
constexpr std::size_t max_secret = 4096;
constexpr std::size_t max_domains = 64;
constexpr std::string_view known[] = {"issuer", "client_id", "client_secret_file", "domains", "scope", "name"};

using member_map = std::map<std::string, std::string, std::less<>>;

failure unusable(std::string why) {
    return {errc::usage, "That is no OpenID provider: " + std::move(why),
            "Write it like: --oidc issuer=https://id.example.com,client_id=ID, the secret in INSTATUNNEL_OIDC_SECRET"};
}

bool is_visible(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

outcome<member_map> split_members(std::string_view text) {
    member_map members;
    while (!text.empty()) {
        const auto end = std::min(text.find(','), text.size());
        const auto part = trim(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (part.empty()) continue;
        const auto equals = part.find('=');
        const std::string name(part.substr(0, equals));
        // What stands behind it is not repeated: it may be the secret itself.
        if (name == "client_secret")
            return unusable("client_secret does not belong on a command line, where others on this machine see it");
        if (equals == std::string_view::npos || std::ranges::find(known, name) == std::end(known))
            return unusable(
                "it has a member that is none of issuer, client_id, client_secret_file, domains, scope and name");
        if (!members.emplace(name, trim(part.substr(equals + 1))).second) return unusable(name + " is there twice");
    }
    return members;
}

std::vector<std::string> split_words(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of("; "), text.size());
        if (end > 0) words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

outcome<void> read_issuer(const std::string& text, provider_settings& s) {
    if (text.empty()) return unusable("issuer is missing");
    if (!is_endpoint(text, s.transport) || text.find('?') != std::string::npos)
        return unusable("issuer is not an https address without query and fragment");
    s.issuer = text;
    return {};
}

outcome<void> read_client_id(const std::string& text, provider_settings& s) {
    if (text.empty()) return unusable("client_id is missing");
    if (text.size() > max_client_id || !is_visible(text))
        return unusable("client_id must have at most 512 visible ASCII characters");
    s.client_id = text;
    return {};
}

outcome<void> read_secret(const std::string& path, const secret& environment_secret, provider_settings& s) {
    if (path.empty()) {
        s.client_secret = secret(std::string(trim(environment_secret.reveal())));
    } else {
        auto text = read_private_file(path, max_secret);
        if (!text) return text.error();
        const secret content(std::move(*text));
        s.client_secret = secret(std::string(trim(content.reveal())));
        if (s.client_secret.empty()) return unusable("the file of client_secret_file is empty");
    }
    if (s.client_secret.reveal().size() > max_secret || !is_visible(s.client_secret.reveal()))
        return unusable("its client secret must have at most 4,096 visible ASCII characters");
    return {};
}

outcome<void> read_domains(const std::string& text, provider_settings& s) {
    s.domains = split_words(to_lower(text));
    if (s.domains.size() > max_domains) return unusable("domains has more than 64 parts");
    for (const auto& domain : s.domains)
        if (!auth::normalise_email("a@" + domain)) return unusable("domains holds one that is no domain");
    return {};
}

outcome<void> read_scope(const std::string& text, provider_settings& s) {
    const auto words = split_words(text);
    if (text.size() > max_client_id || !std::ranges::all_of(words, is_visible))
        return unusable("scope holds what no scope has");
    if (std::ranges::find(words, "openid") == words.end()) return unusable("scope must hold openid");
    s.scope.clear();
    for (const auto& word : words)
        s.scope += (s.scope.empty() ? "" : " ") + word;
    return {};
}

std::string host_of(std::string_view url) {
    const auto behind = url.substr(url.find("://") + 3);
    return std::string(behind.substr(0, behind.find('/')));
}

}  // namespace

outcome<provider_settings> parse_provider(std::string_view text, const secret& environment_secret,
                                          transport_rule transport) {
    auto members = split_members(text);
    if (!members) return members.error();
    provider_settings s;
    s.transport = transport;
    if (auto done = read_issuer((*members)["issuer"], s); !done) return done.error();
    if (auto done = read_client_id((*members)["client_id"], s); !done) return done.error();
    if (auto done = read_secret((*members)["client_secret_file"], environment_secret, s); !done) return done.error();
    // An empty list would let everybody in, which is not what somebody means who writes the word.
    if (members->contains("domains")) {
        if (auto done = read_domains((*members)["domains"], s); !done) return done.error();
        if (s.domains.empty()) return unusable("domains is empty");
    }
    if (members->contains("scope"))
        if (auto done = read_scope((*members)["scope"], s); !done) return done.error();
    s.name = members->contains("name") ? (*members)["name"] : host_of(s.issuer);
    if (!auth::is_display_name(s.name)) return unusable("name must have 1 to 120 bytes and no control characters");
    return s;
}

}  // namespace instatunnel::oidc
