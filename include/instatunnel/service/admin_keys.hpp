#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

/// Keys of an edge's users, for its owner: directly on the data folder, also while the edge runs. The edge notices
/// within a second and ends the tunnels of a revoked key.
namespace instatunnel::service {

struct key_row {
    std::string id;
    std::string email;  ///< of its owner
    std::string name;
    std::string masked;  ///< "it_***...def"
    std::vector<std::string> permissions;
    wall_time created_at{};
    std::optional<wall_time> last_used_at;
    std::optional<wall_time> expires_at;
};

struct admin_key_wish {
    std::string email;
    std::string name;
    std::vector<std::string> permissions;
    std::optional<wall_time> expires_at;
};

struct admin_made_key {
    secret key;  ///< show it once
    key_row row;
};

/// Not revoked, of one user or of all (`email` empty), oldest first for each.
/// Errors: usage (no email address), not_found (no such user), file_missing (no data in the folder), store_failed,
/// file_permission.
outcome<std::vector<key_row>> list_account_keys(const std::filesystem::path& folder, const std::string& email);

/// The caller has checked name and permissions. Errors: those of list_account_keys, usage, forbidden (too many keys).
outcome<admin_made_key> create_account_key(const std::filesystem::path& folder, const admin_key_wish& wish);

/// Errors: not_found (unknown, or revoked before), file_missing, store_failed, file_permission.
outcome<void> revoke_account_key(const std::filesystem::path& folder, const std::string& key_id);

}  // namespace instatunnel::service
