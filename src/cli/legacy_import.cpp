#include "legacy_import.hpp"

#include <filesystem>

#include "credentials.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/config/legacy_file.hpp"

namespace instatunnel::cli {
namespace {

constexpr const char* marker = "legacy_file_read";

config::profile to_profile(context& c, const config::legacy_settings& legacy) {
    config::profile p;
    p.email = legacy.email;
    if (auto server = check_server(legacy.server_url, "the legacy file"); server && *server != default_server)
        p.server = std::move(*server);
    if (const auto key = trim(legacy.api_key.reveal()); is_api_key(key))
        p.key = secret(std::string(key));
    else if (!key.empty())
        c.term.notice("The API key in " + c.env.legacy_file.string() + " is malformed and was left out");
    return p;
}

// True when the profile was stored; the marker makes it the last time the file is looked at.
outcome<bool> carry_over(context& c) {
    // Looked for first: without the file there is nothing to say about it, whatever state our own one is in.
    if (std::error_code ec; !std::filesystem::exists(c.env.legacy_file, ec)) return false;
    const auto seen = c.store.setting(marker);
    if (!seen) return seen.error();
    if (seen->has_value()) return false;
    const auto legacy = config::load_legacy(c.env.legacy_file);
    if (!legacy) return legacy.error();
    if (!legacy->has_value()) return false;

    const auto existing = c.store.load("default");
    if (!existing) return existing.error();
    const bool wanted = !existing->has_value();
    if (wanted)
        if (auto saved = c.store.save("default", to_profile(c, **legacy)); !saved) return saved.error();
    if (auto marked = c.store.set_setting(marker, c.env.legacy_file.string()); !marked) return marked.error();
    return wanted;
}

}  // namespace

void carry_over_legacy(context& c) {
    if (c.env.legacy_file.empty() || !c.globals.config.empty()) return;
    const auto carried = carry_over(c);
    if (!carried)
        c.term.notice("The settings of " + c.env.legacy_file.string() +
                      " were not carried over: " + std::string(carried.error().what()));
    else if (*carried)
        c.term.notice("The settings of " + c.env.legacy_file.string() + " were carried over to " +
                      c.store.file().string() + " (profile default)");
}

}  // namespace instatunnel::cli
