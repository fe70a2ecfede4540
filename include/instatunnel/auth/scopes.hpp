#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace instatunnel::auth {

/// What an access token for a tunnel's address gives, and all that it gives: to call the MCP server behind it. Keys
/// never hold it; it is none of the sixteen.
inline constexpr std::string_view mcp_scope = "mcp:call";

/// The sixteen scopes a key can hold, in the order of the documents.
std::span<const std::string_view> all_scopes() noexcept;
/// The same as a list that a key owns: what signing in gives.
std::vector<std::string> full_scope_set();

/// One of the sixteen, `group:*` of one of their groups, or `*`.
bool is_scope_pattern(std::string_view text) noexcept;
/// Whether one held pattern (`tunnels:*`) gives a scope (`tunnels:read`).
bool covers(std::string_view pattern, std::string_view scope) noexcept;
/// Whether the held patterns together give a scope.
bool grants(std::span<const std::string> held, std::string_view scope) noexcept;

/// The first scope that `wanted` (any pattern) would give and `held` does not; nullopt if none: then a key with
/// `held` may hand out `wanted`.
std::optional<std::string_view> first_missing(std::span<const std::string> held, std::string_view wanted) noexcept;

/// "a:b,c:d" or "a:b c:d", or both mixed: each once, in their order; patterns are allowed. nullopt: one is not known,
/// or there are more than 32.
std::optional<std::vector<std::string>> parse_scopes(std::string_view text);

}  // namespace instatunnel::auth
