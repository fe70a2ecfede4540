#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/error.hpp"

/// Plans: what the owner of an edge lets the accounts of each do.
namespace instatunnel::service {

inline constexpr std::array<std::string_view, 3> plan_names{"free", "pro", "business"};

bool is_plan(std::string_view name) noexcept;

/// What one plan allows. nullopt: the plan sets no limit, those of the edge itself still hold. This is what an edge
/// starts with: everything.
struct plan_rules {
    std::string name;
    std::optional<std::uint64_t> tunnels;           ///< at once
    std::optional<std::uint64_t> names;             ///< that the account asked for and keeps
    std::optional<std::uint64_t> calls_per_minute;  ///< of the API, all keys of an account together
    bool mcp = true;
    bool custom_domains = true;
};

// What the owner does from the edge's machine, directly on the data folder; a running edge follows within 2 s.
// All can fail with file_missing (no data in the folder), store_failed, file_permission.

std::vector<std::string_view> plan_rule_words();

/// In the order of plan_names.
outcome<std::vector<plan_rules>> list_plans(const std::filesystem::path& folder);
/// `settings` are like "tunnels=3", "names=unlimited", "mcp=no"; all are taken or none. Errors: usage.
outcome<plan_rules> set_plan(const std::filesystem::path& folder, const std::string& plan,
                             const std::vector<std::string>& settings);
/// Back to what an edge starts with. Errors: usage (no such plan).
outcome<plan_rules> reset_plan(const std::filesystem::path& folder, const std::string& plan);

}  // namespace instatunnel::service
