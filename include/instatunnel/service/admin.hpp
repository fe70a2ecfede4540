#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

/// What the owner of an edge does from its own machine, directly on the data folder, also while the edge runs.
namespace instatunnel::service {

struct added_user {
    std::string id;
    std::string email;  ///< normalised
    std::string name;
    std::string plan;
    secret password;
    bool password_was_made = false;  ///< generated here: show it once
};

struct user_row {
    std::string id;
    std::string email;
    std::string name;
    std::string plan;
    wall_time created_at{};
    bool disabled = false;
};

/// Adds an account with its owner. No password given: one is generated. `name` empty: the part of the email before
/// the @; `plan` is "free", "pro" or "business", empty: "pro".
/// Errors: usage (email, name, plan or password cannot be used, with the reason), already_exists, store_failed,
/// file_permission.
outcome<added_user> add_user(const std::filesystem::path& folder, const std::string& email,
                             std::optional<secret> password, const std::string& name, const std::string& plan);

/// Oldest first. Errors: file_missing (no data in the folder), store_failed, file_permission.
outcome<std::vector<user_row>> list_users(const std::filesystem::path& folder);

}  // namespace instatunnel::service
