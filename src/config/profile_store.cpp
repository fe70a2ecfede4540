#include "instatunnel/config/profile_store.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "document_members.hpp"

namespace instatunnel::config {
namespace {

using nlohmann::json;

outcome<profile> to_profile(const std::filesystem::path& file, const std::string& name, const json& object) {
    const std::string where = "profiles." + name;
    if (!object.is_object()) return invalid_member(file, where, "an object");
    profile p;
    std::string key;
    const std::pair<const char*, std::string*> members[] = {{"server", &p.server}, {"cacert", &p.cacert},
                                                            {"email", &p.email},   {"key", &key},
                                                            {"key_id", &p.key_id}, {"keyring", &p.keyring_id}};
    for (const auto& [member, target] : members) {
        auto text = text_member(file, object, where, member);
        if (!text) return text.error();
        *target = std::move(*text);
    }
    p.key = secret(std::move(key));
    return p;
}

}  // namespace

profile_store::profile_store(std::filesystem::path home, std::filesystem::path file, keyring* ring)
    : home_(std::move(home)), file_(file.empty() ? home_ / "config.json" : std::move(file)), ring_(ring) {}

std::filesystem::path profile_store::default_home() {
    if (const char* moved = std::getenv("INSTATUNNEL_HOME"); moved != nullptr && *moved != '\0')
        return std::filesystem::absolute(moved);
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home == '\0') {
        const passwd* user = ::getpwuid(::geteuid());
        home = user != nullptr ? user->pw_dir : "/";
    }
    return std::filesystem::path(home) / ".instatunnel";
}

outcome<void> profile_store::check_name(const std::string& name) {
    const auto usable = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    };
    if (!name.empty() && name.size() <= 64 && std::ranges::all_of(name, usable)) return {};
    return failure(errc::usage, "A profile's name is 1 to 64 letters, digits, dots, hyphens or underscores",
                   "Choose another name: --profile work");
}

outcome<std::optional<profile>> profile_store::load(const std::string& name) const {
    const auto loaded = load_document(file_);
    if (!loaded) return loaded.error();
    const auto profiles = section(file_, loaded->root, "profiles");
    if (!profiles) return profiles.error();
    if (*profiles == nullptr || !(*profiles)->contains(name)) return std::optional<profile>();
    auto found = to_profile(file_, name, (**profiles)[name]);
    if (!found) return found.error();
    return std::optional<profile>(std::move(*found));
}

outcome<std::vector<std::string>> profile_store::names() const {
    const auto loaded = load_document(file_);
    if (!loaded) return loaded.error();
    const auto profiles = section(file_, loaded->root, "profiles");
    if (!profiles) return profiles.error();
    std::vector<std::string> all;
    if (*profiles != nullptr)
        for (const auto& entry : (*profiles)->items())
            all.push_back(entry.key());
    return all;
}

outcome<void> profile_store::set_member(const std::string& name, const char* member, const std::string& value) const {
    if (auto usable = check_name(name); !usable) return usable;
    return change_document(*this, [&](json& document) -> outcome<void> {
        const auto profiles = editable_section(file_, document, "profiles");
        if (!profiles) return profiles.error();
        const auto object = editable_section(file_, **profiles, name);
        if (!object) return object.error();
        put(**object, member, value);
        return {};
    });
}

outcome<std::optional<std::string>> profile_store::setting(const std::string& name) const {
    const auto loaded = load_document(file_);
    if (!loaded) return loaded.error();
    const auto settings = section(file_, loaded->root, "settings");
    if (!settings) return settings.error();
    if (*settings == nullptr || !(*settings)->contains(name)) return std::optional<std::string>();
    auto value = text_member(file_, **settings, "settings", name.c_str());
    if (!value) return value.error();
    return std::optional<std::string>(std::move(*value));
}

outcome<void> profile_store::set_setting(const std::string& name, const std::string& value) const {
    return change_document(*this, [&](json& document) -> outcome<void> {
        const auto settings = editable_section(file_, document, "settings");
        if (!settings) return settings.error();
        (**settings)[name] = value;
        return {};
    });
}

outcome<void> profile_store::unset_setting(const std::string& name) const {
    return change_document(*this, [&](json& document) -> outcome<void> {
        const auto settings = editable_section(file_, document, "settings");
        if (!settings) return settings.error();
        (*settings)->erase(name);
        return {};
    });
}

}  // namespace instatunnel::config
