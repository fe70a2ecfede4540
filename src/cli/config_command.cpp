#include "config_command.hpp"

#include <array>
#include <filesystem>

#include "credentials.hpp"
#include "json_line.hpp"
#include "nearest.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::string_view default_profile_setting = "default_profile";
constexpr std::string_view keystore_setting = "keystore";

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
    const std::array<std::string, 5> names = {"default_profile", "keystore", "server", "cacert", "email"};
    const auto near = nearest(name, names);
    return {errc::usage, "There is no setting \"" + printable(name.substr(0, 80)) + "\"",
            near.empty() ? "There are default_profile, keystore, server, cacert and email"
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
    if (name == keystore_setting && value != "file" && value != "keyring")
        return failure(errc::usage, "Keys are kept in the file or in the keyring",
                       "Write: instatunnel config set keystore keyring");
    return value;
}

std::string_view place_name(config::keystore place) {
    return place == config::keystore::keyring ? "keyring" : "file";
}

outcome<std::string> current_value(const std::string& name, context& c) {
    if (name == default_profile_setting) {
        auto value = c.store.setting(name);
        if (!value) return value.error();
        return value->value_or("");
    }
    if (name == keystore_setting) {
        const auto place = c.store.key_place();
        if (!place) return place.error();
        return std::string(place_name(*place));
    }
    auto profile = load_profile(c);
    if (!profile) return profile.error();
    const auto* member = member_of(profile->stored, name);
    if (member == nullptr) return unknown_name(name);
    return *member;
}

outcome<void> change_value(const std::string& name, const std::string& value, context& c) {
    if (name == default_profile_setting || name == keystore_setting)
        return value.empty() ? c.store.unset_setting(name) : c.store.set_setting(name, value);
    // Not the profile as a whole: another process may store a key at the same moment.
    auto profile = load_profile(c);
    if (!profile) return profile.error();
    return c.store.set_member(profile->name, name.c_str(), value);
}

// Moves the keys that are there, so that none is left where it should not be any more.
outcome<exit_code> move_keys(const std::string& value, context& c) {
    const auto moved = c.store.move_keys(value == "keyring" ? config::keystore::keyring : config::keystore::file);
    if (!moved) return moved.error();
    if (c.term.json()) {
        c.term.result(json_line("config.value")
                          .with("name", keystore_setting)
                          .with("value", value)
                          .with("moved", std::span<const std::string>(*moved))
                          .text());
        return exit_code::done;
    }
    std::string names;
    for (const auto& name : *moved)
        names += (names.empty() ? " Moved: " : ", ") + printable(name);
    c.term.notice("Keys are kept in the " + std::string(value == "keyring" ? "system keyring" : "file") + " now." +
                  names);
    return exit_code::done;
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
    if (o.name == keystore_setting) return move_keys(*value, c);
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
outcome<key_in_effect> key_to_show(const credentials& place, const context& c) {
    if (!c.globals.api_key.empty()) return key_in_effect{mask_key(c.globals.api_key.reveal()), "--api-key"};
    if (!c.env.api_key.empty()) return key_in_effect{mask_key(c.env.api_key.reveal()), "INSTATUNNEL_API_KEY"};
    const auto& stored = place.profile.stored;
    if (!stored.has_key()) return key_in_effect{};
    const bool in_keyring = stored.key.empty();
    const std::string source = "profile " + place.profile.name + (in_keyring ? ", system keyring" : "");
    const auto key = c.store.key_of(stored);
    // A keyring that is locked must not hide everything else.
    if (!key && in_keyring) return key_in_effect{"it_***", source};
    if (!key) return key.error();
    return key_in_effect{mask_key(key->reveal()), source};
}

outcome<exit_code> show(context& c) {
    const auto place = resolve(c, key_need::none);
    if (!place) return place.error();
    const auto names = c.store.names();
    if (!names) return names.error();
    const auto key = key_to_show(*place, c);
    if (!key) return key.error();
    const auto where = c.store.key_place();
    if (!where) return where.error();
    const auto& email = place->profile.stored.email;
    const auto file = std::filesystem::absolute(c.store.file()).string();
    if (c.term.json()) {
        c.term.result(json_line("config")
                          .with("path", file)
                          .with("profile", place->profile.name)
                          .with("server", place->server)
                          .with("server_source", describe_server_origin(*place))
                          .with("key", key->masked)
                          .with("key_source", key->source)
                          .with("keystore", place_name(*where))
                          .with("cacert", place->cacert)
                          .with("email", email)
                          .with("profiles", std::span<const std::string>(*names))
                          .text());
        return exit_code::done;
    }
    c.term.result("File: " + file);
    c.term.result("Profile: " + place->profile.name);
    c.term.result("Server: " + place->server + " (from: " + describe_server_origin(*place) + ")");
    c.term.result("API Key: " + (key->masked.empty() ? "none" : key->masked + " (from: " + key->source + ")"));
    c.term.result("Keystore: " + std::string(place_name(*where)));
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
