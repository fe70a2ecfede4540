#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "instatunnel/service/service.hpp"

namespace instatunnel::service {

/// As the store keeps what visitors of the tunnel `name` are asked for; empty when that is nothing.
std::string seal_access(const secret& pepper, std::string_view name, const secret& password, const secret& basic);
/// Nullopt: not sealed by this edge, or for another tunnel.
std::optional<visitor_secrets> unseal_access(const secret& pepper, std::string_view name, std::string_view sealed);

/// The number in "#4711"; nullopt for other text.
std::optional<std::uint64_t> tunnel_number(std::string_view text);

}  // namespace instatunnel::service
