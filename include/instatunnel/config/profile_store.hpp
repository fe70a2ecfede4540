#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::config {

/// One named set of credentials: what `login` and `auth set-key` store together.
struct profile {
    std::string server;  ///< "https://api.t.example.com"; empty: the default server
    std::string cacert;  ///< absolute path of a PEM file; empty: the system's authorities
    std::string email;
    secret key;
    std::string key_id;  ///< id at the server of a key that login made; empty for one that was set by hand
};

/// The folder `~/.instatunnel` (or INSTATUNNEL_HOME) and its config.json: named profiles and settings.
/// Every write takes a lock, reads the file again, keeps members it does not know, and replaces the file atomically.
class profile_store {
public:
    /// `home` is the folder itself; it is made (0700) only by the first write. `file`: another config file
    /// (--config), empty for `home`/config.json. Nothing is read yet.
    explicit profile_store(std::filesystem::path home, std::filesystem::path file = {});

    /// The folder that INSTATUNNEL_HOME names, else ~/.instatunnel.
    static std::filesystem::path default_home();

    const std::filesystem::path& home() const noexcept { return home_; }
    const std::filesystem::path& file() const noexcept { return file_; }

    /// nullopt: no such profile (or no file yet). Errors: file_permission, config_invalid (file, line and reason),
    /// file_io.
    outcome<std::optional<profile>> load(const std::string& name) const;
    outcome<std::vector<std::string>> names() const;
    outcome<void> save(const std::string& name, const profile& p) const;
    outcome<void> remove(const std::string& name) const;

    /// Settings beside the profiles, e.g. "default_profile": plain strings by dotted name.
    outcome<std::optional<std::string>> setting(const std::string& name) const;
    outcome<void> set_setting(const std::string& name, const std::string& value) const;
    outcome<void> unset_setting(const std::string& name) const;

private:
    std::filesystem::path home_;
    std::filesystem::path file_;
};

}  // namespace instatunnel::config
