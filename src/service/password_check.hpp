#pragma once

#include <functional>
#include <string>

#include "call_guard.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::service {

/// The account of `email` if the password is right. The time says nothing about whether there is one. Calls `done`
/// later, on the service's thread, unless a limit refused the call: then it has been answered. Errors: wrong_password,
/// account_disabled, busy, store_failed. Wrong tries are in the audit log.
void check_password(const api_parts& parts, call_guard& guard, const call_ptr& c, const std::string& email,
                    secret password, std::function<void(outcome<store::user>)> done);

}  // namespace instatunnel::service
