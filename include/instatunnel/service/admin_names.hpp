#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/error.hpp"

/// Names, as the owner of an edge looks after them: directly on the data folder, also while the edge runs. A running
/// edge ends tunnels that lost their name within 2 s. All can fail with file_missing (no data in the folder),
/// store_failed, file_permission.
namespace instatunnel::service {

struct name_row {
    std::string name;
    std::string email;  ///< of the account that holds it
    bool requested = true;
    wall_time created_at{};
    wall_time last_used_at{};
    std::string tunnel_id;  ///< empty: no tunnel has it
};

struct blocked_row {
    std::string pattern;
    std::string reason;
    wall_time created_at{};
};

struct name_list {
    std::vector<name_row> names;       ///< by name, at most 100,000
    std::vector<blocked_row> blocked;  ///< oldest first
};

/// `email` empty: of all accounts. Errors: usage (no address), not_found (no such account).
outcome<name_list> list_names(const std::filesystem::path& folder, const std::string& email);
/// Leases a name to an account before it asks for it.
/// Errors: malformed_name, name_reserved (the service's own, or blocked), name_taken, not_found (no such account),
/// usage.
outcome<name_row> reserve_name(const std::filesystem::path& folder, const std::string& name, const std::string& email);
/// Takes a name from whoever holds it. Returns what it was. Errors: not_found.
outcome<name_row> release_name(const std::filesystem::path& folder, const std::string& name);
/// `pattern`: a name in which * stands for any run of characters. Errors: malformed_name, usage (reason), forbidden.
outcome<blocked_row> block_name(const std::filesystem::path& folder, const std::string& pattern,
                                const std::string& reason);
/// Errors: not_found.
outcome<void> unblock_name(const std::filesystem::path& folder, const std::string& pattern);

}  // namespace instatunnel::service
