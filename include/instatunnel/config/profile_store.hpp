#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/config/keyring.hpp"

namespace instatunnel::config {

/// One named set of credentials: what `login` and `auth set-key` store together.
struct profile {
    std::string server;  ///< "https://api.t.example.com"; empty: the default server
    std::string cacert;  ///< absolute path of a PEM file; empty: the system's authorities
    std::string email;
    secret key;
    std::string key_id;  ///< id at the server of a key that login made; empty for one that was set by hand
    /// Where in the system keyring the key is, if it is there: `key` is empty then, profile_store::key_of fetches it.
    std::string keyring_id = {};

    bool has_key() const noexcept { return !key.empty() || !keyring_id.empty(); }
};

/// The profile that `serve --dev` keeps. Its key always stays in the file: a server has no session whose keyring it
/// could ask.
inline constexpr std::string_view dev_profile = "dev";

/// Where keys are kept.
enum class keystore : std::uint8_t { file, keyring };

/// The folder `~/.instatunnel` (or INSTATUNNEL_HOME) and its config.json: named profiles and settings.
/// Every write takes a lock, reads the file again, keeps members it does not know, and replaces the file atomically.
class profile_store {
public:
    /// `home` is the folder itself; it is made (0700) only by the first write. `file`: another config file
    /// (--config), empty for `home`/config.json. `ring` outlives the store; without one all new keys go to the file.
    /// Nothing is read yet.
    explicit profile_store(std::filesystem::path home, std::filesystem::path file = {}, keyring* ring = nullptr);

    /// The folder that INSTATUNNEL_HOME names, else ~/.instatunnel.
    static std::filesystem::path default_home();

    const std::filesystem::path& home() const noexcept { return home_; }
    const std::filesystem::path& file() const noexcept { return file_; }

    /// nullopt: no such profile (or no file yet). Errors: file_permission, config_invalid (file, line and reason),
    /// file_io.
    outcome<std::optional<profile>> load(const std::string& name) const;
    outcome<std::vector<std::string>> names() const;
    /// Replaces the profile. Its key goes where new keys go; without one (`keyring_id` does not count) the old one is
    /// forgotten, in the keyring as well. Errors: usage (the name), keyring_unavailable.
    outcome<void> save(const std::string& name, const profile& p) const;
    outcome<void> remove(const std::string& name) const;
    /// Changes one member, "server" or "cacert", and leaves the rest as it is on disk by then; empty removes it.
    outcome<void> set_member(const std::string& name, const char* member, const std::string& value) const;
    /// 1 to 64 letters, digits, dots, hyphens or underscores; else a usage failure.
    static outcome<void> check_name(const std::string& name);

    /// The profile's key, wherever it is; empty if it has none. Errors: keyring_unavailable, no_key (the keyring does
    /// not hold it any more).
    outcome<secret> key_of(const profile& p) const;

    /// Where new keys go.
    outcome<keystore> key_place() const;
    /// Moves the keys of all profiles (but dev_profile) to the keyring or back to the file, and sends new ones there;
    /// gives the names of the profiles that were moved. At any moment a key is in at least one of the two places, and
    /// while it is in both the file counts: whoever is killed on the way calls again. Errors: keyring_unavailable,
    /// no_key, and those of save.
    outcome<std::vector<std::string>> move_keys(keystore to) const;

    /// Settings beside the profiles, e.g. "default_profile": plain strings by dotted name.
    outcome<std::optional<std::string>> setting(const std::string& name) const;
    outcome<void> set_setting(const std::string& name, const std::string& value) const;
    outcome<void> unset_setting(const std::string& name) const;

private:
    std::filesystem::path home_;
    std::filesystem::path file_;
    keyring* ring_;
};

}  // namespace instatunnel::config
