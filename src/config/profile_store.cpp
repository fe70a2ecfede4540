#include "instatunnel/config/profile_store.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "document.hpp"
#include "instatunnel/base/file.hpp"

namespace instatunnel::config {
namespace {

using nlohmann::json;

// A missing member is an empty string, any other type an error that names it.
outcome<std::string> text_member(const std::filesystem::path& file, const json& object, const std::string& where,
                                 const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return std::string();
    if (!found->is_string()) return invalid_member(file, where + "." + name, "a string");
    return found->get<std::string>();
}

// The object `name` of the document: nullptr if absent.
outcome<const json*> section(const std::filesystem::path& file, const json& document, const char* name) {
    const auto found = document.find(name);
    if (found == document.end() || found->is_null()) return static_cast<const json*>(nullptr);
    if (!found->is_object()) return invalid_member(file, name, "an object");
    return &*found;
}

outcome<json*> editable_section(const std::filesystem::path& file, json& parent, const std::string& name) {
    json& found = parent[name];
    if (found.is_null()) found = json::object();
    if (!found.is_object()) return invalid_member(file, name, "an object");
    return &found;
}

outcome<profile> to_profile(const std::filesystem::path& file, const std::string& name, const json& object) {
    const std::string where = "profiles." + name;
    if (!object.is_object()) return invalid_member(file, where, "an object");
    profile p;
    std::string key;
    const std::pair<const char*, std::string*> members[] = {
        {"server", &p.server}, {"cacert", &p.cacert}, {"email", &p.email}, {"key", &key}, {"key_id", &p.key_id}};
    for (const auto& [member, target] : members) {
        auto text = text_member(file, object, where, member);
        if (!text) return text.error();
        *target = std::move(*text);
    }
    p.key = secret(std::move(key));
    return p;
}

// An empty value removes the member, so that the file shows only what is set.
void put(json& object, const char* name, std::string_view value) {
    if (value.empty())
        object.erase(name);
    else
        object[name] = value;
}

outcome<void> check_profile_name(const std::string& name) {
    const auto usable = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    };
    if (!name.empty() && name.size() <= 64 && std::ranges::all_of(name, usable)) return {};
    return failure(errc::usage, "A profile's name is 1 to 64 letters, digits, dots, hyphens or underscores",
                   "Choose another name: --profile work");
}

}  // namespace

profile_store::profile_store(std::filesystem::path home, std::filesystem::path file)
    : home_(std::move(home)), file_(file.empty() ? home_ / "config.json" : std::move(file)) {}

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

namespace {

outcome<void> write(const profile_store& store, const std::function<outcome<void>(json&)>& change) {
    // A file elsewhere (--config) lies in a folder that is not ours to make or to narrow.
    if (store.file().parent_path() == store.home())
        if (auto made = make_private_directory(store.home()); !made) return made;
    return update_document(store.file(), change);
}

}  // namespace

outcome<void> profile_store::save(const std::string& name, const profile& p) const {
    if (auto usable = check_profile_name(name); !usable) return usable;
    return write(*this, [&](json& document) -> outcome<void> {
        const auto profiles = editable_section(file_, document, "profiles");
        if (!profiles) return profiles.error();
        const auto object = editable_section(file_, **profiles, name);
        if (!object) return object.error();
        put(**object, "server", p.server);
        put(**object, "cacert", p.cacert);
        put(**object, "email", p.email);
        put(**object, "key", p.key.reveal());
        put(**object, "key_id", p.key_id);
        return {};
    });
}

outcome<void> profile_store::remove(const std::string& name) const {
    return write(*this, [&](json& document) -> outcome<void> {
        const auto profiles = editable_section(file_, document, "profiles");
        if (!profiles) return profiles.error();
        (*profiles)->erase(name);
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
    return write(*this, [&](json& document) -> outcome<void> {
        const auto settings = editable_section(file_, document, "settings");
        if (!settings) return settings.error();
        (**settings)[name] = value;
        return {};
    });
}

outcome<void> profile_store::unset_setting(const std::string& name) const {
    return write(*this, [&](json& document) -> outcome<void> {
        const auto settings = editable_section(file_, document, "settings");
        if (!settings) return settings.error();
        (*settings)->erase(name);
        return {};
    });
}

}  // namespace instatunnel::config
