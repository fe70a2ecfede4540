#pragma once

#include <span>
#include <string>

#include "instatunnel/base/error.hpp"

namespace instatunnel::cli {

/// The permissions a key holds, for a person: "tunnels:*" for a group that is held whole, so that the list of an
/// ordinary key fits a line; "none" for an empty list.
std::string permissions_text(std::span<const std::string> held);

/// A permission that a key may be given: one of the sixteen, "group:*" or "*". Errors: usage, with the nearest name.
outcome<void> check_permission(const std::string& name);

}  // namespace instatunnel::cli
