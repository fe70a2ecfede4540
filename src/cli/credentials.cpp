#include "credentials.hpp"

#include <algorithm>
#include <filesystem>

#include "instatunnel/auth/access_token.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/net/dial.hpp"
#include "legacy_import.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::size_t shortest_key_tail = 16;
constexpr std::size_t longest_key_tail = 128;

std::string what_is_wrong(std::string_view key) {
    if (!key.starts_with("it_")) return "it does not start with it_";
    const auto tail = key.substr(3);
    const auto usable = [](char ch) {
        return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
    };
    if (!std::ranges::all_of(tail, usable)) return "it holds characters that are no letters or digits behind it_";
    if (tail.size() < shortest_key_tail)
        return "it has " + std::to_string(tail.size()) + " characters behind it_, at least 16 are needed";
    if (tail.size() > longest_key_tail)
        return "it has " + std::to_string(tail.size()) + " characters behind it_, at most 128 are allowed";
    return "it cannot be read";
}

outcome<std::string> profile_name(context& c) {
    if (!c.globals.profile.empty()) return c.globals.profile;
    if (!c.env.profile.empty()) return c.env.profile;
    auto chosen = c.store.setting("default_profile");
    if (!chosen) return chosen.error();
    return chosen->value_or("default");
}

outcome<std::string> checked_profile_name(context& c) {
    auto name = profile_name(c);
    if (!name) return name.error();
    // Before anything is asked or sent: a key that login was given could not be stored under it.
    if (auto usable = config::profile_store::check_name(*name); !usable) return usable.error();
    return name;
}

outcome<void> choose_server(context& c, credentials& in_use) {
    std::string text(default_server);
    std::string where = "the default server";
    if (!c.globals.server.empty()) {
        text = c.globals.server;
        where = "--server";
        in_use.server_from = origin::flag;
    } else if (!c.env.server.empty()) {
        text = c.env.server;
        where = "INSTATUNNEL_SERVER";
        in_use.server_from = origin::environment;
    } else if (!in_use.profile.stored.server.empty()) {
        text = in_use.profile.stored.server;
        where = "profile " + in_use.profile.name;
        in_use.server_from = origin::stored;
    }
    auto server = check_server(text, where);
    if (!server) return server.error();
    in_use.server = std::move(*server);
    return {};
}

bool same_server(const std::string& stored, const std::string& server) {
    return (stored.empty() ? std::string(default_server) : stored) == server;
}

// A stored authority belongs to the server it was stored with; for a dev edge on this machine its own is found by
// itself.
outcome<void> choose_cacert(context& c, credentials& in_use) {
    if (!c.globals.cacert.empty()) {
        in_use.cacert = std::filesystem::absolute(c.globals.cacert).lexically_normal();
        return {};
    }
    const auto& stored = in_use.profile.stored;
    if (!stored.cacert.empty() && same_server(stored.server, in_use.server)) {
        in_use.cacert = stored.cacert;
        return {};
    }
    const auto dev = c.store.load(std::string(dev_profile));
    if (!dev) return dev.error();
    if (dev->has_value() && (*dev)->server == in_use.server) in_use.cacert = (*dev)->cacert;
    return {};
}

// The key by precedence; nullopt if there is none.
outcome<std::optional<secret>> choose_key(context& c, credentials& in_use) {
    std::string_view text;
    std::string where;
    secret stored;
    if (!c.globals.api_key.empty()) {
        text = c.globals.api_key.reveal();
        where = "--api-key";
        in_use.key_from = origin::flag;
    } else if (!c.env.api_key.empty()) {
        text = c.env.api_key.reveal();
        where = "INSTATUNNEL_API_KEY";
        in_use.key_from = origin::environment;
    } else if (in_use.profile.stored.has_key()) {
        auto fetched = c.store.key_of(in_use.profile.stored);
        if (!fetched) return fetched.error();
        stored = std::move(*fetched);
        text = stored.reveal();
        in_use.key_in_keyring = in_use.profile.stored.key.empty();
        where = "profile " + in_use.profile.name;
        in_use.key_from = origin::stored;
    } else {
        return std::optional<secret>();
    }
    auto key = check_key(text, where);
    if (!key) return key.error();
    return std::optional<secret>(std::move(*key));
}

bool any_choice_made(const context& c) {
    return !c.globals.profile.empty() || !c.env.profile.empty() || !c.globals.server.empty() || !c.env.server.empty();
}

// The first one's name; empty: none has.
outcome<std::string> another_profile_with_key(context& c) {
    const auto names = c.store.names();
    if (!names) return names.error();
    for (const auto& name : *names) {
        if (name == dev_profile) continue;
        const auto p = c.store.load(name);
        if (!p) return p.error();
        if (p->has_value() && (*p)->has_key()) return name;
    }
    return std::string();
}

