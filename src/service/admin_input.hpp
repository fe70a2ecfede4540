#pragma once

#include <string>

#include "instatunnel/base/error.hpp"
#include "instatunnel/store/store.hpp"

/// What commands of the edge's owner check before they change anything. All errors tell what to type instead.
namespace instatunnel::service {

/// Errors: usage.
outcome<void> check_plan(const std::string& plan);
outcome<void> check_display_name(const std::string& name);

/// By email or id. Errors: not_found, store_failed.
outcome<store::user> find_account(store::store& data, const std::string& email_or_id);

}  // namespace instatunnel::service
