#pragma once

#include <string>

#include "instatunnel/store/store.hpp"

namespace instatunnel::service {

/// The user with this address, in any letter case. Errors: usage (no address), not_found, store_failed.
outcome<store::user> find_user_by_email(store::store& data, const std::string& email);

}  // namespace instatunnel::service
