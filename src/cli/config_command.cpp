#include "config_command.hpp"

#include <array>
#include <filesystem>

#include "credentials.hpp"
#include "json_line.hpp"
#include "nearest.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::string_view default_profile_setting = "default_profile";

std::string* member_of(config::profile& p, std::string_view name) {
    if (name == "server") return &p.server;
    if (name == "cacert") return &p.cacert;
    if (name == "email") return &p.email;
    return nullptr;
}

failure unknown_name(const std::string& name) {
    if (name == "key" || name == "api_key")
        return {errc::usage, "The API key is not a setting",
                "Use: instatunnel auth set-key, or instatunnel auth show-key"};
    const std::array<std::string, 4> names = {"default_profile", "server", "cacert", "email"};
    const auto near = nearest(name, names);
    return {errc::usage, "There is no setting \"" + printable(name.substr(0, 80)) + "\"",
            near.empty() ? "There are default_profile, server, cacert and email"
                         : "Did you mean: instatunnel config get " + near};
}

outcome<std::string> checked_value(const std::string& name, const std::string& value) {
    if (name == "server") return check_server(value, "the command line");
    if (name == "cacert") {
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(value, ignored))
            return failure(errc::file_missing, "There is no file " + printable(value));
        return std::filesystem::absolute(value).lexically_normal().string();
    }
    if (name == "email")
        return failure(errc::usage, "The email belongs to the key", "To use another account: instatunnel login");
    return value;
}

outcome<std::string> current_value(const std::string& name, context& c) {
    if (name == default_profile_setting) {
        auto value = c.store.setting(name);
        if (!value) return value.error();
        return value->value_or("");
    }
    auto profile = load_profile(c);
    if (!profile) return profile.error();
    const auto* member = member_of(profile->stored, name);
    if (member == nullptr) return unknown_name(name);
    return *member;
}

outcome<void> change_value(const std::string& name, const std::string& value, context& c) {
    if (name == default_profile_setting)
        return value.empty() ? c.store.unset_setting(name) : c.store.set_setting(name, value);
    auto profile = load_profile(c);
    if (!profile) return profile.error();
    auto* member = member_of(profile->stored, name);
    if (member == nullptr) return unknown_name(name);
    *member = value;
    return c.store.save(profile->name, profile->stored);
}

outcome<exit_code> get(const config_options& o, context& c) {
    const auto value = current_value(o.name, c);
    if (!value) return value.error();
    if (value->empty())
        return failure(errc::not_found, o.name + " is not set", "See what is in effect: instatunnel config show");
    if (c.term.json())
        c.term.result(json_line("config.value").with("name", o.name).with("value", *value).text());
    else
        c.term.result(*value);
    return exit_code::done;
}

outcome<exit_code> set(const config_options& o, context& c) {
    if (const auto known = current_value(o.name, c); !known) return known.error();
    const auto value = checked_value(o.name, o.value);
    if (!value) return value.error();
    if (auto changed = change_value(o.name, *value, c); !changed) return changed.error();
    if (c.term.json())
        c.term.result(json_line("config.value").with("name", o.name).with("value", *value).text());
    else
        c.term.notice(o.name + " is now " + printable(*value));
    return exit_code::done;
}

outcome<exit_code> unset(const config_options& o, context& c) {
    if (const auto known = current_value(o.name, c); !known) return known.error();
    if (o.name == "email") return checked_value(o.name, "").error();
    if (auto changed = change_value(o.name, "", c); !changed) return changed.error();
    if (c.term.json())
        c.term.result(
            json_line("config.value").with("name", o.name).with("value", std::optional<std::string>()).text());
    else
        c.term.notice(o.name + " is not set any more");
    return exit_code::done;
}

outcome<exit_code> path(context& c) {
    const auto file = std::filesystem::absolute(c.store.file()).string();
    if (c.term.json())
        c.term.result(json_line("config.path").with("path", file).text());
    else
        c.term.result(file);
    return exit_code::done;
}

// `show` also works without a key: that is when people look.
struct key_in_effect {
    std::string masked;
    std::string source;
};
key_in_effect key_to_show(const credentials& place, const context& c) {
    if (!c.globals.api_key.empty()) return {mask_key(c.globals.api_key.reveal()), "--api-key"};
    if (!c.env.api_key.empty()) return {mask_key(c.env.api_key.reveal()), "INSTATUNNEL_API_KEY"};
    if (!place.profile.stored.key.empty())
        return {mask_key(place.profile.stored.key.reveal()), "profile " + place.profile.name};
    return {};
}

outcome<exit_code> show(context& c) {
    const auto place = resolve(c, key_need::none);
    if (!place) return place.error();
    const auto names = c.store.names();
    if (!names) return names.error();
    const auto key = key_to_show(*place, c);
    const auto& email = place->profile.stored.email;
    const auto file = std::filesystem::absolute(c.store.file()).string();
    if (c.term.json()) {
        c.term.result(json_line("config")
                          .with("path", file)
                          .with("profile", place->profile.name)
                          .with("server", place->server)
                          .with("server_source", describe_server_origin(*place))
                          .with("key", key.masked)
                          .with("key_source", key.source)
                          .with("cacert", place->cacert)
                          .with("email", email)
                          .with("profiles", std::span<const std::string>(*names))
                          .text());
        return exit_code::done;
    }
    c.term.result("File: " + file);
    c.term.result("Profile: " + place->profile.name);
    c.term.result("Server: " + place->server + " (from: " + describe_server_origin(*place) + ")");
    c.term.result("API Key: " + (key.masked.empty() ? "none" : key.masked + " (from: " + key.source + ")"));
    if (!place->cacert.empty()) c.term.result("CA file: " + place->cacert);
    if (!email.empty()) c.term.result("Email: " + printable(email));
    std::string all;
    for (const auto& name : *names)
        all += (all.empty() ? "" : ", ") + printable(name);
    c.term.result("Profiles: " + (all.empty() ? "none" : all));
    return exit_code::done;
}

}  // namespace

outcome<exit_code> run_config(const config_options& options, context& c) {
    switch (options.action) {
        case config_action::path:
            return path(c);
        case config_action::get:
            return get(options, c);
        case config_action::set:
            return set(options, c);
        case config_action::unset:
            return unset(options, c);
        case config_action::show:
            break;
    }
    return show(c);
}

}  // namespace instatunnel::cli
