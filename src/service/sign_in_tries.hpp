#pragma once

#include "call_limits.hpp"
#include "instatunnel/store/store.hpp"
#include "tuning.hpp"

namespace instatunnel::service {

/// Counts the refused sign-ins of the last minute, which the audit log knows, so that a restart gives nobody further
/// tries. Once, before the first call. Errors: store_failed.
outcome<void> restore_sign_in_tries(store::store& data, call_limits& limits, const tuning& t);

}  // namespace instatunnel::service
