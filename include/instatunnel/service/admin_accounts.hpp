#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

/// What the owner of an edge does with accounts from its own machine, directly on the data folder, also while the edge
/// runs, which notices within two seconds. USER is an email or an id. Errors of all: file_missing (no data in the
/// folder), not_found, store_failed, file_permission; further ones are listed.
namespace instatunnel::service {

struct account_details {
    std::string id;
    std::string email;
    std::string name;
    std::string plan;
    bool disabled = false;
    bool email_verified = false;
    bool has_password = false;
    std::uint64_t credit = 0;
    std::uint64_t keys = 0;  ///< not revoked
    std::uint64_t tunnels_created = 0;
    std::uint64_t requests = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    wall_time created_at{};
    std::optional<std::string> invited_by;  ///< email; empty text: the edge's owner
    std::vector<std::string> invited;       ///< emails
};

outcome<account_details> show_user(const std::filesystem::path& folder, const std::string& user);
/// A disabled account's password and keys are refused and its tunnels end; nothing of it is lost.
outcome<account_details> disable_user(const std::filesystem::path& folder, const std::string& user, bool disabled);
/// Errors: usage.
outcome<account_details> set_user_plan(const std::filesystem::path& folder, const std::string& user,
                                       const std::string& plan);
/// Errors: usage.
outcome<account_details> rename_user(const std::filesystem::path& folder, const std::string& user,
                                     const std::string& name);
/// The password alone signs in again. Errors: usage (it was not on).
outcome<account_details> turn_off_two_factor(const std::filesystem::path& folder, const std::string& user);
/// With its account, keys, names, tunnels and invitations. Returns what it was.
outcome<account_details> remove_user(const std::filesystem::path& folder, const std::string& user);

struct reset_link {
    std::string email;
    secret url;  ///< works once, for an hour; links that were made before do not work any more
    wall_time expires_at{};
};

/// A link with which somebody chooses a new password. `server`: base of the API in it; empty: where the edge on this
/// data was reached last. Errors: usage (no edge has served this data, and no server was named).
outcome<reset_link> make_reset_link(const std::filesystem::path& folder, const std::string& user,
                                    const std::string& server);

struct invitation_wish {
    std::string plan;  ///< of who comes; empty: the edge's default
    std::uint64_t credit = 0;
    std::string inviter;  ///< user in whose name it is; empty: the edge's owner
    std::string inviter_plan;
    std::uint64_t inviter_credit = 0;
    std::uint64_t uses = 1;
    std::chrono::seconds life{30 * 24 * 60 * 60};
};

struct new_invitation {
    std::string id;
    secret code;  ///< shown this once
    wall_time expires_at{};
};

struct invitation_row {
    std::string id;
    std::string inviter;  ///< email; empty: the edge's owner
    std::string plan;
    std::uint64_t credit = 0;
    std::string inviter_plan;
    std::uint64_t inviter_credit = 0;
    std::uint64_t uses = 0;
    std::uint64_t uses_allowed = 0;
    wall_time created_at{};
    wall_time expires_at{};
};

/// Errors: usage (plan, uses, credit or life out of range; something for an inviter and no inviter).
outcome<new_invitation> invite(const std::filesystem::path& folder, const invitation_wish& wish);
/// Neither revoked nor expired, oldest first.
outcome<std::vector<invitation_row>> list_invitations(const std::filesystem::path& folder);
outcome<void> revoke_invitation(const std::filesystem::path& folder, const std::string& id);

}  // namespace instatunnel::service