failure no_key(const profile_in_use& profile, const std::string& other = {}) {
    if (!other.empty())
        return {errc::no_key, "No API key found in profile " + profile.name,
                "Use profile " + other + ", which has one: --profile " + other + "; or sign in: instatunnel login"};
    if (profile.name == "default" || profile.exists) return {errc::no_key};
    return {errc::no_key, "No API key found: there is no profile \"" + profile.name + "\"",
            "Make it with: instatunnel login --profile " + profile.name};
}

// Nothing is configured but a dev edge runs on this machine: that is what the user means.
outcome<void> use_dev_edge(context& c, credentials& in_use) {
    if (any_choice_made(c)) return no_key(in_use.profile);
    const auto other = another_profile_with_key(c);
    if (!other) return other.error();
    auto dev = c.store.load(std::string(dev_profile));
    if (!dev) return dev.error();
    if (!other->empty() || !dev->has_value() || (*dev)->key.empty()) return no_key(in_use.profile, *other);
    if (!c.edge_answers((*dev)->server))
        return failure(errc::no_key, "No API key found, and the dev edge at " + (*dev)->server + " does not run",
                       "Sign in with: instatunnel login, or start the dev edge: instatunnel serve --dev");
    in_use.profile = {std::string(dev_profile), true, std::move(**dev)};
    in_use.server = in_use.profile.stored.server;
    in_use.server_from = origin::dev_edge;
    in_use.cacert = in_use.profile.stored.cacert;
    in_use.key = in_use.profile.stored.key.clone();
    in_use.key_from = origin::dev_edge;
    c.term.notice("No account is configured: using the dev edge at " + in_use.server + " (profile dev)");
    return {};
}

std::string describe(const credentials& in_use, origin from, const char* flag, const char* variable) {
    switch (from) {
        case origin::flag:
            return flag;
        case origin::environment:
            return variable;
        case origin::stored:
            return "profile " + in_use.profile.name;
        case origin::dev_edge:
            return "profile dev, because its edge runs here";
        case origin::preset:
            break;
    }
    return "default";
}

}  // namespace

outcome<secret> check_key(std::string_view text, const std::string& where) {
    const auto key = trim(text);
    if (is_api_key(key) || auth::is_access_token(key)) return secret(std::string(key));
    const failure malformed(errc::malformed_key, "The API key from " + where + " is malformed: " + what_is_wrong(key));
    // Storing one does not help where a flag or a variable goes before it.
    const bool is_for_this_run = where == "--api-key" || where == "INSTATUNNEL_API_KEY";
    return is_for_this_run ? failure(malformed.code, malformed.detail, "Copy it again, whole and without spaces")
                           : malformed;
}

outcome<std::string> check_server(const std::string& text, const std::string& where) {
    const auto url = net::parse_url(text);
    const bool has_scheme = text.find("://") != std::string::npos;
    if (!has_scheme || (url && !url->is_https))
        return failure(errc::malformed_url,
                       "The server from " + where + " is not an https:// URL: keys travel encrypted only");
    if (!url) return failure(errc::malformed_url, "The server from " + where + ": " + std::string(url.error().what()));
    return url->origin() + url->path;
}

outcome<profile_in_use> load_profile(context& c) {
    carry_over_legacy(c);
    auto name = checked_profile_name(c);
    if (!name) return name.error();
    auto stored = c.store.load(*name);
    if (!stored) return stored.error();
    if (!stored->has_value()) return profile_in_use{std::move(*name), false, {}};
    return profile_in_use{std::move(*name), true, std::move(**stored)};
}

outcome<credentials> resolve(context& c, key_need need) {
    credentials in_use;
    auto profile = load_profile(c);
    if (!profile) return profile.error();
    in_use.profile = std::move(*profile);
    if (auto chosen = choose_server(c, in_use); !chosen) return chosen.error();
    if (auto chosen = choose_cacert(c, in_use); !chosen) return chosen.error();
    if (need == key_need::none) return in_use;

    auto key = choose_key(c, in_use);
    if (!key) return key.error();
    if (key->has_value()) {
        in_use.key = std::move(**key);
    } else if (auto found = use_dev_edge(c, in_use); !found) {
        return found.error();
    }
    return in_use;
}

std::string describe_key_origin(const credentials& in_use) {
    const auto place = describe(in_use, in_use.key_from, "--api-key", "INSTATUNNEL_API_KEY");
    return in_use.key_in_keyring ? place + ", system keyring" : place;
}

std::string describe_server_origin(const credentials& in_use) {
    return describe(in_use, in_use.server_from, "--server", "INSTATUNNEL_SERVER");
}

std::string_view key_origin_name(const credentials& in_use) noexcept {
    return in_use.key_in_keyring ? "keyring" : origin_name(in_use.key_from);
}

std::string_view origin_name(origin from) noexcept {
    switch (from) {
        case origin::flag:
            return "flag";
        case origin::environment:
            return "environment";
        case origin::stored:
            return "profile";
        case origin::dev_edge:
            return "dev_edge";
        case origin::preset:
            break;
    }
    return "default";
}

}  // namespace instatunnel::cli
