#pragma once

#include <filesystem>

#include "audit_log.hpp"
#include "instatunnel/service/service.hpp"
#include "keyring.hpp"

namespace instatunnel::service {

/// The user of a dev edge, kept in FOLDER/dev.json (0600). A file that is missing or whose key does not work any more
/// is written anew, with a new key and password for the same user. On the service's thread.
/// Errors: file_permission (the file is open to others), file_io, store_failed.
outcome<first_user> settle_first_user(const std::filesystem::path& folder, store::store& target, keyring& keys,
                                      audit_log& audit, const tuning& t);

}  // namespace instatunnel::service
